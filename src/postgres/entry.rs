//! How PostgreSQL calls a function of ours, and how it hands over arguments. sql/ declares the functions.

use std::ffi::CStr;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use tablenet_core::{Error, ErrorKind, Result};

use crate::{datum, error};

/// Declares a function for PostgreSQL: its information record and its entry point, which gives the call to `body`
/// through [`run`], or through another function that is named.
macro_rules! entry {
    ($symbol:ident, $record:ident, $body:path) => {
        $crate::entry::entry!($symbol, $record, $body, $crate::entry::run);
    };
    ($symbol:ident, $record:ident, $body:path, $run:path) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $record() -> &'static pgrx::pg_sys::Pg_finfo_record {
            &pgrx::pg_sys::Pg_finfo_record { api_version: 1 }
        }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol(
            fcinfo: pgrx::pg_sys::FunctionCallInfo,
        ) -> pgrx::pg_sys::Datum {
            // SAFETY: the top frame of a call by PostgreSQL, with nothing to drop in it.
            unsafe { pgrx::pg_sys::panic::pgrx_extern_c_guard(|| $run(fcinfo, $body)) }
        }
    };
}
pub(crate) use entry;

/// Runs `body` and raises its error once everything in it is dropped.
///
/// # Safety
/// `fcinfo` is that of a call in progress.
pub unsafe fn run(fcinfo: FunctionCallInfo, body: impl FnOnce(&Call) -> Result<Datum>) -> Datum {
    match body(&Call { fcinfo }) {
        Ok(datum) => datum,
        Err(error) => error::raise(error),
    }
}

/// Refuses `function`, which changes something, on a standby and in a read-only transaction.
pub fn refuse_if_read_only(function: &CStr) {
    // SAFETY: a C string; the error is raised with nothing to drop in this frame.
    unsafe { pg_sys::PreventCommandIfReadOnly(function.as_ptr()) };
}

/// A call in progress; arguments are counted from 0 and have the types that sql/ declares.
pub struct Call {
    fcinfo: FunctionCallInfo,
}

impl Call {
    /// What PostgreSQL handed over.
    pub fn info(&self) -> FunctionCallInfo {
        self.fcinfo
    }

    /// Argument `index`, unless it is NULL.
    pub fn datum(&self, index: usize) -> Option<Datum> {
        // SAFETY: a call in progress has `nargs` arguments.
        unsafe {
            let count = usize::try_from((*self.fcinfo).nargs).unwrap_or(0);
            let argument = (*self.fcinfo).args.as_slice(count).get(index)?;
            (!argument.isnull).then_some(argument.value)
        }
    }

    /// A `text`.
    pub fn text(&self, index: usize) -> Result<Option<String>> {
        // SAFETY: the argument is declared text.
        self.datum(index)
            .map(|datum| unsafe { datum::text(datum) }.map(str::to_string))
            .transpose()
    }

    /// A `text` that must be given; `name` is what the error calls it.
    pub fn required_text(&self, index: usize, name: &str) -> Result<String> {
        self.text(index)?.ok_or_else(|| null(name))
    }

    /// A `bytea` that must be given; `name` is what the error calls it.
    pub fn required_bytes(&self, index: usize, name: &str) -> Result<&[u8]> {
        let datum = self.datum(index).ok_or_else(|| null(name))?;
        // SAFETY: the argument is declared bytea; it lives as long as the call.
        Ok(unsafe { datum::bytes(datum) })
    }

    /// An `int`.
    pub fn int4(&self, index: usize) -> Option<i32> {
        self.datum(index).map(|datum| datum.value() as i32)
    }

    /// An `int` that must be given; `name` is what the error calls it.
    pub fn required_int4(&self, index: usize, name: &str) -> Result<i32> {
        self.int4(index).ok_or_else(|| null(name))
    }

    /// A `bigint`.
    pub fn int8(&self, index: usize) -> Option<i64> {
        self.datum(index).map(|datum| datum.value() as i64)
    }

    /// A `float8`.
    pub fn float8(&self, index: usize) -> Option<f64> {
        self.datum(index)
            .map(|datum| f64::from_bits(datum.value() as u64))
    }

    /// A `bool`.
    pub fn boolean(&self, index: usize) -> Option<bool> {
        self.datum(index).map(|datum| datum.value() as u8 != 0)
    }

    /// A `text[]` without NULLs; `name` is what the error calls it.
    pub fn texts(&self, index: usize, name: &str) -> Result<Option<Vec<String>>> {
        let Some(array) = self.datum(index) else {
            return Ok(None);
        };
        let (mut elements, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        // SAFETY: the argument is declared text[]; the call fills `count` datums and flags.
        let (elements, nulls): (&[Datum], &[bool]) = unsafe {
            let array = pg_sys::pg_detoast_datum(array.cast_mut_ptr()).cast();
            let align = pg_sys::TYPALIGN_INT as _;
            pg_sys::deconstruct_array(
                array,
                pg_sys::TEXTOID,
                -1,
                false,
                align,
                &mut elements,
                &mut nulls,
                &mut count,
            );
            let count = usize::try_from(count).unwrap_or(0);
            if count == 0 {
                return Ok(Some(Vec::new()));
            }
            (
                std::slice::from_raw_parts(elements, count),
                std::slice::from_raw_parts(nulls, count),
            )
        };
        let texts = elements.iter().zip(nulls).map(|(&element, &is_null)| {
            if is_null {
                let message = format!("{name} must not contain a null");
                return Err(Error::new(ErrorKind::NullNotAllowed, message));
            }
            // SAFETY: an element of a text[] that is not NULL.
            unsafe { datum::text(element) }.map(str::to_string)
        });
        texts.collect::<Result<Vec<_>>>().map(Some)
    }

    /// A `jsonb`; `name` is what the error calls it.
    pub fn json(&self, index: usize, name: &str) -> Result<Option<serde_json::Value>> {
        let Some(datum) = self.datum(index) else {
            return Ok(None);
        };
        // SAFETY: the argument is declared jsonb.
        let text = unsafe { datum::jsonb_text(datum)? };
        let value = serde_json::from_str(&text).map_err(|cause| {
            // jsonb is valid JSON: what remains is nesting too deep and numbers out of the range of an f64.
            Error::new(
                ErrorKind::InvalidParameter,
                format!("{name} cannot be read: {cause}"),
            )
        })?;
        Ok(Some(value))
    }

    /// Answers SQL NULL.
    pub fn null(&self) -> Datum {
        // SAFETY: a call in progress.
        unsafe { (*self.fcinfo).isnull = true };
        Datum::null()
    }
}

fn null(name: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format!("{name} must not be null"),
    );
    error::wrap(report)
}
