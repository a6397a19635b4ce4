//! One scenario, three engines: what a user does and meets is the same in PostgreSQL, MariaDB and MySQL.

mod classification;
mod keras;
mod lifecycle;
mod missing;
mod names;
mod refusals;
mod regression;
mod settings;
mod time;
