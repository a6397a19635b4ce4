//! Learns one feature, or the difference of two, while rows are read.

use super::counts::Counts;
use super::lookup::Lookup;
use super::moments::Moments;
use super::unseen_refused;
use crate::preprocess::{ColumnOptions, Outliers};
use crate::slot::Slot;
use crate::{Budget, ColumnType, Result};

/// One feature being learned.
#[derive(Debug)]
pub(crate) struct Learner {
    /// Where it comes from and goes to.
    pub(crate) slot: Slot,
    /// What was said about it.
    pub(super) options: ColumnOptions,
    pub(super) statistics: Statistics,
    /// Whether a training value had a time of day.
    pub(super) clock: bool,
}

/// What is learned from training rows.
#[derive(Debug)]
pub(super) enum Statistics {
    /// Of a number, or of each element of a vector.
    Numbers(Vec<Moments>),
    /// Of a boolean: how often false, true and NULL were seen.
    Boolean([u64; 3]),
    /// Of a category.
    Category(Counts),
    /// Of hashed texts: values and NULLs.
    Buckets([u64; 2]),
    /// Nothing: the preprocessing is frozen. Of a vocabulary the code of each category, and the next one for what is
    /// not in it, unless that is refused.
    Frozen {
        codes: Option<Lookup<u32>>,
        unseen: Option<u32>,
    },
}

impl Learner {
    /// Whether its numbers are learned from, many columns at a time, by [`crate::ingest::Ingest`].
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.statistics, Statistics::Numbers(_))
    }

    /// Whether it learns from single values, or gives texts their codes.
    pub(crate) fn is_single(&self) -> bool {
        match &self.statistics {
            Statistics::Numbers(_) => self.has_clock(),
            Statistics::Boolean(_) | Statistics::Category(_) | Statistics::Buckets(_) => true,
            Statistics::Frozen { codes, .. } => codes.is_some(),
        }
    }

    fn has_clock(&self) -> bool {
        matches!(
            self.slot.column_type,
            ColumnType::Timestamp | ColumnType::TimestampTz
        )
    }

    /// Whether training rows with an outlier in it are left out.
    pub(super) fn drops_outliers(&self) -> bool {
        matches!(self.options.outliers, Some(Outliers::Drop(_)))
    }

    /// Bounds the memory of its categories.
    pub(crate) fn bound(&mut self, bytes: u64) {
        if let Statistics::Category(counts) = &mut self.statistics {
            counts.bound(bytes);
        }
    }

    /// Puts moments in the place of its own.
    pub(crate) fn set_moments(&mut self, moments: impl Iterator<Item = Moments>) {
        if let Statistics::Numbers(own) = &mut self.statistics {
            own.iter_mut()
                .zip(moments)
                .for_each(|(own, new)| *own = new);
        }
    }

    /// Learns from a stored value, if it belongs to a training row; stores the code of a category, whose `text` it is
    /// given.
    #[inline]
    pub(crate) fn learn(
        &mut self,
        text: Option<&str>,
        training: bool,
        record: &mut [u8],
        budget: &Budget,
    ) -> Result<()> {
        let field = self.slot.field;
        match &mut self.statistics {
            Statistics::Category(counts) => {
                field.write_word(record, counts.code(text, training, budget)?);
            }
            Statistics::Boolean(counts) if training => {
                if let Some(count) = counts.get_mut(field.word(record) as usize) {
                    *count += 1;
                }
            }
            Statistics::Buckets([values, nulls]) if training => {
                let null = field.word(record) == 0;
                *nulls += u64::from(null);
                *values += u64::from(!null);
            }
            Statistics::Numbers(_) if training => self.look_at_clock(record),
            Statistics::Frozen {
                codes: Some(codes),
                unseen,
            } => {
                let code = match text {
                    None => 0,
                    Some(text) => match codes.get(text).or(*unseen) {
                        Some(code) => code,
                        None => return Err(unseen_refused(&self.slot.name, Some(text))),
                    },
                };
                field.write_word(record, code);
            }
            _ => {}
        }
        Ok(())
    }

    /// Sees whether a training value is no midnight.
    #[inline]
    pub(super) fn look_at_clock(&mut self, record: &[u8]) {
        if self.has_clock() {
            let value = self.slot.field.number(record);
            self.clock |= !value.is_nan() && value % super::calendar::DAY != 0.0;
        }
    }

    /// Forgets numbers and clocks, which are learned again, and texts of rows that were taken back.
    pub(super) fn forget(&mut self) {
        self.clock = false;
        match &mut self.statistics {
            Statistics::Numbers(moments) => moments.fill(Moments::default()),
            Statistics::Category(counts) => counts.settle(),
            _ => {}
        }
    }

    /// Whether there is an is-missing input: where that was said, else where NULLs were seen.
    pub(super) fn is_marked(&self) -> bool {
        self.options.indicator.unwrap_or(self.seen().1 > 0)
    }

    /// Takes back a training row that was learned from; numbers and clocks are learned again.
    pub(super) fn drop_row(&mut self, record: &[u8]) -> Result<()> {
        let word = self.slot.field.word(record);
        match &mut self.statistics {
            Statistics::Category(counts) => counts.drop_row(word)?,
            Statistics::Boolean(counts) => {
                if let Some(count) = counts.get_mut(word as usize) {
                    *count = count.saturating_sub(1);
                }
            }
            Statistics::Buckets(counts) => {
                let count = &mut counts[usize::from(word == 0)];
                *count = count.saturating_sub(1);
            }
            Statistics::Numbers(_) | Statistics::Frozen { .. } => {}
        }
        Ok(())
    }

    /// Values of training rows that are not NULL, and those that are.
    pub(super) fn seen(&self) -> (u64, u64) {
        match &self.statistics {
            Statistics::Numbers(moments) => moments
                .first()
                .map_or((0, 0), |moments| (moments.count, moments.nulls)),
            Statistics::Boolean([falses, trues, nulls]) => (falses + trues, *nulls),
            Statistics::Category(counts) => counts.seen(),
            Statistics::Buckets([values, nulls]) => (*values, *nulls),
            Statistics::Frozen { .. } => (0, 0),
        }
    }
}
