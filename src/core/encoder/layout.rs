//! From the columns of a query to learners: what is said about each, and where its values stand in the record.

use super::counts::Counts;
use super::encoding::{Encoding, Null, Unseen};
use super::learner::{Learner, Statistics};
use super::lookup::Lookup;
use super::moments::Moments;
use super::{CategoryNull, Preprocessing, Vocabulary};
use crate::preprocess::{ColumnOptions, Encode, Impute, Preprocess};
use crate::record::{Field, FieldKind};
use crate::slot::{Form, Nulls, Slot};
use crate::{Column, ColumnType, Error, ErrorKind, Result};

/// Points in time of which all pairs have a difference; of more only neighbours.
const PAIRED: usize = 8;

/// A column as far as its place is known.
struct Planned {
    slot: Slot,
    labels: Option<Vec<String>>,
}

/// Learners of the feature `columns`, each with its index in the query, followed by those of the differences between points
/// in time; and the bytes of their record, from 0. Their numbers may be `indices` of an Embedding layer.
pub(crate) fn layout(
    columns: Vec<(usize, Column)>,
    preprocess: &Preprocess,
    indices: bool,
) -> Result<(Vec<Learner>, usize)> {
    let (planned, bytes) = plan(columns)?;
    let names: Vec<(&str, ColumnType)> = planned
        .iter()
        .map(|it| (it.slot.name.as_str(), it.slot.column_type))
        .collect();
    let mut options = preprocess.resolve(&names)?;
    if indices {
        for (options, (name, column_type)) in options.iter_mut().zip(&names) {
            *options = std::mem::take(options).into_indices(name, *column_type)?;
        }
    }
    let learners = planned.into_iter().zip(options).map(|(planned, options)| {
        let mut slot = planned.slot;
        if let Some(Encode::Hash { buckets, .. }) = options.encode {
            slot.form = Form::Bucket(buckets);
        }
        slot.nulls = nulls(&options);
        Learner {
            statistics: match slot.form {
                Form::Number | Form::Vector(_) | Form::Difference(_) => {
                    Statistics::Numbers(vec![Moments::default(); slot.numbers()])
                }
                Form::Boolean => Statistics::Boolean([0; 3]),
                Form::Text => Statistics::Category(Counts::new(planned.labels)),
                Form::Bucket(_) => Statistics::Buckets([0; 2]),
            },
            slot,
            options,
            clock: false,
        }
    });
    Ok((learners.collect(), bytes))
}

/// Learners that learn nothing but what is an outlier, for feature `columns` that are bound to `preprocessing` in its order: what
/// was not seen in its training goes where it goes in a prediction.
pub(crate) fn frozen_layout(
    columns: Vec<(usize, Column)>,
    preprocessing: &Preprocessing,
    preprocess: &Preprocess,
) -> Result<(Vec<Learner>, usize)> {
    let (mut learners, bytes) = layout(columns, preprocess, false)?;
    let places = preprocessing.features.len();
    let differences = &preprocessing.differences;
    // A difference that was NULL in every row of the first training has no inputs.
    let known = |slot: &Slot| differences.iter().any(|it| it.name == slot.name);
    let mut place = 0;
    learners.retain(|learner| {
        place += 1;
        place <= places || known(&learner.slot)
    });
    for (place, learner) in learners.iter_mut().enumerate() {
        let encoding = preprocessing.features.get(place).map(|it| &it.encoding);
        let refuses = match encoding {
            Some(encoding) => refuses_null(encoding),
            None => differences
                .iter()
                .any(|it| it.name == learner.slot.name && it.number.null == Null::Refused),
        };
        // Outliers are those of the rows of this training.
        if !learner.drops_outliers() {
            learner.statistics = frozen(encoding)?;
        }
        learner.slot.form = match encoding {
            Some(Encoding::Hash { buckets, .. }) => Form::Bucket(*buckets),
            Some(Encoding::Vector { elements, .. }) => Form::Vector(elements.len()),
            Some(_) if learner.slot.column_type == ColumnType::Category => Form::Text,
            _ => learner.slot.form,
        };
        if refuses && learner.slot.nulls == Nulls::Kept {
            learner.slot.nulls = Nulls::Refused;
        }
    }
    Ok((learners, bytes))
}

