//! Errors about features in JSON, the same for every adapter.

use crate::{ColumnType, Error, ErrorKind, Feature};

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// null
    Null,
    /// true or false
    Boolean,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An object or array.
    Nested,
}

impl JsonKind {
    fn words(self) -> &'static str {
        match self {
            Self::Null => "a null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Nested => "an object or array",
        }
    }

    /// The error for features that are no object but an `array`, or a single value.
    #[cold]
    pub fn not_an_object(array: bool) -> Error {
        let found = if array { "an array" } else { "a single value" };
        let message = format!("features as JSON must be an object, not {found}");
        Error::new(ErrorKind::TypeMismatch, message).hint("Write them as {\"name\": value, ...}.")
    }
}

impl Feature {
    /// The error for an object that has something else in place of a value of this feature.
    #[cold]
    pub fn refuse_json(&self, found: JsonKind) -> Error {
        let (wanted, hint) = match self.column_type {
            ColumnType::Boolean => ("a boolean", "Write true or false without quotes."),
            ColumnType::Category => ("a text", "Write texts in double quotes."),
            ColumnType::Number => ("a number", "Write numbers without quotes."),
            ColumnType::Vector => ("an array of numbers", "Write it like [1.5, 2, -3]."),
            ColumnType::Date => ("a date", "Write it like \"2026-05-31\"."),
            ColumnType::Timestamp => ("a timestamp", "Write it like \"2026-05-31T12:30:00\"."),
            ColumnType::TimestampTz => (
                "a timestamp with time zone",
                "Write it like \"2026-05-31T12:30:00+00\".",
            ),
            ColumnType::Time => ("a time", "Write it like \"12:30:00\"."),
            ColumnType::Interval => ("an interval", "Write it like \"1 day 02:30:00\"."),
        };
        let message = format!(
            "feature \"{}\" is {wanted}, but the object has {}",
            self.name,
            found.words()
        );
        Error::new(ErrorKind::TypeMismatch, message).hint(hint)
    }

    /// The error for an array with something else than numbers.
    #[cold]
    pub fn refuse_json_element(&self, found: JsonKind) -> Error {
        let message = format!(
            "feature \"{}\" is an array of numbers, but the array in the object has {}",
            self.name,
            found.words()
        );
        Error::new(ErrorKind::TypeMismatch, message)
            .hint("Write every element as a number without quotes.")
    }
}

/// The error for a number that no f64 holds.
#[cold]
pub(super) fn out_of_range(feature: &Feature, text: &str) -> Error {
    let message = format!(
        "feature \"{}\" is {text}, out of the range of a double",
        feature.name
    );
    Error::new(ErrorKind::NotFinite, message).hint("Use null where there is no value.")
}
