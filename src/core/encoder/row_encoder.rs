//! Encodes one row of values while scoring; allocates nothing.
//!
//! The inputs that are 0, nearly all of one-hot columns, are left out.

use super::learner::wrong_type;
use super::lookup::Lookup;
use super::{Encoding, Scaling, not_finite, too_far};
use std::borrow::Borrow;

use crate::predict::{Entries, Free};
use crate::{Error, ErrorKind, Feature, Result, Value};

/// The frozen encoder of values.
#[derive(Debug)]
pub(crate) struct RowEncoder {
    features: Vec<Feature>,
    steps: Vec<Step>,
}

/// Where an input goes; nowhere if the network gives it no weight.
type Row = Option<u32>;

/// What the value of one feature becomes, or those of several.
#[derive(Debug)]
enum Step {
    /// Numbers without is-missing inputs, whose inputs go to `row` and on.
    Run {
        scalings: Vec<Scaling>,
        row: u32,
    },
    Number {
        scaling: Scaling,
        row: Row,
        /// That of the is-missing input, if there is one.
        missing: Row,
    },
    Boolean {
        null: bool,
        row: Row,
        missing: Row,
    },
    Category {
        rows: Lookup<Row>,
        missing: Row,
    },
}

impl RowEncoder {
    /// For rows of `features`, of which each input goes to its place in `rows`.
    pub(crate) fn new(features: Vec<Feature>, rows: &[Row]) -> Result<Self> {
        let mut steps = Vec::with_capacity(features.len());
        let mut rest = rows;
        for feature in &features {
            let (rows, after) = rest
                .split_at_checked(feature.encoding.width())
                .unwrap_or_default();
            rest = after;
            steps.push(Step::new(&feature.encoding, rows)?);
            Step::join(&mut steps);
        }
        Ok(Self { features, steps })
    }

    /// The features in their order.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The most inputs of a row that are not 0.
    pub(crate) fn most(&self) -> usize {
        let of = |step: &Step| match step {
            Step::Run { scalings, .. } => scalings.len(),
            Step::Number { .. } | Step::Boolean { .. } => 2,
            Step::Category { .. } => 1,
        };
        self.steps.iter().map(of).sum()
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        let texts = |feature: &Feature| match &feature.encoding {
            Encoding::Category { categories, .. } => categories
                .iter()
                .map(|category| category.len() + size_of::<String>())
                .sum(),
            _ => 0,
        };
        let lookup = |step: &Step| match step {
            Step::Category { rows, .. } => rows.bytes(),
            Step::Run { scalings, .. } => scalings.capacity() * size_of::<Scaling>(),
            _ => 0,
        };
        let features = self.features.iter();
        let named = features
            .map(|feature| feature.name.len() + size_of::<Feature>() + texts(feature))
            .sum::<usize>();
        let steps = self.steps.iter();
        named
            + steps
                .map(|step| size_of::<Step>() + lookup(step))
                .sum::<usize>()
    }

    /// Encodes `row`, the features' values in their order, into `entries`.
    #[inline]
    pub(crate) fn encode<'v>(
        &self,
        row: impl ExactSizeIterator<Item: Borrow<Value<'v>>> + Clone,
        entries: &mut Entries,
    ) -> Result<()> {
        if row.len() != self.features.len() {
            return Err(width_differs(self.features.len(), row.len()));
        }
        let mut values = row.clone();
        let encoded = entries.fill(|free| {
            for step in &self.steps {
                step.encode(&mut values, free)?;
            }
            Some(())
        });
        encoded.ok_or_else(|| self.error(row))
    }

    /// What keeps `row` from being encoded.
    #[cold]
    fn error<'v>(&self, row: impl Iterator<Item: Borrow<Value<'v>>>) -> Error {
        for (feature, value) in self.features.iter().zip(row) {
            let value = *value.borrow();
            let number = match (&feature.encoding, value) {
                (_, Value::Null)
                | (Encoding::Category { .. }, Value::Text(_))
                | (Encoding::Boolean { .. }, Value::Boolean(_)) => continue,
                (Encoding::Boolean { .. }, Value::Number(0.0 | 1.0)) => continue,
                (Encoding::Number { .. }, Value::Number(number)) => number,
                (Encoding::Number { .. }, Value::Boolean(boolean)) => f64::from(u8::from(boolean)),
                _ => return wrong_type(&feature.name, feature.column_type, &value),
            };
            if !number.is_finite() {
                return not_finite(number, &feature.name, None);
            }
            let scaling = Scaling::of(&feature.encoding);
            if !scaling.is_some_and(|scaling| scaling.apply(number).is_finite()) {
                return too_far(number, &feature.name);
            }
        }
        width_differs(self.features.len(), self.features.len())
    }
}

