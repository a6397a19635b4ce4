//! `EarlyStopping` (Keras: `keras.callbacks.EarlyStopping`).

use super::monitor::{Logged, Monitor};
use super::{Keeps, Kind, Mode, Rate, Verdict, Work, epochs, object};
use crate::config::Config;
use crate::{EpochLogs, Result};
use serde_json::{Map, Value, json};

/// Stops when the monitored value no longer improves (Keras: `EarlyStopping`).
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    /// `val_loss`, `loss`, `mae`, `val_mae`, ..; absent: `val_loss` when there are validation rows, else `loss`.
    pub monitor: Option<String>,
    /// Smallest change that counts, 0.
    pub min_delta: f64,
    /// Epochs without improvement before stopping, 0.
    pub patience: u32,
    /// Whether less or more is better; `Auto` by the monitor's name.
    pub mode: Mode,
    /// Take the weights of the best epoch at the end.
    pub restore_best_weights: bool,
    /// Epochs to let pass before watching, 0.
    pub start_from_epoch: u32,
    /// An improvement restarts the patience only if it is better than this, too.
    pub baseline: Option<f64>,
    /// How often it lowers the learning rate to 0.3 of it, from the best weights where they are kept, before it stops; 0.
    /// Keras has a callback of its own for this, [`super::ReduceLROnPlateau`], which does not go back to the best weights.
    pub learning_rate_cuts: u32,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            monitor: None,
            min_delta: 0.0,
            patience: 0,
            mode: Mode::Auto,
            restore_best_weights: false,
            start_from_epoch: 0,
            baseline: None,
            learning_rate_cuts: 0,
        }
    }
}

impl Kind for EarlyStopping {
    const NAME: &'static str = "EarlyStopping";
    const SETTINGS: &'static [&'static str] = &[
        "monitor",
        "min_delta",
        "patience",
        "verbose",
        "mode",
        "baseline",
        "restore_best_weights",
        "start_from_epoch",
        "learning_rate_cuts",
    ];

    fn from_config(config: &Config) -> Result<Self> {
        let baseline = config.get("baseline");
        let baseline = baseline.map(|_| config.number("baseline", 0.0, "a number", |_| true));
        Ok(EarlyStopping {
            monitor: config.string("monitor")?.map(str::to_owned),
            // Keras takes the absolute value.
            min_delta: config.number("min_delta", 0.0, "a number", |_| true)?.abs(),
            patience: epochs(config, "patience", 0)?,
            mode: Mode::from_config(config)?,
            restore_best_weights: config.flag("restore_best_weights", false)?,
            start_from_epoch: epochs(config, "start_from_epoch", 0)?,
            baseline: baseline.transpose()?,
            learning_rate_cuts: epochs(config, "learning_rate_cuts", 0)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let mut settings = object(json!({
            "monitor": self.monitor, "min_delta": self.min_delta, "patience": self.patience, "mode": self.mode.name(),
            "restore_best_weights": self.restore_best_weights, "start_from_epoch": self.start_from_epoch,
            "learning_rate_cuts": self.learning_rate_cuts,
        }));
        if let Some(baseline) = self.baseline {
            settings.insert("baseline".into(), json!(baseline));
        }
        settings
    }

    fn monitor(&self) -> Option<&str> {
        self.monitor.as_deref()
    }

    fn keeps(&self) -> Keeps {
        if self.restore_best_weights {
            Keeps::Best
        } else {
            Keeps::Nothing
        }
    }

    fn rate(&self) -> Rate {
        if self.learning_rate_cuts > 0 {
            Rate::Cut
        } else {
            Rate::Left
        }
    }

    fn begin(&self, logged: &Logged<'_>) -> Result<Box<dyn Work>> {
        let name = self.monitor.as_deref();
        Ok(Box::new(Watch {
            monitor: Monitor::new(Self::NAME, name, self.mode, self.min_delta, logged)?,
            settings: self.clone(),
            wait: 0,
            cuts: 0,
            epochs: 0,
        }))
    }
}

/// An EarlyStopping at work.
struct Watch {
    monitor: Monitor,
    settings: EarlyStopping,
    wait: u32,
    cuts: u32,
    /// Epochs seen: one that goes on after others may have any number.
    epochs: u32,
}

impl Work for Watch {
    fn on_epoch_end(&mut self, logs: &EpochLogs, _rate: f64) -> Verdict {
        self.epochs += 1;
        let Some(current) = self.monitor.value(logs) else {
            return Verdict::Nothing;
        };
        if self.epochs <= self.settings.start_from_epoch {
            return Verdict::Nothing;
        }
        self.wait = self.wait.saturating_add(1);
        if self.monitor.improves(current) {
            let baseline = self.settings.baseline;
            if baseline.is_none() || self.monitor.better(current, baseline) {
                self.wait = 0;
            }
            return Verdict::Keep;
        }
        if self.wait < self.settings.patience || self.epochs <= 1 {
            return Verdict::Nothing;
        }
        if self.cuts == self.settings.learning_rate_cuts {
            return Verdict::Stop;
        }
        self.cuts += 1;
        self.wait = 0;
        Verdict::Cut
    }
}
