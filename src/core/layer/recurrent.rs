//! Recurrent layers over rows of (steps, channels). What is special to each is its [`Cell`]; walking along the steps, forth
//! and back, is the same for all.
//!
//! All steps of a shard lie step by step, so that what belongs to one step is one matrix (rows, ..): the products with the
//! kernel are one for all steps, those with the recurrent kernel one per step.

/// What a recurrent layer is as a [`crate::layer::Kind`]: all but its settings and its cell is the same.
macro_rules! recurrent_kind {
    ($layer:ident, $class:literal) => {
        impl $crate::layer::Kind for $layer {
            fn known_settings() -> &'static [&'static str] {
                Self::known()
            }

            fn from_config(
                name: Option<String>,
                config: &$crate::config::Config,
            ) -> $crate::Result<Self> {
                Self::read(name, config)
            }

            fn settings(&self) -> serde_json::Map<String, serde_json::Value> {
                self.write()
            }

            fn check(&self) -> $crate::Result<()> {
                self.settings.check($class)
            }

            named!(settings.name);

            fn output(&self, input: $crate::Shape) -> $crate::Result<$crate::Shape> {
                super::output($class, &self.settings, input)
            }

            fn variables(&self, input: $crate::Shape) -> Vec<$crate::layer::VariableSpec> {
                self.all_variables(input)
            }

            fn freeze<'w>(
                &self,
                input: $crate::Shape,
                weights: &'w [f32],
                callback: &mut dyn $crate::Callback,
            ) -> $crate::Result<Option<$crate::predict::Frozen<'w>>> {
                let step = super::freeze(self.cell(), &self.settings, input, weights, callback)?;
                Ok(Some($crate::predict::Frozen::Own(step)))
            }

            fn work(&self, input: $crate::Shape) -> usize {
                super::work(&self.cell(), input, self.settings.units)
            }

            fn stash(&self, input: $crate::Shape) -> usize {
                super::stash(&self.cell(), input, self.settings.units)
            }

            fn scratch(&self, input: $crate::Shape) -> Option<usize> {
                super::scratch(&self.cell(), input, self.settings.units)
            }

            fn forward(&self, pass: $crate::layer::Forward<'_>) -> $crate::Result<()> {
                super::forward(&self.cell(), &self.settings, pass)
            }

            fn backward(&self, pass: $crate::layer::Backward<'_>) -> $crate::Result<()> {
                super::backward(&self.cell(), &self.settings, pass)
            }
        }
    };
}
mod gru;
mod lstm;
mod settings;
mod simple;

pub use gru::Gru;
pub use lstm::Lstm;
pub use simple::SimpleRnn;

use super::pooling::steps_and_channels;
use super::{Backward, Forward};
use crate::kernels::aligned::floats_mut;
use crate::kernels::lanes::Line;
use crate::kernels::score::{Step, apply};
use crate::kernels::{activate, matmul, reduce};
use crate::predict::Product;
use crate::{Activation, Callback, Result, Shape};
pub use settings::Recurrence;

/// How a function of the units is computed: over many rows while training, exactly when scoring.
pub(crate) type Apply = fn(Activation, &mut [f32]);

/// What one step of one row makes of its gates. Slices have `units` numbers, `gates` and `recurrent` so many times more.
pub(crate) trait Cell: std::fmt::Debug + Send + Sync {
    /// Gates: how often the kernel is as wide as the layer.
    const GATES: usize;
    /// Numbers per unit, besides the gates and the output, that the way back needs of every step, or the next step of this.
    const KEPT: usize;
    /// The gradient of what the recurrent kernel made is another one than that of what the kernel made.
    const APART: bool;

    /// From x W + b in `gates` and h U in `recurrent` to the output `h`. The gates stay as they are used.
    fn forward(&self, step: Forth<'_>, f: Apply);

    /// The way back: `gates` become the gradient of x W + b.
    fn backward(&self, step: Back<'_>);
}

/// One step of one row.
pub(crate) struct Forth<'a> {
    pub gates: &'a mut [f32],
    /// h U, with a bias where the cell has one for it
    pub recurrent: &'a [f32],
    /// The output of the step before.
    pub before: &'a [f32],
    /// What the step before kept, and what this one does.
    pub kept_before: &'a [f32],
    pub kept: &'a mut [f32],
    pub h: &'a mut [f32],
}

/// The same on the way back.
pub(crate) struct Back<'a> {
    /// In: as used. Out: the gradient of x W + b.
    pub gates: &'a mut [f32],
    /// Where gradients are apart: in: as in [`Forth`]; out: the gradient of it.
    pub recurrent: &'a mut [f32],
    pub before: &'a [f32],
    pub kept_before: &'a [f32],
    pub kept: &'a [f32],
    pub h: &'a [f32],
    /// In: the gradient of h. Out: that of the output before, as far as it does not come through U.
    pub dh: &'a mut [f32],
    /// The gradient of what is carried from step to step besides the output; for the cell to use.
    pub carried: &'a mut [f32],
}

