//! `Adam` (Keras: `keras.optimizers.Adam`; Kingma and Ba, 2014, with the rate corrected for the bias, not the moments).

use super::{Kind, Slots, object, positive, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Steps by the mean gradient over the root of its mean square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Adam {
    /// Decay of the mean gradient.
    beta_1: f64,
    /// Decay of the mean squared gradient.
    beta_2: f64,
    /// Added to the root.
    epsilon: f64,
    /// Divide by the largest mean square so far (Reddi, Kale and Kumar, 2018).
    amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
            amsgrad: false,
        }
    }
}

impl Kind for Adam {
    const NAME: &'static str = "adam";
    const SETTINGS: &'static [&'static str] = &["beta_1", "beta_2", "epsilon", "amsgrad"];
    type Step = step::Adam;

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            beta_1: share(config, "beta_1", 0.9)?,
            beta_2: share(config, "beta_2", 0.999)?,
            epsilon: positive(config, "epsilon", 1e-7)?,
            amsgrad: config.flag("amsgrad", false)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let mut settings = object([
            ("beta_1", self.beta_1.into()),
            ("beta_2", self.beta_2.into()),
            ("epsilon", self.epsilon.into()),
        ]);
        if self.amsgrad {
            settings.insert("amsgrad".into(), true.into());
        }
        settings
    }

    fn memory(&self) -> &'static [&'static str] {
        if self.amsgrad {
            &["momentum", "velocity", "velocity_hat"]
        } else {
            &["momentum", "velocity"]
        }
    }

    fn numbers(&self, number: u64, rate: f64, decay: f32) -> step::Adam {
        let n = number as f64;
        let (power_1, power_2) = (libm::pow(self.beta_1, n), libm::pow(self.beta_2, n));
        let rate = rate * libm::sqrt(1.0 - power_2) / (1.0 - power_1);
        step::Adam {
            rate: rate as f32,
            fresh_1: (1.0 - self.beta_1) as f32,
            fresh_2: (1.0 - self.beta_2) as f32,
            epsilon: self.epsilon as f32,
            decay,
        }
    }

    fn step(&self, s: step::Adam, w: &mut [f32], g: &[f32], [m, v, h]: Slots<'_>) {
        if self.amsgrad {
            step::amsgrad(s, w, g, m, v, h);
        } else {
            step::adam(s, w, g, m, v);
        }
    }
}
