//! Features handed over as one JSON object, by name.
//!
//! The rules are those of PostgreSQL's jsonb: other keys are ignored, of a key that is there twice the last value
//! counts, null is NULL, and what is no JSON anywhere in the object is refused. Nothing is allocated per row beyond
//! what texts with escapes and arrays take, and that is kept for the next row.

mod escape;
mod keys;
mod members;
mod nested;
mod refusal;
mod scan;
#[cfg(test)]
mod tests;

pub use refusal::JsonKind;

use crate::binding::{Binding, missing};
use crate::budget::refused;
use crate::feature::empty;
use crate::{ColumnType, Feature, Result, Value, Vector};
use escape::decode;
use keys::FeatureKeys;
use refusal::out_of_range;
use scan::{Scan, Token};
use std::ops::Range;

/// The features of a model as keys of objects, and the buffers of the row at hand.
#[derive(Debug)]
pub struct JsonRow {
    keys: FeatureKeys,
    /// Where the object at hand has each feature.
    found: Vec<Option<Token>>,
    slots: Vec<Slot>,
    /// Texts without their escapes.
    text: String,
    /// The elements of arrays.
    numbers: Vec<f64>,
}

/// A value, while neither object nor buffers are borrowed.
#[derive(Debug, Clone)]
enum Slot {
    Null,
    Number(f64),
    Boolean(bool),
    /// A text as it stands in the object.
    Plain(Range<usize>),
    /// A text in the buffer.
    Decoded(Range<usize>),
    /// Elements in the buffer.
    Vector(Range<usize>),
}

/// The most keys that an error looks at for one that was meant.
const LOOKED_AT: usize = 1000;

impl JsonRow {
    /// For objects with these features.
    pub fn new(features: &[Feature]) -> Self {
        Self {
            keys: FeatureKeys::new(features),
            found: vec![None; features.len()],
            slots: Vec::with_capacity(features.len()),
            text: String::new(),
            numbers: Vec::new(),
        }
    }

