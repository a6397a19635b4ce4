//! Features handed over as one json or jsonb object, by name.
//!
//! The keys of a jsonb object lie in the order of their lengths, then of their bytes. With the names of the features
//! in the same order one walk finds them all, several times faster than as many searches.

use std::mem::MaybeUninit;

use pgrx::pg_sys::{self, Datum, JsonbValue};
use pgrx::varlena;
use tablenet_core::{Binding, ColumnType, Error, ErrorKind, Feature, Result, Value};

use crate::{datum, numeric};

/// The keys of a model's features.
pub struct JsonObject {
    binary: bool,
    /// In the encoding of the database and in the order of jsonb, each with the place of its feature.
    keys: Vec<(Vec<u8>, usize)>,
}

impl JsonObject {
    /// For jsonb, or json unless `binary`.
    pub fn bind(binary: bool, features: &[Feature]) -> Self {
        let mut keys = features
            .iter()
            .enumerate()
            .map(|(place, feature)| (server_bytes(&feature.name), place))
            .collect::<Vec<_>>();
        keys.sort_by(|(one, _), (other, _)| order(one).cmp(&order(other)));
        Self { binary, keys }
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
        for member in Object::of(content)?.members() {
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

/// An object as jsonb stores it: a header with their number, an entry per key and per value that says where it ends,
/// the keys, the values.
struct Object<'a> {
    entries: &'a [[u8; 4]],
    /// Keys and values.
    data: &'a [u8],
}

/// A value of an object: its entry, and its bytes with the padding before them.
struct Content<'a> {
    entry: u32,
    bytes: &'a [u8],
    padding: usize,
}

impl<'a> Object<'a> {
    fn of(content: &'a [u8]) -> Result<Self> {
        let (header, rest) = content.split_first_chunk().ok_or_else(damaged)?;
        let header = u32::from_ne_bytes(*header);
        if header & pg_sys::JB_FOBJECT == 0 {
            let found = if header & pg_sys::JB_FSCALAR != 0 {
                "a single value"
            } else {
                "an array"
            };
            return Err(Error::new(
                ErrorKind::TypeMismatch,
                format!("features as JSON must be an object, not {found}"),
            )
            .hint("Write them as {\"name\": value, ...}."));
        }
        let entries = 2 * (header & pg_sys::JB_CMASK) as usize;
        let (entries, data) = rest.split_at_checked(4 * entries).ok_or_else(damaged)?;
        let entries = entries.as_chunks().0;
        Ok(Self { entries, data })
    }

    /// Keys and values in their order; `None` for one that lies outside of the object.
    fn members(&self) -> impl Iterator<Item = Option<(&'a [u8], Content<'a>)>> {
        let (keys, values) = self.entries.split_at(self.entries.len() / 2);
        let mut key_end = 0;
        // The first value begins where the last key ends: an entry has its end every so often, else its length.
        let mut value_end = 0;
        for key in keys.iter().rev() {
            let entry = u32::from_ne_bytes(*key);
            value_end += (entry & pg_sys::JENTRY_OFFLENMASK) as usize;
            if entry & pg_sys::JENTRY_HAS_OFF != 0 {
                break;
            }
        }
        let data = self.data;
        keys.iter().zip(values).map(move |(key, value)| {
            let (key, value) = (u32::from_ne_bytes(*key), u32::from_ne_bytes(*value));
            let key = data.get(range(key, &mut key_end))?;
            let place = range(value, &mut value_end);
            let content = Content {
                entry: value,
                padding: place.start.next_multiple_of(4) - place.start,
                bytes: data.get(place)?,
            };
            Some((key, content))
        })
    }
}

/// Where the content of `entry` lies, which begins at `end`; `end` becomes its end.
#[inline]
fn range(entry: u32, end: &mut usize) -> std::ops::Range<usize> {
    let start = *end;
    let length = (entry & pg_sys::JENTRY_OFFLENMASK) as usize;
    *end = if entry & pg_sys::JENTRY_HAS_OFF != 0 {
        length
    } else {
        start + length
    };
    start..*end
}

impl<'a> Content<'a> {
    /// Its value for `feature`.
    ///
    /// # Safety
    /// Content of a jsonb that lives for `'a`.
    #[inline]
    unsafe fn value(&self, feature: &Feature) -> Result<Value<'a>> {
        use pg_sys::{JENTRY_ISBOOL_FALSE, JENTRY_ISBOOL_TRUE, JENTRY_ISNULL, JENTRY_ISNUMERIC};
        match (self.entry & pg_sys::JENTRY_TYPEMASK, feature.column_type) {
            (JENTRY_ISNULL, _) => Ok(Value::Null),
            (JENTRY_ISNUMERIC, ColumnType::Number) => {
                let number = self.bytes.get(self.padding..).ok_or_else(damaged)?;
                // SAFETY: by contract a numeric, after what aligns it.
                let number = unsafe { numeric::to_f64(Datum::from(number.as_ptr())) };
                Ok(Value::Number(number))
            }
            (JENTRY_ISBOOL_FALSE, ColumnType::Boolean) => Ok(Value::Boolean(false)),
            (JENTRY_ISBOOL_TRUE, ColumnType::Boolean) => Ok(Value::Boolean(true)),
            (pg_sys::JENTRY_ISSTRING, ColumnType::Category) => {
                // SAFETY: by contract the text lives for `'a`, like the current memory context.
                unsafe { datum::utf8(self.bytes) }.map(Value::Text)
            }
            (found, wanted) => Err(mismatch(found, wanted, &feature.name)),
        }
    }
}

#[cold]
fn damaged() -> Error {
    Error::new(ErrorKind::Damaged, "a jsonb value is damaged")
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

#[cold]
fn mismatch(found: u32, wanted: ColumnType, name: &str) -> Error {
    let found = match found {
        pg_sys::JENTRY_ISSTRING => "a string",
        pg_sys::JENTRY_ISNUMERIC => "a number",
        pg_sys::JENTRY_ISBOOL_FALSE | pg_sys::JENTRY_ISBOOL_TRUE => "a boolean",
        _ => "an object or array",
    };
    let (wanted, hint) = match wanted {
        ColumnType::Boolean => ("a boolean", "Write true or false without quotes."),
        ColumnType::Category => ("a text", "Write texts in double quotes."),
        _ => ("a number", "Write numbers without quotes."),
    };
    Error::new(
        ErrorKind::TypeMismatch,
        format!("feature \"{name}\" is {wanted}, but the object has {found}"),
    )
    .hint(hint)
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
