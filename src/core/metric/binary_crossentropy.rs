//! binary_crossentropy (Keras: `BinaryCrossentropy`), of probabilities.

use super::Kind;
use super::state::{Elements, State, Subject};
use crate::Result;
use crate::config::Config;
use crate::loss::{label_smoothing, smoothing_json};
use serde_json::{Map, Value};

/// mean -y ln p - (1 - y) ln(1 - p), with p brought into [1e-7, 1 - 1e-7].
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BinaryCrossentropy {
    label_smoothing: f64,
}

impl Kind for BinaryCrossentropy {
    const NAMES: &'static [&'static str] = &["binary_crossentropy", "bce"];
    const SETTINGS: &'static [&'static str] = &["from_logits", "label_smoothing"];

    fn fits(of: &Subject<'_>) -> bool {
        of.two() && of.probabilities
    }

    /// The metric is of probabilities here: `from_logits` says where Keras finds them.
    fn read(config: &Config<'_>) -> Result<Self> {
        config.flag("from_logits", false)?;
        let label_smoothing = label_smoothing(config)?;
        Ok(Self { label_smoothing })
    }

    fn settings(&self) -> Map<String, Value> {
        smoothing_json(self.label_smoothing)
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let smoothing = self.label_smoothing;
        Elements::boxed(of, move |it| {
            let p = (it.answer as f32).clamp(1e-7, 1.0 - 1e-7);
            let y = it.target * (1.0 - smoothing) + 0.5 * smoothing;
            -y * libm::log(f64::from(p)) - (1.0 - y) * libm::log(f64::from(1.0 - p))
        })
    }
}
