//! ml_history, ml_summary and ml_feature_info: what a training logged, what the network looks like, and what was learned of the
//! columns.

use pgrx::IntoDatum;
use pgrx::pg_sys::Datum;
use serde_json::{Map, Value};
use tablenet_core::{Error, ErrorKind, Result};

use crate::catalog::rights::Privilege;
use crate::entry::{Call, entry};
use crate::{catalog, datum, lookup, rows};

entry!(tablenet_history, pg_finfo_tablenet_history, history);
entry!(tablenet_summary, pg_finfo_tablenet_summary, summary);
entry!(
    tablenet_feature_info,
    pg_finfo_tablenet_feature_info,
    feature_info
);

/// One row per epoch.
fn history(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let stored = catalog::history(&catalog::find(&name, Privilege::Predict)?)?;
    let damaged = || {
        Error::new(
            ErrorKind::Damaged,
            format!("the history of model \"{name}\" is damaged"),
        )
    };
    let history: Value = serde_json::from_str(&stored).map_err(|_| damaged())?;
    let epochs = history
        .get("epochs")
        .and_then(Value::as_array)
        .ok_or_else(damaged)?;
    rows::many(
        call,
        epochs.iter().map(|logs| {
            let number = |key: &str| {
                logs.get(key)
                    .and_then(Value::as_f64)
                    .and_then(IntoDatum::into_datum)
            };
            vec![
                logs.get("epoch")
                    .and_then(Value::as_i64)
                    .and_then(|epoch| i32::try_from(epoch).ok())
                    .into_datum(),
                number("loss"),
                number("val_loss"),
                Some(datum::jsonb(&named(logs.get("metrics")))),
                Some(datum::jsonb(&named(logs.get("val_metrics")))),
                number("seconds"),
            ]
        }),
    )
}

/// The core logs metrics as pairs in their order; SQL reads them by name.
fn named(pairs: Option<&Value>) -> Value {
    let pairs = pairs.and_then(Value::as_array).into_iter().flatten();
    let named =
        pairs.filter_map(|pair| Some((pair.get(0)?.as_str()?.to_string(), pair.get(1)?.clone())));
    Value::Object(named.collect::<Map<_, _>>())
}

/// One row per layer.
fn summary(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let file = lookup::file(&name, &catalog::find(&name, Privilege::Predict)?)?;
    let layers = file.summary()?;
    rows::many(
        call,
        layers.iter().map(|layer| {
            let shape: Vec<i32> = layer
                .output_shape
                .iter()
                .map(|&width| width as i32)
                .collect();
            vec![
                Some(datum::text_datum(&layer.name)),
                Some(datum::text_datum(layer.class_name)),
                layer.activation.as_deref().map(datum::text_datum),
                shape.into_datum(),
                (layer.parameters as i64).into_datum(),
            ]
        }),
    )
}

/// One row per feature, per difference of two, and per target.
fn feature_info(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let file = lookup::file(&name, &catalog::find(&name, Privilege::Predict)?)?;
    let number = |value: Option<f64>| value.and_then(IntoDatum::into_datum);
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).into_datum();
    rows::many(
        call,
        file.feature_info().iter().map(|info| {
            // The word that the model file has for it.
            let column_type = serde_json::to_value(info.column_type).unwrap_or_default();
            vec![
                Some(datum::text_datum(&info.name)),
                Some(datum::text_datum(info.role)),
                column_type.as_str().map(datum::text_datum),
                Some(datum::text_datum(&info.encoding)),
                info.scaling.as_deref().map(datum::text_datum),
                number(info.min),
                number(info.max),
                number(info.mean),
                number(info.median),
                number(info.stddev),
                info.distinct.and_then(count),
                count(info.nulls),
                info.sampled.into_datum(),
                Some(datum::text_array(&info.inputs)),
            ]
        }),
    )
}
