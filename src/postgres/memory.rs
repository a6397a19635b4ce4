//! Memory for what is needed only a moment: a context for it, and what becomes of the core's.

use pgrx::pg_sys;

/// A context below the one that was current when it was made, and deleted with that one at the latest.
pub struct Scratch(pg_sys::MemoryContext);

impl Scratch {
    /// A new, empty context.
    pub fn new() -> Self {
        // SAFETY: the name is a literal and the parent is valid.
        Self(unsafe {
            pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"tablenet scratch".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        })
    }

    /// The context itself.
    pub fn context(&self) -> pg_sys::MemoryContext {
        self.0
    }

    /// Runs `work` with this context current, then frees all that it allocated there.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the context is valid; an error leaves it to the abort, which restores the current one, too.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(self.0);
            let result = work();
            pg_sys::MemoryContextSwitchTo(before);
            pg_sys::MemoryContextReset(self.0);
            result
        }
    }

    /// Gives the context back before its parent ends.
    pub fn delete(self) {
        // SAFETY: nothing in it is alive.
        unsafe { pg_sys::MemoryContextDelete(self.0) };
    }
}

/// Gives the memory that the core has freed back to the system when it is dropped: the C library would keep the blocks
/// of a training's rows for the session.
pub struct Returned;

impl Drop for Returned {
    fn drop(&mut self) {
        // SAFETY: may be called at any time; it only touches memory that nobody has.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        unsafe {
            libc::malloc_trim(0)
        };
    }
}
