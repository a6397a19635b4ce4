//! Learns the target while rows are read. What an integer target is for is known only when all were.

use crate::encoder::{Categories, Moments, too_far};
use crate::record::Field;
use crate::slot::Slot;
use crate::target::{MAX_CLASSES, Target, TargetKind};
use crate::{Budget, Column, ColumnType, Error, ErrorKind, Loss, Result};
use std::collections::BTreeSet;

/// The target being learned.
#[derive(Debug)]
pub(crate) struct TargetLearner {
    /// Where it comes from and goes to.
    pub(crate) slot: Slot,
    /// A given loss is a crossentropy: an integer target means classes.
    classes_wanted: bool,
    moments: Moments,
    categories: Categories,
    booleans: [u64; 2],
    /// The distinct values of an integer target, while they may still be classes.
    integers: Option<BTreeSet<i64>>,
}

/// How a stored target becomes `y`.
#[derive(Debug)]
pub(crate) enum TargetCodes {
    /// `(value - mean) / std`
    Scaled { mean: f64, inverse: f64 },
    /// The class of each stored word.
    Words(Vec<Option<u32>>),
    /// The class is the value's place among these.
    Integers(Vec<i64>),
}

impl TargetLearner {
    /// Nothing learned yet about `column`, which is the `index`-th of the query; `loss` if one was given.
    pub(crate) fn new(
        index: usize,
        column: Column,
        field: Field,
        loss: Option<&Loss>,
    ) -> Result<Self> {
        let classes_wanted = loss.is_some_and(Loss::is_crossentropy);
        if let Some(loss) =
            loss.filter(|_| classes_wanted && column.column_type.is_numeric() && !column.integer)
        {
            let message = format!(
                "target \"{}\" holds numbers that are not integers, but loss {} needs classes",
                column.name,
                loss.name()
            );
            return Err(Error::new(ErrorKind::TypeMismatch, message)
                .hint("Cast it to integer or text, or use loss mse."));
        }
        let integers = column.integer.then(BTreeSet::new);
        let categories = Categories::new(column.labels);
        Ok(Self {
            slot: Slot {
                column: index,
                field,
                name: column.name,
                column_type: column.column_type,
            },
            classes_wanted,
            moments: Moments::default(),
            categories,
            booleans: [0; 2],
            integers,
        })
    }

    /// Learns from a stored value: labels from every row, statistics from training rows. Stores the code of a label, whose
    /// `text` it is given.
    #[inline]
    pub(crate) fn learn(
        &mut self,
        text: Option<&str>,
        training: bool,
        record: &mut [u8],
        budget: &Budget,
    ) -> Result<()> {
        match self.slot.column_type {
            ColumnType::Boolean => {
                let word = self.slot.field.word(record);
                if let Some(count) = self.booleans.get_mut(word as usize) {
                    *count += 1;
                }
            }
            ColumnType::Category => {
                let code = self
                    .categories
                    .code(text.unwrap_or_default(), training, budget)?;
                if self.categories.all() > MAX_CLASSES {
                    return Err(self.too_many());
                }
                self.slot.field.write_word(record, code);
            }
            _ => {
                let number = self.slot.field.number(record);
                if training {
                    self.moments.add(number);
                }
                if self.integers.is_some() {
                    self.integer(number)?;
                }
            }
        }
        Ok(())
    }

    fn integer(&mut self, number: f64) -> Result<()> {
        /// Beyond it neighbouring integers are one f64.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let Some(integers) = &mut self.integers else {
            return Ok(());
        };
        if self.classes_wanted && (number.abs() > EXACT || number.trunc() != number) {
            let message = format!(
                "target \"{}\" has the value {number}, which cannot be a class",
                self.slot.name
            );
            return Err(
                Error::new(ErrorKind::LimitExceeded, message).hint("Cast the target to text.")
            );
        }
        integers.insert(number as i64);
        if self.classes_wanted && integers.len() > MAX_CLASSES {
            return Err(self.too_many());
        }
        if !self.classes_wanted && (!matches!(number, 0.0 | 1.0)) {
            // Not exactly 0 and 1: a regression.
            self.integers = None;
        }
        Ok(())
    }

    #[cold]
    fn too_many(&self) -> Error {
        Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "target \"{}\" has more than {MAX_CLASSES} classes",
                self.slot.name
            ),
        )
        .hint("Group rare labels, or cast a number to double precision for a regression.")
    }

    /// The target as learned, how stored words become `y`, and what the user should know.
    pub(crate) fn finish(
        &mut self,
        budget: &Budget,
    ) -> Result<(Target, TargetCodes, Option<String>)> {
        let name = self.slot.name.clone();
        let column_type = self.slot.column_type;
        let mut notice = None;
        let integers = self
            .integers
            .take()
            .filter(|integers| self.classes_wanted || integers.len() == 2);
        let (labels, codes) = match (column_type, integers) {
            (_, Some(integers)) => {
                if !self.classes_wanted {
                    notice = Some(format!(
                        "target \"{name}\" holds only 0 and 1 and is trained as a class target; cast it to double precision for a regression"
                    ));
                }
                (
                    integers.iter().map(i64::to_string).collect(),
                    TargetCodes::Integers(integers.into_iter().collect()),
                )
            }
            (ColumnType::Boolean, _) => {
                let seen = ["false", "true"]
                    .iter()
                    .zip(self.booleans)
                    .filter(|(_, count)| *count > 0);
                (
                    seen.map(|(label, _)| (*label).to_owned()).collect(),
                    TargetCodes::Words(vec![Some(0), Some(1)]),
                )
            }
            (ColumnType::Category, _) => {
                let categories = std::mem::replace(&mut self.categories, Categories::new(None));
                let (labels, positions) = categories.ordered(false, budget);
                (labels, TargetCodes::Words(positions))
            }
            (_, None) => {
                let Some(std) = self.moments.std() else {
                    return Err(too_far(self.moments.mean, &name));
                };
                let mean = self.moments.mean;
                let codes = TargetCodes::Scaled {
                    mean,
                    inverse: 1.0 / std,
                };
                return Ok((
                    Target {
                        name,
                        column_type,
                        kind: TargetKind::Regression { mean, std },
                    },
                    codes,
                    None,
                ));
            }
        };
        let labels: Vec<String> = labels;
        match labels.as_slice() {
            [label] => Err(Error::new(
                ErrorKind::TooFew,
                format!("target \"{name}\" has only one class, \"{label}\""),
            )
            .hint("Let the query return rows of at least two classes.")),
            _ => Ok((
                Target {
                    name,
                    column_type,
                    kind: TargetKind::Classes { labels },
                },
                codes,
                notice,
            )),
        }
    }
}

impl TargetCodes {
    /// `y` of a stored row: a standardised value or a class number.
    #[inline]
    pub(crate) fn encode(&self, field: Field, record: &[u8]) -> f32 {
        match self {
            Self::Scaled { mean, inverse } => ((field.number(record) - mean) * inverse) as f32,
            Self::Words(classes) => classes
                .get(field.word(record) as usize)
                .copied()
                .flatten()
                .unwrap_or(0) as f32,
            Self::Integers(values) => {
                let value = field.number(record) as i64;
                values.binary_search(&value).unwrap_or(0) as f32
            }
        }
    }
}
