//! What is known of a column's training values, beside how they are encoded: for `ml_feature_info` and `ml_drift`.

use serde::{Deserialize, Serialize};

/// Quantiles of a profile: 0, 5, .. 100 %.
pub(crate) const QUANTILES: usize = 21;

/// The training values of one column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Values that are not NULL.
    pub(crate) count: u64,
    /// NULLs.
    pub(crate) nulls: u64,
    /// Distinct values that are not NULL.
    pub(crate) distinct: u64,
    /// Whether `distinct` and the quantiles are those of the fixed sample of rows, not of all.
    pub(crate) sampled: bool,
    /// How the values are distributed.
    pub(crate) distribution: Distribution,
}

/// How values are distributed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Distribution {
    /// Of numbers, dates and times.
    Number {
        min: f64,
        max: f64,
        mean: f64,
        std: f64,
        /// [`QUANTILES`] of them in ascending order.
        quantiles: Vec<f64>,
    },
    /// Of booleans.
    Boolean {
        /// How many are true.
        trues: u64,
    },
    /// Of texts.
    Category {
        /// Of every category, position or bucket in its order.
        counts: Vec<u64>,
        /// Of the rare ones that were grouped.
        other: u64,
    },
    /// Not known.
    #[default]
    None,
}
