//! Loss and metrics of a model on rows it is given (Keras: `Model.evaluate`).

use crate::{Callback, Column, Result, Scorer, Value};

/// An evaluation under way. Its numbers are those of the answers that the scorer gives row by row.
pub struct Evaluation<'m> {
    scorer: &'m Scorer,
}

impl<'m> Evaluation<'m> {
    /// Binds features and target to `columns` by name.
    pub fn new(scorer: &'m Scorer, columns: &[Column]) -> Result<Self> {
        let _ = columns;
        Ok(Self { scorer })
    }

    /// Takes one row: values in column order. Rows whose target is NULL are skipped.
    pub fn push(&mut self, row: &[Value<'_>], callback: &mut dyn Callback) -> Result<()> {
        let _ = (row, callback, self.scorer);
        todo!()
    }

    /// Name and value: the loss first, then every metric that fits the task.
    pub fn finish(self) -> Result<Vec<(String, f64)>> {
        todo!()
    }
}
