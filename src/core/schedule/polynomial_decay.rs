//! `PolynomialDecay` (Keras: `keras.optimizers.schedules.PolynomialDecay`).

use super::{Kind, object, rate, steps};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value, json};

/// (initial - end) * (1 - step / decay_steps) ^ power + end, with a `cycle` again and again in longer and longer ways.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PolynomialDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    end_learning_rate: f64,
    power: f64,
    cycle: bool,
}

impl Kind for PolynomialDecay {
    const NAME: &'static str = "PolynomialDecay";
    const SETTINGS: &'static [&'static str] = &[
        "initial_learning_rate",
        "decay_steps",
        "end_learning_rate",
        "power",
        "cycle",
        "name",
    ];

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            initial_learning_rate: rate(config, "initial_learning_rate", None)?,
            decay_steps: steps(config, "decay_steps")?,
            end_learning_rate: rate(config, "end_learning_rate", Some(0.0001))?,
            power: config.given("power", Some(1.0), "a positive number", |p| p > 0.0)?,
            cycle: config.flag("cycle", false)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate, "power": self.power, "cycle": self.cycle,
        }))
    }

    fn at(&self, step: f64) -> f64 {
        let (mut step, mut steps) = (step, self.decay_steps);
        if self.cycle {
            steps *= libm::ceil(step / steps).max(1.0);
        } else {
            step = step.min(steps);
        }
        // A multiple that is rounded down would leave less than nothing.
        let left = (1.0 - step / steps).max(0.0);
        let end = self.end_learning_rate;
        (self.initial_learning_rate - end) * libm::pow(left, self.power) + end
    }
}
