//! Server-side prepared statements: values travel as they are, doubles with all their bits.

use super::packet::Packet;
use super::{Connection, Refusal, check, more_results};

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

    /// The protocol's number of the type, and the bytes.
    fn encoded(&self) -> (u8, Vec<u8>) {
        match self {
            Value::Null => (6, Vec::new()),
            Value::Integer(number) => (8, number.to_le_bytes().to_vec()),
            Value::Double(number) => (5, number.to_le_bytes().to_vec()),
            Value::Bytes(bytes) => {
                let mut encoded = vec![0xFE];
                encoded.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                encoded.extend_from_slice(bytes);
                (0xFD, encoded)
            }
        }
    }

    fn decode(packet: &mut Packet, kind: u8) -> Value {
        match kind {
            1 => Value::Integer(packet.signed(1)),
            2 | 13 => Value::Integer(packet.signed(2)),
            3 | 9 => Value::Integer(packet.signed(4)),
            8 => Value::Integer(packet.signed(8)),
            4 => {
                let bytes = packet.take(4).try_into().expect("4 bytes");
                Value::Double(f32::from_le_bytes(bytes).into())
            }
            5 => {
                let bytes = packet.take(8).try_into().expect("8 bytes");
                Value::Double(f64::from_le_bytes(bytes))
            }
            7 | 10..=12 => panic!("dates are not read: cast them to text"),
            _ => Value::Bytes(packet.bytes().expect("NULL is in the bitmap")),
        }
    }
}

impl Connection {
    /// Prepares `sql`, runs it with `values` for its question marks, and forgets it.
    ///
    /// # Errors
    /// The server refuses it, at either step.
    pub fn prepared(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, Refusal> {
        let statement = self.prepare(sql)?;
        let result = self.execute(statement, values);
        self.command(0x19, &statement.to_le_bytes())?;
        result
    }

    /// Prepares `sql`; answers the statement's number.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn prepare(&mut self, sql: &str) -> Result<u32, Refusal> {
        self.command(0x16, sql.as_bytes())?;
        let mut head = check(self.wire.read()?)?;
        head.take(1);
        let statement = u32::try_from(head.unsigned(4)).expect("4 bytes");
        let columns = usize::try_from(head.unsigned(2)).expect("few");
        let parameters = usize::try_from(head.unsigned(2)).expect("few");
        self.skip_columns(parameters)?;
        self.skip_columns(columns)?;
        Ok(statement)
    }

    /// Runs a prepared statement with `values` for its question marks.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn execute(
        &mut self,
        statement: u32,
        values: &[Value],
    ) -> Result<Vec<Vec<Value>>, Refusal> {
        let mut argument = statement.to_le_bytes().to_vec();
        argument.extend_from_slice(&[0, 1, 0, 0, 0]);
        if !values.is_empty() {
            let mut nulls = vec![0; values.len().div_ceil(8)];
            let mut kinds = Vec::new();
            let mut contents = Vec::new();
            for (index, value) in values.iter().enumerate() {
                let (kind, content) = value.encoded();
                nulls[index / 8] |= u8::from(*value == Value::Null) << (index % 8);
                kinds.extend_from_slice(&[kind, 0]);
                contents.extend_from_slice(&content);
            }
            argument.extend_from_slice(&nulls);
            argument.push(1);
            argument.extend_from_slice(&kinds);
            argument.extend_from_slice(&contents);
        }
        self.command(0x17, &argument)?;

        let mut last = Vec::new();
        loop {
            let mut head = check(self.wire.read()?)?;
            let more = if head.first() == 0 {
                more_results(&mut head)
            } else {
                let columns = usize::try_from(head.varying().expect("a number")).expect("few");
                let more;
                (last, more) = self.typed_rows(columns)?;
                more
            };
            if !more {
                return Ok(last);
            }
        }
    }

    /// The rows of a result of `columns`, and whether another one follows.
    fn typed_rows(&mut self, columns: usize) -> Result<(Vec<Vec<Value>>, bool), Refusal> {
        let mut kinds = Vec::new();
        for _ in 0..columns {
            kinds.push(column_kind(&mut check(self.wire.read()?)?));
        }
        self.wire.read()?;
        self.rows(|row| {
            row.take(1);
            // The first two bits are the protocol's own.
            let nulls = row.take((columns + 2).div_ceil(8)).to_vec();
            let null = |index: usize| nulls[(index + 2) / 8] >> ((index + 2) % 8) & 1 == 1;
            let values = kinds.iter().enumerate().map(|(index, kind)| {
                if null(index) {
                    Value::Null
                } else {
                    Value::decode(row, *kind)
                }
            });
            values.collect()
        })
    }
}

/// The type in the description of a column.
fn column_kind(description: &mut Packet) -> u8 {
    for _ in 0..6 {
        description.bytes();
    }
    description.take(1 + 2 + 4);
    description.unsigned(1) as u8
}
