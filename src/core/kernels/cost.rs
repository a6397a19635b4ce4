//! Losses: their sum over rows, the gradient of their mean, and probabilities, in one pass from the logits.

use super::activate::{exponentials, largest};
use super::math::{exp, ln, log1p};
use super::reduce::sum_lanes;
use super::{Simd, dispatch};
use crate::Loss;

dispatch!(
    /// The sum over rows of `out` (rows, width) of the row's loss against `y`.
    ///
    /// `out` holds logits under a crossentropy and probabilities afterwards; else it is left as it is. `d` becomes
    /// the gradient of `share` times that sum with respect to what `out` held. `y` has the shape of `out`, except under
    /// categorical_crossentropy: one class number per row. `weights` are factors of the rows' losses; none are all 1.
    pub(crate) fn cost(loss: Loss, width: usize, share: f32, out: &mut [f32], y: &[f32], weights: &[f32], d: &mut [f32]) -> f64 = cost_body
);

#[inline(always)]
fn cost_body<S: Simd>(
    loss: Loss,
    width: usize,
    share: f32,
    out: &mut [f32],
    y: &[f32],
    weights: &[f32],
    d: &mut [f32],
) -> f64 {
    assert!(out.len() == d.len() && width > 0);
    assert!(weights.is_empty() || weights.len() * width == out.len());
    // Apart, so that rows that all count alike pay nothing for those that do not.
    if weights.is_empty() {
        each_loss::<S, false>(loss, width, share, out, y, weights, d)
    } else {
        each_loss::<S, true>(loss, width, share, out, y, weights, d)
    }
}

#[inline(always)]
fn each_loss<S: Simd, const WEIGHTED: bool>(
    loss: Loss,
    width: usize,
    share: f32,
    out: &mut [f32],
    y: &[f32],
    weights: &[f32],
    d: &mut [f32],
) -> f64 {
    let each = share / width as f32;
    let rows = (width, weights);
    let sum = match loss {
        Loss::MeanSquaredError => elements::<WEIGHTED>(rows, out, y, d, |p, y| {
            let e = p - y;
            (p, e * e, 2.0 * e * each)
        }),
        Loss::MeanAbsoluteError => elements::<WEIGHTED>(rows, out, y, d, |p, y| {
            let e = p - y;
            let sign = if e > 0.0 { each } else { -each };
            (p, e.abs(), if e == 0.0 { 0.0 } else { sign })
        }),
        Loss::Huber { delta } => {
            let delta = delta as f32;
            elements::<WEIGHTED>(rows, out, y, d, |p, y| {
                let e = p - y;
                let a = e.abs();
                let inside = a <= delta;
                let value = if inside {
                    0.5 * e * e
                } else {
                    delta * (a - 0.5 * delta)
                };
                (p, value, each * if inside { e } else { delta.copysign(e) })
            })
        }
        Loss::BinaryCrossentropy => elements::<WEIGHTED>(rows, out, y, d, |z, y| {
            // max(z, 0) - z y + ln(1 + e^-|z|)
            let e = exp::<S>(-z.abs());
            let positive = if z < 0.0 { 0.0 } else { z };
            let r = 1.0 / (1.0 + e);
            let p = if z < 0.0 { e * r } else { r };
            (p, positive - z * y + log1p::<S>(e), (p - y) * each)
        }),
        Loss::CategoricalCrossentropy => {
            return classes::<S, WEIGHTED>((width, weights), share, out, y, d);
        }
    };
    sum / width as f64
}

/// Elements whose losses are summed in f32.
const BLOCK: usize = 1024;

