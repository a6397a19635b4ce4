//! Optimizer steps in place, with Keras 3's formulas.

use super::{Simd, dispatch};

dispatch!(
    /// w -= rate g
    pub(crate) fn sgd(rate: f32, w: &mut [f32], g: &[f32]) = sgd_body
);

#[inline(always)]
fn sgd_body<S: Simd>(rate: f32, w: &mut [f32], g: &[f32]) {
    assert!(w.len() == g.len());
    for (w, g) in w.iter_mut().zip(g) {
        *w -= rate * g;
    }
}

dispatch!(
    /// m = momentum m - rate g; w += m, or with Nesterov w += momentum m - rate g
    pub(crate) fn sgd_momentum(rate: f32, momentum: f32, nesterov: bool, w: &mut [f32], g: &[f32], m: &mut [f32]) = sgd_momentum_body
);

#[inline(always)]
fn sgd_momentum_body<S: Simd>(
    rate: f32,
    momentum: f32,
    nesterov: bool,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == m.len());
    if nesterov {
        for ((w, g), m) in w.iter_mut().zip(g).zip(m) {
            *m = *m * momentum - rate * g;
            *w += *m * momentum - rate * g;
        }
    } else {
        for ((w, g), m) in w.iter_mut().zip(g).zip(m) {
            *m = *m * momentum - rate * g;
            *w += *m;
        }
    }
}

/// The numbers of one Adam step: `rate` is corrected for the bias of the first steps.
#[derive(Clone, Copy)]
pub(crate) struct Adam {
    pub rate: f32,
    /// 1 - beta_1
    pub fresh_1: f32,
    /// 1 - beta_2
    pub fresh_2: f32,
    pub epsilon: f32,
    /// AdamW: learning_rate * weight_decay, else 0
    pub decay: f32,
}

dispatch!(
    /// w -= decay w; m += (g - m) fresh_1; v += (g^2 - v) fresh_2; w -= rate m / (sqrt v + epsilon)
    pub(crate) fn adam(s: Adam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) = adam_body
);

#[inline(always)]
fn adam_body<S: Simd>(s: Adam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == m.len() && w.len() == v.len());
    for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
        *m += (g - *m) * s.fresh_1;
        *v += (g * g - *v) * s.fresh_2;
        *w -= *w * s.decay;
        *w -= *m * s.rate / (v.sqrt() + s.epsilon);
    }
}

dispatch!(
    /// v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon)
    pub(crate) fn rmsprop(rate: f32, rho: f32, epsilon: f32, w: &mut [f32], g: &[f32], v: &mut [f32]) = rmsprop_body
);

#[inline(always)]
fn rmsprop_body<S: Simd>(
    rate: f32,
    rho: f32,
    epsilon: f32,
    w: &mut [f32],
    g: &[f32],
    v: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == v.len());
    for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
        *v = rho * *v + (1.0 - rho) * g * g;
        *w -= rate * g / (*v + epsilon).sqrt();
    }
}

dispatch!(
    /// As [`rmsprop`], with m = momentum m + rate g / sqrt(v + epsilon); w -= m
    pub(crate) fn rmsprop_momentum(rate: f32, rho: f32, epsilon: f32, momentum: f32, w: &mut [f32], g: &[f32], v: &mut [f32], m: &mut [f32]) = rmsprop_momentum_body
);

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn rmsprop_momentum_body<S: Simd>(
    rate: f32,
    rho: f32,
    epsilon: f32,
    momentum: f32,
    w: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    m: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == v.len() && w.len() == m.len());
    for (((w, &g), v), m) in w.iter_mut().zip(g).zip(v).zip(m) {
        *v = rho * *v + (1.0 - rho) * g * g;
        *m = momentum * *m + rate * g / (*v + epsilon).sqrt();
        *w -= *m;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn steps_equal_their_formulas() {
        on_every_level(|| {
            for n in [1, 7, 16, 33] {
                let g: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37) % 2.0 - 0.9).collect();
                let start: Vec<f32> = (0..n).map(|i| (i as f32 * 0.71) % 1.5 - 0.6).collect();
                let (mut w, mut m, mut v) = (start.clone(), vec![0.1; n], vec![0.2; n]);
                let s = Adam {
                    rate: 0.01,
                    fresh_1: 0.1,
                    fresh_2: 0.001,
                    epsilon: 1e-7,
                    decay: 0.004,
                };
                adam(s, &mut w, &g, &mut m, &mut v);
                for i in 0..n {
                    let (g, w0) = (f64::from(g[i]), f64::from(start[i]));
                    let (m1, v1) = (0.1 + (g - 0.1) * 0.1, 0.2 + (g * g - 0.2) * 0.001);
                    let exact = w0 * 0.996 - 0.01 * m1 / (v1.sqrt() + 1e-7);
                    assert!((f64::from(w[i]) - exact).abs() < 1e-6);
                }
                let (mut w, mut m) = (start.clone(), vec![0.1; n]);
                sgd_momentum(0.5, 0.9, true, &mut w, &g, &mut m);
                for i in 0..n {
                    let m1 = 0.09 - 0.5 * f64::from(g[i]);
                    assert!(
                        (f64::from(w[i])
                            - (f64::from(start[i]) + 0.9 * m1 - 0.5 * f64::from(g[i])))
                        .abs()
                            < 1e-6
                    );
                }
                let (mut w, mut v, mut m) = (start.clone(), vec![0.2; n], vec![0.1; n]);
                rmsprop_momentum(0.01, 0.9, 1e-7, 0.5, &mut w, &g, &mut v, &mut m);
                let (mut plain, mut v2) = (start.clone(), vec![0.2; n]);
                rmsprop(0.01, 0.9, 1e-7, &mut plain, &g, &mut v2);
                assert_eq!(v, v2);
                for i in 0..n {
                    assert!((w[i] - (plain[i] - 0.05)).abs() < 1e-6);
                }
                let mut w = start.clone();
                sgd(0.5, &mut w, &g);
                assert!((0..n).all(|i| (w[i] - (start[i] - 0.5 * g[i])).abs() < 1e-6));
            }
        });
    }
}
