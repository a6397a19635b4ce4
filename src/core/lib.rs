//! The tablenet model core: a Keras-style `Sequential` with its preprocessing, training and scoring.
//!
//! It knows no database, no SQL, no clock and no environment.

mod callback;
mod dataset;
mod error;
mod nearest;
mod value;

pub use callback::Callback;
pub use dataset::{Batch, Batches};
pub use error::{Error, ErrorKind, Result};
pub use value::{Column, ColumnType, Value};
