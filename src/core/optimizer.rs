//! Optimizers with Keras 3's formulas and defaults; [`crate::kernels::step`] computes them.

use crate::Result;
use crate::config::{Config, fold, tagged, unknown, word_or_json};
use crate::kernels::step;
use serde_json::{Value, json};

/// An optimizer with Keras 3's formula and defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Gradient descent
    Sgd {
        /// Step size, 0.01.
        learning_rate: f64,
        /// Share of the last step that is kept, 0.
        momentum: f64,
        /// Look ahead along the momentum.
        nesterov: bool,
    },
    /// Adam
    Adam {
        /// Step size, 0.001.
        learning_rate: f64,
        /// Decay of the mean gradient, 0.9.
        beta_1: f64,
        /// Decay of the mean squared gradient, 0.999.
        beta_2: f64,
        /// Added to the root, 1e-7.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay
    AdamW {
        /// Step size, 0.001.
        learning_rate: f64,
        /// Share of the weights taken off per step, times the step size, 0.004.
        weight_decay: f64,
        /// Decay of the mean gradient, 0.9.
        beta_1: f64,
        /// Decay of the mean squared gradient, 0.999.
        beta_2: f64,
        /// Added to the root, 1e-7.
        epsilon: f64,
    },
    /// RMSprop
    RmsProp {
        /// Step size, 0.001.
        learning_rate: f64,
        /// Decay of the mean squared gradient, 0.9.
        rho: f64,
        /// Share of the last step that is kept, 0.
        momentum: f64,
        /// Added under the root, 1e-7.
        epsilon: f64,
    },
}

/// Settings of every Keras optimizer; the second half is not built yet.
const COMMON: [&str; 11] = [
    "name",
    "learning_rate",
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
];
const REFUSED: [&str; 9] = [
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "amsgrad",
    "centered",
];

impl Optimizer {
    const KNOWN: [&'static str; 4] = ["sgd", "adam", "adamw", "rmsprop"];

    /// Reads a bare word, `{"adam": {"learning_rate": 0.01}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(text: &str) -> Result<Optimizer> {
        let json = word_or_json("optimizer", text)?;
        let (name, config) = tagged("optimizer", &json)?;
        let folded = fold(name);
        let own: &[&str] = match folded.as_str() {
            "sgd" => &["momentum", "nesterov"],
            "adam" | "adamw" => &["beta_1", "beta_2", "epsilon", "amsgrad"],
            "rmsprop" => &["rho", "momentum", "epsilon", "centered"],
            _ => return Err(unknown("optimizer", "optimizers", name, &Self::KNOWN)),
        };
        let known: Vec<&str> = own.iter().chain(&COMMON).copied().collect();
        let config = Config::new(format!("optimizer {folded}"), config, &known)?;
        config.refuse(&REFUSED)?;
        if folded != "adamw" {
            config.refuse(&["weight_decay"])?;
        }
        let positive = |key, default| config.number(key, default, "a positive number", |v| v > 0.0);
        let share = |key, default| {
            config.number(key, default, "at least 0 and less than 1", |v| {
                (0.0..1.0).contains(&v)
            })
        };
        let learning_rate = positive("learning_rate", if folded == "sgd" { 0.01 } else { 0.001 })?;
        Ok(match folded.as_str() {
            "sgd" => Optimizer::Sgd {
                learning_rate,
                momentum: share("momentum", 0.0)?,
                nesterov: config.flag("nesterov", false)?,
            },
            "rmsprop" => Optimizer::RmsProp {
                learning_rate,
                rho: share("rho", 0.9)?,
                momentum: share("momentum", 0.0)?,
                epsilon: positive("epsilon", 1e-7)?,
            },
            word => {
                let (beta_1, beta_2) = (share("beta_1", 0.9)?, share("beta_2", 0.999)?);
                let epsilon = positive("epsilon", 1e-7)?;
                if word == "adam" {
                    Optimizer::Adam {
                        learning_rate,
                        beta_1,
                        beta_2,
                        epsilon,
                    }
                } else {
                    let weight_decay =
                        config.number("weight_decay", 0.004, "at least 0", |v| v >= 0.0)?;
                    Optimizer::AdamW {
                        learning_rate,
                        weight_decay,
                        beta_1,
                        beta_2,
                        epsilon,
                    }
                }
            }
        })
    }

