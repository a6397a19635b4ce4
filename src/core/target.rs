//! The target column: labels of a class target, or mean and standard deviation of a regression.

use crate::{ColumnType, Error, ErrorKind, Result, Task, Value};
use serde::{Deserialize, Serialize};

/// The most classes of a target.
pub(crate) const MAX_CLASSES: usize = 1000;

/// A target as the model learned it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// The column's name.
    pub(crate) name: String,
    /// The column's type in tablenet's words.
    #[serde(rename = "type")]
    pub(crate) column_type: ColumnType,
    /// What is predicted of it.
    pub(crate) kind: TargetKind,
}

/// What is predicted of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum TargetKind {
    /// Its value: the network sees `(value - mean) / std`.
    Regression {
        /// Mean of the training rows.
        mean: f64,
        /// Their population standard deviation; 1 for a constant target.
        std: f64,
    },
    /// Its class. The labels are ordered false < true, numbers by value, enums as declared, text by bytes.
    Classes {
        /// The labels in their own spelling; of two the last is the positive one.
        labels: Vec<String>,
    },
}

impl Target {
    /// What the network is for.
    pub(crate) fn task(&self) -> Task {
        match &self.kind {
            TargetKind::Regression { .. } => Task::Regression { outputs: 1 },
            TargetKind::Classes { labels } if labels.len() == 2 => Task::Binary,
            TargetKind::Classes { labels } => Task::Multiclass {
                classes: labels.len(),
            },
        }
    }

    /// The labels; empty for a regression.
    pub(crate) fn labels(&self) -> &[String] {
        match &self.kind {
            TargetKind::Regression { .. } => &[],
            TargetKind::Classes { labels } => labels,
        }
    }

    /// The standard deviation by which errors are multiplied to be in the target's units.
    pub(crate) fn scale(&self) -> f64 {
        match self.kind {
            TargetKind::Regression { std, .. } => std,
            TargetKind::Classes { .. } => 1.0,
        }
    }

    /// The class number of `value`, which is not NULL.
    pub(crate) fn class(&self, value: &Value<'_>) -> Result<usize> {
        let labels = self.labels();
        let class = match value {
            Value::Boolean(boolean) => Some(usize::from(*boolean)),
            Value::Number(number) => labels.iter().position(|label| label.parse() == Ok(*number)),
            Value::Text(text) => labels.iter().position(|label| label == text),
            Value::Vector(_) | Value::Null => None,
        };
        class.ok_or_else(|| {
            let shown = match value {
                Value::Number(number) => number.to_string(),
                Value::Text(text) => (*text).to_owned(),
                _ => "NULL".to_owned(),
            };
            Error::new(
                ErrorKind::InvalidParameter,
                format!(
                    "target \"{}\" has the value \"{shown}\", which was not seen in training",
                    self.name
                ),
            )
            .hint(format!(
                "Leave such rows out of the query. Known labels: {}.",
                listed(labels)
            ))
        })
    }

    /// Says what is wrong with a target that comes from a file, if anything is.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match (&self.kind, self.column_type) {
            (TargetKind::Regression { mean, std }, column_type) if column_type.is_numeric() => {
                let fits =
                    mean.is_finite() && std.is_finite() && *std > 0.0 && (1.0 / std).is_finite();
                if fits {
                    Ok(())
                } else {
                    Err("has a mean or std that cannot be")
                }
            }
            (TargetKind::Regression { .. }, _) => Err("is no number, but predicted as one"),
            (TargetKind::Classes { labels }, column_type) => {
                let distinct = labels
                    .iter()
                    .collect::<std::collections::HashSet<_>>()
                    .len()
                    == labels.len();
                let fits = match column_type {
                    ColumnType::Boolean => labels.as_slice() == ["false", "true"],
                    ColumnType::Number => {
                        let numbers: Vec<Option<i64>> =
                            labels.iter().map(|label| label.parse().ok()).collect();
                        numbers.iter().all(Option::is_some) && numbers.is_sorted()
                    }
                    ColumnType::Category => true,
                    _ => false,
                };
                if distinct && fits && (2..=MAX_CLASSES).contains(&labels.len()) {
                    Ok(())
                } else {
                    Err("has labels that cannot be")
                }
            }
        }
    }
}

/// The first labels, for a message.
fn listed(labels: &[String]) -> String {
    let shown: Vec<&str> = labels.iter().take(10).map(String::as_str).collect();
    let more = if labels.len() > shown.len() {
        ", ..."
    } else {
        ""
    };
    shown.join(", ") + more
}
