//! Packed rows as the core takes them; what no column can be is refused here, by name and row.

use crate::arguments::{boolean, utf8};
use crate::batch::{Batch, Packed};
use crate::columns::{Columns, Form};
use crate::site::recycle;
use tablenet_core::{Error, ErrorKind, Result, Value, Vector, read_vector};

/// Reads the rows of one group.
pub struct Rows<'c> {
    columns: &'c Columns,
    /// Texts of which no value was seen that is not NULL, and about which the spec says nothing.
    unseen: Vec<bool>,
    /// The elements of each vector of a row, by column; empty without vectors.
    vectors: Vec<Vec<f64>>,
    row: u64,
}

impl<'c> Rows<'c> {
    /// For rows of these columns.
    pub fn new(columns: &'c Columns) -> Self {
        let undeclared = |form: &Form| *form == Form::Text { declared: false };
        let vectors = columns.forms.contains(&Form::Vector);
        let width = columns.forms.len();
        Self {
            columns,
            unseen: columns.forms.iter().map(undeclared).collect(),
            vectors: vec![Vec::new(); if vectors { width } else { 0 }],
            row: 0,
        }
    }

    /// Gives every row of `batch` to `take`.
    ///
    /// # Errors
    /// Those of `take` and of the values.
    pub fn read(
        &mut self,
        batch: &Batch,
        mut take: impl FnMut(&[Value<'_>]) -> Result<()>,
    ) -> Result<()> {
        let columns = self.columns;
        let width = columns.forms.len();
        let mut room = Vec::with_capacity(width);
        for words in batch.words(width) {
            self.row += 1;
            self.read_vectors(batch, words)?;
            // They borrow the vectors of this row alone.
            let mut values = recycle(room);
            let (unseen, vectors) = (&mut self.unseen, &self.vectors);
            decode(
                columns,
                batch,
                words,
                self.row,
                unseen,
                vectors,
                &mut values,
            )?;
            take(&values)?;
            room = recycle(values);
        }
        Ok(())
    }

    fn read_vectors(&mut self, batch: &Batch, words: &[u64]) -> Result<()> {
        let columns = self.columns;
        let forms = columns.forms.iter().zip(&columns.packings);
        for (index, (((form, packing), word), vector)) in
            forms.zip(words).zip(&mut self.vectors).enumerate()
        {
            if *form != Form::Vector {
                continue;
            }
            vector.clear();
            if let Packed::Bytes(bytes) = batch.value(*packing, *word) {
                let name = columns.name(index);
                let text = text(bytes, name, self.row)?;
                read_vector(name, text, vector).map_err(|error| located(error, self.row))?;
            }
        }
        Ok(())
    }
}

/// Appends the values of a row to `values`.
#[inline]
fn decode<'v>(
    columns: &Columns,
    batch: &'v Batch,
    words: &[u64],
    row: u64,
    unseen: &mut [bool],
    vectors: &'v [Vec<f64>],
    values: &mut Vec<Value<'v>>,
) -> Result<()> {
    let forms = columns.forms.iter().zip(&columns.packings);
    for (index, ((form, packing), word)) in forms.zip(words).enumerate() {
        let value = match (form, batch.value(*packing, *word)) {
            (_, Packed::Null) | (Form::Nothing, _) => Value::Null,
            (Form::Flag, Packed::Number(number)) => {
                boolean(number).ok_or_else(|| no_flag(number, columns.name(index), row))?
            }
            (_, Packed::Number(number)) => Value::Number(number),
            (Form::Vector, Packed::Bytes(_)) => {
                let elements = vectors.get(index).map_or(&[][..], Vec::as_slice);
                Value::Vector(Vector::Double(elements))
            }
            (form, Packed::Bytes(bytes)) => {
                let name = columns.name(index);
                let text = text(bytes, name, row)?;
                if let Some(unseen) = unseen.get_mut(index)
                    && *unseen
                {
                    *unseen = false;
                    check_undeclared(name, text, row)?;
                }
                match form {
                    Form::Written(column_type) => column_type
                        .read(name, text)
                        .map_err(|error| located(error, row))?,
                    _ => Value::Text(text),
                }
            }
        };
        values.push(value);
    }
    Ok(())
}

#[inline]
fn text<'t>(bytes: &'t [u8], name: &str, row: u64) -> Result<&'t str> {
    std::str::from_utf8(bytes).or_else(|_| {
        utf8(
            bytes,
            &format!("the text of column \"{name}\" in row {row}"),
        )
    })
}

