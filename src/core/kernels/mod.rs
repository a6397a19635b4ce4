//! The arithmetic of training and scoring on flat f32 buffers: the only place in the core with `unsafe`.
//!
//! Every kernel is plain, branch-free Rust that the compiler vectorises, compiled three times (baseline, AVX2+FMA,
//! AVX-512) and chosen at run time ([`crate::simd`]). On aarch64 the baseline already is NEON with fused multiply-add.
#![allow(unsafe_code)]

pub(crate) mod activate;
pub(crate) mod aligned;
mod column;
pub(crate) mod cost;
pub(crate) mod dropout;
pub(crate) mod fingerprint;
pub(crate) mod gates;
pub(crate) mod lanes;
pub(crate) mod math;
pub(crate) mod matmul;
pub(crate) mod noise;
pub(crate) mod normalize;
pub(crate) mod prelu;
pub(crate) mod record;
pub(crate) mod reduce;
pub(crate) mod score;
pub(crate) mod slope;
pub(crate) mod step;
mod tile;
mod transpose;
mod vector;

use crate::simd::Level;
use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set a kernel is compiled for.
pub(crate) trait Simd: Copy {
    /// f32 lanes of one vector register.
    const LANES: usize;
    /// Whether multiply-add is one instruction.
    const FMA: bool;

    /// a * b + c, fused where the instruction exists.
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        if Self::FMA {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }
}

/// What every CPU of the target has.
#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Simd for Baseline {
    const LANES: usize = 4;
    const FMA: bool = cfg!(target_arch = "aarch64");
}

/// As [`Baseline`], with every multiply-add rounded once whatever the CPU has: the same bits as on all others, for more
/// time where the instruction is missing.
#[derive(Clone, Copy)]
pub(crate) struct Exact;

impl Exact {
    /// Whether the CPU has the instruction.
    const NATIVE: bool = Baseline::FMA;
}

impl Simd for Exact {
    const LANES: usize = 4;
    const FMA: bool = true;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        if Self::NATIVE {
            return a.mul_add(b, c);
        }
        // The product of two f32 is exact in f64. Their sum with c is rounded to odd there, which keeps enough for one
        // correct rounding to f32 (Boldo and Melquiond, Emulation of FMA and correctly rounded sums, 2008).
        let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
        let sum = product + c;
        let rest = sum - product;
        let error = (product - (sum - rest)) + (c - rest);
        let inexact = (error < 0.0) | (error > 0.0);
        let bits = sum.to_bits();
        let away = (error < 0.0) == (sum < 0.0);
        let odd = if away {
            bits | 1
        } else {
            bits.wrapping_sub(1) | 1
        };
        f64::from_bits(if inexact && bits & 1 == 0 { odd } else { bits }) as f32
    }
}

/// AVX2 with FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    const LANES: usize = 8;
    const FMA: bool = true;
}

/// AVX-512.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    const LANES: usize = 16;
    const FMA: bool = true;
}

/// 0 until the CPU was asked, then a [`Level`] and 1.
static BEST: AtomicU8 = AtomicU8::new(0);
/// The level in use, in the same code.
static IN_USE: AtomicU8 = AtomicU8::new(0);

/// The level in use.
#[inline]
pub(crate) fn level() -> Level {
    #[cfg(test)]
    if let Some(chosen) = tests::OF_THREAD.get() {
        return chosen;
    }
    match IN_USE.load(Ordering::Relaxed) {
        0 => begin(),
        chosen => decoded(chosen),
    }
}

/// The best level of this CPU, asked once.
#[inline]
pub(crate) fn best() -> Level {
    match BEST.load(Ordering::Relaxed) {
        0 => detect(),
        known => decoded(known),
    }
}

/// Uses `level` from now on; a level above [`best`] is lowered to it.
pub(crate) fn set_level(level: Level) {
    IN_USE.store(encoded(level.min(best())), Ordering::Relaxed);
}

#[cold]
fn begin() -> Level {
    // Another thread may have chosen meanwhile.
    let _ = IN_USE.compare_exchange(0, encoded(best()), Ordering::Relaxed, Ordering::Relaxed);
    decoded(IN_USE.load(Ordering::Relaxed))
}