/// The error of a row that is not as wide as the model's features.
#[cold]
pub(crate) fn width_differs(expected: usize, given: usize) -> Error {
    let noun = if expected == 1 { "feature" } else { "features" };
    Error::new(
        ErrorKind::FeatureCount,
        format!("model expects {expected} {noun}, not {given}"),
    )
}

impl Step {
    /// For an encoding whose inputs go to `rows`.
    fn new(encoding: &Encoding, rows: &[Row]) -> Result<Self> {
        let row = |input: usize| rows.get(input).copied().flatten();
        Ok(match encoding {
            Encoding::Number {
                mean,
                std,
                median,
                missing,
            } => Self::Number {
                scaling: Scaling::new(*mean, *std, *median),
                row: row(0),
                missing: row(1).filter(|_| *missing),
            },
            Encoding::Boolean {
                most_frequent,
                missing,
            } => Self::Boolean {
                null: *most_frequent,
                row: row(0),
                missing: row(1).filter(|_| *missing),
            },
            Encoding::Category {
                categories,
                missing,
            } => Self::Category {
                rows: Lookup::new(
                    categories
                        .iter()
                        .enumerate()
                        .map(|(input, category)| (category.as_str(), row(input))),
                )?,
                missing: row(categories.len()).filter(|_| *missing),
            },
        })
    }

    /// Makes one run of the last two steps where that is possible.
    fn join(steps: &mut Vec<Step>) {
        let Some(Self::Number {
            scaling,
            row: Some(next),
            missing: None,
        }) = steps.last()
        else {
            return;
        };
        let (scaling, next) = (*scaling, *next);
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
    fn encode<'v>(
        &self,
        values: &mut impl Iterator<Item: Borrow<Value<'v>>>,
        free: &mut Free<'_>,
    ) -> Option<()> {
        match self {
            Self::Run { scalings, row } => {
                let mut finite = true;
                for (scaling, row) in scalings.iter().zip(*row..) {
                    let input = scaling.input(values.next()?.borrow())?;
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
                let value = *values.next()?.borrow();
                let input = scaling.input(&value)?;
                push(free, *row, input);
                if value == Value::Null {
                    push(free, *missing, 1.0);
                }
                input.is_finite().then_some(())
            }
            Self::Boolean { null, row, missing } => {
                let value = *values.next()?.borrow();
                let is_true = match value {
                    Value::Boolean(boolean) => boolean,
                    Value::Number(number) if number == 0.0 || number == 1.0 => number == 1.0,
                    Value::Null => *null,
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
            Self::Category { rows, missing } => {
                let row = match *values.next()?.borrow() {
                    Value::Text(text) => rows.get(text).flatten(),
                    Value::Null => *missing,
                    _ => return None,
                };
                push(free, row, 1.0);
                Some(())
            }
        }
    }
}

#[inline(always)]
fn push(free: &mut Free<'_>, row: Row, x: f32) {
    if let Some(row) = row {
        free.push(row, x);
    }
}

impl Scaling {
    /// That of a number's encoding.
    fn of(encoding: &Encoding) -> Option<Self> {
        match encoding {
            Encoding::Number {
                mean, std, median, ..
            } => Some(Self::new(*mean, *std, *median)),
            _ => None,
        }
    }

    /// The input of `value`, which is no text.
    #[inline(always)]
    fn input(&self, value: &Value<'_>) -> Option<f32> {
        match value {
            Value::Number(number) => Some(self.apply(*number)),
            Value::Boolean(boolean) => Some(self.apply(f64::from(u8::from(*boolean)))),
            Value::Null => Some(self.null),
            Value::Text(_) | Value::Vector(_) => None,
        }
    }
}
