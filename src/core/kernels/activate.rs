//! Activations in place, and their derivatives.

use super::math::{erf, exp, exp_m1_negative, sigmoid, softplus, tanh};
use super::reduce::sum_lanes;
use super::{Simd, dispatch};
use crate::layer::Interrupt;
use crate::{Activation, Result};

/// Keras: `leaky_relu(negative_slope=0.2)`.
const LEAKY_SLOPE: f32 = 0.2;
const SELU_SCALE: f32 = 1.050_701;
const SELU_ALPHA: f32 = 1.673_263_2;
const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// 1 / sqrt(2 pi)
const NORMAL: f32 = 0.398_942_3;

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
        Activation::Elu => each(z, |x| if x > 0.0 { x } else { exp_m1_negative::<S>(x) }),
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
    }
}

/// The largest of a row; NaN is passed over and comes back in the exponentials.
#[inline(always)]
pub(super) fn largest(row: &[f32]) -> f32 {
    row.iter()
        .fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

/// row = e^(row - largest); returns the sum, in a fixed order of lanes.
#[inline(always)]
pub(super) fn exponentials<S: Simd>(row: &mut [f32], largest: f32) -> f32 {
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

/// Whether the derivative needs the input of the activation; else its output suffices.
pub(crate) fn needs_input(f: Activation) -> bool {
    matches!(
        f,
        Activation::Gelu | Activation::Swish | Activation::Softplus
    )
}

dispatch!(
    /// d *= f'(z), with y = f(z); `z` is read only where [`needs_input`].
    pub(crate) fn backward(f: Activation, width: usize, z: &[f32], y: &[f32], d: &mut [f32]) = backward_body
);

#[inline(always)]
fn times(d: &mut [f32], v: &[f32], f: impl Fn(f32) -> f32) {
    assert!(d.len() == v.len());
    for (d, &v) in d.iter_mut().zip(v) {
        *d *= f(v);
    }
}

#[inline(always)]
fn backward_body<S: Simd>(f: Activation, width: usize, z: &[f32], y: &[f32], d: &mut [f32]) {
    match f {
        Activation::Linear => {}
        Activation::Relu => times(d, y, |y| if y > 0.0 { 1.0 } else { 0.0 }),
        Activation::Sigmoid => times(d, y, |y| y * (1.0 - y)),
        Activation::Tanh => times(d, y, |y| 1.0 - y * y),
        Activation::Softmax => {
            for (d, y) in d.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                let mut lanes = [0f32; 16];
                for (d, y) in d.chunks(16).zip(y.chunks(16)) {
                    for ((d, y), lane) in d.iter().zip(y).zip(&mut lanes) {
                        *lane += d * y;
                    }
                }
                let dot = sum_lanes(lanes);
                for (d, y) in d.iter_mut().zip(y) {
                    *d = y * (*d - dot);
                }
            }
        }
        Activation::Gelu => times(d, z, |x| {
            0.5 * (1.0 + erf::<S>(x * SQRT_HALF)) + x * NORMAL * exp::<S>(-0.5 * x * x)
        }),
        Activation::Elu => times(d, y, |y| if y > 0.0 { 1.0 } else { y + 1.0 }),
        Activation::Selu => {
            times(d, y, |y| {
                if y > 0.0 {
                    SELU_SCALE
                } else {
                    y + SELU_SCALE * SELU_ALPHA
                }
            });
        }
        Activation::Softplus => times(d, z, sigmoid::<S>),
        Activation::LeakyRelu => times(d, y, |y| if y > 0.0 { 1.0 } else { LEAKY_SLOPE }),
        Activation::Swish => times(d, z, |x| {
            let s = sigmoid::<S>(x);
            s + x * s * (1.0 - s)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    const ALL: [Activation; 11] = [
        Activation::Linear,
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softmax,
        Activation::Gelu,
        Activation::Elu,
        Activation::Selu,
        Activation::Softplus,
        Activation::LeakyRelu,
        Activation::Swish,
    ];

    /// The definitions, in f64.
    fn exact(f: Activation, row: &[f64], i: usize) -> f64 {
        let x = row[i];
        match f {
            Activation::Linear => x,
            Activation::Relu => x.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Activation::Tanh => libm::tanh(x),
            Activation::Softmax => libm::exp(x) / row.iter().map(|&v| libm::exp(v)).sum::<f64>(),
            Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Activation::Elu if x > 0.0 => x,
            Activation::Elu => libm::expm1(x),
            Activation::Selu if x > 0.0 => 1.0507009873554805 * x,
            Activation::Selu => 1.0507009873554805 * 1.6732632423543772 * libm::expm1(x),
            Activation::Softplus => libm::log1p(libm::exp(x)),
            Activation::LeakyRelu if x > 0.0 => x,
            Activation::LeakyRelu => 0.2 * x,
            Activation::Swish => x / (1.0 + libm::exp(-x)),
        }
    }

    #[test]
    fn values_and_derivatives_equal_finite_differences() {
        on_every_level(|| {
            for f in ALL {
                for width in [1, 5, 17] {
                    let z: Vec<f32> = (0..3 * width)
                        .map(|i| (i as f32 * 1.37 + 0.11) % 7.0 - 3.5)
                        .collect();
                    let mut y = z.clone();
                    forward(f, width, &mut y);
                    let weight = |i: usize| 0.3 + (i as f64 * 0.7) % 1.0;
                    let mut d: Vec<f32> = (0..z.len()).map(|i| weight(i) as f32).collect();
                    backward(f, width, &z, &y, &mut d);
                    for (r, row) in z.chunks(width).enumerate() {
                        let row: Vec<f64> = row.iter().map(|&v| f64::from(v)).collect();
                        for i in 0..width {
                            let got = f64::from(y[r * width + i]);
                            assert!(
                                (got - exact(f, &row, i)).abs() < 3e-7 * (1.0 + got.abs()),
                                "{f:?} at {}",
                                row[i]
                            );
                            let total = |row: &[f64]| {
                                (0..width)
                                    .map(|j| weight(r * width + j) * exact(f, row, j))
                                    .sum::<f64>()
                            };
                            let (mut above, mut below) = (row.clone(), row.clone());
                            above[i] += 1e-5;
                            below[i] -= 1e-5;
                            let slope = (total(&above) - total(&below)) / 2e-5;
                            let got = f64::from(d[r * width + i]);
                            assert!(
                                (got - slope).abs() < 2e-6,
                                "{f:?}' at {}: {got} instead of {slope}",
                                row[i]
                            );
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn every_activation_passes_nan_on() {
        for f in ALL {
            let mut z = [1.0, f32::NAN, 0.5];
            forward(f, 3, &mut z);
            assert!(z[1].is_nan(), "{f:?}");
        }
    }
}
