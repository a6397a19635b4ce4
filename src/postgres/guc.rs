//! Every setting of the extension.

mod bounded;
mod memory;

pub use memory::Memory;

use std::ffi::c_void;
use std::num::NonZero;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use pgrx::pg_sys;

use crate::simd;
use bounded::{Bounded, Words};

static WORK_MEM: Bounded = Bounded::new(-1);
static CACHE_SIZE: Bounded = Bounded::new(64 * 1024);
static THREADS: Bounded = Bounded::new(-1);
static MAX_MODEL_SIZE: GucSetting<i32> = GucSetting::<i32>::new(1024 * 1024);
static PROGRESS: GucSetting<Progress> = GucSetting::<Progress>::new(Progress::Activity);

/// The largest number that the settings of threads take: that of max_parallel_maintenance_workers.
const MOST_THREADS: i32 = 1024;

/// Who is told how far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PostgresGucEnum)]
pub enum Progress {
    /// Nobody.
    #[name = c"off"]
    Off,
    /// Other sessions.
    #[name = c"activity"]
    Activity,
    /// Other sessions, and the client.
    #[name = c"notice"]
    Notice,
}

/// The most memory one training may take by the settings, in bytes.
pub fn work_mem() -> u64 {
    Memory::of_session().bytes()
}

/// The most memory the models cached by this session may take, in bytes.
pub fn cache_size() -> usize {
    let kilobytes = CACHE_SIZE.bound(CACHE_SIZE.given().unwrap_or(0));
    usize::try_from(kilobytes.saturating_mul(1024)).unwrap_or(usize::MAX)
}

/// The most bytes of a model that is stored.
pub fn max_model_size() -> u64 {
    match u64::try_from(MAX_MODEL_SIZE.get()) {
        Ok(kilobytes) => kilobytes.saturating_mul(1024),
        Err(_) => u64::MAX,
    }
}

/// Who is told how far a training is.
pub fn progress() -> Progress {
    PROGRESS.get()
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
    let wanted = THREADS.given().unwrap_or_else(|| {
        // SAFETY: a plain integer, read on the backend's only thread that calls PostgreSQL.
        let workers = unsafe { pg_sys::max_parallel_maintenance_workers };
        // As its affinity and the quota of its control group have it.
        let cpus = std::thread::available_parallelism().map_or(1, NonZero::get);
        (cpus as u64).min(u64::try_from(workers).unwrap_or(0) + 1)
    });
    usize::try_from(THREADS.bound(wanted)).unwrap_or(1)
}

/// Whether a number of threads was asked for.
pub fn asked_for_threads() -> bool {
    THREADS.given().is_some()
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
    // SAFETY: the only hook touches what PostgreSQL hands to it, and cannot panic.
    unsafe { register_bounded() };
    GucRegistry::define_int_guc(
        c"tablenet.max_model_size",
        c"Sets the largest model that may be stored.",
        c"A training whose model would be larger is refused before it starts. Models stored before still predict. -1 means no limit.",
        &MAX_MODEL_SIZE,
        -1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_enum_guc(
        c"tablenet.progress",
        c"Sets who is told how far a training is.",
        c"With \"activity\", whoever may see the session's query sees it in pg_stat_activity and tablenet.progress; with \"notice\" the client also gets a NOTICE per epoch; with \"off\" nobody is told.",
        &PROGRESS,
        GucContext::Userset,
        GucFlags::default(),
    );
    simd::register();
    // SAFETY: called from _PG_init with a literal.
    unsafe {
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(c"tablenet".as_ptr());
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(c"tablenet".as_ptr());
    }
}

/// Those that have a ceiling.
///
/// # Safety
/// That of [`Bounded::define`]: the hook is the one above.
unsafe fn register_bounded() {
    let work_mem = [
        Words {
            name: c"tablenet.work_mem",
            short: c"Sets the memory that one training may use.",
            long: c"Rows beyond it go to a temporary file; a model that cannot fit is refused before it starts. -1 means maintenance_work_mem.",
        },
        Words {
            name: c"tablenet.max_work_mem",
            short: c"Sets the most memory that any training may use.",
            long: c"A higher tablenet.work_mem, maintenance_work_mem or max_memory is taken as this. -1 means no further limit.",
        },
    ];
    let cache_size = [
        Words {
            name: c"tablenet.cache_size",
            short: c"Sets the memory that one session may use to keep models ready.",
            long: c"The models used least recently are dropped first, and read again when they are needed; the models of a running statement always stay.",
        },
        Words {
            name: c"tablenet.max_cache_size",
            short: c"Sets the most memory that any session may use to keep models ready.",
            long: c"A higher tablenet.cache_size is taken as this. -1 means no further limit.",
        },
    ];
    let threads = [
        Words {
            name: c"tablenet.threads",
            short: c"Sets the number of threads that one training may use.",
            long: c"They live for the length of the call. The model does not depend on their number. -1 means max_parallel_maintenance_workers + 1, and no more than there are CPUs.",
        },
        Words {
            name: c"tablenet.max_threads",
            short: c"Sets the most threads that any training may use.",
            long: c"A higher tablenet.threads is taken as this. -1 means no further limit.",
        },
    ];
    let (kilobytes, number) = (GucFlags::UNIT_KB, GucFlags::default());
    // SAFETY: as promised.
    unsafe {
        WORK_MEM.define(work_mem, (-1, i32::MAX), kilobytes, None);
        CACHE_SIZE.define(cache_size, (0, i32::MAX), kilobytes, None);
        THREADS.define(threads, (-1, MOST_THREADS), number, Some(check_threads));
    }
}
