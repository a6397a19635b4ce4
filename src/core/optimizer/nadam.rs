//! `Nadam` (Keras: `keras.optimizers.Nadam`; Dozat, Incorporating Nesterov momentum into Adam, 2016).

use super::{Kind, Slots, object, positive, share};
use crate::Result;
use crate::config::Config;
use crate::kernels::step;
use serde_json::{Map, Value};

/// Adam that looks ahead along its momentum, which grows in the first steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nadam {
    /// Decay of the mean gradient, once it has grown.
    beta_1: f64,
    /// Decay of the mean squared gradient.
    beta_2: f64,
    /// Added to the root.
    epsilon: f64,
}

/// How fast the momentum grows.
const GROWTH: f64 = 0.96;
/// A step behind which it is as good as grown: 0.96 ^ 1000 is below 2e-18.
const GROWN: u64 = 1000;

impl Nadam {
    /// The momentum of the `number`th step.
    fn momentum(&self, number: u64) -> f64 {
        self.beta_1 * (1.0 - 0.5 * libm::pow(GROWTH, number as f64))
    }

    /// The product of the momenta up to the `number`th step. Keras multiplies on; here steps are all that is remembered.
    fn product(&self, number: u64) -> f64 {
        let mut product = libm::pow(self.beta_1, number as f64);
        let mut growth = 1.0;
        for _ in 0..number.min(GROWN) {
            // Not worth more work: what is used is 1 less this.
            if product < 1e-20 {
                break;
            }
            growth *= GROWTH;
            product *= 1.0 - 0.5 * growth;
        }
        product
    }
}

impl Kind for Nadam {
    const NAME: &'static str = "nadam";
    const SETTINGS: &'static [&'static str] = &["beta_1", "beta_2", "epsilon"];
    type Step = step::Nadam;

    fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            beta_1: share(config, "beta_1", 0.9)?,
            beta_2: share(config, "beta_2", 0.999)?,
            epsilon: positive(config, "epsilon", 1e-7)?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        object([
            ("beta_1", self.beta_1.into()),
            ("beta_2", self.beta_2.into()),
            ("epsilon", self.epsilon.into()),
        ])
    }

    fn memory(&self) -> &'static [&'static str] {
        &["momentum", "velocity"]
    }

    fn numbers(&self, number: u64, rate: f64, decay: f32) -> step::Nadam {
        let (now, next) = (self.momentum(number), self.momentum(number + 1));
        let product = self.product(number);
        step::Nadam {
            of_mean: (rate * next / (1.0 - product * next)) as f32,
            of_gradient: (rate * (1.0 - now) / (1.0 - product)) as f32,
            of_square: (1.0 / (1.0 - libm::pow(self.beta_2, number as f64))) as f32,
            fresh_1: (1.0 - self.beta_1) as f32,
            fresh_2: (1.0 - self.beta_2) as f32,
            epsilon: self.epsilon as f32,
            decay,
        }
    }

    fn step(&self, s: step::Nadam, w: &mut [f32], g: &[f32], [m, v, _]: Slots<'_>) {
        step::nadam(s, w, g, m, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_that_of_all_momenta_before() {
        for beta_1 in [0.0, 0.5, 0.9, 0.999, 0.999_999] {
            let nadam = Nadam {
                beta_1,
                beta_2: 0.999,
                epsilon: 1e-7,
            };
            let mut product = 1.0;
            for number in 1..=3000 {
                product *= nadam.momentum(number);
                let got = nadam.product(number);
                assert!(
                    (got - product).abs() <= 1e-12 * product + 1e-19,
                    "{beta_1}, step {number}: {got}, not {product}"
                );
            }
        }
    }
}