/// Where everything of a shard lies in its stash.
struct Places {
    rows: usize,
    steps: usize,
    channels: usize,
    units: usize,
    /// Width of the gates.
    wide: usize,
    kept: usize,
    apart: bool,
}

/// The stash of a shard, taken apart.
struct Stash<'a> {
    /// (steps, rows, channels)
    x: &'a mut [f32],
    /// (steps, rows, gates)
    gates: &'a mut [f32],
    /// (steps, rows, units)
    h: &'a mut [f32],
    /// (steps, rows, kept)
    kept: &'a mut [f32],
    /// (rows, gates), or (steps, rows, gates) where gradients are apart
    recurrent: &'a mut [f32],
    /// (rows, units) each
    dh: &'a mut [f32],
    carried: &'a mut [f32],
    next: &'a mut [f32],
}

impl Places {
    fn of<C: Cell>(input: Shape, units: usize, rows: usize) -> Self {
        Self {
            rows,
            steps: input.leading(),
            channels: input.last(),
            units,
            wide: C::GATES * units,
            kept: C::KEPT * units,
            apart: C::APART,
        }
    }

    /// Floats of each part of the stash, per row.
    fn sizes(&self) -> [usize; 8] {
        let recurrent = if self.apart { self.steps } else { 1 };
        [
            self.steps * self.channels,
            self.steps * self.wide,
            self.steps * self.units,
            self.steps * self.kept,
            recurrent * self.wide,
            self.units,
            self.units,
            self.units,
        ]
    }

    fn split<'a>(&self, stash: &'a mut [f32]) -> Stash<'a> {
        let mut rest = stash;
        let mut parts = self.sizes().map(|size| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(size * self.rows);
            rest = after;
            Some(part)
        });
        let mut take = |i: usize| parts[i].take().unwrap_or_default();
        Stash {
            x: take(0),
            gates: take(1),
            h: take(2),
            kept: take(3),
            recurrent: take(4),
            dh: take(5),
            carried: take(6),
            next: take(7),
        }
    }

    /// Copies step by step (steps, rows, width) to row by row (rows, steps, width).
    fn row_by_row(&self, width: usize, from: &[f32], to: &mut [f32]) {
        for t in 0..self.steps {
            for r in 0..self.rows {
                let step = &from[(t * self.rows + r) * width..][..width];
                to[(r * self.steps + t) * width..][..width].copy_from_slice(step);
            }
        }
    }
}

/// Steps that are copied between two looks at the interrupt.
const OFTEN: usize = 1 << 10;

/// The least work of a unit's step: its functions are worth as many multiply-adds.
const LEAST: usize = 64;

/// Multiply-adds of a row.
pub(crate) fn work<C: Cell>(_cell: &C, input: Shape, units: usize) -> usize {
    let inputs = input.last().saturating_add(units);
    let products = inputs.saturating_mul(C::GATES).saturating_add(LEAST);
    products
        .saturating_mul(units)
        .saturating_mul(input.leading())
}

/// Floats per row for the way back.
pub(crate) fn stash<C: Cell>(_cell: &C, input: Shape, units: usize) -> usize {
    Places::of::<C>(input, units, 1).sizes().iter().sum()
}

/// Floats of scratch for the products.
pub(crate) fn scratch<C: Cell>(_cell: &C, input: Shape, units: usize) -> Option<usize> {
    let wide = units.checked_mul(C::GATES)?;
    Some(matmul::scratch(input.last(), wide)?.max(matmul::scratch(units, wide)?))
}

/// The variables: kernel (channels, gates), recurrent kernel (units, gates), bias (gates), recurrent bias.
struct Weights<'a> {
    kernel: &'a [f32],
    recurrent: &'a [f32],
    bias: Option<&'a [f32]>,
    recurrent_bias: Option<&'a [f32]>,
}

