//! tablenet for PostgreSQL: arguments in, one call of the core, rows out.

#![deny(ffi_unwind_calls)]

#[cfg(not(panic = "unwind"))]
compile_error!("a panic must become an SQL error: build with panic = \"unwind\"");

use pgrx::prelude::*;

mod activity;
mod arguments;
mod builder;
mod cache;
mod call_site;
mod catalog;
mod chunks;
mod column_type;
mod datum;
mod decoder;
mod deploy;
mod drop;
mod entry;
mod enum_labels;
mod error;
mod evaluate;
mod export;
mod fixed;
mod grant;
mod guc;
mod import;
mod inspect;
mod installed;
mod interrupt;
mod json_object;
mod jsonb;
mod kept;
mod letters;
mod literal;
mod lookup;
mod memory;
mod numeric;
mod options;
mod owner;
mod partial_fit;
mod positional;
mod predict;
mod progress;
mod query;
mod read;
mod ready;
mod rename;
mod resume;
mod rival;
mod rows;
mod scalar;
mod simd;
mod source;
mod spill;
mod statement;
mod support;
mod temporal;
mod threads;
mod train;
mod train_agg;
mod transform;
mod value;
mod vector;
mod whole_row;

pgrx::pg_module_magic!(name, version);

pgrx::extension_sql_file!("../../sql/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!(
    "../../sql/training.sql",
    name = "training",
    requires = ["bootstrap"]
);
pgrx::extension_sql_file!(
    "../../sql/models.sql",
    name = "models",
    requires = ["training"]
);
pgrx::extension_sql_file!(
    "../../sql/progress.sql",
    name = "progress",
    requires = ["models"]
);
// One chain, so that the generated script has the same order wherever it is built.
pgrx::extension_sql_file!(
    "../../sql/functions.sql",
    name = "scoring",
    requires = ["progress"]
);
pgrx::extension_sql_file!(
    "../../sql/builders.sql",
    name = "builders",
    requires = ["scoring"]
);
pgrx::extension_sql_file!(
    "../../sql/travel.sql",
    name = "travel",
    requires = ["builders"]
);
pgrx::extension_sql_file!("../../sql/value.sql", name = "value", requires = ["travel"]);

pgrx::extension_sql_file!("../../sql/rights.sql", name = "rights", finalize);

/// The version of the loaded library.
#[pg_extern(stable, strict, parallel_safe, requires = ["value"])]
fn ml_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Runs when the library is loaded, also in the postmaster: settings and nothing else.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    if let Err(error) = simd::choose() {
        error::raise(error);
    }
    guc::register();
}

/// What cargo-pgrx asks of the crate under test.
#[cfg(test)]
pub mod pg_test {
    /// Called once before the first test.
    pub fn setup(_options: Vec<&str>) {}

    /// Settings of the test cluster.
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../../pgrx-tests/mod.rs"]
mod in_backend;
