//! Learns the target while rows are read. What an integer target is for is known only when all were.

mod learnt;

use crate::encoder::Moments;
use crate::labels::{Labels, Rows};
use crate::loss::Scaling;
use crate::record::{Field, FieldKind};
use crate::slot::Slot;
use crate::target::{MAX_CLASSES, Target};
use crate::{Budget, Column, ColumnType, Error, ErrorKind, Loss, Result};
pub(crate) use learnt::Learnt;
use std::collections::BTreeMap;

/// The target being learned: one column, or several of numbers.
#[derive(Debug)]
pub(crate) struct TargetLearner {
    /// Where it comes from and goes to.
    pub(crate) slots: Vec<Slot>,
    learned: Learned,
    /// The loss, if one was given.
    loss: Option<Loss>,
    /// Whether numbers are learned in their own units, so that those of every row have to fit the loss.
    own_units: bool,
}

/// What is learned. Classes are learned from every row, so that one that no training row has is noticed.
#[derive(Debug)]
enum Learned {
    /// By output: where it stands, and its moments in training rows.
    Numbers {
        outputs: Vec<(Field, Moments)>,
        integers: Option<Integers>,
    },
    Booleans([Rows; 2]),
    Labels(Labels),
}

/// The distinct values of an integer target, while they may still be classes.
#[derive(Debug)]
struct Integers {
    /// A given loss is a crossentropy, or the training before had classes: the values mean classes.
    wanted: bool,
    rows: BTreeMap<i64, Rows>,
    /// A value of a validation row that is neither 0 nor 1, where those two are looked for.
    other: Option<f64>,
}

impl TargetLearner {
    /// Nothing learned yet about `columns`, each with its place in the query, whose values stand in the record from
    /// `offset` on; `loss` if one was given, and what a training before learned, if there was one.
    pub(crate) fn new(
        columns: Vec<(usize, Column)>,
        mut offset: usize,
        loss: Option<&Loss>,
        known: Option<&Target>,
    ) -> Result<Self> {
        let wanted = loss.filter(|loss| loss.wants_classes());
        let numbers = loss.is_some_and(Loss::wants_numbers);
        let known = known.is_some_and(|target| !target.labels().is_empty());
        let several = columns.len() > 1;
        let mut slots = Vec::new();
        let mut learned = None;
        for (index, column) in columns {
            check_type(&column, several, wanted)?;
            if let Some(loss) = loss.filter(|_| numbers) {
                check_number(&column, loss)?;
            }
            let integer = column.integer && !several && !numbers;
            let kind = FieldKind::of(&column);
            let slot = Slot::new(index, &column, Field { offset, kind });
            offset += slot.bytes();
            match column.column_type {
                ColumnType::Boolean => learned = Some(Learned::Booleans([[0; 2]; 2])),
                ColumnType::Category => learned = Some(Learned::Labels(Labels::new(column.labels))),
                _ => {}
            }
            if integer {
                learned = Some(Learned::Numbers {
                    outputs: vec![(slot.field, Moments::default())],
                    integers: Some(Integers {
                        wanted: known || wanted.is_some(),
                        rows: BTreeMap::new(),
                        other: None,
                    }),
                });
            }
            slots.push(slot);
        }
        let outputs = slots
            .iter()
            .flat_map(|slot| (0..slot.numbers()).map(|place| slot.field.at(place)))
            .map(|field| (field, Moments::default()));
        Ok(Self {
            learned: learned.unwrap_or_else(|| Learned::Numbers {
                outputs: outputs.collect(),
                integers: None,
            }),
            slots,
            loss: loss.copied(),
            own_units: loss.is_some_and(|loss| matches!(loss.scaling(), Scaling::Own(..))),
        })
    }

