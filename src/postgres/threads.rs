//! The threads of one training. PostgreSQL's signal handlers may run on the backend's own thread only.

use std::mem::MaybeUninit;

use tablenet_core::{Pool, Result};

use crate::guc;

/// A pool of as many threads as the settings allow, whose workers have every signal blocked; dropping it joins them.
pub fn pool() -> Result<Pool> {
    let threads = guc::threads();
    if threads <= 1 {
        return Pool::new(1);
    }
    let _blocked = Blocked::new();
    Pool::new(threads)
}

/// Blocks every signal in this thread, and so in the threads it starts, until it is dropped.
struct Blocked {
    before: libc::sigset_t,
}

impl Blocked {
    fn new() -> Self {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: both sets are written before they are read; blocking signals has no other effect.
        let before = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            before.assume_init()
        };
        Self { before }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set that was in force before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}
