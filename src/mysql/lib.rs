//! tablenet for MySQL and MariaDB: loadable functions, a thin border around `tablenet-core`.
//!
//! One library serves both servers. A loadable function `f` is a few exported C symbols (`f_init`, `f`, `f_deinit`, and for an
//! aggregate `f_clear` and `f_add`); [`function`] makes them of a Rust type. Every entry point goes through [`guard`], because
//! a panic that reached the server would end it.

#[cfg(not(panic = "unwind"))]
compile_error!(
    "tablenet-mysql needs panic = \"unwind\": an abort would take every connection of the server with it"
);

mod arguments;
mod batch;
mod cache;
mod columns;
mod config;
mod digest;
mod error;
mod evaluate;
mod ffi;
#[cfg(test)]
mod fixture;
mod function;
mod guard;
mod info;
mod interrupts;
mod look;
mod model;
mod models;
mod predict;
mod predict_class;
mod predict_proba;
mod predict_values;
mod progress;
mod reader;
mod ready;
mod reference;
mod report;
mod rollup;
mod rows;
mod server;
mod share;
mod site;
mod source;
mod spill;
mod summary;
mod train_agg;
#[cfg(test)]
mod trained;
mod training;
mod version;
mod worker;
