//! Optimizer steps in place, with Keras 3's formulas: each reads and writes the weights and what is remembered once.
//!
//! `decay` is what weight decay takes off, the share learning_rate * weight_decay, before the weights move; 0 for none.

#[cfg(test)]
mod tests;

use super::{Simd, dispatch};

/// The numbers of a step of gradient descent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sgd {
    pub rate: f32,
    pub momentum: f32,
    pub nesterov: bool,
    pub decay: f32,
}

dispatch!(
    /// w -= rate g
    pub(crate) fn sgd(s: Sgd, w: &mut [f32], g: &[f32]) = sgd_body
);

#[inline(always)]
fn sgd_body<S: Simd>(s: Sgd, w: &mut [f32], g: &[f32]) {
    assert!(w.len() == g.len());
    for (w, g) in w.iter_mut().zip(g) {
        *w -= *w * s.decay;
        *w -= s.rate * g;
    }
}

dispatch!(
    /// m = momentum m - rate g; w += m, or with Nesterov w += momentum m - rate g
    pub(crate) fn sgd_momentum(s: Sgd, w: &mut [f32], g: &[f32], m: &mut [f32]) = sgd_momentum_body
);

#[inline(always)]
fn sgd_momentum_body<S: Simd>(s: Sgd, w: &mut [f32], g: &[f32], m: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == m.len());
    if s.nesterov {
        for ((w, g), m) in w.iter_mut().zip(g).zip(m) {
            *m = *m * s.momentum - s.rate * g;
            *w -= *w * s.decay;
            *w += *m * s.momentum - s.rate * g;
        }
    } else {
        for ((w, g), m) in w.iter_mut().zip(g).zip(m) {
            *m = *m * s.momentum - s.rate * g;
            *w -= *w * s.decay;
            *w += *m;
        }
    }
}

/// The numbers of one Adam step: `rate` is corrected for the bias of the first steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adam {
    pub rate: f32,
    /// 1 - beta_1
    pub fresh_1: f32,
    /// 1 - beta_2
    pub fresh_2: f32,
    pub epsilon: f32,
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
    /// As [`adam`], but divided by the root of h, the largest v so far.
    pub(crate) fn amsgrad(s: Adam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], h: &mut [f32]) = amsgrad_body
);

#[inline(always)]
fn amsgrad_body<S: Simd>(
    s: Adam,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    h: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == m.len() && w.len() == v.len() && w.len() == h.len());
    for ((((w, &g), m), v), h) in w.iter_mut().zip(g).zip(m).zip(v).zip(h) {
        *m += (g - *m) * s.fresh_1;
        *v += (g * g - *v) * s.fresh_2;
        *h = if *h >= *v { *h } else { *v };
        *w -= *w * s.decay;
        *w -= *m * s.rate / (h.sqrt() + s.epsilon);
    }
}

/// The numbers of one Nadam step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nadam {
    /// What m counts, learning rate included.
    pub of_mean: f32,
    /// What g counts, learning rate included.
    pub of_gradient: f32,
    /// What v is multiplied with before its root.
    pub of_square: f32,
    /// 1 - beta_1
    pub fresh_1: f32,
    /// 1 - beta_2
    pub fresh_2: f32,
    pub epsilon: f32,
    pub decay: f32,
}

dispatch!(
    /// m and v as [`adam`]; w -= (of_mean m + of_gradient g) / (sqrt(of_square v) + epsilon)
    pub(crate) fn nadam(s: Nadam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) = nadam_body
);

#[inline(always)]
fn nadam_body<S: Simd>(s: Nadam, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == m.len() && w.len() == v.len());
    for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
        *m += (g - *m) * s.fresh_1;
        *v += (g * g - *v) * s.fresh_2;
        *w -= *w * s.decay;
        *w -= (s.of_mean * *m + s.of_gradient * g) / ((*v * s.of_square).sqrt() + s.epsilon);
    }
}

