//! Long byte strings in the catalog, cut into pieces and checked against their sha256: model files, and what the optimizer
//! had when a training ended.

use std::ffi::CStr;
use std::thread::LocalKey;

use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum};
use sha2::{Digest, Sha256};
use tablenet_core::{Callback, Error, ErrorKind, Result};

use crate::datum;
use crate::fixed::{Fixed, connected};
use crate::memory::Scratch;

/// The size of the pieces.
const CHUNK: usize = 1 << 20;

/// Fixed statements over one table of pieces.
macro_rules! statements {
    ($measure:ident, $read:ident, $add:ident, $drop:ident, $table:literal) => {
        thread_local! {
            static $measure: Fixed = const { Fixed::new(
                c_str(concat!(
                    "SELECT pg_catalog.sum(pg_catalog.octet_length(bytes)) FROM tablenet.", $table, " \
                      WHERE model_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2\0"
                )),
                &[pg_sys::INT8OID, pg_sys::INT4OID],
            ) };
            static $read: Fixed = const { Fixed::new(
                c_str(concat!(
                    "SELECT bytes FROM tablenet.", $table, " WHERE model_id OPERATOR(pg_catalog.=) $1 \
                        AND version OPERATOR(pg_catalog.=) $2 AND chunk OPERATOR(pg_catalog.=) $3\0"
                )),
                &[pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::INT4OID],
            ) };
            static $add: Fixed = const { Fixed::new(
                c_str(concat!(
                    "INSERT INTO tablenet.", $table, " (model_id, version, chunk, bytes) VALUES ($1, $2, $3, $4)\0"
                )),
                &[pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::INT4OID, pg_sys::BYTEAOID],
            ) };
            static $drop: Fixed = const { Fixed::new(
                c_str(concat!(
                    "DELETE FROM tablenet.", $table, " WHERE model_id OPERATOR(pg_catalog.=) $1 \
                        AND version OPERATOR(pg_catalog.>=) $2 AND version OPERATOR(pg_catalog.<=) $3 \
                        AND ($4 IS NULL OR version OPERATOR(pg_catalog.<>) $4)\0"
                )),
                &[pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::INT4OID, pg_sys::INT4OID],
            ) };
        }
    };
}

const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("it must end with its only NUL"),
    }
}

statements!(
    MEASURE_FILE,
    READ_FILE,
    ADD_FILE,
    DROP_FILES,
    "stored_chunk"
);
statements!(
    MEASURE_STATE,
    READ_STATE,
    ADD_STATE,
    DROP_STATES,
    "stored_state"
);

/// Which byte string of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The model file.
    File,
    /// The state of its training.
    State,
}

impl Part {
    fn measure(self) -> &'static LocalKey<Fixed> {
        match self {
            Self::File => &MEASURE_FILE,
            Self::State => &MEASURE_STATE,
        }
    }

    fn read(self) -> &'static LocalKey<Fixed> {
        match self {
            Self::File => &READ_FILE,
            Self::State => &READ_STATE,
        }
    }

    fn add(self) -> &'static LocalKey<Fixed> {
        match self {
            Self::File => &ADD_FILE,
            Self::State => &ADD_STATE,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::State => "training state",
        }
    }
}

/// The size and the sha256 of a byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Bytes.
    pub size: u64,
    /// Their digest.
    pub sha256: [u8; 32],
}

impl Seal {
    /// Of `bytes`, with interrupts in between.
    pub fn of(bytes: &[u8], callback: &mut dyn Callback) -> Result<Self> {
        let mut hasher = Sha256::new();
        for piece in bytes.chunks(CHUNK) {
            callback.check()?;
            hasher.update(piece);
        }
        Ok(Self {
            size: bytes.len() as u64,
            sha256: hasher.finalize().into(),
        })
    }

    /// From the columns that hold them.
    ///
    /// # Safety
    /// `size` is a bigint and `sha256` a bytea.
    pub unsafe fn stored(name: &str, size: Datum, sha256: Datum) -> Result<Self> {
        // SAFETY: by contract.
        let sha256 = unsafe { datum::bytes(sha256) };
        Ok(Self {
            size: u64::try_from(size.value() as i64)
                .map_err(|_| damaged(name, "Its size is negative."))?,
            sha256: sha256
                .try_into()
                .map_err(|_| damaged(name, "Its sha256 does not have 32 bytes."))?,
        })
    }
}

