//! Sixteen f32 side by side: one AVX-512 register, two of AVX2, an array elsewhere. Every method is lane by lane and
//! rounds once, so all of them give the same bits.

use super::score::Entry;
use super::{Exact, Simd};

/// Sixteen numbers of a [`super::aligned::Aligned`] buffer, one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [f32; 16]);

impl Line {
    pub(crate) const ZERO: Line = Line([0.0; 16]);
}

/// The sum of the lanes, halved in a fixed order: 8 and 8, 4 and 4, 2 and 2, 1 and 1.
#[inline(always)]
pub(crate) fn sum(line: &Line) -> f32 {
    let Line(x) = line;
    let eight: [f32; 8] = [
        x[0] + x[8],
        x[1] + x[9],
        x[2] + x[10],
        x[3] + x[11],
        x[4] + x[12],
        x[5] + x[13],
        x[6] + x[14],
        x[7] + x[15],
    ];
    let four = [
        eight[0] + eight[4],
        eight[1] + eight[5],
        eight[2] + eight[6],
        eight[3] + eight[7],
    ];
    (four[0] + four[2]) + (four[1] + four[3])
}

/// Sixteen lanes of an instruction set.
pub(crate) trait Lanes: Simd {
    type Lanes: Copy;
    /// Lines that fit into the registers as sums, with room for the rest of the loop.
    const SUMS: usize;

