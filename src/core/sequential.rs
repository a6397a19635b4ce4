//! `Sequential`: a stack of layers as an inspectable description. It holds no weights.

use crate::{Layer, Result};
use serde_json::Value;

/// A stack of layers (Keras: `keras.Sequential`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sequential {
    /// The layers, first to last, without the input layer.
    pub layers: Vec<Layer>,
    /// The width an `InputLayer` promised; `compile` compares it with the data.
    pub inputs: Option<usize>,
}

/// One line of `model.summary()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The layer's name: `dense_1`.
    pub name: String,
    /// Keras's class name: `Dense`.
    pub class_name: &'static str,
    /// The shape of one row's output.
    pub output_shape: Vec<usize>,
    /// Trainable numbers.
    pub parameters: u64,
    /// Keras's name of the activation, where the layer has one.
    pub activation: Option<String>,
}

impl Sequential {
    /// A stack of `layers`.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self {
            layers,
            inputs: None,
        }
    }

    /// Reads a list of Keras layer objects, or a whole `model.to_json()` of Keras 3.
    pub fn from_json(_json: &Value) -> Result<Self> {
        todo!()
    }

    /// Writes the whole Keras 3 object, names filled in; the same description gives the same text.
    pub fn to_json(&self) -> Value {
        todo!()
    }

    /// What every layer makes of rows of `inputs` numbers.
    pub fn summary(&self, _inputs: usize) -> Result<Vec<LayerSummary>> {
        todo!()
    }
}
