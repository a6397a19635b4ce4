//! The model file: one safetensors byte string and nothing beside it.

use crate::{Callback, Feature, LayerSummary, Result, Task};

/// A trained model as it is stored: network, preprocessing, target and settings.
pub struct ModelFile {}

impl ModelFile {
    /// The bytes of the file; the same model always gives the same bytes.
    pub fn to_bytes(&self, callback: &mut dyn Callback) -> Result<Vec<u8>> {
        let _ = callback;
        todo!()
    }

    /// Reads hostile bytes: `Damaged` unless everything in them fits together, `OutOfMemory` if the model needs more than `memory_limit` bytes.
    pub fn from_bytes(bytes: &[u8], memory_limit: u64, callback: &mut dyn Callback) -> Result<Self> {
        let _ = (bytes, memory_limit, callback);
        todo!()
    }

    /// The layers with their output shapes and parameters.
    pub fn summary(&self) -> Result<Vec<LayerSummary>> {
        todo!()
    }

    /// What the model answers.
    pub fn task(&self) -> Task {
        todo!()
    }

    /// The name of the target column.
    pub fn target_name(&self) -> &str {
        todo!()
    }

    /// The features in their order.
    pub fn features(&self) -> &[Feature] {
        todo!()
    }

    /// The number of weights.
    pub fn parameters(&self) -> usize {
        todo!()
    }
}
