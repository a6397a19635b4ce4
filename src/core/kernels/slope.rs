//! The derivatives of activations.

use super::activate::{LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE, SQRT_HALF};
use super::math::{erf, exp, exp_m1_negative, sigmoid, softplus, tanh};
use super::reduce::sum_lanes;
use super::{Baseline, Simd, dispatch};
use crate::Activation;

/// 1 / sqrt(2 pi)
const NORMAL: f32 = 0.398_942_3;

dispatch!(
    /// d *= f'(z), with y = f(z); `z` is read only where [`super::activate::needs_input`].
    pub(crate) fn backward(f: Activation, width: usize, z: &[f32], y: &[f32], d: &mut [f32]) = backward_body
);

/// f' as a function of the output, for what walks step by step; none where the output does not tell it.
pub(crate) fn of_output(f: Activation) -> Option<fn(f32) -> f32> {
    Some(match f {
        Activation::Linear => |_| 1.0,
        Activation::Relu => relu,
        Activation::HardShrink | Activation::SoftShrink => unshrunk,
        Activation::Sigmoid => of_sigmoid,
        Activation::Tanh => of_tanh,
        Activation::Elu | Activation::Celu => elu,
        Activation::Selu => selu,
        Activation::LeakyRelu => leaky_relu,
        Activation::Relu6 => |y| inside(y, 0.0, 6.0, 1.0),
        Activation::Softsign => softsign,
        Activation::Squareplus => squareplus,
        Activation::SparsePlus => sparse_plus,
        Activation::SparseSigmoid => |y| inside(y, 0.0, 1.0, 0.5),
        Activation::Exponential => |y| y,
        Activation::HardSigmoid => |y| inside(y, 0.0, 1.0, 1.0 / 6.0),
        Activation::HardTanh => |y| inside(y, -1.0, 1.0, 1.0),
        Activation::LogSigmoid => log_sigmoid::<Baseline>,
        _ => return None,
    })
}

/// y (1 - y)
#[inline(always)]
pub(crate) fn of_sigmoid(y: f32) -> f32 {
    y * (1.0 - y)
}

/// 1 - y^2
#[inline(always)]
pub(crate) fn of_tanh(y: f32) -> f32 {
    1.0 - y * y
}

#[inline(always)]
fn relu(y: f32) -> f32 {
    if y > 0.0 { 1.0 } else { 0.0 }
}

#[inline(always)]
fn unshrunk(y: f32) -> f32 {
    if y == 0.0 { 0.0 } else { 1.0 }
}

#[inline(always)]
fn elu(y: f32) -> f32 {
    if y > 0.0 { 1.0 } else { y + 1.0 }
}

#[inline(always)]
fn selu(y: f32) -> f32 {
    if y > 0.0 {
        SELU_SCALE
    } else {
        y + SELU_SCALE * SELU_ALPHA
    }
}

#[inline(always)]
fn leaky_relu(y: f32) -> f32 {
    if y > 0.0 { 1.0 } else { LEAKY_SLOPE }
}

/// `slope` where the output is not at its bounds.
#[inline(always)]
fn inside(y: f32, least: f32, most: f32, slope: f32) -> f32 {
    if (y > least) & (y < most) { slope } else { 0.0 }
}

#[inline(always)]
fn softsign(y: f32) -> f32 {
    let rest = 1.0 - y.abs();
    rest * rest
}

/// y^2 / (y^2 + 1): x is y - 1 / y.
#[inline(always)]
fn squareplus(y: f32) -> f32 {
    1.0 / (1.0 + 1.0 / (y * y))
}

#[inline(always)]
fn sparse_plus(y: f32) -> f32 {
    if y >= 1.0 { 1.0 } else { y.sqrt() }
}

