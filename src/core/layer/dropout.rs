//! `Dropout`: while training, y = x / (1 - rate) with probability 1 - rate, else 0 (Keras: `keras.layers.Dropout`).

use super::{Backward, Forward, Kind};
use crate::config::{Config, invalid};
use crate::kernels::dropout::dropout;
use crate::{Result, Shape};
use serde_json::{Map, Value, json};

/// Sets inputs to zero at random while training (Keras: `Dropout`).
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The share of inputs set to zero, 0 <= rate < 1.
    pub rate: f64,
    /// An own seed, beside the seed of `fit`.
    pub seed: Option<u64>,
}

impl Dropout {
    /// `Dropout(rate)`.
    pub fn new(rate: f64) -> Self {
        Self {
            name: None,
            rate,
            seed: None,
        }
    }

    /// The mask is a function of the key, so the way back draws it again instead of storing it.
    fn mask(&self, noise: Option<u64>, from: &[f32], to: &mut [f32]) {
        match noise {
            Some(key) if self.rate > 0.0 => {
                let dropped = (self.rate * 4_294_967_296.0) as u32;
                let key = key ^ self.seed.unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                dropout(key, dropped, (1.0 / (1.0 - self.rate)) as f32, from, to);
            }
            _ => to.copy_from_slice(from),
        }
    }
}

impl Kind for Dropout {
    fn known_settings() -> &'static [&'static str] {
        &["rate", "seed", "noise_shape"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&["noise_shape"])?;
        if config.get("rate").is_none() {
            return Err(invalid("Dropout needs rate")
                .hint("Write {\"class_name\": \"Dropout\", \"config\": {\"rate\": 0.2}}."));
        }
        let rate = config.number("rate", 0.0, "at least 0 and less than 1", |r| {
            (0.0..1.0).contains(&r)
        })?;
        Ok(Self {
            name,
            rate,
            seed: config.count("seed", 0..=u64::MAX)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([
            ("rate".to_owned(), json!(self.rate)),
            ("seed".to_owned(), json!(self.seed)),
            ("noise_shape".to_owned(), Value::Null),
        ])
    }

    fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(invalid(format!(
                "rate of Dropout must be at least 0 and less than 1, not {}",
                self.rate
            )));
        }
        Ok(())
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        self.mask(pass.noise, pass.x, pass.y);
        (pass.interrupt)()
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        if let Some(dx) = pass.dx {
            self.mask(pass.noise, pass.dy, dx);
        }
        (pass.interrupt)()
    }
}
