//! The three products of a dense layer: z = x w + b, dw = x' dz, dx = dz w', on the tiles of [`super::tile`].
#![allow(clippy::too_many_arguments)] // A product is three shapes and three buffers.

use super::column;
use super::tile::{Finish, Left, Start, tiles};
use super::transpose::transpose;
use super::vector::{FAR, prefetch};
use crate::Result;
use crate::layer::Interrupt;

/// Columns and rows of a block of the right factor that is copied together: half a second-level cache at most.
const WIDE: usize = 64;
const LONG: usize = 256;
/// Right factors of more floats are copied block by block: far rows share few cache sets and pages.
const DIRECT: usize = 1 << 20;
/// Rows between the one that is copied and the one that is asked for.
const AHEAD: usize = 16;
/// Fewer units than this fill a vector badly: their weight gradient is computed transposed.
const NARROW: usize = 16;
/// Rows of x whose part of a weight gradient stays in the first-level cache.
const ROWS: usize = 128;
/// Multiply-adds between two looks at the interrupt: far below a millisecond where vectors are wide.
const PIECE: usize = 1 << 23;

/// Floats of scratch that the products of a (k, n) kernel need.
pub(crate) fn scratch(k: usize, n: usize) -> Option<usize> {
    if n == 1 {
        return Some(0);
    }
    let rows = if n > FAR || k.checked_mul(n)? > DIRECT {
        LONG
    } else {
        n
    };
    let transposed = if turns(k, n) { k * n } else { 0 };
    Some(transposed.max(rows.min(LONG) * WIDE))
}

/// Rows that a (k, n) kernel is multiplied with between two looks at the interrupt, unless its blocks are looked between.
fn piece(k: usize, n: usize) -> usize {
    (PIECE / (k * n).max(1)).max(1 << 10)
}

/// Whether the weight gradient is computed transposed.
fn turns(k: usize, n: usize) -> bool {
    n < NARROW && k * n <= DIRECT
}

/// z (m, n) = x (m, k) w (k, n) + bias, or 0 where that is below 0 with `relu`. `scratch` as by [`scratch`].
pub(crate) fn forward(
    m: usize,
    k: usize,
    n: usize,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
    z: &mut [f32],
    scratch: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    check(m, k, n, x.len(), w.len(), z.len());
    if n == 1 {
        let rows = (PIECE / k.max(1)).max(1);
        for (x, z) in x.chunks((rows * k).max(1)).zip(z.chunks_mut(rows)) {
            column::dots(k, x, w, bias.map_or(0.0, |b| b[0]), z);
            interrupt()?;
        }
        if relu {
            z.iter_mut()
                .for_each(|z| *z = if *z < 0.0 { 0.0 } else { *z });
        }
        return Ok(());
    }
    let (start, finish) = (
        bias.map_or(Start::Zero, Start::Row),
        if relu { Finish::Relu } else { Finish::Keep },
    );
    let x = Left {
        data: x,
        rows: k,
        columns: 1,
    };
    if k * n <= DIRECT {
        let rows = piece(k, n);
        for (i, z) in z.chunks_mut(rows * n).enumerate() {
            let x = Left {
                data: &x.data[i * rows * k..],
                ..x
            };
            tiles(z.len() / n, k, n, x, w, n, start, finish, z, n);
            interrupt()?;
        }
        return Ok(());
    }
    let most = piece(k, n);
    if m > most {
        let rows = x.data.chunks(most * k).zip(z.chunks_mut(most * n));
        for (x, z) in rows {
            let m = z.len() / n;
            forward(m, k, n, x, w, bias, relu, z, scratch, interrupt)?;
        }
        return Ok(());
    }
    blocks(m, k, n, interrupt, |p, rows, j, columns| {
        copy(&w[p * n + j..], n, columns, rows, scratch);
        let x = Left {
            data: &x.data[p..],
            ..x
        };
        let start = match bias {
            _ if p > 0 => Start::Old,
            Some(bias) => Start::Row(&bias[j..j + columns]),
            None => Start::Zero,
        };
        let finish = if p + rows == k { finish } else { Finish::Keep };
        tiles(
            m,
            rows,
            columns,
            x,
            scratch,
            WIDE,
            start,
            finish,
            &mut z[j..],
            n,
        );
    })
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
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    check(m, k, n, x.len(), dw.len(), dz.len());
    if turns(k, n) {
        let rows = piece(k, n);
        let pieces = x.chunks((rows * k).max(1)).zip(dz.chunks(rows * n));
        for (i, (x, dz)) in pieces.enumerate() {
            let (m, add) = (dz.len() / n, add || i > 0);
            let left = Left {
                data: dz,
                rows: 1,
                columns: n,
            };
            if n == 1 {
                let start = if add { Start::Old } else { Start::Zero };
                tiles(1, m, k, left, x, k, start, Finish::Keep, dw, k);
            } else {
                let turned = &mut scratch[..k * n];
                tiles(n, m, k, left, x, k, Start::Zero, Finish::Keep, turned, k);
                for (p, dw) in dw.chunks_exact_mut(n).enumerate() {
                    for (dw, turned) in dw.iter_mut().zip(turned.iter().skip(p).step_by(k)) {
                        *dw = if add { *dw + turned } else { *turned };
                    }
                }
            }
            interrupt()?;
        }
        return Ok(());
    }
    let product = |x: &[f32],
                   dz: &[f32],
                   stride: usize,
                   rows: usize,
                   columns: usize,
                   dw: &mut [f32],
                   add: bool| {
        let left = Left {
            data: x,
            rows: 1,
            columns: k,
        };
        let start = if add { Start::Old } else { Start::Zero };
        tiles(
            k,
            rows,
            columns,
            left,
            dz,
            stride,
            start,
            Finish::Keep,
            dw,
            n,
        );
    };
    if n <= FAR {
        let rows = (PIECE / (k * n).max(1)).clamp(1, ROWS);
        for (i, (x, dz)) in x.chunks(rows * k).zip(dz.chunks(rows * n)).enumerate() {
            product(x, dz, n, dz.len() / n, n, dw, add || i > 0);
            interrupt()?;
        }
        Ok(())
    } else {
        blocks(k, m, n, interrupt, |p, rows, j, columns| {
            copy(&dz[p * n + j..], n, columns, rows, scratch);
            product(
                &x[p * k..],
                scratch,
                WIDE,
                rows,
                columns,
                &mut dw[j..],
                add || p > 0,
            );
        })
    }
}

