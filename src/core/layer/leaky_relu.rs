//! `LeakyReLU`: y = x > 0 ? x : negative_slope x (Keras: `keras.layers.LeakyReLU`).

use super::{Kind, check_number};
use crate::config::Config;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value, json};

/// A ramp that goes on below 0 (Keras: `LeakyReLU`).
#[derive(Debug, Clone, PartialEq)]
pub struct LeakyRelu {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The slope below 0; 0.3, while the activation `leaky_relu` has 0.2.
    pub negative_slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self {
            name: None,
            negative_slope: 0.3,
        }
    }
}

impl LeakyRelu {
    fn function(&self) -> Activation {
        Activation::Leaky {
            negative_slope: self.negative_slope,
        }
    }
}

impl Kind for LeakyRelu {
    fn known_settings() -> &'static [&'static str] {
        // Keras 2 wrote alpha, which Keras 3 still reads.
        &["negative_slope", "alpha"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let number = |key, default| config.number(key, default, "a number", |_| true);
        let default = number("alpha", Self::default().negative_slope)?;
        let layer = Self {
            name,
            negative_slope: number("negative_slope", default)?,
        };
        layer.check()?;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        let slope = json!(self.negative_slope);
        Map::from_iter([("negative_slope".to_owned(), slope)])
    }

    fn check(&self) -> Result<()> {
        let slope = self.negative_slope;
        check_number("LeakyReLU", "negative_slope", slope, "at least 0", |n| {
            n >= 0.0
        })
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    keeps_mask!();

    function!();
}
