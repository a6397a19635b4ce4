//! The inputs of values, as [`Step`]s say.

use super::{Between, Row, Step, Texts, Vectors};
use crate::encoder::Scaling;
use crate::encoder::calendar::wave;
use crate::encoder::place::{Place, bucket};
use crate::predict::Free;
use crate::{Value, Vector};
use std::borrow::Borrow;

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
    /// Adds its inputs; `None` if they are not finite.
    #[inline]
    pub(in crate::encoder::row_encoder) fn encode(
        &self,
        free: &mut Free<'_>,
        instants: &[f64],
    ) -> Option<()> {
        let seconds = instants.get(self.to)? - instants.get(self.from)?;
        number(&self.scaling, seconds, self.row, self.missing, free)
    }
}

impl Step {
    /// Adds the inputs of the next values that are not 0; `None` if a value cannot be encoded.
    #[inline(always)]
    pub(in crate::encoder::row_encoder) fn encode<'v>(
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
