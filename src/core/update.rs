//! The step of the optimizer: sums of gradients, moments and weights in one pass over memory.

use crate::gradient::{Buffers, Crew, read};
use crate::kernels::reduce;
use crate::layer::{Change, Interrupt};
use crate::network::Special;
use crate::norms::Norms;
use crate::optimizer::{Clip, Slots, Step};
use crate::pool::lock;
use crate::weights::AT_ONCE;
use crate::{Model, Result};
use std::sync::Mutex;

/// Floats whose gradients are summed at once: they stay in the first-level cache.
pub(crate) const SUMMED: usize = 4096;

/// What is done to a gradient before the optimizer sees it.
#[derive(Clone, Copy)]
enum Clipping<'a> {
    Not,
    To(f32),
    /// The whole gradient is in the first group.
    Shortened(&'a Norms),
}

impl Buffers {
    /// Moves the weights along the gradient of the last batch.
    pub fn update(&mut self, model: &mut Model, crew: &mut Crew<'_>) -> Result<()> {
        let step = model.next_step();
        let (mut groups, norms) = self.summed();
        let clipping = match (norms, model.optimizer().clip()) {
            (Some(norms), _) => {
                norms.measure(groups, model, crew)?;
                groups = groups.get(..1).unwrap_or_default();
                Clipping::Shortened(norms)
            }
            (None, Some(Clip::Value(most))) => Clipping::To(most as f32),
            _ => Clipping::Not,
        };
        let plain = matches!(clipping, Clipping::Not);
        let parameters = model.parameters();
        let special = &model.network.special;
        let slots = pieces(model.state.slots.each_mut(), AT_ONCE);
        let all = model.weights.chunks_mut(AT_ONCE).zip(slots);
        let all = Mutex::new(all.enumerate());
        let take = |interrupt: &mut Interrupt<'_>| {
            let mut sum = [0.0; SUMMED];
            loop {
                let Some((i, (w, slots))) = lock(&all).next() else {
                    return Ok(());
                };
                let parts = w.chunks_mut(SUMMED).zip(pieces(slots, SUMMED));
                for (j, (w, slots)) in parts.enumerate() {
                    let at = i * AT_ONCE + j * SUMMED;
                    let range = at..at + w.len();
                    let [first, others @ ..] = groups else {
                        return Ok(());
                    };
                    let first = read(first);
                    let mut gradient = &first.gradient[range.clone()];
                    if !(others.is_empty() && special.is_empty() && plain) {
                        let sum = &mut sum[..w.len()];
                        sum.copy_from_slice(gradient);
                        for group in others {
                            reduce::add(sum, &read(group).gradient[range.clone()]);
                        }
                        if !(special.is_empty() && plain) {
                            let piece = Piece {
                                at,
                                w,
                                g: sum,
                                slots,
                            };
                            piece.step(special, clipping, &step);
                            continue;
                        }
                        gradient = sum;
                    }
                    step.apply(w, gradient, slots);
                }
                interrupt()?;
            }
        };
        share(crew, parameters, take)?;
        drop(all);
        constrain(model, crew)
    }
}

/// Brings the variables that are constrained to where they have to be; each is the work of one thread.
fn constrain(model: &mut Model, crew: &mut Crew<'_>) -> Result<()> {
    if model.network.constrained.is_empty() {
        return Ok(());
    }
    let parameters = model.parameters();
    let (mut rest, mut at) = (model.weights.as_mut_slice(), 0);
    let all = model.network.constrained.iter().map(move |it| {
        let (_, from) = std::mem::take(&mut rest).split_at_mut(it.range.start - at);
        let (w, behind) = from.split_at_mut(it.range.len());
        (rest, at) = (behind, it.range.end);
        (it, w)
    });
    let all = Mutex::new(all);
    let take = |interrupt: &mut Interrupt<'_>| {
        loop {
            let Some((it, w)) = lock(&all).next() else {
                return Ok(());
            };
            it.constraint.apply(w, &it.shape, interrupt)?;
        }
    };
    share(crew, parameters, take)
}

/// Lets the crew `take` pieces of so many parameters until none is left.
pub(crate) fn share(
    crew: &mut Crew<'_>,
    parameters: usize,
    take: impl Fn(&mut Interrupt<'_>) -> Result<()> + Sync,
) -> Result<()> {
    match crew {
        Crew::Together {
            pool,
            helpers,
            callback,
            ..
        } if parameters > AT_ONCE => {
            let helpers = (*helpers).min(parameters / AT_ONCE);
            pool.share(helpers, &take, &mut **callback, |_, callback| {
                take(&mut || callback.check())
            })
        }
        Crew::Together { callback, .. } => take(&mut || callback.check()),
        Crew::Alone(interrupt) => take(interrupt),
    }
}

/// Weights from `at` on, with their gradient and their optimizer slots.
struct Piece<'a> {
    at: usize,
    w: &'a mut [f32],
    g: &'a mut [f32],
    slots: Slots<'a>,
}

impl Piece<'_> {
    /// As [`Step::apply`], but for weights that are penalised or move in another way, or whose gradient is clipped.
    fn step(self, special: &[Special], clipping: Clipping<'_>, step: &Step) {
        let Piece {
            at,
            w,
            g,
            mut slots,
        } = self;
        let end = at + w.len();
        let inside = special.iter().filter_map(|special| {
            let from = special.range.start.max(at) - at;
            let to = special.range.end.min(end).checked_sub(at)?;
            (from < to).then_some((from..to, special))
        });
        // A gradient whose norm is known has the penalties in it.
        if let Clipping::Not | Clipping::To(_) = clipping {
            for (range, special) in inside.clone() {
                if let Some(regularizer) = special.regularizer {
                    regularizer.add_gradient(&w[range.clone()], &mut g[range]);
                }
            }
        }
        let mut done = 0;
        let mut move_by = |from: usize, to: usize, w: &mut [f32], g: &mut [f32]| {
            let (w, g) = (&mut w[from..to], &mut g[from..to]);
            match clipping {
                Clipping::Not => {}
                Clipping::To(most) => reduce::clip(g, most),
                Clipping::Shortened(norms) => norms.shorten(at + from, g),
            }
            let slots = slots.each_mut().map(|slot| part(slot, from, to));
            step.apply(w, g, slots);
        };
        for (range, special) in inside {
            if special.change == Change::Optimizer {
                continue;
            }
            move_by(done, range.start, w, g);
            if let Change::Moving { momentum } = special.change {
                for (w, g) in w[range.clone()].iter_mut().zip(&g[range.clone()]) {
                    *w = momentum * *w + (1.0 - momentum) * g;
                }
            }
            done = range.end;
        }
        move_by(done, w.len(), w, g);
    }
}

/// The pieces of an optimizer's slots, as long as those of the weights; empty ones where it has no such slot.
fn pieces<'a, T>(slots: [&'a mut T; 3], size: usize) -> impl Iterator<Item = Slots<'a>>
where
    T: AsMut<[f32]> + ?Sized,
{
    let mut all = slots.map(|slot| slot.as_mut().chunks_mut(size));
    std::iter::repeat_with(move || {
        let pieces = all.each_mut();
        pieces.map(|slot| slot.next().unwrap_or_default())
    })
}

/// Part of a slot, if there is one.
fn part(slot: &mut [f32], from: usize, to: usize) -> &mut [f32] {
    if slot.is_empty() {
        slot
    } else {
        &mut slot[from..to]
    }
}
