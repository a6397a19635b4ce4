//! Means and deviations of columns and of rows, and what is made of them.

use super::reduce::{column_sums, sum_lanes};
use super::{Simd, dispatch};
use crate::Result;
use crate::layer::Interrupt;

/// Numbers between two looks at the interrupt, of which sums are in f32.
const PIECE: usize = 1 << 16;

/// Mean and variance of every column of x (rows, width), in two passes; `sums` has `width` floats.
pub(crate) fn moments(
    x: &[f32],
    [mean, variance, sums]: [&mut [f32]; 3],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let pieces = x.chunks(piece(mean.len()));
    moments_of(pieces, [mean, variance, sums], interrupt)
}

/// As [`moments`], of the rows whose number in `mask` is not 0. Those of none are 0.
pub(crate) fn moments_there(
    x: &[f32],
    mask: &[f32],
    [mean, variance, sums]: [&mut [f32]; 3],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let width = mean.len();
    let runs = mask.chunk_by(|a, b| (*a == 0.0) == (*b == 0.0));
    let runs = runs.scan(x, |x, run| {
        let (here, rest) = x.split_at(run.len() * width);
        *x = rest;
        Some(if run[0] == 0.0 { &here[..0] } else { here })
    });
    let pieces = runs.flat_map(|run| run.chunks(piece(width)));
    moments_of(pieces, [mean, variance, sums], interrupt)
}

fn moments_of<'x>(
    pieces: impl Iterator<Item = &'x [f32]> + Clone,
    [mean, variance, sums]: [&mut [f32]; 3],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let width = mean.len();
    mean.fill(0.0);
    variance.fill(0.0);
    // The mean of all pieces so far moves towards that of the next one, so that nothing grows with the rows.
    let mut rows = 0;
    for x in pieces.clone() {
        column_sums(x, width, sums, false);
        rows += x.len() / width;
        towards(mean, sums, x.len() / width, rows);
        interrupt()?;
    }
    rows = 0;
    for x in pieces {
        sums.fill(0.0);
        squares(x, mean, sums);
        rows += x.len() / width;
        towards(variance, sums, x.len() / width, rows);
        interrupt()?;
    }
    Ok(())
}

/// Whole rows of about [`PIECE`] numbers.
fn piece(width: usize) -> usize {
    (PIECE / width).max(1) * width
}

/// `mean` of `all` rows, given that of those before and the `sums` of the `new` ones.
fn towards(mean: &mut [f32], sums: &[f32], new: usize, all: usize) {
    let share = new as f32 / all as f32;
    for (mean, sum) in mean.iter_mut().zip(sums) {
        *mean += (sum / new as f32 - *mean) * share;
    }
}

dispatch!(
    /// sums += (x - mean)^2, column by column
    fn squares(x: &[f32], mean: &[f32], sums: &mut [f32]) = squares_body
);

#[inline(always)]
fn squares_body<S: Simd>(x: &[f32], mean: &[f32], sums: &mut [f32]) {
    assert!(mean.len() == sums.len());
    for x in x.chunks_exact(mean.len()) {
        for ((x, mean), sum) in x.iter().zip(mean).zip(&mut *sums) {
            let away = x - mean;
            *sum = S::fma(away, away, *sum);
        }
    }
}

/// y = (x - mean) scale + shift, column by column.
pub(crate) fn columns(
    [mean, scale, shift]: [&[f32]; 3],
    x: &[f32],
    y: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let piece = piece(mean.len());
    for (x, y) in x.chunks(piece).zip(y.chunks_mut(piece)) {
        rows_of_columns(mean, scale, shift, x, y);
        interrupt()?;
    }
    Ok(())
}

dispatch!(
    fn rows_of_columns(mean: &[f32], scale: &[f32], shift: &[f32], x: &[f32], y: &mut [f32]) = columns_body
);

dispatch!(
    /// As [`columns`], with the same bits on every CPU.
    pub(crate) fn exact_columns(mean: &[f32], scale: &[f32], shift: &[f32], x: &[f32], y: &mut [f32]) = columns_body or Exact
);

