//! Rows that wait: the length of an array is known only when the first one was seen, and with it where values are stored.

use crate::budget::refused;
use crate::{Budget, Result, Value, Vector};

/// A value that outlives its row.
#[derive(Debug)]
enum Owned {
    Null,
    Number(f64),
    Boolean(bool),
    Text(Box<str>),
    Singles(Box<[f32]>),
    Doubles(Box<[f64]>),
}

/// A row that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    values: Vec<Owned>,
    /// Its number in its query, from 1.
    pub(crate) number: u64,
    /// Whether it came from the validation query.
    pub(crate) validates: bool,
}

/// Rows in the order in which they came.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    rows: Vec<Waiting>,
    /// Columns whose values are needed.
    needed: Vec<bool>,
    budget: Budget,
    charged: u64,
}

const WHAT: &str = "rows read before the first array";

impl WaitingRoom {
    /// Nobody waits; of the columns some are `needed`.
    pub(crate) fn new(needed: Vec<bool>, budget: Budget) -> Self {
        Self {
            rows: Vec::new(),
            needed,
            budget,
            charged: 0,
        }
    }

    /// Keeps the values of more columns of the rows to come.
    pub(crate) fn need(&mut self, columns: &[usize]) {
        for column in columns {
            if let Some(needed) = self.needed.get_mut(*column) {
                *needed = true;
            }
        }
    }

    /// Keeps `row`.
    ///
    /// # Errors
    /// `OutOfMemory` where it does not fit into the budget.
    pub(crate) fn push(&mut self, row: &[Value<'_>], number: u64, validates: bool) -> Result<()> {
        let heap = |value: &Value<'_>| match value {
            Value::Text(text) => text.len(),
            Value::Vector(Vector::Single(elements)) => size_of_val(*elements),
            Value::Vector(Vector::Double(elements)) => size_of_val(*elements),
            _ => 0,
        };
        // The list of rows doubles when it grows.
        let fixed = 2 * size_of::<Waiting>() + row.len() * size_of::<Owned>();
        let bytes = (fixed + row.iter().map(heap).sum::<usize>()) as u64;
        self.budget.reserve(bytes, WHAT).map_err(|error| {
            error.hint("Raise the memory limit, or let rows with an array come before those where it is NULL.")
        })?;
        self.charged += bytes;
        let keep = |(value, needed): (&Value<'_>, &bool)| match value {
            _ if !needed => Owned::Null,
            Value::Null => Owned::Null,
            Value::Number(number) => Owned::Number(*number),
            Value::Boolean(boolean) => Owned::Boolean(*boolean),
            Value::Text(text) => Owned::Text((*text).into()),
            Value::Vector(Vector::Single(elements)) => Owned::Singles((*elements).into()),
            Value::Vector(Vector::Double(elements)) => Owned::Doubles((*elements).into()),
        };
        self.rows.try_reserve(1).map_err(|_| refused(WHAT, bytes))?;
        self.rows.push(Waiting {
            values: row.iter().zip(&self.needed).map(keep).collect(),
            number,
            validates,
        });
        Ok(())
    }

    /// Bytes charged.
    pub(crate) fn bytes(&self) -> u64 {
        self.charged
    }

    /// All who wait, in their order.
    pub(crate) fn rows(&self) -> &[Waiting] {
        &self.rows
    }
}

impl Waiting {
    /// The values as they came.
    pub(crate) fn values(&self) -> Vec<Value<'_>> {
        let value = |owned| match owned {
            &Owned::Null => Value::Null,
            Owned::Number(number) => Value::Number(*number),
            Owned::Boolean(boolean) => Value::Boolean(*boolean),
            Owned::Text(text) => Value::Text(text),
            Owned::Singles(elements) => Value::Vector(Vector::Single(elements)),
            Owned::Doubles(elements) => Value::Vector(Vector::Double(elements)),
        };
        self.values.iter().map(value).collect()
    }
}

impl Drop for WaitingRoom {
    fn drop(&mut self) {
        self.budget.release(self.charged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in_and_are_charged() -> Result<()> {
        let budget = Budget::new(1000);
        let mut room = WaitingRoom::new(vec![true, true, false, true, true], budget.clone());
        let (singles, doubles) = ([1.5_f32, 2.0], [0.1_f64]);
        let row = [
            Value::Text("é"),
            Value::Number(-0.0),
            Value::Boolean(true),
            Value::Vector(Vector::Single(&singles)),
            Value::Vector(Vector::Double(&doubles)),
        ];
        room.push(&row, 7, true)?;
        let kept = room.rows().first().map(Waiting::values).unwrap_or_default();
        let mut expected = row;
        expected[2] = Value::Null;
        assert_eq!(kept, expected);
        assert!(budget.used() > 0);
        let error = (0..100).find_map(|number| room.push(&row, number, false).err());
        assert_eq!(
            error.map(|it| it.kind()),
            Some(crate::ErrorKind::OutOfMemory)
        );
        drop(room);
        assert_eq!(budget.used(), 0);
        Ok(())
    }
}
