//! What can be told of each weight of a layer: `kernel_initializer`, `kernel_regularizer` and so on, by its word.

use super::VariableSpec;
use crate::config::Config;
use crate::{Initializer, Regularizer, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// How a weight begins, and what it adds to the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// Its first numbers.
    pub initializer: Initializer,
    /// What it adds to the loss.
    pub regularizer: Option<Regularizer>,
}

/// The names of a layer's settings: its own, those of its weights by their words, and what only Keras has.
macro_rules! settings {
    ([$($own:literal),* $(,)?], [$($weight:literal),*], [$($refused:literal),* $(,)?]) => {
        &[
            $($own,)*
            $(
                concat!($weight, "_initializer"),
                concat!($weight, "_regularizer"),
                concat!($weight, "_constraint"),
            )*
            $($refused),*
        ]
    };
}
pub(super) use settings;

impl Weight {
    /// Without a regularizer.
    pub const fn new(initializer: Initializer) -> Self {
        Self {
            initializer,
            regularizer: None,
        }
    }

    /// Reads the settings of `word`; constraints are refused.
    pub(super) fn read(config: &Config, word: &str, default: Initializer) -> Result<Self> {
        config.refuse(&[&format!("{word}_constraint")])?;
        let initializer = config.get(&format!("{word}_initializer"));
        let regularizer = config.get(&format!("{word}_regularizer"));
        Ok(Self {
            initializer: Initializer::from_json(initializer, default)?,
            regularizer: Regularizer::from_json(regularizer)?,
        })
    }

    /// Adds the settings of `word`, as Keras writes them.
    pub(super) fn write(self, word: &str, map: &mut Map<String, Value>) {
        let mut put = |what: &str, value| map.insert(format!("{word}_{what}"), value);
        put("initializer", self.initializer.to_json());
        put("regularizer", Regularizer::to_json(self.regularizer));
        put("constraint", Value::Null);
    }

    /// The variable of this name.
    pub(super) fn variable(
        self,
        name: impl Into<Cow<'static, str>>,
        shape: Vec<usize>,
    ) -> VariableSpec {
        VariableSpec::new(name, shape, self.initializer).regularized(self.regularizer)
    }
}
