//! The tablenet model core: a Keras-style `Sequential` with its preprocessing, training and scoring.
//!
//! It knows no database, no SQL, no clock and no environment: rows come in through [`Batches`], time and cancellation
//! through [`Callback`], threads through [`Pool`].
//!
//! ```
//! use ndarray::array;
//! use tablenet_core::*;
//!
//! struct Idle;
//! impl Callback for Idle {
//!     fn elapsed(&mut self) -> f64 {
//!         0.0
//!     }
//!     fn check(&mut self) -> Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! let layers = serde_json::json!([
//!     {"class_name": "Dense", "config": {"units": 8, "activation": "tanh"}},
//!     {"class_name": "Dense", "config": {"units": 1}},
//! ]);
//! let adam = Optimizer::parse(r#"{"adam": {"learning_rate": 0.05}}"#)?;
//! let loss = Loss::parse("binary_crossentropy")?;
//! let mut model = Sequential::from_json(&layers)?.compile(2, Task::Binary, adam, loss, vec![Metric::ACCURACY], 1.0)?;
//! model.initialize(0, &mut Idle)?;
//! // Exactly one of two.
//! let x = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! let y = array![[0.0], [1.0], [1.0], [0.0]];
//! let mut data = Arrays::new(x.view(), y.view())?;
//! let options = FitOptions { epochs: 300, batch_size: 4, shuffle: true, seed: 0, callbacks: vec![], max_seconds: None };
//! let history = model.fit(&mut data, None, &options, &mut Idle, &Pool::new(1)?)?;
//! assert_eq!(history.epochs[299].metrics, [("accuracy".to_owned(), 1.0)]);
//!
//! let plan = Plan::new(&model, &mut Idle)?;
//! let mut scratch = plan.scratch()?;
//! scratch.input_mut().copy_from_slice(&[1.0, 0.0]);
//! assert!(plan.run(&mut scratch)[0] > 0.9);
//! # Ok::<(), Error>(())
//! ```

mod activation;
mod arrays;
mod binding;
mod budget;
mod callback;
mod callbacks;
mod canonical;
mod class_weight;
mod compare;
mod compile;
mod config;
mod constraint;
mod dataset;
mod defaults;
mod encoder;
mod epoch;
mod error;
mod evaluate;
mod export;
mod feature;
mod feed;
mod fingerprint;
mod finish;
mod fit;
#[cfg(test)]
mod fixture;
mod format;
mod gradient;
mod history;
mod import;
mod ingest;
mod initializer;
mod input_shape;
mod json_row;
mod kernels;
mod keys;
mod labels;
mod layer;
mod loss;
mod metric;
mod model;
mod model_size;
mod nearest;
mod network;
mod norms;
mod optimizer;
mod options;
mod partition;
mod pool;
mod predict;
mod preprocess;
#[doc(hidden)]
pub mod products;
mod random;
mod record;
mod regularizer;
mod results;
mod resume;
mod roles;
mod sample_batches;
mod samples;
mod schedule;
mod scorer;
mod sequential;
mod shape;
mod shard;
pub mod simd;
mod slot;
mod spec;
mod spill;
mod staging;
mod state;
mod summary;
mod target;
mod target_codes;
mod target_learner;
mod train;
mod update;
mod validation_split;
mod value;
mod waiting;
mod weights;

pub use activation::Activation;
pub use arrays::Arrays;
pub use binding::Binding;
pub use budget::Budget;
pub use callback::Callback;
pub use callbacks::{
    EarlyStopping, FitCallback, LearningRateScheduler, Mode, ModelCheckpoint, ReduceLROnPlateau,
    TerminateOnNaN,
};
pub use class_weight::ClassWeight;
pub use compile::Task;
pub use config::unknown;
pub use constraint::{Axes, Constraint};
pub use dataset::{Batch, Batches};
pub use encoder::{Drift, FeatureDrift, FeatureInfo, Transform};
pub use error::{Error, ErrorKind, Result};
pub use evaluate::Evaluation;
pub use export::Format;
pub use feature::{Feature, read_vector};
pub use fit::{Evaluated, FitOptions};
pub use format::ModelFile;
pub use history::{EpochLogs, History, Stopped};
pub use import::Import;
pub use initializer::{Distribution, Fan, Initializer, Seed};
pub use input_shape::InputShape;
pub use json_row::{JsonKind, JsonRow};
pub use layer::{
    ActivationLayer, AveragePooling1D, BatchNormalization, Bidirectional, Conv1D, Dense, Dropout,
    Elu, Embedding, EmbeddingInput, Flatten, GaussianNoise, GlobalAveragePooling1D,
    GlobalMaxPooling1D, Gru, Inputs, Layer, LayerNormalization, LeakyRelu, Lstm, MaxPooling1D,
    Merge, Prelu, Recurrence, Relu, Reshape, SimpleRnn, Softmax, TimeDistributed, Weight,
    describe_layer,
};
pub use loss::{
    BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, Hinge, Huber, KlDivergence,
    LogCosh, Loss, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, Quantile, SquaredHinge,
};
pub use metric::{Metric, MetricState};
pub use model::{Model, Variable};
pub use model_size::check_model_size;
pub use optimizer::Optimizer;
pub use options::{TrainOptions, check_model_name};
pub use pool::Pool;
pub use predict::{Plan, PlanScratch};
pub use preprocess::Preprocess;
pub use regularizer::Regularizer;
pub use scorer::{Row, Scorer, Scratch};
pub use sequential::{LayerSummary, Sequential};
pub use shape::{MAX_RANK, Shape};
pub use spec::{DeclaredType, Spec};
pub use spill::{Spill, SpillFactory};
pub use state::TrainingState;
pub use target::Standard;
pub use train::{Trained, Training};
pub use value::{Column, ColumnType, Value, Vector};

pub(crate) use results::Results;
pub(crate) use target::Target;
