//! The step of the optimizer: sums of gradients, moments and weights in one pass over memory.

use crate::gradient::{Buffers, Crew, read};
use crate::kernels::reduce;
use crate::layer::{Change, Interrupt};
use crate::network::Special;
use crate::pool::lock;
use crate::weights::AT_ONCE;
use crate::{Model, Optimizer, Result};
use std::sync::Mutex;

/// Floats whose gradients are summed at once: they stay in the first-level cache.
const SUMMED: usize = 4096;

impl Buffers {
    /// Moves the weights along the gradient of the last batch.
    pub fn update(&self, model: &mut Model, crew: &mut Crew<'_>) -> Result<()> {
        model.state.steps += 1;
        let (optimizer, steps, parameters) =
            (model.optimizer(), model.state.steps, model.parameters());
        let special = &model.network.special;
        let [a, b] = &mut model.state.slots;
        let all = model
            .weights
            .chunks_mut(AT_ONCE)
            .zip(pieces(a, AT_ONCE).zip(pieces(b, AT_ONCE)));
        let all = Mutex::new(all.enumerate());
        let groups = self.summed();
        let take = |interrupt: &mut Interrupt<'_>| {
            let mut sum = [0.0; SUMMED];
            loop {
                let Some((i, (w, (a, b)))) = lock(&all).next() else {
                    return Ok(());
                };
                let parts = w
                    .chunks_mut(SUMMED)
                    .zip(pieces(a, SUMMED).zip(pieces(b, SUMMED)));
                for (j, (w, (a, b))) in parts.enumerate() {
                    let at = i * AT_ONCE + j * SUMMED;
                    let range = at..at + w.len();
                    let [first, others @ ..] = groups else {
                        return Ok(());
                    };
                    let first = read(first);
                    let mut gradient = &first.gradient[range.clone()];
                    if !others.is_empty() || !special.is_empty() {
                        let sum = &mut sum[..w.len()];
                        sum.copy_from_slice(gradient);
                        for group in others {
                            reduce::add(sum, &read(group).gradient[range.clone()]);
                        }
                        if !special.is_empty() {
                            let piece = Piece {
                                at,
                                w,
                                g: sum,
                                a,
                                b,
                            };
                            piece.step(special, &optimizer, steps);
                            continue;
                        }
                        gradient = sum;
                    }
                    optimizer.step(steps, w, gradient, a, b);
                }
                interrupt()?;
            }
        };
        match crew {
            Crew::Together {
                pool,
                helpers,
                callback,
                ..
            } if parameters > AT_ONCE => {
                let helpers = (*helpers).min(parameters / AT_ONCE);
                pool.share(helpers, take, &mut **callback, |_, callback| {
                    take(&mut || callback.check())
                })
            }
            Crew::Together { callback, .. } => take(&mut || callback.check()),
            Crew::Alone(interrupt) => take(interrupt),
        }
    }
}

/// Weights from `at` on, with their gradient and their optimizer slots.
struct Piece<'a> {
    at: usize,
    w: &'a mut [f32],
    g: &'a mut [f32],
    a: &'a mut [f32],
    b: &'a mut [f32],
}

impl Piece<'_> {
    /// As [`Optimizer::step`], but for weights that are penalised or move in another way.
    fn step(self, special: &[Special], optimizer: &Optimizer, steps: u64) {
        let Piece { at, w, g, a, b } = self;
        let end = at + w.len();
        let inside = special.iter().filter_map(|special| {
            let from = special.range.start.max(at) - at;
            let to = special.range.end.min(end).checked_sub(at)?;
            (from < to).then_some((from..to, special))
        });
        let mut done = 0;
        let mut step = |from: usize, to: usize, w: &mut [f32], g: &[f32]| {
            let (a, b) = (part(a, from, to), part(b, from, to));
            optimizer.step(steps, &mut w[from..to], &g[from..to], a, b);
        };
        for (range, special) in inside {
            if let Some(regularizer) = special.regularizer {
                regularizer.add_gradient(&w[range.clone()], &mut g[range.clone()]);
            }
            if special.change == Change::Optimizer {
                continue;
            }
            step(done, range.start, w, g);
            if let Change::Moving { momentum } = special.change {
                for (w, g) in w[range.clone()].iter_mut().zip(&g[range.clone()]) {
                    *w = momentum * *w + (1.0 - momentum) * g;
                }
            }
            done = range.end;
        }
        step(done, w.len(), w, g);
    }
}

/// The pieces of an optimizer's slot, as long as those of the weights; empty ones where it has no such slot.
fn pieces(slot: &mut [f32], size: usize) -> impl Iterator<Item = &mut [f32]> {
    let empty = std::iter::repeat_with(|| -> &mut [f32] { &mut [] });
    slot.chunks_mut(size).chain(empty)
}

/// Part of a slot, if there is one.
fn part(slot: &mut [f32], from: usize, to: usize) -> &mut [f32] {
    if slot.is_empty() {
        slot
    } else {
        &mut slot[from..to]
    }
}