/// Runs f(out, y) -> (new out, loss, gradient), times the weight of the row; sums in 16 lanes, block by block in f64.
#[inline(always)]
fn elements<const WEIGHTED: bool>(
    (width, weights): (usize, &[f32]),
    out: &mut [f32],
    y: &[f32],
    d: &mut [f32],
    f: impl Fn(f32, f32) -> (f32, f32, f32),
) -> f64 {
    assert!(out.len() == y.len());
    let f = |p, y, w| {
        let (p, e, g) = f(p, y);
        if WEIGHTED {
            (p, e * w, g * w)
        } else {
            (p, e, g)
        }
    };
    let mut total = 0.0;
    // The weight of each element of a block.
    let mut spread = [1f32; BLOCK];
    for (number, ((out, y), d)) in out
        .chunks_mut(BLOCK)
        .zip(y.chunks(BLOCK))
        .zip(d.chunks_mut(BLOCK))
        .enumerate()
    {
        let w = if WEIGHTED {
            for (i, w) in spread[..out.len()].iter_mut().enumerate() {
                *w = weights[(number * BLOCK + i) / width];
            }
            &spread[..]
        } else {
            // Not looked at.
            y
        };
        let mut lanes = [0f32; 16];
        let whole = out.len() - out.len() % 16;
        let (out, out_rest) = out.split_at_mut(whole);
        let (y, y_rest) = y.split_at(whole);
        let (d, d_rest) = d.split_at_mut(whole);
        let (w, w_rest) = w.split_at(whole);
        for (((out, y), d), w) in out
            .chunks_exact_mut(16)
            .zip(y.chunks_exact(16))
            .zip(d.chunks_exact_mut(16))
            .zip(w.chunks_exact(16))
        {
            for l in 0..16 {
                let (p, e, g) = f(out[l], y[l], w[l]);
                out[l] = p;
                d[l] = g;
                lanes[l] += e;
            }
        }
        let rest = out_rest.iter_mut().zip(y_rest).zip(d_rest).zip(w_rest);
        for ((((out, y), d), w), lane) in rest.zip(&mut lanes) {
            let (p, e, g) = f(*out, *y, *w);
            *out = p;
            *d = g;
            *lane += e;
        }
        total += f64::from(sum_lanes(lanes));
    }
    total
}

