//! Writes a model file.

use super::document::{description, header, tensors};
use super::{KEY, MAX_HEADER, PIECE, check_memory};
use crate::budget::{size, with_capacity};
use crate::canonical::canonical;
use crate::model_size::{check_model_size, weight_bytes};
use crate::{Callback, Error, ErrorKind, ModelFile, Result};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

impl ModelFile {
    /// Refuses, before the weights are fitted, a description that could not be written, or read again within
    /// `memory_limit`, and a file of more than `most` bytes. The results, a few bytes, are not in it yet.
    pub(crate) fn check_description(&self, memory_limit: u64, most: u64) -> Result<()> {
        let header = header(tensors(&self.model)?, KEY, description(self), "");
        check_length(&header)?;
        check_memory(&header, memory_limit)?;
        let weights = weight_bytes(self.parameters() as u64);
        check_model_size(weights.saturating_add(8 + header.len() as u64), most)
    }

    /// The bytes of the file; the same model always gives the same bytes. Checks about every MiB.
    pub fn to_bytes(&self, callback: &mut dyn Callback) -> Result<Vec<u8>> {
        let weights = [self.model.weights()];
        write(
            tensors(&self.model)?,
            KEY,
            description(self),
            &weights,
            callback,
        )
    }
}

/// The bytes of a file of `vectors`, which `tensors` describe. Checks about every MiB.
pub(super) fn write(
    tensors: Map<String, Value>,
    key: &str,
    description: Value,
    vectors: &[&[f32]],
    callback: &mut dyn Callback,
) -> Result<Vec<u8>> {
    let sha256 = digest(&description, vectors, callback)?;
    callback.check()?;
    let header = header(tensors, key, description, &sha256);
    check_length(&header)?;
    callback.check()?;
    let floats: usize = vectors.iter().map(|vector| vector.len()).sum();
    let mut bytes = with_capacity(8 + header.len() + floats * 4, "the model file")?;
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&header);
    for piece in vectors.iter().flat_map(|vector| vector.chunks(PIECE)) {
        bytes.extend(piece.iter().flat_map(|weight| weight.to_le_bytes()));
        callback.check()?;
    }
    Ok(bytes)
}

/// Refuses a header that no reader would take.
fn check_length(header: &[u8]) -> Result<()> {
    if header.len() <= MAX_HEADER {
        return Ok(());
    }
    let message = format!(
        "the model's categories take {}, more than the limit of {}",
        size(header.len() as u64),
        size(MAX_HEADER as u64)
    );
    Err(Error::new(ErrorKind::LimitExceeded, message)
        .hint("List columns of long texts in exclude."))
}

/// The SHA-256 of the description and of the vectors as they are written, in hexadecimal.
fn digest(description: &Value, vectors: &[&[f32]], callback: &mut dyn Callback) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(canonical(description));
    let mut buffer = [0; 4096];
    for piece in vectors.iter().flat_map(|vector| vector.chunks(PIECE)) {
        for part in piece.chunks(buffer.len() / 4) {
            for (bytes, weight) in buffer.as_chunks_mut().0.iter_mut().zip(part) {
                *bytes = weight.to_le_bytes();
            }
            hash.update(buffer.get(..part.len() * 4).unwrap_or_default());
        }
        callback.check()?;
    }
    Ok(hexadecimal(hash))
}

/// A finished hash as text.
pub(super) fn hexadecimal(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
