//! `Adadelta` (Keras: `keras.optimizers.Adadelta`; Zeiler, 2012). Its learning rate is 0.001, as Keras's, not 1.

use super::{Kind, Slots, object, positive, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Steps as long as those before, in proportion to the gradient over the root of its mean square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Adadelta {
    /// Decay of both means.
    rho: f64,
    /// Added under the roots.
    epsilon: f64,
}

impl Kind for Adadelta {
    const NAME: &'static str = "adadelta";
    const SETTINGS: &'static [&'static str] = &["rho", "epsilon"];
    type Step = step::Ada;

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            rho: share(config, "rho", 0.95)?,
            epsilon: positive(config, "epsilon", 1e-7)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object([("rho", self.rho.into()), ("epsilon", self.epsilon.into())])
    }

    fn memory(&self) -> &'static [&'static str] {
        &["accumulated_grad", "accumulated_delta_var"]
    }

    fn numbers(&self, _number: u64, rate: f64, decay: f32) -> step::Ada {
        step::Ada {
            rate: rate as f32,
            rho: self.rho as f32,
            epsilon: self.epsilon as f32,
            decay,
        }
    }

    fn step(&self, s: step::Ada, w: &mut [f32], g: &[f32], [a, u, _]: Slots<'_>) {
        step::adadelta(s, w, g, a, u);
    }
}
