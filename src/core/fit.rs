//! `fit` and `evaluate`.

use crate::{Batches, Callback, EarlyStopping, History, Model, Pool, Result};

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Passes over the training rows.
    pub epochs: u32,
    /// Rows per step.
    pub batch_size: usize,
    /// A new order every epoch.
    pub shuffle: bool,
    /// Seed of shuffling and dropout.
    pub seed: u64,
    /// When to stop early.
    pub early_stopping: Option<EarlyStopping>,
    /// Stop after the batch in which this has passed.
    pub max_seconds: Option<f64>,
}

/// What `evaluate` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Mean loss.
    pub loss: f64,
    /// The metrics of `compile`, by name.
    pub metrics: Vec<(String, f64)>,
}

impl Model {
    /// Trains (Keras: `model.fit`).
    pub fn fit(
        &mut self,
        _train: &mut dyn Batches,
        _validation: Option<&mut dyn Batches>,
        _options: &FitOptions,
        _callback: &mut dyn Callback,
        _pool: &Pool,
    ) -> Result<History> {
        todo!()
    }

    /// Loss and metrics of rows the model does not learn from (Keras: `model.evaluate`).
    pub fn evaluate(
        &self,
        _data: &mut dyn Batches,
        _batch_size: usize,
        _callback: &mut dyn Callback,
        _pool: &Pool,
    ) -> Result<Evaluated> {
        todo!()
    }
}