impl<'a> Weights<'a> {
    fn split(all: &'a [f32], channels: usize, units: usize, wide: usize) -> Self {
        let (kernel, rest) = all.split_at(channels * wide);
        let (recurrent, rest) = rest.split_at(units * wide);
        let (bias, rest) = rest.split_at(wide.min(rest.len()));
        let some = |bias: &'a [f32]| (!bias.is_empty()).then_some(bias);
        Self {
            kernel,
            recurrent,
            bias: some(bias),
            recurrent_bias: some(rest),
        }
    }
}

/// A pass over many rows: functions of the kernels.
fn training(activation: Activation, z: &mut [f32]) {
    let width = z.len();
    activate::forward(activation, width, z);
}

/// Forward over a shard.
pub(crate) fn forward<C: Cell>(cell: &C, settings: &Recurrence, pass: Forward<'_>) -> Result<()> {
    let (units, width) = (settings.units, pass.input.width());
    let rows = pass.x.len() / width;
    let places = Places::of::<C>(pass.input, units, rows);
    let (steps, channels, wide) = (places.steps, places.channels, places.wide);
    let weights = Weights::split(pass.weights, channels, units, wide);
    let stash = places.split(pass.stash);
    for t in 0..steps {
        let from = settings.step(t, steps);
        for (x, to) in pass
            .x
            .chunks_exact(width)
            .zip(stash.x[t * rows * channels..].chunks_exact_mut(channels))
        {
            to.copy_from_slice(&x[from * channels..][..channels]);
        }
        if t % OFTEN == 0 {
            (pass.interrupt)()?;
        }
    }
    matmul::forward(
        steps * rows,
        channels,
        wide,
        stash.x,
        weights.kernel,
        weights.bias,
        false,
        stash.gates,
        pass.scratch,
        pass.interrupt,
    )?;
    // What the first step has before it.
    stash.next.fill(0.0);
    let zeros = &*stash.next;
    for t in 0..steps {
        let recurrent = if places.apart {
            &mut stash.recurrent[t * rows * wide..][..rows * wide]
        } else {
            &mut stash.recurrent[..rows * wide]
        };
        let (h_before, h) = stash.h.split_at_mut(t * rows * units);
        let (kept_before, kept) = stash.kept.split_at_mut(t * rows * places.kept);
        let before = if t == 0 {
            zeros
        } else {
            &h_before[(t - 1) * rows * units..]
        };
        matmul::forward(
            rows,
            units,
            wide,
            before,
            weights.recurrent,
            weights.recurrent_bias,
            false,
            recurrent,
            pass.scratch,
            pass.interrupt,
        )?;
        (pass.interrupt)()?;
        let gates = &mut stash.gates[t * rows * wide..];
        for r in 0..rows {
            cell.forward(
                Forth {
                    gates: &mut gates[r * wide..][..wide],
                    recurrent: &recurrent[r * wide..][..wide],
                    before: &before[r * units..][..units],
                    kept_before: if t == 0 {
                        &zeros[..0]
                    } else {
                        &kept_before[((t - 1) * rows + r) * places.kept..][..places.kept]
                    },
                    kept: &mut kept[r * places.kept..][..places.kept],
                    h: &mut h[r * units..][..units],
                },
                training,
            );
        }
    }
    if settings.return_sequences {
        places.row_by_row(units, stash.h, pass.y);
    } else {
        pass.y
            .copy_from_slice(&stash.h[(steps - 1) * rows * units..]);
    }
    (pass.interrupt)()
}