/// dx (m, k) = dz (m, n) w'; with `relu`, x is the output of one and dx becomes the gradient of its input.
pub(crate) fn input_gradient(
    m: usize,
    k: usize,
    n: usize,
    dz: &[f32],
    w: &[f32],
    relu: Option<&[f32]>,
    dx: &mut [f32],
    scratch: &mut [f32],
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    check(m, k, n, dx.len(), w.len(), dz.len());
    if n == 1 {
        let rows = piece(k, n);
        let pieces = dx.chunks_mut((rows * k).max(1)).zip(dz.chunks(rows));
        for (i, (dx, dz)) in pieces.enumerate() {
            for (dx, dz) in dx.chunks_exact_mut(k.max(1)).zip(dz) {
                for (dx, w) in dx.iter_mut().zip(w) {
                    *dx = dz * w;
                }
            }
            if let Some(x) = relu {
                for (dx, x) in dx.iter_mut().zip(&x[i * rows * k..]) {
                    *dx = if *x > 0.0 { *dx } else { 0.0 };
                }
            }
            interrupt()?;
        }
        return Ok(());
    }
    let most = piece(k, n);
    if m > most {
        let rows = dx.chunks_mut((most * k).max(1)).zip(dz.chunks(most * n));
        for (i, (dx, dz)) in rows.enumerate() {
            let (m, relu) = (dz.len() / n, relu.map(|x| &x[i * most * k..]));
            input_gradient(m, k, n, dz, w, relu, dx, scratch, interrupt)?;
        }
        return Ok(());
    }
    blocks(m, n, k, interrupt, |p, rows, j, columns| {
        transpose(&w[j * n + p..], n, columns, rows, scratch, WIDE);
        let left = Left {
            data: &dz[p..],
            rows: n,
            columns: 1,
        };
        let start = if p > 0 { Start::Old } else { Start::Zero };
        let finish = match relu {
            Some(x) if p + rows == n => Finish::WherePositive(&x[j..]),
            _ => Finish::Keep,
        };
        tiles(
            m,
            rows,
            columns,
            left,
            scratch,
            WIDE,
            start,
            finish,
            &mut dx[j..],
            k,
        );
    })
}

