//! Writes tensors as a safetensors file.

use crate::budget::with_capacity;
use crate::canonical::canonical;
use crate::{Callback, Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// Numbers written between two checks.
const PIECE: usize = 1 << 18;

/// A tensor of 32-bit floats.
pub(super) struct Tensor<'a> {
    /// Its name in the file.
    pub(super) name: String,
    /// Its shape; the last dimension is the fastest.
    pub(super) shape: Vec<usize>,
    /// The number at each place.
    pub(super) at: Box<dyn Fn(usize) -> f32 + 'a>,
}

/// The bytes of a file of `tensors` with `metadata`. Checks about every MiB.
pub(super) fn write(
    tensors: &[Tensor<'_>],
    metadata: &[(&str, String)],
    callback: &mut dyn Callback,
) -> Result<Vec<u8>> {
    let metadata = metadata
        .iter()
        .map(|(key, text)| ((*key).to_owned(), json!(text)));
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), Value::Object(metadata.collect()));
    let mut sizes = Vec::with_capacity(tensors.len());
    let mut end = 0_usize;
    for tensor in tensors {
        let start = end;
        let size: usize = tensor.shape.iter().product();
        end += 4 * size;
        sizes.push(size);
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]});
        if header.insert(tensor.name.clone(), entry).is_some() {
            let message = format!("two variables are named \"{}\"", tensor.name);
            return Err(Error::new(ErrorKind::InvalidParameter, message)
                .hint("Give each layer its own name."));
        }
    }
    let mut header = canonical(&Value::Object(header)).into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = with_capacity(8 + header.len() + end, "the file")?;
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&header);
    for (tensor, size) in tensors.iter().zip(sizes) {
        for start in (0..size).step_by(PIECE) {
            let piece = start..size.min(start + PIECE);
            bytes.extend(piece.flat_map(|place| (tensor.at)(place).to_le_bytes()));
            callback.check()?;
        }
    }
    Ok(bytes)
}