    /// Bytes in the record.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.iter().map(Slot::bytes).sum()
    }

    /// The slot of labels, if that is what the target has.
    pub(crate) fn text_slot(&self) -> Option<&Slot> {
        self.slots.first().filter(|slot| slot.is_text())
    }

    /// Learns from a stored value: classes from every row, statistics from training rows. Stores the code of a label, whose
    /// `text` it is given.
    #[inline]
    pub(crate) fn learn(
        &mut self,
        text: Option<&str>,
        training: bool,
        record: &mut [u8],
        budget: &Budget,
    ) -> Result<()> {
        if let Learned::Labels(labels) = &mut self.learned {
            let code = labels.code(text.unwrap_or_default(), budget)?;
            match (code, self.slots.first()) {
                (Some(code), Some(slot)) => slot.field.write_word(record, code),
                _ => return Err(self.too_many()),
            }
        }
        self.count(training, record)
    }

    /// Learns from a record that has all it needs.
    #[inline]
    fn count(&mut self, training: bool, record: &[u8]) -> Result<()> {
        let rows = match (&mut self.learned, self.slots.first()) {
            (Learned::Labels(labels), Some(slot)) => {
                labels.rows_mut().get_mut(slot.field.word(record) as usize)
            }
            (Learned::Booleans(rows), Some(slot)) => rows.get_mut(slot.field.word(record) as usize),
            (Learned::Numbers { outputs, integers }, Some(slot)) => {
                if training || self.own_units {
                    for (field, moments) in outputs.iter_mut() {
                        moments.add(field.number(record));
                    }
                }
                let number = slot.field.number(record);
                if integers.is_some() {
                    self.integer(number, training)?;
                }
                None
            }
            (_, None) => None,
        };
        if let Some(rows) = rows {
            rows[usize::from(training)] += 1;
        }
        Ok(())
    }

    fn integer(&mut self, number: f64, training: bool) -> Result<()> {
        /// Beyond it neighbouring integers are one f64.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let Learned::Numbers { integers, .. } = &mut self.learned else {
            return Ok(());
        };
        let Some(known) = integers else {
            return Ok(());
        };
        if known.wanted {
            if number.abs() > EXACT || number.trunc() != number {
                let message = format!(
                    "target \"{}\" has the value {number}, which cannot be a class",
                    self.name()
                );
                return Err(
                    Error::new(ErrorKind::LimitExceeded, message).hint("Cast the target to text.")
                );
            }
        } else if !matches!(number, 0.0 | 1.0) {
            if training {
                // Not exactly 0 and 1: a regression.
                *integers = None;
            } else {
                known.other.get_or_insert(number);
            }
            return Ok(());
        }
        known.rows.entry(number as i64).or_default()[usize::from(training)] += 1;
        if known.rows.len() > MAX_CLASSES {
            return Err(self.too_many());
        }
        Ok(())
    }

    /// Forgets all training rows.
    pub(crate) fn forget(&mut self) {
        let forget = |rows: &mut Rows| rows[1] = 0;
        match &mut self.learned {
            Learned::Labels(labels) => labels.rows_mut().iter_mut().for_each(forget),
            Learned::Booleans(rows) => rows.iter_mut().for_each(forget),
            Learned::Numbers { outputs, integers } => {
                outputs
                    .iter_mut()
                    .for_each(|(_, moments)| *moments = Moments::default());
                if let Some(integers) = integers {
                    integers.rows.values_mut().for_each(forget);
                }
            }
        }
    }

    /// Learns again from the record of a training row, which was forgotten.
    pub(crate) fn relearn(&mut self, record: &[u8]) -> Result<()> {
        self.count(true, record)
    }

    fn name(&self) -> &str {
        self.slots.first().map_or("", |slot| &slot.name)
    }

    #[cold]
    fn too_many(&self) -> Error {
        Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "target \"{}\" has more than {MAX_CLASSES} classes",
                self.name()
            ),
        )
        .hint("Group rare labels, or cast a number to double precision for a regression.")
    }
}

impl Integers {
    /// Whether they were, in training rows, or were asked for.
    fn are_classes(&self) -> bool {
        self.wanted
            || self
                .rows
                .values()
                .filter(|[_, trained]| *trained > 0)
                .count()
                == 2
    }
}

/// Refuses a target of classes under a loss of numbers.
fn check_number(column: &Column, loss: &Loss) -> Result<()> {
    let kind = column.column_type;
    if kind.is_numeric() || kind == ColumnType::Vector {
        return Ok(());
    }
    let (name, what, loss) = (&column.name, kind.words(), loss.name());
    let message = format!("target \"{name}\" is {what}, but loss {loss} needs numbers");
    Err(Error::new(ErrorKind::TypeMismatch, message)
        .hint("Use a crossentropy, or cast the target to a number."))
}

/// Refuses what cannot be a target, alone or beside others, under a loss of classes if one is `wanted`.
fn check_type(column: &Column, several: bool, wanted: Option<&Loss>) -> Result<()> {
    let name = &column.name;
    let refused =
        |message: String, hint: &str| Err(Error::new(ErrorKind::TypeMismatch, message).hint(hint));
    if several && !column.column_type.is_numeric() {
        let what = column.column_type.words();
        return refused(
            format!("target \"{name}\" is {what}, but several targets must be numbers"),
            "Train a model for each, or cast it to a number.",
        );
    }
    match wanted {
        Some(loss) if several || column.column_type == ColumnType::Vector => refused(
            format!(
                "loss {} needs one target of classes, not several numbers",
                loss.name()
            ),
            "Use loss mse, mae or huber.",
        ),
        Some(loss) if column.column_type.is_numeric() && !column.integer => refused(
            format!(
                "target \"{name}\" holds numbers that are not integers, but loss {} needs classes",
                loss.name()
            ),
            "Cast it to integer or text, or use loss mse.",
        ),
        _ => Ok(()),
    }
}
