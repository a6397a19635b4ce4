//! The guard around every entry point: no panic reaches the server, and no error is silent.

#![allow(unsafe_code, reason = "writes the server's message buffer and flags")]

use crate::{error, server};
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tablenet_core::Result;

/// The server's message buffer, `MYSQL_ERRMSG_SIZE`, the final NUL included.
const MESSAGE_SIZE: usize = error::MOST_BYTES + 1;

/// The kinds of entry points.
#[derive(Debug, Clone, Copy)]
pub enum Entry {
    /// `f_init`.
    Init,
    /// `f` of a function of one row.
    Row,
    /// `f_clear` of an aggregate.
    Clear,
    /// `f_add` of an aggregate.
    Add,
    /// `f` of an aggregate.
    Answer,
    /// `f_deinit`.
    Deinit,
    /// The thread that trains.
    #[cfg(feature = "inject")]
    Train,
}

/// Runs `body` for the function `name`; an `Err` or a panic is raised as an error of the statement, and gives the text.
///
/// What `body` leaves half changed after a panic is only ever dropped: the statement has failed.
pub fn run<T>(name: &str, entry: Entry, body: impl FnOnce() -> Result<T>) -> Result<T, String> {
    #[cfg(not(feature = "inject"))]
    let _ = entry;
    #[cfg(feature = "inject")]
    let body = || {
        inject(name, entry);
        body()
    };
    let (number, text) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error::report(name, error),
        Err(payload) => error::report(name, tablenet_core::Error::foreign(payload)),
    };
    server::raise(number, &text);
    Err(text)
}

/// Panics where the environment says so (`ml_predict.row`, or the path of a file that holds it): for tests that ask whether
/// the server survives.
#[cfg(feature = "inject")]
pub fn inject(name: &str, entry: Entry) {
    let mut wanted = std::env::var("TABLENET_INJECT_PANIC").unwrap_or_default();
    if wanted.starts_with('/') {
        wanted = std::fs::read_to_string(&wanted).unwrap_or_default();
    }
    if wanted == format!("{name}.{entry:?}").to_lowercase() {
        panic!("injected");
    }
}

/// Writes an error of init where the server looks for it; the one that was raised goes before it.
///
/// # Safety
/// `message` is null or points to the buffer of `MYSQL_ERRMSG_SIZE` bytes that the server hands to init.
pub unsafe fn write_message(message: *mut c_char, text: &str) {
    if message.is_null() {
        return;
    }
    let end = text.floor_char_boundary(MESSAGE_SIZE - 1);
    // SAFETY: `end` < MESSAGE_SIZE, so the text and its NUL fit the buffer of the contract above.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), message.cast(), end);
        message.add(end).write(0);
    }
}

/// Sets one of the server's flags.
///
/// # Safety
/// `flag` is null or the server's own.
pub unsafe fn set(flag: *mut u8) {
    if !flag.is_null() {
        // SAFETY: by contract.
        unsafe { flag.write(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;
    use tablenet_core::{Error, ErrorKind};

    fn message_of(text: &str) -> String {
        let mut buffer = [0x7f_u8; MESSAGE_SIZE];
        // SAFETY: the buffer has the size of the contract.
        unsafe { write_message(buffer.as_mut_ptr().cast(), text) };
        let text =
            CStr::from_bytes_until_nul(&buffer).map(|text| text.to_string_lossy().into_owned());
        text.unwrap_or_default()
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        assert_eq!(message_of("no"), "no");
        assert_eq!(message_of(&"é".repeat(400)), "é".repeat(255));
    }

    #[test]
    fn errors_and_panics_give_their_text() {
        assert_eq!(run("f", Entry::Row, || Ok(1)), Ok(1));
        let error = || -> Result<()> { Err(Error::new(ErrorKind::NoRows, "no rows")) };
        assert_eq!(run("f", Entry::Row, error), Err("f: no rows".to_owned()));
        let panic = || -> Result<()> { panic!("deliberate {}", 1) };
        assert_eq!(
            run("f", Entry::Row, panic),
            Err("f: internal error: deliberate 1".to_owned())
        );
    }
}
