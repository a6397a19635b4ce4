//! What the values of a row become, column by column.

mod encode;

use super::Row;
use crate::encoder::lookup::Lookup;
use crate::encoder::number::Plain;
use crate::encoder::place::{Place, bucket_of_null, position};
use crate::encoder::{Code, Difference, Encoding, Null, Part, Scaling};
use crate::predict::Table;
use crate::{Error, ErrorKind, Result};
use std::sync::Arc;

/// What the value of one feature becomes, or those of several.
#[derive(Debug)]
pub(super) enum Step {
    /// Numbers without is-missing inputs, whose inputs go to `row` and on.
    Run {
        scalings: Vec<Plain>,
        row: u32,
    },
    Number {
        scaling: Scaling,
        row: Row,
        /// That of the is-missing input, if there is one.
        missing: Row,
    },
    Boolean {
        /// None where NULL is refused.
        null: Option<bool>,
        row: Row,
        missing: Row,
    },
    Category(Box<OneHot<Lookup<Row>>>),
    Bucket(Box<OneHot<Vec<Row>>>),
    Vectors {
        texts: Texts,
        unseen: Place,
        null: Place,
        vectors: Vectors,
    },
    Ordinal {
        inputs: Lookup<f32>,
        /// The input, and that of whether it is missing.
        unseen: [f32; 2],
        null: [f32; 2],
        row: Row,
        missing: Row,
    },
    Calendar {
        parts: Vec<(Part, [Row; 2])>,
        scaling: Scaling,
        row: Row,
        missing: Row,
        /// Where differences look for the value.
        instant: Option<usize>,
    },
    Vector {
        elements: Vec<(Scaling, Row)>,
        missing: Row,
    },
}

/// The row of a text's input; none of these where the text or NULL is refused.
#[derive(Debug)]
pub(super) struct OneHot<T> {
    texts: T,
    unseen: Option<Row>,
    null: Option<Row>,
}

/// From a text to the place of its vector.
#[derive(Debug)]
pub(super) enum Texts {
    Known(Lookup<u32>),
    Buckets(u32),
}

/// Vectors, the numbers of which go to `row` and on.
#[derive(Debug)]
pub(super) struct Vectors {
    pub(super) table: Arc<Table>,
    pub(super) row: u32,
}

/// The seconds between two points in time.
#[derive(Debug)]
pub(super) struct Between {
    from: usize,
    to: usize,
    scaling: Scaling,
    row: Row,
    missing: Row,
}

impl Between {
    /// Of `difference`, whose ends are among `instants`.
    pub(super) fn new(difference: &Difference, instants: &[usize], rows: &[Row]) -> Option<Self> {
        let place = |feature| instants.iter().position(|instant| *instant == feature);
        Some(Self {
            from: place(difference.from)?,
            to: place(difference.to)?,
            scaling: Scaling::new(&difference.number),
            row: rows.first().copied().flatten(),
            missing: rows.get(1).copied().flatten(),
        })
    }
}

impl Step {
    /// For an encoding whose inputs go to `rows`, or that is the place of one of `vectors`. A point in time is also kept
    /// as `instant`.
    pub(super) fn new(
        encoding: &Encoding,
        rows: &[Row],
        instant: Option<usize>,
        vectors: Option<Vectors>,
    ) -> Result<Self> {
        if let Some(vectors) = vectors {
            return Self::vectors(encoding, vectors);
        }
        let row = |input: usize| rows.get(input).copied().flatten();
        let seat = |place: Place| match place {
            Place::At(place) => Some(row(place as usize)),
            Place::Nowhere => Some(None),
            Place::Refused => None,
        };
        Ok(match encoding {
            Encoding::Number(number) => Self::Number {
                scaling: Scaling::new(number),
                row: row(0),
                missing: row(1),
            },
            Encoding::Boolean { null, .. } => Self::Boolean {
                null: match null {
                    Null::Value(value) => Some(*value),
                    Null::Refused => None,
                },
                row: row(0),
                missing: row(1),
            },
            Encoding::OneHot(vocabulary) => {
                let categories = vocabulary.categories.iter().enumerate();
                let categories = categories.map(|(place, it)| (it.as_str(), row(place)));
                Self::Category(Box::new(OneHot {
                    texts: Lookup::new(categories)?,
                    unseen: seat(vocabulary.input(Some(Code::Unseen))),
                    null: seat(vocabulary.input(None)),
                }))
            }
            Encoding::Hash {
                buckets,
                null,
                missing,
                ..
            } => Self::Bucket(Box::new(OneHot {
                texts: rows.iter().copied().take(*buckets as usize).collect(),
                unseen: Some(None),
                null: seat(bucket_of_null(*null, *buckets, *missing, true)),
            })),
            Encoding::Ordinal { order, .. } => {
                let input =
                    |place: usize| position(encoding, Some(Code::Category(place as u32)))[0];
                let order = order.iter().enumerate();
                let order = order.map(|(place, text)| (text.as_str(), input(place)));
                Self::Ordinal {
                    inputs: Lookup::new(order)?,
                    unseen: position(encoding, Some(Code::Unseen)),
                    null: position(encoding, None),
                    row: row(0),
                    missing: row(1),
                }
            }
            Encoding::Calendar { parts, epoch } => {
                let parts = parts.iter().enumerate();
                let parts =
                    parts.map(|(place, part)| (*part, [row(2 * place), row(2 * place + 1)]));
                let parts: Vec<_> = parts.collect();
                Self::Calendar {
                    row: row(2 * parts.len()),
                    missing: row(2 * parts.len() + 1),
                    parts,
                    scaling: Scaling::new(epoch),
                    instant,
                }
            }
            Encoding::Vector { elements, .. } => {
                let numbers = elements.iter().enumerate();
                let numbers = numbers.map(|(place, number)| (Scaling::new(number), row(place)));
                Self::Vector {
                    elements: numbers.collect(),
                    missing: row(elements.len()),
                }
            }
            Encoding::Embedding { .. } => return Err(no_vectors()),
        })
    }

