//! Learns one feature: takes its values while rows are read, gives its encoding when all were.

use super::profile::{Moments, Profile};
use super::{
    CategoryNull, Code, Encoding, Null, Number, Scale, Unseen, Vocabulary, refusal::too_far,
};
#[cfg(test)]
use crate::Value;
use crate::record::Field;
use crate::slot::Slot;
use crate::{Budget, Column, Error, ErrorKind, Feature, Result};

/// The most categories of one column.
pub(crate) const MAX_CATEGORIES: usize = 1000;

/// One feature being learned.
#[derive(Debug)]
pub(crate) struct Learner {
    /// Where it comes from and goes to.
    pub(crate) slot: Slot,
    profile: Profile,
}

impl Learner {
    /// Nothing learned yet about `column`, which is the `index`-th of the query.
    pub(crate) fn new(index: usize, column: Column, field: Field) -> Self {
        Self {
            profile: Profile::new(column.column_type, column.labels),
            slot: Slot {
                column: index,
                field,
                name: column.name,
                column_type: column.column_type,
            },
        }
    }

    /// Stores `value` in `record` and, if it belongs to a training row, learns from it. `row` counts from 1.
    #[cfg(test)]
    pub(crate) fn take(
        &mut self,
        value: &Value<'_>,
        training: bool,
        record: &mut [u8],
        budget: &Budget,
        row: u64,
    ) -> Result<()> {
        self.slot.check(value, row)?;
        self.slot.write(value, record);
        self.learn(crate::ingest::text_of(value), training, record, budget)
    }

    /// Puts moments learned elsewhere in the place of its own.
    pub(crate) fn set_moments(&mut self, moments: Moments) {
        self.profile = Profile::Number(moments);
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
        match &mut self.profile {
            Profile::Number(moments) if training => moments.take(self.slot.field.number(record)),
            Profile::Boolean(counts) if training => {
                let word = self.slot.field.word(record);
                if let Some(count) = counts.get_mut(word as usize) {
                    *count += 1;
                }
            }
            Profile::Number(_) | Profile::Boolean(_) => {}
            Profile::Category(categories) => {
                let code = match text {
                    Some(text) => categories.code(text, training, budget)?,
                    None => categories.null(training),
                };
                if categories.trained() > MAX_CATEGORIES {
                    return Err(too_many(&self.slot.name));
                }
                self.slot.field.write_word(record, code);
            }
        }
        Ok(())
    }

    /// Numbers of training rows that a median must be found of; 0 for other types.
    pub(crate) fn numbers(&self) -> u64 {
        if let Profile::Number(moments) = &self.profile {
            moments.count
        } else {
            0
        }
    }

    /// The feature as learned, with the `median` of its numbers; for a category also what each code means.
    pub(crate) fn finish(self, median: f64, budget: &Budget) -> Result<(Feature, Vec<Code>)> {
        let (nulls, others) = self.profile.counts();
        if others == 0 {
            let hint = format!(
                "List it in exclude, or leave it out of the query: exclude => '{{\"{}\"}}'.",
                self.slot.name
            );
            return Err(Error::new(
                ErrorKind::NullNotAllowed,
                format!(
                    "column \"{}\" is NULL in every training row",
                    self.slot.name
                ),
            )
            .hint(hint));
        }
        let missing = nulls > 0;
        let mut codes = Vec::new();
        let encoding = match self.profile {
            Profile::Number(moments) => {
                let Some(std) = moments.std() else {
                    return Err(too_far(moments.mean, &self.slot.name));
                };
                Encoding::Number(Number {
                    scale: Scale::Standard,
                    clip: None,
                    center: moments.mean,
                    divisor: std,
                    null: Null::Value(median),
                    missing,
                })
            }
            Profile::Boolean([falses, trues, _]) => Encoding::Boolean {
                null: Null::Value(trues > falses),
                missing,
            },
            Profile::Category(categories) => {
                let (categories, positions) = categories.ordered(true, budget);
                let code = |position: Option<u32>| position.map_or(Code::Unseen, Code::Category);
                codes = positions.into_iter().map(code).collect();
                Encoding::OneHot(Vocabulary {
                    categories,
                    other: false,
                    missing,
                    unseen: Unseen::Other,
                    null: CategoryNull::Missing,
                })
            }
        };
        Ok((
            Feature {
                name: self.slot.name,
                column_type: self.slot.column_type,
                encoding,
                profile: super::Profile {
                    nulls,
                    ..super::Profile::default()
                },
            },
            codes,
        ))
    }
}

#[cold]
fn too_many(name: &str) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("column \"{name}\" has more than {MAX_CATEGORIES} categories"),
    )
    .hint("Leave it out of the query or list it in exclude; group rare values to keep it.")
}
