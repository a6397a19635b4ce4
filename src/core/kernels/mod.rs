//! The arithmetic of training and scoring on flat f32 buffers: the only place in the core with `unsafe`.
//!
//! Every kernel is plain, branch-free Rust that the compiler vectorises, compiled three times (baseline, AVX2+FMA,
//! AVX-512) and chosen once at run time. On aarch64 the baseline already is NEON with fused multiply-add.
#![allow(unsafe_code)]

pub(crate) mod activate;
pub(crate) mod cost;
pub(crate) mod dropout;
pub(crate) mod math;
pub(crate) mod matmul;
pub(crate) mod reduce;
pub(crate) mod row;
pub(crate) mod step;

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

pub(crate) const BASELINE: u8 = 1;
pub(crate) const AVX2: u8 = 2;
pub(crate) const AVX512: u8 = 3;

static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The best instruction set of this CPU, asked once.
#[inline]
pub(crate) fn level() -> u8 {
    #[cfg(test)]
    if let Some(chosen) = CHOSEN.get() {
        return chosen;
    }
    match LEVEL.load(Ordering::Relaxed) {
        0 => detect(),
        known => known,
    }
}

#[cold]
fn detect() -> u8 {
    let mut found = BASELINE;
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            found = AVX2;
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
            {
                found = AVX512;
            }
        }
    }
    LEVEL.store(found, Ordering::Relaxed);
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
                    // SAFETY: `level` is AVX512 only after every feature enabled above was found on this CPU.
                    $crate::kernels::AVX512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: `level` is AVX2 only after avx2 and fma were found on this CPU.
                    $crate::kernels::AVX2 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            $body::<$crate::kernels::Baseline>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

#[cfg(test)]
thread_local! {
    /// The instruction set of a test; of its own thread, because other tests compare bits meanwhile.
    static CHOSEN: std::cell::Cell<Option<u8>> = const { std::cell::Cell::new(None) };
}

/// Runs `test` once per instruction set this CPU has.
#[cfg(test)]
pub(crate) fn on_every_level(mut test: impl FnMut()) {
    for chosen in BASELINE..=detect() {
        CHOSEN.set(Some(chosen));
        test();
    }
    CHOSEN.set(None);
}
