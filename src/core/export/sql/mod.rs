//! A model as one SQL function, for servers without the extension: its preprocessing and its layers, if these are dense.
//!
//! It computes in double precision what the model computes in single precision, from the same inputs: the answers differ by
//! what the model itself rounds.

mod answer;
mod column;
mod layer;
mod quote;

use super::Stack;
use crate::{Callback, Error, ErrorKind, ModelFile, Result};
use column::Inputs;
use quote::{dollar, identifier};
use std::fmt::Write;

/// The most arguments of a function of PostgreSQL.
const MAX_ARGUMENTS: usize = 100;
/// The most weights: a row takes a tenth of a microsecond for each.
const MAX_WEIGHTS: usize = 1 << 20;
/// The longest name of PostgreSQL.
const MAX_NAME: usize = 63;

impl ModelFile {
    /// The statement that creates the function `name`, which takes the features in their order and answers what
    /// `ml_predict` does: a number, or for several targets an array of them, or for three and more classes jsonb of the
    /// probabilities. Checks between layers.
    ///
    /// # Errors
    /// NotSupported for what plain SQL does not express, by the name of the column or layer; LimitExceeded for more features
    /// or weights than a function should have.
    pub fn export_sql(&self, name: &str, callback: &mut dyn Callback) -> Result<String> {
        let count = self.features().len();
        if count > MAX_ARGUMENTS {
            let message = format!(
                "a model of {count} features cannot be a function, which has up to {MAX_ARGUMENTS} arguments"
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        if self.parameters() > MAX_WEIGHTS {
            let message = format!(
                "a model of {} weights is too large for a function of SQL, which may have {MAX_WEIGHTS}",
                self.parameters()
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let inputs = Inputs::new(&self.preprocessing, self.model())?;
        let mut stack = Stack::of(self.model())?;
        stack.answer_probabilities(self.model().head);
        let mut body = inputs.sql();
        let mut layers = 0;
        for item in &stack.layers {
            callback.check()?;
            layer::write(item, self.model().weights(), &mut layers, &mut body)?;
        }
        let answer = answer::of(&self.target, self.model().loss(), layers)?;
        // What the model refuses because it is not finite in single precision.
        let body = format!(
            "\nSELECT {}\n  FROM {body}\n WHERE {} >= ALL (SELECT abs(v) FROM unnest(l{layers}.x) AS v)\n",
            answer.expression,
            quote::number(f32::MAX.into()),
        );
        let arguments: Vec<String> = self
            .features()
            .iter()
            .map(|feature| {
                let sql_type = column::argument_type(feature.column_type);
                if feature.unnamed || feature.name.len() > MAX_NAME {
                    sql_type.to_owned()
                } else {
                    format!("{} {sql_type}", identifier(&feature.name))
                }
            })
            .collect();
        let mut statement = String::with_capacity(body.len() + 1024);
        // Writing to a String does not fail.
        let _ = write!(
            statement,
            "CREATE FUNCTION {}({}) RETURNS {}\n    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST {}\n    SET search_path = pg_catalog, pg_temp\nAS {};\n",
            identifier(name),
            arguments.join(", "),
            answer.sql_type,
            100 + 20 * self.parameters(),
            dollar(&body),
        );
        Ok(statement)
    }
}
