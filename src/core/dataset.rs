//! Where `fit` and `evaluate` get their rows from: pulled, batch by batch, in bounded memory.

use crate::{Callback, Result};

/// One batch: `x` is (rows, inputs) and `y` is (rows, targets), both row-major f32.
///
/// For class targets `y` has one column: 0 or 1 for a binary target, the class number for
/// `categorical_crossentropy` (Keras's sparse form).
#[derive(Debug, Default, Clone)]
pub struct Batch {
    /// Encoded features, (rows, inputs).
    pub x: Vec<f32>,
    /// Encoded targets, (rows, targets).
    pub y: Vec<f32>,
    /// How much each row counts in the loss, (rows); empty where all count alike.
    pub weights: Vec<f32>,
    /// Rows in this batch; 0 ends the epoch.
    pub rows: usize,
}

/// A source of batches that can be walked once per epoch.
pub trait Batches {
    /// Rows in one epoch.
    fn rows(&self) -> u64;

    /// Width of `x`.
    fn inputs(&self) -> usize;

    /// Width of `y`.
    fn targets(&self) -> usize;

    /// Whether the batches have weights.
    fn weighted(&self) -> bool {
        false
    }

    /// Starts an epoch: in a permutation drawn from `shuffle`, or in stored order.
    fn start(&mut self, shuffle: Option<u64>, callback: &mut dyn Callback) -> Result<()>;

    /// Fills `batch` with `batch_size` rows, reusing its buffers; with fewer, or none, only at the end of the epoch.
    /// After an error it has the rows before the one that is to blame.
    fn next(
        &mut self,
        batch_size: usize,
        batch: &mut Batch,
        callback: &mut dyn Callback,
    ) -> Result<()>;
}
