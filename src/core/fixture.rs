//! What the tests of the core share: callbacks, files in memory, columns, trainings of made-up tables.

use crate::{
    Callback, Column, ColumnType, Error, ErrorKind, Pool, Result, Spill, SpillFactory,
    TrainOptions, Trained, Training, Value,
};

/// A callback that never stops and whose clock stands still.
pub(crate) struct NoCallback;

impl Callback for NoCallback {
    fn elapsed(&mut self) -> f64 {
        0.0
    }

    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A callback that cancels at the check of this number.
pub(crate) struct CancelAt {
    /// Checks that still pass.
    pub(crate) left: u64,
}

impl Callback for CancelAt {
    fn elapsed(&mut self) -> f64 {
        0.0
    }

    fn check(&mut self) -> Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Error::foreign(Box::new("cancelled"))),
        }
    }
}

/// Makes spills that are vectors.
pub(crate) struct ToMemory;

struct InMemory(Vec<u8>);

impl SpillFactory for ToMemory {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Ok(Box::new(InMemory(Vec::new())))
    }
}

impl Spill for InMemory {
    fn append(&mut self, block: &[u8]) -> Result<()> {
        self.0.extend_from_slice(block);
        Ok(())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let start = offset as usize;
        let bytes = self.0.get(start..start + buffer.len());
        buffer.copy_from_slice(
            bytes.ok_or_else(|| Error::new(ErrorKind::Damaged, "read beyond the end"))?,
        );
        Ok(())
    }
}

/// Makes no spill: using one is an error.
pub(crate) struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::Foreign, "spilled"))
    }
}

/// A column of f64 numbers, booleans or texts.
pub(crate) fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    }
}

/// A column of integers.
pub(crate) fn integer(name: &str) -> Column {
    Column {
        integer: true,
        ..column(name, ColumnType::Number)
    }
}

/// Options for a quick training: one epoch.
pub(crate) fn quick() -> TrainOptions {
    TrainOptions {
        epochs: Some(1),
        ..TrainOptions::default()
    }
}

/// Trains on `rows`, the target being the column `y`.
pub(crate) fn train(
    columns: Vec<Column>,
    options: TrainOptions,
    rows: &[Vec<Value<'_>>],
) -> Result<Trained> {
    train_on(columns, &["y"], options, rows)
}

/// As [`train`], to predict `targets`.
pub(crate) fn train_on(
    columns: Vec<Column>,
    targets: &[&str],
    options: TrainOptions,
    rows: &[Vec<Value<'_>>],
) -> Result<Trained> {
    let mut training = Training::new(columns, targets, options, Box::new(ToMemory))?;
    for row in rows {
        training.push(row, &mut NoCallback)?;
    }
    training.finish(&mut NoCallback, &Pool::new(1)?)
}
