//! The tablenet model core: a Keras-style `Sequential` with its preprocessing, training and scoring.
//!
//! It knows no database, no SQL, no clock and no environment.

mod activation;
mod binding;
mod budget;
mod callback;
mod canonical;
mod compile;
mod dataset;
mod defaults;
mod early_stopping;
mod encoder;
mod error;
mod evaluate;
mod feature;
mod finish;
mod fit;
#[cfg(test)]
mod fixture;
mod format;
mod history;
mod initializer;
mod layer;
mod loss;
mod metric;
mod nearest;
mod optimizer;
mod options;
mod pool;
mod predict;
mod random;
mod record;
mod results;
mod sample_batches;
mod samples;
mod scorer;
mod sequential;
mod spill;
mod target;
mod target_learner;
mod train;
mod validation_split;
mod value;

pub use activation::Activation;
pub use binding::Binding;
pub use budget::Budget;
pub use callback::Callback;
pub use compile::{Model, Task, Variable};
pub use dataset::{Batch, Batches};
pub use early_stopping::{EarlyStopping, Mode};
pub use error::{Error, ErrorKind, Result};
pub use evaluate::Evaluation;
pub use feature::Feature;
pub use fit::{Evaluated, FitOptions};
pub use format::ModelFile;
pub use history::{EpochLogs, History, Stopped};
pub use initializer::Initializer;
pub use layer::{ActivationLayer, Dense, Dropout, Layer};
pub use loss::Loss;
pub use metric::{Metric, MetricState};
pub use optimizer::Optimizer;
pub use options::TrainOptions;
pub use pool::Pool;
pub use predict::{Plan, PlanScratch};
pub use scorer::{Scorer, Scratch};
pub use sequential::{LayerSummary, Sequential};
pub use spill::{Spill, SpillFactory};
pub use train::{Trained, Training};
pub use value::{Column, ColumnType, Value};

pub(crate) use results::Results;
pub(crate) use target::Target;
