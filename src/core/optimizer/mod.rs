//! Optimizers with Keras 3's formulas and defaults; [`crate::kernels::step`] computes them. A new one is a file that
//! implements [`Kind`], its `mod` line and a line in `optimizers!` below.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod clip;
mod learning_rate;
mod lion;
mod nadam;
mod rmsprop;
mod sgd;
#[cfg(test)]
mod tests;

pub(crate) use clip::Clip;

use crate::Result;
use crate::config::{Config, fold, tagged, unknown, word_or_json};
use adadelta::Adadelta;
use adagrad::Adagrad;
use adam::Adam;
use adamax::Adamax;
use adamw::AdamW;
use learning_rate::LearningRate;
use lion::Lion;
use nadam::Nadam;
use rmsprop::RmsProp;
use serde_json::{Map, Value, json};
use sgd::Sgd;

/// The most vectors that an optimizer keeps.
pub(crate) const MOST_SLOTS: usize = 3;

/// Pieces of what an optimizer keeps beside a piece of the weights; empty where it keeps no so many.
pub(crate) type Slots<'a> = [&'a mut [f32]; MOST_SLOTS];

/// One optimizer: its Keras configuration and its step. The learning rate, weight decay and clipping are those of all.
trait Kind: Sized {
    /// The short name: `adam`.
    const NAME: &'static str;
    /// The settings that Keras writes beside those of every optimizer.
    const SETTINGS: &'static [&'static str];
    /// Keras's default.
    const LEARNING_RATE: f64 = 0.001;
    /// Keras's default; `None` where there is no decay unless it is asked for.
    const WEIGHT_DECAY: Option<f64> = None;
    /// The numbers of one step.
    type Step: Copy;

    fn from_config(config: &Config) -> Result<Self>;
    /// The settings that the canonical form has: all that 0.1.0 knew, and others where they are not Keras's default.
    fn settings(&self) -> Map<String, Value>;

    /// Keras's names of the vectors, as long as the weights, that are kept between steps.
    fn memory(&self) -> &'static [&'static str];

    /// What these vectors begin with.
    fn begins_with(&self) -> f32 {
        0.0
    }

    /// The numbers of the `number`th step, from 1, with this learning rate and this share of the weights taken off.
    fn numbers(&self, number: u64, rate: f64, decay: f32) -> Self::Step;

    /// Moves weights `w` along gradient `g`.
    fn step(&self, step: Self::Step, w: &mut [f32], g: &[f32], slots: Slots<'_>);
}

/// Defines what hands every call on to the kind.
macro_rules! optimizers {
    ($($kind:ident),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq)]
        enum Method {
            $($kind($kind)),*
        }

        /// The numbers of a method's step.
        #[derive(Debug, Clone, Copy)]
        enum Numbers {
            $($kind($kind, <$kind as Kind>::Step)),*
        }

        impl Optimizer {
            const KNOWN: &'static [&'static str] = &[$($kind::NAME),*];

            fn from_json(json: &Value) -> Result<Optimizer> {
                let (name, config) = tagged("optimizer", json)?;
                match fold(name).as_str() {
                    $($kind::NAME => Self::read::<$kind>(config, Method::$kind),)*
                    _ => Err(unknown("optimizer", "optimizers", name, Self::KNOWN)),
                }
            }
        }

        impl Method {
            fn name(&self) -> &'static str {
                match self {
                    $(Method::$kind(_) => $kind::NAME),*
                }
            }

            fn decays(&self) -> bool {
                match self {
                    $(Method::$kind(_) => $kind::WEIGHT_DECAY.is_some()),*
                }
            }

            fn settings(&self) -> Map<String, Value> {
                match self {
                    $(Method::$kind(kind) => kind.settings()),*
                }
            }

            fn memory(&self) -> &'static [&'static str] {
                match self {
                    $(Method::$kind(kind) => kind.memory()),*
                }
            }

            fn begins_with(&self) -> f32 {
                match self {
                    $(Method::$kind(kind) => kind.begins_with()),*
                }
            }

            fn numbers(&self, number: u64, rate: f64, decay: f32) -> Numbers {
                match self {
                    $(Method::$kind(kind) => Numbers::$kind(*kind, kind.numbers(number, rate, decay))),*
                }
            }
        }

        impl Step {
            /// Moves weights `w` along gradient `g`.
            #[inline]
            pub fn apply(&self, w: &mut [f32], g: &[f32], slots: Slots<'_>) {
                match &self.0 {
                    $(Numbers::$kind(kind, numbers) => kind.step(*numbers, w, g, slots)),*
                }
            }
        }
    };
}

optimizers! {
    Sgd,
    Adam,
    AdamW,
    Nadam,
    RmsProp,
    Adagrad,
    Adadelta,
    Adamax,
    Lion,
}

