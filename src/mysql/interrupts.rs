//! What the core asks of the connection while it works for longer.

use crate::error::interrupted;
use crate::server;
use tablenet_core::{Callback, Result};

/// Stops when the connection was killed or the time of its statement is over. For the thread of a connection.
pub struct Interrupts;

impl Callback for Interrupts {
    /// Nothing that reads, binds or evaluates a model looks at the time.
    fn elapsed(&mut self) -> f64 {
        0.0
    }

    fn check(&mut self) -> Result<()> {
        if server::killed() {
            return Err(interrupted());
        }
        Ok(())
    }
}
