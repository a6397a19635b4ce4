//! `Reshape`: the same numbers as a row of other dimensions (Keras: `keras.layers.Reshape`).

use super::{Backward, Forward, Kind};
use crate::config::{Config, invalid};
use crate::{MAX_RANK, Result, Shape};
use serde_json::{Map, Value, json};

/// Gives a row other dimensions (Keras: `Reshape`).
#[derive(Debug, Clone, PartialEq)]
pub struct Reshape {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The dimensions; one of them may be -1, which stands for what is left.
    pub target_shape: Vec<i64>,
}

impl Reshape {
    /// `Reshape(target_shape)`.
    pub fn new(target_shape: Vec<i64>) -> Self {
        Self {
            name: None,
            target_shape,
        }
    }
}

impl Kind for Reshape {
    fn known_settings() -> &'static [&'static str] {
        &["target_shape"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let target_shape = config.dimensions("target_shape")?.ok_or_else(|| {
            invalid("Reshape needs target_shape").hint(
                "Write {\"class_name\": \"Reshape\", \"config\": {\"target_shape\": [24, 1]}}.",
            )
        })?;
        Ok(Self { name, target_shape })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("target_shape".to_owned(), json!(self.target_shape))])
    }

    fn check(&self) -> Result<()> {
        let left = self.target_shape.iter().filter(|&&n| n == -1).count();
        if left > 1 || self.target_shape.iter().any(|&n| n == 0 || n < -1) {
            return Err(invalid(format!(
                "target_shape of Reshape must be positive integers, one of which may be -1, not {:?}",
                self.target_shape
            )));
        }
        Ok(())
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        let width = input.width();
        let mut known = self.target_shape.iter().filter(|&&n| n > 0);
        let known = known.try_fold(1usize, |product, &n| {
            product.checked_mul(usize::try_from(n).ok()?)
        });
        let rest = known.map_or(0, |known| width / known.max(1));
        let dims: Vec<usize> = self
            .target_shape
            .iter()
            .map(|&n| usize::try_from(n).unwrap_or(rest))
            .collect();
        let fits = dims
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n))
            == Some(width);
        if !fits {
            return Err(invalid(format!(
                "Reshape cannot make {:?} of a row of shape {input}",
                self.target_shape
            ))
            .hint(format!("A row has {width} numbers before and after it.")));
        }
        if dims.len() > MAX_RANK {
            return Err(invalid(format!(
                "Reshape cannot make rows of {} dimensions",
                dims.len()
            ))
            .hint(format!("A row has at most {MAX_RANK} dimensions.")));
        }
        Shape::new(&dims)
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        pass.hand_on()
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        pass.hand_on()
    }
}
