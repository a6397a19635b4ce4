//! Activations in place.

#[cfg(test)]
mod tests;

use super::math::{erf, exp, exp_m1_negative, ln, sigmoid, softplus, tanh};
use super::reduce::sum_lanes;
use super::slope::backward;
use super::{Simd, dispatch};
use crate::layer::Interrupt;
use crate::{Activation, Result};

/// Keras: `leaky_relu(negative_slope=0.2)`.
pub(super) const LEAKY_SLOPE: f32 = 0.2;
pub(super) const SELU_SCALE: f32 = 1.050_701;
pub(super) const SELU_ALPHA: f32 = 1.673_263_2;
pub(super) const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Keras: `soft_shrink(threshold=0.5)`, and so `hard_shrink`.
const SHRUNK: f32 = 0.5;

dispatch!(
    /// z = f(z) for rows of `width`.
    pub(crate) fn forward(f: Activation, width: usize, z: &mut [f32]) = forward_body
);

/// Numbers between two looks at the interrupt.
const PIECE: usize = 1 << 18;

/// As [`forward`], for rows that may be many.
pub(crate) fn forward_all(
    f: Activation,
    width: usize,
    z: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    for z in z.chunks_mut(piece(width)) {
        forward(f, width, z);
        interrupt()?;
    }
    Ok(())
}

/// As [`backward`], for rows that may be many.
pub(crate) fn backward_all(
    f: Activation,
    width: usize,
    z: &[f32],
    y: &[f32],
    d: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let piece = piece(width);
    for (i, d) in d.chunks_mut(piece).enumerate() {
        let part = |all: &[f32]| i * piece..(i * piece + d.len()).min(all.len());
        let z = if needs_input(f) { &z[part(z)] } else { &[] };
        backward(f, width, z, &y[part(y)], d);
        interrupt()?;
    }
    Ok(())
}

/// Whole rows of about [`PIECE`] numbers.
fn piece(width: usize) -> usize {
    (PIECE / width.max(1)).max(1) * width.max(1)
}

#[inline(always)]
fn each(z: &mut [f32], f: impl Fn(f32) -> f32) {
    for z in z {
        *z = f(*z);
    }
}

#[inline(always)]
pub(super) fn forward_body<S: Simd>(f: Activation, width: usize, z: &mut [f32]) {
    match f {
        Activation::Linear => {}
        // Unlike f32::max, this keeps NaN.
        Activation::Relu => each(z, |x| if x < 0.0 { 0.0 } else { x }),
        Activation::Sigmoid => each(z, sigmoid::<S>),
        Activation::Tanh => each(z, tanh::<S>),
        Activation::Softmax => softmax::<S>(width, z),
        Activation::Gelu => each(z, |x| 0.5 * x * (1.0 + erf::<S>(x * SQRT_HALF))),
        Activation::Elu | Activation::Celu => {
            each(z, |x| if x > 0.0 { x } else { exp_m1_negative::<S>(x) });
        }
        Activation::Selu => {
            each(z, |x| {
                SELU_SCALE
                    * if x > 0.0 {
                        x
                    } else {
                        SELU_ALPHA * exp_m1_negative::<S>(x)
                    }
            });
        }
        Activation::Softplus => each(z, softplus::<S>),
        Activation::LeakyRelu => each(z, |x| if x > 0.0 { x } else { LEAKY_SLOPE * x }),
        Activation::Swish => each(z, |x| x * sigmoid::<S>(x)),
        Activation::Relu6 => each(z, |x| within(x, 0.0, 6.0)),
        Activation::Softsign => each(z, |x| x / (1.0 + x.abs())),
        Activation::Squareplus => each(z, squareplus),
        Activation::SoftShrink => each(z, |x| {
            let shrunk = x - SHRUNK.copysign(x);
            if x.abs() <= SHRUNK { 0.0 } else { shrunk }
        }),
        Activation::HardShrink => each(z, |x| if x.abs() <= SHRUNK { 0.0 } else { x }),
        Activation::TanhShrink => each(z, |x| x - tanh::<S>(x)),
        Activation::SparsePlus => each(z, |x| {
            let between = within(x, -1.0, 1.0) + 1.0;
            if x >= 1.0 {
                x
            } else {
                0.25 * between * between
            }
        }),
        Activation::SparseSigmoid => each(z, |x| 0.5 * (within(x, -1.0, 1.0) + 1.0)),
        Activation::Exponential => each(z, exp::<S>),
        Activation::HardSigmoid => each(z, hard_sigmoid),
        Activation::HardSilu => each(z, |x| x * hard_sigmoid(x)),
        Activation::HardTanh => each(z, |x| within(x, -1.0, 1.0)),
        Activation::Mish => each(z, |x| x * tanh::<S>(softplus::<S>(x))),
        Activation::LogSigmoid => each(z, |x| -softplus::<S>(-x)),
        Activation::LogSoftmax => log_softmax::<S>(width, z),
        Activation::Sparsemax => sparsemax(width, z),
        Activation::Ramp {
            negative_slope,
            max_value,
            threshold,
        } => {
            let (slope, most, begin) = (negative_slope as f32, max_value as f32, threshold as f32);
            each(z, |x| {
                let above = if x > most { most } else { x };
                if x <= begin {
                    slope * (x - begin)
                } else {
                    above
                }
            });
        }
        Activation::Leaky { negative_slope } => {
            let slope = negative_slope as f32;
            each(z, |x| if x > 0.0 { x } else { slope * x });
        }
        Activation::ScaledElu { alpha } => {
            let alpha = alpha as f32;
            each(z, |x| {
                if x > 0.0 {
                    x
                } else {
                    alpha * exp_m1_negative::<S>(x)
                }
            });
        }
    }
}