    fn splat(x: f32) -> Self::Lanes;
    fn load(from: &Line) -> Self::Lanes;
    fn store(lanes: Self::Lanes, to: &mut Line);
    /// a + b
    fn add(a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    /// a * b + c, rounded once
    fn multiply_add(a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
    /// max(a, 0); NaN and -0 stay.
    fn relu(a: Self::Lanes) -> Self::Lanes;

    /// Writes the numbers that are not 0, of which the first has the row `row`, to the front of `to`, which has places for
    /// all; what stands behind them is overwritten too. Returns how many there are.
    #[inline(always)]
    fn compact(from: &Line, row: u32, to: &mut [Entry]) -> usize {
        let to = &mut to[..16];
        let mut used = 0;
        for (row, x) in (row..).zip(from.0) {
            to[used & 15] = Entry { row, x };
            used += usize::from(x.to_bits() << 1 != 0);
        }
        used
    }
}

impl Lanes for Exact {
    type Lanes = [f32; 16];
    const SUMS: usize = if Self::NATIVE { 6 } else { 2 };

    #[inline(always)]
    fn splat(x: f32) -> [f32; 16] {
        [x; 16]
    }
    #[inline(always)]
    fn load(from: &Line) -> [f32; 16] {
        from.0
    }
    #[inline(always)]
    fn store(lanes: [f32; 16], to: &mut Line) {
        to.0 = lanes;
    }
    #[inline(always)]
    fn add(mut a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
        a
    }
    #[inline(always)]
    fn multiply_add(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        let mut y = [0f32; 16];
        if Self::NATIVE {
            for (l, y) in y.iter_mut().enumerate() {
                *y = Self::fma(a[l], b[l], c[l]);
            }
            return y;
        }
        // Rounding to f64 and then to f32 differs from rounding once only where the first one ends half-way between two
        // f32: 29 bits are too many there, the first of them set. Below the normal numbers more are.
        let mut doubts = 0u32;
        for (l, y) in y.iter_mut().enumerate() {
            let sum = f64::from(a[l]) * f64::from(b[l]) + f64::from(c[l]);
            *y = sum as f32;
            let half_way = (sum.to_bits() as u32) << 3 == 1 << 31;
            let tiny = (y.abs() <= f32::MIN_POSITIVE) & (c[l] != 0.0);
            doubts |= u32::from(half_way) | u32::from(tiny);
        }
        if doubts != 0 {
            return Self::carefully(a, b, c);
        }
        y
    }
    #[inline(always)]
    fn relu(mut a: [f32; 16]) -> [f32; 16] {
        for a in &mut a {
            *a = if *a < 0.0 { 0.0 } else { *a };
        }
        a
    }
}

impl Exact {
    /// a * b + c with every doubt removed.
    #[cold]
    #[inline(never)]
    fn carefully(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|l| Self::fma(a[l], b[l], c[l]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Entry, Lanes, Line};
    use crate::kernels::{Avx2, Avx512};
    use std::arch::x86_64::*;

    // SAFETY of every block below: `dispatch!` runs a body with these types only in a function compiled with their
    // features, on a CPU that has them; a line is 64 bytes at a multiple of 64.
    impl Lanes for Avx512 {
        type Lanes = __m512;
        const SUMS: usize = 16;

        #[inline(always)]
        fn splat(x: f32) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        fn load(from: &Line) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_load_ps(from.0.as_ptr()) }
        }
        #[inline(always)]
        fn store(lanes: __m512, to: &mut Line) {
            // SAFETY: see above.
            unsafe { _mm512_store_ps(to.0.as_mut_ptr(), lanes) }
        }
        #[inline(always)]
        fn add(a: __m512, b: __m512) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn relu(a: __m512) -> __m512 {
            // Of a NaN and of two zeros the instruction takes its second operand.
            // SAFETY: see above.
            unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
        }
        #[inline(always)]
        fn compact(from: &Line, row: u32, to: &mut [Entry]) -> usize {
            let (to, _) = to.as_chunks_mut::<8>();
            let [low, high, ..] = to else {
                return 0;
            };
            // SAFETY: see above; an entry is its row and then its number, eight of them fill a register.
            unsafe {
                let x = _mm512_load_ps(from.0.as_ptr());
                let kept = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(x, _mm512_setzero_ps());
                let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                let rows = _mm512_add_epi32(lanes, _mm512_set1_epi32(row as i32));
                let rows = _mm512_maskz_compress_epi32(kept, rows);
                let x = _mm512_castps_si512(_mm512_maskz_compress_ps(kept, x));
                let first =
                    _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
                _mm512_storeu_si512(
                    low.as_mut_ptr().cast(),
                    _mm512_permutex2var_epi32(rows, first, x),
                );
                _mm512_storeu_si512(
                    high.as_mut_ptr().cast(),
                    _mm512_permutex2var_epi32(rows, second, x),
                );
                kept.count_ones() as usize
            }
        }
    }

    /// For every set of eight lanes: its lanes in order, in the bytes of a word.
    static ORDERS: [u64; 256] = {
        let mut orders = [0; 256];
        let mut set = 0;
        while set < 256 {
            let (mut lane, mut shift) = (0, 0);
            while lane < 8 {
                if set >> lane & 1 == 1 {
                    orders[set] |= lane << shift;
                    shift += 8;
                }
                lane += 1;
            }
            set += 1;
        }
        orders
    };

    impl Lanes for Avx2 {
        type Lanes = [__m256; 2];
        const SUMS: usize = 6;

        #[inline(always)]
        fn splat(x: f32) -> [__m256; 2] {
            // SAFETY: see above.
            let x = unsafe { _mm256_set1_ps(x) };
            [x, x]
        }
        #[inline(always)]
        fn load(from: &Line) -> [__m256; 2] {
            let (halves, _) = from.0.as_chunks::<8>();
            // SAFETY: see above.
            unsafe {
                [
                    _mm256_load_ps(halves[0].as_ptr()),
                    _mm256_load_ps(halves[1].as_ptr()),
                ]
            }
        }
        #[inline(always)]
        fn store([a, b]: [__m256; 2], to: &mut Line) {
            let (halves, _) = to.0.as_chunks_mut::<8>();
            // SAFETY: see above.
            unsafe {
                _mm256_store_ps(halves[0].as_mut_ptr(), a);
                _mm256_store_ps(halves[1].as_mut_ptr(), b);
            }
        }
        #[inline(always)]
        fn add(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            // SAFETY: see above.
            unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
        }
        #[inline(always)]
        fn multiply_add(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
            // SAFETY: see above.
            unsafe {
                [
                    _mm256_fmadd_ps(a[0], b[0], c[0]),
                    _mm256_fmadd_ps(a[1], b[1], c[1]),
                ]
            }
        }
        #[inline(always)]
        fn relu(a: [__m256; 2]) -> [__m256; 2] {
            // Of a NaN and of two zeros the instruction takes its second operand.
            // SAFETY: see above.
            unsafe {
                let zero = _mm256_setzero_ps();
                [_mm256_max_ps(zero, a[0]), _mm256_max_ps(zero, a[1])]
            }
        }
        #[inline(always)]
        fn compact(from: &Line, row: u32, to: &mut [Entry]) -> usize {
            let (halves, _) = from.0.as_chunks::<8>();
            let mut used = 0;
            for (row, half) in (row..).step_by(8).zip(halves) {
                let Some(to) = to[used..].first_chunk_mut::<8>() else {
                    return used;
                };
                // SAFETY: see above; an entry is its row and then its number, four of them fill a register.
                unsafe {
                    let x = _mm256_load_ps(half.as_ptr());
                    let kept = _mm256_cmp_ps::<_CMP_NEQ_UQ>(x, _mm256_setzero_ps());
                    let kept = _mm256_movemask_ps(kept) as u8;
                    let order = _mm_cvtsi64_si128(ORDERS[usize::from(kept)] as i64);
                    let order = _mm256_cvtepu8_epi32(order);
                    let x = _mm256_castps_si256(_mm256_permutevar8x32_ps(x, order));
                    let rows = _mm256_add_epi32(order, _mm256_set1_epi32(row as i32));
                    let (low, high) = (
                        _mm256_unpacklo_epi32(rows, x),
                        _mm256_unpackhi_epi32(rows, x),
                    );
                    let to = to.as_mut_ptr().cast::<__m256i>();
                    _mm256_storeu_si256(to, _mm256_permute2x128_si256::<0x20>(low, high));
                    _mm256_storeu_si256(to.add(1), _mm256_permute2x128_si256::<0x31>(low, high));
                    used += kept.count_ones() as usize;
                }
            }
            used
        }
    }
}
