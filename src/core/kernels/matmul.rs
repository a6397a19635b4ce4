//! The three products of a dense layer: z = x w + b, dw = x' dz, dx = dz w'.
//!
//! Small ones run on register tiles over the caller's own layout; large ones go to the `gemm` crate, on one thread.
#![allow(clippy::too_many_arguments)] // A product is three shapes and three buffers.

use super::reduce::dot_rows;
use super::{Simd, dispatch};

/// What a product is added to.
#[derive(Clone, Copy)]
enum Start<'a> {
    Zero,
    /// What `c` holds.
    Old,
    /// One row, repeated.
    Bias(&'a [f32]),
}

/// A strided left factor: element (i, p) at `i * rows + p * columns`.
#[derive(Clone, Copy)]
struct Left<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
}

/// Beyond this many floats in the right factor, packing pays for itself.
const SMALL: usize = 48 * 1024;
/// Widest column panel of a tile.
const PANEL: usize = 32;

/// Whether a (k, n) kernel over `rows` rows goes to the `gemm` crate, which packs into a buffer of its own.
pub(crate) fn packs(rows: usize, k: usize, n: usize) -> bool {
    n > 1 && rows.max(k).saturating_mul(n) > SMALL
}

/// Floats of scratch that the products of a (k, n) kernel over at most `rows` rows need.
pub(crate) fn scratch(rows: usize, k: usize, n: usize) -> Option<usize> {
    let on_tiles = n > 1 && k.checked_mul(n)? <= SMALL;
    let longest = if on_tiles { rows.max(k).max(n) } else { rows };
    longest
        .checked_mul(PANEL)?
        .checked_add(if on_tiles { k * n } else { PANEL })
}

/// z (m, n) = x (m, k) w (k, n) + bias. `scratch` as by [`scratch`].
pub(crate) fn forward(
    m: usize,
    k: usize,
    n: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    z: &mut [f32],
    scratch: &mut [f32],
) {
    let start = bias.map_or(Start::Zero, Start::Bias);
    check(m, k, n, x.len(), w.len(), z.len());
    if n == 1 {
        dot_rows(m, k, x, w, bias.map_or(0.0, |b| b[0]), z);
    } else if k * n <= SMALL {
        tiles(
            m,
            k,
            n,
            Left {
                data: x,
                rows: k,
                columns: 1,
            },
            w,
            z,
            start,
            scratch,
        );
    } else {
        large(
            m,
            k,
            n,
            Left {
                data: x,
                rows: k,
                columns: 1,
            },
            w,
            (n, 1),
            z,
            start,
        );
    }
}

/// dw (k, n) = x' dz, or += with `add`.
pub(crate) fn weight_gradient(
    m: usize,
    k: usize,
    n: usize,
    x: &[f32],
    dz: &[f32],
    dw: &mut [f32],
    add: bool,
    scratch: &mut [f32],
) {
    let start = if add { Start::Old } else { Start::Zero };
    check(m, k, n, x.len(), dw.len(), dz.len());
    if n == 1 {
        // One column is one row: dw' = dz' x.
        tiles(
            1,
            m,
            k,
            Left {
                data: dz,
                rows: 1,
                columns: 1,
            },
            x,
            dw,
            start,
            scratch,
        );
    } else if m * n <= SMALL && k * n <= SMALL {
        tiles(
            k,
            m,
            n,
            Left {
                data: x,
                rows: 1,
                columns: k,
            },
            dz,
            dw,
            start,
            scratch,
        );
    } else {
        large(
            k,
            m,
            n,
            Left {
                data: x,
                rows: 1,
                columns: k,
            },
            dz,
            (n, 1),
            dw,
            start,
        );
    }
}

/// dx (m, k) = dz (m, n) w'.
pub(crate) fn input_gradient(
    m: usize,
    k: usize,
    n: usize,
    dz: &[f32],
    w: &[f32],
    dx: &mut [f32],
    scratch: &mut [f32],
) {
    check(m, k, n, dx.len(), w.len(), dz.len());
    let left = Left {
        data: dz,
        rows: n,
        columns: 1,
    };
    if n == 1 {
        tiles(m, 1, k, left, w, dx, Start::Zero, scratch);
    } else if k * n <= SMALL {
        let (transposed, scratch) = scratch.split_at_mut(k * n);
        transpose(k, n, w, transposed);
        tiles(m, n, k, left, transposed, dx, Start::Zero, scratch);
    } else {
        large(m, n, k, left, w, (1, n), dx, Start::Zero);
    }
}

