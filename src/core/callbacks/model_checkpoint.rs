//! `ModelCheckpoint` (Keras: `keras.callbacks.ModelCheckpoint`). A training leaves one version and no files, so what
//! Keras would write last is what the version has.

use super::monitor::{Logged, Monitor};
use super::{Keeps, Kind, Mode, Verdict, Work, object};
use crate::config::Config;
use crate::{EpochLogs, Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// Gives the version the weights of the best epoch; without `save_best_only` those of the last one, as ever.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCheckpoint {
    /// As that of [`super::EarlyStopping`].
    pub monitor: Option<String>,
    /// Whether only an epoch that is better than those before counts.
    pub save_best_only: bool,
    /// Whether less or more is better; `Auto` by the monitor's name.
    pub mode: Mode,
    /// A value that the first epoch has to be better than.
    pub initial_value_threshold: Option<f64>,
}

impl Default for ModelCheckpoint {
    fn default() -> Self {
        Self {
            monitor: None,
            save_best_only: false,
            mode: Mode::Auto,
            initial_value_threshold: None,
        }
    }
}

impl Kind for ModelCheckpoint {
    const NAME: &'static str = "ModelCheckpoint";
    const SETTINGS: &'static [&'static str] = &[
        "filepath",
        "monitor",
        "verbose",
        "save_best_only",
        "save_weights_only",
        "mode",
        "save_freq",
        "initial_value_threshold",
    ];

    fn from_config(config: &Config) -> Result<Self> {
        // The name and the weights of a version are not up to a callback.
        config.string("filepath")?;
        config.flag("save_weights_only", false)?;
        if config
            .get("save_freq")
            .is_some_and(|frequency| frequency != "epoch")
        {
            return Err(Error::new(
                ErrorKind::NotSupported,
                "save_freq of ModelCheckpoint other than \"epoch\" is not supported",
            )
            .hint("A training stores one version, at its end."));
        }
        let key = "initial_value_threshold";
        let threshold = config.get(key);
        let threshold = threshold.map(|_| config.number(key, 0.0, "a number", |_| true));
        Ok(Self {
            monitor: config.string("monitor")?.map(str::to_owned),
            save_best_only: config.flag("save_best_only", false)?,
            mode: Mode::from_config(config)?,
            initial_value_threshold: threshold.transpose()?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({
            "monitor": self.monitor, "save_best_only": self.save_best_only, "mode": self.mode.name(),
            "initial_value_threshold": self.initial_value_threshold,
        }))
    }

    fn monitor(&self) -> Option<&str> {
        // What looks at every epoch alike needs no value.
        self.monitor.as_deref().filter(|_| self.save_best_only)
    }

    fn keeps(&self) -> Keeps {
        if self.save_best_only {
            Keeps::Checkpoint
        } else {
            Keeps::Nothing
        }
    }

    fn begin(&self, logged: &Logged<'_>) -> Result<Box<dyn Work>> {
        let mut monitor = Monitor::new(Self::NAME, self.monitor(), self.mode, 0.0, logged)?;
        monitor.best = self.initial_value_threshold;
        Ok(Box::new(Watch(monitor)))
    }
}

/// A ModelCheckpoint at work.
struct Watch(Monitor);

impl Work for Watch {
    fn on_epoch_end(&mut self, logs: &EpochLogs, _rate: f64) -> Verdict {
        match self.0.value(logs) {
            Some(value) if self.0.improves(value) => Verdict::Keep,
            _ => Verdict::Nothing,
        }
    }
}
