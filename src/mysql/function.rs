//! Loadable functions as Rust types: what a function is, and the C entry points that the server calls.
//!
//! A function is a type that holds what lives from init to deinit. [`loadable!`] and [`aggregate!`] export its symbols.

#![allow(unsafe_code, reason = "entry points of loadable functions")]

use crate::arguments::{Arguments, Declared};
use crate::ffi::{UdfArgs, UdfInit};
use crate::guard::{self, Entry};
use crate::server;
use std::ffi::{c_char, c_ulong};
use tablenet_core::{Error, ErrorKind, Result};

/// A function from its init to its deinit. Dropping it frees everything, whatever happened before.
pub trait Function: Sized {
    /// The name in SQL.
    const NAME: &'static str;
    /// What it answers.
    const ANSWERS: Answers;

    /// Checks the call and says how its arguments are to be handed over.
    fn new(arguments: &mut Declared<'_>) -> Result<Self>;
}

/// What a function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// DOUBLE.
    Real,
    /// UTF-8 text; MariaDB calls it binary.
    Text,
    /// Bytes: LONGBLOB.
    Bytes,
}

/// A function of one row that answers a number. MariaDB allows it in generated columns, where it lives as long as the open
/// table and is called on the thread of one connection after another.
pub trait RealFunction: Function + Send {
    /// Answers one row; `None` is NULL.
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<f64>>;
}

/// A function of one row that answers text or bytes; also for one thread after another, like [`RealFunction`].
pub trait TextFunction: Function + Send {
    /// Answers one row; `None` is NULL. The answer is read before the next call.
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>>;
}