/// ln sum e^z - z_y by row. A class number outside the row gives NaN.
#[inline(always)]
fn classes<S: Simd, const WEIGHTED: bool>(
    (width, weights): (usize, &[f32]),
    share: f32,
    out: &mut [f32],
    y: &[f32],
    d: &mut [f32],
) -> f64 {
    assert!(y.len() * width == out.len());
    let mut total = 0.0;
    for (row, ((out, d), &y)) in out
        .chunks_exact_mut(width)
        .zip(d.chunks_exact_mut(width))
        .zip(y)
        .enumerate()
    {
        let class = y as usize;
        let logit = out.get(class).copied().unwrap_or(f32::NAN);
        let top = largest(out);
        let sum = exponentials::<S>(out, top);
        let (mut loss, mut share) = (f64::from(top + ln::<S>(sum) - logit), share);
        if WEIGHTED {
            loss *= f64::from(weights[row]);
            share *= weights[row];
        }
        total += loss;
        for (p, d) in out.iter_mut().zip(d.iter_mut()) {
            *p /= sum;
            *d = *p * share;
        }
        if let Some(d) = d.get_mut(class) {
            *d -= share;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    fn exact(loss: Loss, z: &[f64], y: &[f32]) -> f64 {
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            z.iter()
                .zip(y)
                .map(|(&z, &y)| f(z, f64::from(y)))
                .sum::<f64>()
                / z.len() as f64
        };
        match loss {
            Loss::MeanSquaredError => mean(&|z, y| (z - y) * (z - y)),
            Loss::MeanAbsoluteError => mean(&|z, y| (z - y).abs()),
            Loss::Huber { delta } => mean(&|z, y| {
                let a = (z - y).abs();
                if a <= delta {
                    0.5 * a * a
                } else {
                    delta * a - 0.5 * delta * delta
                }
            }),
            Loss::BinaryCrossentropy => mean(&|z, y| {
                let p = 1.0 / (1.0 + libm::exp(-z));
                -(y * libm::log(p) + (1.0 - y) * libm::log1p(-p))
            }),
            Loss::CategoricalCrossentropy => {
                libm::log(z.iter().map(|&v| libm::exp(v)).sum::<f64>()) - z[y[0] as usize]
            }
        }
    }

    #[test]
    fn values_and_gradients_equal_finite_differences() {
        use Loss::*;
        on_every_level(|| {
            for loss in [
                MeanSquaredError,
                MeanAbsoluteError,
                Huber { delta: 0.7 },
                BinaryCrossentropy,
                CategoricalCrossentropy,
            ] {
                for (rows, width) in [(1, 1), (2, 3), (37, 1), (19, 5), (5, 19), (1200, 1)] {
                    let classes = loss == CategoricalCrossentropy;
                    let z: Vec<f32> = (0..rows * width)
                        .map(|i| (i as f32 * 1.31 + 0.17) % 5.0 - 2.5)
                        .collect();
                    let per_row = if classes { 1 } else { width };
                    let y: Vec<f32> = (0..rows * per_row)
                        .map(|i| match loss {
                            CategoricalCrossentropy => (i % width) as f32,
                            BinaryCrossentropy => (i % 2) as f32,
                            _ => (i as f32 * 0.77) % 3.0 - 1.0,
                        })
                        .collect();
                    let (mut out, mut d) = (z.clone(), vec![0.0; z.len()]);
                    let sum = cost(loss, width, 1.0 / rows as f32, &mut out, &y, &[], &mut d);
                    let (plain, all_one) = ((sum, out.clone(), d.clone()), vec![1.0; rows]);
                    out.copy_from_slice(&z);
                    let sum = cost(
                        loss,
                        width,
                        1.0 / rows as f32,
                        &mut out,
                        &y,
                        &all_one,
                        &mut d,
                    );
                    assert!(plain == (sum, out, d), "{loss:?}: weights of 1 change bits");
                    let w: Vec<f32> = (0..rows).map(|r| (r * 5 % 7) as f32 * 0.5).collect();
                    let mut out = z.clone();
                    let mut d = vec![0.0; z.len()];
                    let sum = cost(loss, width, 1.0 / rows as f32, &mut out, &y, &w, &mut d);
                    let row = |r: usize| -> Vec<f64> {
                        z[r * width..][..width]
                            .iter()
                            .map(|&v| f64::from(v))
                            .collect()
                    };
                    let target = |r: usize| &y[r * per_row..][..per_row];
                    let expected: f64 = (0..rows)
                        .map(|r| f64::from(w[r]) * exact(loss, &row(r), target(r)))
                        .sum();
                    assert!(
                        (sum - expected).abs() < 1e-6 * (1.0 + expected),
                        "{loss:?}: {sum} instead of {expected}"
                    );
                    for i in 0..z.len() {
                        let (mut above, mut below) = (row(i / width), row(i / width));
                        above[i % width] += 1e-5;
                        below[i % width] -= 1e-5;
                        let y = target(i / width);
                        let slope = f64::from(w[i / width])
                            * (exact(loss, &above, y) - exact(loss, &below, y))
                            / 2e-5
                            / rows as f64;
                        assert!(
                            (f64::from(d[i]) - slope).abs() < 1e-6,
                            "{loss:?}: {} instead of {slope}",
                            d[i]
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn crossentropies_are_finite_at_saturation() {
        let (mut out, mut d) = ([200.0, -200.0], [0.0; 2]);
        assert_eq!(
            cost(
                Loss::BinaryCrossentropy,
                1,
                1.0,
                &mut out,
                &[0.0, 1.0],
                &[],
                &mut d
            ),
            400.0
        );
        assert_eq!((out, d), ([1.0, 0.0], [1.0, -1.0]));
        let mut out = [500.0, -500.0];
        assert_eq!(
            cost(
                Loss::CategoricalCrossentropy,
                2,
                1.0,
                &mut out,
                &[1.0],
                &[],
                &mut d
            ),
            1000.0
        );
        assert!(
            cost(
                Loss::CategoricalCrossentropy,
                2,
                1.0,
                &mut out,
                &[7.0],
                &[],
                &mut d
            )
            .is_nan()
        );
    }
}
