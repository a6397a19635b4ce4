//! How one argument becomes the value of one column.

use crate::arguments::{Argument, ArgumentType, Arguments, boolean, utf8};
use crate::source::Expected;
use tablenet_core::{ColumnType, Error, ErrorKind, Result, Value, Vector, read_vector};

/// An argument that stands for a column.
#[derive(Debug)]
pub struct Reader {
    index: usize,
    column_type: ColumnType,
    /// What the column is, for errors.
    name: Box<str>,
    /// Whether it comes as a real.
    real: bool,
    /// The elements of an array.
    elements: Vec<f64>,
}

impl Reader {
    /// For argument `index`, which comes as `given` says; refuses a number for a column that is none.
    pub fn new(index: usize, given: ArgumentType, column: &Expected<'_>) -> Result<Self> {
        let column_type = column.column_type;
        let real = given != ArgumentType::Text;
        let takes_numbers = matches!(column_type, ColumnType::Number | ColumnType::Boolean);
        if given == ArgumentType::Row || (real && !takes_numbers) {
            let number = index + 1;
            let name = column
                .name
                .map(|name| format!(" \"{name}\""))
                .unwrap_or_default();
            let message = format!(
                "argument {number} is a number, but {}{name} of the model is {}",
                column.what,
                column_type.words()
            );
            return Err(Error::new(ErrorKind::TypeMismatch, message).hint(hint(column_type)));
        }
        Ok(Self {
            index,
            column_type,
            name: column.name.unwrap_or(&column.what).into(),
            real,
            elements: Vec::new(),
        })
    }

    /// Whether its value is the real as it comes.
    pub fn is_plain(&self) -> bool {
        self.real && self.column_type == ColumnType::Number
    }

    /// Whether it is a text of any form.
    pub fn is_category(&self) -> bool {
        self.column_type == ColumnType::Category
    }

    /// The value of this call.
    #[inline]
    pub fn read<'a>(&'a mut self, arguments: &Arguments<'a>) -> Result<Value<'a>> {
        match arguments.value(self.index) {
            Argument::Null => Ok(Value::Null),
            Argument::Real(number) => Ok(self.number(number)),
            // Init asked for reals.
            Argument::Integer(number) => Ok(self.number(number as f64)),
            Argument::Bytes(bytes) => {
                let text = match std::str::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(_) => return Err(self.no_text(bytes)),
                };
                match self.column_type {
                    ColumnType::Category => Ok(Value::Text(text)),
                    ColumnType::Vector => {
                        read_vector(&self.name, text, &mut self.elements)?;
                        Ok(Value::Vector(Vector::Double(&self.elements)))
                    }
                    other => other.read(&self.name, text),
                }
            }
        }
    }

    /// What is no boolean is refused by the model, which knows its column.
    fn number(&self, number: f64) -> Value<'static> {
        match self.column_type {
            ColumnType::Boolean => boolean(number).unwrap_or(Value::Number(number)),
            _ => Value::Number(number),
        }
    }

    #[cold]
    fn no_text(&self, bytes: &[u8]) -> Error {
        let what = format!("argument {} (\"{}\")", self.index + 1, self.name);
        match utf8(bytes, &what) {
            Err(error) => error,
            Ok(_) => Error::new(ErrorKind::InvalidText, format!("{what} is not utf8mb4")),
        }
    }
}

/// How a value of this type is passed.
fn hint(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Category => {
            "Write CAST(... AS CHAR) around it, if the training had it as text too."
        }
        ColumnType::Vector => "Pass a JSON array such as '[1, 2.5]'.",
        ColumnType::Date => "Pass a DATE, or text such as '2024-02-29'.",
        ColumnType::Timestamp | ColumnType::TimestampTz => {
            "Pass a DATETIME or TIMESTAMP, or text such as '2024-02-29 13:30:00'."
        }
        ColumnType::Time => "Pass a TIME, or text such as '13:30:00'.",
        ColumnType::Interval => "Pass a TIME, or text such as '1 day 02:30:00'.",
        ColumnType::Number | ColumnType::Boolean => "Pass one value.",
    }
}
