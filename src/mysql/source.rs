//! How the arguments behind the model become the values of its columns, in their order.

use crate::arguments::{ArgumentType, Arguments, Declared, utf8};
use crate::reader::Reader;
use std::collections::HashSet;
use tablenet_core::{ColumnType, Error, ErrorKind, Feature, JsonRow, Result, Scorer, Value};

/// What init knows of the arguments behind the model, which it asks to come as reals and as UTF-8.
pub struct Given {
    /// Of each argument the name of its column, or the alias that it has; `None` for what is no column.
    names: Vec<Option<Box<str>>>,
}

/// A column that an argument stands for.
pub struct Expected<'m> {
    /// What it is in the model: `feature 1`, `target`.
    pub what: String,
    /// Its name; `None` if that is made up.
    pub name: Option<&'m str>,
    /// The type of its values.
    pub column_type: ColumnType,
}

/// The arguments of one call, bound to the columns of a model.
pub enum Source {
    /// Reals for numbers and booleans, which need no look at each.
    Reals,
    /// One argument for each column.
    Each(Vec<Reader>),
    /// One text: an object with the features by name, or the value of the only feature.
    Object(JsonRow, Option<Reader>),
}

impl Given {
    /// Says how the arguments are to come.
    pub fn declare(arguments: &mut Declared<'_>) -> Self {
        let mut names = Vec::with_capacity(arguments.len().saturating_sub(1));
        for index in 1..arguments.len() {
            // A literal is called like what is written, which may be the name of a column by chance.
            let name = arguments
                .name(index)
                .filter(|_| !arguments.is_constant(index));
            names.push(name.map(Into::into));
            arguments.as_real(index);
            arguments.as_utf8(index);
        }
        Self { names }
    }

    /// Binds the arguments to the features of a model: in their order, or one object by name.
    pub fn features(&self, arguments: &Arguments<'_>, scorer: &Scorer) -> Result<Source> {
        let (features, named) = (scorer.features(), scorer.has_feature_names());
        let expected: Vec<_> = (1..)
            .zip(features)
            .map(|(number, feature)| Expected::feature(number, feature, named))
            .collect();
        if self.names.len() != 1 || arguments.type_of(1) != ArgumentType::Text {
            return self.bind(arguments, &expected);
        }
        match expected.as_slice() {
            [only] => {
                let reader = Reader::new(1, ArgumentType::Text, only)?;
                Ok(Source::Object(JsonRow::new(features), Some(reader)))
            }
            _ => Ok(Source::Object(JsonRow::new(features), None)),
        }
    }

    /// Binds the arguments to columns in their order; checks number, names and types.
    pub fn bind(&self, arguments: &Arguments<'_>, expected: &[Expected<'_>]) -> Result<Source> {
        if self.names.len() != expected.len() {
            return Err(count_differs(expected, self.names.len()));
        }
        self.check_names(expected)?;
        let readers = (1..)
            .zip(expected)
            .map(|(index, column)| Reader::new(index, arguments.type_of(index), column))
            .collect::<Result<Vec<_>>>()?;
        if readers.iter().all(Reader::is_plain) {
            return Ok(Source::Reals);
        }
        Ok(Source::Each(readers))
    }

    /// Refuses a column that is called like another one of the model than that for which it stands.
    fn check_names(&self, expected: &[Expected<'_>]) -> Result<()> {
        let known: HashSet<String> = expected
            .iter()
            .filter_map(|column| column.name.map(str::to_lowercase))
            .collect();
        for (index, (name, column)) in self.names.iter().zip(expected).enumerate() {
            let (Some(name), Some(wanted)) = (name, column.name) else {
                continue;
            };
            if **name == *wanted {
                continue;
            }
            let lower = name.to_lowercase();
            if lower != wanted.to_lowercase() && known.contains(&lower) {
                let (number, what) = (index + 2, &column.what);
                return Err(Error::new(
                    ErrorKind::InvalidParameter,
                    format!("argument {number} is \"{name}\", but {what} of the model is \"{wanted}\""),
                )
                .hint("Pass the values in training order; if this one is meant, write it AS the name that belongs there."));
            }
        }
        Ok(())
    }
}

impl<'m> Expected<'m> {
    /// The feature with this number, counted from 1.
    pub fn feature(number: usize, feature: &'m Feature, named: bool) -> Self {
        Self {
            what: format!("feature {number}"),
            name: named.then_some(feature.name.as_str()),
            column_type: feature.column_type,
        }
    }
}

impl Source {
    /// Puts the values of a call into `row`. False where there is no row: a NULL in place of an object.
    pub fn read<'a>(
        &'a mut self,
        arguments: &Arguments<'a>,
        features: &[Feature],
        row: &mut Vec<Value<'a>>,
    ) -> Result<bool> {
        row.clear();
        match self {
            Self::Reals => row.extend(arguments.reals(1)),
            Self::Each(readers) => {
                for reader in readers {
                    row.push(reader.read(arguments)?);
                }
            }
            Self::Object(object, only) => {
                let Some(bytes) = arguments.value(1).bytes() else {
                    row.extend(only.is_some().then_some(Value::Null));
                    return Ok(only.is_some());
                };
                let text = utf8(bytes, "argument 2")?;
                let inside = is_object(text);
                let category = only.as_ref().is_some_and(Reader::is_category);
                match only {
                    Some(reader) if category || !inside => {
                        // Any text may be a category, even one that is an object of something else.
                        if !inside || object.read(features, text, row).is_err() {
                            row.clear();
                            row.push(reader.read(arguments)?);
                        }
                    }
                    None if !inside => return Err(no_object(features.len())),
                    _ => object.read(features, text, row)?,
                }
            }
        }
        Ok(true)
    }
}

/// Whether `text` begins an object with keys, or an empty one; `{1,2}` is an array of PostgreSQL.
fn is_object(text: &str) -> bool {
    let inside = text.trim_ascii_start().strip_prefix('{');
    inside.is_some_and(|inside| inside.trim_ascii_start().starts_with(['"', '}']))
}

fn no_object(features: usize) -> Error {
    Error::new(
        ErrorKind::FeatureCount,
        format!("model expects {features} features, not 1"),
    )
    .hint("Pass all of them in training order, or one JSON object that has them by name; ml_info(model) lists them.")
}

fn count_differs(expected: &[Expected<'_>], given: usize) -> Error {
    let (count, plural) = (expected.len(), if expected.len() == 1 { "" } else { "s" });
    let names: Vec<&str> = expected.iter().filter_map(|column| column.name).collect();
    let error = Error::new(
        ErrorKind::FeatureCount,
        format!("model expects {count} value{plural}, not {given}"),
    )
    .hint("ml_info(model) lists them with their types.");
    if names.len() < count {
        return error;
    }
    error.detail(format!("In their order they are: {}.", names.join(", ")))
}
