//! `ExponentialDecay` (Keras: `keras.optimizers.schedules.ExponentialDecay`).

use super::{Kind, object, rate, steps};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value, json};

/// initial_learning_rate * decay_rate ^ (step / decay_steps), in stairs if wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExponentialDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    decay_rate: f64,
    staircase: bool,
}

impl Kind for ExponentialDecay {
    const NAME: &'static str = "ExponentialDecay";
    const SETTINGS: &'static [&'static str] = &[
        "initial_learning_rate",
        "decay_steps",
        "decay_rate",
        "staircase",
        "name",
    ];

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            initial_learning_rate: rate(config, "initial_learning_rate", None)?,
            decay_steps: steps(config, "decay_steps")?,
            decay_rate: config.given("decay_rate", None, "a positive number", |r| r > 0.0)?,
            staircase: config.flag("staircase", false)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate, "staircase": self.staircase,
        }))
    }

    fn at(&self, step: f64) -> f64 {
        let part = step / self.decay_steps;
        let part = if self.staircase {
            libm::floor(part)
        } else {
            part
        };
        self.initial_learning_rate * libm::pow(self.decay_rate, part)
    }
}
