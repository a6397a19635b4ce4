//! What the server offers to a library beyond the interface of loadable functions: errors with their full text, warnings,
//! whether the connection was killed, its state in the process list, character sets.
//!
//! Every symbol is looked up once and is optional: without it the library does with less (a unit test has none).

#![allow(unsafe_code, reason = "calls functions of the server")]

use crate::ffi::{UdfArgs, UdfInit};
use crate::progress::Line;
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::LazyLock;

type PrintfError = unsafe extern "C" fn(c_uint, *const c_char, c_int, ...);
type CurrentConnection = unsafe extern "C" fn() -> *mut c_void;
type KillLevel = unsafe extern "C" fn(*const c_void) -> c_int;
type SetState = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    *const c_char,
    c_uint,
) -> *const c_char;
type NextTmpdir = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type PushWarning = unsafe extern "C" fn(*mut c_void, c_uint, c_uint, *const c_char);

/// The mysql_udf_metadata service of MySQL: four functions in this order.
#[repr(C)]
struct UdfMetadata {
    argument_get: *const c_void,
    result_get: *const c_void,
    argument_set: unsafe extern "C" fn(*mut UdfArgs, *const c_char, c_uint, *mut c_void) -> bool,
    result_set: unsafe extern "C" fn(*mut UdfInit, *const c_char, *mut c_void) -> bool,
}

/// The registry service of MySQL, as far as it is used.
#[repr(C)]
struct Registry {
    acquire: unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> bool,
    acquire_related: *const c_void,
    release: unsafe extern "C" fn(*mut c_void) -> bool,
}

/// The server's functions, looked up by their names.
struct Server {
    printf_error: Option<PrintfError>,
    current_connection: Option<CurrentConnection>,
    killed: Killed,
    set_state: Option<SetState>,
    push_warning: Option<PushWarning>,
    metadata: Option<&'static UdfMetadata>,
    tmpdir: Option<(NextTmpdir, *mut c_void)>,
}

enum Killed {
    /// MariaDB: asks a connection; a null one would crash it.
    OfConnection(KillLevel),
    /// MySQL: null is the current connection.
    OfCurrent(KillLevel),
    Unknown,
}

// SAFETY: what it points to are the server's own functions and a list that the server guards with a mutex.
unsafe impl Send for Server {}
// SAFETY: as above.
unsafe impl Sync for Server {}

static SERVER: LazyLock<Server> = LazyLock::new(Server::find);

/// A symbol of the server's own program.
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: looks a name up; nothing is called.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// The first of `names` that the server has, as a function.
///
/// # Safety
/// `F` is a function pointer type, and the one of every symbol in `names`.
unsafe fn function<F: Copy>(names: &[&CStr]) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    let found = names.iter().find_map(|name| symbol(name))?;
    // SAFETY: by contract; a symbol that was found is not null.
    Some(unsafe { std::mem::transmute_copy(&found) })
}

impl Server {
    fn find() -> Self {
        // SAFETY: the types are those of the declarations in MariaDB 10.11 (my_sys.h, plugin.h, service_progress_report.h,
        // service_kill_statement.h, sql_error.h) and MySQL 9.7 (the same headers; C++ names are mangled there).
        unsafe {
            let current_connection = function(&[c"_current_thd", c"_Z19thd_get_current_thdv"]);
            let killed = match (function(&[c"thd_kill_level"]), function(&[c"thd_killed"])) {
                (Some(level), _) => Killed::OfConnection(level),
                (None, Some(killed)) => Killed::OfCurrent(killed),
                (None, None) => Killed::Unknown,
            };
            Self {
                printf_error: function(&[c"my_printf_error", c"_Z15my_printf_errorjPKciz"]),
                current_connection,
                killed,
                set_state: function(&[c"set_thd_proc_info"]),
                push_warning: function(&[
                    c"_Z12push_warningP3THDN21Sql_state_errno_level18enum_warning_levelEjPKc",
                    c"_Z12push_warningP3THDN13Sql_condition19enum_severity_levelEjPKc",
                ]),
                metadata: Self::metadata(),
                tmpdir: function(&[c"my_tmpdir", c"_Z9my_tmpdirP9MY_TMPDIR"])
                    .zip(symbol(c"mysql_tmpdir_list")),
            }
        }
    }

    /// MySQL's service for the character sets of arguments and results; MariaDB has none.
    fn metadata() -> Option<&'static UdfMetadata> {
        type Acquire = unsafe extern "C" fn() -> *const Registry;
        type Release = unsafe extern "C" fn(*const Registry) -> c_int;
        // SAFETY: the service is the server's own, which has it until the process ends. It is given back at once, because a
        // service that is held then is an error in the server's log.
        unsafe {
            let acquire: Acquire = function(&[c"_Z29mysql_plugin_registry_acquirev"])?;
            let release: Release =
                function(&[c"_Z29mysql_plugin_registry_releasePK16s_mysql_registry"])?;
            let registry = acquire().as_ref()?;
            let mut service = std::ptr::null_mut();
            let failed = (registry.acquire)(c"mysql_udf_metadata".as_ptr(), &mut service);
            let metadata = if failed {
                None
            } else {
                (registry.release)(service);
                service.cast::<UdfMetadata>().as_ref()
            };
            release(registry);
            metadata
        }
    }

    fn connection(&self) -> *mut c_void {
        match self.current_connection {
            // SAFETY: takes nothing; null outside of a connection's thread.
            Some(current) => unsafe { current() },
            None => std::ptr::null_mut(),
        }
    }
}

