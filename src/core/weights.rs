//! Large buffers: refused with an error where memory is short, never an abort.

use crate::{Callback, Error, ErrorKind, Result};

/// Room for `n` floats, none of them touched yet.
pub(crate) fn room(n: usize) -> Result<Vec<f32>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(n).map_err(|_| {
        Error::new(
            ErrorKind::OutOfMemory,
            format!("out of memory: {} bytes for the model", n.saturating_mul(4)),
        )
        .hint("Make the model or the batch smaller.")
    })?;
    Ok(buffer)
}

/// Floats touched between two looks at the callback: well below a millisecond.
pub(crate) const AT_ONCE: usize = 1 << 16;

/// `n` zeros. Touching fresh pages takes time, so the callback is asked between pieces.
pub(crate) fn zeros(n: usize, callback: &mut dyn Callback) -> Result<Vec<f32>> {
    let mut buffer = room(n)?;
    while buffer.len() < n {
        callback.check()?;
        let next = n.min(buffer.len() + AT_ONCE);
        buffer.resize(next, 0.0);
    }
    Ok(buffer)
}
