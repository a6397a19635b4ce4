//! `ReduceLROnPlateau` (Keras: `keras.callbacks.ReduceLROnPlateau`).

use super::monitor::{Logged, Monitor};
use super::{Kind, Mode, Rate, Verdict, Work, epochs, object};
use crate::Result;
use crate::config::Config;
use crate::history::EpochLogs;
use serde_json::{Map, Value, json};

/// Lowers the learning rate when the monitored value no longer improves. As in Keras it stays low for trainings that go on.
#[derive(Debug, Clone, PartialEq)]
pub struct ReduceLROnPlateau {
    /// As that of [`super::EarlyStopping`].
    pub monitor: Option<String>,
    /// What is left of the learning rate, 0.1.
    pub factor: f64,
    /// Epochs without improvement before it is lowered, 10.
    pub patience: u32,
    /// Whether less or more is better; `Auto` by the monitor's name.
    pub mode: Mode,
    /// Smallest change that counts, 0.0001.
    pub min_delta: f64,
    /// Epochs after a reduction in which nothing is counted, 0.
    pub cooldown: u32,
    /// The lowest learning rate, 0.
    pub min_lr: f64,
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        Self {
            monitor: None,
            factor: 0.1,
            patience: 10,
            mode: Mode::Auto,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
        }
    }
}

impl Kind for ReduceLROnPlateau {
    const NAME: &'static str = "ReduceLROnPlateau";
    const SETTINGS: &'static [&'static str] = &[
        "monitor",
        "factor",
        "patience",
        "verbose",
        "mode",
        "min_delta",
        "cooldown",
        "min_lr",
    ];

    fn from_config(config: &Config) -> Result<Self> {
        let usual = Self::default();
        let wanted = "greater than 0 and less than 1";
        let factor = |factor: f64| factor > 0.0 && factor < 1.0;
        let any = |_: f64| true;
        Ok(Self {
            monitor: config.string("monitor")?.map(str::to_owned),
            factor: config.number("factor", usual.factor, wanted, factor)?,
            patience: epochs(config, "patience", usual.patience)?,
            mode: Mode::from_config(config)?,
            min_delta: config
                .number("min_delta", usual.min_delta, "a number", any)?
                .abs(),
            cooldown: epochs(config, "cooldown", usual.cooldown)?,
            min_lr: config.number("min_lr", usual.min_lr, "at least 0", |rate| rate >= 0.0)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({
            "monitor": self.monitor, "factor": self.factor, "patience": self.patience, "mode": self.mode.name(),
            "min_delta": self.min_delta, "cooldown": self.cooldown, "min_lr": self.min_lr,
        }))
    }

    fn monitor(&self) -> Option<&str> {
        self.monitor.as_deref()
    }

    fn rate(&self) -> Rate {
        Rate::Set
    }

    fn begin(&self, logged: &Logged<'_>) -> Result<Box<dyn Work>> {
        let name = self.monitor.as_deref();
        Ok(Box::new(Watch {
            monitor: Monitor::new(Self::NAME, name, self.mode, self.min_delta, logged)?,
            settings: self.clone(),
            wait: 0,
            cooldown: 0,
        }))
    }
}

/// A ReduceLROnPlateau at work.
struct Watch {
    monitor: Monitor,
    settings: ReduceLROnPlateau,
    wait: u32,
    /// Epochs left in which nothing is counted.
    cooldown: u32,
}

impl Work for Watch {
    fn on_epoch_end(&mut self, logs: &EpochLogs, rate: f64) -> Verdict {
        let Some(current) = self.monitor.value(logs) else {
            return Verdict::Nothing;
        };
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.wait = 0;
        }
        if self.monitor.improves(current) {
            self.wait = 0;
            return Verdict::Nothing;
        }
        if self.cooldown > 0 {
            return Verdict::Nothing;
        }
        self.wait = self.wait.saturating_add(1);
        if self.wait < self.settings.patience || rate <= self.settings.min_lr {
            return Verdict::Nothing;
        }
        self.cooldown = self.settings.cooldown;
        self.wait = 0;
        Verdict::Rate((rate * self.settings.factor).max(self.settings.min_lr))
    }
}
