//! What rows teach while they are read, from the records they leave behind. It needs no database, so a worker can learn
//! from one block while the calling thread reads the next.

use crate::encoder::{Learner, Moments};
use crate::kernels::record::{Columns, learn_doubles, learn_singles};
use crate::record::{Field, FieldKind};
use crate::slot::Slot;
use crate::target_learner::TargetLearner;
use crate::{Budget, Result, Value};

/// Everything that is learned while rows are read.
#[derive(Debug)]
pub(crate) struct Ingest {
    pub(crate) target: TargetLearner,
    learners: Vec<Learner>,
    /// Neighbouring learners of numbers.
    runs: Vec<Run>,
    /// The other learners.
    others: Vec<usize>,
    /// Training rows.
    trained: u64,
    /// Of the tables of categories.
    pub(crate) tables: Budget,
}

/// Numbers stored side by side, whose moments are learned together.
#[derive(Debug)]
struct Run {
    field: Field,
    /// The first one's place among the learners.
    first: usize,
    count: Vec<f64>,
    mean: Vec<f64>,
    m2: Vec<f64>,
}

impl Run {
    fn push(&mut self) {
        self.count.push(0.0);
        self.mean.push(0.0);
        self.m2.push(0.0);
    }

    /// Learns from a stored row.
    #[inline]
    fn learn(&mut self, record: &[u8]) {
        let values = record.get(self.field.offset..).unwrap_or_default();
        let columns = Columns {
            count: &mut self.count,
            mean: &mut self.mean,
            m2: &mut self.m2,
        };
        if self.field.kind == FieldKind::Single {
            learn_singles(values.as_chunks().0, columns);
        } else {
            learn_doubles(values.as_chunks().0, columns);
        }
    }
}

/// The texts of some rows, in the order in which [`Ingest::learn`] needs them.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) bytes: String,
    /// Of every text; [`Texts::NULL`] where there is none.
    pub(crate) lengths: Vec<u32>,
}

impl Texts {
    /// The length of NULL.
    pub(crate) const NULL: u32 = u32::MAX;

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.lengths.clear();
    }
}

impl Ingest {
    /// Nothing learned yet; `tables` is for the tables of categories.
    pub(crate) fn new(target: TargetLearner, learners: Vec<Learner>, tables: Budget) -> Self {
        let (mut runs, mut others): (Vec<Run>, _) = (Vec::new(), Vec::new());
        for (place, learner) in learners.iter().enumerate() {
            let Slot {
                field, column_type, ..
            } = learner.slot;
            if !column_type.is_numeric() {
                others.push(place);
                continue;
            }
            let follows = |run: &&mut Run| {
                let end = run.field.offset + run.count.len() * run.field.kind.bytes();
                run.field.kind == field.kind && end == field.offset
            };
            match runs.last_mut().filter(follows) {
                Some(run) => run.push(),
                None => {
                    let mut run = Run {
                        field,
                        first: place,
                        count: Vec::new(),
                        mean: Vec::new(),
                        m2: Vec::new(),
                    };
                    run.push();
                    runs.push(run);
                }
            }
        }
        Self {
            target,
            learners,
            runs,
            others,
            trained: 0,
            tables,
        }
    }

    /// Where each feature comes from and goes to.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.learners.iter().map(|learner| &learner.slot)
    }

    /// Stores a row, the `number`th of the query, whose target was checked, and learns from it.
    #[inline]
    pub(crate) fn take(
        &mut self,
        row: &[Value<'_>],
        training: bool,
        record: &mut [u8],
        number: u64,
    ) -> Result<()> {
        let null = &Value::Null;
        for Learner { slot, .. } in &self.learners {
            let value = row.get(slot.column).unwrap_or(null);
            slot.check(value, number)?;
            slot.write(value, record);
        }
        for slot in &self.target.slots {
            slot.write(row.get(slot.column).unwrap_or(null), record);
        }
        let text = |slot: &Slot| row.get(slot.column).and_then(text_of);
        self.learn_row(record, training, text)
    }

    /// Learns from blocks of stored rows, `row_bytes` each, and stores the codes of their categories.
    pub(crate) fn learn<'r>(
        &mut self,
        blocks: impl Iterator<Item = &'r mut [u8]>,
        row_bytes: usize,
        texts: &Texts,
        training: bool,
    ) -> Result<()> {
        let mut lengths = texts.lengths.iter();
        let mut rest = texts.bytes.as_str();
        let mut next = |_: &Slot| {
            let length = lengths.next().filter(|length| **length != Texts::NULL)?;
            let (text, others) = rest.split_at_checked(*length as usize)?;
            rest = others;
            Some(text)
        };
        for record in blocks.flat_map(|block| block.chunks_exact_mut(row_bytes)) {
            self.learn_row(record, training, &mut next)?;
        }
        Ok(())
    }

    /// Learns from one stored row; `text` gives the texts, feature by feature and then the target's.
    #[inline]
    fn learn_row<'t>(
        &mut self,
        record: &mut [u8],
        training: bool,
        mut text: impl FnMut(&Slot) -> Option<&'t str>,
    ) -> Result<()> {
        self.trained += u64::from(training);
        for place in &self.others {
            if let Some(learner) = self.learners.get_mut(*place) {
                let text = if learner.slot.is_text() {
                    text(&learner.slot)
                } else {
                    None
                };
                learner.learn(text, training, record, &self.tables)?;
            }
        }
        if training {
            self.runs.iter_mut().for_each(|run| run.learn(record));
        }
        let text = self.target.text_slot().and_then(text);
        self.target.learn(text, training, record, &self.tables)
    }

    /// What was learned of the features and of the target.
    pub(crate) fn finish(mut self) -> (Vec<Learner>, TargetLearner) {
        for run in &self.runs {
            let learners = self.learners.iter_mut().skip(run.first);
            let learned = run.count.iter().zip(&run.mean).zip(&run.m2);
            for (learner, ((count, mean), m2)) in learners.zip(learned) {
                let count = *count as u64;
                learner.set_moments(Moments::of(count, self.trained - count, *mean, *m2));
            }
        }
        (self.learners, self.target)
    }
}

/// The text of a value, if it is one.
pub(crate) fn text_of<'v>(value: &Value<'v>) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
