//! `ml_version()`: the version of the loaded library, as text.

#![allow(unsafe_code, reason = "entry points of a loadable function")]

use crate::ffi::{UdfArgs, UdfInit};
use crate::guard;
use std::ffi::{c_char, c_ulong};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The buffer the server lends for a string result holds this many bytes.
const RESULT_SIZE: usize = 255;
const _: () = assert!(VERSION.len() <= RESULT_SIZE);

/// Checks the call and describes the result.
///
/// # Safety
/// Called by the server: `init` and `args` point to its structures, `message` to its message buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_version_init(
    init: *mut UdfInit,
    args: *mut UdfArgs,
    message: *mut c_char,
) -> u8 {
    let body = || {
        // SAFETY: both pointers are the server's and valid for this call; `as_ref` and `as_mut` refuse null.
        let (init, args) = unsafe { (init.as_mut(), args.as_ref()) };
        let (Some(init), Some(args)) = (init, args) else {
            return Err("ml_version: called without its structures".to_owned());
        };
        if args.arg_count != 0 {
            return Err(format!(
                "ml_version: takes no arguments, not {}",
                args.arg_count
            ));
        }
        init.maybe_null = 0;
        init.const_item = 1;
        init.max_length = VERSION.len() as c_ulong;
        Ok(())
    };
    // SAFETY: `message` is the server's buffer. The body holds no state that a panic could leave half changed.
    unsafe { guard::init(message, std::panic::AssertUnwindSafe(body)) }
}

/// Writes the version into the server's buffer.
///
/// # Safety
/// Called by the server after `ml_version_init`: `result` holds 255 bytes, the other pointers are valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_version(
    _init: *mut UdfInit,
    _args: *mut UdfArgs,
    result: *mut c_char,
    length: *mut c_ulong,
    is_null: *mut u8,
    error: *mut u8,
) -> *mut c_char {
    let body = || {
        // SAFETY: `result` holds RESULT_SIZE bytes and VERSION is not longer; `length` is valid for a write.
        unsafe {
            std::ptr::copy_nonoverlapping(VERSION.as_ptr(), result.cast(), VERSION.len());
            length.write(VERSION.len() as c_ulong);
        }
    };
    match guard::row(std::panic::AssertUnwindSafe(body)) {
        Some(()) => result,
        None => {
            // SAFETY: both flags are the server's and valid for a write.
            unsafe {
                is_null.write(1);
                error.write(1);
            }
            std::ptr::null_mut()
        }
    }
}

/// Nothing was taken, so nothing is given back.
///
/// # Safety
/// Called by the server once after `ml_version_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_version_deinit(_init: *mut UdfInit) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;
    use std::ptr::null_mut;

    fn init_of(arg_count: u32) -> (u8, UdfInit, String) {
        let mut init = UdfInit {
            maybe_null: 1,
            decimals: 0,
            max_length: 0,
            ptr: null_mut(),
            const_item: 0,
            extension: null_mut(),
        };
        let mut args = UdfArgs {
            arg_count,
            arg_type: null_mut(),
            args: null_mut(),
            lengths: null_mut(),
            maybe_null: null_mut(),
            attributes: null_mut(),
            attribute_lengths: null_mut(),
            extension: null_mut(),
        };
        let mut message = [0_u8; 512];
        // SAFETY: all three live through the call and have the server's sizes.
        let status = unsafe { ml_version_init(&mut init, &mut args, message.as_mut_ptr().cast()) };
        let text =
            CStr::from_bytes_until_nul(&message).map(|text| text.to_string_lossy().into_owned());
        (status, init, text.unwrap_or_default())
    }

    #[test]
    fn answers_the_version_of_the_package() {
        let (status, mut init, text) = init_of(0);
        assert_eq!((status, text.as_str()), (0, ""));
        assert_eq!(
            (init.maybe_null, init.const_item, init.max_length),
            (0, 1, VERSION.len() as c_ulong)
        );

        let (mut buffer, mut length, mut is_null, mut error) = ([0_u8; RESULT_SIZE], 0, 0, 0);
        let result = buffer.as_mut_ptr().cast();
        // SAFETY: the buffer has the server's size, the other pointers live through the call.
        let answer = unsafe {
            ml_version(
                &mut init,
                null_mut(),
                result,
                &mut length,
                &mut is_null,
                &mut error,
            )
        };
        assert_eq!((answer, is_null, error), (result, 0, 0));
        assert_eq!(&buffer[..length as usize], VERSION.as_bytes());
        // SAFETY: `init` is the one that was initialised.
        unsafe { ml_version_deinit(&mut init) };
    }

    #[test]
    fn refuses_arguments() {
        let (status, _, text) = init_of(2);
        assert_eq!(
            (status, text.as_str()),
            (1, "ml_version: takes no arguments, not 2")
        );
    }

    #[test]
    fn refuses_missing_structures() {
        // SAFETY: null pointers are what the function has to refuse.
        let status = unsafe { ml_version_init(null_mut(), null_mut(), null_mut()) };
        assert_eq!(status, 1);
    }
}