/// The named guard of every product: x (m, k), w (k, n), z (m, n) must fill their slices.
fn check(m: usize, k: usize, n: usize, x: usize, w: usize, z: usize) {
    assert!(
        m.checked_mul(k) == Some(x) && k.checked_mul(n) == Some(w) && m.checked_mul(n) == Some(z),
        "a product of ({m}, {k}) and ({k}, {n}) does not fit buffers of {x}, {w} and {z}"
    );
}

/// out (n, k) = w (k, n) transposed.
fn transpose(k: usize, n: usize, w: &[f32], out: &mut [f32]) {
    if k == 0 || n == 0 {
        return;
    }
    for (j, column) in out.chunks_exact_mut(k).enumerate() {
        for (to, row) in column.iter_mut().zip(w.chunks_exact(n)) {
            *to = row[j];
        }
    }
}

/// c (m, n) = start + a (m, k) b (k, n), through the `gemm` crate; `b_strides` are (row, column).
fn large(
    m: usize,
    k: usize,
    n: usize,
    a: Left,
    b: &[f32],
    b_strides: (usize, usize),
    c: &mut [f32],
    start: Start,
) {
    if let Start::Bias(bias) = start {
        for row in c.chunks_exact_mut(n) {
            row.copy_from_slice(bias);
        }
    }
    let add = !matches!(start, Start::Zero);
    let last = |rows: usize, columns: usize, (row, column): (usize, usize)| {
        (rows - 1) * row + (columns - 1) * column
    };
    if m == 0 || k == 0 || n == 0 {
        return;
    }
    assert!(
        last(m, k, (a.rows, a.columns)) < a.data.len()
            && last(k, n, b_strides) < b.len()
            && m * n <= c.len()
    );
    // SAFETY: the assertion above keeps every (row, column) of the three matrices inside its slice, and `c` is
    // borrowed mutably, so it overlaps neither factor.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.columns as isize,
            a.rows as isize,
            b.as_ptr(),
            b_strides.1 as isize,
            b_strides.0 as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

dispatch!(
    /// c (m, n) = start + a (m, k) b (k, n) on register tiles.
    fn tiles(m: usize, k: usize, n: usize, a: Left<'_>, b: &[f32], c: &mut [f32], start: Start<'_>, scratch: &mut [f32]) = tiles_body
);

#[inline(always)]
fn tiles_body<S: Simd>(
    m: usize,
    k: usize,
    n: usize,
    a: Left,
    b: &[f32],
    c: &mut [f32],
    start: Start,
    scratch: &mut [f32],
) {
    assert!(m == 0 || k == 0 || (m - 1) * a.rows + (k - 1) * a.columns < a.data.len());
    assert!(k * n <= b.len() && m * n == c.len());
    if let Start::Bias(bias) = start {
        assert!(bias.len() == n);
    }
    let mut j = 0;
    while j < n {
        let rest = n - j;
        match S::LANES {
            16 if rest > 16 => j += panel::<S, 8, 32>(m, k, n, j, a, b, c, start, scratch),
            16 => j += panel::<S, 8, 16>(m, k, n, j, a, b, c, start, scratch),
            8 => j += panel::<S, 6, 16>(m, k, n, j, a, b, c, start, scratch),
            _ => j += panel::<S, 4, 8>(m, k, n, j, a, b, c, start, scratch),
        }
    }
}

/// All rows of the columns from `j`; returns how many columns it did.
#[inline(always)]
fn panel<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    m: usize,
    k: usize,
    n: usize,
    j: usize,
    a: Left,
    b: &[f32],
    c: &mut [f32],
    start: Start,
    scratch: &mut [f32],
) -> usize {
    let columns = COLUMNS.min(n - j);
    let (b, stride) = if columns == COLUMNS {
        (&b[j..], n)
    } else {
        // The last, narrow panel is padded with zeros to full width.
        let padded = &mut scratch[..k * COLUMNS];
        for (to, from) in padded.chunks_exact_mut(COLUMNS).zip(b.chunks_exact(n)) {
            to[..columns].copy_from_slice(&from[j..j + columns]);
            to[columns..].fill(0.0);
        }
        (&*padded, COLUMNS)
    };
    let mut i = 0;
    while i < m {
        match m - i {
            rest if rest >= ROWS => {
                i += tile::<S, ROWS, COLUMNS>(i, k, n, j, columns, a, b, stride, c, start)
            }
            rest if rest >= 4 => {
                i += tile::<S, 4, COLUMNS>(i, k, n, j, columns, a, b, stride, c, start)
            }
            rest if rest >= 2 => {
                i += tile::<S, 2, COLUMNS>(i, k, n, j, columns, a, b, stride, c, start)
            }
            _ => i += tile::<S, 1, COLUMNS>(i, k, n, j, columns, a, b, stride, c, start),
        }
    }
    columns
}

