//! What an imported network takes and answers, as its user says it: features, and what is done to them before.

use crate::config::{Config, invalid, unknown};
use crate::encoder::{
    CategoryNull, Encoding, Null, Number, Preprocessing, Profile, Scale, Unseen, Vocabulary,
};
use crate::target::{Standard, TargetColumn, TargetKind};
use crate::{Budget, ColumnType, Error, ErrorKind, Feature, Result, Target};
use serde_json::{Map, Value};

/// The most elements of an array.
const MAX_LENGTH: u64 = 1 << 24;
/// The settings of a column.
const SETTINGS: &[&str] = &["mean", "std", "min", "max", "null", "length", "categories"];

/// What is said of columns, by name.
pub(crate) struct Columns<'a>(Option<&'a Map<String, Value>>);

impl<'a> Columns<'a> {
    /// Reads `{"area": {"mean": 3, "std": 2}}` about the columns `known`.
    pub(crate) fn new(json: Option<&'a Value>, known: &[&str]) -> Result<Self> {
        let map = match json {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(_) => {
                let hint = "Write {\"area\": {\"mean\": 120, \"std\": 40}}.";
                return Err(invalid("columns must be a JSON object").hint(hint));
            }
        };
        for name in map.into_iter().flat_map(Map::keys) {
            if !known.contains(&name.as_str()) {
                return Err(unknown("column", "columns", name, known));
            }
        }
        Ok(Self(map))
    }

    fn of(&self, name: &str) -> Result<Config<'a>> {
        let json = self.0.and_then(|map| map.get(name));
        Config::new(format!("column \"{name}\""), json, SETTINGS)
    }

    /// The features, in front of a network that takes so many inputs where it says so.
    pub(crate) fn preprocessing(
        &self,
        names: &[&str],
        inputs: Option<usize>,
        memory_limit: u64,
    ) -> Result<Preprocessing> {
        if names.is_empty() {
            return Err(invalid("features must name at least one column"));
        }
        let alone = inputs.filter(|inputs| names.len() == 1 && *inputs > 1);
        let budget = Budget::new(memory_limit);
        let features = names.iter().map(|name| self.feature(name, alone, &budget));
        let preprocessing = Preprocessing {
            features: features.collect::<Result<_>>()?,
            differences: Vec::new(),
        };
        preprocessing.check().map_err(invalid)?;
        Ok(preprocessing)
    }

    /// One feature; where it is `alone`, it may be an array that fills the network's inputs.
    fn feature(&self, name: &str, alone: Option<usize>, budget: &Budget) -> Result<Feature> {
        let config = self.of(name)?;
        let numbers = Numbers::read(&config)?;
        let null = match config.get("null") {
            None => Null::Refused,
            Some(_) => Null::Value(config.number("null", 0.0, "a number", |it| it.is_finite())?),
        };
        let length = config.count("length", 1..=MAX_LENGTH)?.map(|n| n as usize);
        let (column_type, encoding) = if let Some(json) = config.get("categories") {
            for key in ["mean", "std", "min", "max", "null", "length"] {
                if config.get(key).is_some() {
                    let what = &config.what;
                    return Err(invalid(format!("{what} has categories and no {key}")));
                }
            }
            (ColumnType::Category, one_hot(&config.what, json)?)
        } else {
            match numbers.length(&config.what, length)?.or(alone) {
                Some(length) => {
                    let bytes = (length as u64).saturating_mul(size_of::<Number>() as u64);
                    budget.reserve(bytes, &format!("column \"{name}\" of {length} numbers"))?;
                    let elements = (0..length).map(|place| numbers.at(&config.what, place, null));
                    let encoding = Encoding::Vector {
                        elements: elements.collect::<Result<_>>()?,
                        missing: false,
                    };
                    (ColumnType::Vector, encoding)
                }
                None => {
                    let number = numbers.at(&config.what, 0, null)?;
                    (ColumnType::Number, Encoding::Number(number))
                }
            }
        };
        Ok(Feature {
            name: name.to_owned(),
            column_type,
            encoding,
            profile: Profile::default(),
            unnamed: false,
        })
    }

    /// A target of numbers, so many that the network answers.
    pub(crate) fn regression(&self, name: &str, outputs: usize) -> Result<Target> {
        let config = self.of(name)?;
        for key in ["null", "categories", "min", "max"] {
            if config.get(key).is_some() {
                return Err(invalid(format!(
                    "{} is the target and has no {key}",
                    config.what
                )));
            }
        }
        let length = config.count("length", 1..=MAX_LENGTH)?.map(|n| n as usize);
        let numbers = Numbers::read(&config)?;
        if let Some(length) = numbers.length(&config.what, length)?
            && length != outputs
        {
            let message = format!(
                "{} has {length} numbers, the network answers {outputs}",
                config.what
            );
            return Err(invalid(message));
        }
        let scales = (0..outputs).map(|place| {
            let number = numbers.at(&config.what, place, Null::Refused)?;
            Ok(Standard {
                mean: number.center,
                std: number.divisor,
            })
        });
        let column_type = if outputs == 1 {
            ColumnType::Number
        } else {
            ColumnType::Vector
        };
        Ok(Target {
            columns: vec![TargetColumn {
                name: name.to_owned(),
                column_type,
            }],
            kind: TargetKind::Regression {
                outputs: scales.collect::<Result<_>>()?,
            },
        })
    }

    /// A target of classes, in the order of the network's outputs.
    pub(crate) fn classes(&self, name: &str, labels: &[String]) -> Result<Target> {
        if self.0.is_some_and(|map| map.contains_key(name)) {
            return Err(invalid(format!(
                "column \"{name}\" has classes and nothing else"
            )));
        }
        let numbers: Vec<Option<i64>> = labels.iter().map(|label| label.parse().ok()).collect();
        let written = |(label, number): (&String, &Option<i64>)| {
            number.is_some_and(|number| number.to_string() == *label)
        };
        let column_type = if labels == ["false", "true"] {
            ColumnType::Boolean
        } else if labels.iter().zip(&numbers).all(written) && numbers.is_sorted() {
            ColumnType::Number
        } else {
            ColumnType::Category
        };
        Ok(Target {
            columns: vec![TargetColumn {
                name: name.to_owned(),
                column_type,
            }],
            kind: TargetKind::Classes {
                labels: labels.to_vec(),
            },
        })
    }
}