/// 1 - e^y
#[inline(always)]
fn log_sigmoid<S: Simd>(y: f32) -> f32 {
    -exp_m1_negative::<S>(y)
}

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
        Activation::Relu => times(d, y, relu),
        Activation::HardShrink | Activation::SoftShrink => times(d, y, unshrunk),
        Activation::Sigmoid => times(d, y, of_sigmoid),
        Activation::Tanh => times(d, y, of_tanh),
        Activation::Softmax => {
            for (d, y) in d.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                let dot = lanes(d, y, |d, y| d * y);
                for (d, y) in d.iter_mut().zip(y) {
                    *d = y * (*d - dot);
                }
            }
        }
        Activation::LogSoftmax => {
            for (d, y) in d.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                let sum = lanes(d, y, |d, _| d);
                for (d, y) in d.iter_mut().zip(y) {
                    *d -= exp::<S>(*y) * sum;
                }
            }
        }
        Activation::Sparsemax => {
            for (d, y) in d.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                let sum = lanes(d, y, |d, y| if y > 0.0 { d } else { 0.0 });
                let mean = sum / lanes(d, y, |_, y| f32::from(y > 0.0));
                for (d, y) in d.iter_mut().zip(y) {
                    *d = if *y > 0.0 { *d - mean } else { 0.0 };
                }
            }
        }
        Activation::Gelu => times(d, z, |x| {
            0.5 * (1.0 + erf::<S>(x * SQRT_HALF)) + x * NORMAL * exp::<S>(-0.5 * x * x)
        }),
        Activation::Elu | Activation::Celu => times(d, y, elu),
        Activation::Selu => times(d, y, selu),
        Activation::Softplus => times(d, z, sigmoid::<S>),
        Activation::LeakyRelu => times(d, y, leaky_relu),
        Activation::Swish => times(d, z, |x| {
            let s = sigmoid::<S>(x);
            s + x * s * (1.0 - s)
        }),
        Activation::Relu6 => times(d, y, |y| inside(y, 0.0, 6.0, 1.0)),
        Activation::Softsign => times(d, y, softsign),
        Activation::Squareplus => times(d, y, squareplus),
        Activation::TanhShrink => times(d, z, |x| {
            let t = tanh::<S>(x);
            t * t
        }),
        Activation::SparsePlus => times(d, y, sparse_plus),
        Activation::SparseSigmoid => times(d, y, |y| inside(y, 0.0, 1.0, 0.5)),
        Activation::Exponential => times(d, y, |y| y),
        Activation::HardSigmoid => times(d, y, |y| inside(y, 0.0, 1.0, 1.0 / 6.0)),
        Activation::HardSilu => times(d, z, |x| {
            let above = if x >= 3.0 { 1.0 } else { x / 3.0 + 0.5 };
            if x <= -3.0 { 0.0 } else { above }
        }),
        Activation::HardTanh => times(d, y, |y| inside(y, -1.0, 1.0, 1.0)),
        Activation::Mish => times(d, z, |x| {
            let t = tanh::<S>(softplus::<S>(x));
            t + x * (1.0 - t * t) * sigmoid::<S>(x)
        }),
        Activation::LogSigmoid => times(d, y, log_sigmoid::<S>),
        Activation::Ramp {
            negative_slope,
            max_value,
            threshold,
        } => {
            let (slope, most, begin) = (negative_slope as f32, max_value as f32, threshold as f32);
            times(d, z, |x| {
                let above = if x < most { 1.0 } else { 0.0 };
                if x <= begin { slope } else { above }
            });
        }
        Activation::Leaky { negative_slope } => {
            let slope = negative_slope as f32;
            times(d, z, |x| if x > 0.0 { 1.0 } else { slope });
        }
        Activation::ScaledElu { alpha } => {
            let alpha = alpha as f32;
            times(d, z, |x| if x > 0.0 { 1.0 } else { alpha * exp::<S>(x) });
        }
    }
}

/// The sum of f(d, y) over a row, in a fixed order of lanes.
#[inline(always)]
fn lanes(d: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; 16];
    for (d, y) in d.chunks(16).zip(y.chunks(16)) {
        for ((d, y), lane) in d.iter().zip(y).zip(&mut lanes) {
            *lane += f(*d, *y);
        }
    }
    sum_lanes(lanes)
}
