//! From a model's name to a model ready to score, as the statement's snapshot sees it.
//!
//! Everything here only reads: no transaction id is assigned, so it works on a standby and in parallel workers.

use std::rc::Rc;

use tablenet_core::{ModelFile, Result, Scorer};

use crate::cache::{Cache, Digest};
use crate::catalog::rights::Privilege;
use crate::catalog::{self, StoredModel};
use crate::guc;
use crate::interrupt::Interrupts;

/// The model `name` if the current user may use it, ready to score.
///
/// # Errors
/// Those of [`catalog::find`] and [`scorer`].
pub fn model(name: &str) -> Result<Rc<Scorer>> {
    scorer(name, &catalog::find(name, Privilege::Predict)?)
}

/// The model found as `stored`, from the session's cache or read, checked and parsed.
///
/// # Errors
/// XX001 if its bytes are not the recorded ones or do not fit together; 53200 if there is no memory for them.
pub fn scorer(name: &str, stored: &StoredModel) -> Result<Rc<Scorer>> {
    cached(stored.file.sha256, || file(name, stored))
}

/// The model with this digest, from the session's cache or from its `file`.
///
/// # Errors
/// Those of `file`.
pub fn cached(digest: Digest, file: impl FnOnce() -> Result<ModelFile>) -> Result<Rc<Scorer>> {
    let limit = guc::cache_size();
    let cached = Cache::session(|cache| {
        cache.shrink(limit);
        cache.get(&digest)
    });
    if let Some(scorer) = cached {
        return Ok(scorer);
    }
    let scorer = Rc::new(Scorer::new(&file()?, &mut Interrupts::new())?);
    Cache::session(|cache| cache.keep(digest, &scorer, limit));
    Ok(scorer)
}

/// The model file found as `stored`, read, checked and parsed.
///
/// # Errors
/// As for [`scorer`].
pub fn file(name: &str, stored: &StoredModel) -> Result<ModelFile> {
    parse(&bytes(name, stored)?)
}

/// The bytes of the model file found as `stored`, checked against their digest.
///
/// # Errors
/// Those of [`catalog::read`].
pub fn bytes(name: &str, stored: &StoredModel) -> Result<Vec<u8>> {
    let memory = memory(stored.file.size);
    catalog::read(name, stored, memory, &mut Interrupts::new())
}

/// The model file in `bytes`, every part of it checked.
///
/// # Errors
/// Those of [`ModelFile::from_bytes`].
pub fn parse(bytes: &[u8]) -> Result<ModelFile> {
    ModelFile::from_bytes(bytes, memory(bytes.len() as u64), &mut Interrupts::new())
}

/// The memory that reading a model of `size` bytes may take. One that could be made stays usable whatever the settings say:
/// what it takes is a small multiple of its bytes (eight of the JSON in it), and their number is checked first.
fn memory(size: u64) -> u64 {
    guc::work_mem().max(size.saturating_mul(8))
}
