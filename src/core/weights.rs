//! Large buffers: refused with an error where memory is short, never an abort.

use crate::{Error, ErrorKind, Result};

/// Room for `n` floats, none of them touched yet.
pub(crate) fn room(n: usize) -> Result<Vec<f32>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(n).map_err(|_| {
        Error::new(ErrorKind::OutOfMemory, format!("out of memory: {} bytes for the model", n.saturating_mul(4)))
            .hint("Make the model or the batch smaller.")
    })?;
    Ok(buffer)
}

/// `n` zeros.
pub(crate) fn zeros(n: usize) -> Result<Vec<f32>> {
    let mut buffer = room(n)?;
    buffer.resize(n, 0.0);
    Ok(buffer)
}
