//! Learns the target while rows are read. What an integer target is for is known only when all were.

use crate::encoder::{Moments, too_far};
use crate::labels::{Labels, Rows};
use crate::record::{Field, FieldKind};
use crate::slot::Slot;
use crate::target::{MAX_CLASSES, Standard, Target, TargetColumn, TargetKind, unseen};
use crate::{Budget, Column, ColumnType, Error, ErrorKind, Loss, Result};
use std::collections::BTreeMap;

/// The target being learned: one column, or several of numbers.
#[derive(Debug)]
pub(crate) struct TargetLearner {
    /// Where it comes from and goes to.
    pub(crate) slots: Vec<Slot>,
    learned: Learned,
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
    /// A given loss is a crossentropy: the values mean classes.
    wanted: bool,
    rows: BTreeMap<i64, Rows>,
    /// A value of a validation row that is neither 0 nor 1, where those two are looked for.
    other: Option<f64>,
}

/// The target, learned.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) target: Target,
    pub(crate) codes: TargetCodes,
    /// Training rows of each label.
    pub(crate) rows: Vec<u64>,
    /// What the user should know.
    pub(crate) notice: Option<String>,
}

/// How a stored target becomes `y`.
#[derive(Debug)]
pub(crate) enum TargetCodes {
    /// The standardised values: the field, scale and name of each.
    Scaled(Vec<(Field, Standard, String)>),
    /// The class of each stored word.
    Words(Field, Vec<Option<u32>>),
    /// The class is the value's place among these.
    Integers(Field, Vec<i64>),
}

