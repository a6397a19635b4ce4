//! `Flatten`: the same numbers as one row (Keras: `keras.layers.Flatten`).

use super::{Backward, Forward, Kind};
use crate::config::Config;
use crate::{Result, Shape};
use serde_json::{Map, Value};

/// Takes the dimensions of a row away (Keras: `Flatten`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flatten {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
}

impl Kind for Flatten {
    fn known_settings() -> &'static [&'static str] {
        &["data_format"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.only("data_format", "channels_last")?;
        Ok(Self { name })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("data_format".to_owned(), "channels_last".into())])
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Shape::new(&[input.width()])
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        pass.hand_on()
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        pass.hand_on()
    }
}
