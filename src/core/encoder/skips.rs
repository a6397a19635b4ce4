//! Rows that are passed over while they are read, because a column is NULL whose option says so.

use super::learner::Learner;
use crate::Value;
use crate::slot::{Form, Nulls};

/// The columns whose NULLs leave a row out.
#[derive(Debug, Default)]
pub(crate) struct Skips {
    columns: Vec<Skip>,
}

#[derive(Debug)]
struct Skip {
    column: usize,
    name: String,
    rows: u64,
}

impl Skips {
    /// Those of `learners`.
    pub(crate) fn new(learners: &[Learner]) -> Self {
        let slots = learners.iter().map(|learner| &learner.slot);
        let skipped = slots.filter(|slot| slot.nulls == Nulls::Dropped);
        let columns = skipped.flat_map(|slot| {
            let from = match slot.form {
                // NULL where either is.
                Form::Difference(from) => Some(from),
                _ => None,
            };
            [Some(slot.column), from]
                .into_iter()
                .flatten()
                .map(|column| Skip {
                    column,
                    name: slot.name.clone(),
                    rows: 0,
                })
        });
        Self {
            columns: columns.collect(),
        }
    }

    /// Whether `row` is passed over, which is counted.
    #[inline]
    pub(crate) fn skips(&mut self, row: &[Value<'_>]) -> bool {
        let null = |skip: &&mut Skip| matches!(row.get(skip.column), None | Some(Value::Null));
        match self.columns.iter_mut().find(null) {
            Some(skip) => {
                skip.rows += 1;
                true
            }
            None => false,
        }
    }

    /// What the user should know.
    pub(crate) fn notices(&self) -> impl Iterator<Item = String> {
        let skipped = self.columns.iter().filter(|skip| skip.rows > 0);
        skipped.map(|Skip { name, rows, .. }| {
            let (noun, were) = if *rows == 1 {
                ("row", "was")
            } else {
                ("rows", "were")
            };
            format!("{rows} {noun} in which \"{name}\" is NULL {were} skipped")
        })
    }
}
