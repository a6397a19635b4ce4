//! Encodes one row of values while scoring; allocates nothing.

use super::learner::wrong_type;
use super::{Encoding, Scaling, not_finite, too_far};
use crate::{Error, ErrorKind, Feature, Result, Value};

/// The frozen encoder of values.
#[derive(Debug)]
pub(crate) struct RowEncoder {
    features: Vec<Feature>,
    steps: Vec<Step>,
    width: usize,
}

/// What one feature's value becomes.
#[derive(Debug)]
enum Step {
    Number {
        scaling: Scaling,
        missing: bool,
    },
    Boolean {
        null: f32,
        missing: bool,
    },
    /// Positions of the categories in the order of their bytes.
    Category {
        by_bytes: Vec<u32>,
        missing: bool,
    },
}

impl RowEncoder {
    /// For rows of `features`.
    pub(crate) fn new(features: Vec<Feature>) -> Self {
        let steps = features
            .iter()
            .map(|feature| Step::new(&feature.encoding))
            .collect();
        let width = features
            .iter()
            .map(|feature| feature.encoding.width())
            .sum();
        Self {
            features,
            steps,
            width,
        }
    }

    /// The features in their order.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Inputs of a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        let text = |feature: &Feature| match &feature.encoding {
            Encoding::Category { categories, .. } => categories
                .iter()
                .map(|category| category.len() + size_of::<String>() + size_of::<u32>())
                .sum(),
            _ => 0,
        };
        self.features
            .iter()
            .map(|feature| {
                feature.name.len() + size_of::<Feature>() + size_of::<Step>() + text(feature)
            })
            .sum()
    }

    /// Encodes `row`, the features' values in their order, into `x`, which is `width` wide.
    #[inline]
    pub(crate) fn encode<'v>(
        &self,
        row: impl ExactSizeIterator<Item = &'v Value<'v>>,
        x: &mut [f32],
    ) -> Result<()> {
        if row.len() != self.features.len() {
            return Err(width_differs(self.features.len(), row.len()));
        }
        let mut rest = x;
        for ((step, feature), value) in self.steps.iter().zip(&self.features).zip(row) {
            rest = step.encode(feature, value, rest)?;
        }
        Ok(())
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
    fn new(encoding: &Encoding) -> Self {
        match encoding {
            Encoding::Number {
                mean,
                std,
                median,
                missing,
            } => Self::Number {
                scaling: Scaling::new(*mean, *std, *median),
                missing: *missing,
            },
            Encoding::Boolean {
                most_frequent,
                missing,
            } => Self::Boolean {
                null: f32::from(*most_frequent),
                missing: *missing,
            },
            Encoding::Category {
                categories,
                missing,
            } => {
                let mut by_bytes: Vec<u32> = (0..categories.len() as u32).collect();
                by_bytes.sort_unstable_by_key(|&position| categories.get(position as usize));
                Self::Category {
                    by_bytes,
                    missing: *missing,
                }
            }
        }
    }

    /// Writes the inputs of `value` and returns what follows them.
    #[inline]
    fn encode<'x>(
        &self,
        feature: &Feature,
        value: &Value<'_>,
        x: &'x mut [f32],
    ) -> Result<&'x mut [f32]> {
        match self {
            Self::Number { scaling, missing } => {
                let input = match value {
                    Value::Number(number) => {
                        let input = scaling.apply(*number);
                        if !input.is_finite() {
                            return Err(if number.is_finite() {
                                too_far(*number, &feature.name)
                            } else {
                                not_finite(*number, &feature.name, None)
                            });
                        }
                        input
                    }
                    Value::Boolean(boolean) => scaling.apply(f64::from(u8::from(*boolean))),
                    Value::Null => scaling.null,
                    Value::Text(_) => {
                        return Err(wrong_type(&feature.name, feature.column_type, value));
                    }
                };
                Ok(put(x, input, *missing, matches!(value, Value::Null)))
            }
            Self::Boolean { null, missing } => {
                let input = match value {
                    Value::Boolean(boolean) => f32::from(*boolean),
                    Value::Number(number) if *number == 0.0 || *number == 1.0 => *number as f32,
                    Value::Null => *null,
                    _ => return Err(wrong_type(&feature.name, feature.column_type, value)),
                };
                Ok(put(x, input, *missing, matches!(value, Value::Null)))
            }
            Self::Category { by_bytes, missing } => {
                let Encoding::Category { categories, .. } = &feature.encoding else {
                    return Ok(x);
                };
                let position = match value {
                    Value::Text(text) => by_bytes
                        .binary_search_by(|&position| {
                            categories
                                .get(position as usize)
                                .map_or("", String::as_str)
                                .cmp(text)
                        })
                        .ok()
                        .and_then(|found| by_bytes.get(found).copied()),
                    Value::Null => missing.then_some(categories.len() as u32),
                    _ => return Err(wrong_type(&feature.name, feature.column_type, value)),
                };
                let (inputs, rest) = x
                    .split_at_mut_checked(categories.len() + usize::from(*missing))
                    .unwrap_or_default();
                inputs.fill(0.0);
                if let Some(input) = position.and_then(|position| inputs.get_mut(position as usize))
                {
                    *input = 1.0;
                }
                Ok(rest)
            }
        }
    }
}

/// Writes one input and, where the feature has one, its is-missing input.
#[inline]
fn put(x: &mut [f32], input: f32, missing: bool, is_null: bool) -> &mut [f32] {
    let Some((place, rest)) = x.split_first_mut() else {
        return &mut [];
    };
    *place = input;
    if !missing {
        return rest;
    }
    let Some((is_missing, rest)) = rest.split_first_mut() else {
        return &mut [];
    };
    *is_missing = f32::from(is_null);
    rest
}
