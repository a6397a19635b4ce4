//! The JSON inside a model file, and the header around it.

use super::FORMAT;
use crate::canonical::canonical;
use crate::encoder::Preprocessing;
use crate::results::Results;
use crate::{Error, ErrorKind, Metric, Model, ModelFile, Result, Target};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// All that the file says besides the weights. What the engine reads stays text until its length is checked:
/// a parsed array takes many times the memory of its text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// The version of this format, checked before.
    #[serde(rename = "format")]
    _format: u32,
    /// The network, as Keras's `to_json` writes it.
    pub(super) model: Box<RawValue>,
    /// The preprocessing.
    pub(super) preprocessing: Preprocessing,
    /// The target.
    pub(super) target: Target,
    /// What it was compiled with.
    pub(super) optimizer: Box<RawValue>,
    /// What it was compiled with.
    pub(super) loss: Box<RawValue>,
    /// What it was compiled with.
    pub(super) metrics: Vec<Value>,
    /// How good it was.
    pub(super) results: Results,
    /// Of all of this but itself, in canonical form, and of the weights; in hexadecimal.
    pub(super) sha256: String,
}

/// All that the file of `file` says besides the weights and their digest.
pub(super) fn description(file: &ModelFile) -> Value {
    let model = &file.model;
    json!({
        "format": FORMAT,
        "model": model.sequential().to_json(),
        "preprocessing": file.preprocessing,
        "target": file.target,
        "optimizer": model.optimizer().to_json(),
        "loss": model.loss().to_json(),
        "metrics": model.metrics().iter().map(Metric::to_json).collect::<Vec<_>>(),
        "results": file.results,
    })
}

/// The header of a file of these `tensors` with this `description` and digest under `key`; padded to a multiple of
/// eight bytes.
pub(super) fn header(
    mut tensors: Map<String, Value>,
    key: &str,
    mut description: Value,
    sha256: &str,
) -> Vec<u8> {
    description["sha256"] = sha256.into();
    let text = canonical(&description);
    tensors.insert("__metadata__".into(), json!({ key: text }));
    let mut bytes = canonical(&Value::Object(tensors)).into_bytes();
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    bytes
}

/// The header's entries of the variables.
pub(super) fn tensors(model: &Model) -> Result<Map<String, Value>> {
    let mut entries = Map::new();
    for variable in model.variables() {
        let numbers = variable
            .shape
            .iter()
            .try_fold(1_usize, |product, size| product.checked_mul(*size));
        let start = variable.offset.checked_mul(4);
        let end = numbers
            .and_then(|numbers| numbers.checked_mul(4))
            .zip(start)
            .and_then(|(bytes, start)| start.checked_add(bytes));
        let (Some(start), Some(end)) = (start, end) else {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the model is too large to be written",
            ));
        };
        let entry = json!({"dtype": "F32", "shape": variable.shape, "data_offsets": [start, end]});
        if entries.insert(variable.path.clone(), entry).is_some() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("two variables are named \"{}\"", variable.path),
            )
            .hint("Give each layer its own name."));
        }
    }
    Ok(entries)
}
