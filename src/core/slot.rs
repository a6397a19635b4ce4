//! A column of the query with its place in the record: checks values and stores all but the codes of categories.

use crate::encoder::{bucket, length_differs, not_finite, wrong_type};
use crate::record::{Field, FieldKind, NULL_BOOLEAN};
use crate::{Column, ColumnType, Error, ErrorKind, Result, Value};

/// One needed column, or the difference of two.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Its index among the query's columns.
    pub(crate) column: usize,
    /// Where its values are stored; of a vector the first element.
    pub(crate) field: Field,
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    pub(crate) form: Form,
    pub(crate) nulls: Nulls,
}

/// What is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A number; NULL is NaN.
    Number,
    /// A boolean's word.
    Boolean,
    /// The code of a text, which comes later.
    Text,
    /// The bucket of a text + 1, of so many; 0 is NULL.
    Bucket(u32),
    /// So many numbers side by side; of NULL all are NaN.
    Vector(usize),
    /// The number less that of the column of this index.
    Difference(usize),
}

/// What becomes of a row with NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// It is stored.
    Kept,
    /// It is an error.
    Refused,
    /// It is passed over before it comes here.
    Dropped,
}

impl Slot {
    /// For `column`, the `index`-th of the query, with its values at `field`.
    pub(crate) fn new(index: usize, column: &Column, field: Field) -> Self {
        Self {
            column: index,
            field,
            name: column.name.clone(),
            column_type: column.column_type,
            form: match column.column_type {
                ColumnType::Boolean => Form::Boolean,
                ColumnType::Category => Form::Text,
                ColumnType::Vector => Form::Vector(column.length.unwrap_or(0)),
                _ => Form::Number,
            },
            nulls: Nulls::Kept,
        }
    }

    /// Whether its values are texts whose codes come later.
    #[inline]
    pub(crate) fn is_text(&self) -> bool {
        self.form == Form::Text
    }

    /// Whether its values are texts, hashed or not.
    #[inline]
    pub(crate) fn takes_text(&self) -> bool {
        matches!(self.form, Form::Text | Form::Bucket(_))
    }

    /// Numbers it stores side by side.
    pub(crate) fn numbers(&self) -> usize {
        match self.form {
            Form::Number | Form::Difference(_) => 1,
            Form::Vector(length) => length,
            Form::Boolean | Form::Text | Form::Bucket(_) => 0,
        }
    }

    /// Buckets of hashed texts.
    pub(crate) fn buckets(&self) -> Option<u32> {
        match self.form {
            Form::Bucket(buckets) => Some(buckets),
            _ => None,
        }
    }

    /// Bytes of the record.
    pub(crate) fn bytes(&self) -> usize {
        self.field.kind.bytes() * self.numbers().max(1)
    }

    /// Checks its value in `row`, the `number`th from 1, and stores it.
    #[inline(always)]
    pub(crate) fn store(&self, row: &[Value<'_>], record: &mut [u8], number: u64) -> Result<()> {
        let value = row.get(self.column).unwrap_or(&Value::Null);
        if let (Form::Number, Value::Number(value)) = (self.form, value)
            && value.is_finite()
        {
            self.field.write_number(record, *value);
            return Ok(());
        }
        self.store_other(row, value, record, number)
    }

    #[inline(never)]
    fn store_other(
        &self,
        row: &[Value<'_>],
        value: &Value<'_>,
        record: &mut [u8],
        number: u64,
    ) -> Result<()> {
        self.check(value, number)?;
        if let Form::Difference(from) = self.form {
            let difference = match (value, row.get(from)) {
                (Value::Number(to), Some(Value::Number(from))) => to - from,
                _ => f64::NAN,
            };
            if self.nulls == Nulls::Refused && difference.is_nan() {
                return Err(self.null_refused(number));
            }
            self.field.write_number(record, difference);
        } else {
            self.write(value, record);
        }
        Ok(())
    }

    /// Refuses a value that the column cannot have; `row` counts from 1.
    #[inline]
    pub(crate) fn check(&self, value: &Value<'_>, row: u64) -> Result<()> {
        match (self.form, value) {
            (Form::Number | Form::Difference(_), Value::Number(number)) if number.is_finite() => {
                Ok(())
            }
            (Form::Number | Form::Difference(_), Value::Number(number)) => {
                Err(not_finite(*number, &self.name, Some(row)))
            }
            (_, Value::Null) if self.nulls == Nulls::Refused => Err(self.null_refused(row)),
            (_, Value::Null)
            | (Form::Boolean, Value::Boolean(_))
            | (Form::Text | Form::Bucket(_), Value::Text(_)) => Ok(()),
            (Form::Vector(length), Value::Vector(vector)) => {
                if vector.len() != length {
                    return Err(length_differs(&self.name, length, vector.len())
                        .detail(format!("It is in row {row}.")));
                }
                match vector.iter().find(|element| !element.is_finite()) {
                    Some(element) => Err(not_finite(element, &self.name, Some(row))),
                    None => Ok(()),
                }
            }
            _ => Err(wrong_type(&self.name, self.column_type, value)),
        }
    }

    /// Stores a checked value: of a text nothing, its code comes later.
    #[inline]
    pub(crate) fn write(&self, value: &Value<'_>, record: &mut [u8]) {
        match (self.form, value) {
            (Form::Boolean, Value::Boolean(boolean)) => {
                self.field.write_word(record, u32::from(*boolean));
            }
            (Form::Boolean, _) => self.field.write_word(record, NULL_BOOLEAN),
            (Form::Text, _) => {}
            (Form::Bucket(buckets), Value::Text(text)) => {
                self.field.write_word(record, bucket(text, buckets) + 1);
            }
            (Form::Bucket(_), _) => self.field.write_word(record, 0),
            (Form::Vector(length), value) => {
                for place in 0..length {
                    let element = match value {
                        Value::Vector(vector) => vector.get(place),
                        _ => None,
                    };
                    let element = element.unwrap_or(f64::NAN);
                    self.field.at(place).write_number(record, element);
                }
            }
            (_, Value::Number(number)) => self.field.write_number(record, *number),
            _ => self.field.write_number(record, f64::NAN),
        }
    }

    #[cold]
    fn null_refused(&self, row: u64) -> Error {
        let message = format!("column \"{}\" is NULL in row {row}", self.name);
        Error::new(ErrorKind::NullNotAllowed, message).hint(format!(
            "Its impute is error: leave such rows out with WHERE \"{}\" IS NOT NULL, fill them with coalesce(), or choose another impute.",
            self.name
        ))
    }
}

impl FieldKind {
    /// How `column` is stored.
    pub(crate) fn of(column: &Column) -> Self {
        match column.column_type {
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Category => Self::Category,
            _ if column.single_precision => Self::Single,
            _ => Self::Double,
        }
    }
}
