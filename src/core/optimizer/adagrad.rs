//! `Adagrad` (Keras: `keras.optimizers.Adagrad`; Duchi, Hazan and Singer, 2011).

use super::{Kind, Slots, object, positive};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Steps by the gradient over the root of the sum of its squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Adagrad {
    /// What the sums begin with.
    initial_accumulator_value: f64,
    /// Added under the root.
    epsilon: f64,
}

impl Kind for Adagrad {
    const NAME: &'static str = "adagrad";
    const SETTINGS: &'static [&'static str] = &["initial_accumulator_value", "epsilon"];
    type Step = step::Ada;

    fn from_config(config: &Config) -> Result<Self> {
        let key = "initial_accumulator_value";
        Ok(Self {
            initial_accumulator_value: config.number(key, 0.1, "at least 0", |v| v >= 0.0)?,
            epsilon: positive(config, "epsilon", 1e-7)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object([
            (
                "initial_accumulator_value",
                self.initial_accumulator_value.into(),
            ),
            ("epsilon", self.epsilon.into()),
        ])
    }

    fn memory(&self) -> &'static [&'static str] {
        &["accumulator"]
    }

    fn begins_with(&self) -> f32 {
        self.initial_accumulator_value as f32
    }

    fn numbers(&self, _number: u64, rate: f64, decay: f32) -> step::Ada {
        step::Ada {
            rate: rate as f32,
            rho: 0.0,
            epsilon: self.epsilon as f32,
            decay,
        }
    }

    fn step(&self, s: step::Ada, w: &mut [f32], g: &[f32], [a, _, _]: Slots<'_>) {
        step::adagrad(s, w, g, a);
    }
}
