//! A model that is ready to be asked.

use crate::digest::Digest;
use crate::error::invalid;
use crate::interrupts::Interrupts;
use std::borrow::Borrow;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tablenet_core::{Error, ErrorKind, ModelFile, Result, Scorer};

/// A model as it is kept in memory. All connections share it, and nothing in it changes.
#[derive(Debug)]
pub struct Ready {
    digest: Digest,
    scorer: Scorer,
    info: String,
    summary: String,
    /// A copy of its bytes, while a statement has been given them.
    copy: Mutex<Weak<Vec<u8>>>,
}

/// Who holds a model lends its scorer.
#[derive(Debug, Clone)]
pub struct Held(pub Arc<Ready>);

impl Borrow<Scorer> for Held {
    fn borrow(&self) -> &Scorer {
        &self.0.scorer
    }
}

impl Ready {
    /// Reads the bytes of a model with this digest, for which at most `limit` bytes of memory may be taken.
    pub fn read(bytes: &[u8], digest: Digest, limit: u64) -> Result<Self> {
        let file = file(bytes, limit)?;
        Ok(Self {
            digest,
            scorer: Scorer::new(&file, &mut Interrupts)?,
            info: file.info()?.to_string(),
            summary: file.summary_text()?,
            copy: Mutex::default(),
        })
    }

    /// The sha256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What scores rows.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// What ml_info says of it.
    pub fn info(&self) -> &str {
        &self.info
    }

    /// What ml_summary says of it.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// A copy of its bytes, one for all who hold it: many connections may have been given the same model.
    pub fn copy(&self, bytes: &[u8]) -> Result<Arc<Vec<u8>>> {
        let mut shared = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = shared.upgrade() {
            return Ok(copy);
        }
        let copy = Arc::new(copied(bytes)?);
        *shared = Arc::downgrade(&copy);
        Ok(copy)
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> u64 {
        let more = size_of::<Self>() + self.info.len() + self.summary.len();
        self.scorer.bytes().saturating_add(more) as u64
    }
}

fn copied(given: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(given.len()).map_err(|_| {
        let length = given.len();
        Error::new(
            ErrorKind::OutOfMemory,
            format!("could not get {length} bytes of memory for the model"),
        )
    })?;
    copy.extend_from_slice(given);
    Ok(copy)
}

/// Reads the bytes of a model for which at most `limit` bytes of memory may be taken.
pub fn file(bytes: &[u8], limit: u64) -> Result<ModelFile> {
    if let Some(text) = short_text(bytes) {
        return Err(invalid(format!("\"{text}\" is not a model")).hint(
            "Pass the bytes of a model, or what ml_ref(model) answers: (SELECT ml_ref(model) FROM tablenet.deployed WHERE name = '...').",
        ));
    }
    ModelFile::from_bytes(bytes, limit, &mut Interrupts).map_err(|error| match error.kind() {
        ErrorKind::OutOfMemory => error.hint(
            "The limit is cache_size in tablenet's configuration, which the server's administrator can raise.",
        ),
        _ => error,
    })
}

/// What somebody wrote in place of a model, such as its name. No model is text: it begins with a length.
fn short_text(bytes: &[u8]) -> Option<&str> {
    const LONGEST: usize = 256;
    let text = std::str::from_utf8(bytes).ok()?;
    let written = !text.is_empty() && text.len() <= LONGEST && !text.contains(char::is_control);
    written.then_some(text)
}

/// Refuses a model of more bytes than the administrator allows.
pub fn check_size(bytes: &[u8], most: u64) -> Result<()> {
    let given = bytes.len();
    if given as u64 <= most {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LimitExceeded,
        format!("the model has {given} bytes, more than the limit of {most}"),
    )
    .hint("The limit is max_model_size in tablenet's configuration, which the server's administrator can raise."))
}

/// The error of a reference whose model is not in memory.
pub fn not_ready(reference: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(reference.get(..16).unwrap_or(reference));
    let error = if Digest::of_reference(reference).is_some() {
        invalid(format!("model {shown}... is not ready in this server"))
    } else {
        invalid(format!("\"{shown}...\" is not what ml_ref() answers"))
    };
    error.hint(
        "Call ml_ref(model) in the same statement, for example as (SELECT ml_ref(model) FROM ...).",
    )
}
