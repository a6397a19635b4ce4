//! Rust values that live as long as a memory context of PostgreSQL.

use std::ffi::c_void;

use pgrx::pg_sys;
use tablenet_core::Result;

struct Kept<T> {
    value: T,
    reset: pg_sys::MemoryContextCallback,
}

/// Moves `value` into `context`, which drops it when it is reset or deleted, also by an abort.
///
/// # Safety
/// `context` is valid, and nobody uses the value after it. Dropping it raises no error.
pub unsafe fn keep<T>(context: pg_sys::MemoryContext, value: T) -> *mut T {
    let kept = Box::into_raw(Box::new(Kept {
        value,
        reset: pg_sys::MemoryContextCallback {
            func: Some(free::<T>),
            ..Default::default()
        },
    }));
    // SAFETY: the box was just given away; the callback and its argument live until the context runs it, once.
    unsafe {
        (*kept).reset.arg = kept.cast();
        pg_sys::MemoryContextRegisterResetCallback(context, &raw mut (*kept).reset);
        &raw mut (*kept).value
    }
}

/// Called by PostgreSQL when the context goes.
unsafe extern "C-unwind" fn free<T>(kept: *mut c_void) {
    // SAFETY: `kept` is the box that `keep` gave away; the context runs this once.
    drop(unsafe { Box::from_raw(kept.cast::<Kept<T>>()) });
}

/// What one place in a query keeps between rows, behind `fn_extra`.
pub trait Site: Sized {
    /// The state before the first row.
    ///
    /// # Safety
    /// `flinfo` is that of the call in progress with `nargs` arguments.
    unsafe fn new(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self>;

    /// The state of the place that `flinfo` stands for, made with its first call. PostgreSQL frees it with the memory context
    /// of the expression.
    ///
    /// # Safety
    /// As for [`Site::new`]; `fn_extra` belongs to this type and nobody else holds it.
    #[inline]
    unsafe fn of<'s>(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<&'s mut Self> {
        // SAFETY: `fn_extra` is null, or what was left there.
        unsafe {
            if (*flinfo).fn_extra.is_null() {
                (*flinfo).fn_extra = first::<Self>(flinfo, nargs)?.cast();
            }
            Ok(&mut *(*flinfo).fn_extra.cast::<Self>())
        }
    }
}

/// # Safety
/// As for [`Site::of`].
#[cold]
unsafe fn first<S: Site>(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<*mut S> {
    // SAFETY: `flinfo` is valid, and its context lives as long as it does.
    unsafe { Ok(keep((*flinfo).fn_mcxt, S::new(flinfo, nargs)?)) }
}
