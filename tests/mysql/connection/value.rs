//! Values of prepared statements, which travel as they are.

/// A parameter or a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// An integer of any width.
    Integer(i64),
    /// DOUBLE, or FLOAT widened.
    Double(f64),
    /// Text, DECIMAL's digits, bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// A text parameter.
    pub fn text(text: &str) -> Value {
        Value::Bytes(text.as_bytes().to_vec())
    }

    /// The number of a DOUBLE, `None` for NULL.
    pub fn double(&self) -> Option<f64> {
        match self {
            Value::Null => None,
            Value::Double(number) => Some(*number),
            other => panic!("{other:?} is no DOUBLE"),
        }
    }

    /// The text of a string, `None` for NULL.
    pub fn string(&self) -> Option<String> {
        match self {
            Value::Null => None,
            Value::Bytes(bytes) => Some(String::from_utf8(bytes.clone()).expect("UTF-8")),
            other => panic!("{other:?} is no text"),
        }
    }
}

impl From<&Value> for mysql::Value {
    fn from(value: &Value) -> mysql::Value {
        match value {
            Value::Null => mysql::Value::NULL,
            Value::Integer(number) => mysql::Value::Int(*number),
            Value::Double(number) => mysql::Value::Double(*number),
            Value::Bytes(bytes) => mysql::Value::Bytes(bytes.clone()),
        }
    }
}

impl From<mysql::Value> for Value {
    fn from(value: mysql::Value) -> Value {
        match value {
            mysql::Value::NULL => Value::Null,
            mysql::Value::Int(number) => Value::Integer(number),
            mysql::Value::UInt(number) => {
                Value::Integer(i64::try_from(number).expect("a small number"))
            }
            mysql::Value::Float(number) => Value::Double(number.into()),
            mysql::Value::Double(number) => Value::Double(number),
            mysql::Value::Bytes(bytes) => Value::Bytes(bytes),
            other => panic!("{other:?}: cast dates to text"),
        }
    }
}

/// A value of a statement that was not prepared: text, or NULL.
pub fn written(value: mysql::Value) -> Option<Vec<u8>> {
    match value {
        mysql::Value::NULL => None,
        mysql::Value::Bytes(bytes) => Some(bytes),
        other => panic!("{other:?} is no text"),
    }
}
