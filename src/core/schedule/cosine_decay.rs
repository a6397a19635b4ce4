//! `CosineDecay` (Keras: `keras.optimizers.schedules.CosineDecay`; Loshchilov and Hutter, SGDR, 2016).

use super::{Kind, object, rate, steps};
use crate::Result;
use crate::config::{Config, invalid};
use serde_json::{Map, Value, json};

/// Half a cosine from the first rate to `alpha` of it; with a `warmup_target`, behind a straight line up to that.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CosineDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    alpha: f64,
    warmup_target: Option<f64>,
    warmup_steps: f64,
}

impl Kind for CosineDecay {
    const NAME: &'static str = "CosineDecay";
    const SETTINGS: &'static [&'static str] = &[
        "initial_learning_rate",
        "decay_steps",
        "alpha",
        "name",
        "warmup_target",
        "warmup_steps",
    ];

    fn from_config(config: &Config) -> Result<Self> {
        let warmup_target = match config.get("warmup_target") {
            None => None,
            Some(_) => Some(rate(config, "warmup_target", None)?),
        };
        let warmup_steps = rate(config, "warmup_steps", Some(0.0))?;
        if warmup_target.is_none() && warmup_steps > 0.0 {
            return Err(invalid("warmup_steps of CosineDecay need a warmup_target")
                .hint("Give the learning rate that they lead to, or leave them out."));
        }
        Ok(Self {
            initial_learning_rate: rate(config, "initial_learning_rate", None)?,
            decay_steps: steps(config, "decay_steps")?,
            alpha: rate(config, "alpha", Some(0.0))?,
            warmup_target,
            warmup_steps,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object(json!({
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps, "alpha": self.alpha,
            "warmup_target": self.warmup_target, "warmup_steps": self.warmup_steps,
        }))
    }

    fn at(&self, step: f64) -> f64 {
        let first = self.initial_learning_rate;
        let (step, from) = match self.warmup_target {
            Some(target) if step < self.warmup_steps => {
                return (target - first) * (step / self.warmup_steps) + first;
            }
            Some(target) => (step - self.warmup_steps, target),
            None => (step, first),
        };
        let part = step.min(self.decay_steps) / self.decay_steps;
        let cosine = 0.5 * (1.0 + libm::cos(std::f64::consts::PI * part));
        from * ((1.0 - self.alpha) * cosine + self.alpha)
    }
}
