//! A column of the query with its place in the record: checks values and stores all but the codes of categories.

use crate::encoder::{not_finite, wrong_type};
use crate::record::{Field, NULL_BOOLEAN};
use crate::{Column, ColumnType, Result, Value};

/// One needed column.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Its index among the query's columns.
    pub(crate) column: usize,
    /// Where its values are stored.
    pub(crate) field: Field,
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
}

impl Slot {
    /// For `column`, the `index`-th of the query, with its values at `field`.
    pub(crate) fn new(index: usize, column: &Column, field: Field) -> Self {
        Self {
            column: index,
            field,
            name: column.name.clone(),
            column_type: column.column_type,
        }
    }

    /// Numbers it stores side by side.
    pub(crate) fn numbers(&self) -> usize {
        usize::from(self.column_type.is_numeric())
    }

    /// Bytes of the record.
    pub(crate) fn bytes(&self) -> usize {
        self.field.kind.bytes() * self.numbers().max(1)
    }

    /// Whether its values are texts.
    #[inline]
    pub(crate) fn is_text(&self) -> bool {
        self.column_type == ColumnType::Category
    }

    /// Refuses a value that the column cannot have; `row` counts from 1.
    #[inline]
    pub(crate) fn check(&self, value: &Value<'_>, row: u64) -> Result<()> {
        match (self.column_type, value) {
            (column_type, Value::Number(number))
                if column_type.is_numeric() && number.is_finite() =>
            {
                Ok(())
            }
            (column_type, Value::Number(number)) if column_type.is_numeric() => {
                Err(not_finite(*number, &self.name, Some(row)))
            }
            (_, Value::Null)
            | (ColumnType::Boolean, Value::Boolean(_))
            | (ColumnType::Category, Value::Text(_)) => Ok(()),
            _ => Err(wrong_type(&self.name, self.column_type, value)),
        }
    }

    /// Stores a checked value: of a category nothing, its code comes later.
    #[inline]
    pub(crate) fn write(&self, value: &Value<'_>, record: &mut [u8]) {
        match (self.column_type, value) {
            (ColumnType::Boolean, Value::Boolean(boolean)) => {
                self.field.write_word(record, u32::from(*boolean));
            }
            (ColumnType::Boolean, _) => self.field.write_word(record, NULL_BOOLEAN),
            (ColumnType::Category, _) => {}
            (_, Value::Number(number)) => self.field.write_number(record, *number),
            _ => self.field.write_number(record, f64::NAN),
        }
    }
}
