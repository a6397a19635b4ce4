//! What one place in a query keeps between rows: the models that it is given as values, bound to its arguments.

use std::collections::HashMap;

use pgrx::pg_sys::{self, Datum, NullableDatum};
use tablenet_core::{Error, ErrorKind, Result};

use super::{Deref, file};
use crate::arguments::Arguments;
use crate::cache::Digest;
use crate::kept::Site;
use crate::ready::{Answer, Ready, Rows, Scoring};
use crate::{datum, guc, lookup};

/// The state of a place where models are values.
pub struct ValueSite {
    rows: Rows,
    deref: Deref,
    /// The model of the row before, nearly always that of the next.
    current: Option<(Digest, Box<Ready>)>,
    /// Other models that this call site has used.
    others: HashMap<Digest, Box<Ready>>,
    /// The bytes of all models above.
    bytes: usize,
}

impl Site for ValueSite {
    unsafe fn new(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self> {
        // SAFETY: by contract.
        let rows = unsafe { Rows::of(flinfo, nargs)? };
        if let Arguments::Row { .. } = rows.arguments() {
            return Err(row());
        }
        Ok(Self {
            rows,
            deref: Deref::default(),
            current: None,
            others: HashMap::new(),
            bytes: 0,
        })
    }
}

impl Scoring for ValueSite {
    /// `value` is of type tablenet.model.
    #[inline]
    unsafe fn score(
        &mut self,
        value: Datum,
        values: &[NullableDatum],
        answer: impl Answer,
    ) -> Result<Option<Datum>> {
        // SAFETY: by contract.
        let digest = unsafe { self.deref.digest(value)? };
        if !matches!(&self.current, Some((current, _)) if *current == digest) {
            // SAFETY: by contract.
            unsafe { self.find(value, digest, values)? };
        }
        let Self {
            current: Some((_, ready)),
            rows,
            ..
        } = self
        else {
            return Ok(None);
        };
        // SAFETY: by contract.
        unsafe { ready.score(rows, values, answer) }
    }
}

impl ValueSite {
    /// Makes the model of this value the current one.
    ///
    /// # Safety
    /// `value` is of type tablenet.model and has this digest; `values` are the features of the call in progress.
    #[cold]
    unsafe fn find(
        &mut self,
        value: Datum,
        digest: Digest,
        values: &[NullableDatum],
    ) -> Result<()> {
        if let Some((before, ready)) = self.current.take() {
            self.others.insert(before, ready);
        }
        if let Some(ready) = self.others.remove(&digest) {
            self.current = Some((digest, ready));
            return Ok(());
        }
        // SAFETY: by contract.
        let scorer = lookup::cached(digest, || file(unsafe { datum::bytes(value) }))?;
        let what = format!("the model of \"{}\"", scorer.target_names().join("\", \""));
        // SAFETY: by contract.
        let ready = unsafe { Ready::bind(what, scorer, &mut self.rows, values)? };
        if ready.reads_enum() {
            return Err(label());
        }
        let bytes = ready.bytes();
        if self.bytes.saturating_add(bytes) > guc::cache_size() {
            self.others.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.current = Some((digest, Box::new(ready)));
        Ok(())
    }
}

/// What columns a row has, and which labels an enum, can change: the answer to the same arguments must not.
fn row() -> Error {
    Error::new(
        ErrorKind::NotSupported,
        "a model that is a value cannot score a whole row here",
    )
    .detail("It can where the planner takes the row apart: a row of a table, a view or a subquery that no outer join can leave out, with at most 98 columns.")
    .hint("Write to_jsonb(row), or name the columns: ml_predict(model, '{area,rooms}'::name[], area, rooms).")
}

fn label() -> Error {
    Error::new(
        ErrorKind::NotSupported,
        "a model that is a value cannot score an enum",
    )
    .detail("The labels of an enum can be renamed, and the answer to the same arguments must not change.")
    .hint("Cast it to text, or write to_jsonb(row); a model by its name takes enums.")
}
