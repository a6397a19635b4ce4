//! `Activation`.

use crate::Activation;

/// An activation as a layer of its own (Keras: `Activation`).
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationLayer {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The function.
    pub activation: Activation,
}

impl ActivationLayer {
    /// `Activation(activation)`.
    pub fn new(activation: Activation) -> Self {
        Self {
            name: None,
            activation,
        }
    }
}
