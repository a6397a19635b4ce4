//! A feature: one column of the query as the model learned it.

mod literal;

use crate::encoder::{Encoding, Profile};
use crate::{ColumnType, Error, ErrorKind, Result, Value};
use serde::{Deserialize, Serialize};

/// A feature column with its learned encoding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column's name.
    pub name: String,
    /// The column's type in tablenet's words.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// How its values become inputs.
    pub(crate) encoding: Encoding,
    /// What its training values were.
    pub(crate) profile: Profile,
}

impl Feature {
    /// Reads an untyped literal with the input rules of the column's type: numbers and booleans as PostgreSQL's `float8in`
    /// and `boolin`, dates and times as ISO 8601 writes them. A timestamp with time zone that names no zone is in UTC.
    ///
    /// `InvalidText` for what cannot be read, and for arrays, which have to come as arrays.
    pub fn read<'t>(&self, text: &'t str) -> Result<Value<'t>> {
        read(&self.name, self.column_type, text)
    }
}

/// As [`Feature::read`], for the column `name` of this type.
pub(crate) fn read<'t>(name: &str, column_type: ColumnType, text: &'t str) -> Result<Value<'t>> {
    let value = match column_type {
        ColumnType::Boolean => literal::boolean(text).map(Value::Boolean),
        ColumnType::Category => Some(Value::Text(text)),
        ColumnType::Number => literal::number(text).map(Value::Number),
        ColumnType::Date => literal::date(text).map(Value::Number),
        ColumnType::Timestamp => literal::timestamp(text, false).map(Value::Number),
        ColumnType::TimestampTz => literal::timestamp(text, true).map(Value::Number),
        ColumnType::Time => literal::time(text).map(Value::Number),
        ColumnType::Interval => literal::interval(text).map(Value::Number),
        ColumnType::Vector => None,
    };
    value.ok_or_else(|| {
        let what = column_type.words();
        let message = format!("cannot read \"{text}\" as {what} for feature \"{name}\"");
        Error::new(ErrorKind::InvalidText, message).hint(literal::example(column_type))
    })
}
