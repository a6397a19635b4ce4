//! categorical_crossentropy (Keras: `CategoricalCrossentropy`, `SparseCategoricalCrossentropy`), of probabilities.

use super::Kind;
use super::state::{PerRow, State, Subject, class_of};
use crate::Result;
use crate::config::Config;
use crate::loss::{label_smoothing, smoothing_json};
use serde_json::{Map, Value};

/// mean -ln p_y, with p brought into [1e-7, 1 - 1e-7].
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CategoricalCrossentropy {
    label_smoothing: f64,
}

impl Kind for CategoricalCrossentropy {
    const NAMES: &'static [&'static str] = &[
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
    ];
    const SETTINGS: &'static [&'static str] =
        &["from_logits", "label_smoothing", "axis", "ignore_class"];

    fn fits(of: &Subject<'_>) -> bool {
        of.classes() && of.outputs > 1 && of.probabilities
    }

    /// The metric is of probabilities here: `from_logits` says where Keras finds them.
    fn read(config: &Config<'_>) -> Result<Self> {
        config.refuse(&["ignore_class"])?;
        config.flag("from_logits", false)?;
        config.number("axis", -1.0, "-1", |axis| axis == -1.0)?;
        let label_smoothing = label_smoothing(config)?;
        Ok(Self { label_smoothing })
    }

    fn settings(&self) -> Map<String, Value> {
        smoothing_json(self.label_smoothing)
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let smoothing = self.label_smoothing;
        PerRow::boxed(of, move |p, y| {
            let all: f32 = p.iter().sum();
            let log = |p: f32| libm::log(f64::from((p / all).clamp(1e-7, 1.0 - 1e-7)));
            let right = p.get(class_of(y)).map_or(f64::NAN, |&p| log(p));
            if smoothing == 0.0 {
                return -right;
            }
            let mean = p.iter().map(|&p| log(p)).sum::<f64>() / p.len() as f64;
            -(1.0 - smoothing) * right - smoothing * mean
        })
    }
}
