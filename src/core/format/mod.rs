//! The model file: one safetensors byte string and nothing beside it.
//!
//! ```text
//! u64 length of the header, little-endian
//! header: {"__metadata__": {"tablenet": "<canonical JSON>"}, "<layer>/kernel": {"dtype": "F32", "shape": [in, out], ..}, ..}
//! weights: f32, little-endian, in the order of the layers
//! ```
//!
//! The bytes are a function of the model alone: nothing of time, user, server or threads is in them. A file is read by
//! rebuilding its header from what it says and comparing, so every file that is read has exactly one spelling.

mod document;
mod read;
mod state;
#[cfg(test)]
mod tests;
mod write;

use crate::budget::exceeded;
use crate::canonical::canonical;
use crate::encoder::Preprocessing;
use crate::results::Results;
use crate::{
    Binding, Error, ErrorKind, Feature, LayerSummary, Model, Result, Sequential, Target, Task,
};

/// The format this release writes and reads.
pub(crate) const FORMAT: u32 = 1;
/// The key of a model's description among the metadata.
const KEY: &str = "tablenet";
/// The longest header. It is read and written between two checks for cancels; safetensors readers allow 100 MB.
const MAX_HEADER: usize = 16 << 20;
/// The longest description of a network.
const MAX_SPEC: usize = 1 << 20;
/// Weights written, read or hashed between two checks: 1 MiB.
const PIECE: usize = 1 << 18;

/// Refuses a network that no model file can describe.
pub(crate) fn check_size(layers: &Sequential) -> Result<()> {
    if canonical(&layers.to_json()).len() > MAX_SPEC {
        let message = "the description of the layers is longer than 1 MB";
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(())
}

/// Bytes that reading `header` takes: JSON takes several times its text.
fn check_memory(header: &[u8], memory_limit: u64) -> Result<u64> {
    let need = (header.len() as u64).saturating_mul(8);
    if need > memory_limit {
        return Err(exceeded("the description of the model", need, memory_limit));
    }
    Ok(need)
}

/// A trained model as it is stored: network, preprocessing, target and results.
#[derive(Debug, Clone)]
pub struct ModelFile {
    pub(crate) model: Model,
    pub(crate) preprocessing: Preprocessing,
    pub(crate) target: Target,
    pub(crate) results: Results,
}

impl ModelFile {
    /// The layers with their output shapes and parameters.
    pub fn summary(&self) -> Result<Vec<LayerSummary>> {
        self.model.sequential().summary(self.model.row())
    }

    /// What the model answers.
    pub fn task(&self) -> Task {
        self.target.task()
    }

    /// The name of the target column, of several the first.
    pub fn target_name(&self) -> &str {
        self.target.name()
    }

    /// The names of the target columns.
    pub fn target_names(&self) -> Vec<&str> {
        self.target.names().collect()
    }

    /// The labels of a class target in their order; empty for a regression.
    pub fn labels(&self) -> &[String] {
        self.target.labels()
    }

    /// The features in their order.
    pub fn features(&self) -> &[Feature] {
        &self.preprocessing.features
    }

    /// Whether the features have names of their own, by which values can be found.
    pub fn has_feature_names(&self) -> bool {
        Binding::check_names(self.features()).is_ok()
    }

    /// The network with its weights.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The number of weights.
    pub fn parameters(&self) -> usize {
        self.model.parameters()
    }
}
