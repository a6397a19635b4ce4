//! Stored numbers, side by side as bytes: on their way into inputs.

use super::{Simd, dispatch};

/// The input of a number: the one definition for training and scoring.
#[inline(always)]
pub(crate) fn scaled(value: f64, mean: f64, inverse: f64) -> f32 {
    ((value - mean) * inverse) as f32
}

dispatch!(
    /// x = (value - mean) inverse for stored f32; `null` for those that are NaN.
    pub(crate) fn scale_singles(values: &[[u8; 4]], mean: &[f64], inverse: &[f64], null: &[f32], x: &mut [f32]) = scale_singles_body
);

#[inline(always)]
fn scale_singles_body<S: Simd>(
    values: &[[u8; 4]],
    mean: &[f64],
    inverse: &[f64],
    null: &[f32],
    x: &mut [f32],
) {
    let columns = mean.iter().zip(inverse).zip(null);
    for ((x, value), ((mean, inverse), null)) in x.iter_mut().zip(values).zip(columns) {
        let value = f64::from(f32::from_ne_bytes(*value));
        let input = scaled(value, *mean, *inverse);
        *x = if value.is_nan() { *null } else { input };
    }
}

dispatch!(
    /// As [`scale_singles`] for stored f64.
    pub(crate) fn scale_doubles(values: &[[u8; 8]], mean: &[f64], inverse: &[f64], null: &[f32], x: &mut [f32]) = scale_doubles_body
);

#[inline(always)]
fn scale_doubles_body<S: Simd>(
    values: &[[u8; 8]],
    mean: &[f64],
    inverse: &[f64],
    null: &[f32],
    x: &mut [f32],
) {
    let columns = mean.iter().zip(inverse).zip(null);
    for ((x, value), ((mean, inverse), null)) in x.iter_mut().zip(values).zip(columns) {
        let value = f64::from_ne_bytes(*value);
        let input = scaled(value, *mean, *inverse);
        *x = if value.is_nan() { *null } else { input };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn every_instruction_set_scales_alike() {
        on_every_level(|| {
            for n in [1, 7, 8, 33] {
                let value = |i: usize| {
                    if i % 5 == 4 {
                        f64::NAN
                    } else {
                        i as f64 * 0.37 - 2.0
                    }
                };
                let mean: Vec<f64> = (0..n).map(|i| i as f64 * 0.1).collect();
                let (inverse, null) = (vec![0.7; n], vec![9.0; n]);
                let expected = |value: f64, i: usize| {
                    if value.is_nan() {
                        9.0
                    } else {
                        scaled(value, mean[i], 0.7)
                    }
                };
                let (mut x, mut z) = (vec![0.0; n], vec![0.0; n]);
                let singles: Vec<_> = (0..n).map(|i| (value(i) as f32).to_ne_bytes()).collect();
                let doubles: Vec<_> = (0..n).map(|i| value(i).to_ne_bytes()).collect();
                scale_singles(&singles, &mean, &inverse, &null, &mut x);
                scale_doubles(&doubles, &mean, &inverse, &null, &mut z);
                for i in 0..n {
                    assert_eq!(x[i], expected(f64::from(value(i) as f32), i));
                    assert_eq!(z[i], expected(value(i), i));
                }
            }
        });
    }
}