/// A function of a group of rows that answers text or bytes.
pub trait Aggregate: Function {
    /// A new group begins; also called for none, and several times.
    fn clear(&mut self) -> Result<()>;
    /// Takes a row of the group.
    fn add(&mut self, arguments: &Arguments<'_>) -> Result<()>;
    /// Answers the group. The answer is read before the next call.
    fn answer(&mut self) -> Result<Option<&[u8]>>;
}

/// Exports a function of one row: `loadable!(Type, real | text, f_init, f, f_deinit)`.
macro_rules! loadable {
    ($function:ty, $answer:ident, $init:ident, $row:ident, $deinit:ident) => {
        $crate::function::export!(init $function, $init, $deinit);
        $crate::function::export!($answer $function, $row, row);
    };
}

/// Exports a function of a group of rows: `aggregate!(Type, f_init, f_clear, f_add, f, f_deinit)`.
macro_rules! aggregate {
    ($function:ty, $init:ident, $clear:ident, $add:ident, $answer:ident, $deinit:ident) => {
        $crate::function::export!(init $function, $init, $deinit);
        $crate::function::export!(text $function, $answer, answer);

        /// Begins a group.
        ///
        /// # Safety
        /// Called by the server with its own structures.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "an entry point")]
        pub unsafe extern "C" fn $clear(
            init: *mut $crate::ffi::UdfInit,
            is_null: *mut u8,
            error: *mut u8,
        ) {
            // SAFETY: as the caller promises.
            unsafe { $crate::function::clear::<$function>(init, is_null, error) }
        }

        /// Takes a row.
        ///
        /// # Safety
        /// Called by the server with its own structures.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "an entry point")]
        pub unsafe extern "C" fn $add(
            init: *mut $crate::ffi::UdfInit,
            args: *mut $crate::ffi::UdfArgs,
            is_null: *mut u8,
            error: *mut u8,
        ) {
            // SAFETY: as the caller promises.
            unsafe { $crate::function::add::<$function>(init, args, is_null, error) }
        }
    };
}

/// One or two symbols of a function.
macro_rules! export {
    (init $function:ty, $init:ident, $deinit:ident) => {
        /// Checks the call.
        ///
        /// # Safety
        /// Called by the server with its own structures.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "an entry point")]
        pub unsafe extern "C" fn $init(
            init: *mut $crate::ffi::UdfInit,
            args: *mut $crate::ffi::UdfArgs,
            message: *mut std::ffi::c_char,
        ) -> u8 {
            // SAFETY: as the caller promises.
            unsafe { $crate::function::init::<$function>(init, args, message) }
        }

        /// Frees what init made.
        ///
        /// # Safety
        /// Called by the server, once, with the structure it gave to init.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "an entry point")]
        pub unsafe extern "C" fn $deinit(init: *mut $crate::ffi::UdfInit) {
            // SAFETY: as the caller promises.
            unsafe { $crate::function::deinit::<$function>(init) }
        }
    };
    (real $function:ty, $row:ident, row) => {
        /// Answers a row.
        ///
        /// # Safety
        /// Called by the server with its own structures.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "an entry point")]
        pub unsafe extern "C" fn $row(
            init: *mut $crate::ffi::UdfInit,
            args: *mut $crate::ffi::UdfArgs,
            is_null: *mut u8,
            error: *mut u8,
        ) -> f64 {
            // SAFETY: as the caller promises.
            unsafe { $crate::function::real::<$function>(init, args, is_null, error) }
        }
    };
    (text $function:ty, $row:ident, $what:ident) => {
        /// Answers.
        ///
        /// # Safety
        /// Called by the server with its own structures.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "an entry point")]
        pub unsafe extern "C" fn $row(
            init: *mut $crate::ffi::UdfInit,
            args: *mut $crate::ffi::UdfArgs,
            _result: *mut std::ffi::c_char,
            length: *mut std::ffi::c_ulong,
            is_null: *mut u8,
            error: *mut u8,
        ) -> *const std::ffi::c_char {
            // SAFETY: as the caller promises.
            unsafe { $crate::function::$what::<$function>(init, args, length, is_null, error) }
        }
    };
}

pub(crate) use {aggregate, export, loadable};

/// Where the server calls a function that it has not initialised.
fn lost() -> Error {
    Error::new(ErrorKind::InvalidParameter, "called without its state")
}

/// The function that init left behind.
///
/// # Safety
/// `init` is the structure of the call in progress, and nobody else holds the function.
unsafe fn state<'a, F>(init: *mut UdfInit) -> Result<&'a mut F> {
    // SAFETY: by contract; `ptr` is null or the box that `init` below gave away.
    unsafe {
        init.as_mut()
            .and_then(|init| init.ptr.cast::<F>().as_mut())
            .ok_or_else(lost)
    }
}

/// # Safety
/// As every function below: the pointers are what the server passes to the entry point of this name.
pub unsafe fn init<F: Function>(
    init: *mut UdfInit,
    args: *mut UdfArgs,
    message: *mut c_char,
) -> u8 {
    let body = || {
        if init.is_null() || args.is_null() {
            return Err(lost());
        }
        // SAFETY: not null, and the server's by contract.
        let mut arguments = unsafe {
            (*init).ptr = std::ptr::null_mut();
            Declared::new(args)
        };
        let function = F::new(&mut arguments)?;
        /// Not a fixed number of decimals.
        const NOT_FIXED: u32 = 31;
        // SAFETY: as above.
        unsafe {
            (*init).maybe_null = 1;
            match F::ANSWERS {
                Answers::Real => (*init).decimals = NOT_FIXED,
                Answers::Text | Answers::Bytes => (*init).max_length = c_ulong::from(u32::MAX),
            }
            if F::ANSWERS == Answers::Text {
                server::declare_text(init);
            }
            (*init).ptr = Box::into_raw(Box::new(function)).cast();
        }
        Ok(())
    };
    match guard::run(F::NAME, Entry::Init, body) {
        Ok(()) => 0,
        Err(text) => {
            // SAFETY: by contract.
            unsafe { guard::write_message(message, &text) };
            1
        }
    }
}

/// # Safety
/// See [`init`].
pub unsafe fn deinit<F>(init: *mut UdfInit)
where
    F: Function,
{
    // An error here would be one too many; a panic while dropping must not get out either.
    let _ = guard::run(F::NAME, Entry::Deinit, || {
        // SAFETY: by contract; the box is taken back once.
        unsafe {
            if let Some(init) = init.as_mut()
                && !init.ptr.is_null()
            {
                let function = init.ptr.cast::<F>();
                init.ptr = std::ptr::null_mut();
                drop(Box::from_raw(function));
            }
        }
        Ok(())
    });
}

/// # Safety
/// See [`init`].
#[inline]
pub unsafe fn real<F: RealFunction>(
    init: *mut UdfInit,
    args: *mut UdfArgs,
    is_null: *mut u8,
    error: *mut u8,
) -> f64 {
    // SAFETY: by contract.
    let body = || unsafe { state::<F>(init)?.row(&Arguments::new(args)) };
    match guard::run(F::NAME, Entry::Row, body) {
        Ok(Some(value)) => value,
        other => {
            // SAFETY: by contract.
            unsafe { null_or_error(has_to_tell(&other), is_null, error) };
            0.0
        }
    }
}

/// # Safety
/// See [`init`].
pub unsafe fn row<F: TextFunction>(
    init: *mut UdfInit,
    args: *mut UdfArgs,
    length: *mut c_ulong,
    is_null: *mut u8,
    error: *mut u8,
) -> *const c_char {
    // SAFETY: by contract.
    let body = || unsafe { state::<F>(init)?.row(&Arguments::new(args)) };
    let answered = guard::run(F::NAME, Entry::Row, body);
    let failed = has_to_tell(&answered);
    // SAFETY: by contract.
    unsafe { hand_over(answered.ok().flatten(), failed, length, is_null, error) }
}

/// # Safety
/// See [`init`].
pub unsafe fn answer<F: Aggregate>(
    init: *mut UdfInit,
    _args: *mut UdfArgs,
    length: *mut c_ulong,
    is_null: *mut u8,
    error: *mut u8,
) -> *const c_char {
    // SAFETY: by contract.
    let body = || unsafe { state::<F>(init)?.answer() };
    let answered = guard::run(F::NAME, Entry::Answer, body);
    let failed = answered.is_err();
    // SAFETY: by contract.
    unsafe { hand_over(answered.ok().flatten(), failed, length, is_null, error) }
}

/// # Safety
/// See [`init`].
pub unsafe fn clear<F: Aggregate>(init: *mut UdfInit, is_null: *mut u8, error: *mut u8) {
    // SAFETY: by contract.
    let body = || unsafe { state::<F>(init)?.clear() };
    let failed = guard::run(F::NAME, Entry::Clear, body).is_err();
    if failed {
        // SAFETY: by contract.
        unsafe { null_or_error(true, is_null, error) };
    }
}

/// # Safety
/// See [`init`].
pub unsafe fn add<F: Aggregate>(
    init: *mut UdfInit,
    args: *mut UdfArgs,
    is_null: *mut u8,
    error: *mut u8,
) {
    // SAFETY: by contract.
    let body = || unsafe { state::<F>(init)?.add(&Arguments::new(args)) };
    let failed = guard::run(F::NAME, Entry::Add, body).is_err();
    if failed {
        // SAFETY: by contract.
        unsafe { null_or_error(true, is_null, error) };
    }
}

/// Gives an answer to the server, which copies it before it calls again; where there is none, NULL, and `failed`.
///
/// # Safety
/// The pointers are the server's or null.
unsafe fn hand_over(
    answered: Option<&[u8]>,
    failed: bool,
    length: *mut c_ulong,
    is_null: *mut u8,
    error: *mut u8,
) -> *const c_char {
    // SAFETY: by contract.
    unsafe {
        match answered {
            Some(bytes) if !length.is_null() => {
                length.write(bytes.len() as c_ulong);
                match bytes {
                    // An empty vector points nowhere, and a server may look for the NUL behind a text.
                    [] => c"".as_ptr(),
                    _ => bytes.as_ptr().cast(),
                }
            }
            _ => {
                null_or_error(failed, is_null, error);
                std::ptr::null()
            }
        }
    }
}

/// Whether a function of one row has to say that it has failed. The servers call it no more once it has, which in a generated
/// column of MariaDB, where an error of a SELECT is a warning, makes every later row NULL without one until the table is closed.
/// An error that was raised ends the statement as well.
fn has_to_tell<T>(answered: &Result<T, String>) -> bool {
    answered.is_err() && !server::can_raise()
}

/// # Safety
/// The flags are the server's or null.
unsafe fn null_or_error(failed: bool, is_null: *mut u8, error: *mut u8) {
    // SAFETY: by contract.
    unsafe {
        guard::set(is_null);
        if failed {
            guard::set(error);
        }
    }
}
