//! `ExponentialDecay` (Keras: `keras.optimizers.schedules.ExponentialDecay`).

use super::Kind;
use super::stairs::Stairs;
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// initial_learning_rate * decay_rate ^ (step / decay_steps), in stairs if wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExponentialDecay(Stairs);

impl Kind for ExponentialDecay {
    const NAME: &'static str = "ExponentialDecay";
    const SETTINGS: &'static [&'static str] = Stairs::SETTINGS;

    fn from_config(config: &Config) -> Result<Self> {
        let decay_rate = config.given("decay_rate", None, "a positive number", |r| r > 0.0)?;
        Stairs::read(config, decay_rate).map(Self)
    }

    fn settings(&self) -> Map<String, Value> {
        self.0.settings()
    }

    fn at(&self, step: f64) -> f64 {
        self.0.initial_learning_rate * libm::pow(self.0.decay_rate, self.0.decays(step))
    }
}
