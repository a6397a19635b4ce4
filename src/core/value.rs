//! Values and columns as they cross the border from a database.

use serde::{Deserialize, Serialize};

/// One value of one row. NULL is `Null`; NaN and infinities arrive as numbers and are refused by the encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// Any numeric type, widened to f64.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// Text, varchar or an enum label.
    Text(&'a str),
}

/// The type of a column in tablenet's own words, the same for every database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Any numeric type.
    Number,
    /// A boolean.
    Boolean,
    /// Text, varchar or an enum.
    Category,
}

/// A column of a query, as an adapter describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name in the query's result.
    pub name: String,
    /// Its type in tablenet's words.
    pub column_type: ColumnType,
    /// An integer type: as a target it may mean classes.
    pub integer: bool,
    /// Every value fits an f32 exactly (real, smallint): the sample store keeps four bytes instead of eight.
    pub single_precision: bool,
    /// The labels of an enum in their declared order.
    pub labels: Option<Vec<String>>,
}
