//! Every step against its formula in f64, at every level and length.

use super::*;
use crate::kernels::on_every_level;

const DECAY: f64 = 0.004;

/// Lengths below, at and beyond whole vectors.
const LENGTHS: [usize; 4] = [1, 7, 16, 33];

fn gradient(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * 0.37) % 2.0 - 0.9).collect()
}

fn weights(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * 0.71) % 1.5 - 0.6).collect()
}

/// Compares a step with its formula of (gradient, weight, slots).
fn check<const N: usize>(
    first: [f32; N],
    step: impl Fn(&mut [f32], &[f32], &mut [Vec<f32>; N]),
    exact: impl Fn(f64, f64, [f64; N]) -> (f64, [f64; N]),
) {
    on_every_level(|| {
        for n in LENGTHS {
            let (g, start) = (gradient(n), weights(n));
            let mut w = start.clone();
            let mut slots = first.map(|value| vec![value; n]);
            step(&mut w, &g, &mut slots);
            for i in 0..n {
                let (moved, kept) = exact(g[i].into(), start[i].into(), first.map(f64::from));
                assert!((f64::from(w[i]) - moved).abs() < 1e-6, "{} {moved}", w[i]);
                for (slot, kept) in slots.iter().zip(kept) {
                    assert!((f64::from(slot[i]) - kept).abs() < 1e-6);
                }
            }
        }
    });
}

#[test]
fn gradient_descent() {
    let s = |nesterov| Sgd {
        rate: 0.5,
        momentum: 0.9,
        nesterov,
        decay: DECAY as f32,
    };
    let decayed = |w: f64| w * (1.0 - DECAY);
    check(
        [],
        |w, g, []| sgd(s(false), w, g),
        |g, w, []| (decayed(w) - 0.5 * g, []),
    );
    for nesterov in [false, true] {
        check(
            [0.1],
            |w, g, [m]| sgd_momentum(s(nesterov), w, g, m),
            |g, w, [m]| {
                let m = 0.9 * m - 0.5 * g;
                let step = if nesterov { 0.9 * m - 0.5 * g } else { m };
                (decayed(w) + step, [m])
            },
        );
    }
}

#[test]
fn adam_and_its_kin() {
    let s = Adam {
        rate: 0.01,
        fresh_1: 0.1,
        fresh_2: 0.001,
        epsilon: 1e-7,
        decay: DECAY as f32,
    };
    let next = |g: f64, m: f64, v: f64| (m + (g - m) * 0.1, v + (g * g - v) * 0.001);
    let decayed = |w: f64| w * (1.0 - DECAY);
    check(
        [0.1, 0.2],
        |w, g, [m, v]| adam(s, w, g, m, v),
        |g, w, [m, v]| {
            let (m, v) = next(g, m, v);
            (decayed(w) - 0.01 * m / (v.sqrt() + 1e-7), [m, v])
        },
    );
    for largest in [0.1, 0.5] {
        check(
            [0.1, 0.2, largest],
            |w, g, [m, v, h]| amsgrad(s, w, g, m, v, h),
            |g, w, [m, v, h]| {
                let (m, v) = next(g, m, v);
                let h = h.max(v);
                (decayed(w) - 0.01 * m / (h.sqrt() + 1e-7), [m, v, h])
            },
        );
    }
    let s = Nadam {
        of_mean: 0.02,
        of_gradient: 0.03,
        of_square: 1.5,
        fresh_1: 0.1,
        fresh_2: 0.001,
        epsilon: 1e-7,
        decay: DECAY as f32,
    };
    check(
        [0.1, 0.2],
        |w, g, [m, v]| nadam(s, w, g, m, v),
        |g, w, [m, v]| {
            let (m, v) = next(g, m, v);
            let step = (0.02 * m + 0.03 * g) / ((1.5 * v).sqrt() + 1e-7);
            (decayed(w) - step, [m, v])
        },
    );
    let s = Adamax {
        rate: 0.01,
        fresh_1: 0.1,
        beta_2: 0.9,
        epsilon: 1e-7,
        decay: DECAY as f32,
    };
    check(
        [0.1, 0.2],
        |w, g, [m, u]| adamax(s, w, g, m, u),
        |g, w, [m, u]| {
            let (m, u) = (m + (g - m) * 0.1, (0.9 * u).max(g.abs()));
            (decayed(w) - 0.01 * m / (u + 1e-7), [m, u])
        },
    );
}

#[test]
fn rmsprop_in_its_four_forms() {
    let s = RmsProp {
        rate: 0.01,
        rho: 0.9,
        epsilon: 0.5,
        momentum: 0.5,
        decay: DECAY as f32,
    };
    let mean = |before: f64, value: f64| 0.9 * before + 0.1 * value;
    let step = |g: f64, square: f64| 0.01 * g / (square + 0.5).sqrt();
    let decayed = |w: f64| w * (1.0 - DECAY);
    check(
        [0.2],
        |w, g, [v]| rmsprop(s, w, g, v),
        |g, w, [v]| {
            let v = mean(v, g * g);
            (decayed(w) - step(g, v), [v])
        },
    );
    check(
        [0.2, 0.1],
        |w, g, [v, m]| rmsprop_momentum(s, w, g, v, m),
        |g, w, [v, m]| {
            let v = mean(v, g * g);
            let m = 0.5 * m + step(g, v);
            (decayed(w) - m, [v, m])
        },
    );
    check(
        [0.2, 0.1],
        |w, g, [v, a]| rmsprop_centered(s, w, g, v, a),
        |g, w, [v, a]| {
            let (v, a) = (mean(v, g * g), mean(a, g));
            (decayed(w) - step(g, v - a * a), [v, a])
        },
    );
    check(
        [0.2, 0.1, 0.05],
        |w, g, [v, m, a]| rmsprop_centered_momentum(s, w, g, v, m, a),
        |g, w, [v, m, a]| {
            let (v, a) = (mean(v, g * g), mean(a, g));
            let m = 0.5 * m + step(g, v - a * a);
            (decayed(w) - m, [v, m, a])
        },
    );
}

#[test]
fn adagrad_adadelta_and_lion() {
    let s = Ada {
        rate: 0.1,
        rho: 0.9,
        epsilon: 1e-3,
        decay: DECAY as f32,
    };
    let decayed = |w: f64| w * (1.0 - DECAY);
    check(
        [0.1],
        |w, g, [a]| adagrad(s, w, g, a),
        |g, w, [a]| {
            let a = a + g * g;
            (decayed(w) - 0.1 * g / (a + 1e-3).sqrt(), [a])
        },
    );
    check(
        [0.1, 0.2],
        |w, g, [a, u]| adadelta(s, w, g, a, u),
        |g, w, [a, u]| {
            let a = 0.9 * a + 0.1 * g * g;
            let d = (u + 1e-3).sqrt() * g / (a + 1e-3).sqrt();
            (decayed(w) - 0.1 * d, [a, 0.9 * u + 0.1 * d * d])
        },
    );
    let s = Lion {
        rate: 0.1,
        beta_1: 0.9,
        beta_2: 0.8,
        decay: DECAY as f32,
    };
    check(
        [0.01],
        |w, g, [m]| lion(s, w, g, m),
        |g, w, [m]| {
            let sign = (0.9 * m + 0.1 * g).signum();
            (decayed(w) - 0.1 * sign, [0.8 * m + 0.2 * g])
        },
    );
    let (mut w, mut m) = ([1.0, 1.0], [0.0, 0.0]);
    lion(s, &mut w, &[0.0, f32::NAN], &mut m);
    assert!(w[0] == 1.0 - DECAY as f32 && w[1].is_nan());
}
