//! The memory that all groups under way share.

use std::cell::Cell;

use tablenet_core::{Error, ErrorKind, Result};

/// With less, a training could not even begin.
const LEAST: u64 = 256 << 10;

thread_local! {
    /// Groups under way in this session, and what they may take.
    static TAKEN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// What one group may take, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    bytes: u64,
}

impl Share {
    /// A share of `limit` where up to `live` groups are under way at a time, or what is left of it.
    ///
    /// # Errors
    /// 53200 where next to nothing is left.
    pub fn take(limit: u64, live: u64) -> Result<Self> {
        let (groups, taken) = TAKEN.get();
        let bytes = (limit / live.max(1)).min(limit.saturating_sub(taken));
        if bytes < LEAST.min(limit) {
            let message = format!(
                "there is no memory for another group: {groups} that are under way, of {live}, share {} kB",
                limit >> 10
            );
            return Err(Error::new(ErrorKind::OutOfMemory, message).hint("Raise the memory limit."));
        }
        TAKEN.set((groups + 1, taken + bytes));
        #[cfg(any(test, feature = "pg_test"))]
        super::trace::note(groups + 1);
        Ok(Self { bytes })
    }

    /// The number of bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let (groups, taken) = TAKEN.get();
        TAKEN.set((groups.saturating_sub(1), taken.saturating_sub(self.bytes)));
    }
}
