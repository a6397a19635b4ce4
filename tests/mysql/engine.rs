//! What every engine can do, so that one scenario runs on all of them.

mod mysql;
mod postgres;

pub use mysql::MySql;
pub use postgres::PostgreSql;

use crate::{Refusal, Table};
use std::collections::BTreeMap;

/// The row that `ml_train` answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The version that was made.
    pub version: i64,
    /// Rows that were used.
    pub rows: i64,
    /// Epochs run.
    pub epochs: i64,
    /// The last loss.
    pub loss: f64,
    /// The last loss of the held-out rows.
    pub val_loss: Option<f64>,
    /// The metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Whether the version is in use.
    pub deployed: bool,
}

/// Which answer of the family of `ml_predict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `ml_predict_class`: a label.
    Class,
    /// `ml_predict_proba`: an object, label by label.
    Probabilities,
    /// `ml_predict_values`: an array of numbers.
    Values,
}

/// A session with tablenet in it.
pub trait Engine {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// Runs statements that all engines understand and that have to succeed.
    fn run(&mut self, sql: &str);

    /// Creates a table and fills it.
    fn load(&mut self, table: &Table);

    /// A name, quoted as the engine's SQL wants it.
    fn quoted(&self, name: &str) -> String;

    /// Trains `model` on what `query` returns; `target` is a column or a JSON array of columns, `spec` a JSON object.
    ///
    /// # Errors
    /// What the engine refuses.
    fn train(
        &mut self,
        model: &str,
        query: &str,
        target: &str,
        spec: &str,
    ) -> Result<Trained, Refusal>;

    /// `ml_predict` for every row of `table`, by `id`; `columns` are the features in the order of the training.
    ///
    /// # Errors
    /// What the engine refuses.
    fn predict(
        &mut self,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Option<f64>>, Refusal>;

    /// The texts of another function of the family in the same way.
    ///
    /// # Errors
    /// What the engine refuses.
    fn describe(
        &mut self,
        answer: Answer,
        model: &str,
        columns: &[&str],
        table: &str,
    ) -> Result<Vec<Option<String>>, Refusal>;

    /// Loss and metrics on what `query` returns.
    ///
    /// # Errors
    /// What the engine refuses.
    fn evaluate(&mut self, model: &str, query: &str) -> Result<BTreeMap<String, f64>, Refusal>;

    /// Deletes a model.
    fn drop_model(&mut self, model: &str);

    /// The model file.
    fn model(&mut self, model: &str) -> Vec<u8>;

    /// The fingerprint of the rows that the model was trained on, in hexadecimal.
    fn fingerprint(&mut self, model: &str) -> String;

    /// Takes in a model file that another engine made.
    fn put(&mut self, model: &str, file: &[u8]);

    /// The query of these columns of a table, in the order of `id`.
    fn select(&self, columns: &[&str], table: &str) -> String {
        format!(
            "SELECT {} FROM {} ORDER BY id",
            self.list(columns),
            self.quoted(table)
        )
    }

    /// Quoted names with commas between them.
    fn list(&self, columns: &[&str]) -> String {
        let quoted: Vec<String> = columns.iter().map(|column| self.quoted(column)).collect();
        quoted.join(", ")
    }

    /// Trains `model` on all columns of `table` but `id`.
    ///
    /// # Errors
    /// What the engine refuses.
    fn train_on(
        &mut self,
        model: &str,
        table: &Table,
        target: &str,
        spec: &str,
    ) -> Result<Trained, Refusal> {
        let query = self.select(&table.names(), table.name);
        self.train(model, &query, target, spec)
    }
}

/// The numbers of a JSON object.
fn numbers(json: &str) -> BTreeMap<String, f64> {
    let parsed: BTreeMap<String, Option<f64>> =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    // JSON has no NaN: a metric that is not defined is null.
    let numbers = parsed
        .into_iter()
        .map(|(name, value)| (name, value.unwrap_or(f64::NAN)));
    numbers.collect()
}

/// A text as a literal of standard SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rows of an INSERT.
fn values(table: &Table) -> String {
    let rows = (1..).zip(&table.rows).map(|(id, row)| {
        let values = row.iter().map(|value| match value {
            Some(text) => literal(text),
            None => "NULL".to_owned(),
        });
        let values: Vec<String> = values.collect();
        format!("({id}, {})", values.join(", "))
    });
    rows.collect::<Vec<String>>().join(",\n")
}