#[inline(always)]
fn columns_body<S: Simd>(mean: &[f32], scale: &[f32], shift: &[f32], x: &[f32], y: &mut [f32]) {
    let width = mean.len();
    assert!(scale.len() == width && shift.len() == width && x.len() == y.len());
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        for j in 0..width {
            y[j] = S::fma(x[j] - mean[j], scale[j], shift[j]);
        }
    }
}

/// sum = the sums of dy, with_x = the sums of dy (x - mean), column by column.
pub(crate) fn gradient_sums(
    mean: &[f32],
    x: &[f32],
    dy: &[f32],
    [sum, with_x, piece_sum]: [&mut [f32]; 3],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let (width, piece) = (mean.len(), piece(mean.len()));
    sum.fill(0.0);
    with_x.fill(0.0);
    for (x, dy) in x.chunks(piece).zip(dy.chunks(piece)) {
        column_sums(dy, width, sum, true);
        piece_sum.fill(0.0);
        products(x, mean, dy, piece_sum);
        for (to, from) in with_x.iter_mut().zip(&*piece_sum) {
            *to += from;
        }
        interrupt()?;
    }
    Ok(())
}

dispatch!(
    /// sums += (x - mean) dy, column by column
    fn products(x: &[f32], mean: &[f32], dy: &[f32], sums: &mut [f32]) = products_body
);

#[inline(always)]
fn products_body<S: Simd>(x: &[f32], mean: &[f32], dy: &[f32], sums: &mut [f32]) {
    let width = mean.len();
    assert!(sums.len() == width && x.len() == dy.len());
    for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
        for j in 0..width {
            sums[j] = S::fma(x[j] - mean[j], dy[j], sums[j]);
        }
    }
}

/// dx = scale dy - (x - mean) along - all, column by column.
pub(crate) fn input_gradient(
    [mean, scale, along, all]: [&[f32]; 4],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let piece = piece(mean.len());
    for ((x, dy), dx) in x
        .chunks(piece)
        .zip(dy.chunks(piece))
        .zip(dx.chunks_mut(piece))
    {
        rows_of_gradient(mean, scale, along, all, x, dy, dx);
        interrupt()?;
    }
    Ok(())
}

dispatch!(
    fn rows_of_gradient(mean: &[f32], scale: &[f32], along: &[f32], all: &[f32], x: &[f32], dy: &[f32], dx: &mut [f32]) = gradient_body
);

/// dx = scale dy in the rows whose number in `mask` is 0, column by column.
pub(crate) fn scaled_missing(
    mask: &[f32],
    scale: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let (width, piece) = (scale.len(), piece(scale.len()));
    let pieces = dy.chunks(piece).zip(dx.chunks_mut(piece));
    for (mask, (dy, dx)) in mask.chunks(piece / width).zip(pieces) {
        let rows = dy.chunks_exact(width).zip(dx.chunks_exact_mut(width));
        for (_, (dy, dx)) in mask.iter().zip(rows).filter(|(mask, _)| **mask == 0.0) {
            for ((dx, dy), scale) in dx.iter_mut().zip(dy).zip(scale) {
                *dx = scale * dy;
            }
        }
        interrupt()?;
    }
    Ok(())
}

#[inline(always)]
fn gradient_body<S: Simd>(
    mean: &[f32],
    scale: &[f32],
    along: &[f32],
    all: &[f32],
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    let width = mean.len();
    assert!(scale.len() == width && along.len() == width && all.len() == width);
    assert!(x.len() == dy.len() && x.len() == dx.len());
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
    for ((x, dy), dx) in rows.zip(dx.chunks_exact_mut(width)) {
        for j in 0..width {
            let rest = S::fma(mean[j] - x[j], along[j], -all[j]);
            dx[j] = S::fma(scale[j], dy[j], rest);
        }
    }
}

