//! exp, ln, log1p, tanh, sigmoid, erf and softplus in f32: branch-free, so that loops over them vectorise.
//!
//! The stated errors are relative to the exact value, in units of 2^-23, and hold with and without fused
//! multiply-add; the tests compare with the `libm` crate in f64. `minimax.py` made the coefficients.

use super::Simd;

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 = LN2_HIGH + LN2_LOW; the high part has few bits, so that n * LN2_HIGH is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23: adding it rounds to an integer and leaves that integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// x = n ln 2 + r with |r| <= ln 2 / 2: n and e^r - 1.
#[inline(always)]
fn reduce<S: Simd>(x: f32) -> (i32, f32) {
    let z = S::fma(x, LOG2_E, ROUNDER);
    let n = z - ROUNDER;
    let r = S::fma(n, -LN2_LOW, S::fma(n, -LN2_HIGH, x));
    let mut p = S::fma(1.979_035_3e-4, r, 1.394_464_9e-3);
    p = S::fma(p, r, 8.333_497e-3);
    p = S::fma(p, r, 4.166_629_5e-2);
    p = S::fma(p, r, 1.666_666_6e-1);
    p = S::fma(p, r, 0.5);
    let n = (z.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    (n, S::fma(p * r, r, r))
}

/// 2^n for -126 <= n <= 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// e^x within 1 unit; overflows to infinity, underflows through subnormals to 0.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (n, p) = reduce::<S>(x);
    let half = n >> 1;
    (p + 1.0) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// e^x - 1 for x <= 0, within 1 unit.
#[inline(always)]
pub(crate) fn exp_m1_negative<S: Simd>(x: f32) -> f32 {
    let x = if x < -30.0 { -30.0 } else { x };
    let (n, p) = reduce::<S>(x);
    let scale = power_of_two(n);
    S::fma(scale, p, scale - 1.0)
}

/// ln x within 1 unit (near x = 1 too); ln 0 = -infinity, NaN below.
#[inline(always)]
pub(crate) fn ln<S: Simd>(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits() as i32;
    // sqrt(1/2) <= m < sqrt(2)
    let k = bits.wrapping_sub(0x3f35_04f3) >> 23;
    let m = f32::from_bits(bits.wrapping_sub(k << 23) as u32);
    let e = k as f32 - if subnormal { 23.0 } else { 0.0 };
    let f = m - 1.0;
    let z = f * f;
    let mut p = S::fma(6.746_641e-2, f, -1.167_565_2e-1);
    p = S::fma(p, f, 1.188_816_2e-1);
    p = S::fma(p, f, -1.240_558_9e-1);
    p = S::fma(p, f, 1.421_955_2e-1);
    p = S::fma(p, f, -1.666_799_6e-1);
    p = S::fma(p, f, 2.000_211_9e-1);
    p = S::fma(p, f, -2.500_001e-1);
    p = S::fma(p, f, 3.333_331_3e-1);
    let y = S::fma(e, LN2_LOW, p * f * z);
    let y = S::fma(-0.5, z, y);
    let r = S::fma(e, LN2_HIGH, f + y);
    let r = if x == f32::INFINITY { x } else { r };
    let r = if x < 0.0 { f32::NAN } else { r };
    let r = if x == 0.0 { f32::NEG_INFINITY } else { r };
    if x.is_nan() { x } else { r }
}

/// ln(1 + x) for finite x >= 0, within 2 units.
#[inline(always)]
pub(crate) fn log1p<S: Simd>(x: f32) -> f32 {
    let u = 1.0 + x;
    // What rounding 1 + x lost, put back to first order.
    ln::<S>(u) + (x - (u - 1.0)) / u
}

/// 1 / (1 + e^-x) within 2 units.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: f32) -> f32 {
    let e = exp::<S>(-x.abs());
    let r = 1.0 / (1.0 + e);
    if x < 0.0 { e * r } else { r }
}

/// ln(1 + e^x) within 2 units.
#[inline(always)]
pub(crate) fn softplus<S: Simd>(x: f32) -> f32 {
    let positive = if x > 0.0 { x } else { 0.0 };
    let r = positive + log1p::<S>(exp::<S>(-x.abs()));
    if x.is_nan() { x } else { r }
}

/// tanh x within 2 units.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: f32) -> f32 {
    let t = exp_m1_negative::<S>(-2.0 * x.abs());
    (-t / (t + 2.0)).copysign(x)
}

