//! A ramp whose slope below 0 is a weight: each number's own, or one for all.

use super::reduce::sum_lanes;
use super::{Simd, dispatch};

dispatch!(
    /// y = x > 0 ? x : alpha x; rounds once, so that every instruction set gives the same bits.
    pub(crate) fn forward(alpha: &[f32], x: &[f32], y: &mut [f32]) = forward_body
);

#[inline(always)]
fn forward_body<S: Simd>(alpha: &[f32], x: &[f32], y: &mut [f32]) {
    assert!(x.len() == y.len());
    let f = |alpha: f32, x: f32| if x > 0.0 { x } else { alpha * x };
    if let [alpha] = alpha {
        for (y, x) in y.iter_mut().zip(x) {
            *y = f(*alpha, *x);
        }
    } else {
        assert!(alpha.len() == x.len());
        for ((y, x), alpha) in y.iter_mut().zip(x).zip(alpha) {
            *y = f(*alpha, *x);
        }
    }
}

dispatch!(
    /// dx = x > 0 ? dy : alpha dy, at 0 as Keras has it 0; dalpha += x > 0 ? 0 : x dy
    pub(crate) fn backward(alpha: &[f32], x: &[f32], dy: &[f32], dalpha: &mut [f32], dx: Option<&mut [f32]>) = backward_body
);

#[inline(always)]
fn backward_body<S: Simd>(
    alpha: &[f32],
    x: &[f32],
    dy: &[f32],
    dalpha: &mut [f32],
    dx: Option<&mut [f32]>,
) {
    assert!(x.len() == dy.len() && alpha.len() == dalpha.len());
    let below = |x: f32, dy: f32| if x > 0.0 { 0.0 } else { x * dy };
    if let ([alpha], [dalpha]) = (alpha, &mut *dalpha) {
        let mut lanes = [0f32; 16];
        for (x, dy) in x.chunks(16).zip(dy.chunks(16)) {
            for ((x, dy), lane) in x.iter().zip(dy).zip(&mut lanes) {
                *lane += below(*x, *dy);
            }
        }
        *dalpha += sum_lanes(lanes);
        if let Some(dx) = dx {
            forward_slope(dx, x, dy, std::iter::repeat(alpha));
        }
        return;
    }
    assert!(alpha.len() == x.len());
    for ((x, dy), dalpha) in x.iter().zip(dy).zip(dalpha) {
        *dalpha += below(*x, *dy);
    }
    if let Some(dx) = dx {
        forward_slope(dx, x, dy, alpha.iter());
    }
}

#[inline(always)]
fn forward_slope<'a>(dx: &mut [f32], x: &[f32], dy: &[f32], alpha: impl Iterator<Item = &'a f32>) {
    for (((dx, x), dy), alpha) in dx.iter_mut().zip(x).zip(dy).zip(alpha) {
        let below = if *x < 0.0 { alpha * dy } else { 0.0 };
        *dx = if *x > 0.0 { *dy } else { below };
    }
}
