//! PostgreSQL's text, JSON and names of types, as Rust has them and back.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{IntoDatum, PgSqlErrorCode, varlena};
use tablenet_core::Result;

use crate::error;

/// Text and bytea without its header, unpacked into the current memory context where it is packed.
///
/// # Safety
/// `datum` is a varlena; the slice lives as long as it and the current memory context.
pub unsafe fn bytes<'a>(datum: Datum) -> &'a [u8] {
    let mut pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
    // SAFETY: by contract a varlena, so that its header may be read and detoasted.
    unsafe {
        if varlena::varatt_is_1b_e(pointer) || varlena::varatt_is_4b_c(pointer) {
            pointer = pg_sys::pg_detoast_datum_packed(pointer);
        }
        std::slice::from_raw_parts(
            varlena::vardata_any(pointer).cast(),
            varlena::varsize_any_exhdr(pointer),
        )
    }
}

/// A jsonb as text.
///
/// # Safety
/// `datum` is a jsonb.
pub unsafe fn jsonb_text(datum: Datum) -> Result<String> {
    // SAFETY: by contract a jsonb; jsonb_out returns a palloc'd, NUL-terminated text.
    unsafe {
        let text = pg_sys::DirectFunctionCall1Coll(Some(jsonb_out), Oid::INVALID, datum);
        utf8(CStr::from_ptr(text.cast_mut_ptr()).to_bytes()).map(str::to_string)
    }
}

/// A jsonb, allocated in the current memory context.
pub fn jsonb(value: &serde_json::Value) -> Datum {
    // SAFETY: a C string in the encoding of the database.
    unsafe { jsonb_from_text(server_cstring(&value.to_string())) }
}

/// A jsonb from its text, allocated in the current memory context.
///
/// # Safety
/// `text` is a C string in the encoding of the database.
pub unsafe fn jsonb_from_text(text: *const c_char) -> Datum {
    // SAFETY: by contract what jsonb_in takes.
    unsafe { pg_sys::DirectFunctionCall1Coll(Some(jsonb_in), Oid::INVALID, Datum::from(text)) }
}

unsafe extern "C-unwind" {
    fn jsonb_in(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
    fn jsonb_out(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
}

/// Text as UTF-8, whatever the encoding of the database.
///
/// # Safety
/// As for [`bytes`].
pub unsafe fn text<'a>(datum: Datum) -> Result<&'a str> {
    // SAFETY: the contract is passed on.
    unsafe { utf8(bytes(datum)) }
}

/// Bytes in the database's encoding as UTF-8, converted into the current memory context where it is another one.
///
/// # Safety
/// The result may point into the current memory context.
pub unsafe fn utf8(bytes: &[u8]) -> Result<&str> {
    let invalid = || {
        let message = "text is not valid UTF-8";
        error::wrap(
            error::report(PgSqlErrorCode::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, message)
                .set_hint("Use a database with encoding UTF8."),
        )
    };
    if stored_as_utf8() {
        return std::str::from_utf8(bytes).map_err(|_| invalid());
    }
    let length = i32::try_from(bytes.len()).map_err(|_| invalid())?;
    let utf8 = pg_sys::pg_enc::PG_UTF8 as i32;
    // SAFETY: pointer and length describe `bytes`; the result is that pointer or a NUL-terminated copy.
    unsafe {
        let converted = pg_sys::pg_server_to_any(bytes.as_ptr().cast(), length, utf8);
        if converted.cast_const() == bytes.as_ptr().cast() {
            return std::str::from_utf8(bytes).map_err(|_| invalid());
        }
        CStr::from_ptr(converted).to_str().map_err(|_| invalid())
    }
}

/// `text` as a text datum in the database's encoding, allocated in the current memory context. A NUL, which names and labels of
/// a file from elsewhere may have and no text of PostgreSQL, becomes U+FFFD: stored, it would break a dump.
pub fn text_datum(text: &str) -> Datum {
    if text.as_bytes().contains(&0) {
        return text_datum(&text.replace('\0', "\u{fffd}"));
    }
    if stored_as_utf8() {
        return text.into_datum().unwrap_or(Datum::null());
    }
    // SAFETY: pointer and length describe `text`; the result is that pointer or a NUL-terminated copy.
    unsafe {
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let utf8 = pg_sys::pg_enc::PG_UTF8 as i32;
        let converted = pg_sys::pg_any_to_server(text.as_ptr().cast(), length, utf8);
        if converted.cast_const() == text.as_ptr().cast() {
            return text.into_datum().unwrap_or(Datum::null());
        }
        Datum::from(pg_sys::cstring_to_text(converted))
    }
}

/// `bytes` as a `bytea`, allocated in the current memory context.
pub fn bytea(bytes: &[u8]) -> Datum {
    bytes.into_datum().unwrap_or(Datum::null())
}

/// `texts` as a `text[]`, allocated in the current memory context.
pub fn text_array<S: AsRef<str>>(texts: &[S]) -> Datum {
    let elements = texts.iter().map(|text| text_datum(text.as_ref()));
    // SAFETY: the elements are text, as the array is told.
    unsafe { array(elements, pg_sys::TEXTOID, -1, false) }
}

/// `values` as a `float4[]`, allocated in the current memory context.
pub fn float4_array(values: &[f32]) -> Datum {
    let elements = values.iter().map(|value| Datum::from(value.to_bits()));
    // SAFETY: the elements are float4, which pass by value.
    unsafe { array(elements, pg_sys::FLOAT4OID, 4, true) }
}

/// An array of one dimension, or an empty one.
///
/// # Safety
/// The elements are of the type `element`, which has this length, is passed so and is aligned as an int.
unsafe fn array(
    elements: impl Iterator<Item = Datum>,
    element: Oid,
    length: i32,
    by_value: bool,
) -> Datum {
    let mut datums = elements.collect::<Vec<_>>();
    let count = i32::try_from(datums.len()).unwrap_or(i32::MAX);
    // SAFETY: there are `count` elements; by contract for the rest.
    Datum::from(unsafe {
        pg_sys::construct_array(
            datums.as_mut_ptr(),
            count,
            element,
            length as _,
            by_value,
            pg_sys::TYPALIGN_INT as _,
        )
    })
}

/// `text` as a C string in the database's encoding, allocated in the current memory context; a NUL would end it.
pub fn server_cstring(text: &str) -> *const c_char {
    // SAFETY: a text datum made just now is a valid argument.
    unsafe { pg_sys::text_to_cstring(text_datum(text).cast_mut_ptr()) }
}

// It reads a variable and cannot raise an error, so it needs no guard; it is asked for every text.
unsafe extern "C" {
    safe fn GetDatabaseEncoding() -> i32;
}

/// Whether text lies in the database as it lies in Rust.
pub fn stored_as_utf8() -> bool {
    let encoding = GetDatabaseEncoding() as u32;
    encoding == pg_sys::pg_enc::PG_UTF8 || encoding == pg_sys::pg_enc::PG_SQL_ASCII
}

/// The name of a type as SQL writes it.
pub fn type_name(type_oid: Oid) -> String {
    // SAFETY: returns a palloc'd, NUL-terminated name for any OID.
    unsafe { CStr::from_ptr(pg_sys::format_type_be(type_oid)) }
        .to_string_lossy()
        .into_owned()
}
