//! `RMSprop` (Keras: `keras.optimizers.RMSprop`; Hinton, 2012; centered: Graves, 2013).

use super::{Kind, Slots, object, positive, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Steps by the gradient over the root of its mean square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RmsProp {
    /// Decay of the mean squared gradient.
    rho: f64,
    /// Share of the last step that is kept.
    momentum: f64,
    /// Added under the root.
    epsilon: f64,
    /// Take the variance in place of the mean square.
    centered: bool,
}

impl Kind for RmsProp {
    const NAME: &'static str = "rmsprop";
    const SETTINGS: &'static [&'static str] = &["rho", "momentum", "epsilon", "centered"];
    type Step = step::RmsProp;

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            rho: share(config, "rho", 0.9)?,
            momentum: share(config, "momentum", 0.0)?,
            epsilon: positive(config, "epsilon", 1e-7)?,
            centered: config.flag("centered", false)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let mut settings = object([
            ("rho", self.rho.into()),
            ("momentum", self.momentum.into()),
            ("epsilon", self.epsilon.into()),
        ]);
        if self.centered {
            settings.insert("centered".into(), true.into());
        }
        settings
    }

    fn memory(&self) -> &'static [&'static str] {
        match (self.momentum > 0.0, self.centered) {
            (false, false) => &["velocity"],
            (true, false) => &["velocity", "momentum"],
            (false, true) => &["velocity", "average_gradient"],
            (true, true) => &["velocity", "momentum", "average_gradient"],
        }
    }

    fn numbers(&self, _number: u64, rate: f64, decay: f32) -> step::RmsProp {
        step::RmsProp {
            rate: rate as f32,
            rho: self.rho as f32,
            epsilon: self.epsilon as f32,
            momentum: self.momentum as f32,
            decay,
        }
    }

    fn step(&self, s: step::RmsProp, w: &mut [f32], g: &[f32], [v, a, b]: Slots<'_>) {
        match (self.momentum > 0.0, self.centered) {
            (false, false) => step::rmsprop(s, w, g, v),
            (true, false) => step::rmsprop_momentum(s, w, g, v, a),
            (false, true) => step::rmsprop_centered(s, w, g, v, a),
            (true, true) => step::rmsprop_centered_momentum(s, w, g, v, a, b),
        }
    }
}
