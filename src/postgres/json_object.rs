//! Features handed over as one json or jsonb object, by name.

use std::mem::MaybeUninit;

use pgrx::pg_sys::{self, Datum, JsonbValue, jbvType};
use pgrx::varlena;
use tablenet_core::{Binding, ColumnType, Error, ErrorKind, Feature, Result, Value};

use crate::{datum, numeric};

/// The keys of a model's features in the encoding of the database.
pub struct JsonObject {
    binary: bool,
    keys: Vec<Vec<u8>>,
}

impl JsonObject {
    /// For jsonb, or json unless `binary`.
    pub fn bind(binary: bool, features: &[Feature]) -> Self {
        Self {
            binary,
            keys: features
                .iter()
                .map(|feature| server_bytes(&feature.name))
                .collect(),
        }
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
        // SAFETY: by contract; json is text that jsonb_in reads.
        let root = unsafe {
            let object = if self.binary { object } else { parse(object) };
            let header = pg_sys::pg_detoast_datum(object.cast_mut_ptr());
            varlena::vardata_4b(header)
                .cast_mut()
                .cast::<pg_sys::JsonbContainer>()
        };
        // SAFETY: a jsonb begins with its root container.
        let kind = unsafe { (*root).header };
        if kind & pg_sys::JB_FOBJECT == 0 {
            let found = if kind & pg_sys::JB_FSCALAR != 0 {
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
        for ((key, feature), value) in self.keys.iter().zip(features).zip(row) {
            let mut slot = MaybeUninit::<JsonbValue>::uninit();
            let length = i32::try_from(key.len()).unwrap_or(i32::MAX);
            // SAFETY: the container is an object; the slot is filled if the key is found; the value points into the
            // object.
            unsafe {
                if pg_sys::getKeyJsonValueFromContainer(
                    root,
                    key.as_ptr().cast(),
                    length,
                    slot.as_mut_ptr(),
                )
                .is_null()
                {
                    return Err(missing(root, features));
                }
                *value = convert(slot.assume_init_ref(), feature)?;
            }
        }
        Ok(())
    }
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

/// # Safety
/// `value` points into an object that lives for `'a`.
unsafe fn convert<'a>(value: &JsonbValue, feature: &Feature) -> Result<Value<'a>> {
    // SAFETY: the type says which member of the union is set.
    unsafe {
        match (value.type_, feature.column_type) {
            (jbvType::jbvNull, _) => Ok(Value::Null),
            (jbvType::jbvNumeric, ColumnType::Number) => Ok(Value::Number(numeric::to_f64(
                Datum::from(value.val.numeric),
            ))),
            (jbvType::jbvBool, ColumnType::Boolean) => Ok(Value::Boolean(value.val.boolean)),
            (jbvType::jbvString, ColumnType::Category) => {
                let length = usize::try_from(value.val.string.len).unwrap_or(0);
                let bytes = std::slice::from_raw_parts(value.val.string.val.cast::<u8>(), length);
                datum::utf8(bytes).map(Value::Text)
            }
            (found, wanted) => Err(mismatch(found, wanted, &feature.name)),
        }
    }
}

fn mismatch(found: jbvType::Type, wanted: ColumnType, name: &str) -> Error {
    let found = match found {
        jbvType::jbvString => "a string",
        jbvType::jbvNumeric => "a number",
        jbvType::jbvBool => "a boolean",
        _ => "an object or array",
    };
    let (wanted, hint) = match wanted {
        ColumnType::Number => ("a number", "Write numbers without quotes."),
        ColumnType::Boolean => ("a boolean", "Write true or false without quotes."),
        ColumnType::Category => ("a text", "Write texts in double quotes."),
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
