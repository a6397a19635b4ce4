//! ml_rename: a model gets another name; versions and grants stay with it.

use pgrx::pg_sys::{self, Datum};
use tablenet_core::{Result, check_model_name};

use crate::catalog::rights::{self, Privilege};
use crate::catalog::{ModelRow, name_lock};
use crate::datum;
use crate::entry::{Call, entry, refuse_if_read_only};
use crate::fixed::{Fixed, connected};

entry!(tablenet_rename, pg_finfo_tablenet_rename, rename);

thread_local! {
    static TAKEN: Fixed = const { Fixed::new(
        c"SELECT model_id FROM tablenet.stored_model WHERE name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    static RENAME: Fixed = const { Fixed::new(
        c"UPDATE tablenet.stored_model SET name = $2 WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID, pg_sys::TEXTOID],
    ) };
}

fn rename(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let new_name = call.required_text(1, "new_name")?;
    check_model_name(&new_name)?;
    refuse_if_read_only(c"ml_rename()");
    // Who is refused waits for nobody.
    connected(|| {
        ModelRow::check(&name, Privilege::Own)?;
        check_free(&new_name)
    })?;
    // Whoever makes a model of this name holds it, so nobody comes between the look and the change. Where this
    // transaction itself has freed the name, nobody else can make one, and a training that goes on has its model's key.
    name_lock::take(&new_name)?;
    connected(|| {
        let model = ModelRow::lock(&name, Privilege::Own)?;
        check_free(&new_name)?;
        let new = Some(datum::text_datum(&new_name));
        RENAME
            .with(|statement| statement.write(&[Some(model.model_id), new]))
            .map(drop)
    })?;
    // Returns void.
    Ok(Datum::null())
}

/// Refuses a name that a model has, whosever it is.
fn check_free(new_name: &str) -> Result<()> {
    let new = Some(datum::text_datum(new_name));
    let taken = TAKEN.with(|statement| statement.latest(&[new]))?;
    if taken.count() > 0 {
        return Err(rights::taken(new_name));
    }
    Ok(())
}
