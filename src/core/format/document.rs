//! The JSON inside a model file, and the header around it.

use super::FORMAT;
use crate::canonical::canonical;
use crate::results::Results;
use crate::{Error, ErrorKind, Feature, Model, ModelFile, Result, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// All that the file says besides the weights.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// The version of this format.
    pub(super) format: u32,
    /// The network, as Keras's `to_json` writes it.
    pub(super) model: Value,
    /// The preprocessing.
    pub(super) features: Vec<Feature>,
    /// The target.
    pub(super) target: Target,
    /// What it was compiled with.
    pub(super) optimizer: Value,
    /// What it was compiled with.
    pub(super) loss: Value,
    /// What it was compiled with.
    pub(super) metrics: Vec<String>,
    /// How good it was.
    pub(super) results: Results,
    /// Of the weights' bytes, in hexadecimal.
    pub(super) sha256: String,
}

/// The header of `file`, whose weights have the digest `sha256`; padded to a multiple of eight bytes.
pub(super) fn header(file: &ModelFile, sha256: String) -> Result<Vec<u8>> {
    let model = &file.model;
    let document = Document {
        format: FORMAT,
        model: model.sequential().to_json(),
        features: file.features.clone(),
        target: file.target.clone(),
        optimizer: model.optimizer().to_json(),
        loss: model.loss().to_json(),
        metrics: model
            .metrics()
            .iter()
            .map(|metric| metric.name().to_owned())
            .collect(),
        results: file.results.clone(),
        sha256,
    };
    let document = serde_json::to_value(document).map_err(|error| {
        Error::new(
            ErrorKind::InvalidParameter,
            format!("the model cannot be written: {error}"),
        )
    })?;
    let mut header = tensors(model)?;
    header.insert(
        "__metadata__".into(),
        json!({ "tablenet": canonical(&document) }),
    );
    let mut bytes = canonical(&Value::Object(header)).into_bytes();
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    Ok(bytes)
}

/// The header's entries of the variables.
fn tensors(model: &Model) -> Result<Map<String, Value>> {
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
