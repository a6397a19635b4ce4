//! What was learned of each column, for people.

use super::{
    CategoryNull, Difference, Distribution, Encoding, Null, Number, Profile, Scale, Vocabulary,
};
use crate::{ColumnType, Feature, ModelFile};

/// What a model knows of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureInfo {
    /// The column's name, or "b - a" of a difference.
    pub name: String,
    /// `feature`, `difference` or `target`.
    pub role: &'static str,
    /// The column's type in tablenet's words.
    pub column_type: ColumnType,
    /// How values become inputs, and what NULL is.
    pub encoding: String,
    /// How numbers are scaled.
    pub scaling: Option<String>,
    /// The least training value, of points in time in seconds since 1970.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Their mean; of booleans the share that is true.
    pub mean: Option<f64>,
    /// Their median.
    pub median: Option<f64>,
    /// Their population standard deviation.
    pub stddev: Option<f64>,
    /// Distinct training values.
    pub distinct: Option<u64>,
    /// NULLs in training rows.
    pub nulls: u64,
    /// Whether median and distinct are those of a sample of the training rows.
    pub sampled: bool,
    /// The names of the inputs.
    pub inputs: Vec<String>,
}

impl ModelFile {
    /// What was learned of the features in their order, of their differences and of the target.
    pub fn feature_info(&self) -> Vec<FeatureInfo> {
        let features = self.preprocessing.features.iter().map(of_feature);
        let differences = self.preprocessing.differences.iter().map(of_difference);
        let mut all: Vec<_> = features.chain(differences).collect();
        all.extend(self.target.info());
        all
    }
}

impl FeatureInfo {
    /// Of a column of which nothing else is known.
    pub(crate) fn new(name: &str, role: &'static str, column_type: ColumnType) -> Self {
        Self {
            name: name.to_owned(),
            role,
            column_type,
            encoding: String::new(),
            scaling: None,
            min: None,
            max: None,
            mean: None,
            median: None,
            stddev: None,
            distinct: None,
            nulls: 0,
            sampled: false,
            inputs: Vec::new(),
        }
    }

    fn profiled(mut self, profile: &Profile) -> Self {
        self.nulls = profile.nulls;
        self.sampled = profile.sampled;
        self.distinct = (profile.distinct > 0).then_some(profile.distinct);
        match &profile.distribution {
            Distribution::Number {
                min,
                max,
                mean,
                std,
                quantiles,
            } => {
                (self.min, self.max) = (Some(*min), Some(*max));
                (self.mean, self.stddev) = (Some(*mean), Some(*std));
                self.median = quantiles.get(quantiles.len() / 2).copied();
            }
            Distribution::Boolean { trues } if profile.count > 0 => {
                self.mean = Some(*trues as f64 / profile.count as f64);
            }
            Distribution::Boolean { .. } | Distribution::Category { .. } | Distribution::None => {}
        }
        self
    }
}

fn of_feature(feature: &Feature) -> FeatureInfo {
    let mut info = FeatureInfo::new(&feature.name, "feature", feature.column_type);
    (info.encoding, info.scaling) = words(&feature.encoding);
    feature.input_names(&mut info.inputs);
    info.profiled(&feature.profile)
}

fn of_difference(difference: &Difference) -> FeatureInfo {
    let mut info = FeatureInfo::new(&difference.name, "difference", ColumnType::Interval);
    (info.encoding, info.scaling) = number_words("number", &difference.number);
    difference.input_names(&mut info.inputs);
    info.profiled(&difference.profile)
}

/// The encoding and the scaling.
fn words(encoding: &Encoding) -> (String, Option<String>) {
    match encoding {
        Encoding::Number(number) => number_words("number", number),
        Encoding::Boolean { null, .. } => (format!("boolean, {}", null_words(null)), None),
        Encoding::OneHot(vocabulary) => {
            let words = format!("one_hot of {}", category_words(vocabulary));
            (words, None)
        }
        Encoding::Embedding { vocabulary, dim } => {
            let categories = category_words(vocabulary);
            (format!("embedding in {dim} numbers of {categories}"), None)
        }
        Encoding::Ordinal { order, number, .. } => {
            number_words(&format!("ordinal of {} categories", order.len()), number)
        }
        Encoding::Hash {
            buckets, dim, null, ..
        } => {
            let vectors = dim.map_or(String::new(), |dim| format!(", embedded in {dim} numbers"));
            let null = match null {
                CategoryNull::Refused => ", NULL is refused".to_owned(),
                CategoryNull::Category(bucket) => format!(", NULL is bucket {bucket}"),
                CategoryNull::Missing => String::new(),
            };
            (format!("hash in {buckets} buckets{vectors}{null}"), None)
        }
        Encoding::Calendar { parts, epoch } => {
            let parts = parts.iter().map(|part| part.name());
            let parts: Vec<&str> = parts.chain(["epoch"]).collect();
            number_words(&format!("calendar of {}", parts.join(", ")), epoch)
        }
        Encoding::Vector { elements, .. } => {
            let words = format!("vector of {} elements", elements.len());
            match elements.first() {
                Some(first) => (words, Some(first.scale.name().to_owned())),
                None => (words, None),
            }
        }
    }
}

fn number_words(encoding: &str, number: &Number) -> (String, Option<String>) {
    let Number {
        scale,
        clip,
        center,
        divisor,
        ..
    } = number;
    let mut scaling = match scale {
        Scale::None => scale.name().to_owned(),
        _ => {
            let (center, divisor) = (short(*center), short(*divisor));
            format!("{}: minus {center}, by {divisor}", scale.name())
        }
    };
    if let Some([least, most]) = clip {
        scaling = format!(
            "{scaling}, clipped from {} to {}",
            short(*least),
            short(*most)
        );
    }
    let null = match number.null {
        Null::Value(value) => Null::Value(short(value)),
        Null::Refused => Null::Refused,
    };
    let encoding = format!("{encoding}, {}", null_words(&null));
    (encoding, Some(scaling))
}

fn null_words<T: std::fmt::Display>(null: &Null<T>) -> String {
    match null {
        Null::Value(value) => format!("NULL is {value}"),
        Null::Refused => "NULL is refused".to_owned(),
    }
}

fn category_words(vocabulary: &Vocabulary) -> String {
    let categories = match vocabulary.categories.len() {
        0 => "no category, all are other".to_owned(),
        1 => "1 category".to_owned(),
        count => format!("{count} categories"),
    };
    match vocabulary.null {
        CategoryNull::Missing => categories,
        CategoryNull::Refused => format!("{categories}, NULL is refused"),
        CategoryNull::Category(place) => match vocabulary.categories.get(place as usize) {
            Some(category) => format!("{categories}, NULL is {category}"),
            None => categories,
        },
    }
}

/// `value` to six digits.
fn short(value: f64) -> String {
    let rounded = format!("{value:.5e}");
    let number = rounded.parse().unwrap_or(value);
    if (1e-4..1e15).contains(&f64::abs(number)) || number == 0.0 {
        return number.to_string();
    }
    format!("{number:e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        for (value, shown) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (63.048_123_456_78, "63.0481"),
            (1_709_164_811.5, "1709160000"),
            (1e6 / 3.0, "333333"),
            (0.000_123_456_789, "0.000123457"),
            (0.000_099_999_99, "0.0001"),
            (2_254_902_293_428_549_000.0, "2.2549e18"),
            (-1.234_567_8e-7, "-1.23457e-7"),
            (f64::MAX, "1.79769e308"),
        ] {
            assert_eq!(short(value), shown);
        }
    }
}
