//! `EarlyStopping` (Keras: `keras.callbacks.EarlyStopping`).

use crate::config::{Config, invalid, tagged, unknown, word_or_json};
use crate::{EpochLogs, Error, ErrorKind, Result};
use serde_json::{Value, json};

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
    /// How often it lowers the learning rate to [`CUT`] of it, from the best weights where they are kept, before it stops;
    /// 0. Keras has a callback of its own for this (ReduceLROnPlateau), which does not go back to the best weights.
    pub learning_rate_cuts: u32,
}

/// What a cut leaves of the learning rate.
pub(crate) const CUT: f64 = 0.3;

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

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            monitor: None,
            min_delta: 0.0,
            patience: 0,
            mode: Mode::Auto,
            restore_best_weights: false,
            start_from_epoch: 0,
            learning_rate_cuts: 0,
        }
    }
}

const SETTINGS: [&str; 9] = [
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

impl EarlyStopping {
    /// Whether it is told to look at validation rows.
    pub(crate) fn wants_validation(&self) -> bool {
        let monitor = self.monitor.as_deref();
        monitor.is_some_and(|monitor| monitor.starts_with("val_"))
    }

    /// Reads the `callbacks` argument: a bare `EarlyStopping`, an object or a list of
    /// `{"EarlyStopping": {"patience": 3}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse_list(text: &str) -> Result<Vec<EarlyStopping>> {
        match word_or_json("callbacks", text)? {
            Value::Array(list) => list.iter().map(Self::from_json).collect(),
            one => Ok(vec![Self::from_json(&one)?]),
        }
    }

    fn from_json(json: &Value) -> Result<EarlyStopping> {
        let (name, config) = tagged("callback", json)?;
        if crate::config::fold(name) != "earlystopping" {
            return Err(unknown("callback", "callbacks", name, &["EarlyStopping"]));
        }
        let config = Config::new("EarlyStopping", config, &SETTINGS)?;
        if config.get("baseline").is_some() {
            return Err(Error::new(
                ErrorKind::NotSupported,
                "baseline of EarlyStopping is not supported",
            ));
        }
        let epochs = |key| {
            config
                .count(key, 0..=u64::from(u32::MAX))
                .map(|n| n.unwrap_or(0) as u32)
        };
        Ok(EarlyStopping {
            monitor: config.string("monitor")?.map(str::to_owned),
            // Keras takes the absolute value.
            min_delta: config.number("min_delta", 0.0, "a number", |_| true)?.abs(),
            patience: epochs("patience")?,
            mode: match config.string("mode")?.unwrap_or("auto") {
                "auto" => Mode::Auto,
                "min" => Mode::Min,
                "max" => Mode::Max,
                other => return Err(unknown("mode", "modes", other, &["auto", "min", "max"])),
            },
            restore_best_weights: config.flag("restore_best_weights", false)?,
            start_from_epoch: epochs("start_from_epoch")?,
            learning_rate_cuts: epochs("learning_rate_cuts")?,
        })
    }

    /// The canonical form with every setting.
    pub fn to_json(&self) -> Value {
        let mode = match self.mode {
            Mode::Auto => "auto",
            Mode::Min => "min",
            Mode::Max => "max",
        };
        json!({"EarlyStopping": {
            "monitor": self.monitor, "min_delta": self.min_delta, "patience": self.patience, "mode": mode,
            "restore_best_weights": self.restore_best_weights, "start_from_epoch": self.start_from_epoch,
            "learning_rate_cuts": self.learning_rate_cuts,
        }})
    }
}

/// An EarlyStopping at work.
#[derive(Debug)]
pub(crate) struct Watch {
    monitor: String,
    more: bool,
    settings: EarlyStopping,
    best: Option<f64>,
    wait: u32,
    cuts: u32,
    /// Epochs seen: one that goes on after others may have any number.
    epochs: u32,
}

/// What an epoch's value means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Worse,
    /// Go back to the best weights and on with a lower learning rate.
    Cut,
    Stop,
}

impl Watch {
    /// Checks the monitor against the values that will be logged.
    pub fn new(settings: &EarlyStopping, metrics: &[&str], validation: bool) -> Result<Watch> {
        let monitor = settings
            .monitor
            .clone()
            .unwrap_or_else(|| if validation { "val_loss" } else { "loss" }.to_owned());
        let plain = monitor.strip_prefix("val_").unwrap_or(&monitor);
        if settings.wants_validation() && !validation {
            return Err(invalid(format!(
                "EarlyStopping cannot monitor {monitor:?} without validation rows"
            ))
            .hint("Set validation_split, or monitor \"loss\"."));
        }
        if plain != "loss" && !metrics.contains(&plain) {
            let mut known: Vec<String> = std::iter::once("loss")
                .chain(metrics.iter().copied())
                .map(str::to_owned)
                .collect();
            if validation {
                known.extend(known.clone().iter().map(|name| format!("val_{name}")));
            }
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(unknown("monitor", "monitors", &monitor, &known));
        }
        let more = match settings.mode {
            Mode::Auto => matches!(plain, "accuracy" | "auc" | "r2"),
            mode => mode == Mode::Max,
        };
        Ok(Watch {
            monitor,
            more,
            settings: settings.clone(),
            best: None,
            wait: 0,
            cuts: 0,
            epochs: 0,
        })
    }

