//! Large buffers: refused with an error where memory is short, never an abort.

use crate::{Callback, Error, ErrorKind, Result};

/// Room for `n` elements, none of them touched yet.
pub(crate) fn room<T>(n: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(n)
        .map_err(|_| out_of_memory(n.saturating_mul(size_of::<T>())))?;
    Ok(buffer)
}

/// The error of so many bytes that cannot be had.
#[cold]
pub(crate) fn out_of_memory(bytes: usize) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!("out of memory: {bytes} bytes for the model"),
    )
    .hint("Make the model or the batch smaller.")
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