    /// The short name: `adam`.
    pub fn name(&self) -> &'static str {
        Self::KNOWN[match self {
            Optimizer::Sgd { .. } => 0,
            Optimizer::Adam { .. } => 1,
            Optimizer::AdamW { .. } => 2,
            Optimizer::RmsProp { .. } => 3,
        }]
    }

    /// The canonical form with every setting: `{"adam": {"learning_rate": 0.001, ..}}`. `parse` reads its text.
    pub fn to_json(&self) -> Value {
        let config = match *self {
            Optimizer::Sgd {
                learning_rate,
                momentum,
                nesterov,
            } => {
                json!({"learning_rate": learning_rate, "momentum": momentum, "nesterov": nesterov})
            }
            Optimizer::Adam {
                learning_rate,
                beta_1,
                beta_2,
                epsilon,
            } => {
                json!({"learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon})
            }
            Optimizer::AdamW {
                learning_rate,
                weight_decay,
                beta_1,
                beta_2,
                epsilon,
            } => json!({
                "learning_rate": learning_rate, "weight_decay": weight_decay,
                "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon,
            }),
            Optimizer::RmsProp {
                learning_rate,
                rho,
                momentum,
                epsilon,
            } => {
                json!({"learning_rate": learning_rate, "rho": rho, "momentum": momentum, "epsilon": epsilon})
            }
        };
        json!({self.name(): config})
    }

    /// The same with `factor` times the learning rate.
    pub(crate) fn slowed(mut self, factor: f64) -> Self {
        match &mut self {
            Optimizer::Sgd { learning_rate, .. }
            | Optimizer::Adam { learning_rate, .. }
            | Optimizer::AdamW { learning_rate, .. }
            | Optimizer::RmsProp { learning_rate, .. } => *learning_rate *= factor,
        }
        self
    }

    /// Floats of state per parameter.
    pub(crate) fn slots(&self) -> usize {
        match *self {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum > 0.0),
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => 2,
            Optimizer::RmsProp { momentum, .. } => 1 + usize::from(momentum > 0.0),
        }
    }

    /// Moves weights `w` along gradient `g` in the `number`th step (from 1); `a` and `b` are the state slots.
    pub(crate) fn step(&self, number: u64, w: &mut [f32], g: &[f32], a: &mut [f32], b: &mut [f32]) {
        let adam = |rate: f64, beta_1: f64, beta_2: f64, epsilon: f64, decay: f64| {
            let n = number as f64;
            let rate_now =
                rate * libm::sqrt(1.0 - libm::pow(beta_2, n)) / (1.0 - libm::pow(beta_1, n));
            step::Adam {
                rate: rate_now as f32,
                fresh_1: (1.0 - beta_1) as f32,
                fresh_2: (1.0 - beta_2) as f32,
                epsilon: epsilon as f32,
                decay: (rate * decay) as f32,
            }
        };
        match *self {
            Optimizer::Sgd {
                learning_rate,
                momentum,
                nesterov,
            } if momentum > 0.0 => {
                step::sgd_momentum(learning_rate as f32, momentum as f32, nesterov, w, g, a);
            }
            Optimizer::Sgd { learning_rate, .. } => step::sgd(learning_rate as f32, w, g),
            Optimizer::Adam {
                learning_rate,
                beta_1,
                beta_2,
                epsilon,
            } => {
                step::adam(
                    adam(learning_rate, beta_1, beta_2, epsilon, 0.0),
                    w,
                    g,
                    a,
                    b,
                );
            }
            Optimizer::AdamW {
                learning_rate,
                weight_decay,
                beta_1,
                beta_2,
                epsilon,
            } => {
                step::adam(
                    adam(learning_rate, beta_1, beta_2, epsilon, weight_decay),
                    w,
                    g,
                    a,
                    b,
                );
            }
            Optimizer::RmsProp {
                learning_rate,
                rho,
                momentum,
                epsilon,
            } if momentum > 0.0 => {
                step::rmsprop_momentum(
                    learning_rate as f32,
                    rho as f32,
                    epsilon as f32,
                    momentum as f32,
                    w,
                    g,
                    a,
                    b,
                );
            }
            Optimizer::RmsProp {
                learning_rate,
                rho,
                epsilon,
                ..
            } => {
                step::rmsprop(learning_rate as f32, rho as f32, epsilon as f32, w, g, a);
            }
        }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam {
            learning_rate: 0.001,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn reads_words_and_both_json_forms() {
        assert_eq!(Optimizer::parse("Adam").unwrap(), Optimizer::default());
        let sgd = Optimizer::parse(r#"{"sgd": {"momentum": 0.9, "nesterov": true}}"#).unwrap();
        assert_eq!(
            sgd,
            Optimizer::Sgd {
                learning_rate: 0.01,
                momentum: 0.9,
                nesterov: true
            }
        );
        // keras.optimizers.RMSprop().get_config() of Keras 3.15
        let keras = r#"{"class_name": "RMSprop", "config": {"name": "rm_sprop", "learning_rate": 0.0010000000474974513,
            "weight_decay": null, "clipnorm": null, "global_clipnorm": null, "clipvalue": null, "use_ema": false,
            "ema_momentum": 0.99, "ema_overwrite_frequency": null, "loss_scale_factor": null,
            "gradient_accumulation_steps": null, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-07, "centered": false}}"#;
        assert_eq!(Optimizer::parse(keras).unwrap().name(), "rmsprop");
        for word in Optimizer::KNOWN {
            let optimizer = Optimizer::parse(word).unwrap();
            assert_eq!(
                Optimizer::parse(&optimizer.to_json().to_string()).unwrap(),
                optimizer
            );
        }
    }

    #[test]
    fn refuses_the_rest_by_name() {
        let amsgrad = Optimizer::parse(r#"{"adam": {"amsgrad": true}}"#).unwrap_err();
        assert_eq!(
            (amsgrad.kind(), amsgrad.to_string().as_str()),
            (
                ErrorKind::NotSupported,
                "amsgrad of optimizer adam is not supported"
            )
        );
        let typo = Optimizer::parse(r#"{"adam": {"learning_rat": 1}}"#).unwrap_err();
        assert!(
            typo.hint_text()
                .unwrap()
                .starts_with("Did you mean \"learning_rate\"?")
        );
        assert!(Optimizer::parse(r#"{"adam": {"learning_rate": 0}}"#).is_err());
        assert!(
            Optimizer::parse("adm")
                .unwrap_err()
                .hint_text()
                .unwrap()
                .contains("adam")
        );
    }
}
