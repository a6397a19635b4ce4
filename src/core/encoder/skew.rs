//! Which scaling a column of numbers gets that nobody spoke of: the logarithm where values spread over orders of magnitude.
//!
//! Judged by the quantiles of the seeded sample and by the least and largest training value. `docs/defaults.md` has
//! what it was tried on.

use super::Scale;
use super::freeze::Sketch;
use super::moments::Moments;

/// Fewer different values are codes or counts of few.
const DISTINCT: u64 = 10;
/// How many times wider the upper half is than the lower: a log-normal column with a deviation of 0.85 has 4, an
/// exponential one 3.6.
const SKEWED: f64 = 4.0;
/// How far beyond the middle, in widths of the middle half, a column with negative values reaches that has heavy tails;
/// the largest of a million normal values is at 3.7.
const HEAVY: f64 = 20.0;
/// Around zero sign(v) ln(1 + |v|) is the identity: a middle half narrower than this gains nothing.
const WIDE: f64 = 0.5;

/// Standard scaling, or the logarithm for a column that it makes much more even.
pub(super) fn automatic(moments: &Moments, sketch: &Sketch) -> Scale {
    // Quantiles at 0, 5, .. 100 %.
    let (Some(&low), Some(&q25), Some(&middle), Some(&q75), Some(&high)) = (
        sketch.quantiles.get(1),
        sketch.quantiles.get(5),
        sketch.quantiles.get(10),
        sketch.quantiles.get(15),
        sketch.quantiles.get(19),
    ) else {
        return Scale::Standard;
    };
    if sketch.distinct < DISTINCT {
        return Scale::Standard;
    }
    let uneven = if moments.min < 0.0 {
        let (half, reach) = (q75 - q25, (moments.max - middle).max(middle - moments.min));
        half > WIDE && reach > HEAVY * half
    } else if middle > low {
        let halves = |low, middle, high| (high - middle) / (middle - low);
        is_evened(halves, low, middle, high)
    } else {
        // More than half are the least value, mostly zero.
        let rest = |middle, high, max| (max - high) / (high - middle);
        high > middle && is_evened(rest, middle, high, moments.max)
    };
    if uneven {
        Scale::Log1p
    } else {
        Scale::Standard
    }
}

/// Whether `ratio` of three values is large, and the logarithm takes more than half of its orders of magnitude off.
fn is_evened(ratio: impl Fn(f64, f64, f64) -> f64, a: f64, b: f64, c: f64) -> bool {
    let now = ratio(a, b, c);
    let then = ratio(libm::log1p(a), libm::log1p(b), libm::log1p(c));
    now > SKEWED && libm::log(then).abs() < libm::log(now) / 2.0
}

#[cfg(test)]
mod tests {
    use super::super::quantiles::Ascending;
    use super::*;
    use crate::random::Random;

    /// The scaling of 10,000 values made of standard normal ones.
    fn scale(make: impl Fn(f64) -> f64) -> Scale {
        let mut random = Random::new(7, 0);
        let mut uniform = || (random.below(1 << 40) as f64 + 0.5) / (1_u64 << 40) as f64;
        let mut moments = Moments::default();
        let mut values: Vec<f64> = (0..10_000)
            .map(|_| {
                let radius = libm::sqrt(-2.0 * libm::log(uniform()));
                make(radius * libm::cos(std::f64::consts::TAU * uniform()))
            })
            .collect();
        values.iter().for_each(|value| moments.add(*value));
        let sorted = Ascending::new(&mut values);
        let sketch = Sketch {
            quantiles: (0..=20)
                .map(|i| sorted.quantile(f64::from(i) / 20.0))
                .collect(),
            distinct: sorted.distinct(),
        };
        automatic(&moments, &sketch)
    }

    #[test]
    fn even_columns_are_standardised() {
        assert_eq!(scale(|z| z), Scale::Standard);
        assert_eq!(scale(|z| 50.0 + 10.0 * z), Scale::Standard);
        assert_eq!(scale(|z| libm::exp(4.0 + 0.4 * z)), Scale::Standard);
        assert_eq!(scale(libm::fabs), Scale::Standard);
        assert_eq!(scale(|z| f64::from(z > 0.3)), Scale::Standard);
        assert_eq!(scale(|_| 1.0), Scale::Standard);
    }

    #[test]
    fn columns_over_orders_of_magnitude_get_the_logarithm() {
        assert_eq!(scale(|z| libm::exp(3.0 + 1.5 * z)), Scale::Log1p);
        assert_eq!(
            scale(|z| libm::floor(libm::exp(8.0 + 2.0 * z))),
            Scale::Log1p
        );
        let spent = |z: f64| if z < 0.2 { 0.0 } else { libm::exp(4.0 * z) };
        assert_eq!(scale(spent), Scale::Log1p);
    }

    #[test]
    fn heavy_tails_on_both_sides_get_it_too() {
        assert_eq!(scale(|z| 3.0 * z * z * z * z * z), Scale::Log1p);
        // All below one, where the logarithm changes nothing.
        assert_eq!(scale(|z| 1e-4 * z * z * z * z * z), Scale::Standard);
    }

    #[test]
    fn small_values_that_the_logarithm_does_not_even_stay() {
        assert_eq!(scale(|z| 1e-6 * libm::exp(1.5 * z)), Scale::Standard);
    }

    #[test]
    fn nothing_seen_is_standard() {
        assert_eq!(
            automatic(&Moments::default(), &Sketch::default()),
            Scale::Standard
        );
    }
}
