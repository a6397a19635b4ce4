//! `Dense`.

use crate::{Activation, Initializer};

/// A fully connected layer (Keras: `Dense`).
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Width of the output.
    pub units: usize,
    /// Applied to the output.
    pub activation: Activation,
    /// Whether a bias is added.
    pub use_bias: bool,
    /// How the kernel begins.
    pub kernel_initializer: Initializer,
    /// How the bias begins.
    pub bias_initializer: Initializer,
}

impl Dense {
    /// `Dense(units, activation)` with Keras's defaults.
    pub fn new(units: usize, activation: Activation) -> Self {
        Self {
            name: None,
            units,
            activation,
            use_bias: true,
            kernel_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
        }
    }
}
