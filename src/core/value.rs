//! Values and columns as they cross the border from a database.

use serde::{Deserialize, Serialize};

/// One value of one row. NULL is `Null`; NaN and infinities arrive as numbers and are refused by the encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// Any numeric type, widened to f64; dates, times and intervals in the unit of their [`ColumnType`].
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// Text, varchar, uuid or an enum label.
    Text(&'a str),
    /// An array of numbers or a `vector`, without NULLs.
    Vector(Vector<'a>),
}

/// Numbers side by side, in the precision in which they arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Vector<'a> {
    /// Elements that are f32.
    Single(&'a [f32]),
    /// Elements of any other numeric type.
    Double(&'a [f64]),
}

impl Vector<'_> {
    /// Elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Single(elements) => elements.len(),
            Self::Double(elements) => elements.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, widened.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        (0..self.len()).map(|place| self.get(place).unwrap_or(f64::NAN))
    }

    /// The element at `place`, counted from 0.
    #[inline]
    pub fn get(&self, place: usize) -> Option<f64> {
        match self {
            Self::Single(elements) => elements.get(place).copied().map(f64::from),
            Self::Double(elements) => elements.get(place).copied(),
        }
    }
}

/// The type of a column in tablenet's own words, the same for every database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Any numeric type.
    Number,
    /// A boolean.
    Boolean,
    /// Text, varchar, uuid or an enum.
    Category,
    /// A day: seconds from 1970-01-01 to its midnight.
    Date,
    /// A date with a time of day, in no time zone: seconds since 1970-01-01 00:00.
    Timestamp,
    /// A moment: seconds since 1970-01-01 00:00 UTC.
    #[serde(rename = "timestamptz")]
    TimestampTz,
    /// A time of day: seconds since midnight.
    Time,
    /// A span of time in seconds, a month having 30 days.
    Interval,
    /// Numbers side by side, as many in every row.
    Vector,
}

impl ColumnType {
    /// The type as it stands in messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Category => "text",
            Self::Date => "a date",
            Self::Timestamp => "a timestamp",
            Self::TimestampTz => "a timestamp with time zone",
            Self::Time => "a time",
            Self::Interval => "an interval",
            Self::Vector => "an array",
        }
    }

    /// Whether values arrive as [`Value::Number`].
    pub fn is_numeric(self) -> bool {
        !matches!(self, Self::Boolean | Self::Category | Self::Vector)
    }

    /// Whether values are points in time, of which two have a difference.
    pub fn is_point_in_time(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampTz)
    }
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
    /// Every value, or element of a vector, fits an f32 exactly (real, smallint): the sample store keeps four bytes
    /// instead of eight.
    pub single_precision: bool,
    /// The labels of an enum in their declared order.
    pub labels: Option<Vec<String>>,
    /// The elements of every vector, where the type says it; else the first one that is not NULL does.
    pub length: Option<usize>,
}
