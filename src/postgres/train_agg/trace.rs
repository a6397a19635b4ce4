//! What the tests inside the backend see of the groups.

use std::cell::Cell;

thread_local! {
    static MOST: Cell<u64> = const { Cell::new(0) };
}

/// So many groups are under way.
pub fn note(groups: u64) {
    MOST.set(MOST.get().max(groups));
}

/// The most there were since this was last asked.
pub fn most() -> u64 {
    MOST.replace(0)
}
