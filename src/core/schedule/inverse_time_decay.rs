//! `InverseTimeDecay` (Keras: `keras.optimizers.schedules.InverseTimeDecay`).

use super::stairs::Stairs;
use super::{Kind, rate};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// initial_learning_rate / (1 + decay_rate * step / decay_steps), in stairs if wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InverseTimeDecay(Stairs);

impl Kind for InverseTimeDecay {
    const NAME: &'static str = "InverseTimeDecay";
    const SETTINGS: &'static [&'static str] = Stairs::SETTINGS;

    fn from_config(config: &Config) -> Result<Self> {
        let decay_rate = rate(config, "decay_rate", None)?;
        Stairs::read(config, decay_rate).map(Self)
    }

    fn settings(&self) -> Map<String, Value> {
        self.0.settings()
    }

    fn at(&self, step: f64) -> f64 {
        self.0.initial_learning_rate / (1.0 + self.0.decay_rate * self.0.decays(step))
    }
}
