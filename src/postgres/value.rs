//! `tablenet.model`: a model as a value of a type of its own.
//!
//! A value is the sha256 of a model file and then the file. The digest is what a model is known by, so that a value that lies
//! elsewhere need not be read for every row; it is looked at again whenever a model is made of a value. As text a value is the
//! file in base64, as bytes the file itself, and what comes in as one of them is believed in no part.

mod casts;
mod deref;
mod named;
mod site;

pub use deref::Deref;
pub use site::ValueSite;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum};
use pgrx::varlena;
use tablenet_core::{Error, ErrorKind, ModelFile, Result};

use crate::cache::Digest;
use crate::chunks::Seal;
use crate::interrupt::Interrupts;
use crate::{error, lookup};

/// Bytes of the digest.
const DIGEST: usize = size_of::<Digest>();
/// The largest file. A row of a table is dumped as one text of less than 1 GB, and in base64 three bytes are four.
const MOST: usize = 512 << 20;

/// A value of the file, whose digest is known, in the current memory context.
///
/// # Errors
/// 54000 for a file that is too large to be a value.
pub fn make(file: &[u8], digest: &Digest) -> Result<Datum> {
    if file.len() > MOST {
        let message = format!(
            "a model of {} bytes cannot be a value, which has at most {MOST}",
            file.len()
        );
        return Err(Error::new(ErrorKind::LimitExceeded, message)
            .hint("Train it with ml_train() and use it by its name."));
    }
    let length = pg_sys::VARHDRSZ + DIGEST + file.len();
    // SAFETY: as many bytes are allocated as are written.
    unsafe {
        let value = pg_sys::palloc(length).cast::<u8>();
        varlena::set_varsize_4b(value.cast(), length as i32);
        let data = value.add(pg_sys::VARHDRSZ);
        data.copy_from_nonoverlapping(digest.as_ptr(), DIGEST);
        data.add(DIGEST)
            .copy_from_nonoverlapping(file.as_ptr(), file.len());
        Ok(Datum::from(value))
    }
}

/// A value of `file`, which came from anywhere; `code` is the SQLSTATE where it is no model file.
///
/// # Errors
/// `code`, 54000, 53200, and 0A000 for a file of a later release.
fn check(file: &[u8], code: Code) -> Result<Datum> {
    lookup::parse(file).map_err(|error| match error.kind() {
        ErrorKind::Damaged => {
            let report = error::report(code, "invalid value for type tablenet.model");
            let detail = error.detail_text().unwrap_or("It is no model file.");
            error::wrap(report.set_detail(error::printable(detail)).set_hint(
                "A value is the base64 of a whole model file; as bytes it is the file itself.",
            ))
        }
        _ => error,
    })?;
    make(file, &Seal::of(file, &mut Interrupts::new())?.sha256)
}

/// The digest that a value begins with, and its file.
fn parts(value: &[u8]) -> Result<(&Digest, &[u8])> {
    value
        .split_first_chunk()
        .ok_or_else(|| damaged("It is shorter than a digest."))
}

/// The model in a value, which is checked as a whole.
///
/// # Errors
/// XX001 for what no function of this extension has made.
fn file(value: &[u8]) -> Result<ModelFile> {
    let (digest, file) = parts(value)?;
    if Seal::of(file, &mut Interrupts::new())?.sha256 != *digest {
        return Err(damaged("Its sha256 is not that of its file."));
    }
    lookup::parse(file)
}

fn damaged(detail: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        "a value of type tablenet.model is damaged",
    )
    .detail(detail)
    .hint("Restore it from a backup, or train it again.")
}
