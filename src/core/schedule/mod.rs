//! Learning rate schedules by their Keras names (`keras.optimizers.schedules`). A new one is a file that implements
//! [`Kind`], its `mod` line and a line in `schedules!` below.

mod cosine_decay;
mod exponential_decay;
mod inverse_time_decay;
mod piecewise_constant_decay;
mod polynomial_decay;
mod stairs;
#[cfg(test)]
mod tests;

use crate::Result;
use crate::config::{Config, fold, tagged, unknown};
use cosine_decay::CosineDecay;
use exponential_decay::ExponentialDecay;
use inverse_time_decay::InverseTimeDecay;
use piecewise_constant_decay::PiecewiseConstantDecay;
use polynomial_decay::PolynomialDecay;
use serde_json::{Map, Value, json};

/// One schedule: its Keras configuration and its formula.
trait Kind: Sized {
    /// Keras's class.
    const NAME: &'static str;
    /// The settings Keras writes, `name` among them.
    const SETTINGS: &'static [&'static str];

    fn from_config(config: &Config) -> Result<Self>;
    fn settings(&self) -> Map<String, Value>;

    /// The learning rate behind so many steps.
    fn at(&self, step: f64) -> f64;
}

/// Defines `Schedule` and hands every call on to the kind.
macro_rules! schedules {
    ($($kind:ident),* $(,)?) => {
        /// A learning rate that changes from step to step.
        #[allow(clippy::enum_variant_names, reason = "Keras's names")]
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Schedule {
            $($kind($kind)),*
        }

        impl Schedule {
            const KNOWN: &'static [&'static str] = &[$($kind::NAME),*];

            /// Reads `{"ExponentialDecay": {..}}` or Keras's object.
            pub fn from_json(json: &Value) -> Result<Schedule> {
                let (name, config) = tagged("learning rate schedule", json)?;
                let folded = fold(name);
                $(if folded == fold($kind::NAME) {
                    let config = Config::new($kind::NAME, config, $kind::SETTINGS)?;
                    return Ok(Schedule::$kind($kind::from_config(&config)?));
                })*
                let what = "learning rate schedule";
                Err(unknown(what, "schedules", name, Self::KNOWN))
            }

            /// The canonical form with every setting: `{"ExponentialDecay": {..}}`.
            pub fn to_json(&self) -> Value {
                match self {
                    $(Schedule::$kind(kind) => json!({$kind::NAME: kind.settings()})),*
                }
            }

            /// The learning rate of the step behind so many others.
            pub fn at(&self, step: u64) -> f64 {
                match self {
                    $(Schedule::$kind(kind) => kind.at(step as f64)),*
                }
            }
        }
    };
}

schedules! {
    ExponentialDecay,
    CosineDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
    InverseTimeDecay,
}

/// A learning rate that must be given, or has a `default`.
fn rate(config: &Config, key: &str, default: Option<f64>) -> Result<f64> {
    config.given(key, default, "at least 0", |rate| rate >= 0.0)
}

/// Steps, which must be given.
fn steps(config: &Config, key: &str) -> Result<f64> {
    config.given(key, None, "a positive number", |steps| steps > 0.0)
}

/// The object of a schedule's settings.
fn object(settings: Value) -> Map<String, Value> {
    match settings {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