/// Both gradients of a layer with one unit: dw (k) = x' dz or +=, and dx as by [`input_gradient`].
pub(crate) fn column_gradients(
    k: usize,
    x: &[f32],
    dz: &[f32],
    w: &[f32],
    dw: &mut [f32],
    add: bool,
    mut dx: Option<&mut [f32]>,
    relu: bool,
    interrupt: &mut Interrupt<'_>,
) -> Result<()> {
    let rows = (PIECE / k.max(1)).max(1);
    for (i, (x, dz)) in x.chunks((rows * k).max(1)).zip(dz.chunks(rows)).enumerate() {
        let dx = dx
            .as_deref_mut()
            .map(|dx| &mut dx[i * rows * k..][..x.len()]);
        column::back(k, x, dz, w, dw, add || i > 0, dx, relu);
        interrupt()?;
    }
    Ok(())
}

/// Runs `f` over the blocks of a right factor (k, n) that `m` rows are multiplied with: first row, rows, first column,
/// columns; those of the same columns one after the other.
fn blocks(
    m: usize,
    k: usize,
    n: usize,
    interrupt: &mut Interrupt<'_>,
    mut f: impl FnMut(usize, usize, usize, usize),
) -> Result<()> {
    let mut done = 0;
    for j in (0..n).step_by(WIDE) {
        for p in (0..k).step_by(LONG) {
            let (rows, columns) = (LONG.min(k - p), WIDE.min(n - j));
            f(p, rows, j, columns);
            done += m * rows * columns;
            if done > PIECE {
                interrupt()?;
                done = 0;
            }
        }
    }
    interrupt()
}

/// to (rows, WIDE) = `from` (rows, columns), whose rows are `stride` apart.
fn copy(from: &[f32], stride: usize, columns: usize, rows: usize, to: &mut [f32]) {
    for (r, to) in to.chunks_exact_mut(WIDE).enumerate().take(rows) {
        let ahead = from.as_ptr().wrapping_add((r + AHEAD) * stride);
        for line in (0..columns).step_by(16) {
            prefetch(ahead.wrapping_add(line));
        }
        to[..columns].copy_from_slice(&from[r * stride..][..columns]);
    }
}

