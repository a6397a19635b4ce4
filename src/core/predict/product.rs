//! Products with a kernel for the steps that layers bring themselves: any number of times per row, with the same bits on
//! every CPU.

use super::freeze::Source;
use crate::kernels::aligned::{floats, floats_mut};
use crate::kernels::lanes::Line;
use crate::kernels::score::{Dense, Form, NARROW, Step, apply, product};
use crate::{Activation, Callback, Result};

/// x w + b, laid out for scoring.
#[derive(Debug)]
pub(crate) struct Product {
    dense: Dense,
    inputs: usize,
}

impl Product {
    /// Of a kernel (inputs, units) and a bias (units), which may be empty.
    pub fn new(
        kernel: &[f32],
        units: usize,
        bias: &[f32],
        callback: &mut dyn Callback,
    ) -> Result<Self> {
        let form = if units <= NARROW {
            Form::Dots
        } else {
            Form::Later
        };
        let source = Source {
            kernel,
            units,
            live: None,
            callback,
        };
        Ok(Self {
            dense: source.dense(form, bias, Activation::Linear)?,
            inputs: kernel.len() / units,
        })
    }

    /// Numbers that it takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers that it makes.
    pub fn units(&self) -> usize {
        self.dense.units
    }

    /// Fills y (units) from x (inputs); `scratch` has [`Product::scratch`] lines.
    pub fn run(&self, x: &[f32], y: &mut [f32], scratch: &mut [Line]) {
        let (padded, sums) = scratch.split_at_mut(self.padded());
        let all = floats_mut(padded);
        all[..x.len()].copy_from_slice(x);
        all[x.len()..].fill(0.0);
        product(&self.dense, padded, &mut sums[..self.sums()]);
        y.copy_from_slice(&floats(sums)[..y.len()]);
    }

    /// Lines of the input with the zeros behind it.
    fn padded(&self) -> usize {
        self.dense.rows.max(self.inputs).div_ceil(16)
    }

    fn sums(&self) -> usize {
        self.dense.bias.lines().len()
    }

    /// Lines of scratch.
    pub fn scratch(&self) -> usize {
        self.padded() + self.sums()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.dense.kernel.bytes() + self.dense.bias.bytes()
    }
}

/// The same for every step of a row (steps, channels): y = f(x w + b), or y = f(x).
#[derive(Debug)]
pub(crate) struct PerStep {
    product: Option<Product>,
    activation: Activation,
    channels: usize,
}

impl PerStep {
    /// y = f(x w + b)
    pub fn dense(product: Product, activation: Activation) -> Self {
        Self {
            channels: product.units(),
            product: Some(product),
            activation,
        }
    }

    /// y = f(x) of so many channels.
    pub fn activation(activation: Activation, channels: usize) -> Self {
        Self {
            product: None,
            activation,
            channels,
        }
    }
}

impl Step for PerStep {
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], scratch: &mut [Line]) {
        match &self.product {
            Some(product) => {
                let steps = x.chunks_exact(product.inputs());
                for (x, y) in steps.zip(y.chunks_exact_mut(self.channels)) {
                    product.run(x, y, scratch);
                }
            }
            None => y.copy_from_slice(x),
        }
        if self.activation != Activation::Linear {
            for y in y.chunks_exact_mut(self.channels) {
                apply(self.activation, y);
            }
        }
    }

    fn scratch(&self) -> usize {
        self.product.as_ref().map_or(0, Product::scratch)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.product.as_ref().map_or(0, Product::bytes)
    }
}