/// An optimizer with Keras 3's formula and defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    method: Method,
    learning_rate: LearningRate,
    /// Share of the weights taken off per step, times the learning rate.
    weight_decay: f64,
    clip: Option<Clip>,
}

/// One step of an optimizer: its numbers are the same for all weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step(Numbers);

/// Settings of every Keras optimizer.
const COMMON: [&str; 8] = [
    "name",
    "learning_rate",
    "weight_decay",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
];
/// Those that are not built.
const REFUSED: [&str; 4] = [
    "use_ema",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
];

impl Optimizer {
    /// Reads a bare word, `{"adam": {"learning_rate": 0.01}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(text: &str) -> Result<Optimizer> {
        Self::from_json(&word_or_json("optimizer", text)?)
    }

    fn read<K: Kind>(config: Option<&Value>, method: fn(K) -> Method) -> Result<Optimizer> {
        let own = K::SETTINGS.iter().chain(&COMMON).chain(&Clip::SETTINGS);
        let known: Vec<&str> = own.copied().collect();
        let config = Config::new(format!("optimizer {}", K::NAME), config, &known)?;
        config.refuse(&REFUSED)?;
        let decay = K::WEIGHT_DECAY.unwrap_or(0.0);
        Ok(Optimizer {
            method: method(K::from_config(&config)?),
            learning_rate: LearningRate::from_config(&config, K::LEARNING_RATE)?,
            weight_decay: config.number("weight_decay", decay, "at least 0", |v| v >= 0.0)?,
            clip: Clip::from_config(&config)?,
        })
    }

    /// AdamW with these settings.
    pub(crate) fn adamw(learning_rate: f64, weight_decay: f64) -> Optimizer {
        Optimizer {
            method: Method::AdamW(AdamW::default()),
            learning_rate: LearningRate::Constant(learning_rate),
            weight_decay,
            clip: None,
        }
    }

    /// The short name: `adam`.
    pub fn name(&self) -> &'static str {
        self.method.name()
    }

    /// The canonical form: `{"adam": {"learning_rate": 0.001, ..}}`. `parse` reads its text.
    pub fn to_json(&self) -> Value {
        let mut config = self.method.settings();
        let rate = self.learning_rate.to_json();
        config.insert("learning_rate".into(), rate);
        if self.method.decays() || self.weight_decay != 0.0 {
            config.insert("weight_decay".into(), json!(self.weight_decay));
        }
        if let Some((key, most)) = self.clip.map(Clip::setting) {
            config.insert(key.into(), json!(most));
        }
        json!({self.name(): config})
    }

    /// Whether the learning rate follows a schedule, which nobody else may set.
    pub(crate) fn is_scheduled(&self) -> bool {
        matches!(self.learning_rate, LearningRate::Scheduled(..))
    }

    /// The learning rate of the step behind so many others.
    pub(crate) fn learning_rate(&self, steps: u64) -> f64 {
        self.learning_rate.at(steps)
    }

    /// From now on with `factor` times the learning rate.
    pub(crate) fn slow(&mut self, factor: f64) {
        self.learning_rate.slow(factor);
    }

    /// How gradients are clipped.
    pub(crate) fn clip(&self) -> Option<Clip> {
        self.clip
    }

    /// The names of the vectors, as long as the weights, that are kept between steps.
    pub(crate) fn memory(&self) -> &'static [&'static str] {
        self.method.memory()
    }

    /// Floats of state per parameter.
    pub(crate) fn slots(&self) -> usize {
        self.memory().len()
    }

    /// What the vectors begin with.
    pub(crate) fn begins_with(&self) -> f32 {
        self.method.begins_with()
    }

    /// The `number`th step, from 1, with the learning rate `rate`.
    pub(crate) fn step(&self, number: u64, rate: f64) -> Step {
        let decay = (rate * self.weight_decay) as f32;
        Step(self.method.numbers(number, rate, decay))
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer {
            method: Method::Adam(Adam::default()),
            learning_rate: LearningRate::Constant(Adam::LEARNING_RATE),
            weight_decay: 0.0,
            clip: None,
        }
    }
}

/// A setting above 0.
fn positive(config: &Config, key: &str, default: f64) -> Result<f64> {
    config.number(key, default, "a positive number", |v| v > 0.0)
}

/// A setting from 0 to less than 1.
fn share(config: &Config, key: &str, default: f64) -> Result<f64> {
    let wanted = "at least 0 and less than 1";
    config.number(key, default, wanted, |v| (0.0..1.0).contains(&v))
}

/// Names and values.
fn object<const N: usize>(settings: [(&str, Value); N]) -> Map<String, Value> {
    let entries = settings.into_iter();
    entries
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
