//! c (m, n) = finish(start + a (m, k) b (k, n)) on tiles of registers that hold their sums over the whole of k.
#![allow(clippy::needless_range_loop)] // The numbers name registers.

use super::vector::{FAR, Four, Vector, prefetch};
use super::{Baseline, Simd, dispatch};

/// A left factor: element (i, p) at `i * rows + p * columns`.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub columns: usize,
}

/// What the sums begin with.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    Zero,
    /// What c holds.
    Old,
    /// One row (n), the same for all.
    Row(&'a [f32]),
}

/// What becomes of the sums.
#[derive(Clone, Copy)]
pub(super) enum Finish<'a> {
    Keep,
    /// 0 below 0
    Relu,
    /// 0 except where y > 0: the way back through a relu whose output is y, laid out as c
    WherePositive(&'a [f32]),
}

dispatch!(
    /// c (m, n) = finish(start + a (m, k) b (k, n)); rows of `b` are `b_stride` apart, those of `c` and of what is laid out like it `stride`.
    pub(super) fn tiles(m: usize, k: usize, n: usize, a: Left<'_>, b: &[f32], b_stride: usize, start: Start<'_>, finish: Finish<'_>, c: &mut [f32], stride: usize) = tiles_body
);

/// A product whose every element lies inside its buffers.
struct Product<'a> {
    m: usize,
    k: usize,
    n: usize,
    a: Left<'a>,
    b: &'a [f32],
    b_stride: usize,
    start: Start<'a>,
    finish: Finish<'a>,
    c: *mut f32,
    stride: usize,
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn tiles_body<S: Shapes>(
    m: usize,
    k: usize,
    n: usize,
    a: Left,
    b: &[f32],
    b_stride: usize,
    start: Start,
    finish: Finish,
    c: &mut [f32],
    stride: usize,
) {
    if m == 0 || n == 0 {
        return;
    }
    // Every slice is shorter than isize::MAX / 4, so what passes one check cannot overflow in the next.
    let fits = |rows: usize, step: usize, width: usize, len: usize| {
        (rows - 1)
            .checked_mul(step)
            .and_then(|at| at.checked_add(width))
            .is_some_and(|end| end <= len)
    };
    assert!(fits(m, stride, n, c.len()));
    if k > 0 {
        assert!(fits(k, b_stride, n, b.len()));
        let last = (k - 1)
            .checked_mul(a.columns)
            .and_then(|at| at.checked_add(1));
        assert!(last.is_some_and(|last| fits(m, a.rows, last, a.data.len())));
    }
    if let Start::Row(row) = start {
        assert!(row.len() == n);
    }
    if let Finish::WherePositive(y) = finish {
        assert!(fits(m, stride, n, y.len()));
    }
    S::product(&Product {
        m,
        k,
        n,
        a,
        b,
        b_stride,
        start,
        finish,
        c: c.as_mut_ptr(),
        stride,
    });
}

/// The shapes of tile that fill an instruction set's registers: as many sums as hide the latency of a multiply-add,
/// wide rather than high, so that few elements of the left factor are spread.
trait Shapes: Simd {
    fn product(p: &Product<'_>);
}

/// Calls `panel` of the first width that the rest of the columns fills, until there are none.
macro_rules! shapes {
    ($set:ty: $($least:pat => $vector:ty, $rows:literal x $vectors:literal $(, $tail:ident)?;)*) => {
        impl Shapes for $set {
            #[inline(always)]
            fn product(p: &Product<'_>) {
                let mut j = 0;
                while j < p.n {
                    // SAFETY: `tiles_body` checked the product, `dispatch` the instruction set; the pattern says how
                    // many columns are left.
                    j += unsafe {
                        match p.n - j {
                            $($least => panel::<$vector, $rows, $vectors, { shapes!(@ $($tail)?) }>(p, j),)*
                        }
                    };
                }
            }
        }
    };
    (@ tail) => { true };
    (@) => { false };
}

shapes! { Baseline:
    8.. => Four, 4 x 2;
    5.. => Four, 4 x 2, tail;
    4 => Four, 4 x 1;
    _ => Four, 4 x 1, tail;
}
#[cfg(target_arch = "x86_64")]
shapes! { super::Avx2:
    16.. => std::arch::x86_64::__m256, 6 x 2;
    9.. => std::arch::x86_64::__m256, 6 x 2, tail;
    8 => std::arch::x86_64::__m256, 8 x 1;
    _ => std::arch::x86_64::__m256, 8 x 1, tail;
}
#[cfg(target_arch = "x86_64")]
shapes! { super::Avx512:
    64.. => std::arch::x86_64::__m512, 4 x 4;
    49.. => std::arch::x86_64::__m512, 4 x 4, tail;
    32.. => std::arch::x86_64::__m512, 8 x 2;
    17.. => std::arch::x86_64::__m512, 8 x 2, tail;
    16 => std::arch::x86_64::__m512, 8 x 1;
    9.. => std::arch::x86_64::__m512, 8 x 1, tail;
    8 => std::arch::x86_64::__m256, 8 x 1;
    _ => std::arch::x86_64::__m256, 8 x 1, tail;
}

/// All rows of the columns from `j`; returns how many columns that were. The last vector is a `TAIL` where fewer columns
/// than lanes are left.
///
/// # Safety
/// The buffers of `p` hold its product; at least one column of the last vector is left from `j`, and all without `TAIL`.
#[inline(always)]
unsafe fn panel<V: Vector, const R: usize, const N: usize, const TAIL: bool>(
    p: &Product<'_>,
    j: usize,
) -> usize {
    let mut i = 0;
    // SAFETY: the caller's promises, and the rows from i are there.
    unsafe {
        while p.m - i >= R {
            tile::<V, R, N, TAIL>(p, i, j);
            i += R;
        }
        while p.m - i >= 2 {
            tile::<V, 2, N, TAIL>(p, i, j);
            i += 2;
        }
        if p.m > i {
            tile::<V, 1, N, TAIL>(p, i, j);
        }
    }
    if TAIL { p.n - j } else { N * V::LANES }
}

/// R rows from `i` by N vectors from column `j`.
///
/// # Safety
/// As for [`panel`], and R rows are left from `i`.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize, const TAIL: bool>(
    p: &Product<'_>,
    i: usize,
    j: usize,
) {
    let tail = p.n - j - (N - 1) * V::LANES;
    // SAFETY: every pointer below is to row i + r < m or p < k and to one of the columns that are left from `j`; the
    // last vector stops at the last column.
    unsafe {
        let load = |from: *const f32, v: usize| {
            let from = from.add(v * V::LANES);
            if TAIL && v == N - 1 {
                V::load_first(from, tail)
            } else {
                V::load(from)
            }
        };
        let at = i * p.stride + j;
        let c = p.c.add(at);
        let mut sums = [[V::splat(0.0); N]; R];
        match p.start {
            Start::Zero => {}
            Start::Old => {
                for r in 0..R {
                    for v in 0..N {
                        sums[r][v] = load(c.add(r * p.stride), v);
                    }
                }
            }
            Start::Row(row) => {
                for v in 0..N {
                    let start = load(row.as_ptr().add(j), v);
                    for sums in &mut sums {
                        sums[v] = start;
                    }
                }
            }
        }
        // The next tile's place: rows so far apart are beyond what the CPU foresees.
        if p.stride > FAR {
            for r in 0..R {
                for v in 0..N {
                    prefetch(c.wrapping_add((R + r) * p.stride + v * V::LANES));
                }
            }
        }
        // One step beyond the last row these are never read.
        let mut a = p.a.data.as_ptr().wrapping_add(i * p.a.rows);
        let mut b = p.b.as_ptr().wrapping_add(j);
        for _ in 0..p.k {
            let mut row = [V::splat(0.0); N];
            for v in 0..N {
                row[v] = load(b, v);
            }
            for r in 0..R {
                let x = V::splat(*a.add(r * p.a.rows));
                for v in 0..N {
                    sums[r][v] = x.fma(row[v], sums[r][v]);
                }
            }
            a = a.wrapping_add(p.a.columns);
            b = b.wrapping_add(p.b_stride);
        }
        let store = |r: usize, v: usize, x: V| {
            let to = c.add(r * p.stride + v * V::LANES);
            if TAIL && v == N - 1 {
                x.store_first(to, tail)
            } else {
                x.store(to)
            }
        };
        for r in 0..R {
            for v in 0..N {
                match p.finish {
                    Finish::Keep => store(r, v, sums[r][v]),
                    Finish::Relu => store(r, v, sums[r][v].relu()),
                    Finish::WherePositive(y) => {
                        let y = load(y.as_ptr().add(at + r * p.stride), v);
                        store(r, v, sums[r][v].where_positive(y));
                    }
                }
            }
        }
    }
}
