//! What a training chooses when nothing was given: network, loss, metrics, optimizer, batches, epochs and early stopping by
//! target and rows. `docs/defaults.md` has the reasons and what was measured.
//!
//! Where `epochs` or `callbacks` is given, optimizer and batches are Keras's defaults.

use crate::loss::Scaling;
use crate::{
    Activation, Dense, EarlyStopping, Error, FitCallback, Layer, Loss, Metric, Optimizer, Result,
    Sequential, Target, Task, TrainOptions,
};

/// Units of the two hidden layers.
const UNITS: [usize; 2] = [128, 64];
/// The learning rate of the first steps.
const LEARNING_RATE: f64 = 0.002;
/// The weight decay is this divided by the training rows, and at most [`MOST_DECAY`]: what a row says outweighs it the more rows there are.
const DECAY: f64 = 100.0;
const MOST_DECAY: f64 = 0.3;
/// Rows per step: one for so many training rows, a power of two of [`BATCHES`].
const ROWS_PER_BATCHED_ROW: u64 = 200;
const BATCHES: [u64; 2] = [32, 1024];
/// Rows per step as in Keras.
const BATCH_SIZE: usize = 32;
/// Steps after which a training ends at the latest, and the epochs that they may be.
const STEPS: u64 = 50_000;
const EPOCHS: [u64; 2] = [60, 1000];
/// The same where no row is held out, so that nothing but this stops the fit from learning the rows by heart.
const BLIND_STEPS: u64 = 3000;
const BLIND_EPOCHS: [u64; 2] = [10, 300];
/// Steps without improvement that are waited for, and the epochs that they may be.
const PATIENCE_STEPS: u64 = 1000;
const PATIENCE: [u64; 2] = [5, 100];
/// How often the learning rate is cut before the training ends.
const CUTS: u32 = 2;

/// Everything a model is compiled and fitted with.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    pub(crate) layers: Sequential,
    pub(crate) loss: Loss,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) optimizer: Optimizer,
    pub(crate) batch_size: usize,
    pub(crate) epochs: u32,
    pub(crate) callbacks: Vec<FitCallback>,
}

impl Choices {
    /// What `options` leave open, chosen for a task of `inputs` inputs and so many training and validation rows.
    pub(crate) fn new(
        options: &TrainOptions,
        task: Task,
        inputs: usize,
        training_rows: u64,
        validation_rows: u64,
    ) -> Result<Self> {
        let loss = match options.loss {
            Some(loss) => loss,
            None => loss(task, options.layers.as_ref(), inputs)?,
        };
        let layers = match &options.layers {
            Some(layers) => layers.clone(),
            None => layers(task, loss),
        };
        let metrics = options
            .metrics
            .clone()
            .unwrap_or_else(|| metrics(task, loss));
        let open = options.epochs.is_none() && options.callbacks.is_none();
        let batch_size = match options.batch_size {
            Some(rows) => rows,
            None if open => batch_size(training_rows),
            None => BATCH_SIZE,
        };
        let steps = training_rows.div_ceil(batch_size.max(1) as u64).max(1);
        let callbacks = match &options.callbacks {
            Some(callbacks) => callbacks.clone(),
            None if open => vec![
                EarlyStopping {
                    patience: within(PATIENCE, PATIENCE_STEPS.div_ceil(steps)),
                    restore_best_weights: true,
                    learning_rate_cuts: CUTS,
                    ..EarlyStopping::default()
                }
                .into(),
            ],
            None => Vec::new(),
        };
        let epochs = match options.epochs {
            Some(epochs) => epochs,
            None if validation_rows == 0 => within(BLIND_EPOCHS, BLIND_STEPS.div_ceil(steps)),
            None => within(EPOCHS, STEPS.div_ceil(steps)),
        };
        let optimizer = match &options.optimizer {
            Some(optimizer) => optimizer.clone(),
            None if open => adamw(training_rows),
            None => Optimizer::default(),
        };
        Ok(Self {
            layers,
            loss,
            metrics,
            optimizer,
            batch_size,
            epochs,
            callbacks,
        })
    }
}

/// `number` brought into a range that fits a u32.
fn within([least, most]: [u64; 2], number: u64) -> u32 {
    u32::try_from(number.clamp(least, most)).unwrap_or(u32::MAX)
}

/// One row of a step for [`ROWS_PER_BATCHED_ROW`] training rows, as the nearest power of two.
fn batch_size(training_rows: u64) -> usize {
    let wanted = training_rows / ROWS_PER_BATCHED_ROW;
    // The nearest on the scale of the logarithm: the root of two above a power of two belongs to the next.
    let power = wanted
        .saturating_mul(wanted)
        .saturating_mul(2)
        .max(1)
        .ilog2()
        / 2;
    1 << power.clamp(BATCHES[0].ilog2(), BATCHES[1].ilog2())
}

/// AdamW with a decay that small tables need and large ones hardly feel.
fn adamw(training_rows: u64) -> Optimizer {
    let decay = (DECAY / training_rows.max(1) as f64).min(MOST_DECAY);
    Optimizer::adamw(LEARNING_RATE, decay)
}

