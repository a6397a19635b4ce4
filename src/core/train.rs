//! Training from rows: read, learn the preprocessing, choose what was left open, fit.

use crate::{Callback, Column, History, ModelFile, Pool, Result, SpillFactory, TrainOptions, Value};

/// A training under way: rows are pushed one by one, then [`finish`](Self::finish) fits the model.
pub struct Training<'a> {
    spills: Box<dyn SpillFactory + 'a>,
}

/// What a training leaves behind.
pub struct Trained {
    /// The model as it is stored.
    pub file: ModelFile,
    /// The logs of every epoch.
    pub history: History,
    /// Rows used: those whose target is not NULL.
    pub rows: u64,
    /// Rows the weights were fitted on.
    pub training_rows: u64,
    /// Rows held out for validation.
    pub validation_rows: u64,
    /// Epochs run.
    pub epochs: u32,
    /// The final training loss.
    pub loss: f64,
    /// The final validation loss, if there are validation rows.
    pub val_loss: Option<f64>,
    /// The final metrics by plain name: those of the validation rows when there are any, else of the training rows.
    pub metrics: serde_json::Value,
    /// Every value used, defaults included.
    pub settings: serde_json::Value,
    /// What the user should know: sentences in lower case without a period.
    pub notices: Vec<String>,
}

impl<'a> Training<'a> {
    /// Checks all that can be checked before the first row.
    pub fn new(columns: Vec<Column>, target: &str, options: TrainOptions, spills: Box<dyn SpillFactory + 'a>) -> Result<Self> {
        let _ = (columns, target, options);
        Ok(Self { spills })
    }

    /// Takes one row: values in column order, excluded columns and the target included.
    pub fn push(&mut self, row: &[Value<'_>], callback: &mut dyn Callback) -> Result<()> {
        let _ = (row, callback, &mut self.spills);
        todo!()
    }

    /// Learns the preprocessing from the training rows, freezes it and fits the model.
    pub fn finish(self, callback: &mut dyn Callback, pool: &Pool) -> Result<Trained> {
        let _ = (callback, pool);
        todo!()
    }
}
