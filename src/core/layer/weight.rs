//! What can be told of each weight of a layer: `kernel_initializer`, `kernel_regularizer`, `kernel_constraint` and so on, by its
//! word.

use super::VariableSpec;
use crate::config::Config;
use crate::{Constraint, Initializer, Regularizer, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// How a weight begins, what it adds to the loss, and where it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// Its first numbers.
    pub initializer: Initializer,
    /// What it adds to the loss.
    pub regularizer: Option<Regularizer>,
    /// What it is made to be after every step.
    pub constraint: Option<Constraint>,
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
    /// Without a regularizer and a constraint.
    pub const fn new(initializer: Initializer) -> Self {
        Self {
            initializer,
            regularizer: None,
            constraint: None,
        }
    }

    /// Reads the settings of `word`.
    pub(super) fn read(config: &Config, word: &str, default: Initializer) -> Result<Self> {
        let initializer = config.get(&format!("{word}_initializer"));
        let regularizer = config.get(&format!("{word}_regularizer"));
        let constraint = config.get(&format!("{word}_constraint"));
        Ok(Self {
            initializer: Initializer::from_json(initializer, default)?,
            regularizer: Regularizer::from_json(regularizer)?,
            constraint: Constraint::from_json(constraint)?,
        })
    }

    /// Adds the settings of `word`, as Keras writes them.
    pub(super) fn write(self, word: &str, map: &mut Map<String, Value>) {
        let mut put = |what: &str, value| map.insert(format!("{word}_{what}"), value);
        put("initializer", self.initializer.to_json());
        put("regularizer", Regularizer::to_json(self.regularizer));
        put("constraint", Constraint::to_json(self.constraint));
    }

    /// The variable of this name.
    pub(super) fn variable(
        self,
        name: impl Into<Cow<'static, str>>,
        shape: Vec<usize>,
    ) -> VariableSpec {
        VariableSpec {
            regularizer: self.regularizer,
            constraint: self.constraint,
            ..VariableSpec::new(name, shape, self.initializer)
        }
    }
}