/// Two hidden layers of tanh units and the output that task and loss need.
fn layers(task: Task, loss: Loss) -> Sequential {
    let (outputs, activation) = match task {
        Task::Regression { outputs } => (outputs, of_numbers(outputs, loss)),
        Task::Binary => (loss.units_for_two(), of_classes(loss, Activation::Sigmoid)),
        Task::Multiclass { classes } => (classes, of_classes(loss, Activation::Softmax)),
    };
    let dense = |units, activation| Layer::Dense(Dense::new(units, activation));
    Sequential::new(vec![
        dense(UNITS[0], Activation::Tanh),
        dense(UNITS[1], Activation::Tanh),
        dense(outputs, activation),
    ])
}

/// What makes numbers: as far as the loss wants them.
fn of_numbers(outputs: usize, loss: Loss) -> Activation {
    match loss.scaling() {
        Scaling::Standard | Scaling::Factor => Activation::Linear,
        Scaling::Own(_, most) if most.is_finite() && outputs > 1 => Activation::Softmax,
        Scaling::Own(_, most) if most.is_finite() => Activation::Sigmoid,
        // Counts and what else has a logarithm may be any size.
        Scaling::Own(..) => Activation::Exponential,
    }
}

/// What makes probabilities, or numbers of which the largest counts.
fn of_classes(loss: Loss, usual: Activation) -> Activation {
    if loss.gives_probabilities() {
        loss.head().unwrap_or(usual)
    } else {
        Activation::Linear
    }
}

/// mse for numbers; binary_crossentropy for two classes, unless the given last layer has two units; else categorical_crossentropy.
fn loss(task: Task, layers: Option<&Sequential>, inputs: usize) -> Result<Loss> {
    Ok(match task {
        Task::Regression { .. } => Loss::MSE,
        Task::Multiclass { .. } => Loss::CATEGORICAL,
        Task::Binary => {
            let summary = layers.map(|layers| layers.summary(inputs)).transpose()?;
            let last = summary
                .as_deref()
                .and_then(<[_]>::last)
                .and_then(|layer| layer.output_shape.last());
            if last == Some(&2) {
                Loss::CATEGORICAL
            } else {
                Loss::BINARY
            }
        }
    })
}

fn metrics(task: Task, loss: Loss) -> Vec<Metric> {
    match task {
        Task::Regression { .. } => vec![Metric::MAE, Metric::R2],
        Task::Binary | Task::Multiclass { .. } => Metric::usual(task, loss),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(options: TrainOptions, training_rows: u64, validation_rows: u64) -> Choices {
        let task = Task::Regression { outputs: 1 };
        Choices::new(&options, task, 3, training_rows, validation_rows).expect("choices")
    }

    #[test]
    fn steps_decide_about_batches_epochs_and_patience() {
        let chosen = |rows: u64| {
            let choices = chosen(TrainOptions::default(), rows, 1);
            let [FitCallback::EarlyStopping(stopping)] = choices.callbacks.as_slice() else {
                panic!("{:?}", choices.callbacks);
            };
            (choices.batch_size, choices.epochs, stopping.patience)
        };
        assert_eq!(chosen(2), (32, 1000, 100));
        assert_eq!(chosen(240), (32, 1000, 100));
        assert_eq!(chosen(4000), (32, 400, 8));
        assert_eq!(chosen(38_837), (256, 329, 7));
        assert_eq!(chosen(100_000), (512, 256, 6));
        assert_eq!(chosen(900_000), (1024, 60, 5));
        assert_eq!(chosen(u64::MAX), (1024, 60, 5));
    }

    #[test]
    fn small_tables_are_held_back_more() {
        let decay = |rows| {
            let chosen = chosen(TrainOptions::default(), rows, 1).optimizer;
            chosen.to_json()["adamw"]["weight_decay"].clone()
        };
        assert_eq!(decay(0), 0.3);
        assert_eq!(decay(100), 0.3);
        assert_eq!(decay(1000), 0.1);
        assert_eq!(decay(1_000_000), 0.0001);
    }

    #[test]
    fn without_validation_rows_it_ends_sooner() {
        assert_eq!(chosen(TrainOptions::default(), 240, 0).epochs, 300);
        assert_eq!(chosen(TrainOptions::default(), 40_000, 0).epochs, 20);
    }

    #[test]
    fn given_epochs_or_callbacks_mean_keras() {
        for (epochs, callbacks) in [(Some(7), None), (None, Some(vec![]))] {
            let options = TrainOptions {
                epochs,
                callbacks,
                ..TrainOptions::default()
            };
            let choices = chosen(options, 100_000, 10_000);
            assert_eq!(choices.batch_size, 32);
            assert_eq!(choices.optimizer, Optimizer::default());
            assert_eq!(choices.callbacks, vec![]);
        }
    }

    #[test]
    fn what_is_given_stays() {
        let options = TrainOptions {
            optimizer: Some(Optimizer::default()),
            batch_size: Some(7),
            ..TrainOptions::default()
        };
        let choices = chosen(options, 100_000, 10_000);
        assert_eq!((choices.batch_size, choices.epochs), (7, 60));
        assert_eq!(choices.optimizer, Optimizer::default());
    }
}
