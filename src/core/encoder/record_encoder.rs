//! Encodes stored rows, a batch at a time. Neighbouring numbers without an is-missing input are one run, a
//! vectorised loop.

use super::{Encoding, Scaling, too_far};
use crate::kernels::record::{scale_doubles, scale_singles};
use crate::record::{Field, FieldKind, NULL_BOOLEAN};
use crate::{Error, Feature};

/// What to do with one field, or with a run of them.
#[derive(Debug)]
enum Step {
    Run {
        field: Field,
        input: usize,
        scalings: Scalings,
    },
    Number {
        field: Field,
        input: usize,
        scaling: Scaling,
    },
    Boolean {
        field: Field,
        input: usize,
        null: f32,
        missing: bool,
    },
    /// `inputs[code]` is the input that is 1.
    Category {
        field: Field,
        inputs: Vec<Option<u32>>,
    },
}

/// The scalings of a run, side by side.
#[derive(Debug, Default)]
struct Scalings {
    mean: Vec<f64>,
    inverse: Vec<f64>,
    null: Vec<f32>,
}

impl Scalings {
    fn len(&self) -> usize {
        self.mean.len()
    }

    fn push(&mut self, scaling: Scaling) {
        self.mean.push(scaling.mean);
        self.inverse.push(scaling.inverse);
        self.null.push(scaling.null);
    }
}

/// The frozen encoder of stored rows.
#[derive(Debug)]
pub(crate) struct RecordEncoder {
    steps: Vec<Step>,
    names: Vec<(Field, String)>,
    width: usize,
}

impl RecordEncoder {
    /// For features with their fields; of a category also the position of each code.
    pub(crate) fn new(
        features: &[Feature],
        fields: &[Field],
        positions: Vec<Vec<Option<u32>>>,
    ) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut input = 0;
        for ((feature, &field), positions) in features.iter().zip(fields).zip(positions) {
            match &feature.encoding {
                Encoding::Number {
                    mean,
                    std,
                    median,
                    missing,
                } => {
                    let scaling = Scaling::new(*mean, *std, *median);
                    if *missing {
                        steps.push(Step::Number {
                            field,
                            input,
                            scaling,
                        });
                    } else {
                        push_run(&mut steps, field, input, scaling);
                    }
                }
                Encoding::Boolean {
                    most_frequent,
                    missing,
                } => {
                    steps.push(Step::Boolean {
                        field,
                        input,
                        null: f32::from(*most_frequent),
                        missing: *missing,
                    });
                }
                Encoding::Category {
                    categories,
                    missing,
                } => {
                    let first = input as u32;
                    let mut inputs: Vec<_> = positions
                        .into_iter()
                        .map(|position| position.map(|position| first + position))
                        .collect();
                    if let Some(null) = inputs.first_mut() {
                        *null = missing.then_some(first + categories.len() as u32);
                    }
                    steps.push(Step::Category { field, inputs });
                }
            }
            input += feature.encoding.width();
        }
        let names = fields
            .iter()
            .copied()
            .zip(features.iter().map(|feature| feature.name.clone()))
            .collect();
        Self {
            steps,
            names,
            width: input,
        }
    }

    /// Inputs of a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Encodes `record` into `x`, which is `width` wide and all zeros.
    #[inline]
    pub(crate) fn encode(&self, record: &[u8], x: &mut [f32]) {
        for step in &self.steps {
            match step {
                Step::Run {
                    field,
                    input,
                    scalings,
                } => {
                    let Some(inputs) = x.get_mut(*input..*input + scalings.len()) else {
                        continue;
                    };
                    let bytes = record.get(field.offset..).unwrap_or_default();
                    let Scalings {
                        mean,
                        inverse,
                        null,
                    } = scalings;
                    if field.kind == FieldKind::Single {
                        scale_singles(bytes.as_chunks().0, mean, inverse, null, inputs);
                    } else {
                        scale_doubles(bytes.as_chunks().0, mean, inverse, null, inputs);
                    }
                }
                Step::Number {
                    field,
                    input,
                    scaling,
                } => {
                    let value = field.number(record);
                    if let Some([x, is_missing]) = x.get_mut(*input..*input + 2) {
                        *x = scaling.stored(value);
                        *is_missing = f32::from(value.is_nan());
                    }
                }
                Step::Boolean {
                    field,
                    input,
                    null,
                    missing,
                } => {
                    let word = field.word(record);
                    if let Some(x) = x.get_mut(*input) {
                        *x = if word == NULL_BOOLEAN {
                            *null
                        } else {
                            word as f32
                        };
                    }
                    if *missing && let Some(x) = x.get_mut(*input + 1) {
                        *x = f32::from(word == NULL_BOOLEAN);
                    }
                }
                Step::Category { field, inputs } => {
                    let code = field.word(record) as usize;
                    if let Some(Some(input)) = inputs.get(code)
                        && let Some(x) = x.get_mut(*input as usize)
                    {
                        *x = 1.0;
                    }
                }
            }
        }
    }

    /// The error of a record whose inputs are not all finite.
    #[cold]
    pub(crate) fn overflow(&self, record: &[u8]) -> Error {
        let numbers = self
            .names
            .iter()
            .filter(|(field, _)| matches!(field.kind, FieldKind::Single | FieldKind::Double));
        let mut worst = (0.0, "");
        for (field, name) in numbers {
            let value = field.number(record);
            if f64::abs(value) > f64::abs(worst.0) || worst.1.is_empty() {
                worst = (value, name);
            }
        }
        too_far(worst.0, worst.1)
    }
}

/// Lengthens the last run, or begins one.
fn push_run(steps: &mut Vec<Step>, field: Field, input: usize, scaling: Scaling) {
    if let Some(Step::Run {
        field: first,
        input: first_input,
        scalings,
    }) = steps.last_mut()
        && first.kind == field.kind
        && first.offset + scalings.len() * field.kind.bytes() == field.offset
        && *first_input + scalings.len() == input
    {
        scalings.push(scaling);
    } else {
        let mut scalings = Scalings::default();
        scalings.push(scaling);
        steps.push(Step::Run {
            field,
            input,
            scalings,
        });
    }
}