/// How the numbers of a column are scaled: all alike, or each for itself.
struct Numbers {
    scale: Scale,
    center: Vec<f64>,
    divisor: Vec<f64>,
    /// How many there are, where each is told for itself.
    length: Option<usize>,
}

impl Numbers {
    fn read(config: &Config<'_>) -> Result<Self> {
        let (mean, std) = (list(config, "mean")?, list(config, "std")?);
        let (min, max) = (list(config, "min")?, list(config, "max")?);
        let what = &config.what;
        let (scale, center, divisor) = match (mean, std, min, max) {
            (None, None, None, None) => (Scale::None, vec![0.0], vec![1.0]),
            (Some(mean), Some(std), None, None) => (Scale::Standard, mean, std),
            (None, None, Some(min), Some(max)) => {
                let length = common_length(what, &min, &max)?.unwrap_or(1);
                let ranges = (0..length).map(|place| {
                    let ends = at(&max, place).zip(at(&min, place));
                    ends.map_or(f64::NAN, |(max, min)| max - min)
                });
                let ranges = ranges.collect();
                (Scale::MinMax, min, ranges)
            }
            _ => {
                let message = format!("{what} needs mean and std, or min and max, or neither");
                return Err(invalid(message));
            }
        };
        let length = common_length(what, &center, &divisor)?;
        Ok(Self {
            scale,
            center,
            divisor,
            length,
        })
    }

    /// How many numbers the column has, where its lists or the `length` that it is `given` tell.
    fn length(&self, what: &str, given: Option<usize>) -> Result<Option<usize>> {
        match (given, self.length) {
            (Some(given), Some(listed)) if given != listed => Err(invalid(format!(
                "{what} has the length {given} and lists of {listed} numbers"
            ))),
            (given, listed) => Ok(given.or(listed)),
        }
    }

    /// The number at `place`.
    fn at(&self, what: &str, place: usize, null: Null<f64>) -> Result<Number> {
        let (Some(center), Some(divisor)) = (at(&self.center, place), at(&self.divisor, place))
        else {
            let message = format!("{what} has no mean and std for element {}", place + 1);
            return Err(invalid(message));
        };
        if !(divisor > 0.0 && (1.0 / divisor).is_finite()) {
            let message = format!("{what} is divided by {divisor}, which must be above 0");
            return Err(invalid(message));
        }
        Ok(Number {
            scale: self.scale,
            clip: None,
            center,
            divisor,
            null,
            missing: false,
        })
    }
}

/// The number at `place` of a list, which is that of all places where it is alone.
fn at(list: &[f64], place: usize) -> Option<f64> {
    match list {
        [one] => Some(*one),
        list => list.get(place).copied(),
    }
}

/// How many numbers two lists are of, where not both are of one.
fn common_length(what: &str, a: &[f64], b: &[f64]) -> Result<Option<usize>> {
    match (a.len(), b.len()) {
        (1, 1) => Ok(None),
        (length, 1) | (1, length) => Ok(Some(length)),
        (a, b) if a == b => Ok(Some(a)),
        (a, b) => Err(invalid(format!("{what} has lists of {a} and {b} numbers"))),
    }
}

/// A setting that is a number or a list of numbers.
fn list(config: &Config<'_>, key: &str) -> Result<Option<Vec<f64>>> {
    let wrong = || {
        invalid(format!(
            "{key} of {} must be a number or a list of numbers",
            config.what
        ))
    };
    match config.get(key) {
        None => Ok(None),
        Some(Value::Array(list)) if !list.is_empty() => {
            let numbers = list.iter().map(Value::as_f64).collect::<Option<Vec<_>>>();
            numbers.map(Some).ok_or_else(wrong)
        }
        Some(value) => value
            .as_f64()
            .map(|number| Some(vec![number]))
            .ok_or_else(wrong),
    }
}

/// One input per category; all zeros for any other text and for NULL.
fn one_hot(what: &str, json: &Value) -> Result<Encoding> {
    let texts = json.as_array().and_then(|list| {
        let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    let Some(categories) = texts.filter(|texts| !texts.is_empty()) else {
        let message = format!("categories of {what} must be a list of texts");
        return Err(Error::new(ErrorKind::InvalidParameter, message));
    };
    Ok(Encoding::OneHot(Vocabulary {
        categories,
        other: false,
        missing: false,
        unseen: Unseen::Other,
        null: CategoryNull::Missing,
    }))
}
