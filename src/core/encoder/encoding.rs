//! How a column becomes inputs, as it is stored in the model file. [`super::Scaling`] and [`super::RowEncoder`] say what
//! each of these computes.

use serde::{Deserialize, Serialize};

/// The most positions, buckets and categories of one column: an f32 tells 2^24 places apart.
pub(crate) const MAX_PLACES: usize = (1 << 24) - 2;

/// How one feature becomes inputs. Inputs stand side by side in feature order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Encoding {
    /// The value scaled, and whether it is missing: numbers and intervals.
    Number(Number),
    /// 0 or 1, and whether it is missing.
    Boolean {
        /// The value of NULL.
        null: Null<bool>,
        /// Whether there is an is-missing input.
        missing: bool,
    },
    /// One input per category, one for the others if rare ones were grouped, one for NULL if NULLs were seen.
    OneHot(Vocabulary),
    /// One input, the place of a vector that is learned with the network: 0 for the others and the unseen, then the
    /// categories from 1, then NULL if it has a place of its own.
    Embedding {
        /// The categories.
        vocabulary: Vocabulary,
        /// Numbers of each vector.
        dim: usize,
    },
    /// The position in a given order, scaled as a number, and whether it is missing.
    Ordinal {
        /// The categories from position 0 on.
        order: Vec<String>,
        /// How positions are scaled; the position of NULL.
        number: Number,
        /// What stands for others. It has no input of its own: [`Unseen::Other`] is what NULL is, but not missing.
        unseen: Unseen,
    },
    /// The bucket of the text's hash: one input per bucket, or one input, the place of a vector that is learned.
    Hash {
        /// Buckets.
        buckets: u32,
        /// Numbers of each vector; none for one input per bucket.
        dim: Option<usize>,
        /// What NULL is; a category is a bucket.
        null: CategoryNull,
        /// Whether NULL has a place of its own behind the buckets.
        missing: bool,
    },
    /// Sine and cosine of each part, then the scaled value itself, and whether it is missing.
    Calendar {
        /// Parts in input order.
        parts: Vec<Part>,
        /// How the seconds since 1970, or since midnight, are scaled.
        epoch: Number,
    },
    /// Every element scaled, and whether the vector is missing.
    Vector {
        /// One per element; none of them has an is-missing input of its own.
        #[serde(with = "super::elements")]
        elements: Vec<Number>,
        /// Whether there is an is-missing input.
        missing: bool,
    },
}

/// How a number becomes an input: `(f(clip(v)) - center) / divisor` in f64, rounded to f32 at the end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    /// What `center` and `divisor` are, and whether f is the logarithm.
    pub(crate) scale: Scale,
    /// The least and the largest value; those beyond count as these.
    pub(crate) clip: Option<[f64; 2]>,
    /// What is subtracted.
    pub(crate) center: f64,
    /// What is divided by: as a product with `1 / divisor`.
    pub(crate) divisor: f64,
    /// What NULL is before all of this.
    pub(crate) null: Null<f64>,
    /// Whether there is an is-missing input.
    pub(crate) missing: bool,
}

/// Where `center` and `divisor` of a number come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scale {
    /// Mean and standard deviation.
    Standard,
    /// Least value and range.
    MinMax,
    /// 0 and the largest absolute value.
    MaxAbs,
    /// Median and the distance of the quartiles.
    Robust,
    /// Mean and standard deviation of `f(v) = sign(v) ln(1 + |v|)`.
    Log1p,
    /// 0 and 1.
    None,
}

/// What NULL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Null<T> {
    /// As this value.
    Value(T),
    /// Refused.
    Refused,
}

/// What NULL is among categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CategoryNull {
    /// The place of its own; where there is none, because no NULL was seen, that of the unseen.
    Missing,
    /// The category at this place.
    Category(u32),
    /// Refused.
    Refused,
}

/// The categories of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vocabulary {
    /// In input order: sorted by bytes, those of an enum as declared.
    pub(crate) categories: Vec<String>,
    /// Whether rare categories of the training rows were grouped as others.
    pub(crate) other: bool,
    /// Whether NULL has a place of its own, the last one.
    pub(crate) missing: bool,
    /// What a category is that is not among them.
    pub(crate) unseen: Unseen,
    /// What NULL is.
    pub(crate) null: CategoryNull,
}

/// What a category is that was not seen in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unseen {
    /// One of the others: all zeros where no others were seen. The texts of rare categories are not kept, so in scoring
    /// they are unseen.
    Other,
    /// As NULL.
    Missing,
    /// Refused.
    Error,
}

/// A part of a date or time that comes round again; its angle is 2 pi times the share that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// (day of the year - 1) / 365.25
    Month,
    /// (day of the month - 1) / 31
    Day,
    /// Days since Monday / 7
    Weekday,
    /// Seconds since midnight / 86400
    Hour,
}

/// What the stored code of a category means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The category at this place of the vocabulary, or position of the order.
    Category(u32),
    /// A rare one.
    Other,
    /// One that no training row has.
    Unseen,
}

impl Encoding {
    /// Inputs of this feature.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Number(number) | Self::Ordinal { number, .. } => number.width(),
            Self::Boolean { missing, .. } => 1 + usize::from(*missing),
            Self::OneHot(vocabulary) => vocabulary.width(),
            Self::Embedding { .. } | Self::Hash { dim: Some(_), .. } => 1,
            Self::Hash {
                buckets, missing, ..
            } => *buckets as usize + usize::from(*missing),
            Self::Calendar { parts, epoch } => 2 * parts.len() + epoch.width(),
            Self::Vector { elements, missing } => elements.len() + usize::from(*missing),
        }
    }

    /// Places and numbers of the vectors, where the only input is the place of one.
    pub(crate) fn embedding(&self) -> Option<(usize, usize)> {
        match self {
            Self::Embedding { vocabulary, dim } => {
                let missing = usize::from(vocabulary.missing);
                Some((1 + vocabulary.categories.len() + missing, *dim))
            }
            Self::Hash {
                buckets,
                dim: Some(dim),
                missing,
                ..
            } => Some((*buckets as usize + usize::from(*missing), *dim)),
            _ => None,
        }
    }
}

impl Number {
    /// Inputs: the value, and whether it is missing.
    pub(crate) fn width(&self) -> usize {
        1 + usize::from(self.missing)
    }
}

impl Vocabulary {
    /// Inputs of a one-hot encoding.
    pub(crate) fn width(&self) -> usize {
        self.categories.len() + usize::from(self.other) + usize::from(self.missing)
    }

    /// The input of NULL in a one-hot encoding, if it has one of its own.
    pub(crate) fn missing_input(&self) -> Option<usize> {
        let before = self.categories.len() + usize::from(self.other);
        self.missing.then_some(before)
    }

    /// The input of the others in a one-hot encoding, if they have one.
    pub(crate) fn other_input(&self) -> Option<usize> {
        self.other.then_some(self.categories.len())
    }
}

impl Scale {
    /// The word of the option `scale`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::MinMax => "min_max",
            Self::MaxAbs => "max_abs",
            Self::Robust => "robust",
            Self::Log1p => "log1p",
            Self::None => "none",
        }
    }
}

impl Part {
    /// The word of the option `parts`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        }
    }
}
