//! Throw-away MariaDB and MySQL servers, and the engines on which the scenarios run.
//!
//! `scripts/test mysql` says where things are: `TABLENET_MYSQL_LIBRARY` is the built library, `TABLENET_SERVERS` a
//! directory that the servers' user can reach, `TABLENET_SQL` the directory of install.sql. MariaDB is the system's;
//! MySQL is the tree that `TABLENET_MYSQL` names.

mod both;
mod connection;
pub mod engine;
mod flavour;
pub mod samples;
mod server;
pub mod table;
mod template;
pub mod training;

pub use connection::{Connection, Refusal, Row, Value};
pub use flavour::Flavour;
pub use server::{DATABASE, Server};
pub use table::Table;

/// What `scripts/test mysql` sets.
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run the tests with `scripts/test mysql`"))
}
