//! What one place in a query keeps between rows: the models it uses, bound to its arguments.

use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, NullableDatum};
use tablenet_core::{Result, Row, Scorer, Scratch, Value};

use crate::arguments::Arguments;
use crate::cache::Digest;
use crate::catalog::rights::Privilege;
use crate::source::Source;
use crate::statement::Statement;
use crate::whole_row::Layout;
use crate::{arguments, catalog, datum, guc, lookup};

/// The state behind `fn_extra`. PostgreSQL frees it with the memory context of the expression.
pub struct CallSite {
    arguments: Arguments,
    /// The name is a constant of the query, so that it need not be looked at again.
    one_name: bool,
    /// The model of the row before, nearly always that of the next.
    current: Option<Box<Bound>>,
    /// Other models that this call site has used, for a name that varies from row to row.
    others: HashMap<Vec<u8>, Box<Bound>>,
    /// The bytes of all models above.
    bytes: usize,
    layout: Option<Layout>,
    /// Columns that are no features have been listed.
    told: bool,
    context: pg_sys::MemoryContext,
    reset: pg_sys::MemoryContextCallback,
}

/// A model ready to score the arguments of one call site.
struct Bound {
    /// In the encoding of the database, as the argument brings it.
    name: Vec<u8>,
    text: String,
    digest: Digest,
    /// The last statement that found this model under this name and may use it.
    statement: Option<Statement>,
    scorer: Rc<Scorer>,
    source: Source,
    row: Vec<Value<'static>>,
    buffers: Buffers,
}

/// What scoring a row needs beyond the model, made once.
pub struct Buffers {
    /// The core's own.
    pub scratch: Scratch,
    /// For answers of several numbers.
    pub numbers: Vec<f32>,
    /// For answers that are put together as text.
    pub text: Vec<u8>,
}

/// What is asked of a model for each row.
pub trait Answer {
    /// Scores `row`.
    fn give<'v>(self, scorer: &Scorer, row: impl Row<'v>, buffers: &mut Buffers) -> Result<Datum>;
}

impl CallSite {
    /// The state of the call site that `flinfo` stands for, made with its first call.
    ///
    /// # Safety
    /// `flinfo` is that of the call in progress with `nargs` arguments; nobody else holds its state.
    #[inline]
    pub unsafe fn of<'s>(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<&'s mut Self> {
        // SAFETY: `fn_extra` belongs to this function: null, or what `new` left there.
        unsafe {
            if (*flinfo).fn_extra.is_null() {
                (*flinfo).fn_extra = Self::new(flinfo, nargs)?.cast();
            }
            Ok(&mut *(*flinfo).fn_extra.cast::<Self>())
        }
    }

    /// # Safety
    /// As for [`CallSite::of`].
    #[cold]
    unsafe fn new(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<*mut Self> {
        // SAFETY: `flinfo` is valid. The callback and its argument live until the context runs it, once.
        unsafe {
            let context = (*flinfo).fn_mcxt;
            let site = Box::new(Self {
                arguments: Arguments::of(flinfo, nargs)?,
                one_name: arguments::constant(flinfo, 0).is_some(),
                current: None,
                others: HashMap::new(),
                bytes: 0,
                layout: None,
                told: false,
                context,
                reset: pg_sys::MemoryContextCallback {
                    func: Some(free),
                    ..Default::default()
                },
            });
            let site = Box::into_raw(site);
            (*site).reset.arg = site.cast();
            pg_sys::MemoryContextRegisterResetCallback(context, &raw mut (*site).reset);
            Ok(site)
        }
    }

    /// Scores one row with the model named by `name`; `None` if there is no row to score.
    ///
    /// # Safety
    /// `name` is text and `values` are the features of the call in progress.
    #[inline]
    pub unsafe fn score(
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
            // SAFETY: by contract. Where no snapshot is active, one is for as long as the catalog is read.
            unsafe {
                let wanted = datum::bytes(name);
                if statement.is_none() {
                    pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
                }
                self.find(name, wanted, statement, values)?;
                if statement.is_none() {
                    pg_sys::PopActiveSnapshot();
                }
            }
        }
        let Self {
            current: Some(bound),
            layout,
            told,
            context,
            ..
        } = self
        else {
            return Ok(None);
        };
        let Bound {
            text,
            scorer,
            source,
            row: buffer,
            buffers,
            ..
        } = &mut **bound;
        if let Source::Direct(direct) = source {
            return answer.give(scorer, direct.row(values), buffers).map(Some);
        }
        // The buffer holds nothing between calls, so only the lifetime of what it could hold changes.
        let mut row: Vec<Value<'_>> = recycle(std::mem::take(buffer));
        row.resize(scorer.features().len(), Value::Null);
        // SAFETY: by contract; the context of the call site outlives the layout.
        let found = unsafe {
            source.read(
                values,
                text,
                scorer.features(),
                (layout, told),
                *context,
                &mut row,
            )?
        };
        let result = if found {
            Some(answer.give(scorer, &row, buffers)?)
        } else {
            None
        };
        *buffer = recycle(row);
        Ok(result)
    }

    /// Makes the model of this name the current one, checked for this statement.
    ///
    /// # Safety
    /// As for [`CallSite::score`].
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
                if bound.source.reads_enum() {
                    let features = bound.scorer.features();
                    // SAFETY: by contract.
                    bound.source = unsafe {
                        Source::bind(&self.arguments, values, text, features, &mut self.told)?
                    };
                }
                bound.statement = statement;
                return Ok(());
            }
            self.bytes -= bound.scorer.bytes();
            self.current = None;
        }
        let scorer = lookup::scorer(text, &stored)?;
        // SAFETY: by contract.
        let source = unsafe {
            Source::bind(
                &self.arguments,
                values,
                text,
                scorer.features(),
                &mut self.told,
            )?
        };
        let bytes = scorer.bytes();
        if self.bytes.saturating_add(bytes) > guc::cache_size() {
            self.others.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.current = Some(Box::new(Bound {
            name: wanted.to_vec(),
            text: text.to_string(),
            digest: stored.file.sha256,
            statement,
            row: Vec::with_capacity(scorer.features().len()),
            buffers: Buffers {
                scratch: scorer.scratch()?,
                numbers: Vec::new(),
                text: Vec::new(),
            },
            source,
            scorer,
        }));
        Ok(())
    }
}

/// An empty vector with the allocation of `row`, free to hold values of another lifetime.
fn recycle<'a>(mut row: Vec<Value<'_>>) -> Vec<Value<'a>> {
    row.clear();
    let mut row = std::mem::ManuallyDrop::new(row);
    // SAFETY: pointer and capacity come from a vector of the same type but for a lifetime, and it holds no value.
    unsafe { Vec::from_raw_parts(row.as_mut_ptr().cast(), 0, row.capacity()) }
}

/// Called by PostgreSQL when the memory context of a call site goes. It touches Rust's memory only.
unsafe extern "C-unwind" fn free(site: *mut c_void) {
    // SAFETY: `site` is the box that `CallSite::new` gave away; the context runs this once.
    drop(unsafe { Box::from_raw(site.cast::<CallSite>()) });
}
