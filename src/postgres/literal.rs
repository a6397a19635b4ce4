//! Text that stands for a value of a feature: an untyped literal, or a string in an object.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{ColumnType, Feature, Result, Value};

use crate::vector::{self, Element};
use crate::{datum, temporal};

/// The text of an untyped literal.
///
/// # Safety
/// `datum` is a C string that lives for `'a`.
pub unsafe fn literal<'a>(datum: Datum) -> Result<&'a str> {
    // SAFETY: by contract.
    unsafe { datum::utf8(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes()) }
}

/// The value that `text` stands for: as PostgreSQL reads an interval, a time with a zone or an array, else as the core reads the feature's type.
///
/// # Safety
/// `text` and the current memory context live for `'a`.
pub unsafe fn read<'a>(feature: &Feature, text: &'a str) -> Result<Value<'a>> {
    match feature.column_type {
        // SAFETY: the input function of the type that is read.
        ColumnType::Interval => unsafe {
            let interval = input(interval_in, text);
            Ok(Value::Number(temporal::interval(interval)))
        },
        // SAFETY: as above.
        ColumnType::Time if text.contains(['+', '-']) => unsafe {
            let time = input(timetz_in, text);
            Ok(Value::Number(temporal::time_tz(time)))
        },
        // SAFETY: the result is a float8[] in the current memory context.
        ColumnType::Vector => unsafe {
            let text = braced(text);
            let function = Oid::from(pg_sys::F_ARRAY_IN);
            let array = pg_sys::OidInputFunctionCall(function, text, pg_sys::FLOAT8OID, -1);
            let what = format!("column \"{}\"", feature.name);
            vector::array(array, Element::Float8, &what).map(Value::Vector)
        },
        _ => feature.read(text),
    }
}

/// What the input function of a type without a modifier makes of `text`.
///
/// # Safety
/// `function` is such a function, which does not look at the OID of its type.
unsafe fn input(
    function: unsafe extern "C-unwind" fn(pg_sys::FunctionCallInfo) -> Datum,
    text: &str,
) -> Datum {
    let text = Datum::from(datum::server_cstring(text));
    // SAFETY: by contract; the text is a C string.
    unsafe {
        pg_sys::DirectFunctionCall3Coll(
            Some(function),
            Oid::INVALID,
            text,
            Datum::null(),
            Datum::from(-1),
        )
    }
}

/// An array as PostgreSQL writes it; pgvector writes it in brackets.
fn braced(text: &str) -> *mut c_char {
    let trimmed = text.trim_ascii();
    let inner = trimmed
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let text = match inner {
        Some(inner) => datum::server_cstring(&format!("{{{inner}}}")),
        None => datum::server_cstring(text),
    };
    text.cast_mut()
}

unsafe extern "C-unwind" {
    fn interval_in(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
    fn timetz_in(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
}
