//! The hint where an array that may be NULL has one input more than its layers take.

use crate::encoder::{Encoding, Preprocessing};
use crate::{Error, Sequential};
use serde_json::json;

/// Says of an error about `layers` that NULLs in arrays brought it about, if the layers take the rows without their inputs.
pub(super) fn with_missing_inputs(
    error: Error,
    layers: &Sequential,
    preprocessing: &Preprocessing,
) -> Error {
    let inputs = preprocessing.inputs();
    let names: Vec<&str> = preprocessing
        .features
        .iter()
        .filter(|feature| matches!(feature.encoding, Encoding::Vector { missing: true, .. }))
        .map(|feature| feature.name.as_str())
        .collect();
    let width = inputs.width.saturating_sub(names.len());
    let stated = layers.inputs.is_none_or(|stated| stated.width() == width);
    if names.is_empty() || !inputs.embeddings.is_empty() || !stated {
        return error;
    }
    if layers.summary(width).is_err() {
        return error;
    }
    let settings: serde_json::Map<_, _> = names
        .iter()
        .map(|&name| (name.to_owned(), json!({"indicator": false})))
        .collect();
    let added = names.iter().map(|name| format!("\"{name} is missing\""));
    error.hint(format!(
        "Arrays that are NULL have an input of their own, {}: preprocess => '{}' leaves it out.",
        added.collect::<Vec<_>>().join(", "),
        serde_json::Value::Object(settings)
    ))
}
