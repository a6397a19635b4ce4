//! What a training chooses when nothing was given: network, loss, metrics and early stopping by target and rows.

use crate::{
    Activation, Dense, EarlyStopping, Error, Layer, Loss, Metric, Result, Sequential, Target, Task,
    TrainOptions,
};

/// Epochs when no number was given.
const EPOCHS: u32 = 100;
/// Epochs without improvement before the default early stopping stops.
const PATIENCE: u32 = 5;
/// Rows from which the hidden layers are wide.
const MANY_ROWS: u64 = 1000;

/// Everything a model is compiled and fitted with.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    pub(crate) layers: Sequential,
    pub(crate) loss: Loss,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) epochs: u32,
    pub(crate) early_stopping: Option<EarlyStopping>,
}

impl Choices {
    /// What `options` leave open, chosen for a task of `inputs` inputs and so many training rows.
    pub(crate) fn new(
        options: &TrainOptions,
        task: Task,
        inputs: usize,
        training_rows: u64,
    ) -> Result<Self> {
        let loss = match options.loss {
            Some(loss) => loss,
            None => loss(task, options.layers.as_ref(), inputs)?,
        };
        let layers = match &options.layers {
            Some(layers) => layers.clone(),
            None => layers(task, loss, training_rows),
        };
        let metrics = options.metrics.clone().unwrap_or_else(|| metrics(task));
        let early_stopping = match (&options.callbacks, options.epochs) {
            (Some(callbacks), _) => callbacks.first().cloned(),
            (None, Some(_)) => None,
            (None, None) => Some(EarlyStopping {
                patience: PATIENCE,
                restore_best_weights: true,
                ..EarlyStopping::default()
            }),
        };
        Ok(Self {
            layers,
            loss,
            metrics,
            epochs: options.epochs.unwrap_or(EPOCHS),
            early_stopping,
        })
    }
}

/// Two hidden layers of 64 relu units (32 below 1,000 training rows) and the output that task and loss need.
fn layers(task: Task, loss: Loss, training_rows: u64) -> Sequential {
    let units = if training_rows < MANY_ROWS { 32 } else { 64 };
    let (outputs, activation) = match task {
        Task::Regression { outputs } => (outputs, Activation::Linear),
        Task::Binary if loss == Loss::CategoricalCrossentropy => (2, Activation::Softmax),
        Task::Binary => (1, Activation::Sigmoid),
        Task::Multiclass { classes } => (classes, Activation::Softmax),
    };
    let dense = |units, activation| Layer::Dense(Dense::new(units, activation));
    Sequential::new(vec![
        dense(units, Activation::Relu),
        dense(units, Activation::Relu),
        dense(outputs, activation),
    ])
}

/// mse for numbers; binary_crossentropy for two classes, unless the given last layer has two units; else categorical_crossentropy.
fn loss(task: Task, layers: Option<&Sequential>, inputs: usize) -> Result<Loss> {
    Ok(match task {
        Task::Regression { .. } => Loss::MeanSquaredError,
        Task::Multiclass { .. } => Loss::CategoricalCrossentropy,
        Task::Binary => {
            let summary = layers.map(|layers| layers.summary(inputs)).transpose()?;
            let last = summary
                .as_deref()
                .and_then(<[_]>::last)
                .and_then(|layer| layer.output_shape.last());
            if last == Some(&2) {
                Loss::CategoricalCrossentropy
            } else {
                Loss::BinaryCrossentropy
            }
        }
    })
}

fn metrics(task: Task) -> Vec<Metric> {
    match task {
        Task::Regression { .. } => vec![Metric::Mae, Metric::R2],
        Task::Binary => vec![Metric::Accuracy, Metric::Auc],
        Task::Multiclass { .. } => vec![Metric::Accuracy],
    }
}

/// Adds to an error of `compile`, where it has no hint, what the target needs of the last layer.
pub(crate) fn with_needed_units(error: Error, target: &Target) -> Error {
    if error.hint_text().is_some() {
        return error;
    }
    let name = target.name();
    error.hint(match target.task() {
        Task::Regression { outputs } if outputs != 1 => format!("The target has {outputs} numbers: it needs a last layer of {outputs} units with a linear activation."),
        Task::Regression { .. } => format!("Target \"{name}\" is a number: it needs a last layer of 1 unit with a linear activation."),
        Task::Binary => format!("Target \"{name}\" has 2 classes: it needs a last layer of 1 unit with sigmoid, or of 2 units with softmax."),
        Task::Multiclass { classes } => format!("Target \"{name}\" has {classes} classes: it needs a last layer of {classes} units with softmax."),
    })
}
