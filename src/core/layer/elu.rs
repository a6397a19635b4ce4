//! `ELU`: y = x > 0 ? x : alpha (e^x - 1) (Keras: `keras.layers.ELU`).

use super::{Kind, check_number};
use crate::config::Config;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value, json};

/// An exponential linear unit (Keras: `ELU`).
#[derive(Debug, Clone, PartialEq)]
pub struct Elu {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// How far below 0 it goes, 1.
    pub alpha: f64,
}

impl Default for Elu {
    fn default() -> Self {
        Self {
            name: None,
            alpha: 1.0,
        }
    }
}

impl Elu {
    fn function(&self) -> Activation {
        if self.alpha == 1.0 {
            Activation::Elu
        } else {
            Activation::ScaledElu { alpha: self.alpha }
        }
    }
}

impl Kind for Elu {
    fn known_settings() -> &'static [&'static str] {
        &["alpha"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let layer = Self {
            name,
            alpha: config.number("alpha", 1.0, "a number", |_| true)?,
        };
        layer.check()?;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("alpha".to_owned(), json!(self.alpha))])
    }

    fn check(&self) -> Result<()> {
        check_number("ELU", "alpha", self.alpha, "a number", |_| true)
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    keeps_mask!();

    function!();
}