/// Raises an error with its full text; the statement fails once the function returns. Without the server's function for it
/// the text goes to the server's log.
pub fn raise(number: u32, text: &str) {
    #[cfg(test)]
    hook::RAISED.with_borrow_mut(|raised| raised.push((number, text.to_owned())));
    let text = CString::new(text.replace('\0', "?")).unwrap_or_default();
    match SERVER.printf_error {
        // SAFETY: the format takes one string and the text is one; no text of a user is the format.
        Some(printf_error) => unsafe { printf_error(number, c"%s".as_ptr(), 0, text.as_ptr()) },
        // It panics where the log cannot be written.
        None => drop(catch_unwind(|| eprintln!("{}", text.to_string_lossy()))),
    }
}

/// Whether [`raise`] ends the statement. Tests hear of every error.
pub fn can_raise() -> bool {
    cfg!(test) || SERVER.printf_error.is_some()
}

/// Adds a note to the warnings of the statement.
pub fn note(text: &str) {
    #[cfg(test)]
    hook::NOTED.with_borrow_mut(|noted| noted.push(text.to_owned()));
    const NOTE: c_uint = 0;
    const UNKNOWN_ERROR: c_uint = 1105;
    let connection = SERVER.connection();
    if let (Some(push_warning), false) = (SERVER.push_warning, connection.is_null()) {
        let text = CString::new(text.replace('\0', "?")).unwrap_or_default();
        // SAFETY: the connection of this thread; the server copies the text.
        unsafe { push_warning(connection, NOTE, UNKNOWN_ERROR, text.as_ptr()) };
    }
}

/// Whether the connection of this thread was killed, or the time of its statement is over. Other threads cannot ask.
pub fn killed() -> bool {
    #[cfg(test)]
    if hook::KILLED.get() {
        return true;
    }
    match SERVER.killed {
        Killed::OfConnection(level) => {
            let connection = SERVER.connection();
            // SAFETY: a connection of this thread, not null.
            !connection.is_null() && unsafe { level(connection) } != 0
        }
        // SAFETY: null stands for the current connection.
        Killed::OfCurrent(killed) => unsafe { killed(std::ptr::null()) != 0 },
        Killed::Unknown => false,
    }
}

/// Shows `state` in the process list until it is replaced; answers what was shown before. Null shows what the server wants.
fn show(state: *const c_char) -> *const c_char {
    let connection = SERVER.connection();
    match SERVER.set_state {
        Some(set_state) if !connection.is_null() => {
            // SAFETY: the connection of this thread; by the types below every text lives for ever.
            unsafe {
                set_state(
                    connection,
                    state,
                    c"tablenet".as_ptr(),
                    c"tablenet".as_ptr(),
                    0,
                )
            }
        }
        _ => std::ptr::null(),
    }
}

/// A state of this connection in the process list; the one before comes back when it is dropped.
pub struct State {
    before: *const c_char,
    line: Option<Line>,
}

impl State {
    /// Shows `text`, which another thread may read at any time.
    pub fn show(text: &'static CStr) -> Self {
        Self {
            before: show(text.as_ptr()),
            line: None,
        }
    }

    /// Shows a text that changes.
    pub fn change(&mut self, text: &str) {
        let line = self.line.get_or_insert_with(Line::new);
        line.write(text);
        show(line.as_ptr());
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // The server's own texts are literals.
        show(self.before);
    }
}

/// Lets the server convert argument `index` to UTF-8 before every call. False where it cannot (MariaDB).
///
/// # Safety
/// `args` is the server's, in the call of an init function.
pub unsafe fn convert_argument(args: *mut UdfArgs, index: usize) -> bool {
    let Some(metadata) = SERVER.metadata else {
        return false;
    };
    // SAFETY: by contract; the service reads the name of the character set.
    unsafe {
        let utf8 = c"utf8mb4".as_ptr().cast_mut().cast();
        !(metadata.argument_set)(args, c"charset".as_ptr(), index as c_uint, utf8)
    }
}

/// Declares a string result to be UTF-8 text rather than bytes, where the server can (MySQL). It is compared by its bytes, as on
/// MariaDB: labels that differ in case are two, and a literal of any collation can stand beside it.
///
/// # Safety
/// `init` is the server's, in the call of an init function.
pub unsafe fn declare_text(init: *mut UdfInit) {
    if let Some(metadata) = SERVER.metadata {
        // SAFETY: as above. Without success the result is bytes, as everywhere on MariaDB.
        unsafe {
            let binary = c"utf8mb4_bin".as_ptr().cast_mut().cast();
            (metadata.result_set)(init, c"collation".as_ptr(), binary);
        }
    }
}

/// The directory in which the server would put its next temporary file.
pub fn tmpdir() -> PathBuf {
    let Some((next, list)) = SERVER.tmpdir else {
        return std::env::temp_dir();
    };
    // SAFETY: the server's own list, filled before any connection is served; its texts live as long as the server.
    let directory = unsafe {
        let directory = next(list);
        if directory.is_null() {
            return std::env::temp_dir();
        }
        CStr::from_ptr(directory)
    };
    PathBuf::from(OsStr::from_bytes(directory.to_bytes()))
}

/// What a unit test says as the server, and hears; for the thread that calls.
#[cfg(test)]
pub mod hook {
    use std::cell::{Cell, RefCell};

    thread_local! {
        /// The errors that were raised.
        pub static RAISED: RefCell<Vec<(u32, String)>> = const { RefCell::new(Vec::new()) };
        /// The notes that were added.
        pub static NOTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        /// Whether the connection was killed.
        pub static KILLED: Cell<bool> = const { Cell::new(false) };
    }

    /// How many errors were raised.
    pub fn count() -> usize {
        RAISED.with_borrow(Vec::len)
    }

    /// The text of the last error.
    pub fn raised() -> String {
        RAISED.with_borrow(|raised| raised.last().map_or_else(String::new, |it| it.1.clone()))
    }
}
