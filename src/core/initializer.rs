//! How weights begin. Own generators, one per variable: a seed gives the same weights on every machine.

use crate::config::{Config, fold, tagged, unknown};
use crate::weights::room;
use crate::{Callback, Error, ErrorKind, Result};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A way to draw first weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initializer {
    /// Uniform in +-sqrt(6 / (fan_in + fan_out))
    GlorotUniform,
    /// Normal with stddev sqrt(2 / fan_in), cut at two stddev
    HeNormal,
    /// All zeros
    Zeros,
    /// Orthonormal rows or columns (Saxe et al. 2013)
    Orthogonal,
    /// Zeros, and ones in the second quarter: an LSTM's bias with `unit_forget_bias`
    ForgetBias,
}

impl Initializer {
    const NAMES: [(&'static str, &'static str, Initializer); 4] = [
        (
            "glorot_uniform",
            "GlorotUniform",
            Initializer::GlorotUniform,
        ),
        ("he_normal", "HeNormal", Initializer::HeNormal),
        ("zeros", "Zeros", Initializer::Zeros),
        ("orthogonal", "Orthogonal", Initializer::Orthogonal),
    ];

    /// A name, or Keras's object; an own seed is refused because `ml_train` has one for all.
    pub(crate) fn from_json(json: Option<&Value>, default: Initializer) -> Result<Initializer> {
        let Some(json) = json else { return Ok(default) };
        let (name, config) = tagged("initializer", json)?;
        let folded = fold(name);
        let found = Self::NAMES
            .iter()
            .find(|(known, _, _)| fold(known) == folded);
        let Some(&(known, _, initializer)) = found else {
            return Err(unknown(
                "initializer",
                "initializers",
                name,
                &Self::NAMES.map(|(known, _, _)| known),
            ));
        };
        let config = Config::new(
            format!("initializer {known}"),
            config,
            &["seed", "input_axes", "output_axes", "gain"],
        )?;
        if config.number("gain", 1.0, "1", |gain| gain == 1.0).is_err() {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("gain of initializer {known} is not supported"),
            ));
        }
        config.refuse(&["seed", "input_axes", "output_axes"])?;
        Ok(initializer)
    }

    /// Keras's object.
    pub(crate) fn to_json(self) -> Value {
        let class = Self::NAMES
            .iter()
            .find(|(_, _, i)| *i == self)
            .map_or("Zeros", |(_, class, _)| class);
        let config = if class == "Zeros" {
            json!({})
        } else {
            json!({"seed": null})
        };
        json!({"module": "keras.initializers", "class_name": class, "config": config, "registered_name": null})
    }

    /// Bytes taken while so many numbers are drawn.
    pub(crate) fn bytes(self, numbers: usize) -> u64 {
        if self == Initializer::Orthogonal {
            8 * numbers as u64
        } else {
            0
        }
    }

    /// Fills the `number`th variable of shape (fan_in, fan_out).
    pub(crate) fn fill(
        self,
        w: &mut [f32],
        shape: &[usize],
        seed: u64,
        number: u64,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        // Keras: a vector's fans are both its length.
        let (fan_in, fan_out) = match *shape {
            [inputs, outputs] => (inputs as f64, outputs as f64),
            [length] => (length as f64, length as f64),
            // A convolution's kernel: every place of the window has its own.
            [size, inputs, outputs] => ((size * inputs) as f64, (size * outputs) as f64),
            _ => (1.0, 1.0),
        };
        if self == Initializer::Orthogonal {
            return orthogonal(w, shape, seed, number, callback);
        }
        let mut random = generator(seed, number);
        let limit = libm::sqrt(6.0 / (fan_in + fan_out).max(1.0));
        let deviation = libm::sqrt(2.0 / fan_in.max(1.0)) / CUT_NORMAL_DEVIATION;
        for w in w.chunks_mut(1 << 15) {
            callback.check()?;
            match self {
                Initializer::Zeros | Initializer::Orthogonal | Initializer::ForgetBias => {
                    w.fill(0.0);
                }
                Initializer::GlorotUniform => {
                    w.fill_with(|| ((2.0 * uniform(&mut random) - 1.0) * limit) as f32);
                }
                Initializer::HeNormal => {
                    w.fill_with(|| (cut_normal(&mut random) * deviation) as f32)
                }
            }
        }
        if self == Initializer::ForgetBias {
            let quarter = w.len() / 4;
            w[quarter..2 * quarter].fill(1.0);
        }
        Ok(())
    }
}