#[cold]
fn no_flag(number: f64, name: &str, row: u64) -> Error {
    let message = format!("column \"{name}\" is {number} in row {row}, which is no boolean");
    Error::new(ErrorKind::TypeMismatch, message).hint("A boolean is 0 or 1.")
}

/// Says which row an error is about, unless it has a detail.
#[cold]
fn located(error: Error, row: u64) -> Error {
    match error.detail_text() {
        None => error.detail(format!("It is about row {row}.")),
        Some(_) => error,
    }
}

/// Refuses the first value of a text that looks like another type: the servers hand over dates and JSON as texts.
#[cold]
fn check_undeclared(name: &str, text: &str, row: u64) -> Result<()> {
    let refused = |what: &str, hint: String| {
        let shown = text.get(..text.floor_char_boundary(40)).unwrap_or_default();
        let message = format!("column \"{name}\" looks like {what}: \"{shown}\" in row {row}");
        Err(Error::new(ErrorKind::TypeMismatch, message).hint(hint))
    };
    if looks_like_date(text) {
        let word = if text.len() > 10 { "timestamp" } else { "date" };
        return refused(
            &format!("a {word}"),
            format!(
                "Say so in the spec: \"types\": {{\"{name}\": \"{word}\"}}, or \"text\" to learn each value by itself."
            ),
        );
    }
    if looks_like_time(text) {
        return refused(
            "a time",
            format!(
                "Say so in the spec: \"types\": {{\"{name}\": \"time\"}}, \"interval\" for durations, or \"text\" to learn each value by itself."
            ),
        );
    }
    let trimmed = text.trim_ascii();
    match (trimmed.bytes().next(), trimmed.bytes().last()) {
        (Some(b'['), Some(b']')) => refused(
            "an array",
            format!(
                "Say in the spec what it is: \"types\": {{\"{name}\": \"vector\"}}, or \"text\"."
            ),
        ),
        (Some(b'{'), Some(b'}')) => refused(
            "a JSON object",
            format!(
                "Hand over what is in it with JSON_EXTRACT, or say in the spec that it is text: \"types\": {{\"{name}\": \"text\"}}."
            ),
        ),
        _ => Ok(()),
    }
}

/// `2024-05-17`, and perhaps a time of day.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let date = bytes.get(..10).is_some_and(|date| {
        date.iter().enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    date && matches!(bytes.get(10), None | Some(b' ' | b'T'))
}

/// `13:30:00`, also with a fraction, and `-838:59:59`: a TIME as the servers write it.
fn looks_like_time(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = whole
        .strip_prefix('-')
        .unwrap_or(whole)
        .splitn(4, ':')
        .collect();
    let [hours, minutes, seconds] = parts.as_slice() else {
        return false;
    };
    let lengths = (hours.len(), minutes.len(), seconds.len());
    matches!(lengths, (2..=3, 2, 2))
        && [hours, minutes, seconds]
            .into_iter()
            .all(|part| digits(part))
        && !fraction.is_empty()
        && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_look_like_another_type_are_refused() {
        for (text, expected) in [
            ("2024-05-17", Some("a date: \"2024-05-17\" in row 3")),
            (
                "2024-05-17 10:00:00",
                Some("a timestamp: \"2024-05-17 10:00:00\" in row 3"),
            ),
            (" [1, 2]", Some("an array: \" [1, 2]\" in row 3")),
            ("{\"a\": 1}", Some("a JSON object: \"{\"a\": 1}\" in row 3")),
            ("13:30:00", Some("a time: \"13:30:00\" in row 3")),
            ("-838:59:59.5", Some("a time: \"-838:59:59.5\" in row 3")),
            ("13:30", None),
            ("13:30:00.", None),
            ("a3:30:00", None),
            ("1:2:3:4", None),
            ("2024-05", None),
            ("2024-05-17x", None),
            ("{", None),
            ("", None),
            ("Berlin", None),
        ] {
            let message = check_undeclared("c", text, 3)
                .err()
                .map(|it| it.to_string());
            let expected = expected.map(|what| format!("column \"c\" looks like {what}"));
            assert_eq!(message, expected, "{text}");
        }
    }

    #[test]
    fn no_text_of_another_character_set_gets_in() {
        let error = text(b"caf\xe9", "drink", 7).expect_err("latin1");
        assert_eq!(
            error.to_string(),
            "the text of column \"drink\" in row 7 is not utf8mb4"
        );
    }
}
