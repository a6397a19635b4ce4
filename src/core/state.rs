//! What a training leaves behind to be continued: the optimizer's memory, how far it came and what it was told.
//!
//! It is stored beside the model file, not in it: nobody who scores needs it, and Adam's is twice as large as the weights.

use crate::model::OptimizerState;
use crate::{
    ClassWeight, Error, ErrorKind, FitCallback, Loss, Metric, Model, Optimizer, Preprocess, Result,
    Sequential, TrainOptions,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The state of a training, to go on with another one exactly where it ended.
#[derive(Debug, Clone)]
pub struct TrainingState {
    pub(crate) optimizer: OptimizerState,
    pub(crate) options: TrainOptions,
}

impl TrainingState {
    /// Takes the optimizer's memory out of `model`.
    pub(crate) fn take(model: &mut Model, options: TrainOptions) -> Self {
        Self {
            optimizer: std::mem::take(&mut model.state),
            options,
        }
    }

    /// The options of the last training.
    pub fn options(&self) -> TrainOptions {
        self.options.clone()
    }

    /// Epochs trained so far, in all trainings.
    pub fn epochs(&self) -> u32 {
        self.optimizer.epochs
    }

    /// The optimizer's vectors, each as long as the weights.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &[f32]> {
        let slots = self.optimizer.slots.iter();
        slots.filter(|slot| !slot.is_empty()).map(Vec::as_slice)
    }
}

/// [`TrainOptions`] as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    layers: Option<Value>,
    optimizer: Option<Value>,
    loss: Option<Value>,
    from_logits: bool,
    metrics: Option<Vec<Value>>,
    epochs: Option<u32>,
    batch_size: Option<usize>,
    validation_split: Option<f64>,
    callbacks: Option<Vec<Value>>,
    exclude: Vec<String>,
    preprocess: Value,
    class_weight: Option<Value>,
    sample_weight: Option<String>,
    split_column: Option<String>,
    shuffle: bool,
    seed: u64,
    max_seconds: Option<f64>,
    memory_limit: u64,
}

impl TrainOptions {
    /// The options as [`TrainOptions::from_json`] reads them.
    pub(crate) fn to_json(&self) -> Value {
        let metrics =
            |metrics: &Vec<Metric>| -> Vec<_> { metrics.iter().map(Metric::to_json).collect() };
        let callbacks = |callbacks: &Vec<FitCallback>| -> Vec<_> {
            callbacks.iter().map(FitCallback::to_json).collect()
        };
        json!({
            "layers": self.layers.as_ref().map(Sequential::to_json),
            "optimizer": self.optimizer.as_ref().map(Optimizer::to_json),
            "loss": self.loss.as_ref().map(Loss::to_json),
            // What was said of probabilities has been checked, and changes nothing more.
            "from_logits": self.from_logits == Some(true),
            "metrics": self.metrics.as_ref().map(metrics),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "validation_split": self.validation_split,
            "callbacks": self.callbacks.as_ref().map(callbacks),
            "exclude": self.exclude,
            "preprocess": self.preprocess.to_json(),
            "class_weight": self.class_weight.as_ref().map(ClassWeight::to_json),
            "sample_weight": self.sample_weight,
            "split_column": self.split_column,
            "shuffle": self.shuffle,
            "seed": self.seed,
            "max_seconds": self.max_seconds,
            "memory_limit": self.memory_limit,
        })
    }

    /// Reads options out of hostile JSON.
    pub(crate) fn from_json(json: Value) -> Result<Self> {
        let stored: Stored = serde_json::from_value(json)
            .map_err(|error| Error::new(ErrorKind::InvalidParameter, error.to_string()))?;
        let callbacks = |list: Vec<Value>| FitCallback::parse_list(&Value::Array(list).to_string());
        let metrics = |metrics: Vec<Value>| metrics.iter().map(Metric::from_json).collect();
        let options = Self {
            layers: stored
                .layers
                .as_ref()
                .map(Sequential::from_json)
                .transpose()?,
            optimizer: stored
                .optimizer
                .map(|optimizer| Optimizer::parse(&optimizer.to_string()))
                .transpose()?,
            loss: stored
                .loss
                .map(|loss| Loss::parse(&loss.to_string()))
                .transpose()?,
            from_logits: stored.from_logits.then_some(true),
            metrics: stored.metrics.map(metrics).transpose()?,
            epochs: stored.epochs,
            batch_size: stored.batch_size,
            validation_split: stored.validation_split,
            callbacks: stored.callbacks.map(callbacks).transpose()?,
            exclude: stored.exclude,
            preprocess: Preprocess::parse(&stored.preprocess.to_string())?,
            class_weight: stored
                .class_weight
                .map(|weight| ClassWeight::parse(&weight.to_string()))
                .transpose()?,
            sample_weight: stored.sample_weight,
            split_column: stored.split_column,
            shuffle: stored.shuffle,
            seed: stored.seed,
            max_seconds: stored.max_seconds,
            memory_limit: stored.memory_limit,
            // That of the training before says nothing about the next one.
            max_model_size: u64::MAX,
        };
        options.check()?;
        Ok(options)
    }
}
