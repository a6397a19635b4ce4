//! `ReLU`: y = x <= threshold ? negative_slope (x - threshold) : min(x, max_value) (Keras: `keras.layers.ReLU`).

use super::{Kind, check_number};
use crate::config::Config;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value, json};

/// A ramp (Keras: `ReLU`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Relu {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The most that comes out, if there is such a bound.
    pub max_value: Option<f64>,
    /// The slope up to the threshold, 0.
    pub negative_slope: f64,
    /// Where it begins, 0.
    pub threshold: f64,
}

impl Relu {
    fn function(&self) -> Activation {
        match self {
            Self {
                max_value: None,
                negative_slope: 0.0,
                threshold: 0.0,
                ..
            } => Activation::Relu,
            _ => Activation::Ramp {
                negative_slope: self.negative_slope,
                max_value: self.max_value.unwrap_or(f64::INFINITY),
                threshold: self.threshold,
            },
        }
    }
}

impl Kind for Relu {
    fn known_settings() -> &'static [&'static str] {
        &["max_value", "negative_slope", "threshold"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let number = |key| config.number(key, 0.0, "a number", |_| true);
        let most = config.get("max_value").map(|_| number("max_value"));
        let layer = Self {
            name,
            max_value: most.transpose()?,
            negative_slope: number("negative_slope")?,
            threshold: number("threshold")?,
        };
        layer.check()?;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([
            ("max_value".to_owned(), json!(self.max_value)),
            ("negative_slope".to_owned(), json!(self.negative_slope)),
            ("threshold".to_owned(), json!(self.threshold)),
        ])
    }

    fn check(&self) -> Result<()> {
        for (key, number) in [
            ("max_value", self.max_value.unwrap_or(0.0)),
            ("negative_slope", self.negative_slope),
            ("threshold", self.threshold),
        ] {
            check_number("ReLU", key, number, "at least 0", |n| n >= 0.0)?;
        }
        Ok(())
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    keeps_mask!();

    function!();
}
