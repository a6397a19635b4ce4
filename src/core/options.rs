//! The arguments of a training with their defaults (Keras: `compile` and `fit`).

use crate::model_size::check_layers;
use crate::{
    Activation, ClassWeight, Error, ErrorKind, FitCallback, Loss, Metric, Optimizer, Preprocess,
    Result, Sequential,
};

/// What a training may be told; `None` is chosen from the data.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// The network; `None`: two hidden layers of tanh units, as many as the rows carry, and the output the target needs.
    pub layers: Option<Sequential>,
    /// The optimizer; `None`: adamw with a decay by rows, or adam where `epochs` or `callbacks` is given.
    pub optimizer: Option<Optimizer>,
    /// The loss; `None`: mse, binary_crossentropy or categorical_crossentropy by target.
    pub loss: Option<Loss>,
    /// What the loss said of `from_logits`: given layers must then end without an activation, or with one.
    pub from_logits: Option<bool>,
    /// The metrics; `None`: mae and r2, accuracy and auc, or accuracy by target.
    pub metrics: Option<Vec<Metric>>,
    /// Exactly this many epochs; `None`: as many as need be, by rows, until `callbacks` end them.
    pub epochs: Option<u32>,
    /// Rows per step; `None`: 32 to 1,024 by rows, or 32 where `epochs` or `callbacks` is given.
    pub batch_size: Option<usize>,
    /// The fraction of rows held out for validation, in [0, 1); `None`: 0.2 of the first 1,000 rows, 0.1 of those beyond.
    pub validation_split: Option<f64>,
    /// Callbacks; `None` without `epochs`: an EarlyStopping by rows that lowers the learning rate before it stops.
    pub callbacks: Option<Vec<FitCallback>>,
    /// Columns that are neither feature nor target.
    pub exclude: Vec<String>,
    /// What is said about the preprocessing of columns; nothing.
    pub preprocess: Preprocess,
    /// How much the training rows of each class count in the loss; all alike.
    pub class_weight: Option<ClassWeight>,
    /// The column that says how much each row counts in the loss. It is no feature.
    pub sample_weight: Option<String>,
    /// The column that says which rows train and which validate, in place of `validation_split`. It is no feature.
    pub split_column: Option<String>,
    /// Whether every epoch walks the rows in a new order.
    pub shuffle: bool,
    /// The seed of the weights, the order and the split; 0.
    pub seed: u64,
    /// Ends the training after the batch in which this many seconds have passed.
    pub max_seconds: Option<f64>,
    /// Bytes for rows, model, activations and optimizer together.
    pub memory_limit: u64,
    /// Bytes of the model's file; as many as it takes.
    pub max_model_size: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            layers: None,
            optimizer: None,
            loss: None,
            from_logits: None,
            metrics: None,
            epochs: None,
            batch_size: None,
            validation_split: None,
            callbacks: None,
            exclude: Vec::new(),
            preprocess: Preprocess::default(),
            class_weight: None,
            sample_weight: None,
            split_column: None,
            shuffle: true,
            seed: 0,
            max_seconds: None,
            memory_limit: 64 << 20,
            max_model_size: u64::MAX,
        }
    }
}

impl TrainOptions {
    /// Refuses what no training can use, whatever its rows.
    pub fn check(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidParameter, message));
        if let Some(rows) = self.batch_size {
            Self::check_batch_size(rows as i128)?;
        }
        if let Some(epochs) = self.epochs {
            Self::check_epochs(epochs.into())?;
        }
        if let Some(split) = self.validation_split
            && !(0.0..1.0).contains(&split)
        {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("validation_split must be at least 0 and less than 1, not {split}"),
            )
            .hint("It is the fraction of rows held out: 0.1 holds out one row in ten, 0 none."));
        }
        if let Some(layers) = &self.layers {
            check_layers(layers, self.max_model_size)?;
        }
        let last = self.layers.as_ref().and_then(|layers| layers.layers.last());
        match last.and_then(|layer| layer.kind().activation()) {
            Some(Activation::Linear) if self.from_logits == Some(false) => {
                return Err(Error::new(
                    ErrorKind::InvalidParameter,
                    "the loss is given from_logits false, but the last layer ends without an activation, which gives logits",
                )
                .hint("End with sigmoid or softmax, set from_logits to true, or leave it out."));
            }
            Some(activation)
                if self.from_logits == Some(true) && activation != Activation::Linear =>
            {
                return Err(Error::new(
                    ErrorKind::InvalidParameter,
                    format!(
                        "the loss is given from_logits, but the last layer ends with {}",
                        activation.name()
                    ),
                )
                .hint("Leave out either the activation or from_logits."));
            }
            _ => {}
        }
        if let Some(seconds) = self.max_seconds
            && (seconds.is_nan() || seconds <= 0.0)
        {
            return invalid(format!("max_seconds must be greater than 0, not {seconds}"));
        }
        FitCallback::check(
            self.callbacks.as_deref().unwrap_or_default(),
            self.optimizer.as_ref(),
        )
    }

    /// A number of epochs as it is given, from 1 to 100,000.
    pub fn check_epochs(given: i128) -> Result<u32> {
        check_count("epochs", given, MAX_EPOCHS.into()).map(|epochs| epochs as u32)
    }

    /// Rows per step as they are given, from 1 to 2^24.
    pub fn check_batch_size(given: i128) -> Result<usize> {
        check_count("batch_size", given, MAX_BATCH_SIZE as i128).map(|rows| rows as usize)
    }
}