fn encoded(level: Level) -> u8 {
    level as u8 + 1
}

#[inline]
fn decoded(stored: u8) -> Level {
    match stored {
        3 => Level::Avx512,
        2 => Level::Avx2,
        _ => Level::Plain,
    }
}

#[cold]
fn detect() -> Level {
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
    let mut found = Level::Plain;
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("popcnt")
        {
            found = Level::Avx2;
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
            {
                found = Level::Avx512;
            }
        }
    }
    BEST.store(encoded(found), Ordering::Relaxed);
    found
}

/// Defines `fn name(args)` that runs `body::<S>(args)` compiled for the best instruction set of this CPU.
/// `body` must be `#[inline(always)]`, so that it takes on the features of the function it lands in. Where it has to
/// give the same bits on every CPU, `or Exact` is written behind it.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $crate::kernels::dispatch!($(#[$meta])* $vis fn $name($($arg: $ty),*) $(-> $ret)? = $body or Baseline);
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident or $plain:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,popcnt")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::kernels::Avx512>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,popcnt")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::kernels::Avx2>($($arg),*)
                }
                match $crate::kernels::level() {
                    // SAFETY: `level` is Avx512 only after every feature enabled above was found on this CPU.
                    $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: `level` is Avx2 only after avx2, fma and popcnt were found on this CPU.
                    $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            $body::<$crate::kernels::$plain>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

#[cfg(test)]
pub(crate) use tests::on_every_level;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::lanes::Lanes;

    thread_local! {
        /// The level of a test; of its own thread, because other tests compare bits meanwhile.
        pub(super) static OF_THREAD: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
    }

    #[test]
    fn exact_rounds_once() {
        let mut state = 1u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 32) as u32
        };
        let same = |a: f32, b: f32, c: f32| {
            let (got, right) = (Exact::fma(a, b, c), libm::fmaf(a, b, c));
            assert!(
                got.to_bits() == right.to_bits() || (got.is_nan() && right.is_nan()),
                "{a:e} * {b:e} + {c:e} = {right:e}, not {got:e}"
            );
        };
        let edges = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1.5e-45,
            -1e-40,
            f32::MAX,
            f32::MIN_POSITIVE,
            f32::INFINITY,
            f32::NAN,
        ];
        for a in edges {
            for b in edges {
                edges.iter().for_each(|&c| same(a, b, c));
            }
        }
        for _ in 0..1_000_000 {
            same(
                f32::from_bits(next()),
                f32::from_bits(next()),
                f32::from_bits(next()),
            );
            // Close to a tie: few bits in the factors, and a third number that reaches just beyond them.
            let few = |bits: u32| f32::from_bits(0x3f80_0000 | bits & 0x7f_f000);
            let (a, b) = (few(next()), few(next()));
            let c = (next() as i32 as f32) * [1e-9, 1.2e-7, 1e-16, 3.0][next() as usize % 4];
            same(a, b, c);
            let exponent = (next() % 64) << 23;
            let wide = (next() & 0x807f_ffff) | (0x4b00_0000 + exponent);
            same(a, b, f32::from_bits(wide));
            same(a * 1e-20, b * 1e-22, c * 1e-38);
            let scale = [1.0, 1e-19, 1e-22][next() as usize % 3];
            let (mut x, mut y, mut z) = ([0.0; 16], [0.0; 16], [0.0; 16]);
            for l in 0..16 {
                x[l] = few(next()) * (l as f32 - 3.0) * scale;
                y[l] = few(next()) * scale;
                z[l] = few(next()) * scale * scale;
            }
            let lanes = Exact::multiply_add(x, y, z);
            for l in 0..16 {
                assert_eq!(lanes[l].to_bits(), libm::fmaf(x[l], y[l], z[l]).to_bits());
            }
        }
    }

    /// Runs `test` once per level this CPU has.
    pub(crate) fn on_every_level(mut test: impl FnMut()) {
        for chosen in Level::available() {
            OF_THREAD.set(Some(chosen));
            test();
        }
        OF_THREAD.set(None);
    }
}
