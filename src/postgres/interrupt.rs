//! How the core learns that a cancel, a timeout or a shutdown is waiting, and what time it is.

use std::time::Instant;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use tablenet_core::{Callback, Result};

use crate::error;

/// The clock and the interrupts of one call.
pub struct Interrupts {
    start: Instant,
}

impl Interrupts {
    /// Starts the clock.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Callback for Interrupts {
    fn elapsed(&mut self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    #[inline]
    fn check(&mut self) -> Result<()> {
        // SAFETY: a flag set by signal handlers, read on the backend's own thread.
        if unsafe { (&raw const pg_sys::InterruptPending).read_volatile() } == 0 {
            return Ok(());
        }
        process()
    }
}

/// Lets PostgreSQL act on what is pending; its error comes back as `Err`.
#[cold]
fn process() -> Result<()> {
    if is_terminating() {
        // PostgreSQL would end the process right here, under running threads: first everything of ours unwinds.
        let message = "terminating connection due to administrator command";
        return Err(error::own(Code::ERRCODE_ADMIN_SHUTDOWN, message));
    }
    // SAFETY: what CHECK_FOR_INTERRUPTS() calls.
    error::catch(|| unsafe { pg_sys::ProcessInterrupts() })
}

/// Whether the process has to end as soon as interrupts are processed.
pub fn is_terminating() -> bool {
    // SAFETY: as above.
    unsafe {
        (&raw const pg_sys::ProcDiePending).read_volatile() != 0
            && pg_sys::InterruptHoldoffCount == 0
            && pg_sys::CritSectionCount == 0
    }
}
