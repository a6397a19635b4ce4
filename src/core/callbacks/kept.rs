//! A copy of the weights of an epoch.

use crate::weights::{AT_ONCE, room};
use crate::{Callback, Result};

/// The weights that a callback keeps.
#[derive(Debug)]
pub(super) struct Kept {
    weights: Vec<f32>,
    /// Whose they are, if there are any yet.
    pub epoch: Option<u32>,
}

impl Kept {
    /// Room for so many.
    pub fn new(parameters: usize) -> Result<Kept> {
        Ok(Kept {
            weights: room(parameters)?,
            epoch: None,
        })
    }

    /// Keeps the weights of an epoch in place of those before.
    pub fn keep(&mut self, weights: &[f32], epoch: u32, callback: &mut dyn Callback) -> Result<()> {
        self.weights.clear();
        for piece in weights.chunks(AT_ONCE) {
            // Room for all was taken before the first epoch.
            self.weights.extend_from_slice(piece);
            callback.check()?;
        }
        self.epoch = Some(epoch);
        Ok(())
    }

    /// Puts the weights kept, if any, in the place of `weights`.
    pub fn give_back(&self, weights: &mut [f32], callback: &mut dyn Callback) -> Result<()> {
        if self.epoch.is_some() {
            for (to, from) in weights
                .chunks_mut(AT_ONCE)
                .zip(self.weights.chunks(AT_ONCE))
            {
                to.copy_from_slice(from);
                callback.check()?;
            }
        }
        Ok(())
    }

    /// Puts the weights kept in the place of `weights`, once and for all.
    pub fn swap(mut self, weights: &mut Vec<f32>) -> Option<u32> {
        std::mem::swap(weights, &mut self.weights);
        self.epoch
    }
}
