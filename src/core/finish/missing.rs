//! What is said where an array that may be NULL has one input more than its layers take.

use crate::config::invalid;
use crate::encoder::{Encoding, Number, Preprocessing};
use crate::{Error, InputShape, Result, Sequential};
use serde_json::json;

/// Says of an error about `layers` that NULLs in arrays brought it about, if the layers take the rows without their inputs.
pub(super) fn with_missing_inputs(
    error: Error,
    layers: &Sequential,
    preprocessing: &Preprocessing,
) -> Error {
    let inputs = preprocessing.inputs();
    let names = missing(preprocessing, |encoding| {
        matches!(encoding, Encoding::Vector { missing: true, .. })
    });
    let width = inputs.width.saturating_sub(names.len());
    let stated = layers.inputs.is_none_or(|stated| stated.of(width).is_ok());
    if names.is_empty() || !inputs.embeddings.is_empty() || !stated {
        return error;
    }
    if layers.summary(width).is_err() {
        return error;
    }
    error.hint(hint("Arrays", &names))
}

/// Layers that take as many steps as there are would take an input that says what is missing for one of them.
///
/// # Errors
/// InvalidParameter that names the input.
pub(super) fn check_open(layers: &Sequential, preprocessing: &Preprocessing) -> Result<()> {
    let open = |stated: &InputShape| stated.known().is_none() && !stated.is_any_row();
    let Some(stated) = layers.inputs.filter(open) else {
        return Ok(());
    };
    let names = missing(preprocessing, |encoding| {
        matches!(
            encoding,
            Encoding::Vector { missing: true, .. }
                | Encoding::Number(Number { missing: true, .. })
                | Encoding::Boolean { missing: true, .. }
        )
    });
    let Some(first) = names.first() else {
        return Ok(());
    };
    Err(invalid(format!(
        "input \"{first} is missing\" has no place in rows of shape {stated}"
    ))
    .hint(hint("Columns", &names)))
}

/// The features whose encoding has an input more.
fn missing(preprocessing: &Preprocessing, has: impl Fn(&Encoding) -> bool) -> Vec<&str> {
    let features = preprocessing.features.iter();
    let features = features.filter(|feature| has(&feature.encoding));
    features.map(|feature| feature.name.as_str()).collect()
}

fn hint(what: &str, names: &[&str]) -> String {
    let settings: serde_json::Map<_, _> = names
        .iter()
        .map(|&name| (name.to_owned(), json!({"indicator": false})))
        .collect();
    let added = names.iter().map(|name| format!("\"{name} is missing\""));
    format!(
        "{what} that are NULL have an input of their own, {}: preprocess => '{}' leaves it out.",
        added.collect::<Vec<_>>().join(", "),
        serde_json::Value::Object(settings)
    )
}
