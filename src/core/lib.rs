//! The tablenet model core: a Keras-style `Sequential` with its preprocessing, training and scoring.
//!
//! It knows no database, no SQL, no clock and no environment.

mod activation;
mod callback;
mod compile;
mod dataset;
mod early_stopping;
mod error;
mod fit;
mod history;
mod initializer;
mod layer;
mod loss;
mod metric;
mod nearest;
mod optimizer;
mod pool;
mod predict;
mod sequential;
mod value;

pub use activation::Activation;
pub use callback::Callback;
pub use compile::{Model, Task, Variable};
pub use dataset::{Batch, Batches};
pub use early_stopping::{EarlyStopping, Mode};
pub use error::{Error, ErrorKind, Result};
pub use fit::{Evaluated, FitOptions};
pub use history::{EpochLogs, History, Stopped};
pub use initializer::Initializer;
pub use layer::{ActivationLayer, Dense, Dropout, Layer};
pub use loss::Loss;
pub use metric::{Metric, MetricState};
pub use optimizer::Optimizer;
pub use pool::Pool;
pub use predict::{Plan, PlanScratch};
pub use sequential::{LayerSummary, Sequential};
pub use value::{Column, ColumnType, Value};
