//! What is said of a value that has no inputs.

use crate::{ColumnType, Error, ErrorKind, Value};

/// The error of NaN or an infinity in column `name`; rows count from 1.
#[cold]
pub(crate) fn not_finite(value: f64, name: &str, row: Option<u64>) -> Error {
    let shown = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    let place = row.map(|row| format!(" in row {row}")).unwrap_or_default();
    Error::new(ErrorKind::NotFinite, format!("column \"{name}\" is {shown}{place}"))
        .hint("Use NULL for an unknown value, for example with nullif(), or leave the row out of the query.")
}

/// The error of a number so far from the training values that its input would be infinite.
#[cold]
pub(crate) fn too_far(value: f64, name: &str) -> Error {
    Error::new(
        ErrorKind::NotFinite,
        format!("value {value:e} of column \"{name}\" is too far from the training values"),
    )
    .hint("Use NULL for an unknown value, or leave the row out of the query.")
}

/// The error of a value whose type is not its column's.
#[cold]
pub(crate) fn wrong_type(name: &str, column_type: ColumnType, value: &Value<'_>) -> Error {
    let given = match value {
        Value::Null => "NULL".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::Boolean(boolean) => format!("the boolean {boolean}"),
        Value::Text(text) => format!("the text \"{text}\""),
        Value::Vector(vector) => format!("an array of {}", vector.len()),
    };
    Error::new(
        ErrorKind::TypeMismatch,
        format!(
            "column \"{name}\" must be {}, not {given}",
            column_type.words()
        ),
    )
    .hint("Cast it to the type the model was trained with.")
}

/// The error of a NULL where training saw to it that there is none.
#[cold]
pub(crate) fn null_refused(name: &str) -> Error {
    Error::new(ErrorKind::NullNotAllowed, format!("column \"{name}\" is NULL")).hint(
        "The model was trained to refuse that: leave such rows out with WHERE ... IS NOT NULL, or fill them with coalesce().",
    )
}

/// The error of a text that is none of the categories, where that is refused.
#[cold]
pub(crate) fn unseen_refused(name: &str, text: Option<&str>) -> Error {
    let what = match text {
        Some(text) => format!("the value \"{text}\", which"),
        None => "a value that".to_owned(),
    };
    Error::new(
        ErrorKind::InvalidParameter,
        format!("column \"{name}\" has {what} is none of the model's categories"),
    )
    .hint("Leave such rows out, or train with on_unseen other or missing.")
}

/// The error of a row that is not as wide as the model's features.
#[cold]
pub(crate) fn width_differs(expected: usize, given: usize) -> Error {
    let noun = if expected == 1 { "feature" } else { "features" };
    Error::new(
        ErrorKind::FeatureCount,
        format!("model expects {expected} {noun}, not {given}"),
    )
}

/// The error of a vector that is shorter or longer than those of the training.
#[cold]
pub(crate) fn length_differs(name: &str, expected: usize, given: usize) -> Error {
    let noun = if expected == 1 { "element" } else { "elements" };
    Error::new(
        ErrorKind::TypeMismatch,
        format!("column \"{name}\" must have {expected} {noun}, not {given}"),
    )
    .hint("Every array must be as long as those that the model was trained with.")
}
