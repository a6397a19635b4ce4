//! From a model's name to a model ready to score, as the statement's snapshot sees it.
//!
//! Everything here only reads: no transaction id is assigned, so it works on a standby and in parallel workers.

use std::rc::Rc;

use tablenet_core::{ModelFile, Result, Scorer};

use crate::cache::Cache;
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
    let limit = guc::cache_size();
    let cached = Cache::session(|cache| {
        cache.shrink(limit);
        cache.get(&stored.file.sha256)
    });
    if let Some(scorer) = cached {
        return Ok(scorer);
    }
    let scorer = Rc::new(Scorer::new(&file(name, stored)?, &mut Interrupts::new())?);
    Cache::session(|cache| cache.keep(stored.file.sha256, &scorer, limit));
    Ok(scorer)
}

/// The model file found as `stored`, read, checked and parsed.
///
/// # Errors
/// As for [`scorer`].
pub fn file(name: &str, stored: &StoredModel) -> Result<ModelFile> {
    let mut interrupts = Interrupts::new();
    // A model that could be stored stays usable whatever the settings say: what it takes is a small multiple of its
    // bytes (eight of the JSON in it), and their number is checked first.
    let memory = guc::work_mem().max(stored.file.size.saturating_mul(8));
    let bytes = catalog::read(name, stored, memory, &mut interrupts)?;
    ModelFile::from_bytes(&bytes, memory, &mut interrupts)
}
