//! ml_drop: a model goes, with all its versions.

use pgrx::pg_sys::{self, Datum};
use tablenet_core::Result;

use crate::catalog;
use crate::entry::{Call, entry};

entry!(tablenet_drop, pg_finfo_tablenet_drop, drop_model);

fn drop_model(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    // SAFETY: the name is a literal.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"ml_drop()".as_ptr()) };
    catalog::drop_model(&name)?;
    // Returns void.
    Ok(Datum::null())
}
