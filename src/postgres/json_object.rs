//! Features handed over as one json or jsonb object, by name.
//!
//! The keys of a jsonb object lie in the order of their lengths, then of their bytes. With the names of the features
//! in the same order one walk finds them all, several times faster than as many searches.

use std::mem::MaybeUninit;

use pgrx::pg_sys::{self, Datum, JsonbValue};
use pgrx::varlena;
use tablenet_core::{Binding, Error, ErrorKind, Feature, Result, Value};

use crate::datum;
use crate::jsonb::{Container, damaged};

/// The keys of a model's features.
pub struct JsonObject {
    binary: bool,
    /// In the encoding of the database and in the order of jsonb, each with the place of its feature.
    keys: Vec<(Vec<u8>, usize)>,
}

impl JsonObject {
    /// For jsonb, or json unless `binary`.
    pub fn bind(binary: bool, features: &[Feature]) -> Result<Self> {
        Binding::check_names(features)?;
        let mut keys = features
            .iter()
            .enumerate()
            .map(|(place, feature)| (server_bytes(&feature.name), place))
            .collect::<Vec<_>>();
        keys.sort_by(|(one, _), (other, _)| order(one).cmp(&order(other)));
        Ok(Self { binary, keys })
    }

    /// Puts the features found in `object` into `row`; other keys are ignored.
    ///
    /// # Safety
    /// `object` is of the type bound, and lives for `'a` like the current memory context.
    pub unsafe fn read<'a>(
        &self,
        object: Datum,
        features: &[Feature],
        row: &mut [Value<'a>],
    ) -> Result<()> {
        // SAFETY: by contract; json is text that jsonb_in reads. Unpacked, a varlena has a header of four bytes.
        let (root, content) = unsafe {
            let object = if self.binary { object } else { parse(object) };
            let header = pg_sys::pg_detoast_datum(object.cast_mut_ptr());
            let root = varlena::vardata_4b(header);
            let length = varlena::varsize_4b(header) - pg_sys::VARHDRSZ;
            (root, std::slice::from_raw_parts(root.cast(), length))
        };
        let mut keys = self.keys.iter();
        let Some(mut wanted) = keys.next() else {
            return Ok(());
        };
        for member in Container::object(content)?.members() {
            let (key, content) = member.ok_or_else(damaged)?;
            let (name, place) = wanted;
            if key != name {
                if order(key) < order(name) {
                    continue;
                }
                break;
            }
            if let (Some(feature), Some(value)) = (features.get(*place), row.get_mut(*place)) {
                // SAFETY: the content lies in the object.
                *value = unsafe { content.value(feature)? };
            }
            let Some(next) = keys.next() else {
                return Ok(());
            };
            wanted = next;
        }
        // SAFETY: an object, as was checked.
        Err(unsafe { missing(root.cast_mut().cast(), features) })
    }
}

/// What jsonb sorts the keys of an object by.
fn order(key: &[u8]) -> (usize, &[u8]) {
    (key.len(), key)
}

/// `text` in the encoding of the database.
fn server_bytes(text: &str) -> Vec<u8> {
    // SAFETY: a text datum without its header.
    unsafe { datum::bytes(datum::text_datum(text)) }.to_vec()
}

/// # Safety
/// `text` is json; the result is allocated in the current memory context.
unsafe fn parse(text: Datum) -> Datum {
    // SAFETY: json is stored as text.
    unsafe {
        datum::jsonb_from_text(pg_sys::text_to_cstring(
            pg_sys::pg_detoast_datum_packed(text.cast_mut_ptr()).cast(),
        ))
    }
}

/// The error for an object without all features, with the nearest of the keys it has.
///
/// # Safety
/// `root` is an object.
unsafe fn missing(root: *mut pg_sys::JsonbContainer, features: &[Feature]) -> Error {
    let mut keys = Vec::new();
    let mut slot = MaybeUninit::<JsonbValue>::uninit();
    // SAFETY: the iterator walks the object and fills the slot for every token but its end.
    unsafe {
        let mut iterator = pg_sys::JsonbIteratorInit(root);
        loop {
            match pg_sys::JsonbIteratorNext(&mut iterator, slot.as_mut_ptr(), true) {
                pg_sys::JsonbIteratorToken::WJB_DONE => break,
                pg_sys::JsonbIteratorToken::WJB_KEY => {
                    let key = slot.assume_init_ref().val.string;
                    let bytes = std::slice::from_raw_parts(
                        key.val.cast::<u8>(),
                        usize::try_from(key.len).unwrap_or(0),
                    );
                    match datum::utf8(bytes) {
                        Ok(key) => keys.push((key, None)),
                        Err(error) => return error,
                    }
                }
                _ => {}
            }
        }
    }
    match Binding::by_name(features, &keys) {
        Err(error) => error,
        Ok(_) => Error::new(ErrorKind::UnknownColumn, "the object lacks a feature"),
    }
}
