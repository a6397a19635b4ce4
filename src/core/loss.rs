//! Losses by their Keras names; [`crate::kernels::cost`] computes them.

use crate::config::{Config, fold, invalid, tagged, unknown, word_or_json};
use crate::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// A loss, by its Keras formula. Crossentropies are computed from logits inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// mean (y - p)^2
    MeanSquaredError,
    /// mean |y - p|
    MeanAbsoluteError,
    /// quadratic up to `delta`, linear beyond
    Huber {
        /// Where the line begins.
        delta: f64,
    },
    /// -y ln p - (1 - y) ln(1 - p)
    BinaryCrossentropy,
    /// -ln p_y, with class numbers as targets (Keras: also `sparse_categorical_crossentropy`)
    CategoricalCrossentropy,
}

impl Loss {
    const KNOWN: [&'static str; 5] = [
        "mse",
        "mae",
        "huber",
        "binary_crossentropy",
        "categorical_crossentropy",
    ];

    /// Reads a bare word, `{"huber": {"delta": 2}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse(text: &str) -> Result<Loss> {
        let (loss, from_logits) = Self::parse_with_logits(text)?;
        if from_logits {
            return Err(invalid(format!("from_logits of loss {} is not an option", loss.name()))
                .hint("Leave it out: a last layer without activation gives logits, one with sigmoid or softmax gives probabilities."));
        }
        Ok(loss)
    }

    /// As [`Loss::parse`], and whether `from_logits` was set as Keras's users do: the last layer must then be linear.
    pub fn parse_with_logits(text: &str) -> Result<(Loss, bool)> {
        let json = word_or_json("loss", text)?;
        let (name, config) = tagged("loss", &json)?;
        let loss = match fold(name).as_str() {
            "mse" | "meansquarederror" => Loss::MeanSquaredError,
            "mae" | "meanabsoluteerror" => Loss::MeanAbsoluteError,
            "huber" | "huberloss" => Loss::Huber { delta: 1.0 },
            "binarycrossentropy" | "bce" => Loss::BinaryCrossentropy,
            "categoricalcrossentropy" | "sparsecategoricalcrossentropy" => {
                Loss::CategoricalCrossentropy
            }
            _ => return Err(unknown("loss", "losses", name, &Self::KNOWN)),
        };
        let mut known = vec!["name", "reduction", "dtype"];
        match loss {
            Loss::Huber { .. } => known.push("delta"),
            _ if loss.is_crossentropy() => {
                known.extend(["from_logits", "label_smoothing", "axis", "ignore_class"])
            }
            _ => {}
        }
        let config = Config::new(format!("loss {}", loss.name()), config, &known)?;
        config.refuse(&["label_smoothing", "ignore_class"])?;
        config.check_dtype_and_trainable()?;
        let from_logits = config.flag("from_logits", false)?;
        if config
            .string("reduction")?
            .is_some_and(|r| r != "sum_over_batch_size")
            || config.get("axis").is_some_and(|a| *a != -1)
        {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "another reduction or axis of loss {} is not supported",
                    loss.name()
                ),
            ));
        }
        let loss = match loss {
            Loss::Huber { delta } => Loss::Huber {
                delta: config.number("delta", delta, "a positive number", |d| d > 0.0)?,
            },
            _ => loss,
        };
        Ok((loss, from_logits))
    }

    /// The short name: `mse`.
    pub fn name(&self) -> &'static str {
        Self::KNOWN[match self {
            Loss::MeanSquaredError => 0,
            Loss::MeanAbsoluteError => 1,
            Loss::Huber { .. } => 2,
            Loss::BinaryCrossentropy => 3,
            Loss::CategoricalCrossentropy => 4,
        }]
    }

    /// The canonical form: `"mse"`, `{"huber": {"delta": 1.0}}`. `parse` reads its text.
    pub fn to_json(&self) -> Value {
        match self {
            Loss::Huber { delta } => json!({"huber": {"delta": delta}}),
            _ => Value::from(self.name()),
        }
    }

    /// The loss of one row in f64: `out` as before the head (logits under a crossentropy), `y` as in [`crate::Batch`].
    pub(crate) fn of_row(&self, out: &[f32], y: &[f32]) -> f64 {
        let error = |p, y| self.of_error(p - y);
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            let sum = out
                .iter()
                .zip(y)
                .map(|(&p, &y)| f(f64::from(p), f64::from(y)))
                .sum::<f64>();
            sum / out.len() as f64
        };
        match *self {
            Loss::MeanSquaredError | Loss::MeanAbsoluteError | Loss::Huber { .. } => mean(&error),
            Loss::BinaryCrossentropy => {
                mean(&|z, y| z.max(0.0) - z * y + libm::log1p(libm::exp(-z.abs())))
            }
            Loss::CategoricalCrossentropy => {
                let top = out.iter().fold(f32::NEG_INFINITY, |a, &z| a.max(z));
                let sum = out
                    .iter()
                    .map(|&z| libm::exp(f64::from(z - top)))
                    .sum::<f64>();
                let class = y.first().map_or(usize::MAX, |&y| y as usize);
                let logit = out.get(class).copied().unwrap_or(f32::NAN);
                libm::log(sum) + f64::from(top) - f64::from(logit)
            }
        }
    }

    /// The loss of a number that is so far from the right one; NaN of a crossentropy, which needs more.
    pub(crate) fn of_error(&self, error: f64) -> f64 {
        let a = error.abs();
        match *self {
            Loss::MeanSquaredError => a * a,
            Loss::MeanAbsoluteError => a,
            Loss::Huber { delta } if a <= delta => 0.5 * a * a,
            Loss::Huber { delta } => delta * (a - 0.5 * delta),
            Loss::BinaryCrossentropy | Loss::CategoricalCrossentropy => f64::NAN,
        }
    }

    /// Whether the targets are classes.
    pub fn is_crossentropy(&self) -> bool {
        matches!(
            self,
            Loss::BinaryCrossentropy | Loss::CategoricalCrossentropy
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words_and_both_json_forms() {
        assert_eq!(Loss::parse(" MSE ").unwrap(), Loss::MeanSquaredError);
        assert_eq!(
            Loss::parse("MeanAbsoluteError").unwrap(),
            Loss::MeanAbsoluteError
        );
        assert_eq!(
            Loss::parse(r#"{"huber": {"delta": 2}}"#).unwrap(),
            Loss::Huber { delta: 2.0 }
        );
        let keras = r#"{"module": "keras.losses", "class_name": "BinaryCrossentropy", "registered_name": null,
            "config": {"name": "binary_crossentropy", "reduction": "sum_over_batch_size", "from_logits": false, "label_smoothing": 0.0, "axis": -1}}"#;
        assert_eq!(Loss::parse(keras).unwrap(), Loss::BinaryCrossentropy);
        for loss in [
            Loss::MeanSquaredError,
            Loss::Huber { delta: 0.5 },
            Loss::CategoricalCrossentropy,
        ] {
            assert_eq!(Loss::parse(&loss.to_json().to_string()).unwrap(), loss);
        }
    }

    #[test]
    fn logits_are_asked_for_apart() {
        let text = r#"{"class_name": "BinaryCrossentropy", "config": {"from_logits": true}}"#;
        let read = Loss::parse_with_logits(text).unwrap();
        assert_eq!(read, (Loss::BinaryCrossentropy, true));
        assert!(Loss::parse(text).is_err());
        assert!(!Loss::parse_with_logits("mse").unwrap().1);
    }

    #[test]
    fn refuses_the_rest_by_name() {
        for (text, message) in [
            ("mse2", "unknown loss \"mse2\""),
            (
                r#"{"huber": {"dleta": 2}}"#,
                "unknown setting \"dleta\" of loss huber",
            ),
            (
                r#"{"huber": {"delta": 0}}"#,
                "delta of loss huber must be a positive number, not 0",
            ),
            ("{", "the loss is not valid JSON"),
            ("", "the loss must not be empty"),
        ] {
            let error = Loss::parse(text).unwrap_err();
            assert_eq!(
                (error.to_string().as_str(), error.kind()),
                (message, ErrorKind::InvalidParameter)
            );
        }
        let smooth =
            Loss::parse(r#"{"binary_crossentropy": {"label_smoothing": 0.1}}"#).unwrap_err();
        assert_eq!(smooth.kind(), ErrorKind::NotSupported);
    }
}
