//! Encodes one row of values while scoring; allocates nothing.
//!
//! The inputs that are 0, nearly all of one-hot columns, are left out. The place of a vector becomes the vector's numbers,
//! which are the inputs of the layer behind.

mod step;
#[cfg(test)]
mod tests;

use super::refusal::{length_differs, null_refused, unseen_refused, width_differs, wrong_type};
use super::{Encoding, Preprocessing, Scaling, not_finite, too_far};
use crate::predict::{Entries, Places, Table};
use crate::weights::room;
use crate::{Error, Feature, Result, Value};
use std::borrow::Borrow;
use std::sync::Arc;
use step::{Between, Step, Vectors};

/// Where an input goes; nowhere if the network gives it no weight.
type Row = Option<u32>;

/// The frozen encoder of values.
#[derive(Debug)]
pub(crate) struct RowEncoder {
    preprocessing: Preprocessing,
    steps: Vec<Step>,
    betweens: Vec<Between>,
    /// Of each of its embeddings.
    tables: Vec<Arc<Table>>,
}

impl RowEncoder {
    /// For rows of the features of `preprocessing`, whose inputs go to their `places`.
    pub(crate) fn new(preprocessing: Preprocessing, places: Places) -> Result<Self> {
        let Places { rows, tables } = places;
        let tables: Vec<_> = tables.into_iter().map(Arc::new).collect();
        let firsts: Vec<u32> = tables.iter().map(|table| table.row()).collect();
        Self::at(preprocessing, &rows, tables, &firsts)
    }

    /// As [`RowEncoder::new`], the vectors of each table beginning at the row in `firsts`.
    fn at(
        preprocessing: Preprocessing,
        rows: &[Row],
        tables: Vec<Arc<Table>>,
        firsts: &[u32],
    ) -> Result<Self> {
        let mut steps = Vec::with_capacity(preprocessing.features.len());
        let mut rest = rows;
        let mut take = |width: usize| {
            let (rows, after) = rest.split_at_checked(width).unwrap_or_default();
            rest = after;
            rows
        };
        let mut learned = tables.iter().zip(firsts);
        let instants = instants(&preprocessing);
        for (place, feature) in preprocessing.features.iter().enumerate() {
            let encoding = &feature.encoding;
            let rows = take(encoding.width());
            let vectors = match encoding.embedding() {
                Some(_) => learned.next().map(|(table, row)| Vectors {
                    table: Arc::clone(table),
                    row: *row,
                }),
                None => None,
            };
            let instant = instants.iter().position(|instant| *instant == place);
            steps.push(Step::new(encoding, rows, instant, vectors)?);
            Step::join(&mut steps);
        }
        let mut betweens = Vec::with_capacity(preprocessing.differences.len());
        for difference in &preprocessing.differences {
            let rows = take(difference.number.width());
            betweens.extend(Between::new(difference, &instants, rows));
        }
        Ok(Self {
            preprocessing,
            steps,
            betweens,
            tables,
        })
    }

    /// The same encoder with a row for every number, also for those without a weight; and how many there are.
    pub(crate) fn written_out(&self) -> Result<(Self, usize)> {
        let mut rows = room(self.preprocessing.width())?;
        let mut firsts = Vec::with_capacity(self.tables.len());
        let mut next = 0;
        for table in &self.tables {
            while rows.len() < table.input() {
                rows.push(Some(next));
                next += 1;
            }
            rows.push(None);
            firsts.push(next);
            next += table.dim() as u32;
        }
        while rows.len() < self.preprocessing.width() {
            rows.push(Some(next));
            next += 1;
        }
        let (preprocessing, tables) = (self.preprocessing.clone(), self.tables.clone());
        let encoder = Self::at(preprocessing, &rows, tables, &firsts)?;
        Ok((encoder, next as usize))
    }

