//! `Softmax`: y_i = e^x_i / sum_j e^x_j over the last axis (Keras: `keras.layers.Softmax`).

use super::{Kind, axes, no_mask};
use crate::config::Config;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value, json};

/// Shares that add up to 1 (Keras: `Softmax`).
#[derive(Debug, Clone, PartialEq)]
pub struct Softmax {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The axis, the last one: -1, or its number, where the batch is 0.
    pub axis: i64,
    /// Whether the loss does it instead.
    taken_over: bool,
}

impl Default for Softmax {
    fn default() -> Self {
        Self {
            name: None,
            axis: -1,
            taken_over: false,
        }
    }
}

impl Softmax {
    fn function(&self) -> Activation {
        if self.taken_over {
            Activation::Linear
        } else {
            Activation::Softmax
        }
    }
}

impl Kind for Softmax {
    fn known_settings() -> &'static [&'static str] {
        &["axis"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        Ok(Self {
            name,
            axis: axes::one(config)?,
            taken_over: false,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("axis".to_owned(), json!(self.axis))])
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        axes::last("Softmax", &[self.axis], input)?;
        Ok(input)
    }

    /// In Keras a mask of the steps is none of the channels.
    fn mask(&self, input: Shape, mask: Option<&[usize]>) -> Result<bool> {
        match mask {
            Some(_) => Err(no_mask("Softmax", input)),
            None => Ok(false),
        }
    }

    fn set_linear(&mut self) {
        self.taken_over = true;
    }

    function!();
}