    /// For an encoding that is the place of one of `vectors`.
    fn vectors(encoding: &Encoding, vectors: Vectors) -> Result<Self> {
        Ok(match encoding {
            Encoding::Embedding { vocabulary, .. } => {
                let categories = vocabulary.categories.iter().zip(1..);
                Self::Vectors {
                    texts: Texts::Known(Lookup::new(
                        categories.map(|(it, place)| (it.as_str(), place)),
                    )?),
                    unseen: vocabulary.vector(Some(Code::Unseen)),
                    null: vocabulary.vector(None),
                    vectors,
                }
            }
            Encoding::Hash {
                buckets,
                null,
                missing,
                ..
            } => Self::Vectors {
                texts: Texts::Buckets(*buckets),
                unseen: Place::Refused,
                null: bucket_of_null(*null, *buckets, *missing, false),
                vectors,
            },
            _ => return Err(no_vectors()),
        })
    }

    /// The most inputs that are not 0.
    pub(super) fn most(&self) -> usize {
        match self {
            Self::Run { scalings, .. } => scalings.len(),
            Self::Number { .. } | Self::Boolean { .. } | Self::Ordinal { .. } => 2,
            Self::Category(_) | Self::Bucket(_) => 1,
            Self::Vectors { vectors, .. } => vectors.table.dim(),
            Self::Calendar { parts, .. } => 2 * parts.len() + 2,
            Self::Vector { elements, .. } => elements.len() + 1,
        }
    }

    /// Bytes held, but for vectors.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Run { scalings, .. } => scalings.capacity() * size_of::<Plain>(),
            Self::Category(one_hot) => one_hot.texts.bytes(),
            Self::Bucket(one_hot) => one_hot.texts.capacity() * size_of::<Row>(),
            Self::Vectors {
                texts: Texts::Known(texts),
                ..
            } => texts.bytes(),
            Self::Ordinal { inputs, .. } => inputs.bytes(),
            Self::Vector { elements, .. } => elements.capacity() * size_of::<(Scaling, Row)>(),
            Self::Number { .. }
            | Self::Boolean { .. }
            | Self::Calendar { .. }
            | Self::Vectors { .. } => 0,
        }
    }

    /// Makes one run of the last two steps where that is possible.
    pub(super) fn join(steps: &mut Vec<Step>) {
        let Some(Self::Number {
            scaling,
            row: Some(next),
            missing: None,
        }) = steps.last()
        else {
            return;
        };
        if !scaling.is_plain() {
            return;
        }
        let (scaling, next) = (scaling.plain, *next);
        steps.pop();
        match steps.last_mut() {
            Some(Self::Run { scalings, row })
                if *row as usize + scalings.len() == next as usize =>
            {
                scalings.push(scaling);
            }
            _ => steps.push(Self::Run {
                scalings: vec![scaling],
                row: next,
            }),
        }
    }
}

/// The error of a network whose embeddings are not those of the features.
fn no_vectors() -> Error {
    Error::new(ErrorKind::Damaged, "model data is damaged")
        .detail("Its embeddings are not those of its features.")
}
