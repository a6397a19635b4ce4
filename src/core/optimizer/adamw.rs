//! `AdamW` (Keras: `keras.optimizers.AdamW`; Loshchilov and Hutter, 2019): [`Adam`] with a weight decay by default.

use super::adam::Adam;
use super::{Kind, Slots};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// Adam that decays.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct AdamW(Adam);

impl Kind for AdamW {
    const NAME: &'static str = "adamw";
    const SETTINGS: &'static [&'static str] = Adam::SETTINGS;
    const WEIGHT_DECAY: Option<f64> = Some(0.004);
    type Step = <Adam as Kind>::Step;

    fn from_config(config: &Config) -> Result<Self> {
        Adam::from_config(config).map(Self)
    }

    fn settings(&self) -> Map<String, Value> {
        self.0.settings()
    }

    fn memory(&self) -> &'static [&'static str] {
        self.0.memory()
    }

    fn numbers(&self, number: u64, rate: f64, decay: f32) -> Self::Step {
        self.0.numbers(number, rate, decay)
    }

    fn step(&self, step: Self::Step, w: &mut [f32], g: &[f32], slots: Slots<'_>) {
        self.0.step(step, w, g, slots);
    }
}
