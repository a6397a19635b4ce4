//! binary_accuracy (Keras: `BinaryAccuracy`).

use super::Kind;
use super::state::{Elements, State, Subject};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// Share of rows whose answer for the second class is above `threshold` where it is right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BinaryAccuracy {
    threshold: f64,
}

impl Default for BinaryAccuracy {
    fn default() -> Self {
        Self { threshold: 0.5 }
    }
}

impl Kind for BinaryAccuracy {
    const NAMES: &'static [&'static str] = &["binary_accuracy"];
    const SETTINGS: &'static [&'static str] = &["threshold"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.two()
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        let threshold = config.number("threshold", 0.5, "a number", |_| true)?;
        Ok(Self { threshold })
    }

    fn settings(&self) -> Map<String, Value> {
        let given = (self.threshold != 0.5).then(|| ("threshold".into(), self.threshold.into()));
        given.into_iter().collect()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let threshold = f64::from(self.threshold as f32);
        Elements::boxed(of, move |it| {
            f64::from(u8::from((it.answer > threshold) == (it.target > 0.5)))
        })
    }
}