/// The numbers of one RMSprop step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RmsProp {
    pub rate: f32,
    pub rho: f32,
    pub epsilon: f32,
    pub momentum: f32,
    pub decay: f32,
}

impl RmsProp {
    /// The next mean of what was `before`, now `x` times `y`.
    #[inline(always)]
    fn mean(self, before: f32, x: f32, y: f32) -> f32 {
        self.rho * before + (1.0 - self.rho) * x * y
    }

    /// rate g / sqrt(square + epsilon)
    #[inline(always)]
    fn increment(self, g: f32, square: f32) -> f32 {
        self.rate * g / (square + self.epsilon).sqrt()
    }

    /// The step of what is divided by the root of the mean square less the square of the mean.
    #[inline(always)]
    fn centered(self, g: f32, v: &mut f32, a: &mut f32) -> f32 {
        *v = self.mean(*v, g, g);
        *a = self.mean(*a, g, 1.0);
        self.increment(g, *v - *a * *a)
    }
}

dispatch!(
    /// v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon)
    pub(crate) fn rmsprop(s: RmsProp, w: &mut [f32], g: &[f32], v: &mut [f32]) = rmsprop_body
);

#[inline(always)]
fn rmsprop_body<S: Simd>(s: RmsProp, w: &mut [f32], g: &[f32], v: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == v.len());
    for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
        *v = s.mean(*v, g, g);
        *w -= *w * s.decay;
        *w -= s.increment(g, *v);
    }
}

dispatch!(
    /// As [`rmsprop`], with m = momentum m + rate g / sqrt(v + epsilon); w -= m
    pub(crate) fn rmsprop_momentum(s: RmsProp, w: &mut [f32], g: &[f32], v: &mut [f32], m: &mut [f32]) = rmsprop_momentum_body
);

#[inline(always)]
fn rmsprop_momentum_body<S: Simd>(
    s: RmsProp,
    w: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    m: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == v.len() && w.len() == m.len());
    for (((w, &g), v), m) in w.iter_mut().zip(g).zip(v).zip(m) {
        *v = s.mean(*v, g, g);
        *m = s.momentum * *m + s.increment(g, *v);
        *w -= *w * s.decay;
        *w -= *m;
    }
}

dispatch!(
    /// As [`rmsprop`], with a = rho a + (1 - rho) g; w -= rate g / sqrt(v - a^2 + epsilon)
    pub(crate) fn rmsprop_centered(s: RmsProp, w: &mut [f32], g: &[f32], v: &mut [f32], a: &mut [f32]) = rmsprop_centered_body
);

#[inline(always)]
fn rmsprop_centered_body<S: Simd>(
    s: RmsProp,
    w: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    a: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == v.len() && w.len() == a.len());
    for (((w, &g), v), a) in w.iter_mut().zip(g).zip(v).zip(a) {
        let increment = s.centered(g, v, a);
        *w -= *w * s.decay;
        *w -= increment;
    }
}

dispatch!(
    /// [`rmsprop_momentum`] and [`rmsprop_centered`] together.
    pub(crate) fn rmsprop_centered_momentum(s: RmsProp, w: &mut [f32], g: &[f32], v: &mut [f32], m: &mut [f32], a: &mut [f32]) = rmsprop_centered_momentum_body
);

#[inline(always)]
fn rmsprop_centered_momentum_body<S: Simd>(
    s: RmsProp,
    w: &mut [f32],
    g: &[f32],
    v: &mut [f32],
    m: &mut [f32],
    a: &mut [f32],
) {
    assert!(w.len() == g.len() && w.len() == v.len() && w.len() == m.len() && w.len() == a.len());
    for ((((w, &g), v), m), a) in w.iter_mut().zip(g).zip(v).zip(m).zip(a) {
        *m = s.momentum * *m + s.centered(g, v, a);
        *w -= *w * s.decay;
        *w -= *m;
    }
}

