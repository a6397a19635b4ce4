//! Losses: their sum over rows, the gradient of their mean, and probabilities, in one pass from the outputs. The formulas
//! are in [`crate::loss`].

use super::reduce::sum_lanes;
use super::{Simd, dispatch};
use crate::Loss;
use crate::loss::{Kind, losses};

/// One pass of a loss over rows.
pub(crate) struct Pass<'a> {
    /// Outputs of a row.
    pub(crate) width: usize,
    /// What the gradient of a row's loss is multiplied by.
    share: f32,
    /// (rows, width)
    out: &'a mut [f32],
    /// The shape of `out`, or one class number per row.
    y: &'a [f32],
    /// Factors of the rows' losses, or none.
    weights: &'a [f32],
    /// (rows, width), to fill
    d: &'a mut [f32],
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $file:ident::$name:ident),+ $(,)?) => {
        /// The sum over rows of `out` (rows, width) of the row's loss against `y`.
        ///
        /// `out` holds logits under a crossentropy and probabilities afterwards; else it is left as it is. `d` becomes
        /// the gradient of `share` times that sum with respect to what `out` held. `y` has the shape of `out`, except under
        /// a loss of several classes: one class number per row. `weights` are factors of the rows' losses; none are all 1.
        pub(crate) fn cost(loss: Loss, width: usize, share: f32, out: &mut [f32], y: &[f32], weights: &[f32], d: &mut [f32]) -> f64 {
            match loss {
                $(Loss::$name(loss) => {
                    dispatch!(
                        fn run(loss: crate::loss::$name, width: usize, share: f32, out: &mut [f32], y: &[f32], weights: &[f32], d: &mut [f32]) -> f64 = cost_body
                    );
                    run(loss, width, share, out, y, weights, d)
                })+
            }
        }
    };
}
losses!(kernels);

#[inline(always)]
fn cost_body<S: Simd>(
    loss: impl Kind,
    width: usize,
    share: f32,
    out: &mut [f32],
    y: &[f32],
    weights: &[f32],
    d: &mut [f32],
) -> f64 {
    assert!(out.len() == d.len() && width > 0);
    assert!(weights.is_empty() || weights.len() * width == out.len());
    let pass = Pass {
        width,
        share,
        out,
        y,
        weights,
        d,
    };
    // Apart, so that rows that all count alike pay nothing for those that do not.
    if weights.is_empty() {
        loss.cost::<S, false>(pass)
    } else {
        loss.cost::<S, true>(pass)
    }
}

impl Pass<'_> {
    /// Every row's loss is the mean over its outputs of `f(output, target)`: the new output, the loss and its slope.
    #[inline(always)]
    pub(crate) fn mean<const WEIGHTED: bool>(self, f: impl Fn(f32, f32) -> (f32, f32, f32)) -> f64 {
        let width = self.width as f64;
        let each = self.share / self.width as f32;
        self.elements::<WEIGHTED>(each, f) / width
    }

    /// As [`Pass::mean`], with the sum over the outputs.
    #[inline(always)]
    pub(crate) fn sum<const WEIGHTED: bool>(self, f: impl Fn(f32, f32) -> (f32, f32, f32)) -> f64 {
        let each = self.share;
        self.elements::<WEIGHTED>(each, f)
    }

    #[inline(always)]
    fn elements<const WEIGHTED: bool>(
        self,
        each: f32,
        f: impl Fn(f32, f32) -> (f32, f32, f32),
    ) -> f64 {
        let rows = (self.width, self.weights);
        elements::<WEIGHTED>(rows, self.out, self.y, self.d, |p, y| {
            let (p, loss, slope) = f(p, y);
            (p, loss, slope * each)
        })
    }

    /// `f(outputs, class, share, gradient)` gives the loss of every row, whose target is a class number, and fills the
    /// gradient of `share` times it.
    #[inline(always)]
    pub(crate) fn rows<const WEIGHTED: bool>(
        self,
        f: impl Fn(&mut [f32], usize, f32, &mut [f32]) -> f64,
    ) -> f64 {
        assert!(self.y.len() * self.width == self.out.len());
        let outputs = self.out.chunks_exact_mut(self.width);
        let rows = outputs.zip(self.d.chunks_exact_mut(self.width)).zip(self.y);
        let mut total = 0.0;
        for (row, ((out, d), &y)) in rows.enumerate() {
            if WEIGHTED {
                let weight = self.weights[row];
                total += f(out, y as usize, self.share * weight, d) * f64::from(weight);
            } else {
                total += f(out, y as usize, self.share, d);
            }
        }
        total
    }
}

/// Elements whose losses are summed in f32.
const BLOCK: usize = 1024;

/// Runs f(out, y) -> (new out, loss, gradient), times the weight of the row; sums in 16 lanes, block by block in f64.
#[inline(always)]
fn elements<const WEIGHTED: bool>(
    (width, weights): (usize, &[f32]),
    out: &mut [f32],
    y: &[f32],
    d: &mut [f32],
    f: impl Fn(f32, f32) -> (f32, f32, f32),
) -> f64 {
    assert!(out.len() == y.len());
    let f = |p, y, w| {
        let (p, e, g) = f(p, y);
        if WEIGHTED {
            (p, e * w, g * w)
        } else {
            (p, e, g)
        }
    };
    let mut total = 0.0;
    // The weight of each element of a block.
    let mut spread = [1f32; BLOCK];
    for (number, ((out, y), d)) in out
        .chunks_mut(BLOCK)
        .zip(y.chunks(BLOCK))
        .zip(d.chunks_mut(BLOCK))
        .enumerate()
    {
        let w = if WEIGHTED {
            for (i, w) in spread[..out.len()].iter_mut().enumerate() {
                *w = weights[(number * BLOCK + i) / width];
            }
            &spread[..]
        } else {
            // Not looked at.
            y
        };
        let mut lanes = [0f32; 16];
        let whole = out.len() - out.len() % 16;
        let (out, out_rest) = out.split_at_mut(whole);
        let (y, y_rest) = y.split_at(whole);
        let (d, d_rest) = d.split_at_mut(whole);
        let (w, w_rest) = w.split_at(whole);
        for (((out, y), d), w) in out
            .chunks_exact_mut(16)
            .zip(y.chunks_exact(16))
            .zip(d.chunks_exact_mut(16))
            .zip(w.chunks_exact(16))
        {
            for l in 0..16 {
                let (p, e, g) = f(out[l], y[l], w[l]);
                out[l] = p;
                d[l] = g;
                lanes[l] += e;
            }
        }
        let rest = out_rest.iter_mut().zip(y_rest).zip(d_rest).zip(w_rest);
        for ((((out, y), d), w), lane) in rest.zip(&mut lanes) {
            let (p, e, g) = f(*out, *y, *w);
            *out = p;
            *d = g;
            *lane += e;
        }
        total += f64::from(sum_lanes(lanes));
    }
    total
}
