//! The products of a dense layer by themselves, for bench/core to compare with other libraries.

use crate::kernels::matmul;
use crate::weights::room;
use crate::{Error, ErrorKind, Result};

/// The products of a (inputs, units) kernel, and their scratch.
#[derive(Debug)]
pub struct Products {
    inputs: usize,
    units: usize,
    scratch: Vec<f32>,
}

impl Products {
    /// Products of a kernel of this shape; `units` of 2 at least.
    pub fn new(inputs: usize, units: usize) -> Result<Products> {
        let floats = matmul::scratch(inputs, units).filter(|_| inputs > 0 && units > 1);
        let Some(floats) = floats else {
            return Err(Error::new(ErrorKind::LimitExceeded, "not a kernel"));
        };
        let mut scratch = room(floats)?;
        scratch.resize(floats, 0.0);
        Ok(Products {
            inputs,
            units,
            scratch,
        })
    }

    /// z (rows, units) = x (rows, inputs) w. Panics where the shapes do not fit, as the others do.
    pub fn forward(&mut self, x: &[f32], w: &[f32], z: &mut [f32]) {
        let (k, n) = (self.inputs, self.units);
        let (rows, scratch) = (x.len() / k, &mut self.scratch);
        // Without an interrupt there is no error.
        let _ = matmul::forward(rows, k, n, x, w, None, false, z, scratch, &mut || Ok(()));
    }

    /// dw = x' dz
    pub fn weight_gradient(&mut self, x: &[f32], dz: &[f32], dw: &mut [f32]) {
        let (k, n) = (self.inputs, self.units);
        let (rows, scratch) = (x.len() / k, &mut self.scratch);
        let _ = matmul::weight_gradient(rows, k, n, x, dz, dw, false, scratch, &mut || Ok(()));
    }

    /// dx = dz w'
    pub fn input_gradient(&mut self, dz: &[f32], w: &[f32], dx: &mut [f32]) {
        let (k, n) = (self.inputs, self.units);
        let (rows, scratch) = (dz.len() / n, &mut self.scratch);
        let _ = matmul::input_gradient(rows, k, n, dz, w, None, dx, scratch, &mut || Ok(()));
    }
}
