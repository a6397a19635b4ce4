//! Losses.

use crate::Result;
use serde_json::Value;

/// A loss, by its Keras formula.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// mean (y - p)^2
    MeanSquaredError,
    /// mean |y - p|
    MeanAbsoluteError,
    /// quadratic up to `delta`, linear beyond
    Huber {
        /// Where the line begins.
        delta: f64,
    },
    /// -y ln p - (1 - y) ln(1 - p)
    BinaryCrossentropy,
    /// -ln p_y, with class numbers as targets (Keras: also `sparse_categorical_crossentropy`)
    CategoricalCrossentropy,
}

impl Loss {
    /// Reads a bare word, `{"huber": {"delta": 2}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(_text: &str) -> Result<Loss> {
        todo!()
    }

    /// The short name: `mse`.
    pub fn name(&self) -> &'static str {
        todo!()
    }

    /// The canonical form: `{"mse": {}}`, `{"huber": {"delta": 1.0}}`. `parse` reads it.
    pub fn to_json(&self) -> Value {
        todo!()
    }

    /// Whether the targets are classes.
    pub fn is_crossentropy(&self) -> bool {
        matches!(
            self,
            Loss::BinaryCrossentropy | Loss::CategoricalCrossentropy
        )
    }
}