/// x, or the bound beyond which it is; NaN stays.
#[inline(always)]
fn within(x: f32, least: f32, most: f32) -> f32 {
    let x = if x < least { least } else { x };
    if x > most { most } else { x }
}

#[inline(always)]
fn hard_sigmoid(x: f32) -> f32 {
    within(x + 3.0, 0.0, 6.0) / 6.0
}

/// (x + sqrt(x^2 + 4)) / 2, below 0 without losing digits.
#[inline(always)]
fn squareplus(x: f32) -> f32 {
    let far = x.abs();
    let root = if far > 1e9 { far } else { (x * x + 4.0).sqrt() };
    if x < 0.0 {
        2.0 / (root - x)
    } else {
        0.5 * (x + root)
    }
}

/// The largest of a row; NaN is passed over and comes back in the exponentials.
#[inline(always)]
pub(crate) fn largest(row: &[f32]) -> f32 {
    row.iter()
        .fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

/// row = e^(row - largest); returns the sum, in a fixed order of lanes.
#[inline(always)]
pub(crate) fn exponentials<S: Simd>(row: &mut [f32], largest: f32) -> f32 {
    let mut lanes = [0f32; 16];
    for chunk in row.chunks_mut(16) {
        for (z, lane) in chunk.iter_mut().zip(&mut lanes) {
            *z = exp::<S>(*z - largest);
            *lane += *z;
        }
    }
    sum_lanes(lanes)
}

#[inline(always)]
fn softmax<S: Simd>(width: usize, z: &mut [f32]) {
    for row in z.chunks_exact_mut(width) {
        let top = largest(row);
        let sum = exponentials::<S>(row, top);
        each(row, |e| e / sum);
    }
}

#[inline(always)]
fn log_softmax<S: Simd>(width: usize, z: &mut [f32]) {
    for row in z.chunks_exact_mut(width) {
        let top = largest(row);
        let mut lanes = [0f32; 16];
        for chunk in row.chunks(16) {
            for (z, lane) in chunk.iter().zip(&mut lanes) {
                *lane += exp::<S>(*z - top);
            }
        }
        let sum = ln::<S>(sum_lanes(lanes));
        each(row, |z| z - top - sum);
    }
}

/// The threshold is found by leaving out what is below that of the others, until nothing more is (Michelot 1986).
#[inline(always)]
fn sparsemax(width: usize, z: &mut [f32]) {
    for row in z.chunks_exact_mut(width) {
        let top = largest(row);
        each(row, |z| z - top);
        // Nothing as far as 1 below the largest has a share.
        let (mut threshold, mut before) = (-1f32, usize::MAX);
        loop {
            let (mut sums, mut counts) = ([0f32; 16], [0u32; 16]);
            for chunk in row.chunks(16) {
                for ((z, sum), count) in chunk.iter().zip(&mut sums).zip(&mut counts) {
                    let counted = *z > threshold;
                    *sum += if counted { *z } else { 0.0 };
                    *count += u32::from(counted);
                }
            }
            let count = counts.iter().sum::<u32>() as usize;
            if count == 0 || count >= before {
                break;
            }
            before = count;
            threshold = (sum_lanes(sums) - 1.0) / count as f32;
        }
        each(row, |z| if z <= threshold { 0.0 } else { z - threshold });
    }
}

/// Whether the derivative needs the input of the activation; else its output suffices.
pub(crate) fn needs_input(f: Activation) -> bool {
    matches!(
        f,
        Activation::Gelu
            | Activation::Swish
            | Activation::Softplus
            | Activation::TanhShrink
            | Activation::HardSilu
            | Activation::Mish
            | Activation::Ramp { .. }
            | Activation::Leaky { .. }
            | Activation::ScaledElu { .. }
    )
}
