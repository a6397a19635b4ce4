//! `Lion` (Keras: `keras.optimizers.Lion`; Chen and others, Symbolic discovery of optimization algorithms, 2023).

use super::{Kind, Slots, object, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Steps of one length, by the sign of what gradient and momentum say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lion {
    /// What the momentum counts in the sign.
    beta_1: f64,
    /// Decay of the momentum.
    beta_2: f64,
}

impl Kind for Lion {
    const NAME: &'static str = "lion";
    const SETTINGS: &'static [&'static str] = &["beta_1", "beta_2"];
    type Step = step::Lion;

    fn from_config(config: &Config) -> Result<Self> {
        let wanted = "greater than 0 and at most 1";
        Ok(Self {
            beta_1: config.number("beta_1", 0.9, wanted, |v| v > 0.0 && v <= 1.0)?,
            beta_2: share(config, "beta_2", 0.99)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object([
            ("beta_1", self.beta_1.into()),
            ("beta_2", self.beta_2.into()),
        ])
    }

    fn memory(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    fn numbers(&self, _number: u64, rate: f64, decay: f32) -> step::Lion {
        step::Lion {
            rate: rate as f32,
            beta_1: self.beta_1 as f32,
            beta_2: self.beta_2 as f32,
            decay,
        }
    }

    fn step(&self, s: step::Lion, w: &mut [f32], g: &[f32], [m, _, _]: Slots<'_>) {
        step::lion(s, w, g, m);
    }
}
