//! The target: labels of a class target, or mean and standard deviation of each number of a regression.

use crate::slot::Slot;
use crate::{ColumnType, Error, ErrorKind, FeatureInfo, Result, Task, Value};
use serde::{Deserialize, Serialize};

/// The most classes of a target.
pub(crate) const MAX_CLASSES: usize = 1000;

/// A target as the model learned it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// One column, or several of numbers.
    pub(crate) columns: Vec<TargetColumn>,
    /// What is predicted of it.
    pub(crate) kind: TargetKind,
}

/// A column of the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetColumn {
    /// Its name.
    pub(crate) name: String,
    /// Its type in tablenet's words.
    #[serde(rename = "type")]
    pub(crate) column_type: ColumnType,
}

/// What is predicted of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum TargetKind {
    /// Numbers: that of each column, or the elements of the one that holds vectors.
    Regression {
        /// How each is standardised.
        outputs: Vec<Standard>,
    },
    /// Its class. The labels are ordered false < true, numbers by value, enums as declared, text by bytes.
    Classes {
        /// The labels in their own spelling; of two the last is the positive one.
        labels: Vec<String>,
    },
}

/// The network sees `(value - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// Mean of the training rows; 0 where the loss needs values in their own units, or a multiple of them.
    pub mean: f64,
    /// Their population standard deviation; 1 for a constant target, or where the loss needs values as they are.
    pub std: f64,
}

impl Standard {
    /// Values as they are.
    pub const PLAIN: Standard = Standard {
        mean: 0.0,
        std: 1.0,
    };

    /// Those of every output: each its own, one for all, or none.
    pub(crate) fn each(scales: &[Standard]) -> impl Iterator<Item = Standard> {
        const PLAIN: &[Standard] = &[Standard::PLAIN];
        let all = if scales.is_empty() { PLAIN } else { scales };
        all.iter().copied().cycle()
    }

    /// What the network sees of `value`.
    #[inline]
    pub(crate) fn apply(self, value: f64) -> f32 {
        ((value - self.mean) * (1.0 / self.std)) as f32
    }

    /// The value of which the network says `output`.
    #[inline]
    pub(crate) fn invert(self, output: f32) -> f64 {
        f64::from(output) * self.std + self.mean
    }
}

impl TargetColumn {
    /// The column of `slot`.
    pub(crate) fn of(slot: &Slot) -> Self {
        Self {
            name: slot.name.clone(),
            column_type: slot.column_type,
        }
    }
}

impl Target {
    /// What the network is for.
    pub(crate) fn task(&self) -> Task {
        match &self.kind {
            TargetKind::Regression { outputs } => Task::Regression {
                outputs: outputs.len(),
            },
            TargetKind::Classes { labels } if labels.len() == 2 => Task::Binary,
            TargetKind::Classes { labels } => Task::Multiclass {
                classes: labels.len(),
            },
        }
    }

    /// The name of the first column.
    pub(crate) fn name(&self) -> &str {
        self.columns.first().map_or("", |column| &column.name)
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The target in a message: `target "a"`, `targets "a", "b"`.
    pub(crate) fn words(&self) -> String {
        let names: Vec<&str> = self.names().collect();
        words(&names)
    }

    /// The name of the output at `place` of a regression of `columns`: an element of a vector counts from 1.
    pub(crate) fn output_name(columns: &[TargetColumn], place: usize) -> String {
        match (columns, columns.get(place)) {
            ([column], _) if column.column_type == ColumnType::Vector => {
                format!("{}[{}]", column.name, place + 1)
            }
            (_, Some(column)) => column.name.clone(),
            _ => String::new(),
        }
    }

    /// The labels; empty for a regression.
    pub(crate) fn labels(&self) -> &[String] {
        match &self.kind {
            TargetKind::Regression { .. } => &[],
            TargetKind::Classes { labels } => labels,
        }
    }

    /// How each output is scaled; none of classes.
    pub(crate) fn scales(&self) -> Vec<Standard> {
        match &self.kind {
            TargetKind::Regression { outputs } => outputs.clone(),
            TargetKind::Classes { .. } => Vec::new(),
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
            unseen(self.name(), &shown, labels)
        })
    }

    /// What is known of it.
    pub(crate) fn info(&self) -> Vec<FeatureInfo> {
        let columns = self.columns.iter().enumerate();
        let of = |(place, column): (usize, &TargetColumn)| {
            let mut info = FeatureInfo::new(&column.name, "target", column.column_type);
            match &self.kind {
                TargetKind::Regression { outputs } => {
                    info.encoding = "regression".to_owned();
                    let plain = outputs.iter().all(|it| *it == Standard::PLAIN);
                    let scaling = if plain { "none" } else { "standard" };
                    info.scaling = Some(scaling.to_owned());
                    // Of an array every element has its own.
                    if column.column_type != ColumnType::Vector {
                        info.mean = outputs.get(place).map(|output| output.mean);
                        info.stddev = outputs.get(place).map(|output| output.std);
                    }
                }
                TargetKind::Classes { labels } => {
                    info.encoding = "classification".to_owned();
                    info.distinct = Some(labels.len() as u64);
                }
            }
            info
        };
        columns.map(of).collect()
    }

    /// Says what is wrong with a target that comes from a file, if anything is.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match &self.kind {
            TargetKind::Regression { outputs } => {
                let is_vector = |column: &TargetColumn| column.column_type == ColumnType::Vector;
                let columns = match self.columns.as_slice() {
                    [column] if is_vector(column) => outputs.len(),
                    columns => columns.len(),
                };
                let mut names: Vec<&str> = self.names().collect();
                names.sort_unstable();
                names.dedup();
                let numeric = |column: &TargetColumn| column.column_type.is_numeric();
                if !(self.columns.iter().all(numeric)
                    || matches!(&*self.columns, [it] if is_vector(it)))
                {
                    Err("is no number, but predicted as one")
                } else if outputs.is_empty()
                    || outputs.len() != columns
                    || names.len() != self.columns.len()
                {
                    Err("has columns that cannot be")
                } else if outputs.iter().all(|it| {
                    it.mean.is_finite()
                        && it.std.is_finite()
                        && it.std > 0.0
                        && (1.0 / it.std).is_finite()
                }) {
                    Ok(())
                } else {
                    Err("has a mean or std that cannot be")
                }
            }
            TargetKind::Classes { labels } => {
                let [TargetColumn { column_type, .. }] = self.columns.as_slice() else {
                    return Err("has classes of several columns");
                };
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

/// Target columns in a message.
pub(crate) fn words(names: &[&str]) -> String {
    let noun = if names.len() == 1 {
        "target"
    } else {
        "targets"
    };
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("{noun} {}", names.join(", "))
}

/// The error of the value `shown` of target `name`, which no training row has.
#[cold]
pub(crate) fn unseen(name: &str, shown: &str, labels: &[String]) -> Error {
    let message =
        format!("target \"{name}\" has the value \"{shown}\", which was not seen in training");
    Error::new(ErrorKind::InvalidParameter, message).hint(format!(
        "Leave such rows out of the query. Known labels: {}.",
        listed(labels)
    ))
}

/// The first labels, for a message.
pub(crate) fn listed(labels: &[String]) -> String {
    let shown: Vec<&str> = labels.iter().take(10).map(String::as_str).collect();
    let more = if labels.len() > shown.len() {
        ", ..."
    } else {
        ""
    };
    shown.join(", ") + more
}
