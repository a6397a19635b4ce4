//! Sums in a fixed order of 16 lanes, the same on every instruction set.

use super::{Simd, column, dispatch};
use crate::Result;
use crate::layer::Interrupt;

/// The sum of 16 lanes, halved in a fixed order.
#[inline(always)]
pub(crate) fn sum_lanes(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
    }
    lanes[0]
}

/// out (width) = column sums of d (rows, width), or += with `add`: a bias gradient.
pub(crate) fn column_sums(d: &[f32], width: usize, out: &mut [f32], add: bool) {
    assert!(out.len() == width);
    if width == 1 {
        out[0] = sum(d) + if add { out[0] } else { 0.0 };
    } else {
        column::sums(d, out, add);
    }
}

/// As [`column_sums`], for rows that may be a whole batch.
pub(crate) fn column_sums_all(
    d: &[f32],
    width: usize,
    out: &mut [f32],
    add: bool,
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let piece = (PIECE / width).max(1) * width;
    for (i, d) in d.chunks(piece).enumerate() {
        column_sums(d, width, out, add || i > 0);
        interrupt()?;
    }
    Ok(())
}

/// Numbers between two looks at the interrupt.
const PIECE: usize = 1 << 20;

dispatch!(
    /// The sum of all.
    fn sum(d: &[f32]) -> f32 = sum_body
);

#[inline(always)]
fn sum_body<S: Simd>(d: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    let chunks = d.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for l in 0..16 {
            lanes[l] += chunk[l];
        }
    }
    for (lane, d) in lanes.iter_mut().zip(rest) {
        *lane += d;
    }
    sum_lanes(lanes)
}

dispatch!(
    /// to += from: one gradient group into another.
    pub(crate) fn add(to: &mut [f32], from: &[f32]) = add_body
);

#[inline(always)]
fn add_body<S: Simd>(to: &mut [f32], from: &[f32]) {
    assert!(to.len() == from.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

dispatch!(
    /// The sum of the squares, in f64.
    pub(crate) fn squares(d: &[f32]) -> f64 = squares_body
);

#[inline(always)]
fn squares_body<S: Simd>(d: &[f32]) -> f64 {
    let mut lanes = [0f64; 16];
    let chunks = d.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for l in 0..16 {
            let d = f64::from(chunk[l]);
            lanes[l] += d * d;
        }
    }
    for (lane, d) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(*d) * f64::from(*d);
    }
    lanes.iter().sum()
}

dispatch!(
    /// d *= factor
    pub(crate) fn scale(d: &mut [f32], factor: f32) = scale_body
);

#[inline(always)]
fn scale_body<S: Simd>(d: &mut [f32], factor: f32) {
    for d in d {
        *d *= factor;
    }
}

dispatch!(
    /// d brought into -most..most; NaN stays.
    pub(crate) fn clip(d: &mut [f32], most: f32) = clip_body
);

#[inline(always)]
fn clip_body<S: Simd>(d: &mut [f32], most: f32) {
    for d in d {
        *d = if *d > most { most } else { *d };
        *d = if *d < -most { -most } else { *d };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn sums_are_the_same_on_every_instruction_set() {
        for width in [1, 3, 16, 33, 83] {
            let d: Vec<f32> = (0..width * 37)
                .map(|i| (i as f32 * 0.37 + 0.1) % 1.7 - 0.8)
                .collect();
            let mut seen: Vec<Vec<f32>> = Vec::new();
            on_every_level(|| {
                let mut out = vec![1.0; width];
                column_sums(&d, width, &mut out, true);
                seen.push(out);
            });
            assert!(seen.windows(2).all(|w| w[0] == w[1]));
            for (j, &sum) in seen[0].iter().enumerate() {
                let exact: f64 = 1.0
                    + d.iter()
                        .skip(j)
                        .step_by(width)
                        .map(|&v| f64::from(v))
                        .sum::<f64>();
                assert!((f64::from(sum) - exact).abs() < 1e-5);
            }
        }
        let d: Vec<f32> = (0..101).map(|i| (i as f32 * 0.37) % 1.7 - 0.8).collect();
        let exact: f64 = d.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        let mut seen = Vec::new();
        on_every_level(|| {
            let mut clipped = d.clone();
            clip(&mut clipped, 0.5);
            scale(&mut clipped, 2.0);
            assert!((0..101).all(|i| clipped[i] == 2.0 * d[i].clamp(-0.5, 0.5)));
            let mut nan = [f32::NAN];
            clip(&mut nan, 0.5);
            assert!(nan[0].is_nan());
            seen.push(squares(&d).to_bits());
        });
        assert!(seen.iter().all(|&bits| bits == seen[0]));
        assert!((f64::from_bits(seen[0]) - exact).abs() < 1e-12);
        let mut to = vec![1.0, 2.0, 3.0];
        add(&mut to, &[0.5, 0.25, 0.125]);
        assert_eq!(to, [1.5, 2.25, 3.125]);
    }
}
