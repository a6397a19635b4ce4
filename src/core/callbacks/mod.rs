//! Callbacks by their Keras names (`keras.callbacks`): what looks at an epoch and may stop the training, change its
//! learning rate or keep its weights. A new one is a file that implements [`Kind`], its `mod` line and a line in
//! `callbacks!` below. The adapter's own way in is [`crate::Callback`].

mod active;
mod early_stopping;
mod kept;
mod learning_rate_scheduler;
mod model_checkpoint;
mod monitor;
mod reduce_lr_on_plateau;
mod terminate_on_nan;
#[cfg(test)]
mod tests;

pub(crate) use active::Active;
pub use early_stopping::EarlyStopping;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::ModelCheckpoint;
pub use monitor::Mode;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
pub use terminate_on_nan::TerminateOnNaN;

use crate::config::{Config, fold, invalid, tagged, unknown, word_or_json};
use crate::{EpochLogs, Optimizer, Result};
use monitor::Logged;
use serde_json::{Map, Value, json};

/// One callback: its Keras configuration.
trait Kind: Sized {
    /// Keras's class.
    const NAME: &'static str;
    /// The settings that Keras and this project know.
    const SETTINGS: &'static [&'static str];

    fn from_config(config: &Config) -> Result<Self>;
    /// The settings that the canonical form has: all that 0.1.0 knew, and others where they are not Keras's default.
    fn settings(&self) -> Map<String, Value>;

    /// What it is told to look at.
    fn monitor(&self) -> Option<&str> {
        None
    }

    /// When the weights that it keeps become the model's.
    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    /// Whether it changes the learning rate, and for how long.
    fn rate(&self) -> Rate {
        Rate::Left
    }

    /// Begins to work, if what it monitors is logged.
    fn begin(&self, logged: &Logged<'_>) -> Result<Box<dyn Work>>;
}

/// A callback at work in one `fit`.
trait Work {
    /// The learning rate of the epoch, counted from 1 over all trainings, if it is to be another one.
    fn on_epoch_begin(&mut self, _epoch: u32) -> Option<f64> {
        None
    }

    /// Takes in an epoch that was trained with the learning rate `rate`.
    fn on_epoch_end(&mut self, logs: &EpochLogs, rate: f64) -> Verdict;
}

/// What an epoch means to a callback.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Nothing,
    /// Its weights are worth keeping.
    Keep,
    /// Go on with this learning rate.
    Rate(f64),
    /// Go back to the weights kept, if any, and on with a lower learning rate.
    Cut,
    Stop,
}

/// When the weights that a callback keeps become the model's; the last of these goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keeps {
    Nothing,
    /// Where the loss was no number any more.
    AfterNaN,
    /// At the end.
    Best,
    /// At the end, whatever others keep.
    Checkpoint,
}

/// What a callback does to the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rate {
    Left,
    /// Cuts that end with the training.
    Cut,
    /// What it sets stays.
    Set,
}

/// Defines `FitCallback` and hands every call on to the kind.
macro_rules! callbacks {
    ($($(#[$meta:meta])* $kind:ident),* $(,)?) => {
        /// A callback of a training with its settings (Keras: `fit(callbacks=[...])`).
        #[derive(Debug, Clone, PartialEq)]
        pub enum FitCallback {
            $($(#[$meta])* $kind($kind)),*
        }

        impl FitCallback {
            const KNOWN: &'static [&'static str] = &[$($kind::NAME),*];

            fn from_json(json: &Value) -> Result<FitCallback> {
                let (name, config) = tagged("callback", json)?;
                let folded = fold(name);
                $(if folded == fold($kind::NAME) {
                    let config = Config::new($kind::NAME, config, $kind::SETTINGS)?;
                    return Ok(FitCallback::$kind($kind::from_config(&config)?));
                })*
                Err(unknown("callback", "callbacks", name, Self::KNOWN))
            }

            /// Keras's class.
            pub fn name(&self) -> &'static str {
                match self {
                    $(FitCallback::$kind(_) => $kind::NAME),*
                }
            }

            /// The canonical form: `{"EarlyStopping": {..}}`.
            pub fn to_json(&self) -> Value {
                match self {
                    $(FitCallback::$kind(kind) => json!({$kind::NAME: kind.settings()})),*
                }
            }

            fn monitor(&self) -> Option<&str> {
                match self {
                    $(FitCallback::$kind(kind) => kind.monitor()),*
                }
            }

            fn keeps(&self) -> Keeps {
                match self {
                    $(FitCallback::$kind(kind) => kind.keeps()),*
                }
            }

            fn rate(&self) -> Rate {
                match self {
                    $(FitCallback::$kind(kind) => kind.rate()),*
                }
            }

            fn begin(&self, logged: &Logged<'_>) -> Result<Box<dyn Work>> {
                match self {
                    $(FitCallback::$kind(kind) => kind.begin(logged)),*
                }
            }
        }
    };
}

callbacks! {
    /// Stops when a value no longer improves.
    EarlyStopping,
    /// Lowers the learning rate when a value no longer improves.
    ReduceLROnPlateau,
    /// Sets the learning rate of every epoch.
    LearningRateScheduler,
    /// Ends the training when the loss is no number.
    TerminateOnNaN,
    /// Says which epoch's weights the version has.
    ModelCheckpoint,
}

impl FitCallback {
    /// Reads the `callbacks` argument: a bare `EarlyStopping`, an object or a list of
    /// `{"EarlyStopping": {"patience": 3}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse_list(text: &str) -> Result<Vec<FitCallback>> {
        match word_or_json("callbacks", text)? {
            Value::Array(list) => list.iter().map(Self::from_json).collect(),
            one => Ok(vec![Self::from_json(&one)?]),
        }
    }

    /// What it is told to look at, if that is of validation rows.
    pub(crate) fn wants_validation(&self) -> Option<&str> {
        self.monitor().filter(|monitor| monitor.starts_with("val_"))
    }

    /// Whether it keeps a copy of the weights.
    pub(crate) fn keeps_weights(&self) -> bool {
        self.keeps() != Keeps::Nothing
    }

    /// Refuses callbacks that would change one learning rate in two ways.
    pub(crate) fn check(callbacks: &[FitCallback], optimizer: Option<&Optimizer>) -> Result<()> {
        let of = |rate: Rate| callbacks.iter().find(|it| it.rate() == rate);
        let Some(setter) = of(Rate::Set) else {
            return Ok(());
        };
        if optimizer.is_some_and(Optimizer::is_scheduled) {
            return Err(invalid(format!(
                "{} cannot change a learning rate that follows a schedule",
                setter.name()
            ))
            .hint("Give the optimizer a number as learning_rate, or leave the callback out."));
        }
        if of(Rate::Cut).is_some() {
            return Err(invalid(format!(
                "learning_rate_cuts of EarlyStopping and {} cannot both change the learning rate",
                setter.name()
            ))
            .hint("Leave learning_rate_cuts out."));
        }
        Ok(())
    }
}

impl From<EarlyStopping> for FitCallback {
    fn from(stopping: EarlyStopping) -> Self {
        Self::EarlyStopping(stopping)
    }
}

/// The object of a callback's settings.
fn object(settings: Value) -> Map<String, Value> {
    match settings {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A number of epochs.
fn epochs(config: &Config, key: &str, default: u32) -> Result<u32> {
    let given = config.count(key, 0..=u64::from(u32::MAX))?;
    Ok(given.map_or(default, |epochs| epochs as u32))
}