/// The numbers of an Adagrad or Adadelta step; Adagrad has no `rho`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ada {
    pub rate: f32,
    pub rho: f32,
    pub epsilon: f32,
    pub decay: f32,
}

dispatch!(
    /// a += g^2; w -= rate g / sqrt(a + epsilon)
    pub(crate) fn adagrad(s: Ada, w: &mut [f32], g: &[f32], a: &mut [f32]) = adagrad_body
);

#[inline(always)]
fn adagrad_body<S: Simd>(s: Ada, w: &mut [f32], g: &[f32], a: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == a.len());
    for ((w, &g), a) in w.iter_mut().zip(g).zip(a) {
        *a += g * g;
        *w -= *w * s.decay;
        *w -= s.rate * g / (*a + s.epsilon).sqrt();
    }
}

dispatch!(
    /// a = rho a + (1 - rho) g^2; d = sqrt(u + epsilon) g / sqrt(a + epsilon); u = rho u + (1 - rho) d^2; w -= rate d
    pub(crate) fn adadelta(s: Ada, w: &mut [f32], g: &[f32], a: &mut [f32], u: &mut [f32]) = adadelta_body
);

#[inline(always)]
fn adadelta_body<S: Simd>(s: Ada, w: &mut [f32], g: &[f32], a: &mut [f32], u: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == a.len() && w.len() == u.len());
    let fresh = 1.0 - s.rho;
    for (((w, &g), a), u) in w.iter_mut().zip(g).zip(a).zip(u) {
        *a = s.rho * *a + fresh * (g * g);
        let d = (*u + s.epsilon).sqrt() * g / (*a + s.epsilon).sqrt();
        *u = s.rho * *u + fresh * (d * d);
        *w -= *w * s.decay;
        *w -= s.rate * d;
    }
}

/// The numbers of one Adamax step: `rate` is corrected for the bias of the first steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adamax {
    pub rate: f32,
    /// 1 - beta_1
    pub fresh_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
    pub decay: f32,
}

dispatch!(
    /// m += (g - m) fresh_1; u = max(beta_2 u, |g|); w -= rate m / (u + epsilon)
    pub(crate) fn adamax(s: Adamax, w: &mut [f32], g: &[f32], m: &mut [f32], u: &mut [f32]) = adamax_body
);

#[inline(always)]
fn adamax_body<S: Simd>(s: Adamax, w: &mut [f32], g: &[f32], m: &mut [f32], u: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == m.len() && w.len() == u.len());
    for (((w, &g), m), u) in w.iter_mut().zip(g).zip(m).zip(u) {
        *m += (g - *m) * s.fresh_1;
        let before = s.beta_2 * *u;
        *u = if before >= g.abs() { before } else { g.abs() };
        *w -= *w * s.decay;
        *w -= s.rate * *m / (*u + s.epsilon);
    }
}

/// The numbers of one Lion step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lion {
    pub rate: f32,
    pub beta_1: f32,
    pub beta_2: f32,
    pub decay: f32,
}

dispatch!(
    /// w -= rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g
    pub(crate) fn lion(s: Lion, w: &mut [f32], g: &[f32], m: &mut [f32]) = lion_body
);

#[inline(always)]
fn lion_body<S: Simd>(s: Lion, w: &mut [f32], g: &[f32], m: &mut [f32]) {
    assert!(w.len() == g.len() && w.len() == m.len());
    for ((w, &g), m) in w.iter_mut().zip(g).zip(m) {
        let c = *m * s.beta_1 + g * (1.0 - s.beta_1);
        // NaN, which has no sign, stays.
        let sign = f32::from(c > 0.0) - f32::from(c < 0.0) + c * 0.0;
        *w -= *w * s.decay;
        *w -= s.rate * sign;
        *m = *m * s.beta_2 + g * (1.0 - s.beta_2);
    }
}
