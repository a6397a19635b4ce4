//! The arithmetic of training and scoring on flat f32 buffers: the only place in the core with `unsafe`.
//!
//! Every kernel is plain, branch-free Rust that the compiler vectorises, compiled three times (baseline, AVX2+FMA,
//! AVX-512) and chosen at run time ([`crate::simd`]). On aarch64 the baseline already is NEON with fused multiply-add.
#![allow(unsafe_code)]

pub(crate) mod activate;
mod column;
pub(crate) mod cost;
pub(crate) mod dropout;
pub(crate) mod math;
pub(crate) mod matmul;
pub(crate) mod record;
pub(crate) mod reduce;
pub(crate) mod row;
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
    let mut found = Level::Plain;
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
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
/// `body` must be `#[inline(always)]`, so that it takes on the features of the function it lands in.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::kernels::Avx512>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::kernels::Avx2>($($arg),*)
                }
                match $crate::kernels::level() {
                    // SAFETY: `level` is Avx512 only after every feature enabled above was found on this CPU.
                    $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: `level` is Avx2 only after avx2 and fma were found on this CPU.
                    $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            $body::<$crate::kernels::Baseline>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

#[cfg(test)]
pub(crate) use tests::on_every_level;

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        /// The level of a test; of its own thread, because other tests compare bits meanwhile.
        pub(super) static OF_THREAD: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
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
