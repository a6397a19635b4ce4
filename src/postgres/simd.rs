//! Which vector instructions the core uses: the best of the CPU, unless the server's environment names others.

use std::ffi::{CStr, CString, c_char};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use tablenet_core::simd::{self, Level};
use tablenet_core::{ErrorKind, Result};

/// For tests and for comparing machines; every process of the server inherits it.
const VARIABLE: &str = "TABLENET_SIMD";

static SHOWN: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Follows the environment, once per process.
///
/// # Errors
/// InvalidParameter for a word that is no instruction set, NotSupported for one that this CPU lacks.
pub fn choose() -> Result<()> {
    let Some(word) = std::env::var_os(VARIABLE) else {
        return Ok(());
    };
    Level::parse(&word.to_string_lossy())
        .and_then(simd::set)
        .map_err(|error| match error.kind() {
            ErrorKind::NotSupported => error.hint(format!(
                "Start the server without {VARIABLE}, or with one of these."
            )),
            _ => error.detail(format!("{VARIABLE} of the server's environment names it.")),
        })
}

/// Registers `tablenet.simd`, which shows the choice.
pub fn register() {
    // SAFETY: the hook only returns a literal.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            c"tablenet.simd",
            c"Shows the vector instructions that training and scoring use.",
            c"They are the best of this CPU, unless TABLENET_SIMD in the server's environment names others.",
            &SHOWN,
            GucContext::Internal,
            GucFlags::DISALLOW_IN_FILE,
            None,
            None,
            Some(show),
        );
    }
}

unsafe extern "C-unwind" fn show() -> *const c_char {
    name(simd::level()).as_ptr()
}

fn name(level: Level) -> &'static CStr {
    match level {
        Level::Plain => c"plain",
        Level::Avx2 => c"avx2",
        Level::Avx512 => c"avx512",
    }
}