/// Back through a shard.
pub(crate) fn backward<C: Cell>(cell: &C, settings: &Recurrence, pass: Backward<'_>) -> Result<()> {
    let (units, width) = (settings.units, pass.input.width());
    let rows = pass.x.len() / width;
    let places = Places::of::<C>(pass.input, units, rows);
    let (steps, channels, wide) = (places.steps, places.channels, places.wide);
    let weights = Weights::split(pass.weights, channels, units, wide);
    let stash = places.split(pass.stash);
    let (dh, next) = (stash.dh, stash.next);
    stash.carried.fill(0.0);
    dh.fill(0.0);
    for t in (0..steps).rev() {
        if settings.return_sequences {
            for r in 0..rows {
                let dy = &pass.dy[(r * steps + t) * units..][..units];
                for (dh, dy) in dh[r * units..][..units].iter_mut().zip(dy) {
                    *dh += dy;
                }
            }
        } else if t + 1 == steps {
            dh.copy_from_slice(pass.dy);
        }
        let gates = &mut stash.gates[t * rows * wide..][..rows * wide];
        let at = if places.apart { t * rows * wide } else { 0 };
        let recurrent = &mut stash.recurrent[at..][..rows * wide];
        next.fill(0.0);
        (pass.interrupt)()?;
        for r in 0..rows {
            let here = (t * rows + r) * units;
            let kept = (t * rows + r) * places.kept;
            cell.backward(Back {
                gates: &mut gates[r * wide..][..wide],
                recurrent: &mut recurrent[r * wide..][..wide],
                before: if t == 0 {
                    &next[..units]
                } else {
                    &stash.h[here - rows * units..][..units]
                },
                kept_before: if t == 0 {
                    &[]
                } else {
                    &stash.kept[kept - rows * places.kept..][..places.kept]
                },
                kept: &stash.kept[kept..][..places.kept],
                h: &stash.h[here..][..units],
                dh: &mut dh[r * units..][..units],
                carried: &mut stash.carried[r * units..][..units],
            });
        }
        if t > 0 {
            let through = if places.apart { &*recurrent } else { &*gates };
            matmul::input_gradient(
                rows,
                units,
                wide,
                through,
                weights.recurrent,
                None,
                next,
                pass.scratch,
                pass.interrupt,
            )?;
            for (dh, next) in dh.iter_mut().zip(&*next) {
                *dh += next;
            }
        }
    }
    let (dw, rest) = pass.gradient.split_at_mut(channels * wide);
    let (du, rest) = rest.split_at_mut(units * wide);
    let (db, db_recurrent) = rest.split_at_mut(if rest.is_empty() { 0 } else { wide });
    let all = &*stash.gates;
    let through = if places.apart { &*stash.recurrent } else { all };
    if !db.is_empty() {
        reduce::column_sums(all, wide, db, pass.add);
    }
    if !db_recurrent.is_empty() {
        reduce::column_sums(through, wide, db_recurrent, pass.add);
    }
    matmul::weight_gradient(
        steps * rows,
        channels,
        wide,
        stash.x,
        all,
        dw,
        pass.add,
        pass.scratch,
        pass.interrupt,
    )?;
    if steps > 1 {
        let later = &through[rows * wide..];
        matmul::weight_gradient(
            (steps - 1) * rows,
            units,
            wide,
            &stash.h[..(steps - 1) * rows * units],
            later,
            du,
            pass.add,
            pass.scratch,
            pass.interrupt,
        )?;
    } else if !pass.add {
        du.fill(0.0);
    }
    let Some(dx) = pass.dx else {
        return (pass.interrupt)();
    };
    matmul::input_gradient(
        steps * rows,
        channels,
        wide,
        all,
        weights.kernel,
        None,
        stash.x,
        pass.scratch,
        pass.interrupt,
    )?;
    for t in 0..steps {
        let to = settings.step(t, steps);
        for (dx, from) in dx
            .chunks_exact_mut(width)
            .zip(stash.x[t * rows * channels..].chunks_exact(channels))
        {
            dx[to * channels..][..channels].copy_from_slice(from);
        }
        if t % OFTEN == 0 {
            (pass.interrupt)()?;
        }
    }
    (pass.interrupt)()
}

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
pub(crate) fn freeze<C: Cell + 'static>(
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
        let (wide, kept) = (C::GATES * units, C::KEPT * units);
        [wide, wide, units, units, kept, kept]
    }
}

impl<C: Cell> Step for Walk<C> {
    fn run(&self, x: &[f32], y: &mut [f32], scratch: &mut [Line]) {
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
        for t in 0..self.steps {
            let from = self.settings.step(t, self.steps);
            self.kernel
                .run(&x[from * channels..][..channels], gates, scratch);
            self.recurrent.run(before, recurrent, scratch);
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

/// The shape of the output, or an error that names the layer.
pub(crate) fn output(layer: &str, settings: &Recurrence, input: Shape) -> Result<Shape> {
    let (steps, _) = steps_and_channels(layer, input)?;
    if settings.return_sequences {
        Shape::new(&[steps, settings.units])
    } else {
        Shape::new(&[settings.units])
    }
}
