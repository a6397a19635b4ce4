//! `compile`: all checks, and the only type that can `fit`.

use crate::{Callback, Loss, Metric, Optimizer, Result, Sequential};
use serde::{Deserialize, Serialize};

/// What the model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Numbers.
    Regression {
        /// Targets.
        outputs: usize,
    },
    /// Two classes, 0 and 1; 1 is the positive one.
    Binary,
    /// Three or more classes.
    Multiclass {
        /// Classes.
        classes: usize,
    },
}

/// One variable: a slice of the flat weight vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Keras's path: `dense_1/kernel`.
    pub path: String,
    /// (inputs, outputs) of a kernel, (outputs) of a bias.
    pub shape: Vec<usize>,
    /// Where it begins in [`Model::weights`].
    pub offset: usize,
}

/// A compiled model.
#[derive(Debug, Clone)]
pub struct Model {}

impl Sequential {
    /// Checks everything that can be checked before data and weights are there. Takes no memory in proportion to the parameters.
    ///
    /// `target_scale` is the target's standard deviation (1.0 when it is not standardised): mae, mse and rmse are
    /// reported in the target's own units, the loss in standardised ones.
    pub fn compile(
        &self,
        _inputs: usize,
        _task: Task,
        _optimizer: Optimizer,
        _loss: Loss,
        _metrics: Vec<Metric>,
        _target_scale: f64,
    ) -> Result<Model> {
        todo!()
    }
}

impl Model {
    /// Draws first weights from `seed`.
    pub fn initialize(&mut self, _seed: u64, _callback: &mut dyn Callback) -> Result<()> {
        todo!()
    }

    /// The description, names filled in.
    pub fn sequential(&self) -> &Sequential {
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

    /// What the model is for.
    pub fn task(&self) -> Task {
        todo!()
    }

    /// The optimizer.
    pub fn optimizer(&self) -> Optimizer {
        todo!()
    }

    /// The loss.
    pub fn loss(&self) -> Loss {
        todo!()
    }

    /// The metrics, without `loss`.
    pub fn metrics(&self) -> &[Metric] {
        todo!()
    }

    /// See [`Sequential::compile`].
    pub fn target_scale(&self) -> f64 {
        todo!()
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        todo!()
    }

    /// The variables, in the order of the weight vector.
    pub fn variables(&self) -> &[Variable] {
        todo!()
    }

    /// All weights; empty before `initialize` or `set_weights`.
    pub fn weights(&self) -> &[f32] {
        todo!()
    }

    /// Takes weights in the order of [`Model::variables`]; checks length and finiteness.
    pub fn set_weights(&mut self, _weights: Vec<f32>) -> Result<()> {
        todo!()
    }

    /// The most bytes `fit` will hold: weights, gradients, optimizer slots, activations, batch, best copy.
    pub fn memory(&self, _batch_size: usize, _keep_best: bool, _threads: usize) -> Result<u64> {
        todo!()
    }
}
