//! `Adamax` (Keras: `keras.optimizers.Adamax`; Kingma and Ba, 2014, section 7).

use super::{Kind, Slots, object, positive, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Steps by the mean gradient over the largest one that is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Adamax {
    /// Decay of the mean gradient.
    beta_1: f64,
    /// Decay of the largest gradient.
    beta_2: f64,
    /// Added to it.
    epsilon: f64,
}

impl Kind for Adamax {
    const NAME: &'static str = "adamax";
    const SETTINGS: &'static [&'static str] = &["beta_1", "beta_2", "epsilon"];
    type Step = step::Adamax;

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            beta_1: share(config, "beta_1", 0.9)?,
            beta_2: share(config, "beta_2", 0.999)?,
            epsilon: positive(config, "epsilon", 1e-7)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object([
            ("beta_1", self.beta_1.into()),
            ("beta_2", self.beta_2.into()),
            ("epsilon", self.epsilon.into()),
        ])
    }

    fn memory(&self) -> &'static [&'static str] {
        &["momentum", "norm"]
    }

    fn numbers(&self, number: u64, rate: f64, decay: f32) -> step::Adamax {
        step::Adamax {
            rate: (rate / (1.0 - libm::pow(self.beta_1, number as f64))) as f32,
            fresh_1: (1.0 - self.beta_1) as f32,
            beta_2: self.beta_2 as f32,
            epsilon: self.epsilon as f32,
            decay,
        }
    }

    fn step(&self, s: step::Adamax, w: &mut [f32], g: &[f32], [m, u, _]: Slots<'_>) {
        step::adamax(s, w, g, m, u);
    }
}
