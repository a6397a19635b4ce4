//! ml_export and ml_export_sql: a model on its way out.

use pgrx::pg_sys::Datum;
use tablenet_core::{Error, ErrorKind, Format, Result};

use crate::catalog::rights::Privilege;
use crate::catalog::{self, ModelName};
use crate::entry::{Call, entry};
use crate::interrupt::Interrupts;
use crate::{datum, guc, lookup};

entry!(tablenet_export, pg_finfo_tablenet_export, export);
entry!(
    tablenet_export_sql,
    pg_finfo_tablenet_export_sql,
    export_sql
);

/// The longest bytea and text.
const LONGEST: usize = (1 << 30) - 5;

/// The model in a format. Whoever may predict with a model may keep a copy of it, as `ml_model` gives one, too.
fn export(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let format = Format::parse(&call.required_text(1, "format")?)?;
    let stored = catalog::find(&name, Privilege::Predict)?;
    let mut interrupts = Interrupts::new();
    let bytes = match format {
        // As it was stored, to the last byte.
        Format::Tablenet => {
            let memory = guc::work_mem().max(stored.file.size);
            catalog::read(&name, &stored, memory, &mut interrupts)?
        }
        format => lookup::file(&name, &stored)?.export(format, &mut interrupts)?,
    };
    check_length(bytes.len())?;
    Ok(datum::bytea(&bytes))
}

/// The model as a function of plain SQL, which is called as the model.
fn export_sql(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let stored = catalog::find(&name, Privilege::Predict)?;
    let file = lookup::file(&name, &stored)?;
    let function = ModelName::parse(&name)?.name;
    let statement = file.export_sql(function, &mut Interrupts::new())?;
    check_length(statement.len())?;
    Ok(datum::text_datum(&statement))
}

fn check_length(length: usize) -> Result<()> {
    if length <= LONGEST {
        return Ok(());
    }
    let message = format!("the file has {length} bytes, a value has up to {LONGEST}");
    Err(Error::new(ErrorKind::LimitExceeded, message))
}
