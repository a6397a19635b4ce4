//! Reads a safetensors file out of hostile bytes: nothing is believed before it is checked.

use crate::budget::{exceeded, with_capacity};
use crate::canonical::shallow;
use crate::config::invalid;
use crate::nearest::nearest;
use crate::{Callback, Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The longest header.
const MAX_HEADER: usize = 16 << 20;
/// The longest description of a tensor.
const MAX_ENTRY: usize = 256;
/// The deepest nesting of a header.
const DEPTH: usize = 8;
/// Numbers read between two checks.
const PIECE: usize = 1 << 18;

/// The tensors of a file; what is taken is gone from it.
#[derive(Debug)]
pub(super) struct Tensors<'b> {
    found: BTreeMap<String, Found<'b>>,
    /// What the file says besides.
    pub(super) metadata: BTreeMap<String, String>,
    /// Bytes that reading the header takes.
    pub(super) memory: u64,
}

#[derive(Debug)]
struct Found<'b> {
    dtype: String,
    shape: Vec<usize>,
    bytes: &'b [u8],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// What the header says of the file; the tensors are read apart, once it is known whose they are.
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    __metadata__: BTreeMap<String, String>,
}

impl<'b> Tensors<'b> {
    /// Checks the header of `bytes`: that every byte behind it belongs to one tensor.
    pub(super) fn read(bytes: &'b [u8], memory_limit: u64) -> Result<Self> {
        let (length, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| unreadable("is shorter than eight bytes"))?;
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Err(unreadable("is an archive of Keras (.keras or .weights.h5)")
                .hint("docs/travel.md has the three lines of Python that make a safetensors file of it."));
        }
        let length = u64::from_le_bytes(*length);
        if length > MAX_HEADER as u64 {
            return Err(unreadable(format!(
                "claims a header of {length} bytes, more than {MAX_HEADER}"
            )));
        }
        let (header, data) = rest
            .split_at_checked(length as usize)
            .ok_or_else(|| unreadable("ends within its header"))?;
        // Names and places take several times their text.
        let memory = (header.len() as u64).saturating_mul(16);
        let header =
            std::str::from_utf8(header).map_err(|_| unreadable("has a header that is no text"))?;
        if !shallow(header, DEPTH) {
            return Err(unreadable("has a header that is nested too deep"));
        }
        let Header { __metadata__ } = parsed(header)?;
        let mut tensors = Self {
            found: BTreeMap::new(),
            metadata: __metadata__,
            memory,
        };
        if tensors.is_model_file() {
            return Ok(tensors);
        }
        if memory > memory_limit {
            return Err(exceeded("the header of the file", memory, memory_limit));
        }
        let entries: BTreeMap<String, &RawValue> = parsed(header)?;
        let mut places = Vec::new();
        for (name, entry) in entries {
            if name == "__metadata__" {
                continue;
            }
            // A shape has a few dimensions.
            if entry.get().len() > MAX_ENTRY {
                let message = format!("tensor \"{name}\" has a description that is too long");
                return Err(invalid(message));
            }
            let entry: Entry = serde_json::from_str(entry.get())
                .map_err(|cause| invalid(format!("tensor \"{name}\" cannot be read: {cause}")))?;
            let bytes = slice(&name, &entry, data)?;
            places.push((entry.data_offsets, name.clone()));
            let Entry { dtype, shape, .. } = entry;
            let found = Found {
                dtype,
                shape,
                bytes,
            };
            tensors.found.insert(name, found);
        }
        check_cover(places, data.len())?;
        Ok(tensors)
    }

    /// Whether it is a model file of tablenet, whose tensors are not read here.
    pub(super) fn is_model_file(&self) -> bool {
        self.metadata.contains_key("tablenet")
    }

    /// The names of the tensors that are left.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.found.keys().map(String::as_str)
    }

    /// Leaves out what no layer has, such as counters and the state of random numbers.
    pub(super) fn leave_out(&mut self, is_none: impl Fn(&str) -> bool) {
        self.found.retain(|name, _| !is_none(name));
    }

    /// Takes the numbers of the tensor `name`, which must have this shape.
    pub(super) fn take(
        &mut self,
        name: &str,
        shape: &[usize],
        callback: &mut dyn Callback,
    ) -> Result<Vec<f32>> {
        let Some(found) = self.found.remove(name) else {
            return Err(self.missing(name));
        };
        if found.dtype != "F32" {
            let message = format!("tensor \"{name}\" is of dtype {}, not F32", found.dtype);
            return Err(invalid(message).hint("Convert it to float32 before it is saved."));
        }
        if found.shape != shape {
            let message = format!(
                "tensor \"{name}\" has the shape {}, the layer needs {}",
                dims(&found.shape),
                dims(shape)
            );
            return Err(invalid(message));
        }
        let mut numbers = with_capacity(found.bytes.len() / 4, "the weights of the model")?;
        for piece in found.bytes.chunks(4 * PIECE) {
            let read = piece.as_chunks().0.iter();
            numbers.extend(read.map(|bytes| f32::from_le_bytes(*bytes)));
            callback.check()?;
        }
        if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
            let number = numbers[place];
            let message = format!("tensor \"{name}\" has {number} at place {place}");
            return Err(Error::new(crate::ErrorKind::NotFinite, message));
        }
        Ok(numbers)
    }

    /// The error of a tensor that is not there.
    pub(super) fn missing(&self, name: &str) -> Error {
        let error = invalid(format!("tensor \"{name}\" is not in the file"));
        match nearest(name, self.names()) {
            Some(near) => error.hint(format!("Did you mean \"{near}\"?")),
            None => error,
        }
    }

    /// Refuses a file with tensors that no layer took.
    pub(super) fn check_taken(&self) -> Result<()> {
        match self.found.keys().next() {
            None => Ok(()),
            Some(name) => Err(invalid(format!("tensor \"{name}\" belongs to no layer"))
                .hint("The layers must be those of the model that was saved.")),
        }
    }
}

