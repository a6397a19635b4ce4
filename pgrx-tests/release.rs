//! What differs between releases of PostgreSQL, for the other tests.

/// The setting that makes a plan parallel whatever it costs.
pub const FORCE_PARALLEL: &str = if cfg!(any(feature = "pg14", feature = "pg15")) {
    "force_parallel_mode"
} else {
    "debug_parallel_query"
};

/// How a statement ends that needs more temporary files than `temp_file_limit`.
pub fn temp_file_limit_exceeded(kilobytes: u32) -> String {
    let setting = if cfg!(feature = "pg18") {
        "\"temp_file_limit\""
    } else {
        "temp_file_limit"
    };
    format!("53400 temporary file size exceeds {setting} ({kilobytes}kB)")
}