/// erf x within 1 unit: two minimax polynomials, below and above 475/512.
#[inline(always)]
pub(crate) fn erf<S: Simd>(x: f32) -> f32 {
    let t = x.abs();
    let s = x * x;
    let mut r = S::fma(-1.152_702_9e-5, t, 3.257_664_5e-4);
    let u = S::fma(-3.654_516_5e-3, t, 2.378_759_2e-2);
    r = S::fma(r, s, u);
    r = S::fma(r, t, -1.062_665_5e-1);
    r = S::fma(r, t, -6.351_333e-1);
    r = S::fma(r, t, -1.286_529_2e-1);
    r = S::fma(r, t, -t);
    let large = (1.0 - exp::<S>(r)).copysign(x);
    let mut p = S::fma(-5.964_117_6e-4, s, 4.987_978_4e-3);
    p = S::fma(p, s, -2.676_310_8e-2);
    p = S::fma(p, s, 1.128_172_06e-1);
    p = S::fma(p, s, -3.761_248_6e-1);
    p = S::fma(p, s, 1.283_791_5e-1);
    let small = S::fma(p, x, x);
    // For large |x| the polynomial's powers overflow; the true value is 1 long before.
    let far = 1f32.copysign(x);
    let value = if t > 4.0 { far } else { large };
    let value = if t > 0.927_734_4 { value } else { small };
    if x.is_nan() { x } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{dispatch, on_every_level};

    #[inline(always)]
    fn all<S: Simd>(x: &[f32], out: &mut [Vec<f32>; 8]) {
        for &x in x {
            out[0].push(exp::<S>(x));
            out[1].push(exp_m1_negative::<S>(-x.abs()));
            out[2].push(ln::<S>(x.abs()));
            out[3].push(sigmoid::<S>(x));
            out[4].push(softplus::<S>(x));
            out[5].push(tanh::<S>(x));
            out[6].push(erf::<S>(x));
            out[7].push(log1p::<S>(x.abs()));
        }
    }
    dispatch!(fn run(x: &[f32], out: &mut [Vec<f32>; 8]) = all);

    fn units(got: f32, exact: f64) -> f64 {
        if exact.abs() < f64::from(f32::MIN_POSITIVE) {
            // Subnormal results: absolute, in units of the smallest normal number's spacing.
            return (f64::from(got) - exact).abs() / f64::from(f32::from_bits(1)) / 2.0;
        }
        ((f64::from(got) - exact) / exact).abs() * 8_388_608.0
    }

    #[test]
    fn stays_within_the_stated_errors() {
        let mut x: Vec<f32> = (-100_000..100_000).map(|i| i as f32 * 9e-4).collect();
        x.extend((0..60_000).map(|i| f32::from_bits(0x3000_0000 + i * 7_001)));
        x.extend((0..60_000).map(|i| -f32::from_bits(0x3000_0000 + i * 4_001)));
        x.retain(|v| v.abs() < 88.7 && *v != 0.0);
        on_every_level(|| {
            let mut out: [Vec<f32>; 8] = Default::default();
            run(&x, &mut out);
            let exact: [fn(f64) -> f64; 8] = [
                libm::exp,
                |x| libm::expm1(-x.abs()),
                |x| libm::log(x.abs()),
                |x| {
                    if x < 0.0 {
                        libm::exp(x) / (1.0 + libm::exp(x))
                    } else {
                        1.0 / (1.0 + libm::exp(-x))
                    }
                },
                |x| {
                    if x > 0.0 {
                        x + libm::log1p(libm::exp(-x))
                    } else {
                        libm::log1p(libm::exp(x))
                    }
                },
                libm::tanh,
                libm::erf,
                |x| libm::log1p(x.abs()),
            ];
            let names = [
                "exp",
                "exp_m1_negative",
                "ln",
                "sigmoid",
                "softplus",
                "tanh",
                "erf",
                "log1p",
            ];
            let bounds = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 2.0];
            for f in 0..8 {
                let (worst, at) = x
                    .iter()
                    .zip(&out[f])
                    .map(|(&x, &got)| (units(got, exact[f](f64::from(x))), x))
                    .fold((0.0, 0.0), |a: (f64, f32), b| if b.0 > a.0 { b } else { a });
                println!(
                    "level {} {}: {worst:.2} units at {at:e}",
                    crate::kernels::level(),
                    names[f]
                );
                assert!(
                    worst <= bounds[f],
                    "{} is off by {worst} units at {at}",
                    names[f]
                );
            }
        });
    }

    #[test]
    fn keeps_the_edges() {
        use crate::kernels::Baseline as B;
        assert_eq!(exp::<B>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<B>(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp::<B>(0.0), 1.0);
        assert_eq!(ln::<B>(0.0), f32::NEG_INFINITY);
        assert_eq!(ln::<B>(f32::INFINITY), f32::INFINITY);
        assert!(ln::<B>(-1.0).is_nan());
        assert_eq!(sigmoid::<B>(-200.0), 0.0);
        assert_eq!(sigmoid::<B>(200.0), 1.0);
        assert_eq!(tanh::<B>(1e30), 1.0);
        assert_eq!(erf::<B>(-1e30), -1.0);
        assert_eq!(softplus::<B>(1e30), 1e30);
        for f in [
            exp::<B>,
            exp_m1_negative::<B>,
            ln::<B>,
            log1p::<B>,
            sigmoid::<B>,
            softplus::<B>,
            tanh::<B>,
            erf::<B>,
        ] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
