//! Promises that are visible only inside a backend. They run in the server, as functions of the schema `tests`:
//! `cargo pgrx test pg15 -p tablenet`. What a client can see is tested in ../tests, what needs no database in src/core.
//!
//! Every file mirrors one of src/postgres and holds its own `#[pg_schema] mod tests`; all names share one SQL namespace.

mod cache;
mod catalog;
mod error;
mod evaluate;
mod guc;
mod interrupt;
mod outcome;
mod predict;
mod read;
mod release;
mod rival;
mod spill;
mod support;
mod threads;
mod train;
mod train_agg;
mod types;
mod value;
mod version;
