//! What the values of a row become, column by column.

use super::Row;
use crate::encoder::calendar::wave;
use crate::encoder::lookup::Lookup;
use crate::encoder::number::Plain;
use crate::encoder::place::{Place, bucket, bucket_of_null, position};
use crate::encoder::{Code, Difference, Encoding, Null, Part, Scaling};
use crate::predict::{Free, Table};
use crate::{Error, ErrorKind, Result, Value, Vector};
use std::borrow::Borrow;
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

impl Vectors {
    /// Adds the vector at `place`.
    #[inline]
    fn push(&self, place: Place, free: &mut Free<'_>) -> Option<()> {
        let Place::At(place) = place else {
            return None;
        };
        free.push_all(self.row, self.table.vector(place)?);
        Some(())
    }
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

    /// Adds its inputs; `None` if they are not finite.
    #[inline]
    pub(super) fn encode(&self, free: &mut Free<'_>, instants: &[f64]) -> Option<()> {
        let seconds = instants.get(self.to)? - instants.get(self.from)?;
        number(&self.scaling, seconds, self.row, self.missing, free)
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

    /// Adds the inputs of the next values that are not 0; `None` if a value cannot be encoded.
    #[inline(always)]
    pub(super) fn encode<'v>(
        &self,
        values: &mut impl Iterator<Item: Borrow<Value<'v>>>,
        free: &mut Free<'_>,
        instants: &mut [f64],
    ) -> Option<()> {
        match self {
            Self::Run { scalings, row } => {
                let mut finite = true;
                for (scaling, row) in scalings.iter().zip(*row..) {
                    let input = match values.next()?.borrow() {
                        Value::Number(number) => scaling.apply(*number),
                        Value::Boolean(boolean) => scaling.apply(f64::from(u8::from(*boolean))),
                        Value::Null => scaling.null,
                        Value::Text(_) | Value::Vector(_) => return None,
                    };
                    finite &= input.is_finite();
                    free.push(row, input);
                }
                finite.then_some(())
            }
            Self::Number {
                scaling,
                row,
                missing,
            } => {
                let value = match *values.next()?.borrow() {
                    Value::Number(number) if !number.is_finite() => return None,
                    Value::Number(number) => number,
                    Value::Boolean(boolean) => f64::from(u8::from(boolean)),
                    Value::Null => f64::NAN,
                    Value::Text(_) | Value::Vector(_) => return None,
                };
                number(scaling, value, *row, *missing, free)
            }
            Self::Boolean { null, row, missing } => {
                let value = *values.next()?.borrow();
                let is_true = match value {
                    Value::Boolean(boolean) => boolean,
                    Value::Number(number) if number == 0.0 || number == 1.0 => number == 1.0,
                    Value::Null => (*null)?,
                    _ => return None,
                };
                if is_true {
                    push(free, *row, 1.0);
                }
                if value == Value::Null {
                    push(free, *missing, 1.0);
                }
                Some(())
            }
            Self::Category(one_hot) => {
                let row = match *values.next()?.borrow() {
                    Value::Text(text) => one_hot.texts.get(text).or(one_hot.unseen)?,
                    Value::Null => one_hot.null?,
                    _ => return None,
                };
                push(free, row, 1.0);
                Some(())
            }
            step => step.encode_rare(values.next()?.borrow(), free, instants),
        }
    }

    /// As [`Step::encode`], for what need not be part of the loop.
    fn encode_rare(
        &self,
        value: &Value<'_>,
        free: &mut Free<'_>,
        instants: &mut [f64],
    ) -> Option<()> {
        match self {
            Self::Bucket(one_hot) => {
                let row = match *value {
                    Value::Text(text) => {
                        let bucket = bucket(text, one_hot.texts.len() as u32);
                        one_hot.texts.get(bucket as usize).copied()?
                    }
                    Value::Null => one_hot.null?,
                    _ => return None,
                };
                push(free, row, 1.0);
                Some(())
            }
            Self::Vectors {
                texts,
                unseen,
                null,
                vectors,
            } => {
                let place = match (*value, texts) {
                    (Value::Text(text), Texts::Known(texts)) => {
                        texts.get(text).map_or(*unseen, Place::At)
                    }
                    (Value::Text(text), Texts::Buckets(buckets)) => {
                        Place::At(bucket(text, *buckets))
                    }
                    (Value::Null, _) => *null,
                    _ => return None,
                };
                vectors.push(place, free)
            }
            Self::Ordinal {
                inputs,
                unseen,
                null,
                row,
                missing,
            } => {
                let [input, is_missing] = match *value {
                    Value::Text(text) => inputs.get(text).map_or(*unseen, |input| [input, 0.0]),
                    Value::Null => *null,
                    _ => return None,
                };
                push(free, *row, input);
                if is_missing > 0.0 {
                    push(free, *missing, is_missing);
                }
                input.is_finite().then_some(())
            }
            Self::Calendar {
                parts,
                scaling,
                row,
                missing,
                instant,
            } => {
                let seconds = match *value {
                    Value::Number(seconds) if seconds.is_finite() => seconds,
                    Value::Null => f64::NAN,
                    _ => return None,
                };
                if let Some(place) = instant.and_then(|place| instants.get_mut(place)) {
                    *place = seconds;
                }
                if !seconds.is_nan() {
                    for (part, rows) in parts {
                        for (row, x) in rows.iter().zip(wave(*part, seconds)) {
                            push(free, *row, x);
                        }
                    }
                }
                number(scaling, seconds, *row, *missing, free)
            }
            Self::Vector { elements, missing } => {
                let null = match *value {
                    Value::Vector(vector) if vector.len() == elements.len() => {
                        return match vector {
                            Vector::Single(numbers) => {
                                each(elements, numbers.iter().map(|x| f64::from(*x)), free)
                            }
                            Vector::Double(numbers) => {
                                each(elements, numbers.iter().copied(), free)
                            }
                        };
                    }
                    Value::Null => f64::NAN,
                    _ => return None,
                };
                for (scaling, row) in elements {
                    number(scaling, null, *row, None, free)?;
                }
                push(free, *missing, 1.0);
                Some(())
            }
            Self::Run { .. } | Self::Number { .. } | Self::Boolean { .. } | Self::Category(_) => {
                None
            }
        }
    }
}

/// The error of a network whose embeddings are not those of the features.
fn no_vectors() -> Error {
    Error::new(ErrorKind::Damaged, "model data is damaged")
        .detail("Its embeddings are not those of its features.")
}

/// Adds the elements of a vector that is not NULL.
fn each(
    elements: &[(Scaling, Row)],
    numbers: impl Iterator<Item = f64>,
    free: &mut Free<'_>,
) -> Option<()> {
    let mut finite = true;
    for ((scaling, row), number) in elements.iter().zip(numbers) {
        let input = scaling.apply(number);
        // A limit must not make a number of NaN or of an infinity.
        finite &= number.is_finite() & input.is_finite();
        push(free, *row, input);
    }
    finite.then_some(())
}

/// Adds a number, NaN for NULL, and whether it is missing.
#[inline(always)]
fn number(
    scaling: &Scaling,
    value: f64,
    row: Row,
    missing: Row,
    free: &mut Free<'_>,
) -> Option<()> {
    let input = scaling.stored(value);
    push(free, row, input);
    if value.is_nan() {
        push(free, missing, 1.0);
    }
    input.is_finite().then_some(())
}

#[inline(always)]
fn push(free: &mut Free<'_>, row: Row, x: f32) {
    if let Some(row) = row {
        free.push(row, x);
    }
}
