//! A recurrent layer frozen for scoring: one row, step by step.

use super::{Cell, Forth, Recurrence, Weights};
use crate::kernels::aligned::floats_mut;
use crate::kernels::lanes::Line;
use crate::kernels::score::{Step, apply};
use crate::predict::Product;
use crate::{Callback, Result, Shape};

/// A recurrent layer frozen for scoring.
#[derive(Debug)]
struct Walk<C> {
    cell: C,
    settings: Recurrence,
    steps: usize,
    kernel: Product,
    recurrent: Product,
}

/// Freezes a layer with rows of shape `input`.
pub(super) fn freeze<C: Cell + 'static>(
    cell: C,
    settings: &Recurrence,
    input: Shape,
    weights: &[f32],
    callback: &mut dyn Callback,
) -> Result<Box<dyn Step>> {
    let (units, wide) = (settings.units, C::GATES * settings.units);
    let weights = Weights::split(weights, input.last(), units, wide);
    let bias = weights.bias.unwrap_or_default();
    let recurrent_bias = weights.recurrent_bias.unwrap_or_default();
    Ok(Box::new(Walk {
        cell,
        settings: settings.clone(),
        steps: input.leading(),
        kernel: Product::new(weights.kernel, wide, bias, callback)?,
        recurrent: Product::new(weights.recurrent, wide, recurrent_bias, callback)?,
    }))
}

impl<C: Cell> Walk<C> {
    /// Floats of the buffers of one step: gates, recurrent, h before, h, kept before, kept.
    fn floats(&self) -> [usize; 6] {
        let units = self.settings.units;
        let (wide, kept) = (C::GATES * units, self.cell.kept() * units);
        [wide, wide, units, units, kept, kept]
    }
}

impl<C: Cell> Step for Walk<C> {
    fn run(&self, x: &[f32], mask: Option<&[f32]>, y: &mut [f32], scratch: &mut [Line]) {
        let lines = self.kernel.scratch().max(self.recurrent.scratch());
        let (scratch, own) = scratch.split_at_mut(lines);
        let mut rest = floats_mut(own);
        let [
            gates,
            recurrent,
            mut before,
            mut h,
            mut kept_before,
            mut kept,
        ] = self.floats().map(|size| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
            rest = after;
            part
        });
        let (units, channels) = (self.settings.units, self.kernel.inputs());
        before.fill(0.0);
        kept_before.fill(0.0);
        let mut answered = true;
        for t in 0..self.steps {
            // What is not there leaves everything as it is.
            let missing = self.settings.misses(mask, 0, t, self.steps);
            answered = !(missing && self.settings.zero_output_for_mask);
            if missing {
                if self.settings.return_sequences {
                    let y = &mut y[t * units..][..units];
                    y.copy_from_slice(before);
                    if !answered {
                        y.fill(0.0);
                    }
                }
                continue;
            }
            let from = self.settings.step(t, self.steps);
            self.kernel
                .run(&x[from * channels..][..channels], gates, scratch);
            self.recurrent.run(before, recurrent, scratch);
            if self.cell.resets() {
                self.cell.reset(gates, recurrent, before, kept, apply);
                self.recurrent.run(kept, recurrent, scratch);
            }
            self.cell.forward(
                Forth {
                    gates: &mut *gates,
                    recurrent: &*recurrent,
                    before: &*before,
                    kept_before: if t == 0 { &[] } else { &*kept_before },
                    kept: &mut *kept,
                    h: &mut *h,
                },
                apply,
            );
            if self.settings.return_sequences {
                y[t * units..][..units].copy_from_slice(h);
            }
            std::mem::swap(&mut before, &mut h);
            std::mem::swap(&mut kept_before, &mut kept);
        }
        if !self.settings.return_sequences {
            y.copy_from_slice(before);
            if !answered {
                y.fill(0.0);
            }
        }
    }

    fn scratch(&self) -> usize {
        let own: usize = self.floats().iter().sum();
        self.kernel.scratch().max(self.recurrent.scratch()) + own.div_ceil(16)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.kernel.bytes() + self.recurrent.bytes()
    }
}
