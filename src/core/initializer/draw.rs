//! Filling variables. Own generators, one per variable: a seed gives the same weights on every machine.

use super::{Distribution, Fan, Initializer};
use crate::weights::room;
use crate::{Callback, Result};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Which numbers are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    /// Of the training.
    pub seed: u64,
    /// Of the variable.
    pub number: u64,
}

/// How single numbers come about.
#[derive(Clone, Copy)]
enum Numbers {
    Same(f64),
    Normal { mean: f64, deviation: f64 },
    CutNormal { mean: f64, deviation: f64 },
    Uniform { middle: f64, limit: f64 },
}

impl Initializer {
    /// Fills a variable of this shape.
    pub(crate) fn fill(
        self,
        w: &mut [f32],
        shape: &[usize],
        draw: Draw,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let mut random = draw.generator(self.seed());
        let numbers = match self {
            Self::Orthogonal { gain, .. } => {
                return orthogonal(w, shape, gain, &mut random, callback);
            }
            Self::Identity { .. } | Self::Zeros => Numbers::Same(0.0),
            Self::Ones => Numbers::Same(1.0),
            Self::Constant { value } => Numbers::Same(value),
            Self::RandomNormal { mean, stddev, .. } => Numbers::Normal {
                mean,
                deviation: stddev,
            },
            Self::TruncatedNormal { mean, stddev, .. } => Numbers::CutNormal {
                mean,
                deviation: stddev,
            },
            Self::RandomUniform { minval, maxval, .. } => Numbers::Uniform {
                middle: (minval + maxval) / 2.0,
                limit: (maxval - minval) / 2.0,
            },
            Self::VarianceScaling {
                scale,
                mode,
                distribution,
                ..
            } => scaled(scale, mode, distribution, shape),
            Self::GlorotNormal(_) => {
                scaled(1.0, Fan::Average, Distribution::TruncatedNormal, shape)
            }
            Self::GlorotUniform(_) => scaled(1.0, Fan::Average, Distribution::Uniform, shape),
            Self::HeNormal(_) => scaled(2.0, Fan::In, Distribution::TruncatedNormal, shape),
            Self::HeUniform(_) => scaled(2.0, Fan::In, Distribution::Uniform, shape),
            Self::LecunNormal(_) => scaled(1.0, Fan::In, Distribution::TruncatedNormal, shape),
            Self::LecunUniform(_) => scaled(1.0, Fan::In, Distribution::Uniform, shape),
        };
        for w in w.chunks_mut(1 << 15) {
            callback.check()?;
            numbers.fill(w, &mut random);
        }
        if let (Self::Identity { gain }, [_, columns]) = (self, shape) {
            for (i, row) in w.chunks_exact_mut(*columns).enumerate() {
                if let Some(w) = row.get_mut(i) {
                    *w = gain as f32;
                }
            }
        }
        Ok(())
    }

    fn seed(self) -> super::Seed {
        match self {
            Self::Zeros | Self::Ones | Self::Constant { .. } | Self::Identity { .. } => None,
            Self::Orthogonal { seed, .. }
            | Self::RandomNormal { seed, .. }
            | Self::TruncatedNormal { seed, .. }
            | Self::RandomUniform { seed, .. }
            | Self::VarianceScaling { seed, .. }
            | Self::GlorotNormal(seed)
            | Self::GlorotUniform(seed)
            | Self::HeNormal(seed)
            | Self::HeUniform(seed)
            | Self::LecunNormal(seed)
            | Self::LecunUniform(seed) => seed,
        }
    }
}