    /// Takes in an epoch (Keras: `on_epoch_end`).
    pub fn see(&mut self, logs: &EpochLogs) -> Verdict {
        self.epochs += 1;
        let Some(current) = logs.get(&self.monitor) else {
            return Verdict::Worse;
        };
        if self.epochs <= self.settings.start_from_epoch {
            return Verdict::Worse;
        }
        self.wait += 1;
        let delta = self.settings.min_delta;
        let better = self.best.is_none_or(|best| {
            if self.more {
                current - delta > best
            } else {
                current + delta < best
            }
        });
        if better && !current.is_nan() {
            self.best = Some(current);
            self.wait = 0;
            return Verdict::Better;
        }
        if self.wait < self.settings.patience || self.epochs <= 1 {
            return Verdict::Worse;
        }
        if self.cuts == self.settings.learning_rate_cuts {
            return Verdict::Stop;
        }
        self.cuts += 1;
        self.wait = 0;
        Verdict::Cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(epoch: u32, val_loss: f64) -> EpochLogs {
        EpochLogs {
            epoch,
            seconds: 0.0,
            loss: 1.0,
            val_loss: Some(val_loss),
            metrics: vec![],
            val_metrics: vec![("auc".into(), val_loss)],
        }
    }

    #[test]
    fn reads_all_forms() {
        let one = EarlyStopping {
            patience: 3,
            restore_best_weights: true,
            ..EarlyStopping::default()
        };
        for text in [
            r#"[{"EarlyStopping": {"patience": 3, "restore_best_weights": true}}]"#,
            r#"{"class_name": "EarlyStopping", "config": {"patience": 3, "restore_best_weights": true, "verbose": 1}}"#,
        ] {
            assert_eq!(EarlyStopping::parse_list(text).unwrap(), vec![one.clone()]);
        }
        assert_eq!(
            EarlyStopping::parse_list("EarlyStopping").unwrap(),
            vec![EarlyStopping::default()]
        );
        assert_eq!(
            EarlyStopping::parse_list(&one.to_json().to_string()).unwrap(),
            vec![one]
        );
        assert_eq!(EarlyStopping::parse_list("[]").unwrap(), vec![]);
        assert_eq!(
            EarlyStopping::parse_list(r#"["ReduceLROnPlateau"]"#)
                .unwrap_err()
                .to_string(),
            "unknown callback \"ReduceLROnPlateau\""
        );
    }

    #[test]
    fn stops_when_keras_stops() {
        let settings = EarlyStopping {
            patience: 2,
            ..EarlyStopping::default()
        };
        let mut watch = Watch::new(&settings, &[], true).unwrap();
        let seen: Vec<Verdict> = [1.0, 0.8, 0.9, 0.7, 0.75, 0.71]
            .iter()
            .enumerate()
            .map(|(i, &v)| watch.see(&logs(i as u32 + 1, v)))
            .collect();
        use Verdict::*;
        assert_eq!(seen, [Better, Better, Worse, Better, Worse, Stop]);
        let auc = EarlyStopping {
            monitor: Some("val_auc".into()),
            ..EarlyStopping::default()
        };
        let mut watch = Watch::new(&auc, &["auc"], true).unwrap();
        assert_eq!(
            (
                watch.see(&logs(1, 0.5)),
                watch.see(&logs(2, 0.6)),
                watch.see(&logs(3, 0.55))
            ),
            (Better, Better, Stop)
        );
    }

    #[test]
    fn cuts_before_it_stops() {
        let settings = EarlyStopping {
            patience: 2,
            learning_rate_cuts: 1,
            ..EarlyStopping::default()
        };
        let mut watch = Watch::new(&settings, &[], true).unwrap();
        let seen: Vec<Verdict> = [1.0, 1.1, 1.2, 1.3, 0.9, 1.0, 1.0]
            .iter()
            .enumerate()
            .map(|(i, &v)| watch.see(&logs(i as u32 + 1, v)))
            .collect();
        use Verdict::*;
        assert_eq!(seen, [Better, Worse, Cut, Worse, Better, Worse, Stop]);
    }

    #[test]
    fn refuses_a_monitor_that_is_not_logged() {
        let settings = EarlyStopping {
            monitor: Some("val_los".into()),
            ..EarlyStopping::default()
        };
        let error = Watch::new(&settings, &["mae"], true).unwrap_err();
        assert!(
            error
                .hint_text()
                .unwrap()
                .contains("Did you mean \"val_loss\"?")
        );
        let settings = EarlyStopping {
            monitor: Some("val_loss".into()),
            ..EarlyStopping::default()
        };
        assert!(Watch::new(&settings, &[], false).is_err());
    }
}
