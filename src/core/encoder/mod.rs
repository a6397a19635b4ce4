//! From columns to the network's inputs: learned on training rows, frozen before any weight moves, replayed in scoring.

use serde::{Deserialize, Serialize};

/// How one feature becomes inputs. Inputs stand side by side in feature order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Encoding {
    /// `(value - mean) / std`; NULL becomes the median. One input, and an is-missing one if NULLs were seen.
    Number {
        /// Mean of the training values.
        mean: f64,
        /// Their population standard deviation; 1 for a constant column.
        std: f64,
        /// Their median.
        median: f64,
        /// Whether there is an is-missing input.
        missing: bool,
    },
    /// 0 or 1; NULL becomes the most frequent value. One input, and an is-missing one if NULLs were seen.
    Boolean {
        /// The value of NULL.
        most_frequent: bool,
        /// Whether there is an is-missing input.
        missing: bool,
    },
    /// One-hot: one input per category seen in training rows and one for NULL if NULLs were seen.
    /// A category never seen has all zeros, and so has NULL if none was seen.
    Category {
        /// The categories in input order: sorted by bytes, those of an enum as declared.
        categories: Vec<String>,
        /// Whether there is an input for NULL, the last one.
        missing: bool,
    },
}

impl Encoding {
    /// Inputs of this feature.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Number { missing, .. } | Self::Boolean { missing, .. } => 1 + usize::from(*missing),
            Self::Category { categories, missing } => categories.len() + usize::from(*missing),
        }
    }
}