impl Draw {
    fn generator(self, own: super::Seed) -> Xoshiro256PlusPlus {
        let seed = match own {
            // Apart from every number that a training's seed leads to.
            Some(own) => own ^ 0x6f77_6e20_7365_6564,
            None => self.seed ^ (self.number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        Xoshiro256PlusPlus::seed_from_u64(seed)
    }
}

impl Numbers {
    fn fill(self, w: &mut [f32], random: &mut Xoshiro256PlusPlus) {
        match self {
            Numbers::Same(value) => w.fill(value as f32),
            Numbers::Normal { mean, deviation } => {
                w.fill_with(|| (mean + normal(random) * deviation) as f32);
            }
            Numbers::CutNormal { mean, deviation } => {
                w.fill_with(|| (mean + cut_normal(random) * deviation) as f32);
            }
            Numbers::Uniform { middle, limit } => {
                w.fill_with(|| (middle + (2.0 * uniform(random) - 1.0) * limit) as f32);
            }
        }
    }
}

/// Numbers of variance `scale` / fan.
fn scaled(scale: f64, mode: Fan, distribution: Distribution, shape: &[usize]) -> Numbers {
    let (fan_in, fan_out) = fans(shape);
    let fan = match mode {
        Fan::In => fan_in,
        Fan::Out => fan_out,
        Fan::Average => (fan_in + fan_out) / 2.0,
    };
    let fan = fan.max(1.0);
    match distribution {
        Distribution::TruncatedNormal => Numbers::CutNormal {
            mean: 0.0,
            deviation: libm::sqrt(scale / fan) / CUT_NORMAL_DEVIATION,
        },
        Distribution::UntruncatedNormal => Numbers::Normal {
            mean: 0.0,
            deviation: libm::sqrt(scale / fan),
        },
        Distribution::Uniform => Numbers::Uniform {
            middle: 0.0,
            limit: libm::sqrt(3.0 * scale / fan),
        },
    }
}

/// Inputs of a unit, and units of an input, as Keras counts them.
fn fans(shape: &[usize]) -> (f64, f64) {
    match *shape {
        [] => (1.0, 1.0),
        // A vector's fans are both its length.
        [length] => (length as f64, length as f64),
        // Every place of a convolution's window has its own.
        [ref places @ .., inputs, outputs] => {
            let places: f64 = places.iter().map(|&n| n as f64).product();
            (places * inputs as f64, places * outputs as f64)
        }
    }
}

/// Fills a variable (rows, columns) with orthonormal rows, or columns where there are fewer of them: normal
/// numbers, orthogonalised one after the other (Gram and Schmidt, twice).
fn orthogonal(
    w: &mut [f32],
    shape: &[usize],
    gain: f64,
    random: &mut Xoshiro256PlusPlus,
    callback: &mut dyn Callback,
) -> Result<()> {
    let columns = shape.last().copied().unwrap_or(1).max(1);
    let rows = w.len() / columns;
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<f64> = room(w.len())?;
    for i in 0..count {
        let (done, _) = vectors.split_at(i * length);
        let done = done.len();
        for from in (0..length).step_by(1 << 15) {
            let drawn = from..length.min(from + (1 << 15));
            vectors.extend(drawn.map(|_| cut_normal(random)));
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
            w[place] = (gain * v) as f32;
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

/// Standard deviation of the standard normal cut at +-2; Keras divides by it.
const CUT_NORMAL_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// Uniform in [0, 1).
fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

/// The standard normal, by Box and Muller.
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(random)));
    radius * libm::cos(2.0 * std::f64::consts::PI * uniform(random))
}

/// The same, cut at +-2.
fn cut_normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    loop {
        let drawn = normal(random);
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

    fn draw(initializer: Initializer, shape: &[usize], seed: u64, number: u64) -> Vec<f32> {
        let mut w = vec![0.5; shape.iter().product()];
        let draw = Draw { seed, number };
        initializer.fill(&mut w, shape, draw, &mut Idle).unwrap();
        w
    }

    #[test]
    fn draws_the_distributions_of_keras() {
        let shape = [300, 200];
        let normal = |deviation: f64| (0.0, deviation, 2.0 * deviation / CUT_NORMAL_DEVIATION);
        let uniform = |limit: f64| (0.0, limit / 3f64.sqrt(), limit);
        // Mean, deviation and bound. Of stddev 0.5 cut at two of them 0.44 is left.
        for (initializer, (mean, deviation, top)) in [
            (Initializer::GLOROT, uniform((6.0f64 / 500.0).sqrt())),
            (
                Initializer::GlorotNormal(None),
                normal((2.0f64 / 500.0).sqrt()),
            ),
            (Initializer::HeNormal(None), normal((2.0f64 / 300.0).sqrt())),
            (
                Initializer::HeUniform(Some(1)),
                uniform((6.0f64 / 300.0).sqrt()),
            ),
            (
                Initializer::LecunNormal(None),
                normal((1.0f64 / 300.0).sqrt()),
            ),
            (
                Initializer::LecunUniform(None),
                uniform((3.0f64 / 300.0).sqrt()),
            ),
            (Initializer::UNIFORM, uniform(0.05)),
            (
                Initializer::RandomUniform {
                    minval: 1.0,
                    maxval: 3.0,
                    seed: None,
                },
                (2.0, 1.0 / 3f64.sqrt(), 3.0),
            ),
            (
                Initializer::TruncatedNormal {
                    mean: 2.0,
                    stddev: 0.5,
                    seed: None,
                },
                (2.0, 0.5 * CUT_NORMAL_DEVIATION, 3.0),
            ),
            (
                Initializer::RandomNormal {
                    mean: -1.0,
                    stddev: 0.5,
                    seed: Some(3),
                },
                (-1.0, 0.5, f64::INFINITY),
            ),
            (
                Initializer::VarianceScaling {
                    scale: 3.0,
                    mode: Fan::Out,
                    distribution: Distribution::UntruncatedNormal,
                    seed: None,
                },
                (0.0, (3.0f64 / 200.0).sqrt(), f64::INFINITY),
            ),
            (
                Initializer::VarianceScaling {
                    scale: 3.0,
                    mode: Fan::In,
                    distribution: Distribution::Uniform,
                    seed: None,
                },
                uniform((9.0f64 / 300.0).sqrt()),
            ),
        ] {
            let w = draw(initializer, &shape, 1, 0);
            let (got_mean, got_deviation, got_top) = moments(&w);
            assert!(
                (got_mean - mean).abs() < 0.012 * deviation.max(mean.abs()),
                "{initializer:?}"
            );
            assert!(
                (got_deviation / deviation - 1.0).abs() < 0.02,
                "{initializer:?}"
            );
            assert!(got_top <= top + 1e-6, "{initializer:?}");
            // Of 60,000 draws some are beyond three deviations where nothing is cut.
            assert!(
                top.is_finite() || got_top > mean.abs() + 3.0 * deviation,
                "{initializer:?}"
            );
        }
        assert_eq!(fans(&[3, 5, 7]), (15.0, 21.0));
        assert_eq!((fans(&[4]), fans(&[])), ((4.0, 4.0), (1.0, 1.0)));
    }

    #[test]
    fn fills_with_the_same_number_and_diagonals() {
        assert_eq!(draw(Initializer::Ones, &[2], 1, 0), [1.0, 1.0]);
        assert_eq!(draw(Initializer::Zeros, &[2], 1, 0), [0.0, 0.0]);
        assert_eq!(
            draw(Initializer::Constant { value: -2.5 }, &[2], 1, 0),
            [-2.5, -2.5]
        );
        let identity = Initializer::Identity { gain: 2.0 };
        assert_eq!(
            draw(identity, &[2, 3], 1, 0),
            [2.0, 0.0, 0.0, 0.0, 2.0, 0.0]
        );
        assert_eq!(
            draw(identity, &[3, 2], 1, 0),
            [2.0, 0.0, 0.0, 2.0, 0.0, 0.0]
        );
        for shape in [vec![4, 7], vec![7, 4], vec![2, 2, 3]] {
            let w = draw(
                Initializer::Orthogonal {
                    gain: 3.0,
                    seed: None,
                },
                &shape,
                1,
                0,
            );
            let columns = shape[shape.len() - 1];
            let rows = w.len() / columns;
            let short = rows.min(columns);
            for a in 0..short {
                for b in 0..short {
                    let at = |line: usize, i: usize| {
                        f64::from(if rows <= columns {
                            w[line * columns + i]
                        } else {
                            w[i * columns + line]
                        })
                    };
                    let product: f64 = (0..rows.max(columns)).map(|i| at(a, i) * at(b, i)).sum();
                    let exact = if a == b { 9.0 } else { 0.0 };
                    assert!((product - exact).abs() < 1e-5, "{shape:?}: {product}");
                }
            }
        }
    }

    #[test]
    fn every_variable_and_seed_draws_its_own() {
        let of = |seed, number| draw(Initializer::GLOROT, &[2, 4], seed, number);
        assert_eq!(of(1, 0), of(1, 0));
        assert_ne!(of(1, 0), of(1, 1));
        assert_ne!(of(1, 0), of(2, 0));
        // An own seed is the same for every variable and training, as in Keras.
        let own =
            |own, seed, number| draw(Initializer::GlorotUniform(Some(own)), &[2, 4], seed, number);
        assert_eq!(own(5, 1, 0), own(5, 2, 3));
        assert_ne!(own(5, 1, 0), own(6, 1, 0));
    }
}
