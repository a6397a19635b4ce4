//! A feature: one column of the query as the model learned it.

mod literal;
mod vector;

pub(crate) use vector::empty;
pub use vector::read_vector;

use crate::encoder::{Encoding, Profile};
use crate::{ColumnType, Result, Value};
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
    /// Whether its name is made up: values are given in training order alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unnamed: bool,
}

impl Feature {
    /// Reads an untyped literal with the input rules of the column's type: numbers and booleans as PostgreSQL's `float8in`
    /// and `boolin`, dates and times as ISO 8601 writes them. A timestamp with time zone that names no zone is in UTC.
    ///
    /// `InvalidText` for what cannot be read, and for arrays, which have to come as arrays.
    pub fn read<'t>(&self, text: &'t str) -> Result<Value<'t>> {
        self.column_type.read(&self.name, text)
    }
}

impl ColumnType {
    /// As [`Feature::read`], for the column `name` of this type.
    ///
    /// `InvalidText` for what cannot be read, and for arrays: [`read_vector`] reads those.
    pub fn read<'t>(self, name: &str, text: &'t str) -> Result<Value<'t>> {
        let value = match self {
            Self::Boolean => literal::boolean(text).map(Value::Boolean),
            Self::Category => Some(Value::Text(text)),
            Self::Number => literal::number(text).map(Value::Number),
            Self::Date => literal::date(text).map(Value::Number),
            Self::Timestamp => literal::timestamp(text, false).map(Value::Number),
            Self::TimestampTz => literal::timestamp(text, true).map(Value::Number),
            Self::Time => literal::time(text).map(Value::Number),
            Self::Interval => literal::interval(text).map(Value::Number),
            Self::Vector => None,
        };
        value.ok_or_else(|| vector::invalid(name, text, self))
    }
}
