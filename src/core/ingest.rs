//! What a row leaves behind while it is read: a stored record, and what its values teach. It needs no database, so a
//! worker can do it as well as the calling thread.

use crate::encoder::Learner;
use crate::record::Field;
use crate::target_learner::TargetLearner;
use crate::validation_split::ValidationSplit;
use crate::{Budget, Result, Value};

/// Everything that is learned while rows are read; rows must come in order, each once.
pub(crate) struct Ingest {
    pub(crate) target: TargetLearner,
    pub(crate) target_field: Field,
    pub(crate) target_index: usize,
    pub(crate) learners: Vec<Learner>,
    pub(crate) split: ValidationSplit,
    /// Of the tables of categories.
    pub(crate) tables: Budget,
    /// Rows seen, those without a target included.
    pub(crate) seen: u64,
}

impl Ingest {
    /// Whether the next row trains (or else validates); `None` without a target.
    #[inline]
    pub(crate) fn place(&mut self, row: &[Value<'_>]) -> Result<Option<bool>> {
        self.seen += 1;
        let target = row.get(self.target_index).unwrap_or(&Value::Null);
        if *target == Value::Null {
            return Ok(None);
        }
        self.target.check(target, self.seen)?;
        Ok(Some(!self.split.next()))
    }

    /// Learns from the row that was just placed and stores it in `record`, which is all zeros.
    #[inline]
    pub(crate) fn fill(
        &mut self,
        row: &[Value<'_>],
        training: bool,
        record: &mut [u8],
    ) -> Result<()> {
        for learner in &mut self.learners {
            let value = row.get(learner.column).unwrap_or(&Value::Null);
            learner.take(value, training, record, &self.tables, self.seen)?;
        }
        let target = row.get(self.target_index).unwrap_or(&Value::Null);
        self.target.take(target, training, record, &self.tables)
    }
}