/// The bytes of a tensor.
fn slice<'b>(name: &str, entry: &Entry, data: &'b [u8]) -> Result<&'b [u8]> {
    let [start, end] = entry.data_offsets;
    let bytes = data.get(start..end).ok_or_else(|| {
        let message = format!(
            "tensor \"{name}\" lies at {start} to {end} of {} bytes",
            data.len()
        );
        invalid(message).hint("The file is cut off or damaged.")
    })?;
    let width = match entry.dtype.as_str() {
        "F64" | "I64" | "U64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        // What is smaller than a byte or unknown is refused where it is asked for.
        _ => return Ok(bytes),
    };
    let size = entry
        .shape
        .iter()
        .try_fold(width, |size: usize, &n| size.checked_mul(n));
    if size != Some(bytes.len()) {
        let message = format!(
            "tensor \"{name}\" has {} bytes, which are no {} numbers of dtype {}",
            bytes.len(),
            dims(&entry.shape),
            entry.dtype
        );
        return Err(invalid(message));
    }
    Ok(bytes)
}

/// A part of the header.
fn parsed<'h, T: Deserialize<'h>>(header: &'h str) -> Result<T> {
    serde_json::from_str(header)
        .map_err(|cause| unreadable(format!("has a header that cannot be read: {cause}")))
}

/// Refuses tensors that overlap and bytes that are nobody's.
fn check_cover(mut all: Vec<([usize; 2], String)>, length: usize) -> Result<()> {
    all.sort_unstable();
    let mut next = 0;
    for ([start, end], name) in all {
        if start < next {
            return Err(invalid(format!("tensor \"{name}\" overlaps another")));
        }
        if start > next {
            let message = format!(
                "{} bytes before tensor \"{name}\" are nobody's",
                start - next
            );
            return Err(invalid(message));
        }
        next = end;
    }
    if next != length {
        let message = format!(
            "the last {} bytes of the file are no tensor's",
            length - next
        );
        return Err(invalid(message));
    }
    Ok(())
}

/// A shape in a message.
fn dims(shape: &[usize]) -> String {
    let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("({})", dims.join(", "))
}

fn unreadable(what: impl AsRef<str>) -> Error {
    invalid(format!("the file {}", what.as_ref()))
        .hint("ml_import() reads a model file of tablenet or a safetensors file.")
}
