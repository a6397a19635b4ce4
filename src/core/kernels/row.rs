//! One row through one dense layer: y_j = b_j + sum_i x_i w_ij, i in order.

use super::{Simd, dispatch};

/// Columns of a padded kernel come in blocks of this many.
pub(crate) const BLOCK: usize = 16;

dispatch!(
    /// y (width) = bias (width) + x (k) w (k, width); `width` is a multiple of [`BLOCK`].
    pub(crate) fn row(x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) = row_body
);

#[inline(always)]
fn row_body<S: Simd>(x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    let width = y.len();
    assert!(
        width.is_multiple_of(BLOCK)
            && bias.len() == width
            && x.len().checked_mul(width) == Some(w.len())
    );
    let mut j = 0;
    while j < width {
        j += match width - j {
            64.. => block::<S, 64>(x, w, bias, y, j),
            32.. => block::<S, 32>(x, w, bias, y, j),
            _ => block::<S, 16>(x, w, bias, y, j),
        };
    }
}

#[inline(always)]
fn block<S: Simd, const COLUMNS: usize>(
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
    j: usize,
) -> usize {
    let width = y.len();
    let mut sums = [0f32; COLUMNS];
    sums.copy_from_slice(&bias[j..j + COLUMNS]);
    for (i, &x) in x.iter().enumerate() {
        // SAFETY: i < x.len() and j + COLUMNS <= width, and `row_body` checked that w has x.len() rows of width.
        let w = unsafe { &*w.as_ptr().add(i * width + j).cast::<[f32; COLUMNS]>() };
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum = S::fma(x, w, *sum);
        }
    }
    y[j..j + COLUMNS].copy_from_slice(&sums);
    COLUMNS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn a_row_equals_its_definition() {
        on_every_level(|| {
            for (k, width) in [(0, 16), (1, 16), (7, 48), (28, 64), (33, 112), (64, 160)] {
                let number = |i: usize| (i as f32 * 0.619) % 2.0 - 1.0;
                let x: Vec<f32> = (0..k).map(number).collect();
                let w: Vec<f32> = (0..k * width).map(|i| number(i + 5)).collect();
                let b: Vec<f32> = (0..width).map(|i| number(i + 9)).collect();
                let mut y = vec![0.0; width];
                row(&x, &w, &b, &mut y);
                for j in 0..width {
                    let exact = f64::from(b[j])
                        + (0..k)
                            .map(|i| f64::from(x[i]) * f64::from(w[i * width + j]))
                            .sum::<f64>();
                    assert!((f64::from(y[j]) - exact).abs() < 1e-5);
                }
            }
        });
    }

    #[test]
    #[should_panic]
    fn refuses_a_kernel_that_is_too_small() {
        row(&[1.0, 2.0], &[0.0; 16], &[0.0; 16], &mut [0.0; 16]);
    }
}