/// One tile, held in registers over the whole of `k`.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    i: usize,
    k: usize,
    n: usize,
    j: usize,
    columns: usize,
    a: Left,
    b: &[f32],
    stride: usize,
    c: &mut [f32],
    start: Start,
) -> usize {
    let mut sums = [[0f32; COLUMNS]; ROWS];
    debug_assert!(k == 0 || (i + ROWS - 1) * a.rows + (k - 1) * a.columns < a.data.len());
    debug_assert!(k == 0 || (k - 1) * stride + COLUMNS <= b.len());
    let left = a.data.as_ptr().wrapping_add(i * a.rows);
    for p in 0..k {
        // SAFETY: p < k, and `panel` gave COLUMNS floats from every b row: either the panel lies inside rows of n
        // columns with k * n <= b.len() (checked by `tiles_body`), or b is the padded copy of k rows of COLUMNS.
        let row = unsafe { &*b.as_ptr().add(p * stride).cast::<[f32; COLUMNS]>() };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: i + r < m and p < k, and `tiles_body` checked that (m - 1, k - 1) lies inside `a`.
            let x = unsafe { *left.add(r * a.rows + p * a.columns) };
            for (sum, &w) in sums.iter_mut().zip(row) {
                *sum = S::fma(x, w, *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let to = &mut c[(i + r) * n + j..][..columns];
        if columns == COLUMNS {
            store(to, sums, start, j);
        } else {
            store(to, &sums[..columns], start, j);
        }
    }
    ROWS
}

#[inline(always)]
fn store(to: &mut [f32], sums: &[f32], start: Start, j: usize) {
    match start {
        Start::Zero => to.copy_from_slice(sums),
        Start::Old => to.iter_mut().zip(sums).for_each(|(c, s)| *c += s),
        Start::Bias(bias) => to
            .iter_mut()
            .zip(sums)
            .zip(&bias[j..])
            .for_each(|((c, s), b)| *c = s + b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect()
    }

    fn close(got: &[f32], exact: impl Fn(usize) -> f64, what: &str) {
        for (i, &g) in got.iter().enumerate() {
            let e = exact(i);
            assert!(
                (f64::from(g) - e).abs() <= 2e-5 * (1.0 + e.abs()),
                "{what}[{i}]: {g} instead of {e}"
            );
        }
    }

    #[test]
    fn products_equal_their_definition() {
        let shapes = [
            (1, 1, 1),
            (2, 7, 17),
            (33, 28, 64),
            (32, 64, 1),
            (5, 1, 33),
            (13, 17, 31),
            (9, 300, 200),
            (40, 3, 2),
            (1, 16, 48),
            (7, 50, 16),
        ];
        on_every_level(|| {
            for (m, k, n) in shapes {
                let (x, w, b, dz) = (
                    numbers(m * k, 1),
                    numbers(k * n, 2),
                    numbers(n, 3),
                    numbers(m * n, 4),
                );
                let mut room = vec![0.0; scratch(m, k, n).unwrap()];
                let f = |v: &[f32], i: usize| f64::from(v[i]);
                let mut z = vec![9.0; m * n];
                forward(m, k, n, &x, &w, Some(&b), &mut z, &mut room);
                close(
                    &z,
                    |o| {
                        f(&b, o % n)
                            + (0..k)
                                .map(|p| f(&x, o / n * k + p) * f(&w, p * n + o % n))
                                .sum::<f64>()
                    },
                    "z",
                );
                let mut dw = vec![9.0; k * n];
                weight_gradient(m, k, n, &x, &dz, &mut dw, false, &mut room);
                let exact = |o: usize| {
                    (0..m)
                        .map(|i| f(&x, i * k + o / n) * f(&dz, i * n + o % n))
                        .sum::<f64>()
                };
                close(&dw, exact, "dw");
                weight_gradient(m, k, n, &x, &dz, &mut dw, true, &mut room);
                close(&dw, |o| 2.0 * exact(o), "2 dw");
                let mut dx = vec![9.0; m * k];
                input_gradient(m, k, n, &dz, &w, &mut dx, &mut room);
                close(
                    &dx,
                    |o| {
                        (0..n)
                            .map(|j| f(&dz, o / k * n + j) * f(&w, o % k * n + j))
                            .sum::<f64>()
                    },
                    "dx",
                );
            }
        });
    }

    #[test]
    #[should_panic(expected = "does not fit buffers")]
    fn refuses_buffers_that_do_not_fit() {
        forward(
            2,
            2,
            2,
            &[0.0; 4],
            &[0.0; 4],
            None,
            &mut [0.0; 3],
            &mut [0.0; 64],
        );
    }
}
