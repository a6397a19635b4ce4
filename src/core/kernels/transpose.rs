//! A block of a matrix, transposed into a packed one.

use super::vector::{FAR, prefetch};
use super::{Baseline, Simd, dispatch};

dispatch!(
    /// to (rows, `width`) = the transposed of `from` (columns, rows), whose rows are `stride` apart; columns <= width.
    pub(super) fn transpose(from: &[f32], stride: usize, columns: usize, rows: usize, to: &mut [f32], width: usize) = transpose_body
);

#[inline(always)]
fn transpose_body<S: Squares>(
    from: &[f32],
    stride: usize,
    columns: usize,
    rows: usize,
    to: &mut [f32],
    width: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    let side = S::SIDE;
    assert!(columns <= width && rows <= stride);
    // Both sizes are of slices that exist, so neither overflows.
    assert!(
        (columns - 1) * stride + rows <= from.len() && (rows - 1) * width + columns <= to.len()
    );
    let (whole_columns, whole_rows) = (columns - columns % side, rows - rows % side);
    for c in (0..whole_columns).step_by(side) {
        // The next rows of squares, which may come from afar.
        if stride > FAR {
            for row in c + side..c + 2 * side {
                for line in (0..rows).step_by(16) {
                    prefetch(from.as_ptr().wrapping_add(row * stride + line));
                }
            }
        }
        for r in (0..whole_rows).step_by(side) {
            // SAFETY: the square lies inside both, as asserted above; `dispatch` checked the instruction set.
            unsafe {
                S::square(
                    from.as_ptr().add(c * stride + r),
                    stride,
                    to.as_mut_ptr().add(r * width + c),
                    width,
                )
            }
        }
    }
    for c in 0..columns {
        let begin = if c < whole_columns { whole_rows } else { 0 };
        for r in begin..rows {
            to[r * width + c] = from[c * stride + r];
        }
    }
}

trait Squares: Simd {
    /// Rows and columns of a square that registers transpose.
    const SIDE: usize;

    /// # Safety
    /// SIDE rows of SIDE floats are at `from` and at `to`; the CPU has the instruction set.
    unsafe fn square(from: *const f32, stride: usize, to: *mut f32, width: usize);
}

impl Squares for Baseline {
    const SIDE: usize = 4;

    #[inline(always)]
    unsafe fn square(from: *const f32, stride: usize, to: *mut f32, width: usize) {
        // SAFETY: the caller's promise.
        let [a, b, c, d] =
            [0, 1, 2, 3].map(|r| unsafe { *from.add(r * stride).cast::<[f32; 4]>() });
        for r in 0..4 {
            // SAFETY: the caller's promise.
            unsafe { *to.add(r * width).cast::<[f32; 4]>() = [a[r], b[r], c[r], d[r]] };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn square_of_8(from: *const f32, stride: usize, to: *mut f32, width: usize) {
    use std::arch::x86_64::*;
    // SAFETY: the promises of `Squares::square`.
    unsafe {
        let halves = |r: usize, c: usize| {
            let row = |r: usize| _mm_loadu_ps(from.add(r * stride + c));
            _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(row(r)), row(r + 4))
        };
        for c in [0, 4] {
            let [a, b, d, e] = [halves(0, c), halves(1, c), halves(2, c), halves(3, c)];
            let (ab, de) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(d, e));
            let (ab_high, de_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(d, e));
            let rows = [
                _mm256_shuffle_ps::<0b01_00_01_00>(ab, de),
                _mm256_shuffle_ps::<0b11_10_11_10>(ab, de),
                _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, de_high),
                _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, de_high),
            ];
            for (r, row) in rows.into_iter().enumerate() {
                _mm256_storeu_ps(to.add((c + r) * width), row);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Squares for super::Avx2 {
    const SIDE: usize = 8;

    #[inline(always)]
    unsafe fn square(from: *const f32, stride: usize, to: *mut f32, width: usize) {
        // SAFETY: the caller's promise.
        unsafe { square_of_8(from, stride, to, width) }
    }
}

// Squares of 16 take more shuffles per float, and as many cycles to store.
#[cfg(target_arch = "x86_64")]
impl Squares for super::Avx512 {
    const SIDE: usize = 8;

    #[inline(always)]
    unsafe fn square(from: *const f32, stride: usize, to: *mut f32, width: usize) {
        // SAFETY: the caller's promise.
        unsafe { square_of_8(from, stride, to, width) }
    }
}
