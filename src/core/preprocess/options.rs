//! The options of one column. `None` is not said: the default of the column's type.

use crate::encoder::{Part, Scale, Unseen};

/// What may be said about one column.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ColumnOptions {
    /// What NULL becomes.
    pub(crate) impute: Option<Impute>,
    /// Whether there is an is-missing input; by default if NULLs were seen in training.
    pub(crate) indicator: Option<bool>,
    /// How numbers are scaled.
    pub(crate) scale: Option<ScaleChoice>,
    /// What becomes of values far from the others.
    pub(crate) outliers: Option<Outliers>,
    /// How a text becomes inputs.
    pub(crate) encode: Option<Encode>,
    /// The most categories that keep a place of their own.
    pub(crate) max_categories: Option<usize>,
    /// What a category is that training has not seen.
    pub(crate) on_unseen: Option<Unseen>,
    /// The parts of a date or time.
    pub(crate) parts: Option<Vec<Part>>,
}

/// What NULL becomes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Impute {
    /// The mean of the training values.
    Mean,
    /// Their median.
    Median,
    /// The most frequent one, of equals the least.
    Mode,
    /// This value.
    Constant(Constant),
    /// An error, in training too.
    Error,
    /// Rows with NULL are left out of training; later it is an error.
    DropRow,
    /// A category of its own.
    Missing,
}

/// A value that stands for NULL.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Boolean(bool),
    Number(f64),
    Text(String),
    /// One per element of a vector.
    Numbers(Vec<f64>),
}

/// How numbers are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScaleChoice {
    /// As the training values suggest.
    Auto,
    /// So.
    As(Scale),
}

/// What becomes of values beyond bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outliers {
    /// They stay.
    Keep,
    /// They become the bound.
    Clip(Bounds),
    /// Training rows with them are left out.
    Drop(Bounds),
}

/// Where values are too far from the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bounds {
    /// Beyond these quantiles.
    Quantiles([f64; 2]),
    /// Beyond so many standard deviations from the mean.
    Stddev(f64),
}

/// How a text becomes inputs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Encode {
    /// One-hot for few categories, an embedding for many.
    Auto,
    /// One input per category.
    OneHot,
    /// A vector per category; the number of categories decides its length where none is given.
    Embedding { dim: Option<usize> },
    /// The position in an order: the given one, that of an enum, or that of bytes.
    Ordinal { order: Option<Vec<String>> },
    /// A bucket by hash: an input per bucket, or a vector of `dim` numbers.
    Hash { buckets: u32, dim: Option<usize> },
}

impl Impute {
    /// The word that stands for it in JSON.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Mode => "mode",
            Self::Constant(_) => "constant",
            Self::Error => "error",
            Self::DropRow => "drop_row",
            Self::Missing => "missing",
        }
    }
}