/// A part of version `key` (model and version) of the model `name`, checked against its seal.
///
/// # Errors
/// Damaged if pieces are missing, changed or do not add up to the size, OutOfMemory if it has more than `limit` bytes.
pub fn read(
    name: &str,
    part: Part,
    key: (i64, i32),
    seal: &Seal,
    limit: u64,
    callback: &mut dyn Callback,
) -> Result<Vec<u8>> {
    let words = part.words();
    // What fits into one piece may be reserved unseen.
    if seal.size > CHUNK as u64 {
        let stored = length(part, key)?;
        if stored != seal.size {
            let detail = format!(
                "Its {words} has {} bytes, and its pieces have {stored}.",
                seal.size
            );
            return Err(damaged(name, &detail));
        }
    }
    if seal.size > limit {
        let message = format!(
            "the {words} of model \"{name}\" has {} bytes, more than the limit of {limit}",
            seal.size
        );
        return Err(Error::new(ErrorKind::OutOfMemory, message).hint("Raise the memory limit."));
    }
    let out_of_memory = |_| {
        Error::new(
            ErrorKind::OutOfMemory,
            format!("no memory for the {} bytes of a model", seal.size),
        )
    };
    let size = usize::try_from(seal.size).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(out_of_memory)?;
    connected(|| {
        let scratch = Scratch::new();
        for chunk in 0.. {
            if bytes.len() >= size {
                break;
            }
            callback.check()?;
            let key = [
                Some(Datum::from(key.0)),
                Some(Datum::from(key.1)),
                Some(Datum::from(chunk)),
            ];
            let rows = part.read().with(|statement| statement.read(&key))?;
            let Some(stored) = rows.get(0, 0) else {
                return Err(damaged(
                    name,
                    &format!("Piece {chunk} of its {words} is missing."),
                ));
            };
            scratch.run(|| {
                // SAFETY: the column is a bytea; nothing keeps the slice.
                let piece = unsafe { datum::bytes(stored) };
                if piece.is_empty() || piece.len() > size - bytes.len() {
                    return Err(damaged(
                        name,
                        &format!("Piece {chunk} of its {words} has the wrong length."),
                    ));
                }
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            rows.free();
        }
        Ok(())
    })?;
    if Seal::of(&bytes, callback)?.sha256 != seal.sha256 {
        let detail = format!("The sha256 of its {words} is not the one stored.");
        return Err(damaged(name, &detail));
    }
    Ok(bytes)
}

/// The bytes of all pieces of a part, which need not be read for it.
fn length(part: Part, (model_id, version): (i64, i32)) -> Result<u64> {
    let key = [Some(Datum::from(model_id)), Some(Datum::from(version))];
    connected(|| {
        let rows = part.measure().with(|statement| statement.read(&key))?;
        // Without a piece the sum is NULL.
        let sum = rows.get(0, 0).map_or(0, |sum| sum.value() as i64);
        Ok(u64::try_from(sum).unwrap_or(0))
    })
}

/// Stores a part of a new version, within an open connection to SPI.
pub fn store(
    part: Part,
    (model_id, version): (Datum, Datum),
    bytes: &[u8],
    callback: &mut dyn Callback,
) -> Result<()> {
    for (number, chunk) in bytes.chunks(CHUNK).enumerate() {
        callback.check()?;
        let bytes = chunk.into_datum();
        let values = [
            Some(model_id),
            Some(version),
            (number as i32).into_datum(),
            bytes,
        ];
        part.add().with(|statement| statement.write(&values))?;
        if let Some(bytes) = bytes {
            // SAFETY: allocated above, stored, not used again.
            unsafe { pg_sys::pfree(bytes.cast_mut_ptr()) };
        }
    }
    Ok(())
}

/// Deletes all parts of versions, given as model, first, last and the one that stays; within an open connection to SPI.
pub fn delete(range: &[Option<Datum>]) -> Result<()> {
    DROP_FILES.with(|statement| statement.write(range))?;
    DROP_STATES.with(|statement| statement.write(range))?;
    Ok(())
}

/// The error for a model that is not as it was stored.
pub fn damaged(name: &str, detail: &str) -> Error {
    Error::new(ErrorKind::Damaged, format!("model \"{name}\" is damaged"))
        .detail(detail)
        .hint("Restore it from a backup, or train it again.")
}