/// Fills the `number`th variable (rows, columns) with orthonormal rows, or columns where there are fewer of them: normal
/// numbers, orthogonalised one after the other (Gram and Schmidt, twice).
fn orthogonal(
    w: &mut [f32],
    shape: &[usize],
    seed: u64,
    number: u64,
    callback: &mut dyn Callback,
) -> Result<()> {
    let columns = shape.last().copied().unwrap_or(1).max(1);
    let rows = w.len() / columns;
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut random = generator(seed, number);
    let mut vectors: Vec<f64> = room(w.len())?;
    for i in 0..count {
        let (done, _) = vectors.split_at(i * length);
        let done = done.len();
        for from in (0..length).step_by(1 << 15) {
            let drawn = from..length.min(from + (1 << 15));
            vectors.extend(drawn.map(|_| cut_normal(&mut random)));
            callback.check()?;
        }
        let (before, vector) = vectors.split_at_mut(done);
        for _ in 0..2 {
            for (j, other) in before.chunks_exact(length).enumerate() {
                let along = product(other, vector);
                for (v, other) in vector.iter_mut().zip(other) {
                    *v -= along * other;
                }
                if (j * length) >> 18 != ((j + 1) * length) >> 18 {
                    callback.check()?;
                }
            }
            callback.check()?;
        }
        let norm = libm::sqrt(product(vector, vector));
        for v in vector {
            *v /= norm;
        }
    }
    for (i, vector) in vectors.chunks_exact(length).enumerate() {
        for (j, v) in vector.iter().enumerate() {
            let place = if rows <= columns {
                i * columns + j
            } else {
                j * columns + i
            };
            w[place] = *v as f32;
        }
        callback.check()?;
    }
    Ok(())
}

/// The sum of the products, in a fixed order of eight lanes.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = left.remainder().iter().zip(right.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    let mut lanes = [0f64; 8];
    for (a, b) in left.zip(right) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Fills the `number`th variable with numbers between -`limit` and `limit` (Keras: `RandomUniform`).
pub(crate) fn fill_uniform(
    w: &mut [f32],
    limit: f64,
    seed: u64,
    number: u64,
    callback: &mut dyn Callback,
) -> Result<()> {
    let mut random = generator(seed, number);
    for w in w.chunks_mut(1 << 15) {
        callback.check()?;
        w.fill_with(|| ((2.0 * uniform(&mut random) - 1.0) * limit) as f32);
    }
    Ok(())
}

/// The numbers of the `number`th variable.
fn generator(seed: u64, number: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Standard deviation of the standard normal cut at +-2; Keras divides by it.
const CUT_NORMAL_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// Uniform in [0, 1).
fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

/// The standard normal cut at +-2, by Box and Muller.
fn cut_normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    loop {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(random)));
        let drawn = radius * libm::cos(2.0 * std::f64::consts::PI * uniform(random));
        if drawn.abs() <= 2.0 {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Idle;
    impl Callback for Idle {
        fn elapsed(&mut self) -> f64 {
            0.0
        }
        fn check(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn moments(w: &[f32]) -> (f64, f64, f64) {
        let n = w.len() as f64;
        let mean = w.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = w
            .iter()
            .map(|&v| (f64::from(v) - mean) * (f64::from(v) - mean))
            .sum::<f64>()
            / n;
        (
            mean,
            variance.sqrt(),
            w.iter().fold(0.0, |a, &v| f64::from(v.abs()).max(a)),
        )
    }

    #[test]
    fn draws_the_distributions_of_keras() {
        let mut w = vec![0.0; 300 * 200];
        Initializer::GlorotUniform
            .fill(&mut w, &[300, 200], 1, 0, &mut Idle)
            .unwrap();
        let limit = (6.0f64 / 500.0).sqrt();
        let (mean, deviation, top) = moments(&w);
        assert!(
            mean.abs() < 0.002
                && (deviation - limit / 3f64.sqrt()).abs() < 0.001
                && top <= limit
                && top > 0.99 * limit
        );
        Initializer::HeNormal
            .fill(&mut w, &[300, 200], 1, 0, &mut Idle)
            .unwrap();
        let (mean, deviation, top) = moments(&w);
        let wanted = (2.0f64 / 300.0).sqrt();
        assert!(mean.abs() < 0.002 && (deviation / wanted - 1.0).abs() < 0.02);
        assert!(top <= 2.0 * wanted / CUT_NORMAL_DEVIATION + 1e-6);
    }

    #[test]
    fn every_variable_and_seed_draws_its_own() {
        let draw = |seed, number| {
            let mut w = vec![0.0; 8];
            Initializer::GlorotUniform
                .fill(&mut w, &[2, 4], seed, number, &mut Idle)
                .unwrap();
            w
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_ne!(draw(1, 0), draw(2, 0));
    }
}
