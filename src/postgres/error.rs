//! Errors on their way to the client: every one with its own SQLSTATE, PostgreSQL's own ones unchanged.
//!
//! An error raised by PostgreSQL inside a call is caught there by [`catch`], travels through Rust as an
//! ordinary `Err` so that threads join and values drop, and is raised again by [`raise`] at the function's edge.
//! Between the two no call may flush PostgreSQL's error state, which still holds the original message.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use tablenet_core::{Error, ErrorKind, Result};

use crate::guc::Memory;
use crate::{datum, interrupt};

/// The SQLSTATE of each class of core error.
pub fn sqlstate(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidParameter => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        ErrorKind::NotSupported => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        ErrorKind::UnknownColumn => Code::ERRCODE_UNDEFINED_COLUMN,
        ErrorKind::DuplicateColumn => Code::ERRCODE_DUPLICATE_COLUMN,
        ErrorKind::TypeMismatch => Code::ERRCODE_DATATYPE_MISMATCH,
        ErrorKind::NullNotAllowed => Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        ErrorKind::FeatureCount => Code::ERRCODE_DATA_EXCEPTION,
        ErrorKind::NotFinite => Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        ErrorKind::InvalidText => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        ErrorKind::NoRows => Code::ERRCODE_NO_DATA,
        ErrorKind::TooFew => Code::ERRCODE_CARDINALITY_VIOLATION,
        ErrorKind::WrongTask => Code::ERRCODE_WRONG_OBJECT_TYPE,
        ErrorKind::OutOfMemory => Code::ERRCODE_OUT_OF_MEMORY,
        ErrorKind::LimitExceeded => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        ErrorKind::Damaged => Code::ERRCODE_DATA_CORRUPTED,
        // Never reached: a foreign error carries its own report.
        ErrorKind::Foreign => Code::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
    }
}

/// An error of the adapter itself, with the SQLSTATE it needs.
#[track_caller]
pub fn report(code: Code, message: impl Into<Cow<'static, str>>) -> ErrorReport {
    ErrorReport::new(code, printable(&message.into()), "tablenet")
}

/// The same, ready to be returned.
#[track_caller]
pub fn own(code: Code, message: impl Into<Cow<'static, str>>) -> Error {
    wrap(report(code, message))
}

/// Lets a finished report travel as the core's error.
pub fn wrap(report: ErrorReport) -> Error {
    Error::foreign(Box::new(report))
}

/// Runs `call`; an error that PostgreSQL raises in it, or a panic, comes back as `Err`.
///
/// The caller must hand that `Err` on to [`raise`]: swallowing it would leave the transaction in a state that only
/// an abort repairs.
pub fn catch<R>(call: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(call)).map_err(Error::foreign)
}

/// Raises `error` as PostgreSQL's ERROR: at the edge of a function only, when nothing of ours is alive.
#[track_caller]
pub fn raise(error: Error) -> ! {
    if interrupt::is_terminating() {
        // SAFETY: what CHECK_FOR_INTERRUPTS() calls; it ends the process.
        unsafe { pg_sys::ProcessInterrupts() };
    }
    if error.kind() == ErrorKind::Foreign {
        match error.into_foreign() {
            Some(payload) => resume_unwind(payload),
            None => panic_any(report(
                Code::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
                "lost an error",
            )),
        }
    }
    let mut report = report(sqlstate(error.kind()), error.to_string());
    if let Some(detail) = error.detail_text() {
        report = report.set_detail(printable(detail));
    }
    if let Some(hint) = error.hint_text() {
        // The core knows limits; their names are ours.
        let hint = Memory::of_session().named(hint).replace(
            "raise the model size limit",
            "ask a superuser to raise tablenet.max_model_size",
        );
        report = report.set_hint(printable(&hint));
    }
    panic_any(report)
}

/// What PostgreSQL can print: JSON may hold a NUL, a message may not, and in a database with another encoding than
/// UTF8 it may hold only what all encodings share.
pub fn printable(text: &str) -> String {
    if datum::stored_as_utf8() {
        return text.replace('\0', "\u{fffd}");
    }
    let ascii = |character: char| {
        if character.is_ascii() && character != '\0' {
            character
        } else {
            '?'
        }
    };
    text.chars().map(ascii).collect()
}
