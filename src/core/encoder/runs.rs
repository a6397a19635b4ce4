//! Moments of numbers that stand side by side, learned many columns at a time.

use super::learner::Learner;
use super::moments::Moments;
use crate::kernels::record::{Columns, learn_doubles, learn_singles};
use crate::record::{Field, FieldKind};

/// The numbers of some learners, in their order.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    /// Rows learned from.
    rows: u64,
}

/// Numbers of one precision without a gap.
#[derive(Debug)]
struct Run {
    field: Field,
    columns: Columns,
}

impl Runs {
    /// Nothing learned yet.
    pub(crate) fn new(learners: &[Learner]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for learner in learners.iter().filter(|learner| learner.is_number()) {
            let field = learner.slot.field;
            let follows = |run: &&mut Run| {
                run.field.kind == field.kind && run.field.at(run.columns.len()) == field
            };
            if runs.last_mut().filter(follows).is_none() {
                runs.push(Run {
                    field,
                    columns: Columns::default(),
                });
            }
            if let Some(run) = runs.last_mut() {
                (0..learner.slot.numbers()).for_each(|_| run.columns.push());
            }
        }
        Self { runs, rows: 0 }
    }

    /// Learns from a stored row.
    #[inline]
    pub(crate) fn learn(&mut self, record: &[u8]) {
        self.rows += 1;
        for run in &mut self.runs {
            let values = record.get(run.field.offset..).unwrap_or_default();
            if run.field.kind == FieldKind::Single {
                learn_singles(values.as_chunks().0, &mut run.columns);
            } else {
                learn_doubles(values.as_chunks().0, &mut run.columns);
            }
        }
    }

    /// Hands the moments to the learners it was made for.
    pub(crate) fn finish(&self, learners: &mut [Learner]) {
        let rows = self.rows;
        let mut all = self.runs.iter().flat_map(|Run { columns, .. }| {
            (0..columns.len()).map(move |place| {
                let of = |numbers: &[f64]| numbers.get(place).copied().unwrap_or_default();
                let count = of(&columns.count) as u64;
                Moments {
                    count,
                    nulls: rows - count,
                    mean: of(&columns.mean),
                    m2: of(&columns.m2),
                    min: of(&columns.min),
                    max: of(&columns.max),
                }
            })
        });
        for learner in learners.iter_mut().filter(|learner| learner.is_number()) {
            let numbers = learner.slot.numbers();
            learner.set_moments(all.by_ref().take(numbers));
        }
    }
}
