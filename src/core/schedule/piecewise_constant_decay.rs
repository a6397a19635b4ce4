//! `PiecewiseConstantDecay` (Keras: `keras.optimizers.schedules.PiecewiseConstantDecay`).

use super::{Kind, object};
use crate::Result;
use crate::config::{Config, invalid};
use serde_json::{Map, Value, json};

/// `values[i]` up to step `boundaries[i]`, that one included, and the last one behind all of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PiecewiseConstantDecay {
    boundaries: Vec<f64>,
    values: Vec<f64>,
}

impl Kind for PiecewiseConstantDecay {
    const NAME: &'static str = "PiecewiseConstantDecay";
    const SETTINGS: &'static [&'static str] = &["boundaries", "values", "name"];

    fn from_config(config: &Config) -> Result<Self> {
        let wanted = "a list of steps";
        // Keras counts whole steps.
        let boundaries: Vec<f64> = config.numbers("boundaries", wanted, |b| b >= 0.0)?;
        let boundaries: Vec<f64> = boundaries.into_iter().map(libm::floor).collect();
        let values = config.numbers("values", "a list of learning rates", |v| v >= 0.0)?;
        if values.len() != boundaries.len() + 1 || boundaries.is_empty() {
            return Err(invalid(format!(
                "PiecewiseConstantDecay needs one value more than boundaries, not {} for {}",
                values.len(),
                boundaries.len()
            )));
        }
        if let Some(pair) = boundaries.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(invalid(format!(
                "boundaries of PiecewiseConstantDecay must rise, but {} follows {}",
                pair[1], pair[0]
            )));
        }
        Ok(Self { boundaries, values })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({"boundaries": self.boundaries, "values": self.values}))
    }

    fn at(&self, step: f64) -> f64 {
        let place = self.boundaries.partition_point(|&boundary| boundary < step);
        // There is one value more than boundaries.
        self.values.get(place).copied().unwrap_or_default()
    }
}
