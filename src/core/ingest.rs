//! What rows teach while they are read, from the records they leave behind. It needs no database, so a worker can learn
//! from one block while the calling thread reads the next.

use crate::encoder::{Learner, Runs};
use crate::fingerprint::Fingerprint;
use crate::slot::Slot;
use crate::target_learner::TargetLearner;
use crate::{Budget, Result, Value};

/// Everything that is learned while rows are read.
#[derive(Debug)]
pub(crate) struct Ingest {
    pub(crate) target: TargetLearner,
    learners: Vec<Learner>,
    /// Neighbouring learners of numbers.
    runs: Runs,
    /// The learners of single values and of texts.
    singles: Vec<usize>,
    /// Of the tables of categories.
    pub(crate) tables: Budget,
    pub(crate) fingerprint: Fingerprint,
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
    /// Nothing learned yet; `tables` is for the tables of categories, and `weight` is where rows have their weights.
    pub(crate) fn new(
        target: TargetLearner,
        mut learners: Vec<Learner>,
        weight: Option<&Slot>,
        tables: Budget,
    ) -> Self {
        let texts = learners.iter().filter(|it| it.slot.is_text()).count();
        // Alike for every column, one part being the target's: what one holds must not depend on the others.
        let share = tables.limit() / (texts as u64 + 1);
        learners.iter_mut().for_each(|it| it.bound(share));
        let features = learners.iter().map(|it| ("feature", &it.slot));
        let targets = target.slots.iter().map(|slot| ("target", slot));
        let weight = weight.map(|slot| ("sample_weight", slot));
        let places = learners.iter().enumerate();
        Self {
            fingerprint: Fingerprint::new(features.chain(targets).chain(weight)),
            target,
            runs: Runs::new(&learners),
            singles: places
                .filter(|(_, it)| it.is_single() || it.slot.takes_text())
                .map(|(place, _)| place)
                .collect(),
            learners,
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
            slot.store(row, record, number)?;
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
        for place in &self.singles {
            if let Some(learner) = self.learners.get_mut(*place) {
                let text = if learner.slot.takes_text() {
                    let text = text(&learner.slot);
                    self.fingerprint.text(text);
                    text
                } else {
                    None
                };
                learner.learn(text, training, record, &self.tables)?;
            }
        }
        if training {
            self.runs.learn(record);
        }
        let text = self.target.text_slot().and_then(text);
        if self.target.text_slot().is_some() {
            self.fingerprint.text(text);
        }
        self.fingerprint.take(record, training);
        self.target.learn(text, training, record, &self.tables)
    }

    /// What was learned of the features and of the target.
    pub(crate) fn finish(mut self) -> (Vec<Learner>, TargetLearner) {
        self.runs.finish(&mut self.learners);
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
