//! The learning rate of an optimizer: a number, or a schedule over its steps.

use crate::Result;
use crate::config::Config;
use crate::schedule::Schedule;
use serde_json::{Value, json};

/// How far a step goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LearningRate {
    /// Equally far in every step.
    Constant(f64),
    /// By the steps before, times a factor.
    Scheduled(Schedule, f64),
}

impl LearningRate {
    /// The setting `learning_rate`.
    pub fn from_config(config: &Config, default: f64) -> Result<Self> {
        match config.get("learning_rate") {
            Some(json @ Value::Object(_)) => Ok(Self::Scheduled(Schedule::from_json(json)?, 1.0)),
            _ => {
                let wanted = "a positive number or a schedule";
                let rate = config.number("learning_rate", default, wanted, |v| v > 0.0)?;
                Ok(Self::Constant(rate))
            }
        }
    }

    /// A number, or the schedule.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Constant(rate) => json!(rate),
            Self::Scheduled(schedule, _) => schedule.to_json(),
        }
    }

    /// The learning rate behind so many steps.
    pub fn at(&self, steps: u64) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Scheduled(schedule, factor) => schedule.at(steps) * factor,
        }
    }

    /// From now on `factor` times as much.
    pub fn slow(&mut self, factor: f64) {
        let (Self::Constant(rate) | Self::Scheduled(_, rate)) = self;
        *rate *= factor;
    }
}
