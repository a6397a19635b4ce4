//! Learns one feature: takes its values while rows are read, gives its encoding when all were.

use super::profile::{Profile, check_finite};
use super::{Encoding, too_far};
use crate::record::{Field, NULL_BOOLEAN};
use crate::{Budget, Column, ColumnType, Error, ErrorKind, Feature, Result, Value};

/// The most categories of one column.
pub(crate) const MAX_CATEGORIES: usize = 1000;

/// One feature being learned.
#[derive(Debug)]
pub(crate) struct Learner {
    /// The feature's index among the query's columns.
    pub(crate) column: usize,
    /// Where its values are stored.
    pub(crate) field: Field,
    name: String,
    column_type: ColumnType,
    profile: Profile,
}

impl Learner {
    /// Nothing learned yet about `column`, which is the `index`-th of the query.
    pub(crate) fn new(index: usize, column: Column, field: Field) -> Self {
        Self {
            column: index,
            field,
            name: column.name,
            column_type: column.column_type,
            profile: Profile::new(column.column_type, column.labels),
        }
    }

    /// Stores `value` in `record` and, if it belongs to a training row, learns from it. `row` counts from 1.
    #[inline]
    pub(crate) fn take(
        &mut self,
        value: &Value<'_>,
        training: bool,
        record: &mut [u8],
        budget: &Budget,
        row: u64,
    ) -> Result<()> {
        match (&mut self.profile, value) {
            (Profile::Number(moments), Value::Number(value)) => {
                check_finite(*value, &self.name, || row)?;
                if training {
                    moments.add(*value);
                }
                self.field.write_number(record, *value);
            }
            (Profile::Number(moments), Value::Null) => {
                moments.nulls += u64::from(training);
                self.field.write_number(record, f64::NAN);
            }
            (Profile::Category(categories), Value::Text(text)) => {
                let code = categories.code(text, training, budget)?;
                if categories.trained() > MAX_CATEGORIES {
                    return Err(too_many(&self.name));
                }
                self.field.write_word(record, code);
            }
            (Profile::Category(categories), Value::Null) => {
                if training {
                    categories.null();
                }
                self.field.write_word(record, 0);
            }
            (Profile::Boolean(counts), Value::Boolean(_) | Value::Null) => {
                let word = match value {
                    Value::Boolean(value) => u32::from(*value),
                    _ => NULL_BOOLEAN,
                };
                if let Some(count) = counts.get_mut(word as usize) {
                    *count += u64::from(training);
                }
                self.field.write_word(record, word);
            }
            _ => return Err(wrong_type(&self.name, self.column_type, value)),
        }
        Ok(())
    }

    /// Numbers of training rows that a median must be found of; 0 for other types.
    pub(crate) fn numbers(&self) -> u64 {
        if let Profile::Number(moments) = &self.profile {
            moments.count
        } else {
            0
        }
    }

    /// The feature as learned, with the `median` of its numbers; for a category also the position of each code.
    pub(crate) fn finish(
        self,
        median: f64,
        budget: &Budget,
    ) -> Result<(Feature, Vec<Option<u32>>)> {
        let (nulls, others) = self.profile.counts();
        if others == 0 {
            let hint = format!(
                "List it in exclude, or leave it out of the query: exclude => '{{\"{}\"}}'.",
                self.name
            );
            return Err(Error::new(
                ErrorKind::NullNotAllowed,
                format!("column \"{}\" is NULL in every training row", self.name),
            )
            .hint(hint));
        }
        let missing = nulls > 0;
        let mut positions = Vec::new();
        let encoding = match self.profile {
            Profile::Number(moments) => {
                let Some(std) = moments.std() else {
                    return Err(too_far(moments.mean, &self.name));
                };
                Encoding::Number {
                    mean: moments.mean,
                    std,
                    median,
                    missing,
                }
            }
            Profile::Boolean([falses, trues, _]) => Encoding::Boolean {
                most_frequent: trues > falses,
                missing,
            },
            Profile::Category(categories) => {
                let (categories, found) = categories.ordered(true, budget);
                positions = found;
                Encoding::Category {
                    categories,
                    missing,
                }
            }
        };
        Ok((
            Feature {
                name: self.name,
                column_type: self.column_type,
                encoding,
            },
            positions,
        ))
    }
}

#[cold]
fn too_many(name: &str) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("column \"{name}\" has more than {MAX_CATEGORIES} categories"),
    )
    .hint("Leave it out of the query or list it in exclude; group rare values to keep it.")
}

/// The error of a value whose type is not its column's.
#[cold]
pub(crate) fn wrong_type(name: &str, column_type: ColumnType, value: &Value<'_>) -> Error {
    let given = match value {
        Value::Null => "NULL".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::Boolean(boolean) => format!("the boolean {boolean}"),
        Value::Text(text) => format!("the text \"{text}\""),
    };
    Error::new(
        ErrorKind::TypeMismatch,
        format!(
            "column \"{name}\" must be {}, not {given}",
            words(column_type)
        ),
    )
    .hint("Cast it to the type the model was trained with.")
}

/// A type as it stands in messages.
pub(crate) fn words(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Number => "a number",
        ColumnType::Boolean => "a boolean",
        ColumnType::Category => "text",
    }
}
