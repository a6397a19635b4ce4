//! Constraints by their Keras names: where a step of the optimizer has to leave a variable (Keras: `keras.constraints`).

mod axes;
mod groups;
#[cfg(test)]
mod tests;

pub use axes::Axes;

use crate::config::{Config, fold, invalid, tagged, unknown};
use crate::layer::Interrupt;
use crate::weights::AT_ONCE;
use crate::{Result, Shape};
use groups::Groups;
use serde_json::{Value, json};

/// What a variable is made to be after every step of the optimizer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Constraint {
    /// Norms of `max_value` at the most.
    MaxNorm {
        /// The largest norm.
        max_value: f64,
        /// Along which the norms are taken.
        axis: Axes,
    },
    /// Nothing below 0.
    NonNeg,
    /// Norms of 1.
    UnitNorm {
        /// Along which the norms are taken.
        axis: Axes,
    },
    /// Norms from `min_value` to `max_value`.
    MinMaxNorm {
        /// The least norm.
        min_value: f64,
        /// The largest norm.
        max_value: f64,
        /// How much of the way there is taken in a step.
        rate: f64,
        /// Along which the norms are taken.
        axis: Axes,
    },
}

/// Keras's epsilon, which keeps a norm of 0 from dividing.
const EPSILON: f64 = 1e-7;

impl Constraint {
    const KNOWN: [&'static str; 4] = ["max_norm", "non_neg", "unit_norm", "min_max_norm"];

    /// A name, Keras's object, or nothing.
    pub(crate) fn from_json(json: Option<&Value>) -> Result<Option<Constraint>> {
        let Some(json) = json else { return Ok(None) };
        let (name, config) = tagged("constraint", json)?;
        let settings = |keys: &[&str]| Config::new(format!("constraint {name}"), config, keys);
        let norm = |config: &Config, key, default| {
            config.number(key, default, "at least 0", |norm| norm >= 0.0)
        };
        Ok(Some(match fold(name).as_str() {
            "maxnorm" => {
                let config = settings(&["max_value", "axis"])?;
                Self::MaxNorm {
                    max_value: norm(&config, "max_value", 2.0)?,
                    axis: Axes::read(&config)?,
                }
            }
            "nonneg" => {
                settings(&[])?;
                Self::NonNeg
            }
            "unitnorm" => Self::UnitNorm {
                axis: Axes::read(&settings(&["axis"])?)?,
            },
            "minmaxnorm" => {
                let config = settings(&["min_value", "max_value", "rate", "axis"])?;
                let min_value = norm(&config, "min_value", 0.0)?;
                let max_value = norm(&config, "max_value", 1.0)?;
                if min_value > max_value {
                    return Err(invalid(format!(
                        "min_value of {} must not be above max_value, as {min_value} is above {max_value}",
                        config.what
                    )));
                }
                let from_0_to_1 = |rate| (0.0..=1.0).contains(&rate);
                Self::MinMaxNorm {
                    min_value,
                    max_value,
                    rate: config.number("rate", 1.0, "from 0 to 1", from_0_to_1)?,
                    axis: Axes::read(&config)?,
                }
            }
            _ => return Err(unknown("constraint", "constraints", name, &Self::KNOWN)),
        }))
    }

    /// Keras's object, or null.
    pub(crate) fn to_json(this: Option<Constraint>) -> Value {
        let Some(this) = this else {
            return Value::Null;
        };
        let config = match this {
            Self::MaxNorm { max_value, axis } => {
                json!({"max_value": max_value, "axis": axis.to_json()})
            }
            Self::NonNeg => json!({}),
            Self::UnitNorm { axis } => json!({"axis": axis.to_json()}),
            Self::MinMaxNorm {
                min_value,
                max_value,
                rate,
                axis,
            } => {
                json!({"min_value": min_value, "max_value": max_value, "rate": rate, "axis": axis.to_json()})
            }
        };
        json!({"module": "keras.constraints", "class_name": this.class_name(), "config": config, "registered_name": null})
    }

    fn class_name(self) -> &'static str {
        match self {
            Self::MaxNorm { .. } => "MaxNorm",
            Self::NonNeg => "NonNeg",
            Self::UnitNorm { .. } => "UnitNorm",
            Self::MinMaxNorm { .. } => "MinMaxNorm",
        }
    }

    /// What the norms are taken along, where there are any.
    fn axis(self) -> Option<Axes> {
        match self {
            Self::NonNeg => None,
            Self::MaxNorm { axis, .. }
            | Self::UnitNorm { axis }
            | Self::MinMaxNorm { axis, .. } => Some(axis),
        }
    }

    /// Refuses numbers that only a caller can have set by hand, and axes that the variable, called `place`, does not have.
    ///
    /// # Errors
    /// InvalidParameter.
    pub(crate) fn check(self, shape: &[usize], place: &str) -> Result<()> {
        Self::from_json(Some(&Self::to_json(Some(self))))?;
        let Some(axis) = self.axis() else {
            return Ok(());
        };
        if axis.reduced(shape.len()).is_some() {
            return Ok(());
        }
        let (class, axis) = (self.class_name(), axis.to_json());
        let what = format!(
            "axis {axis} of {class} does not fit {place}, whose shape is {}",
            Shape::new(shape)?
        );
        Err(invalid(what).hint(match shape.len() {
            1 => "It has axis 0 alone.".to_owned(),
            rank => format!("It has the axes 0 to {}, each once.", rank - 1),
        }))
    }

    /// Brings a variable of this `shape`, which has been checked, to where it has to be. A number that is not finite stays
    /// such a one, or makes NaN of all that share its norm.
    pub(crate) fn apply(
        self,
        w: &mut [f32],
        shape: &[usize],
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        if let Some(reduced) = self.axis().and_then(|axis| axis.reduced(shape.len())) {
            return Groups::new(shape, reduced).rescale(w, |norm| self.factor(norm), interrupt);
        }
        for piece in w.chunks_mut(AT_ONCE) {
            for w in piece {
                *w = if *w < 0.0 { 0.0 } else { *w };
            }
            interrupt()?;
        }
        Ok(())
    }

    /// What numbers of this norm are multiplied with.
    fn factor(self, norm: f64) -> f32 {
        let desired = match self {
            Self::NonNeg => norm,
            Self::UnitNorm { .. } => 1.0,
            Self::MaxNorm { max_value, .. } => norm.min(max_value),
            Self::MinMaxNorm {
                min_value,
                max_value,
                rate,
                ..
            } => rate * norm.max(min_value).min(max_value) + (1.0 - rate) * norm,
        };
        (desired / (EPSILON + norm)) as f32
    }
}