/// A count from 1 to `most`.
fn check_count(name: &str, given: i128, most: i128) -> Result<i128> {
    let message = match given {
        ..1 => format!("{name} must be at least 1, not {given}"),
        _ if given > most => format!("{name} must be at most {most}, not {given}"),
        _ => return Ok(given),
    };
    Err(Error::new(ErrorKind::InvalidParameter, message))
}

/// The longest name of a model, in bytes: that of PostgreSQL's own identifiers.
const MAX_NAME: usize = 63;

/// Refuses names that no model may have.
pub fn check_model_name(name: &str) -> Result<()> {
    if name.is_empty() {
        let message = "model name must not be empty";
        return Err(Error::new(ErrorKind::InvalidParameter, message));
    }
    if name.len() > MAX_NAME {
        let message = format!(
            "model name must have at most {MAX_NAME} bytes, not {}",
            name.len()
        );
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    if name.contains('@') {
        let message = "model name must not contain \"@\"";
        return Err(Error::new(ErrorKind::InvalidParameter, message)
            .hint("The sign is kept for addressing a version, as in name@3."));
    }
    Ok(())
}

/// The most epochs: each leaves its logs in memory and in the history.
const MAX_EPOCHS: u32 = 100_000;
/// The most rows of a step.
const MAX_BATCH_SIZE: usize = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dense, Layer};

    fn message(options: TrainOptions) -> String {
        options.check().expect_err("refused").to_string()
    }

    #[test]
    fn defaults_are_valid() {
        assert!(TrainOptions::default().check().is_ok());
    }

    #[test]
    fn logits_need_a_linear_last_layer() {
        let ending = |activation, from_logits| TrainOptions {
            layers: Some(Sequential::new(vec![Layer::Dense(Dense::new(
                1, activation,
            ))])),
            loss: Some(Loss::BINARY),
            from_logits,
            ..TrainOptions::default()
        };
        for (activation, from_logits) in [
            (Activation::Linear, Some(true)),
            (Activation::Linear, None),
            (Activation::Sigmoid, Some(false)),
            (Activation::Sigmoid, None),
        ] {
            assert!(ending(activation, from_logits).check().is_ok());
        }
        assert_eq!(
            message(ending(Activation::Sigmoid, Some(true))),
            "the loss is given from_logits, but the last layer ends with sigmoid"
        );
        assert_eq!(
            message(ending(Activation::Linear, Some(false))),
            "the loss is given from_logits false, but the last layer ends without an activation, which gives logits"
        );
    }

    #[test]
    fn refuses_values_out_of_range() {
        let base = TrainOptions::default;
        assert_eq!(
            message(TrainOptions {
                batch_size: Some(0),
                ..base()
            }),
            "batch_size must be at least 1, not 0"
        );
        assert_eq!(
            message(TrainOptions {
                epochs: Some(0),
                ..base()
            }),
            "epochs must be at least 1, not 0"
        );
        assert_eq!(
            message(TrainOptions {
                epochs: Some(100_001),
                ..base()
            }),
            "epochs must be at most 100000, not 100001"
        );
        for (split, shown) in [(1.0, "1"), (-0.1, "-0.1"), (f64::NAN, "NaN")] {
            let expected =
                format!("validation_split must be at least 0 and less than 1, not {shown}");
            assert_eq!(
                message(TrainOptions {
                    validation_split: Some(split),
                    ..base()
                }),
                expected
            );
        }
        for (seconds, shown) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN")] {
            let expected = format!("max_seconds must be greater than 0, not {shown}");
            assert_eq!(
                message(TrainOptions {
                    max_seconds: Some(seconds),
                    ..base()
                }),
                expected
            );
        }
    }
}
