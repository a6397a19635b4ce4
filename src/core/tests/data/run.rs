//! A training of given rows, as data.
#![allow(dead_code)] // Not every test program uses all of it.

use super::data::Clock;
use tablenet_core::*;

struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::Foreign, "spilled"))
    }
}

/// A column without particulars.
pub fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    }
}

/// Values in the order of the columns.
pub type Rows<'v> = Vec<Vec<Value<'v>>>;

/// A training by hand.
pub struct Run<'v> {
    pub columns: Vec<Column>,
    pub targets: Vec<&'static str>,
    pub options: TrainOptions,
    pub rows: Rows<'v>,
    /// A validation query.
    pub validation: Option<(Vec<Column>, Rows<'v>)>,
    pub threads: usize,
}

impl Run<'_> {
    /// Trains in memory: a spill is an error.
    pub fn train(&self) -> Result<Trained> {
        let pool = Pool::new(self.threads)?;
        let options = self.options.clone();
        let new = Training::new(
            self.columns.clone(),
            &self.targets,
            options,
            Box::new(NoSpill),
        )?;
        let mut training = new.on(&pool)?;
        if let Some((columns, _)) = &self.validation {
            training.validate_on(columns)?;
        }
        let mut clock = Clock::new();
        for row in &self.rows {
            training.push(row, &mut clock)?;
        }
        for row in self.validation.iter().flat_map(|(_, rows)| rows) {
            training.push_validation(row, &mut clock)?;
        }
        training.finish(&mut clock, &pool)
    }

    /// The error and its hint.
    pub fn refused(&self) -> String {
        let error = self.train().err().expect("refused");
        let hint = error.hint_text().unwrap_or_default();
        format!("{error} / {hint}")
    }
}