/// The named guard of every product: x (m, k), w (k, n), z (m, n) must fill their slices.
fn check(m: usize, k: usize, n: usize, x: usize, w: usize, z: usize) {
    assert!(
        m.checked_mul(k) == Some(x) && k.checked_mul(n) == Some(w) && m.checked_mul(n) == Some(z),
        "a product of ({m}, {k}) and ({k}, {n}) does not fit buffers of {x}, {w} and {z}"
    );
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

    /// `terms` is how many products each number sums up.
    fn close(got: &[f32], terms: usize, exact: impl Fn(usize) -> f64, what: &str) {
        for (i, &g) in got.iter().enumerate() {
            let e = exact(i);
            assert!(
                (f64::from(g) - e).abs() <= (2e-5 + 5e-8 * terms as f64) * (1.0 + e.abs()),
                "{what}[{i}]: {g} instead of {e}"
            );
        }
    }

    /// sum over p of f(p), in f64
    fn sum(count: usize, f: impl Fn(usize) -> f64) -> f64 {
        (0..count).map(f).sum()
    }

    #[test]
    fn products_equal_their_definition() {
        let shapes = [
            (1, 1, 1),
            (2, 7, 17),
            (33, 28, 64),
            (32, 64, 1),
            (5, 33, 1),
            (6, 83, 1),
            (5, 1, 33),
            (13, 17, 31),
            (9, 300, 200),
            (40, 3, 2),
            (19, 70, 10),
            (1, 16, 48),
            (7, 50, 16),
            (300, 9, 55),
            (3, 0, 5),
            // Blocks of the right factor are copied.
            (3, 1030, 1021),
            (5, 9, 600),
        ];
        let mut idle = || Ok(());
        on_every_level(|| {
            for (m, k, n) in shapes {
                let (x, w, b, dz) = (
                    numbers(m * k, 1),
                    numbers(k * n, 2),
                    numbers(n, 3),
                    numbers(m * n, 4),
                );
                let mut room = vec![9.0; scratch(k, n).unwrap()];
                let f = |v: &[f32], i: usize| f64::from(v[i]);
                for (bias, relu) in [(None, false), (Some(&b[..]), false), (Some(&b[..]), true)] {
                    let mut z = vec![9.0; m * n];
                    forward(m, k, n, &x, &w, bias, relu, &mut z, &mut room, &mut idle).unwrap();
                    let exact = |o: usize| {
                        let z = bias.map_or(0.0, |b| f(b, o % n))
                            + sum(k, |p| f(&x, o / n * k + p) * f(&w, p * n + o % n));
                        if relu { z.max(0.0) } else { z }
                    };
                    close(&z, k, exact, "z");
                }
                for through_relu in [false, true] {
                    let (mut dw, mut dx) = (vec![9.0; k * n], vec![9.0; m * k]);
                    let exact = |o: usize| sum(m, |i| f(&x, i * k + o / n) * f(&dz, i * n + o % n));
                    for add in [false, true] {
                        if n == 1 {
                            let dx = add.then_some(&mut dx[..]);
                            column_gradients(
                                k,
                                &x,
                                &dz,
                                &w,
                                &mut dw,
                                add,
                                dx,
                                through_relu,
                                &mut idle,
                            )
                            .unwrap();
                        } else {
                            weight_gradient(m, k, n, &x, &dz, &mut dw, add, &mut room, &mut idle)
                                .unwrap();
                        }
                        let times = if add { 2.0 } else { 1.0 };
                        close(&dw, m, |o| times * exact(o), "dw");
                    }
                    if n > 1 {
                        let relu = through_relu.then_some(&x[..]);
                        input_gradient(m, k, n, &dz, &w, relu, &mut dx, &mut room, &mut idle)
                            .unwrap();
                    }
                    let exact = |o: usize| {
                        if through_relu && x[o] <= 0.0 {
                            return 0.0;
                        }
                        sum(n, |j| f(&dz, o / k * n + j) * f(&w, o % k * n + j))
                    };
                    close(&dx, n, exact, "dx");
                }
            }
        });
    }

    #[test]
    fn relu_passes_nan_on() {
        let mut idle = || Ok(());
        on_every_level(|| {
            for n in [1, 3, 16, 64] {
                let mut z = vec![0.0; 2 * n];
                let mut room = vec![0.0; scratch(2, n).unwrap()];
                let x = [1.0, f32::NAN, -1.0, 0.0];
                forward(
                    2,
                    2,
                    n,
                    &x,
                    &vec![1.0; 2 * n],
                    None,
                    true,
                    &mut z,
                    &mut room,
                    &mut idle,
                )
                .unwrap();
                assert!(z[..n].iter().all(|z| z.is_nan()) && z[n..].iter().all(|&z| z == 0.0));
            }
        });
    }

    #[test]
    fn one_column_and_many_rows_are_the_same_products() {
        let mut checks = 0;
        let mut count = || {
            checks += 1;
            Ok(())
        };
        for (m, k, n) in [
            (3000, 64, 130),
            (1100, 1100, 1000),
            (70, 5, 1),
            (3000, 3000, 1),
        ] {
            let (x, w, dz) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 4));
            let mut room = vec![9.0; scratch(k, n).unwrap()];
            let (mut z, mut dx, mut dw) = (vec![9.0; m * n], vec![9.0; m * k], vec![9.0; k * n]);
            let (room, count) = (&mut room[..], &mut count);
            forward(m, k, n, &x, &w, None, false, &mut z, room, count).unwrap();
            input_gradient(m, k, n, &dz, &w, Some(&x), &mut dx, room, count).unwrap();
            weight_gradient(m, k, n, &x, &dz, &mut dw, false, room, count).unwrap();
            let f = |v: &[f32], i: usize| f64::from(v[i]);
            for i in [0, 1, 1023, 1024, m / 2, m - 1] {
                let i = i.min(m - 1);
                let exact = |o: usize| sum(k, |p| f(&x, i * k + p) * f(&w, p * n + o));
                close(&z[i * n..][..n], k, exact, "z");
                let exact = |o: usize| {
                    let taken = f64::from(u8::from(x[i * k + o] > 0.0));
                    taken * sum(n, |p| f(&dz, i * n + p) * f(&w, o * n + p))
                };
                close(&dx[i * k..][..k], n, exact, "dx");
            }
            for o in [0, k * n / 2, k * n - 1] {
                let exact = sum(m, |i| f(&x, i * k + o / n) * f(&dz, i * n + o % n));
                close(&dw[o..=o], m, |_| exact, "dw");
            }
        }
        assert!(checks > 30);
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
            false,
            &mut [0.0; 3],
            &mut [0.0; 64],
            &mut || Ok(()),
        )
        .unwrap();
    }
}
