//! A feature: one column of the query as the model learned it.

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
    /// Reads an untyped literal with the input rules of the column's type (PostgreSQL's `float8in` and `boolin`).
    pub fn read<'t>(&self, text: &'t str) -> Result<Value<'t>> {
        let value = match self.column_type {
            ColumnType::Boolean => boolean(text).map(Value::Boolean),
            ColumnType::Category => Some(Value::Text(text)),
            _ => number(text).map(Value::Number),
        };
        value.ok_or_else(|| {
            let (what, hint) = match self.column_type {
                ColumnType::Boolean => ("a boolean", "Write true or false."),
                _ => ("a number", "Write it like 12, -0.5 or 1e6."),
            };
            Error::new(
                ErrorKind::InvalidText,
                format!(
                    "cannot read \"{text}\" as {what} for feature \"{}\"",
                    self.name
                ),
            )
            .hint(hint)
        })
    }
}

/// The white space of C's `isspace`, which PostgreSQL's input functions skip.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

fn number(text: &str) -> Option<f64> {
    let text = trimmed(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return text.parse::<f64>().ok().filter(|value| value.is_finite());
    }
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned.to_ascii_lowercase().as_str() {
        "infinity" | "inf" => Some(sign * f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

fn boolean(text: &str) -> Option<bool> {
    let text = trimmed(text).to_ascii_lowercase();
    let starts = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if text == "1" || starts("true", 1) || starts("yes", 1) || starts("on", 2) {
        Some(true)
    } else if text == "0" || starts("false", 1) || starts("no", 1) || starts("off", 2) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_float8in_does() {
        // PostgreSQL 15: SELECT ' 1.5 '::float8, '+1e3'::float8, '.5'::float8, '5.'::float8, '-Infinity'::float8, 'nan'::float8
        for (text, expected) in [
            (" 1.5\n", 1.5),
            ("+1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("inf", f64::INFINITY),
        ] {
            assert_eq!(number(text), Some(expected), "{text:?}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        // '1e400'::float8 is out of range in PostgreSQL; '1_0' and '0x' are not numbers before 16.
        for text in ["", " ", "a", "1e400", "1 2", "--1", "infinite", "1_0", "é"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_booleans_as_boolin_does() {
        for text in ["t", "TRUE", " yes ", "y", "on", "1", "tru"] {
            assert_eq!(boolean(text), Some(true), "{text:?}");
        }
        for text in ["f", "False", "no", "n", "off", "of", "0"] {
            assert_eq!(boolean(text), Some(false), "{text:?}");
        }
        for text in ["", "o", "2", "truer", "ja"] {
            assert_eq!(boolean(text), None, "{text:?}");
        }
    }
}