dispatch!(
    /// Every row of x less its mean, over its deviation, times gamma, plus beta: y. Keeps (mean, 1 / deviation) of each row.
    /// gamma and beta are as wide as a row, or empty for 1 and 0.
    pub(crate) fn rows(epsilon: f32, width: usize, gamma: &[f32], beta: &[f32], x: &[f32], y: &mut [f32], kept: &mut [f32]) = rows_body
);

dispatch!(
    /// As [`rows`], with the same bits on every CPU; keeps nothing.
    pub(crate) fn exact_rows(epsilon: f32, width: usize, gamma: &[f32], beta: &[f32], x: &[f32], y: &mut [f32]) = exact_rows_body or Exact
);

#[inline(always)]
fn rows_body<S: Simd>(
    epsilon: f32,
    width: usize,
    gamma: &[f32],
    beta: &[f32],
    x: &[f32],
    y: &mut [f32],
    kept: &mut [f32],
) {
    let (kept, _) = kept.as_chunks_mut::<2>();
    let rows = x.chunks_exact(width).zip(y.chunks_exact_mut(width));
    for ((x, y), kept) in rows.zip(kept) {
        *kept = row::<S>(epsilon, gamma, beta, x, y);
    }
}

#[inline(always)]
fn exact_rows_body<S: Simd>(
    epsilon: f32,
    width: usize,
    gamma: &[f32],
    beta: &[f32],
    x: &[f32],
    y: &mut [f32],
) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        row::<S>(epsilon, gamma, beta, x, y);
    }
}

#[inline(always)]
fn row<S: Simd>(epsilon: f32, gamma: &[f32], beta: &[f32], x: &[f32], y: &mut [f32]) -> [f32; 2] {
    let width = x.len() as f32;
    let mean = lanes(x, x, |x, _, sum| sum + x) / width;
    let variance = lanes(x, x, |x, _, sum| S::fma(x - mean, x - mean, sum)) / width;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - mean) * scale;
    }
    for (y, gamma) in y.iter_mut().zip(gamma) {
        *y *= gamma;
    }
    for (y, beta) in y.iter_mut().zip(beta) {
        *y += beta;
    }
    [mean, scale]
}

dispatch!(
    /// The way back of [`rows`], which kept `kept`: dgamma and dbeta get what is added to them, and dx is filled. What is
    /// empty is left out.
    pub(crate) fn rows_back(width: usize, gamma: &[f32], x: &[f32], kept: &[f32], dy: &[f32], dgamma: &mut [f32], dbeta: &mut [f32], dx: &mut [f32]) = rows_back_body
);

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn rows_back_body<S: Simd>(
    width: usize,
    gamma: &[f32],
    x: &[f32],
    kept: &[f32],
    dy: &[f32],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
    dx: &mut [f32],
) {
    let (kept, _) = kept.as_chunks::<2>();
    let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
    for (i, ((x, dy), &[mean, scale])) in rows.zip(kept).enumerate() {
        for (dbeta, dy) in dbeta.iter_mut().zip(dy) {
            *dbeta += dy;
        }
        for ((dgamma, dy), x) in dgamma.iter_mut().zip(dy).zip(x) {
            *dgamma = S::fma(*dy, (x - mean) * scale, *dgamma);
        }
        if dx.is_empty() {
            continue;
        }
        let dx = &mut dx[i * width..(i + 1) * width];
        dx.copy_from_slice(dy);
        for (dx, gamma) in dx.iter_mut().zip(gamma) {
            *dx *= gamma;
        }
        let all = lanes(dx, x, |d, _, sum| sum + d) / width as f32;
        let along = lanes(dx, x, |d, x, sum| S::fma(d, x - mean, sum)) / width as f32;
        // The normalised number, times scale once more.
        let along = along * scale * scale;
        for (dx, x) in dx.iter_mut().zip(x) {
            *dx = scale * (*dx - all - (x - mean) * along);
        }
    }
}

/// Folds a row into 16 sums, and these in a fixed order.
#[inline(always)]
fn lanes(a: &[f32], b: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        for ((a, b), sum) in a.iter().zip(b).zip(&mut sums) {
            *sum = f(*a, *b, *sum);
        }
    }
    sum_lanes(sums)
}
