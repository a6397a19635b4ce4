//! Reads a model file out of hostile bytes: nothing is believed before it is checked, nothing large is taken before it
//! is compared with the bytes at hand and the memory limit.

use super::document::{Document, description, header};
use super::write::hexadecimal;
use super::{FORMAT, MAX_HEADER, MAX_SPEC, PIECE, check_memory, check_size};
use crate::budget::{exceeded, with_capacity};
use crate::canonical::{canonical, shallow};
use crate::{
    Callback, Error, ErrorKind, Inputs, Loss, Metric, Model, ModelFile, Optimizer, Result,
    Sequential, Target,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The deepest nesting of JSON.
const DEPTH: usize = 32;

#[derive(Deserialize)]
struct Header {
    __metadata__: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    tablenet: String,
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
        let rebuilt = header(&file.model, description, &sha256);
        if rebuilt.map_err(|error| damaged(error.to_string()))? != given {
            return Err(damaged("its header does not follow from its contents"));
        }
        callback.check()?;
        let weights = weights(data, parameters, hash, &sha256, callback)?;
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
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
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

fn parse(header: &[u8]) -> Result<(Document, String)> {
    let json =
        |error: serde_json::Error| damaged(format!("its description cannot be read: {error}"));
    let header = std::str::from_utf8(header).map_err(|_| damaged("its header is not text"))?;
    if !shallow(header, DEPTH) {
        return Err(damaged("its header is nested too deep"));
    }
    let Header {
        __metadata__: Metadata { tablenet: text },
    } = serde_json::from_str(header).map_err(json)?;
    if !shallow(&text, DEPTH) {
        return Err(damaged("its description is nested too deep"));
    }
    let Version { format } = serde_json::from_str(&text).map_err(json)?;
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
    let document: Document = serde_json::from_str(&text).map_err(json)?;
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
    metrics: &[String],
) -> Result<Model> {
    let invalid = |error: serde_json::Error| Error::new(ErrorKind::Damaged, error.to_string());
    let layers = Sequential::from_json(&serde_json::from_str(layers).map_err(invalid)?)?;
    check_size(&layers)?;
    let metrics = metrics
        .iter()
        .map(|metric| Metric::parse(metric))
        .collect::<Result<_>>()?;
    layers.compile(
        inputs,
        target.task(),
        Optimizer::parse(optimizer)?,
        Loss::parse(loss)?,
        metrics,
        target.scale(),
    )
}

/// The weights, if with them `hash` becomes `sha256`.
fn weights(
    data: &[u8],
    parameters: usize,
    mut hash: Sha256,
    sha256: &str,
    callback: &mut dyn Callback,
) -> Result<Vec<f32>> {
    let mut weights = with_capacity(parameters, "the weights of the model")?;
    for piece in data.chunks(4 * PIECE) {
        hash.update(piece);
        let numbers = piece.as_chunks().0.iter();
        weights.extend(numbers.map(|bytes| f32::from_le_bytes(*bytes)));
        callback.check()?;
    }
    if hexadecimal(hash) == sha256 {
        Ok(weights)
    } else {
        Err(damaged("its contents do not have the digest it names"))
    }
}

fn damaged(detail: impl Into<String>) -> Error {
    let mut detail: String = detail.into();
    // Names in it may be as long as the file.
    if let Some((end, _)) = detail.char_indices().nth(200) {
        detail.truncate(end);
    }
    Error::new(ErrorKind::Damaged, "model data is damaged")
        .detail(format!("The check that failed: {detail}."))
        .hint("Train the model again or restore it from a backup.")
}