impl TargetLearner {
    /// Nothing learned yet about `columns`, each with its place in the query, whose values stand in the record from
    /// `offset` on; `loss` if one was given.
    pub(crate) fn new(
        columns: Vec<(usize, Column)>,
        mut offset: usize,
        loss: Option<&Loss>,
    ) -> Result<Self> {
        let wanted = loss.filter(|loss| loss.is_crossentropy());
        let several = columns.len() > 1;
        let mut slots = Vec::new();
        let mut learned = None;
        for (index, column) in columns {
            check_type(&column, several, wanted)?;
            let integer = column.integer && !several;
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
                        wanted: wanted.is_some(),
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
                if training {
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

    /// The target as learned.
    ///
    /// `TooFew` for a single class, `InvalidParameter` for one that only validation rows have.
    pub(crate) fn finish(self) -> Result<Learnt> {
        let columns: Vec<TargetColumn> = self.slots.iter().map(TargetColumn::of).collect();
        let name = self.name().to_owned();
        let field = self.slots.first().map(|slot| slot.field);
        let mut notice = None;
        // Labels in their order with their rows, and what stands for each in the record.
        let (classes, stored): (Vec<(String, Rows)>, Stored) = match self.learned {
            Learned::Labels(labels) => {
                let ordered = labels.ordered().into_iter();
                let (classes, codes) = ordered
                    .map(|(text, rows, code)| ((text, rows), code))
                    .unzip();
                (classes, Stored::Words(codes))
            }
            Learned::Booleans(rows) => {
                let labels = ["false", "true"].map(str::to_owned);
                (
                    labels.into_iter().zip(rows).collect(),
                    Stored::Words(vec![0, 1]),
                )
            }
            Learned::Numbers { outputs, integers } => {
                match integers.filter(Integers::are_classes) {
                    None => return scaled(columns, outputs),
                    Some(integers) => {
                        if let Some(other) = integers.other {
                            return Err(unseen(
                                &name,
                                &other.to_string(),
                                &["0".into(), "1".into()],
                            ));
                        }
                        if !integers.wanted {
                            notice = Some(format!(
                                "target \"{name}\" holds only 0 and 1 and is trained as a class target; cast it to double precision for a regression"
                            ));
                        }
                        let rows = integers.rows.into_iter();
                        let (classes, values) = rows
                            .map(|(value, rows)| ((value.to_string(), rows), value))
                            .unzip();
                        (classes, Stored::Integers(values))
                    }
                }
            }
        };
        let trained = |(_, [_, trained]): &(String, Rows)| *trained > 0;
        let labels: Vec<String> = classes
            .iter()
            .filter(|class| trained(class))
            .map(|(label, _)| label.clone())
            .collect();
        if let Some((label, _)) = classes
            .iter()
            .find(|(_, [held_out, trained])| *held_out > 0 && *trained == 0)
        {
            return Err(unseen(&name, label, &labels));
        }
        if let [label] = labels.as_slice() {
            return Err(Error::new(
                ErrorKind::TooFew,
                format!("target \"{name}\" has only one class, \"{label}\""),
            )
            .hint("Let the query return rows of at least two classes."));
        }
        let Some(field) = field else {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "there is no target",
            ));
        };
        Ok(Learnt {
            codes: stored.codes(field, classes.iter().map(trained)),
            rows: classes
                .iter()
                .map(|(_, [_, trained])| *trained)
                .filter(|rows| *rows > 0)
                .collect(),
            target: Target {
                columns,
                kind: TargetKind::Classes { labels },
            },
            notice,
        })
    }
}

impl Learnt {
    /// The same rows with `target`, which an earlier training learned.
    ///
    /// `InvalidParameter` for a label that it does not have, and for numbers in place of classes.
    pub(crate) fn onto(self, target: &Target) -> Result<Self> {
        let place = |label: &str| {
            let known = target.labels().iter().position(|known| known == label);
            known.ok_or_else(|| unseen(target.name(), label, target.labels()))
        };
        let places = self.target.labels().iter().map(|label| place(label));
        let places: Vec<usize> = places.collect::<Result<_>>()?;
        let mut rows = vec![0; target.labels().len()];
        for (place, learnt) in places.iter().zip(&self.rows) {
            if let Some(rows) = rows.get_mut(*place) {
                *rows = *learnt;
            }
        }
        let codes = match (self.codes, &target.kind) {
            (TargetCodes::Words(field, classes), TargetKind::Classes { .. }) => {
                let class = |class: Option<u32>| Some(*places.get(class? as usize)? as u32);
                TargetCodes::Words(field, classes.into_iter().map(class).collect())
            }
            (TargetCodes::Integers(field, _), TargetKind::Classes { labels }) => {
                let values = labels.iter().filter_map(|label| label.parse().ok());
                TargetCodes::Integers(field, values.collect())
            }
            (TargetCodes::Scaled(scaled), TargetKind::Regression { outputs })
                if scaled.len() == outputs.len() =>
            {
                let frozen = scaled.into_iter().zip(outputs);
                TargetCodes::Scaled(
                    frozen
                        .map(|((field, _, name), scale)| (field, *scale, name))
                        .collect(),
                )
            }
            _ => {
                let message = format!(
                    "{} is not what it was in the training before",
                    target.words()
                );
                return Err(Error::new(ErrorKind::InvalidParameter, message)
                    .hint("Continue with values of the same kind, or train a new model."));
            }
        };
        Ok(Self {
            target: target.clone(),
            codes,
            rows,
            notice: None,
        })
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

/// What stands in the record for classes in their order.
enum Stored {
    Words(Vec<u32>),
    Integers(Vec<i64>),
}

impl Stored {
    /// Numbers the classes that are kept.
    fn codes(self, field: Field, kept: impl Iterator<Item = bool>) -> TargetCodes {
        match self {
            Self::Words(words) => {
                let most = words.iter().max().map_or(0, |most| *most as usize + 1);
                let mut classes = vec![None; most];
                let kept = words.iter().zip(kept).filter(|(_, kept)| *kept);
                for (class, (word, _)) in kept.enumerate() {
                    if let Some(place) = classes.get_mut(*word as usize) {
                        *place = Some(class as u32);
                    }
                }
                TargetCodes::Words(field, classes)
            }
            Self::Integers(values) => {
                let kept = values.into_iter().zip(kept).filter(|(_, kept)| *kept);
                TargetCodes::Integers(field, kept.map(|(value, _)| value).collect())
            }
        }
    }
}

/// A regression of `outputs`.
fn scaled(columns: Vec<TargetColumn>, outputs: Vec<(Field, Moments)>) -> Result<Learnt> {
    let mut scales = Vec::new();
    for (place, (_, moments)) in outputs.iter().enumerate() {
        let Some(std) = moments.std() else {
            let name = Target::output_name(&columns, place);
            return Err(too_far(moments.mean, &name));
        };
        scales.push(Standard {
            mean: moments.mean,
            std,
        });
    }
    let fields = outputs.iter().zip(&scales).enumerate();
    let codes = fields
        .map(|(place, ((field, _), scale))| (*field, *scale, Target::output_name(&columns, place)));
    Ok(Learnt {
        codes: TargetCodes::Scaled(codes.collect()),
        target: Target {
            columns,
            kind: TargetKind::Regression { outputs: scales },
        },
        rows: Vec::new(),
        notice: None,
    })
}

/// Refuses what cannot be a target, alone or beside others, under a crossentropy if one is `wanted`.
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

impl TargetCodes {
    /// Appends `y` of a stored row: standardised values or a class number.
    #[inline]
    pub(crate) fn encode(&self, record: &[u8], y: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Scaled(outputs) => {
                for (field, scale, name) in outputs {
                    let value = field.number(record);
                    let scaled = scale.apply(value);
                    if !scaled.is_finite() {
                        return Err(too_far(value, name));
                    }
                    y.push(scaled);
                }
            }
            Self::Words(field, classes) => {
                let class = classes.get(field.word(record) as usize);
                y.push(class.copied().flatten().unwrap_or(0) as f32);
            }
            Self::Integers(field, values) => {
                let value = field.number(record) as i64;
                y.push(values.binary_search(&value).unwrap_or(0) as f32);
            }
        }
        Ok(())
    }

    /// Numbers of `y`.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Scaled(outputs) => outputs.len(),
            Self::Words(..) | Self::Integers(..) => 1,
        }
    }
}
