//! `TerminateOnNaN` (Keras: `keras.callbacks.TerminateOnNaN`).

use super::monitor::Logged;
use super::{Keeps, Kind, Verdict, Work, object};
use crate::config::Config;
use crate::{EpochLogs, Result};
use serde_json::{Map, Value, json};

/// Ends the training where a loss or a weight is no number, with what the epochs before have learned. Without it, and in the
/// first epoch, that is an error. Keras leaves weights of NaN, which no model here may have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TerminateOnNaN {
    /// Make it an error all the same.
    pub raise_error: bool,
}

impl Kind for TerminateOnNaN {
    const NAME: &'static str = "TerminateOnNaN";
    const SETTINGS: &'static [&'static str] = &["raise_error"];

    fn from_config(config: &Config) -> Result<Self> {
        let raise_error = config.flag("raise_error", false)?;
        Ok(Self { raise_error })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({"raise_error": self.raise_error}))
    }

    fn keeps(&self) -> Keeps {
        if self.raise_error {
            Keeps::Nothing
        } else {
            Keeps::AfterNaN
        }
    }

    fn begin(&self, _logged: &Logged<'_>) -> Result<Box<dyn Work>> {
        Ok(Box::new(Watch))
    }
}

/// A TerminateOnNaN at work: an epoch that comes to its end was one of numbers.
struct Watch;

impl Work for Watch {
    fn on_epoch_end(&mut self, _logs: &EpochLogs, _rate: f64) -> Verdict {
        Verdict::Keep
    }
}
