//! The threads lent to `fit`.

use crate::Result;

/// A private set of worker threads, joined when dropped.
#[derive(Debug)]
pub struct Pool {}

impl Pool {
    /// `threads` in all, the calling one included; 1 (or 0) starts none.
    pub fn new(_threads: usize) -> Result<Pool> {
        todo!()
    }

    /// Threads that work, the calling one included.
    pub fn threads(&self) -> usize {
        todo!()
    }
}
