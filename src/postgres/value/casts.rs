//! Input and output of `tablenet.model`: base64 as text, the model file itself as bytes.

use std::ffi::CStr;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::Result;

use super::{check, parts};
use crate::datum;
use crate::entry::{Call, entry};

entry!(tablenet_value_in, pg_finfo_tablenet_value_in, input);
entry!(tablenet_value_out, pg_finfo_tablenet_value_out, output);
entry!(tablenet_value_recv, pg_finfo_tablenet_value_recv, receive);
entry!(tablenet_value_send, pg_finfo_tablenet_value_send, bytes);
entry!(
    tablenet_value_of_bytea,
    pg_finfo_tablenet_value_of_bytea,
    of_bytea
);
entry!(tablenet_value_bytea, pg_finfo_tablenet_value_bytea, bytes);

unsafe extern "C-unwind" {
    fn binary_encode(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
    fn binary_decode(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
}

/// What PostgreSQL's own `encode` and `decode` call it.
fn base64() -> Datum {
    datum::text_datum("base64")
}

/// Of a C string. Whitespace within it does not matter, so that it may be broken into lines.
fn input(call: &Call) -> Result<Datum> {
    let Some(text) = call.datum(0) else {
        return Ok(call.null());
    };
    // SAFETY: the argument is a C string; what is made of it is a bytea in the current memory context.
    let file = unsafe {
        let text = Datum::from(pg_sys::cstring_to_text(text.cast_mut_ptr()));
        let file =
            pg_sys::DirectFunctionCall2Coll(Some(binary_decode), Oid::INVALID, text, base64());
        datum::bytes(file)
    };
    check(file, Code::ERRCODE_INVALID_TEXT_REPRESENTATION)
}

/// To a C string, on one line.
fn output(call: &Call) -> Result<Datum> {
    let file = bytes(call)?;
    // SAFETY: `encode` takes a bytea and returns a text of our own, in which lines are closed up.
    unsafe {
        let text =
            pg_sys::DirectFunctionCall2Coll(Some(binary_encode), Oid::INVALID, file, base64());
        let text = pg_sys::text_to_cstring(text.cast_mut_ptr());
        let length = CStr::from_ptr(text).count_bytes();
        let letters = std::slice::from_raw_parts_mut(text.cast::<u8>(), length);
        let mut kept = 0;
        for place in 0..length {
            if let Some(&letter) = letters.get(place)
                && letter != b'\n'
                && let Some(to) = letters.get_mut(kept)
            {
                *to = letter;
                kept += 1;
            }
        }
        text.add(kept).write(0);
        Ok(Datum::from(text))
    }
}

/// Of a message of the protocol.
fn receive(call: &Call) -> Result<Datum> {
    let Some(message) = call.datum(0) else {
        return Ok(call.null());
    };
    // SAFETY: PostgreSQL hands over a message, all of which is taken.
    let file = unsafe {
        let message = message.cast_mut_ptr::<pg_sys::StringInfoData>();
        let length = (*message).len - (*message).cursor;
        let start = pg_sys::pq_getmsgbytes(message, length);
        std::slice::from_raw_parts(start.cast(), usize::try_from(length).unwrap_or(0))
    };
    check(file, Code::ERRCODE_INVALID_BINARY_REPRESENTATION)
}

/// Of a bytea.
fn of_bytea(call: &Call) -> Result<Datum> {
    let Some(file) = call.datum(0) else {
        return Ok(call.null());
    };
    // SAFETY: the argument is declared bytea.
    let file = unsafe { datum::bytes(file) };
    check(file, Code::ERRCODE_INVALID_BINARY_REPRESENTATION)
}

/// To a bytea.
fn bytes(call: &Call) -> Result<Datum> {
    let Some(value) = call.datum(0) else {
        return Ok(call.null());
    };
    // SAFETY: the argument is declared tablenet.model.
    let (_, file) = parts(unsafe { datum::bytes(value) })?;
    // SAFETY: a value is shorter than 1 GB, and its file shorter still.
    Ok(unsafe {
        let length = pg_sys::VARHDRSZ + file.len();
        let bytea = pg_sys::palloc(length).cast::<u8>();
        pgrx::varlena::set_varsize_4b(bytea.cast(), length as i32);
        bytea
            .add(pg_sys::VARHDRSZ)
            .copy_from_nonoverlapping(file.as_ptr(), file.len());
        Datum::from(bytea)
    })
}
