//! The guard around every entry point: no panic reaches the server.

#![allow(unsafe_code, reason = "writes the server's message buffer")]

use std::ffi::c_char;
use std::panic::{UnwindSafe, catch_unwind};

/// The server's message buffer, `MYSQL_ERRMSG_SIZE`, the final NUL included.
const MESSAGE_SIZE: usize = 512;

/// Runs the body of an `f_init`: `Err` or a panic becomes the message of "Can't initialize function".
///
/// Returns what the server expects: 0 for success, 1 for an error.
///
/// # Safety
/// `message` is null or points to the buffer of `MYSQL_ERRMSG_SIZE` bytes that the server hands to `f_init`.
pub unsafe fn init(
    message: *mut c_char,
    body: impl FnOnce() -> Result<(), String> + UnwindSafe,
) -> u8 {
    let text = match catch_unwind(body) {
        Ok(Ok(())) => return 0,
        Ok(Err(text)) => text,
        Err(_) => "tablenet: internal error".to_owned(),
    };
    if !message.is_null() {
        let end = text.floor_char_boundary(MESSAGE_SIZE - 1);
        // SAFETY: `end` < MESSAGE_SIZE, so the text and its NUL fit the buffer of the contract above.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), message.cast(), end);
            message.add(end).write(0);
        }
    }
    1
}

/// Runs the body of a row function; a panic gives `None`, which the caller reports through `*error`.
pub fn row<T>(body: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    catch_unwind(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn message_of(body: impl FnOnce() -> Result<(), String> + UnwindSafe) -> (u8, String) {
        let mut buffer = [0x7f_u8; MESSAGE_SIZE];
        // SAFETY: the buffer has the size of the contract.
        let status = unsafe { init(buffer.as_mut_ptr().cast(), body) };
        let text =
            CStr::from_bytes_until_nul(&buffer).map(|text| text.to_string_lossy().into_owned());
        (status, text.unwrap_or_default())
    }

    #[test]
    fn success_leaves_the_message_alone() {
        assert_eq!(message_of(|| Ok(())), (0, String::new()));
    }

    #[test]
    fn an_error_is_the_message() {
        assert_eq!(message_of(|| Err("no".to_owned())), (1, "no".to_owned()));
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let (status, text) = message_of(|| Err("é".repeat(400)));
        assert_eq!((status, text), (1, "é".repeat(255)));
    }

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(
            message_of(|| panic!("deliberate")),
            (1, "tablenet: internal error".to_owned())
        );
        assert_eq!(row(|| -> u8 { panic!("deliberate") }), None);
    }
}