    /// Puts the values of `features` that `object` has into `row`, in their order, in place of what is in it.
    ///
    /// # Errors
    /// As for [`JsonRow::values`].
    pub fn read<'a>(
        &'a mut self,
        features: &[Feature],
        object: &'a str,
        row: &mut Vec<Value<'a>>,
    ) -> Result<()> {
        let values = self.values(features, object)?;
        row.clear();
        row.extend(values);
        Ok(())
    }

    /// The values of `features`, for which this was made, that `object` has, in their order; a [`Row`](crate::Row).
    ///
    /// # Errors
    /// `InvalidText` for what is no JSON, `TypeMismatch` for what is no object and for a value of another kind than its
    /// feature, `UnknownColumn` for a feature that is missing, with the nearest key, and for features without names.
    pub fn values<'a>(
        &'a mut self,
        features: &[Feature],
        object: &'a str,
    ) -> Result<impl ExactSizeIterator<Item = Value<'a>> + Clone> {
        Binding::check_names(features)?;
        self.find(features, object)?;
        self.slots.clear();
        self.text.clear();
        self.numbers.clear();
        for (place, feature) in features.iter().enumerate() {
            let slot = match self.found.get(place) {
                Some(Some(token)) => self.slot(feature, token.clone(), object)?,
                _ => return Err(lacks(feature, features, object)),
            };
            self.slots.push(slot);
        }
        let (text, numbers) = (self.text.as_str(), self.numbers.as_slice());
        Ok(self.slots.iter().map(move |slot| match slot {
            Slot::Null => Value::Null,
            Slot::Number(number) => Value::Number(*number),
            Slot::Boolean(boolean) => Value::Boolean(*boolean),
            Slot::Plain(range) => Value::Text(object.get(range.clone()).unwrap_or_default()),
            Slot::Decoded(range) => Value::Text(text.get(range.clone()).unwrap_or_default()),
            Slot::Vector(range) => {
                let elements = numbers.get(range.clone()).unwrap_or_default();
                Value::Vector(Vector::Double(elements))
            }
        }))
    }

    /// Walks over the whole object and notes where the features are.
    fn find(&mut self, features: &[Feature], object: &str) -> Result<()> {
        self.found.clear();
        self.found.resize(features.len(), None);
        let mut scan = Scan::new(object);
        let mut members = scan.members()?;
        let mut number = 0;
        while let Some((key, value)) = members.next(&mut scan)? {
            if let Some(place) = self.keys.place(number, &key, object)
                && let Some(found) = self.found.get_mut(place)
            {
                *found = Some(value);
            }
            number += 1;
        }
        Ok(())
    }

    /// The value of `feature` that stands at `token`.
    fn slot(&mut self, feature: &Feature, token: Token, object: &str) -> Result<Slot> {
        let text = object.get(token.range.clone()).unwrap_or_default();
        Ok(match (token.kind, feature.column_type) {
            (JsonKind::Null, _) => Slot::Null,
            (JsonKind::Number, ColumnType::Number) => Slot::Number(number(feature, text)?),
            (JsonKind::Boolean, ColumnType::Boolean) => Slot::Boolean(text == "true"),
            (JsonKind::Text, ColumnType::Category) if !token.escaped => Slot::Plain(token.range),
            (JsonKind::Text, ColumnType::Category) => Slot::Decoded(self.decoded(text)?),
            (
                JsonKind::Text,
                ColumnType::Date
                | ColumnType::Timestamp
                | ColumnType::TimestampTz
                | ColumnType::Time
                | ColumnType::Interval,
            ) => {
                let text = if token.escaped {
                    let range = self.decoded(text)?;
                    self.text.get(range).unwrap_or_default()
                } else {
                    text
                };
                match feature.read(text)? {
                    Value::Number(number) => Slot::Number(number),
                    _ => return Err(feature.refuse_json(token.kind)),
                }
            }
            (JsonKind::Nested, ColumnType::Vector) if text.starts_with('[') => {
                Slot::Vector(self.elements(feature, text)?)
            }
            (kind, _) => return Err(feature.refuse_json(kind)),
        })
    }

    /// Appends `text` without its escapes.
    fn decoded(&mut self, text: &str) -> Result<Range<usize>> {
        let start = self.text.len();
        let room = self.text.try_reserve(text.len());
        room.map_err(|_| refused("a text", text.len() as u64))?;
        decode(text, &mut self.text);
        Ok(start..self.text.len())
    }

    /// Appends the elements of the valid array `text`.
    fn elements(&mut self, feature: &Feature, text: &str) -> Result<Range<usize>> {
        let start = self.numbers.len();
        let mut scan = Scan::new(text);
        let mut elements = scan.elements()?;
        while let Some(token) = elements.next(&mut scan)? {
            if token.kind != JsonKind::Number {
                return Err(feature.refuse_json_element(token.kind));
            }
            let number = number(feature, text.get(token.range).unwrap_or_default())?;
            let room = self.numbers.try_reserve(1);
            room.map_err(|_| refused("an array", 8 * self.numbers.len() as u64))?;
            self.numbers.push(number);
        }
        if self.numbers.len() == start {
            return Err(empty(&format!("feature \"{}\"", feature.name)));
        }
        Ok(start..self.numbers.len())
    }
}

/// A JSON number. As in jsonb there is no negative zero.
fn number(feature: &Feature, text: &str) -> Result<f64> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number + 0.0),
        _ => Err(out_of_range(feature, text)),
    }
}

/// The error for an object without `feature`, with the nearest of the keys it has.
#[cold]
fn lacks(feature: &Feature, features: &[Feature], object: &str) -> crate::Error {
    let mut names = Vec::new();
    let mut scan = Scan::new(object);
    if let Ok(mut members) = scan.members() {
        while let Ok(Some((key, _))) = members.next(&mut scan) {
            if names.len() == LOOKED_AT {
                break;
            }
            let mut name = String::new();
            decode(object.get(key.range).unwrap_or_default(), &mut name);
            names.push(name);
        }
    }
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
    missing(feature, features, &columns)
}
