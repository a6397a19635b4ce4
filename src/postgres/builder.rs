//! tablenet.layer and tablenet.sequential, which ml_dense() and its siblings of sql/builders.sql call.

use pgrx::pg_sys::Datum;
use serde_json::{Map, Value};
use tablenet_core::{Error, ErrorKind, Result, Sequential, describe_layer};

use crate::datum;
use crate::entry::{Call, entry};

entry!(tablenet_layer, pg_finfo_tablenet_layer, layer);
entry!(
    tablenet_sequential,
    pg_finfo_tablenet_sequential,
    sequential
);

/// One layer, checked.
fn layer(call: &Call) -> Result<Datum> {
    let class = call.required_text(0, "class_name")?;
    let settings = match call.json(1, "settings")? {
        None => Map::new(),
        Some(Value::Object(settings)) => settings,
        Some(_) => {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("the settings of {class} must be a JSON object"),
            ));
        }
    };
    Ok(datum::jsonb(&describe_layer(&class, &settings)?))
}

/// The whole Sequential of a list of layers.
fn sequential(call: &Call) -> Result<Datum> {
    let layers = call.json(0, "layers")?.unwrap_or_default();
    Ok(datum::jsonb(&Sequential::from_json(&layers)?.to_json()))
}
