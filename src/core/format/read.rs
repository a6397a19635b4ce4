//! Reads a model file out of hostile bytes: nothing is believed before it is checked, nothing large is taken before it
//! is compared with the bytes at hand and the memory limit.

use super::document::{Document, description, header, tensors};
use super::write::hexadecimal;
use super::{FORMAT, KEY, MAX_HEADER, MAX_SPEC, PIECE, check_memory, check_size};
use crate::budget::{exceeded, with_capacity};
use crate::canonical::{canonical, shallow};
use crate::{
    Callback, Error, ErrorKind, Inputs, Loss, Metric, Model, ModelFile, Optimizer, Result,
    Sequential, Target,
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The deepest nesting of JSON.
const DEPTH: usize = 32;

#[derive(Deserialize)]
struct Header {
    __metadata__: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl ModelFile {
    /// Reads the bytes of a file: `Damaged` unless everything in them fits together, `OutOfMemory` if the model needs
    /// more than `memory_limit` bytes, `NotSupported` for a format of a later release. Checks about every MiB.
    pub fn from_bytes(
        bytes: &[u8],
        memory_limit: u64,
        callback: &mut dyn Callback,
    ) -> Result<Self> {
        let (given, data) = split(bytes)?;
        let need = check_memory(given, memory_limit)?;
        callback.check()?;
        let (document, sha256) = parse(given)?;
        callback.check()?;
        let mut file = rebuild(document)?;
        callback.check()?;
        let parameters = file.model.parameters();
        let expected = parameters
            .checked_mul(4)
            .ok_or_else(|| damaged("it has too many weights"))?;
        if data.len() != expected {
            return Err(damaged(format!(
                "it has {} bytes of weights instead of {expected}",
                data.len()
            )));
        }
        let need = (expected as u64).saturating_add(need);
        if need > memory_limit {
            return Err(exceeded("the model", need, memory_limit));
        }
        let description = description(&file);
        let mut hash = Sha256::new();
        hash.update(canonical(&description));
        let tensors = tensors(&file.model).map_err(|error| damaged(error.to_string()))?;
        if header(tensors, KEY, description, &sha256) != given {
            return Err(damaged("its header does not follow from its contents"));
        }
        callback.check()?;
        let weights = floats(data, parameters, &mut hash, callback)?;
        check_digest(hash, &sha256)?;
        file.model
            .set_weights(weights, callback)
            .map_err(|error| match error.kind() {
                ErrorKind::Foreign => error,
                _ => damaged(error.to_string()),
            })?;
        Ok(file)
    }
}

/// The header and the weights.
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| damaged("it is shorter than eight bytes"))?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER as u64 {
        return Err(damaged(format!("its header claims {length} bytes")));
    }
    rest.split_at_checked(length as usize)
        .ok_or_else(|| damaged("it ends within its header"))
}

/// The one description among the metadata of a header, which must stand under `key`.
pub(super) fn text(header: &[u8], key: &str) -> Result<String> {
    let header = std::str::from_utf8(header).map_err(|_| damaged("its header is not text"))?;
    if !shallow(header, DEPTH) {
        return Err(damaged("its header is nested too deep"));
    }
    let Header {
        __metadata__: mut texts,
    } = serde_json::from_str(header).map_err(unreadable)?;
    let Some(text) = texts.remove(key) else {
        return Err(damaged(format!("its header has no description \"{key}\"")));
    };
    if !shallow(&text, DEPTH) {
        return Err(damaged("its description is nested too deep"));
    }
    Ok(text)
}

pub(super) fn unreadable(error: serde_json::Error) -> Error {
    damaged(format!("its description cannot be read: {error}"))
}

/// Refuses a description in another format than this release's.
pub(super) fn check_format(text: &str) -> Result<()> {
    let Version { format } = serde_json::from_str(text).map_err(unreadable)?;
    if format > FORMAT {
        return Err(Error::new(
            ErrorKind::NotSupported,
            format!("model format {format} is newer than this release reads"),
        )
        .hint("Install a newer tablenet."));
    }
    if format != FORMAT {
        return Err(damaged(format!("its format is {format}")));
    }
    Ok(())
}

fn parse(header: &[u8]) -> Result<(Document, String)> {
    let text = text(header, KEY)?;
    check_format(&text)?;
    let document: Document = serde_json::from_str(&text).map_err(unreadable)?;
    let sha256 = document.sha256.clone();
    Ok((document, sha256))
}

/// The model without its weights, every part checked.
fn rebuild(document: Document) -> Result<ModelFile> {
    let Document {
        model,
        preprocessing,
        target,
        optimizer,
        loss,
        metrics,
        results,
        ..
    } = document;
    preprocessing.check().map_err(damaged)?;
    target
        .check()
        .map_err(|what| damaged(format!("its target {what}")))?;
    let texts = [&model, &optimizer, &loss].map(|raw| raw.get());
    if texts.iter().any(|text| text.len() > MAX_SPEC) {
        return Err(damaged("the description of its network is too long"));
    }
    let [model, optimizer, loss] = texts;
    let model = compile(
        model,
        preprocessing.inputs(),
        &target,
        optimizer,
        loss,
        &metrics,
    )
    .map_err(|error| damaged(error.to_string()))?;
    Ok(ModelFile {
        model,
        preprocessing,
        target,
        results,
    })
}

fn compile(
    layers: &str,
    inputs: Inputs,
    target: &Target,
    optimizer: &str,
    loss: &str,
    metrics: &[Value],
) -> Result<Model> {
    let invalid = |error: serde_json::Error| Error::new(ErrorKind::Damaged, error.to_string());
    let layers = Sequential::from_json(&serde_json::from_str(layers).map_err(invalid)?)?;
    check_size(&layers)?;
    let metrics = metrics
        .iter()
        .map(Metric::from_json)
        .collect::<Result<_>>()?;
    let model = layers.compile(
        inputs,
        target.task(),
        Optimizer::parse(optimizer)?,
        Loss::parse(loss)?,
        metrics,
        1.0,
    )?;
    model.with_target_scales(target.scales())
}

/// The first `count` floats of `data`, which are hashed too.
pub(super) fn floats(
    data: &[u8],
    count: usize,
    hash: &mut Sha256,
    callback: &mut dyn Callback,
) -> Result<Vec<f32>> {
    let mut floats = with_capacity(count, "the weights of the model")?;
    let data = data.get(..4 * count).unwrap_or_default();
    for piece in data.chunks(4 * PIECE) {
        hash.update(piece);
        let numbers = piece.as_chunks().0.iter();
        floats.extend(numbers.map(|bytes| f32::from_le_bytes(*bytes)));
        callback.check()?;
    }
    Ok(floats)
}

/// Refuses contents with another digest than they name.
pub(super) fn check_digest(hash: Sha256, sha256: &str) -> Result<()> {
    if hexadecimal(hash) == sha256 {
        Ok(())
    } else {
        Err(damaged("its contents do not have the digest it names"))
    }
}

pub(super) fn damaged(detail: impl Into<String>) -> Error {
    let mut detail: String = detail.into();
    // Names in it may be as long as the file.
    if let Some((end, _)) = detail.char_indices().nth(200) {
        detail.truncate(end);
    }
    Error::new(ErrorKind::Damaged, "model data is damaged")
        .detail(format!("The check that failed: {detail}."))
        .hint("Train the model again or restore it from a backup.")
}
