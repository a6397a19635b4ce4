//! `GaussianNoise`: while training, y = x + normal noise (Keras: `keras.layers.GaussianNoise`).

use super::{Backward, Forward, Kind, check_number};
use crate::config::{Config, invalid};
use crate::kernels::noise;
use crate::{Result, Shape};
use serde_json::{Map, Value, json};

/// Adds normal noise while training (Keras: `GaussianNoise`).
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianNoise {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The deviation of the noise, 0 to 1.
    pub stddev: f64,
    /// An own seed, beside the seed of `fit`.
    pub seed: Option<u64>,
}

impl GaussianNoise {
    /// `GaussianNoise(stddev)`.
    pub fn new(stddev: f64) -> Self {
        Self {
            name: None,
            stddev,
            seed: None,
        }
    }
}

/// Numbers between two looks at the interrupt.
const PIECE: usize = 1 << 17;

impl Kind for GaussianNoise {
    fn known_settings() -> &'static [&'static str] {
        &["stddev", "seed"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        if config.get("stddev").is_none() {
            return Err(invalid("GaussianNoise needs stddev").hint(
                "Write {\"class_name\": \"GaussianNoise\", \"config\": {\"stddev\": 0.1}}.",
            ));
        }
        let layer = Self {
            name,
            stddev: config.number("stddev", 0.0, "a number", |_| true)?,
            seed: config.count("seed", 0..=u64::MAX)?,
        };
        layer.check()?;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([
            ("stddev".to_owned(), json!(self.stddev)),
            ("seed".to_owned(), json!(self.seed)),
        ])
    }

    fn check(&self) -> Result<()> {
        check_number("GaussianNoise", "stddev", self.stddev, "from 0 to 1", |n| {
            (0.0..=1.0).contains(&n)
        })
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    keeps_mask!();

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let Some(key) = pass.noise.filter(|_| self.stddev > 0.0) else {
            return pass.hand_on();
        };
        let key = super::seeded(key, self.seed);
        let pieces = pass.x.chunks(PIECE).zip(pass.y.chunks_mut(PIECE));
        for (i, (x, y)) in pieces.enumerate() {
            noise::normal(key, i * PIECE, self.stddev as f32, x, y);
            (pass.interrupt)()?;
        }
        Ok(())
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        pass.hand_on()
    }
}