fn frozen(encoding: Option<&Encoding>) -> Result<Statistics> {
    let (categories, unseen) = match encoding {
        Some(
            Encoding::OneHot(Vocabulary {
                categories, unseen, ..
            })
            | Encoding::Embedding {
                vocabulary:
                    Vocabulary {
                        categories, unseen, ..
                    },
                ..
            }
            | Encoding::Ordinal {
                order: categories,
                unseen,
                ..
            },
        ) => (categories, *unseen),
        _ => {
            return Ok(Statistics::Frozen {
                codes: None,
                unseen: None,
            });
        }
    };
    let codes = categories.iter().zip(1..);
    let codes = Lookup::new(codes.map(|(text, code)| (text.as_str(), code)))?;
    let next = categories.len() as u32 + 1;
    Ok(Statistics::Frozen {
        codes: Some(codes),
        unseen: (unseen != Unseen::Error).then_some(next),
    })
}

fn refuses_null(encoding: &Encoding) -> bool {
    match encoding {
        Encoding::Number(number)
        | Encoding::Ordinal { number, .. }
        | Encoding::Calendar { epoch: number, .. } => number.null == Null::Refused,
        Encoding::Boolean { null, .. } => *null == Null::Refused,
        Encoding::OneHot(vocabulary) | Encoding::Embedding { vocabulary, .. } => {
            vocabulary.null == CategoryNull::Refused
        }
        Encoding::Hash { null, .. } => *null == CategoryNull::Refused,
        Encoding::Vector { elements, .. } => elements.iter().any(|it| it.null == Null::Refused),
    }
}

fn nulls(options: &ColumnOptions) -> Nulls {
    match options.impute {
        Some(Impute::Error) => Nulls::Refused,
        Some(Impute::DropRow) => Nulls::Dropped,
        _ => Nulls::Kept,
    }
}

/// Slots of the columns and of the differences, one behind the other.
fn plan(columns: Vec<(usize, Column)>) -> Result<(Vec<Planned>, usize)> {
    let mut planned = Vec::new();
    let mut bytes = 0;
    for (index, mut column) in columns {
        if column.column_type == ColumnType::Vector && column.length.unwrap_or(0) == 0 {
            return Err(no_length(&column));
        }
        let kind = FieldKind::of(&column);
        let slot = Slot::new(
            index,
            &column,
            Field {
                offset: bytes,
                kind,
            },
        );
        bytes += slot.bytes();
        let labels = column.labels.take();
        planned.push(Planned { slot, labels });
    }
    let times: Vec<Slot> = planned
        .iter()
        .filter(|it| it.slot.column_type.is_point_in_time())
        .map(|it| it.slot.clone())
        .collect();
    for (to, second) in times.iter().enumerate() {
        let first = if times.len() > PAIRED {
            to.saturating_sub(1)
        } else {
            0
        };
        for from in times.get(first..to).unwrap_or_default() {
            let field = Field {
                offset: bytes,
                kind: FieldKind::Double,
            };
            bytes += field.kind.bytes();
            planned.push(Planned {
                slot: Slot {
                    field,
                    name: format!("{} - {}", second.name, from.name),
                    column_type: ColumnType::Interval,
                    form: Form::Difference(from.column),
                    ..second.clone()
                },
                labels: None,
            });
        }
    }
    Ok((planned, bytes))
}

fn no_length(column: &Column) -> Error {
    let hint = "List it in exclude, or leave it out of the query.";
    let name = &column.name;
    match column.length {
        None => Error::new(
            ErrorKind::NullNotAllowed,
            format!("column \"{name}\" is NULL in every training row"),
        ),
        Some(_) => Error::new(
            ErrorKind::TypeMismatch,
            format!("the arrays of column \"{name}\" have no elements"),
        ),
    }
    .hint(hint)
}
