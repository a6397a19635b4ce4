//! `LearningRateScheduler` (Keras: `keras.callbacks.LearningRateScheduler`), with a schedule of epochs in place of Keras's
//! Python function.

use super::monitor::Logged;
use super::{Kind, Rate, Verdict, Work, object};
use crate::config::{Config, invalid};
use crate::schedule::Schedule;
use crate::{EpochLogs, Result};
use serde_json::{Map, Value, json};

/// Sets the learning rate of every epoch: that of a schedule whose steps are the epochs before.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningRateScheduler {
    schedule: Schedule,
}

impl Kind for LearningRateScheduler {
    const NAME: &'static str = "LearningRateScheduler";
    const SETTINGS: &'static [&'static str] = &["schedule", "verbose"];

    fn from_config(config: &Config) -> Result<Self> {
        let Some(schedule) = config.get("schedule") else {
            return Err(invalid("LearningRateScheduler needs a schedule").hint(
                "Give one of Keras's, whose steps then are epochs: {\"schedule\": {\"ExponentialDecay\": {...}}}.",
            ));
        };
        let schedule = Schedule::from_json(schedule)?;
        Ok(Self { schedule })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({"schedule": self.schedule.to_json()}))
    }

    fn rate(&self) -> Rate {
        Rate::Set
    }

    fn begin(&self, _logged: &Logged<'_>) -> Result<Box<dyn Work>> {
        Ok(Box::new(Clock(self.schedule.clone())))
    }
}

/// A LearningRateScheduler at work.
struct Clock(Schedule);

impl Work for Clock {
    fn on_epoch_begin(&mut self, epoch: u32) -> Option<f64> {
        Some(self.0.at(u64::from(epoch.saturating_sub(1))))
    }

    fn on_epoch_end(&mut self, _logs: &EpochLogs, _rate: f64) -> Verdict {
        Verdict::Nothing
    }
}
