//! What one place in a query keeps between rows: the models it uses by name, bound to its arguments.

use std::collections::HashMap;

use pgrx::pg_sys::{self, Datum, NullableDatum};
use tablenet_core::Result;

use crate::cache::Digest;
use crate::catalog::rights::Privilege;
use crate::kept::Site;
use crate::ready::{Answer, Ready, Rows, Scoring};
use crate::statement::{Statement, under_snapshot};
use crate::{arguments, catalog, datum, guc, lookup};

/// The state of a place where models are named.
pub struct CallSite {
    rows: Rows,
    /// The name is a constant of the query, so that it need not be looked at again.
    one_name: bool,
    /// The model of the row before, nearly always that of the next.
    current: Option<Box<Bound>>,
    /// Other models that this call site has used, for a name that varies from row to row.
    others: HashMap<Vec<u8>, Box<Bound>>,
    /// The bytes of all models above.
    bytes: usize,
}

/// A model found by its name.
struct Bound {
    /// In the encoding of the database, as the argument brings it.
    name: Vec<u8>,
    digest: Digest,
    /// The last statement that found this model under this name and may use it.
    statement: Option<Statement>,
    ready: Ready,
}

impl Site for CallSite {
    unsafe fn new(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self> {
        // SAFETY: by contract.
        unsafe {
            Ok(Self {
                rows: Rows::of(flinfo, nargs)?,
                one_name: arguments::constant(flinfo, 0).is_some(),
                current: None,
                others: HashMap::new(),
                bytes: 0,
            })
        }
    }
}

impl Scoring for CallSite {
    /// `name` is the text that names the model.
    #[inline]
    unsafe fn score(
        &mut self,
        name: Datum,
        values: &[NullableDatum],
        answer: impl Answer,
    ) -> Result<Option<Datum>> {
        let statement = Statement::current();
        let ready = |bound: &Bound| {
            statement.is_some()
                && bound.statement == statement
                // SAFETY: by contract.
                && (self.one_name || bound.name == unsafe { datum::bytes(name) })
        };
        if !self.current.as_deref().is_some_and(ready) {
            // SAFETY: by contract.
            unsafe {
                let wanted = datum::bytes(name);
                under_snapshot(statement, || self.find(name, wanted, statement, values))?;
            }
        }
        let Self {
            current: Some(bound),
            rows,
            ..
        } = self
        else {
            return Ok(None);
        };
        // SAFETY: by contract.
        unsafe { bound.ready.score(rows, values, answer) }
    }
}

impl CallSite {
    /// Makes the model of this name the current one, checked for this statement.
    ///
    /// # Safety
    /// `name` is text, which is `wanted`, and `values` are the features of the call in progress.
    #[cold]
    unsafe fn find(
        &mut self,
        name: Datum,
        wanted: &[u8],
        statement: Option<Statement>,
        values: &[NullableDatum],
    ) -> Result<()> {
        if self
            .current
            .as_ref()
            .is_some_and(|bound| bound.name != wanted)
            && let Some(before) = self.current.take()
        {
            self.others.insert(before.name.clone(), before);
        }
        if self.current.is_none() {
            self.current = self.others.remove(wanted);
        }
        if self
            .current
            .as_ref()
            .is_some_and(|bound| statement.is_some() && bound.statement == statement)
        {
            return Ok(());
        }
        // SAFETY: by contract.
        let text = unsafe { datum::text(name)? };
        let stored = catalog::find(text, Privilege::Predict)?;
        if let Some(bound) = &mut self.current {
            if bound.digest == stored.file.sha256 {
                if bound.ready.reads_enum() {
                    // SAFETY: by contract.
                    unsafe { bound.ready.rebind(&mut self.rows, values)? };
                }
                bound.statement = statement;
                return Ok(());
            }
            self.bytes -= bound.ready.bytes();
            self.current = None;
        }
        let scorer = lookup::scorer(text, &stored)?;
        let what = format!("model \"{text}\"");
        // SAFETY: by contract.
        let ready = unsafe { Ready::bind(what, scorer, &mut self.rows, values)? };
        let bytes = ready.bytes();
        if self.bytes.saturating_add(bytes) > guc::cache_size() {
            self.others.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.current = Some(Box::new(Bound {
            name: wanted.to_vec(),
            digest: stored.file.sha256,
            statement,
            ready,
        }));
        Ok(())
    }
}
