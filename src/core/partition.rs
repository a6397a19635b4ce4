//! Which rows train and which validate, decided row by row while they are read.

use crate::target::MAX_CLASSES;
use crate::validation_split::ValidationSplit;
use crate::{Column, ColumnType, Error, ErrorKind, Loss, Result, TrainOptions, Value};

/// What a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Validate,
    /// Nothing.
    Test,
}

/// How the rows of the training query are divided.
#[derive(Debug)]
pub(crate) enum Partition {
    /// By a share, within each class of the target.
    Split {
        split: ValidationSplit,
        /// The target where its values are, or may be, classes.
        classes: Option<Classes>,
    },
    /// By the column of this place and name.
    Column(usize, String),
    /// All train.
    Whole,
}

/// The target as classes.
#[derive(Debug)]
pub(crate) struct Classes {
    column: usize,
    /// Every number is a class; else 0 and 1 are, should no other come.
    wanted: bool,
}

impl Partition {
    /// As `options` say, for a query with these targets and this column of `split_column`.
    pub(crate) fn new(
        options: &TrainOptions,
        targets: &[(usize, Column)],
        column: Option<&(usize, Column)>,
    ) -> Result<Self> {
        if let Some((place, column)) = column {
            let name = column.name.clone();
            return match column.column_type {
                ColumnType::Boolean | ColumnType::Category => Ok(Self::Column(*place, name)),
                other => {
                    let what = other.words();
                    let message =
                        format!("split_column \"{name}\" must be text or boolean, not {what}");
                    Err(Error::new(ErrorKind::TypeMismatch, message).hint(VALUES))
                }
            };
        }
        let wanted = options.loss.as_ref().is_some_and(Loss::wants_classes);
        let numbers = options.loss.as_ref().is_some_and(Loss::wants_numbers);
        let classes = match targets {
            [(column, target)] => {
                let fits = match target.column_type {
                    ColumnType::Boolean | ColumnType::Category => true,
                    ColumnType::Number => target.integer && !numbers,
                    _ => false,
                };
                fits.then_some(Classes {
                    column: *column,
                    wanted,
                })
            }
            _ => None,
        };
        let split = options.validation_split;
        Ok(Self::Split {
            // Of a regression two rows always train: one has no deviation. Of classes there are two with one each.
            split: ValidationSplit::new(split, options.seed, if classes.is_some() { 1 } else { 2 }),
            classes,
        })
    }

    /// The share that is held out, where one was asked for.
    pub(crate) fn split(&self) -> Option<f64> {
        match self {
            Self::Split { split, .. } => split.share(),
            _ => None,
        }
    }

    /// Whether `row`, the `number`th from 1, is for nothing at all.
    pub(crate) fn is_unused(&self, row: &[Value<'_>], number: u64) -> Result<bool> {
        match self {
            Self::Column(place, name) => Ok(read(row.get(*place), name, number)? == Part::Test),
            _ => Ok(false),
        }
    }

    /// What `row` is for. To be asked once for every row that is used.
    #[inline]
    pub(crate) fn next(&mut self, row: &[Value<'_>], number: u64) -> Result<Part> {
        match self {
            Self::Split { split, classes } => {
                let class = classes.as_ref().map_or(0, |classes| classes.of(row));
                Ok(if split.next(class) {
                    Part::Validate
                } else {
                    Part::Train
                })
            }
            Self::Column(place, name) => read(row.get(*place), name, number),
            Self::Whole => Ok(Part::Train),
        }
    }
}

impl Classes {
    /// A number for the class of `row`; different classes may have the same in rare cases.
    fn of(&self, row: &[Value<'_>]) -> u64 {
        match row.get(self.column) {
            Some(Value::Boolean(value)) => u64::from(*value),
            Some(Value::Number(value)) if self.wanted || matches!(value, 0.0 | 1.0) => {
                (*value + 0.0).to_bits().rotate_left(12)
            }
            Some(Value::Text(text)) => fnv(text.as_bytes()),
            _ => u64::MAX,
        }
    }
}

/// The most classes that are told apart.
pub(crate) const STRATA: usize = MAX_CLASSES + 1;

/// Fowler, Noll and Vo's hash 1a of 64 bits: the same on every machine and in every release.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

const VALUES: &str =
    "Its values are train, validation and test; of a boolean, true means validation.";

fn read(value: Option<&Value<'_>>, name: &str, number: u64) -> Result<Part> {
    let known = [
        ("train", Part::Train),
        ("validation", Part::Validate),
        ("val", Part::Validate),
        ("eval", Part::Validate),
        ("test", Part::Test),
    ];
    let shown = match value {
        Some(Value::Boolean(true)) => return Ok(Part::Validate),
        Some(Value::Boolean(false)) => return Ok(Part::Train),
        Some(Value::Text(text)) => {
            let mut known = known.iter();
            match known.find(|(word, _)| word.eq_ignore_ascii_case(text)) {
                Some((_, part)) => return Ok(*part),
                None => format!("has the value \"{text}\""),
            }
        }
        Some(Value::Number(value)) => format!("has the value {value}"),
        Some(Value::Vector(_)) => "is an array".to_owned(),
        Some(Value::Null) | None => {
            let message = format!("split_column \"{name}\" is NULL in row {number}");
            return Err(Error::new(ErrorKind::NullNotAllowed, message).hint(VALUES));
        }
    };
    let message = format!("split_column \"{name}\" {shown} in row {number}");
    Err(Error::new(ErrorKind::InvalidParameter, message).hint(VALUES))
}
