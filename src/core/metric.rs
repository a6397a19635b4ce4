//! Metrics.

use crate::{Result, Task};

/// A metric by its short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The loss itself, which is always reported: `loss`
    Loss,
    /// Mean absolute error: `mae`
    Mae,
    /// Mean squared error: `mse`
    Mse,
    /// Root of the mean squared error: `rmse`
    Rmse,
    /// Coefficient of determination: `r2`
    R2,
    /// Share of right classes: `accuracy`
    Accuracy,
    /// Area under the ROC curve of a binary target: `auc`
    Auc,
}

impl Metric {
    /// Reads a short name or Keras's long one.
    pub fn parse(_text: &str) -> Result<Metric> {
        todo!()
    }

    /// The short name.
    pub fn name(&self) -> &'static str {
        todo!()
    }

    /// Whether this metric can be taken of `task`; an error that says why not.
    pub fn check(&self, _task: Task) -> Result<()> {
        todo!()
    }

    /// Every metric that fits `task`, without the loss.
    pub fn all(_task: Task) -> Vec<Metric> {
        todo!()
    }
}

/// A metric being taken, batch by batch.
#[derive(Debug, Clone)]
pub struct MetricState {}

impl MetricState {
    /// A state for final outputs (probabilities, not logits) `outputs` wide; `target_scale` turns standardised errors into the target's units.
    pub fn new(
        _metric: Metric,
        _task: Task,
        _outputs: usize,
        _target_scale: f64,
    ) -> Result<MetricState> {
        todo!()
    }

    /// Takes in `rows` rows: `predictions` (rows, outputs) and `targets` (rows, targets), as in [`crate::Batch`].
    pub fn update(&mut self, _predictions: &[f32], _targets: &[f32], _rows: usize) {
        todo!()
    }

    /// The metric of all rows so far; NaN where it is undefined (no rows, one class, a constant target).
    pub fn result(&self) -> f64 {
        todo!()
    }

    /// Forgets all rows.
    pub fn reset(&mut self) {
        todo!()
    }
}
