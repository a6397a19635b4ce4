//! Normal noise that is a function of key and position: nothing to store, no state to share.

use super::dropout::draw;
use super::math::ln;
use super::{Simd, dispatch};

dispatch!(
    /// y = x + stddev n with normal n; the first number is the `first`th of those under `key`.
    pub(crate) fn normal(key: u64, first: usize, stddev: f32, x: &[f32], y: &mut [f32]) = normal_body
);

#[inline(always)]
fn normal_body<S: Simd>(key: u64, first: usize, stddev: f32, x: &[f32], y: &mut [f32]) {
    assert!(x.len() == y.len());
    let scale = stddev * std::f32::consts::SQRT_2;
    for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
        // An odd multiple of 2^-23 between -1 and 1.
        let odd = (draw(key, first.wrapping_add(i) as u32) >> 9) * 2 + 1;
        let u = odd as f32 * (1.0 / 8_388_608.0) - 1.0;
        *y = x + scale * inverse_erf::<S>(u);
    }
}

/// The inverse of erf between -1 and 1, to six digits (Giles, Approximating the erfinv function, 2010).
#[inline(always)]
fn inverse_erf<S: Simd>(u: f32) -> f32 {
    let w = -ln::<S>((1.0 - u) * (1.0 + u));
    let near = [
        2.810_226_4e-8,
        3.432_739_4e-7,
        -3.523_387_7e-6,
        -4.391_506_5e-6,
        2.185_808_7e-4,
        -1.253_725e-3,
        -4.177_681_6e-3,
        2.466_407_3e-1,
        1.501_409_4,
    ];
    let far = [
        -2.002_142_6e-4,
        1.009_505_6e-4,
        1.349_343_2e-3,
        -3.673_428_4e-3,
        5.739_507_7e-3,
        -7.622_461_3e-3,
        9.438_870_5e-3,
        1.001_674,
        2.832_976_8,
    ];
    let polynomial = |c: [f32; 9], w: f32| c.into_iter().fold(0.0, |p, c| S::fma(p, w, c));
    let (a, b) = (polynomial(near, w - 2.5), polynomial(far, w.sqrt() - 3.0));
    u * if w < 5.0 { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn inverts_erf() {
        for u in [-0.999_999, -0.99, -0.5, -1e-3, 1e-7, 0.3, 0.9, 0.9999] {
            let x = f64::from(inverse_erf::<crate::kernels::Baseline>(u));
            let away = (libm::erf(x) - f64::from(u)).abs();
            assert!(away < 1e-6 * f64::from(u.abs()), "{u}: {x}");
        }
    }

    #[test]
    fn draws_normal_numbers_whatever_the_pieces() {
        const N: usize = 400_000;
        on_every_level(|| {
            let (x, mut y) = (vec![3.0; N], vec![0.0; N]);
            normal(7, 0, 0.5, &x, &mut y);
            let n = |i: usize| (f64::from(y[i]) - 3.0) / 0.5;
            let mean_of = |f: &dyn Fn(f64) -> f64| (0..N).map(|i| f(n(i))).sum::<f64>() / N as f64;
            // Four deviations of what N draws give.
            let close = |got: f64, moment: f64, variance: f64| {
                assert!(
                    (got - moment).abs() < 4.0 * (variance / N as f64).sqrt(),
                    "{got}"
                );
            };
            close(mean_of(&|n| n), 0.0, 1.0);
            close(mean_of(&|n| n * n), 1.0, 2.0);
            close(mean_of(&|n| n * n * n), 0.0, 15.0);
            close(mean_of(&|n| n * n * n * n), 3.0, 96.0);
            close(mean_of(&|n| f64::from(n > 1.959_964)), 0.025, 0.025 * 0.975);
            // Neighbours have nothing to do with each other.
            let pairs = (1..N).map(|i| n(i) * n(i - 1)).sum::<f64>() / N as f64;
            close(pairs, 0.0, 1.0);
            let mut pieces = vec![0.0; N];
            for (i, y) in pieces.chunks_mut(1000).enumerate() {
                normal(7, 1000 * i, 0.5, &x[..y.len()], y);
            }
            assert!(pieces == y);
            normal(8, 0, 0.5, &x, &mut pieces);
            assert!(pieces.iter().zip(&y).filter(|(a, b)| a == b).count() < N / 1000);
        });
    }
}
