//! Stored numbers, side by side as bytes: into statistics and into inputs.

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
    let numbers = values
        .iter()
        .map(|value| f64::from(f32::from_ne_bytes(*value)));
    scale(numbers, mean, inverse, null, x);
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
    let numbers = values.iter().map(|value| f64::from_ne_bytes(*value));
    scale(numbers, mean, inverse, null, x);
}

#[inline(always)]
fn scale(
    values: impl Iterator<Item = f64>,
    mean: &[f64],
    inverse: &[f64],
    null: &[f32],
    x: &mut [f32],
) {
    let columns = mean.iter().zip(inverse).zip(null);
    for ((x, value), ((mean, inverse), null)) in x.iter_mut().zip(values).zip(columns) {
        let input = scaled(value, *mean, *inverse);
        *x = if value.is_nan() { *null } else { input };
    }
}

/// Count, mean, sum of squared differences from it, least and largest value of one column after another.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub count: Vec<f64>,
    pub mean: Vec<f64>,
    pub m2: Vec<f64>,
    pub min: Vec<f64>,
    pub max: Vec<f64>,
}

impl Columns {
    /// Adds a column without values.
    pub fn push(&mut self) {
        self.count.push(0.0);
        self.mean.push(0.0);
        self.m2.push(0.0);
        self.min.push(f64::INFINITY);
        self.max.push(f64::NEG_INFINITY);
    }

    /// Columns.
    pub fn len(&self) -> usize {
        self.count.len()
    }
}

dispatch!(
    /// One step of Welford's recurrence for each stored f32 that is not NaN.
    pub(crate) fn learn_singles(values: &[[u8; 4]], columns: &mut Columns) = learn_singles_body
);

#[inline(always)]
fn learn_singles_body<S: Simd>(values: &[[u8; 4]], columns: &mut Columns) {
    let numbers = values
        .iter()
        .map(|value| f64::from(f32::from_ne_bytes(*value)));
    learn(numbers, columns);
}

dispatch!(
    /// As [`learn_singles`] for stored f64.
    pub(crate) fn learn_doubles(values: &[[u8; 8]], columns: &mut Columns) = learn_doubles_body
);

#[inline(always)]
fn learn_doubles_body<S: Simd>(values: &[[u8; 8]], columns: &mut Columns) {
    learn(
        values.iter().map(|value| f64::from_ne_bytes(*value)),
        columns,
    );
}

#[inline(always)]
fn learn(values: impl Iterator<Item = f64>, columns: &mut Columns) {
    let Columns {
        count,
        mean,
        m2,
        min,
        max,
    } = columns;
    let moments = count.iter_mut().zip(mean).zip(m2);
    let extremes = min.iter_mut().zip(max);
    for ((value, ((count, mean), m2)), (min, max)) in values.zip(moments).zip(extremes) {
        let known = !value.is_nan();
        *count += f64::from(u8::from(known));
        let before = if known { value - *mean } else { 0.0 };
        let divisor = if *count < 1.0 { 1.0 } else { *count };
        *mean += before / divisor;
        let after = if known { value - *mean } else { 0.0 };
        *m2 += before * after;
        *min = if value < *min { value } else { *min };
        *max = if value > *max { value } else { *max };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn every_instruction_set_learns_alike() {
        on_every_level(|| {
            // python3 -c "import numpy as np; a = np.array([2.5, -1.0, 7.25, 0.0, 1e3]); print(repr(a.mean()), repr(((a - a.mean()) ** 2).sum()))"
            for n in [1, 7, 8, 33] {
                let mut columns = Columns::default();
                (0..n).for_each(|_| columns.push());
                for value in [f64::NAN, 2.5, -1.0, 7.25, f64::NAN, 0.0, 1e3] {
                    learn_singles(&vec![(value as f32).to_ne_bytes(); n], &mut columns);
                }
                for i in 0..n {
                    assert_eq!(columns.count[i], 5.0);
                    assert!((columns.mean[i] - 201.75).abs() < 1e-12);
                    assert!((columns.m2[i] - 796_544.5).abs() < 1e-6);
                    assert_eq!((columns.min[i], columns.max[i]), (-1.0, 1e3));
                }
                let mut twice = Columns::default();
                (0..n).for_each(|_| twice.push());
                learn_doubles(&vec![4.5_f64.to_ne_bytes(); n], &mut twice);
                assert!(twice.count.iter().all(|count| *count == 1.0));
                assert!(twice.mean.iter().chain(&twice.max).all(|m| *m == 4.5));
            }
        });
    }

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
