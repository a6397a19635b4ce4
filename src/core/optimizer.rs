//! Optimizers.

use crate::Result;
use serde_json::Value;

/// An optimizer with Keras 3's formula and defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Gradient descent
    Sgd {
        /// Step size, 0.01.
        learning_rate: f64,
        /// Share of the last step that is kept, 0.
        momentum: f64,
        /// Look ahead along the momentum.
        nesterov: bool,
    },
    /// Adam
    Adam {
        /// Step size, 0.001.
        learning_rate: f64,
        /// Decay of the mean gradient, 0.9.
        beta_1: f64,
        /// Decay of the mean squared gradient, 0.999.
        beta_2: f64,
        /// Added to the root, 1e-7.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay
    AdamW {
        /// Step size, 0.001.
        learning_rate: f64,
        /// Share of the weights taken off per step, times the step size, 0.004.
        weight_decay: f64,
        /// Decay of the mean gradient, 0.9.
        beta_1: f64,
        /// Decay of the mean squared gradient, 0.999.
        beta_2: f64,
        /// Added to the root, 1e-7.
        epsilon: f64,
    },
    /// RMSprop
    RmsProp {
        /// Step size, 0.001.
        learning_rate: f64,
        /// Decay of the mean squared gradient, 0.9.
        rho: f64,
        /// Share of the last step that is kept, 0.
        momentum: f64,
        /// Added under the root, 1e-7.
        epsilon: f64,
    },
}

impl Optimizer {
    /// Reads a bare word, `{"adam": {"learning_rate": 0.01}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(_text: &str) -> Result<Optimizer> {
        todo!()
    }

    /// The short name: `adam`.
    pub fn name(&self) -> &'static str {
        todo!()
    }

    /// The canonical form with every setting: `{"adam": {"learning_rate": 0.001, ..}}`. `parse` reads it.
    pub fn to_json(&self) -> Value {
        todo!()
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam {
            learning_rate: 0.001,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }
}
