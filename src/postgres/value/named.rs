//! `ml_model(name)`: a model by its name, as a value.

use pgrx::pg_sys::{self, Datum};
use tablenet_core::Result;

use super::make;
use crate::catalog::rights::Privilege;
use crate::entry::{Call, entry};
use crate::kept::Site;
use crate::statement::{Statement, under_snapshot};
use crate::{catalog, lookup};

entry!(tablenet_model, pg_finfo_tablenet_model, model);

/// The value that a statement has been given last: asked for with every row, it is the same for the same name.
struct Given {
    name: String,
    statement: Option<Statement>,
    value: Option<Datum>,
    context: pg_sys::MemoryContext,
}

impl Site for Given {
    unsafe fn new(flinfo: *mut pg_sys::FmgrInfo, _nargs: usize) -> Result<Self> {
        Ok(Self {
            name: String::new(),
            statement: None,
            value: None,
            // SAFETY: by contract.
            context: unsafe { (*flinfo).fn_mcxt },
        })
    }
}

fn model(call: &Call) -> Result<Datum> {
    let Some(name) = call.text(0)? else {
        return Ok(call.null());
    };
    // SAFETY: a call in progress.
    let given = unsafe { Given::of((*call.info()).flinfo, 1)? };
    let statement = Statement::current();
    if let Some(value) = given.value
        && statement.is_some()
        && given.statement == statement
        && given.name == name
    {
        return Ok(value);
    }
    if let Some(before) = given.value.take() {
        // SAFETY: made below in the context of the call site, and of another statement or name.
        unsafe { pg_sys::pfree(before.cast_mut_ptr()) };
    }
    let (bytes, digest) = under_snapshot(statement, || {
        let stored = catalog::find(&name, Privilege::Predict)?;
        Ok((lookup::bytes(&name, &stored)?, stored.file.sha256))
    })?;
    // SAFETY: the context is that of the call site, which outlives the value.
    let before = unsafe { pg_sys::MemoryContextSwitchTo(given.context) };
    let value = make(&bytes, &digest);
    // SAFETY: the context that was current.
    unsafe { pg_sys::MemoryContextSwitchTo(before) };
    let value = value?;
    given.value = Some(value);
    given.name = name;
    given.statement = statement;
    Ok(value)
}