    /// The features in their order.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.preprocessing.features
    }

    /// The column of an input.
    pub(crate) fn column(&self, input: usize) -> &str {
        let mut end = 0;
        let found = self.features().iter().find(|feature| {
            end += feature.encoding.width();
            input < end
        });
        found.map_or("", |feature| feature.name.as_str())
    }

    /// All that was learned of the columns.
    pub(crate) fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// The most inputs of a row that are not 0.
    pub(crate) fn most(&self) -> usize {
        self.steps.iter().map(Step::most).sum::<usize>() + 2 * self.betweens.len()
    }

    /// Points in time that [`RowEncoder::encode`] has to keep.
    pub(crate) fn instants(&self) -> usize {
        instants(&self.preprocessing).len()
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        let named = self.features().iter().map(|feature| {
            let texts: usize = match &feature.encoding {
                Encoding::OneHot(vocabulary) | Encoding::Embedding { vocabulary, .. } => {
                    text_bytes(&vocabulary.categories)
                }
                Encoding::Ordinal { order, .. } => text_bytes(order),
                _ => 0,
            };
            feature.name.len() + size_of::<Feature>() + texts
        });
        let steps = self
            .steps
            .iter()
            .map(|step| size_of::<Step>() + step.bytes());
        let tables = self.tables.iter().map(|table| table.bytes());
        named.chain(steps).chain(tables).sum()
    }

    /// Encodes `row`, the features' values in their order, into `entries`. Points in time are kept in `instants`.
    #[inline]
    pub(crate) fn encode<'v>(
        &self,
        row: impl ExactSizeIterator<Item: Borrow<Value<'v>>> + Clone,
        entries: &mut Entries,
        instants: &mut [f64],
    ) -> Result<()> {
        if row.len() != self.features().len() {
            return Err(width_differs(self.features().len(), row.len()));
        }
        let mut values = row.clone();
        let encoded = entries.fill(|free| {
            for step in &self.steps {
                step.encode(&mut values, free, instants)?;
            }
            for between in &self.betweens {
                between.encode(free, instants)?;
            }
            Some(())
        });
        encoded.ok_or_else(|| self.error(row))
    }

    /// What keeps `row` from being encoded.
    #[cold]
    fn error<'v>(&self, row: impl Iterator<Item: Borrow<Value<'v>>>) -> Error {
        let mut values = Vec::new();
        for (feature, value) in self.features().iter().zip(row) {
            let value = *value.borrow();
            if let Err(error) = check(feature, &value) {
                return error;
            }
            values.push(value);
        }
        let number = |place: usize| match values.get(place) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        for difference in &self.preprocessing.differences {
            let seconds = number(difference.to).zip(number(difference.from));
            let scaling = Scaling::new(&difference.number);
            match seconds.map(|(to, from)| to - from) {
                None if scaling.null().is_nan() => return null_refused(&difference.name),
                Some(seconds) if !scaling.apply(seconds).is_finite() => {
                    return too_far(seconds, &difference.name);
                }
                _ => {}
            }
        }
        width_differs(self.features().len(), self.features().len())
    }
}

/// The features whose values differences need, by their places.
fn instants(preprocessing: &Preprocessing) -> Vec<usize> {
    let ends = preprocessing.differences.iter();
    let mut places: Vec<usize> = ends.flat_map(|it| [it.from, it.to]).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn text_bytes(texts: &[String]) -> usize {
    texts
        .iter()
        .map(|text| text.len() + size_of::<String>())
        .sum()
}

/// The error of a value that its feature has no inputs for.
#[cold]
fn check(feature: &Feature, value: &Value<'_>) -> Result<()> {
    let name = &feature.name;
    let wrong = || Err(wrong_type(name, feature.column_type, value));
    let finite = |scaling: &Scaling, number: f64| {
        if !number.is_finite() {
            Err(not_finite(number, name, None))
        } else if !scaling.apply(number).is_finite() {
            Err(too_far(number, name))
        } else {
            Ok(())
        }
    };
    let refused = match (&feature.encoding, value) {
        (Encoding::Number(number) | Encoding::Calendar { epoch: number, .. }, value) => {
            let scaling = Scaling::new(number);
            match value {
                Value::Null => scaling.null().is_nan(),
                Value::Number(number) => return finite(&scaling, *number),
                Value::Boolean(boolean) if matches!(feature.encoding, Encoding::Number(_)) => {
                    return finite(&scaling, f64::from(u8::from(*boolean)));
                }
                _ => return wrong(),
            }
        }
        (Encoding::Boolean { null, .. }, Value::Null) => *null == super::Null::Refused,
        (Encoding::Boolean { .. }, Value::Boolean(_) | Value::Number(0.0 | 1.0)) => false,
        (Encoding::Vector { elements, .. }, value) => match value {
            Value::Null => elements.iter().any(|it| it.null == super::Null::Refused),
            Value::Vector(vector) if vector.len() == elements.len() => {
                let numbers = elements.iter().zip(vector.iter());
                for (element, number) in numbers {
                    finite(&Scaling::new(element), number)?;
                }
                false
            }
            Value::Vector(vector) => {
                return Err(length_differs(name, elements.len(), vector.len()));
            }
            _ => return wrong(),
        },
        (
            Encoding::OneHot(_)
            | Encoding::Embedding { .. }
            | Encoding::Ordinal { .. }
            | Encoding::Hash { .. },
            value,
        ) => match value {
            Value::Null => feature.encoding.refuses_null(),
            Value::Text(text) if feature.encoding.refuses(text) => {
                return Err(unseen_refused(name, Some(text)));
            }
            Value::Text(_) => false,
            _ => return wrong(),
        },
        (Encoding::Boolean { .. }, _) => return wrong(),
    };
    if refused {
        Err(null_refused(name))
    } else {
        Ok(())
    }
}
