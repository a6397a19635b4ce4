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

            named!(settings.name, settings.trainable);

            fn output(&self, input: $crate::Shape) -> $crate::Result<$crate::Shape> {
                super::output($class, &self.settings, input)
            }

            fn mask(&self, input: $crate::Shape, mask: Option<&[usize]>) -> $crate::Result<bool> {
                $crate::layer::check_steps($class, input, mask)?;
                Ok(mask.is_some() && self.settings.return_sequences)
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
                let step =
                    super::frozen::freeze(self.cell(), &self.settings, input, weights, callback)?;
                Ok(Some($crate::predict::Frozen::Own(step)))
            }

            fn work(&self, input: $crate::Shape) -> usize {
                super::work(&self.cell(), input, self.settings.units)
            }

            fn stash(&self, input: $crate::Shape) -> usize {
                super::Places::of(&self.cell(), &self.settings, input, 1)
                    .sizes()
                    .iter()
                    .sum()
            }

            fn scratch(&self, input: $crate::Shape) -> Option<usize> {
                super::scratch(&self.cell(), input, self.settings.units)
            }

            fn forward(&self, pass: $crate::layer::Forward<'_>) -> $crate::Result<()> {
                super::walk::forward(&self.cell(), &self.settings, pass)
            }

            fn backward(&self, pass: $crate::layer::Backward<'_>) -> $crate::Result<()> {
                super::walk::backward(&self.cell(), &self.settings, pass)
            }
        }
    };
}
mod frozen;
mod gru;
mod lstm;
mod settings;
mod simple;
mod walk;

pub use gru::Gru;
pub use lstm::Lstm;
pub use simple::SimpleRnn;

use super::pooling::steps_and_channels;
use super::{Interrupt, Pace};
use crate::kernels::matmul;
use crate::{Activation, Result, Shape};
pub use settings::Recurrence;

/// How a function of the units is computed: over many rows while training, exactly when scoring.
pub(crate) type Apply = fn(Activation, &mut [f32]);

/// What one step of one row makes of its gates. Slices have `units` numbers, `gates` and `recurrent` so many times more.
pub(crate) trait Cell: std::fmt::Debug + Send + Sync {
    /// Gates: how often the kernel is as wide as the layer.
    const GATES: usize;
    /// The gradient of what the recurrent kernel made is another one than that of what the kernel made.
    const APART: bool;

    /// Numbers per unit, besides the gates and the output, that the way back needs of every step, or the next step of this.
    fn kept(&self) -> usize {
        0
    }

    /// Whether the output of the step before goes through [`Cell::reset`] and then through the recurrent kernel once more.
    fn resets(&self) -> bool {
        false
    }

    /// From x W + b in `gates` and h U in `recurrent` to what goes through the recurrent kernel once more, in `kept`.
    fn reset(
        &self,
        _gates: &mut [f32],
        _recurrent: &[f32],
        _h: &[f32],
        _kept: &mut [f32],
        _f: Apply,
    ) {
    }

    /// From x W + b in `gates` and h U in `recurrent` to the output `h`. The gates stay as they are used.
    fn forward(&self, step: Forth<'_>, f: Apply);

    /// The way back: `gates` become the gradient of x W + b.
    fn backward(&self, step: Back<'_>);

    /// The way back through [`Cell::reset`], after [`Cell::backward`]. `through`: in: the gradient of what it kept; out: that
    /// of h. `recurrent` becomes the gradient of h U.
    fn reset_back(
        &self,
        _gates: &mut [f32],
        _recurrent: &mut [f32],
        _h: &[f32],
        _through: &mut [f32],
    ) {
    }
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
    /// Whether inputs, and outputs on their way to the next step, are dropped while training.
    drops: [bool; 2],
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
    /// The factors of x (rows, channels) and of h (rows, units), the same for every step; empty where nothing is dropped.
    x_mask: &'a mut [f32],
    h_mask: &'a mut [f32],
    /// h (steps, rows, units) times its factors
    masked: &'a mut [f32],
}

impl Places {
    fn of<C: Cell>(cell: &C, settings: &Recurrence, input: Shape, rows: usize) -> Self {
        let units = settings.units;
        Self {
            rows,
            steps: input.leading(),
            channels: input.last(),
            units,
            wide: C::GATES * units,
            kept: cell.kept() * units,
            apart: C::APART,
            drops: [settings.dropout > 0.0, settings.recurrent_dropout > 0.0],
        }
    }

    /// Floats of each part of the stash, per row.
    fn sizes(&self) -> [usize; 11] {
        let recurrent = if self.apart { self.steps } else { 1 };
        let [drops_x, drops_h] = self.drops.map(usize::from);
        [
            self.steps * self.channels,
            self.steps * self.wide,
            self.steps * self.units,
            self.steps * self.kept,
            recurrent * self.wide,
            self.units,
            self.units,
            self.units,
            drops_x * self.channels,
            drops_h * self.units,
            drops_h * self.steps * self.units,
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
            x_mask: take(8),
            h_mask: take(9),
            masked: take(10),
        }
    }

    /// Copies step by step (steps, rows, width) to row by row (rows, steps, width).
    fn row_by_row(
        &self,
        width: usize,
        from: &[f32],
        to: &mut [f32],
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        let mut pace = Pace::default();
        for t in 0..self.steps {
            for r in 0..self.rows {
                let step = &from[(t * self.rows + r) * width..][..width];
                to[(r * self.steps + t) * width..][..width].copy_from_slice(step);
                pace.step(width, interrupt)?;
            }
        }
        Ok(())
    }
}

/// The least work of a unit's step: its functions are worth as many multiply-adds.
const LEAST: usize = 64;

/// Multiply-adds of a row.
pub(crate) fn work<C: Cell>(cell: &C, input: Shape, units: usize) -> usize {
    let recurrent = units.saturating_mul(1 + usize::from(cell.resets()));
    let inputs = input.last().saturating_add(recurrent);
    let products = inputs.saturating_mul(C::GATES).saturating_add(LEAST);
    products
        .saturating_mul(units)
        .saturating_mul(input.leading())
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

/// The shape of the output, or an error that names the layer.
pub(crate) fn output(layer: &str, settings: &Recurrence, input: Shape) -> Result<Shape> {
    let (steps, _) = steps_and_channels(layer, input)?;
    if settings.return_sequences {
        Shape::new(&[steps, settings.units])
    } else {
        Shape::new(&[settings.units])
    }
}
