//! From columns to the network's inputs: learned on training rows, frozen before any weight moves, replayed in scoring.

mod categories;
mod consistency;
mod learner;
mod lookup;
mod median;
mod profile;
mod record_encoder;
mod row_encoder;
#[cfg(test)]
mod tests;

pub(crate) use categories::Categories;
pub(crate) use consistency::check_features;
pub(crate) use learner::{Learner, MAX_CATEGORIES, wrong_type};
pub(crate) use lookup::Lookup;
pub(crate) use median::{SAMPLE, medians};
pub(crate) use profile::Moments;
pub(crate) use record_encoder::RecordEncoder;
pub(crate) use row_encoder::{RowEncoder, width_differs};

use crate::kernels::record::scaled;
use crate::{Error, ErrorKind};
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
            Self::Number { missing, .. } | Self::Boolean { missing, .. } => {
                1 + usize::from(*missing)
            }
            Self::Category {
                categories,
                missing,
            } => categories.len() + usize::from(*missing),
        }
    }
}

/// The one place where a number becomes an input: batches of training and rows of scoring share it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaling {
    mean: f64,
    inverse: f64,
    /// The input of NULL.
    null: f32,
}

impl Scaling {
    fn new(mean: f64, std: f64, median: f64) -> Self {
        let mut scaling = Self {
            mean,
            inverse: 1.0 / std,
            null: 0.0,
        };
        scaling.null = scaling.apply(median);
        scaling
    }

    #[inline]
    fn apply(self, value: f64) -> f32 {
        scaled(value, self.mean, self.inverse)
    }

    /// The input of a stored number, whose NULL is NaN.
    #[inline]
    fn stored(self, value: f64) -> f32 {
        if value.is_nan() {
            self.null
        } else {
            self.apply(value)
        }
    }
}

/// The error of NaN or an infinity in column `name`; rows count from 1.
#[cold]
pub(crate) fn not_finite(value: f64, name: &str, row: Option<u64>) -> Error {
    let shown = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    let place = row.map(|row| format!(" in row {row}")).unwrap_or_default();
    Error::new(ErrorKind::NotFinite, format!("column \"{name}\" is {shown}{place}"))
        .hint("Use NULL for an unknown value, for example with nullif(), or leave the row out of the query.")
}

/// The error of a number so far from the training values that its input would be infinite.
#[cold]
pub(crate) fn too_far(value: f64, name: &str) -> Error {
    Error::new(
        ErrorKind::NotFinite,
        format!("value {value:e} of column \"{name}\" is too far from the training values"),
    )
    .hint("Use NULL for an unknown value, or leave the row out of the query.")
}
