//! Arrays of numbers as text.

use super::literal::{example, number};
use crate::budget::refused;
use crate::{ColumnType, Error, ErrorKind, Result};
use std::borrow::Cow;

/// Reads `[1, 2.5]` or `{1,2.5}`, the array of the column `name`, into `out` in place of what is in it; every element as
/// a number is read by itself.
///
/// # Errors
/// `InvalidText`, `NullNotAllowed` for an element that is NULL, `FeatureCount` for no element at all.
pub fn read_vector(name: &str, text: &str, out: &mut Vec<f64>) -> Result<()> {
    out.clear();
    let Some(inside) = inside(text.trim_ascii()) else {
        return Err(invalid(name, text, ColumnType::Vector));
    };
    if inside.trim_ascii().is_empty() {
        return Err(empty(&format!("column \"{name}\"")));
    }
    let count = 1 + inside.bytes().filter(|byte| *byte == b',').count();
    let room = out.try_reserve(count);
    room.map_err(|_| refused("an array", 8 * count as u64))?;
    for element in inside.split(',') {
        match number(element) {
            Some(number) => out.push(number),
            None if element.trim_ascii().eq_ignore_ascii_case("null") => {
                let message = format!("column \"{name}\" has an array with a null element");
                return Err(Error::new(ErrorKind::NullNotAllowed, message)
                    .hint("Replace null elements, or leave out such rows."));
            }
            None => {
                let message = format!(
                    "cannot read \"{}\" as a number in the array of column \"{name}\"",
                    shown(element.trim_ascii())
                );
                return Err(
                    Error::new(ErrorKind::InvalidText, message).hint(example(ColumnType::Number))
                );
            }
        }
    }
    Ok(())
}

fn inside(text: &str) -> Option<&str> {
    let square = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    square.or_else(|| text.strip_prefix('{').and_then(|it| it.strip_suffix('}')))
}

/// The error for `text`, which is no value of this type.
#[cold]
pub(super) fn invalid(name: &str, text: &str, column_type: ColumnType) -> Error {
    let what = column_type.words();
    let message = format!(
        "cannot read \"{}\" as {what} for feature \"{name}\"",
        shown(text)
    );
    Error::new(ErrorKind::InvalidText, message).hint(example(column_type))
}

/// As much of a text as a message has room for: the name comes behind it.
fn shown(text: &str) -> Cow<'_, str> {
    const MOST: usize = 80;
    if text.len() <= MOST {
        return text.into();
    }
    let start = text.get(..text.floor_char_boundary(MOST));
    format!("{}...", start.unwrap_or_default()).into()
}

/// The error for an array without elements.
#[cold]
pub(crate) fn empty(what: &str) -> Error {
    let message = format!("{what} has an empty array");
    Error::new(ErrorKind::FeatureCount, message).hint(
        "Every array of a column must have the same number of elements; where there is none, use NULL.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_of_brackets() -> Result<()> {
        let mut out = vec![9.0];
        // MariaDB 10.11 and MySQL 9: VEC_ToText and VECTOR_TO_STRING write the first two.
        for (text, expected) in [
            ("[1,2.5]", &[1.0, 2.5][..]),
            ("[1.00000e+00,-2.50000e+00]", &[1.0, -2.5]),
            (" { 1 , 2.5\t} ", &[1.0, 2.5]),
            ("[-0.5]", &[-0.5]),
            ("[inf]", &[f64::INFINITY]),
        ] {
            read_vector("v", text, &mut out)?;
            assert_eq!(out, expected, "{text}");
        }
        read_vector("v", "[NaN]", &mut out)?;
        assert!(out[0].is_nan());
        Ok(())
    }

    #[test]
    fn refuses_the_rest_by_name() {
        let mut out = Vec::new();
        for (text, kind, message) in [
            (
                "",
                ErrorKind::InvalidText,
                "cannot read \"\" as an array for feature \"my v\"",
            ),
            (
                "1,2",
                ErrorKind::InvalidText,
                "cannot read \"1,2\" as an array for feature \"my v\"",
            ),
            (
                "[1}",
                ErrorKind::InvalidText,
                "cannot read \"[1}\" as an array for feature \"my v\"",
            ),
            (
                "[",
                ErrorKind::InvalidText,
                "cannot read \"[\" as an array for feature \"my v\"",
            ),
            (
                "[ ]",
                ErrorKind::FeatureCount,
                "column \"my v\" has an empty array",
            ),
            (
                "[1, NULL]",
                ErrorKind::NullNotAllowed,
                "column \"my v\" has an array with a null element",
            ),
            (
                "[1,,2]",
                ErrorKind::InvalidText,
                "cannot read \"\" as a number in the array of column \"my v\"",
            ),
            (
                "[[1]]",
                ErrorKind::InvalidText,
                "cannot read \"[1]\" as a number in the array of column \"my v\"",
            ),
            (
                "[1e400]",
                ErrorKind::InvalidText,
                "cannot read \"1e400\" as a number in the array of column \"my v\"",
            ),
        ] {
            let error = read_vector("my v", text, &mut out).expect_err(text);
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        }
    }
}
