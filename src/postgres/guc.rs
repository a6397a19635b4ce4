//! Every setting of the extension.

use std::ffi::c_void;
use std::num::NonZero;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;

use crate::simd;

static WORK_MEM: GucSetting<i32> = GucSetting::<i32>::new(-1);
static CACHE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(64 * 1024);
static THREADS: GucSetting<i32> = GucSetting::<i32>::new(-1);
static MAX_THREADS: GucSetting<i32> = GucSetting::<i32>::new(-1);

/// The largest number that the settings of threads take: that of max_parallel_maintenance_workers.
const MOST_THREADS: i32 = 1024;

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

/// Threads of one training.
///
/// A number that was asked for is taken, even beyond the CPUs; by default as many as PostgreSQL would build an index
/// with, the calling one included, and no more than the process may run at once. `tablenet.max_threads` bounds both. A
/// parallel worker has only its own.
pub fn threads() -> usize {
    // SAFETY: a plain integer that is set when the process starts.
    if unsafe { pg_sys::ParallelWorkerNumber } >= 0 {
        return 1;
    }
    let wanted = given(&THREADS).unwrap_or_else(|| {
        // SAFETY: a plain integer, read on the backend's only thread that calls PostgreSQL.
        let workers = unsafe { pg_sys::max_parallel_maintenance_workers };
        // As its affinity and the quota of its control group have it.
        let cpus = std::thread::available_parallelism().map_or(1, NonZero::get);
        cpus.min(usize::try_from(workers).unwrap_or(0) + 1)
    });
    wanted.min(given(&MAX_THREADS).unwrap_or(usize::MAX))
}

/// Whether a number of threads was asked for.
pub fn asked_for_threads() -> bool {
    given(&THREADS).is_some()
}

/// A setting whose -1 leaves the choice to us.
fn given(setting: &GucSetting<i32>) -> Option<usize> {
    usize::try_from(setting.get()).ok()
}

/// Refuses 0 for a number of threads.
unsafe extern "C-unwind" fn check_threads(
    value: *mut i32,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL passes the value to be set; it copies the hint into its report of the refusal.
    unsafe {
        if *value == 0 {
            pg_sys::GUC_check_errhint_string =
                c"1 is the session's own thread alone, -1 the default."
                    .as_ptr()
                    .cast_mut();
        }
        *value != 0
    }
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
    // SAFETY: the hook touches what PostgreSQL hands to it, and cannot panic.
    unsafe {
        GucRegistry::define_int_guc_with_hooks(
            c"tablenet.threads",
            c"Sets the number of threads that one training may use.",
            c"They live for the length of the call. The model does not depend on their number. -1 means max_parallel_maintenance_workers + 1, and no more than there are CPUs.",
            &THREADS,
            -1,
            MOST_THREADS,
            GucContext::Userset,
            GucFlags::default(),
            Some(check_threads),
            None,
            None,
        );
        GucRegistry::define_int_guc_with_hooks(
            c"tablenet.max_threads",
            c"Sets the most threads that any training may use.",
            c"A higher tablenet.threads is taken as this. -1 means no further limit.",
            &MAX_THREADS,
            -1,
            MOST_THREADS,
            GucContext::Suset,
            GucFlags::default(),
            Some(check_threads),
            None,
            None,
        );
    }
    simd::register();
    // SAFETY: called from _PG_init with a literal.
    unsafe {
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(c"tablenet".as_ptr());
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(c"tablenet".as_ptr());
    }
}
