//! The frozen network for scoring one row at a time.

use crate::{Model, Result};

/// A model's arithmetic on flat buffers, without optimizer or gradients.
#[derive(Debug)]
pub struct Plan {}

/// The buffers one caller of [`Plan::run`] needs.
#[derive(Debug, Clone)]
pub struct PlanScratch {}

impl PlanScratch {
    /// Where the encoded row goes, `inputs` wide.
    pub fn input_mut(&mut self) -> &mut [f32] {
        todo!()
    }
}

impl Plan {
    /// Freezes a model that has weights.
    pub fn new(_model: &Model) -> Result<Plan> {
        todo!()
    }

    /// Bytes this plan holds.
    pub fn bytes(&self) -> usize {
        todo!()
    }

    /// Bytes a plan of `model` would hold, before it is built.
    pub fn bytes_of(_model: &Model) -> Result<u64> {
        todo!()
    }

    /// New buffers for [`Plan::run`].
    pub fn scratch(&self) -> PlanScratch {
        todo!()
    }

    /// Width of a row.
    pub fn inputs(&self) -> usize {
        todo!()
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        todo!()
    }

    /// Scores the row in `scratch`: probabilities for class targets, else the (standardised) value. Allocates nothing.
    pub fn run<'s>(&self, _scratch: &'s mut PlanScratch) -> &'s [f32] {
        todo!()
    }

    /// The model's loss for the row last run, in its stable form, against `target` as in [`crate::Batch`].
    pub fn loss(&self, _scratch: &PlanScratch, _target: &[f32]) -> f64 {
        todo!()
    }
}
