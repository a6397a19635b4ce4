//! The core's only way out while it works: time, cancellation and progress.

use crate::{EpochLogs, Result};

/// What an adapter lends to a long call. Only the calling thread calls it.
pub trait Callback {
    /// Seconds since the call began, from a monotonic clock.
    fn elapsed(&mut self) -> f64;

    /// Called after every shard and about every 5 ms of any other work; an `Err` stops the call and is returned unchanged.
    fn check(&mut self) -> Result<()>;

    /// Called before the first epoch: `done` epochs were trained before, and at most `last` will have been (Keras:
    /// `Callback.on_train_begin`).
    fn on_train_begin(&mut self, _done: u32, _last: u32) -> Result<()> {
        Ok(())
    }

    /// Called after every epoch with its logs (Keras: `Callback.on_epoch_end`).
    fn on_epoch_end(&mut self, _logs: &EpochLogs) -> Result<()> {
        Ok(())
    }
}
