//! What the schedules have in common that decay from a first learning rate, every so many steps by a rate.

use super::{object, rate, steps};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value, json};

/// Keras's settings of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stairs {
    pub initial_learning_rate: f64,
    decay_steps: f64,
    pub decay_rate: f64,
    staircase: bool,
}

impl Stairs {
    pub const SETTINGS: &'static [&'static str] = &[
        "initial_learning_rate",
        "decay_steps",
        "decay_rate",
        "staircase",
        "name",
    ];

    /// Reads all but the `decay_rate`, of which each schedule takes other ones.
    pub fn read(config: &Config, decay_rate: f64) -> Result<Self> {
        Ok(Self {
            initial_learning_rate: rate(config, "initial_learning_rate", None)?,
            decay_steps: steps(config, "decay_steps")?,
            decay_rate,
            staircase: config.flag("staircase", false)?,
        })
    }

    pub fn settings(&self) -> Map<String, Value> {
        object(json!({
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate, "staircase": self.staircase,
        }))
    }

    /// How often the rate has decayed after so many steps: wholly only, if in stairs.
    pub fn decays(&self, step: f64) -> f64 {
        let decays = step / self.decay_steps;
        if self.staircase {
            libm::floor(decays)
        } else {
            decays
        }
    }
}
