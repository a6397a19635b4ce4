//! One vector register of an instruction set, for kernels whose speed must not hang on what the compiler makes of a loop.

/// A register of f32 lanes.
///
/// # Safety
/// Every method may only run on a CPU with the instruction set of its type, so only inside [`super::dispatch`]; the
/// pointers of loads and stores must be good for the lanes that are read or written, at any alignment.
pub(super) trait Vector: Copy {
    const LANES: usize;

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// The first `count` lanes, 1 to LANES - 1; zero in the others.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// The first `count` lanes, 1 to LANES - 1.
    unsafe fn store_first(self, to: *mut f32, count: usize);
    /// self * b + c, fused where the instruction exists
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// The sum of the lanes, in an order of its own.
    unsafe fn sum(self) -> f32;
    /// 0 below 0; NaN stays.
    unsafe fn relu(self) -> Self;
    /// self where y > 0, else 0
    unsafe fn where_positive(self, y: Self) -> Self;
}

/// Rows more floats apart than this are beyond what the CPU foresees, and share cache sets.
pub(super) const FAR: usize = 512;

/// Asks for the cache line of an address, which need not be valid.
#[inline(always)]
pub(super) fn prefetch(_line: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(_line.cast());
    }
}

/// The widest register of an instruction set.
pub(super) trait Widest: super::Simd {
    type Register: Vector;
}

impl Widest for super::Baseline {
    type Register = Four;
}
#[cfg(target_arch = "x86_64")]
impl Widest for super::Avx2 {
    type Register = std::arch::x86_64::__m256;
}
#[cfg(target_arch = "x86_64")]
impl Widest for super::Avx512 {
    type Register = std::arch::x86_64::__m512;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    // SAFETY of all blocks: the caller's promises, which are those of the intrinsics.
    #![allow(clippy::undocumented_unsafe_blocks)]

    use super::Vector;
    use std::arch::x86_64::*;

    impl Vector for __m512 {
        const LANES: usize = 16;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f32, count: usize) -> Self {
            unsafe { _mm512_maskz_loadu_ps((1 << count) - 1, from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, count: usize) {
            unsafe { _mm512_mask_storeu_ps(to, (1 << count) - 1, self) }
        }
        #[inline(always)]
        unsafe fn fma(self, b: Self, c: Self) -> Self {
            unsafe { _mm512_fmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm512_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm512_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            unsafe {
                let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self)));
                _mm256_add_ps(_mm512_castps512_ps256(self), high).sum()
            }
        }
        #[inline(always)]
        unsafe fn relu(self) -> Self {
            // The second operand is what comes back beside a NaN.
            unsafe { _mm512_max_ps(_mm512_setzero_ps(), self) }
        }
        #[inline(always)]
        unsafe fn where_positive(self, y: Self) -> Self {
            unsafe {
                let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(y, _mm512_setzero_ps());
                _mm512_maskz_mov_ps(positive, self)
            }
        }
    }

    /// Ones below `count`, as a mask of AVX2.
    #[inline(always)]
    unsafe fn first(count: usize) -> __m256i {
        const ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        unsafe { _mm256_loadu_si256(ONES.as_ptr().add(8 - count).cast()) }
    }

    impl Vector for __m256 {
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { _mm256_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f32, count: usize) -> Self {
            unsafe { _mm256_maskload_ps(from, first(count)) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm256_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, count: usize) {
            unsafe { _mm256_maskstore_ps(to, first(count), self) }
        }
        #[inline(always)]
        unsafe fn fma(self, b: Self, c: Self) -> Self {
            unsafe { _mm256_fmadd_ps(self, b, c) }
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            unsafe { _mm256_add_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            unsafe { _mm256_mul_ps(self, b) }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            unsafe {
                let four = _mm_add_ps(
                    _mm256_castps256_ps128(self),
                    _mm256_extractf128_ps::<1>(self),
                );
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
            }
        }
        #[inline(always)]
        unsafe fn relu(self) -> Self {
            unsafe { _mm256_max_ps(_mm256_setzero_ps(), self) }
        }
        #[inline(always)]
        unsafe fn where_positive(self, y: Self) -> Self {
            unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(y, _mm256_setzero_ps()), self) }
        }
    }
}

/// Four lanes, as every target has them.
#[derive(Clone, Copy)]
pub(super) struct Four([f32; 4]);

impl Four {
    #[inline(always)]
    fn each(mut self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        for (a, b) in self.0.iter_mut().zip(b.0) {
            *a = f(*a, b);
        }
        self
    }
}

impl Vector for Four {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Four([x; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; arrays of f32 are read at any alignment of an f32.
        Four(unsafe { *from.cast::<[f32; 4]>() })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: l < count, and the caller promised as many.
        let read = |l: usize| unsafe { *from.add(l) };
        let lane = |l: usize| if l < count { read(l) } else { 0.0 };
        Four([lane(0), lane(1), lane(2), 0.0])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { *to.cast::<[f32; 4]>() = self.0 }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        for (l, lane) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: l < count, and the caller promised as many.
            unsafe { *to.add(l) = lane }
        }
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, mut c: Self) -> Self {
        for ((a, b), c) in self.0.into_iter().zip(b.0).zip(&mut c.0) {
            *c = <super::Baseline as super::Simd>::fma(a, b, *c);
        }
        c
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        self.each(b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        self.each(b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        self.each(self, |a, _| if a < 0.0 { 0.0 } else { a })
    }
    #[inline(always)]
    unsafe fn where_positive(self, y: Self) -> Self {
        self.each(y, |a, y| if y > 0.0 { a } else { 0.0 })
    }
}
