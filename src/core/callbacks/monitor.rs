//! What a callback monitors, and what is better (Keras: `MonitorCallback`).

use super::{Config, invalid, unknown};
use crate::{EpochLogs, Metric, Result};

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By the monitor's name.
    Auto,
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl Mode {
    const KNOWN: [&'static str; 3] = ["auto", "min", "max"];

    /// The setting `mode`.
    pub(super) fn from_config(config: &Config) -> Result<Mode> {
        match config.string("mode")?.unwrap_or("auto") {
            "auto" => Ok(Mode::Auto),
            "min" => Ok(Mode::Min),
            "max" => Ok(Mode::Max),
            other => Err(unknown("mode", "modes", other, &Self::KNOWN)),
        }
    }

    /// As Keras writes it.
    pub(super) fn name(self) -> &'static str {
        Self::KNOWN[match self {
            Mode::Auto => 0,
            Mode::Min => 1,
            Mode::Max => 2,
        }]
    }
}

/// What will be logged of every epoch.
pub(super) struct Logged<'a> {
    /// The names of the metrics, and whether more of each is better.
    pub metrics: &'a [(&'a str, bool)],
    /// Whether there are validation rows.
    pub validation: bool,
}

/// A value that is looked at, and the best one so far.
#[derive(Debug)]
pub(super) struct Monitor {
    name: String,
    more: bool,
    min_delta: f64,
    pub best: Option<f64>,
}

impl Monitor {
    /// Checks `name`, by default `val_loss` or without validation rows `loss`, against what will be logged.
    pub fn new(
        callback: &str,
        name: Option<&str>,
        mode: Mode,
        min_delta: f64,
        logged: &Logged<'_>,
    ) -> Result<Monitor> {
        let usual = if logged.validation {
            "val_loss"
        } else {
            "loss"
        };
        let name = name.unwrap_or(usual);
        let plain = name.strip_prefix("val_").unwrap_or(name);
        if name != plain && !logged.validation {
            return Err(invalid(format!(
                "{callback} cannot monitor {name:?} without validation rows"
            ))
            .hint("Set validation_split, or monitor \"loss\"."));
        }
        // Keras's longer names are known too: `mean_absolute_error` is logged as `mae`.
        let short = Metric::parse(plain).ok();
        let short = short.as_ref().map(Metric::name);
        let find = |name| logged.metrics.iter().find(|(known, _)| *known == name);
        let found = find(plain).or_else(|| find(short?)).copied();
        if plain != "loss" && found.is_none() {
            let mut known: Vec<String> = std::iter::once("loss")
                .chain(logged.metrics.iter().map(|(name, _)| *name))
                .map(str::to_owned)
                .collect();
            if logged.validation {
                known.extend(known.clone().iter().map(|name| format!("val_{name}")));
            }
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(unknown("monitor", "monitors", name, &known));
        }
        Ok(Monitor {
            more: match mode {
                Mode::Auto => found.is_some_and(|(_, more)| more),
                mode => mode == Mode::Max,
            },
            name: match found {
                Some((logged, _)) if name == plain => logged.to_owned(),
                Some((logged, _)) => format!("val_{logged}"),
                None => name.to_owned(),
            },
            min_delta,
            best: None,
        })
    }

    /// The value of an epoch.
    pub fn value(&self, logs: &EpochLogs) -> Option<f64> {
        logs.get(&self.name)
    }

    /// Whether a value is better than another, or than none.
    pub fn better(&self, value: f64, than: Option<f64>) -> bool {
        let delta = self.min_delta;
        !value.is_nan()
            && than.is_none_or(|best| {
                if self.more {
                    value - delta > best
                } else {
                    value + delta < best
                }
            })
    }

    /// Takes in a value; true if it is the best one.
    pub fn improves(&mut self, value: f64) -> bool {
        let better = self.better(value, self.best);
        if better {
            self.best = Some(value);
        }
        better
    }
}
