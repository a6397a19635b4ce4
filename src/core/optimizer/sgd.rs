//! `SGD` (Keras: `keras.optimizers.SGD`).

use super::{Kind, Slots, object, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Gradient descent, with momentum if wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sgd {
    /// Share of the last step that is kept.
    momentum: f64,
    /// Look ahead along the momentum.
    nesterov: bool,
}

impl Kind for Sgd {
    const NAME: &'static str = "sgd";
    const SETTINGS: &'static [&'static str] = &["momentum", "nesterov"];
    const LEARNING_RATE: f64 = 0.01;
    type Step = step::Sgd;

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            momentum: share(config, "momentum", 0.0)?,
            nesterov: config.flag("nesterov", false)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object([
            ("momentum", self.momentum.into()),
            ("nesterov", self.nesterov.into()),
        ])
    }

    fn memory(&self) -> &'static [&'static str] {
        if self.momentum > 0.0 {
            &["momentum"]
        } else {
            &[]
        }
    }

    fn numbers(&self, _number: u64, rate: f64, decay: f32) -> step::Sgd {
        step::Sgd {
            rate: rate as f32,
            momentum: self.momentum as f32,
            nesterov: self.nesterov,
            decay,
        }
    }

    fn step(&self, s: step::Sgd, w: &mut [f32], g: &[f32], [m, _, _]: Slots<'_>) {
        if self.momentum > 0.0 {
            step::sgd_momentum(s, w, g, m);
        } else {
            step::sgd(s, w, g);
        }
    }
}
