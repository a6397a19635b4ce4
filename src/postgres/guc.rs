//! Every setting of the extension.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;

static WORK_MEM: GucSetting<i32> = GucSetting::<i32>::new(-1);
static CACHE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(64 * 1024);
static THREADS: GucSetting<i32> = GucSetting::<i32>::new(1);

/// The most memory one training may take, in bytes.
pub fn work_mem() -> u64 {
    let kilobytes = match WORK_MEM.get() {
        // SAFETY: a plain integer, read on the backend's only thread that calls PostgreSQL.
        -1 => unsafe { pg_sys::maintenance_work_mem },
        set => set,
    };
    u64::try_from(kilobytes).unwrap_or(0).saturating_mul(1024)
}

/// The most memory the models cached by this session may take, in bytes.
pub fn cache_size() -> usize {
    usize::try_from(CACHE_SIZE.get())
        .unwrap_or(0)
        .saturating_mul(1024)
}

/// Threads of one training; a parallel worker has only its own.
pub fn threads() -> usize {
    // SAFETY: a plain integer that is set when the process starts.
    if unsafe { pg_sys::ParallelWorkerNumber } >= 0 {
        return 1;
    }
    usize::try_from(THREADS.get()).unwrap_or(1).max(1)
}

/// Registers the settings and reserves their prefix.
pub fn register() {
    GucRegistry::define_int_guc(
        c"tablenet.work_mem",
        c"Sets the memory that one training may use.",
        c"Rows beyond it go to a temporary file; a model that cannot fit is refused before it starts. -1 means maintenance_work_mem.",
        &WORK_MEM,
        -1,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"tablenet.cache_size",
        c"Sets the memory that one session may use to keep models ready.",
        c"The models used least recently are dropped first; the models of a running statement always stay.",
        &CACHE_SIZE,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"tablenet.threads",
        c"Sets the number of threads that one training may use.",
        c"They live for the length of the call. The model does not depend on their number.",
        &THREADS,
        1,
        64,
        GucContext::Userset,
        GucFlags::default(),
    );
    // SAFETY: called from _PG_init with a literal.
    unsafe {
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(c"tablenet".as_ptr());
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(c"tablenet".as_ptr());
    }
}
