//! Encodes stored rows, a batch at a time. Neighbouring numbers without an is-missing input are one run, a
//! vectorised loop.

use super::calendar::wave;
use super::codes::{ByCode, Codes};
use super::place::{Place, bucket_of_null, position};
use super::refusal::{null_refused, too_far, unseen_refused};
use super::{Encoding, Null, Number, Part, Preprocessing, Scaling};
use crate::kernels::record::{scale_doubles, scale_singles};
use crate::record::{Field, FieldKind, NULL_BOOLEAN};
use crate::{Error, Feature};

/// What to do with one field, or with a run of them, beginning at an input.
#[derive(Debug)]
struct Step {
    field: Field,
    input: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Run(Scalings),
    Number {
        scaling: Scaling,
        missing: bool,
    },
    Boolean {
        null: f32,
        missing: bool,
    },
    /// The input at a category's place is 1.
    Hot(Places),
    /// The input is a category's place.
    Index(Places),
    /// By code.
    Ordinal {
        inputs: ByCode<[f32; 2]>,
        missing: bool,
    },
    Calendar {
        parts: Vec<Part>,
        scaling: Scaling,
        missing: bool,
    },
    /// Whether the number is NULL.
    Missing,
}

/// What belongs to each code.
#[derive(Debug)]
enum Places {
    /// By code.
    Table(ByCode<Place>),
    /// The code is the bucket + 1, 0 for NULL.
    Buckets { null: Place },
}

impl Places {
    #[inline]
    fn of(&self, code: u32) -> Place {
        match self {
            Self::Table(places) => places.get(code),
            Self::Buckets { null } => code.checked_sub(1).map_or(*null, Place::At),
        }
    }
}

/// The scalings of a run, side by side.
#[derive(Debug, Default)]
struct Scalings {
    center: Vec<f64>,
    inverse: Vec<f64>,
    null: Vec<f32>,
}

impl Scalings {
    fn len(&self) -> usize {
        self.center.len()
    }

    fn push(&mut self, scaling: Scaling) {
        self.center.push(scaling.plain.center);
        self.inverse.push(scaling.plain.inverse);
        self.null.push(scaling.plain.null);
    }
}

/// The frozen encoder of stored rows.
#[derive(Debug)]
pub(crate) struct RecordEncoder {
    steps: Vec<Step>,
    /// The first input behind each column, and its name.
    names: Vec<(usize, String)>,
    width: usize,
}

impl RecordEncoder {
    /// For one field per feature, that of a vector's first element, and then one per difference; and for what the stored
    /// codes of each feature mean, which matters for texts that are not hashed.
    pub(crate) fn new(preprocessing: &Preprocessing, fields: &[Field], codes: Vec<Codes>) -> Self {
        let mut encoder = Self {
            steps: Vec::new(),
            names: Vec::new(),
            width: 0,
        };
        let mut codes = codes.into_iter();
        let Preprocessing {
            features,
            differences,
        } = preprocessing;
        for (feature, field) in features.iter().zip(fields) {
            encoder.push(feature, *field, &codes.next().unwrap_or_default());
            encoder.names.push((encoder.width, feature.name.clone()));
        }
        let fields = fields.iter().skip(features.len());
        for (difference, field) in differences.iter().zip(fields) {
            encoder.push_number(&difference.number, *field);
            encoder.names.push((encoder.width, difference.name.clone()));
        }
        encoder
    }

    fn push(&mut self, feature: &Feature, field: Field, codes: &Codes) {
        let kind = match &feature.encoding {
            Encoding::Number(number) => return self.push_number(number, field),
            Encoding::Vector { elements, missing } => {
                let bytes = field.kind.bytes();
                for (place, element) in elements.iter().enumerate() {
                    let offset = field.offset + place * bytes;
                    self.push_number(element, Field { offset, ..field });
                }
                if *missing {
                    self.push_step(field, Kind::Missing, 1);
                }
                return;
            }
            Encoding::Boolean { null, missing } => Kind::Boolean {
                null: match null {
                    Null::Value(value) => f32::from(*value),
                    Null::Refused => f32::NAN,
                },
                missing: *missing,
            },
            Encoding::OneHot(vocabulary) => {
                Kind::Hot(Places::Table(codes.to(|given| vocabulary.input(given))))
            }
            Encoding::Embedding { vocabulary, .. } => {
                Kind::Index(Places::Table(codes.to(|given| vocabulary.vector(given))))
            }
            Encoding::Ordinal { number, .. } => Kind::Ordinal {
                inputs: codes.to(|given| position(&feature.encoding, given)),
                missing: number.missing,
            },
            Encoding::Hash {
                buckets,
                dim,
                null,
                missing,
            } => {
                let null = bucket_of_null(*null, *buckets, *missing, dim.is_none());
                let places = Places::Buckets { null };
                match dim {
                    None => Kind::Hot(places),
                    Some(_) => Kind::Index(places),
                }
            }
            Encoding::Calendar { parts, epoch } => Kind::Calendar {
                parts: parts.clone(),
                scaling: Scaling::new(epoch),
                missing: epoch.missing,
            },
        };
        self.push_step(field, kind, feature.encoding.width());
    }

    fn push_step(&mut self, field: Field, kind: Kind, width: usize) {
        self.steps.push(Step {
            field,
            input: self.width,
            kind,
        });
        self.width += width;
    }

    /// Lengthens the last run, or begins one, if the number can be part of one.
    fn push_number(&mut self, number: &Number, field: Field) {
        let scaling = Scaling::new(number);
        if number.missing || !scaling.is_plain() {
            let missing = number.missing;
            return self.push_step(field, Kind::Number { scaling, missing }, number.width());
        }
        if let Some(Step {
            field: first,
            input,
            kind: Kind::Run(scalings),
        }) = self.steps.last_mut()
            && first.kind == field.kind
            && first.offset + scalings.len() * field.kind.bytes() == field.offset
            && *input + scalings.len() == self.width
        {
            scalings.push(scaling);
            self.width += 1;
            return;
        }
        let mut scalings = Scalings::default();
        scalings.push(scaling);
        self.push_step(field, Kind::Run(scalings), 1);
    }

    /// Inputs of a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Encodes `record` into `x`, which is `width` wide and all zeros. What is refused becomes NaN.
    #[inline]
    pub(crate) fn encode(&self, record: &[u8], x: &mut [f32]) {
        for Step { field, input, kind } in &self.steps {
            let Some(x) = x.get_mut(*input..) else {
                continue;
            };
            match kind {
                Kind::Run(scalings) => {
                    let Some(x) = x.get_mut(..scalings.len()) else {
                        continue;
                    };
                    let bytes = record.get(field.offset..).unwrap_or_default();
                    let Scalings {
                        center,
                        inverse,
                        null,
                    } = scalings;
                    if field.kind == FieldKind::Single {
                        scale_singles(bytes.as_chunks().0, center, inverse, null, x);
                    } else {
                        scale_doubles(bytes.as_chunks().0, center, inverse, null, x);
                    }
                }
                Kind::Number { scaling, missing } => {
                    let value = field.number(record);
                    put(x, 0, scaling.stored(value));
                    put_missing(x, 1, *missing && value.is_nan());
                }
                Kind::Boolean { null, missing } => {
                    let word = field.word(record);
                    let is_null = word == NULL_BOOLEAN;
                    put(x, 0, if is_null { *null } else { word as f32 });
                    put_missing(x, 1, *missing && is_null);
                }
                Kind::Hot(places) => match places.of(field.word(record)) {
                    Place::At(place) => put(x, place as usize, 1.0),
                    Place::Nowhere => {}
                    Place::Refused => put(x, 0, f32::NAN),
                },
                Kind::Index(places) => {
                    if let Place::At(place) = places.of(field.word(record)) {
                        put(x, 0, place as f32);
                    } else {
                        put(x, 0, f32::NAN);
                    }
                }
                Kind::Ordinal { inputs, missing } => {
                    let code = field.word(record);
                    let [input, is_missing] = inputs.get(code);
                    put(x, 0, input);
                    put_missing(x, 1, *missing && is_missing > 0.0);
                }
                Kind::Calendar {
                    parts,
                    scaling,
                    missing,
                } => {
                    let value = field.number(record);
                    let Some((waves, rest)) = x.split_at_mut_checked(2 * parts.len()) else {
                        continue;
                    };
                    if !value.is_nan() {
                        for (x, part) in waves.as_chunks_mut::<2>().0.iter_mut().zip(parts) {
                            *x = wave(*part, value);
                        }
                    }
                    put(rest, 0, scaling.stored(value));
                    put_missing(rest, 1, *missing && value.is_nan());
                }
                Kind::Missing => put_missing(x, 0, field.number(record).is_nan()),
            }
        }
    }

    /// The error of a record whose inputs `x` are not all finite.
    #[cold]
    pub(crate) fn overflow(&self, record: &[u8], x: &[f32]) -> Error {
        let input = x.iter().position(|x| !x.is_finite()).unwrap_or(0);
        let column = self.names.partition_point(|(end, _)| *end <= input);
        let name = self.names.get(column).map_or("", |(_, name)| name);
        let step = self.steps.partition_point(|step| step.input <= input);
        let step = step.checked_sub(1).and_then(|step| self.steps.get(step));
        let Some(Step { field, kind, .. }) = step else {
            return null_refused(name);
        };
        let value = match kind {
            Kind::Run(_) | Kind::Number { .. } | Kind::Calendar { .. } | Kind::Missing => {
                let place = match kind {
                    Kind::Run(_) => input - step.map_or(0, |step| step.input),
                    _ => 0,
                };
                let offset = field.offset + place * field.kind.bytes();
                Field { offset, ..*field }.number(record)
            }
            Kind::Boolean { .. } => f64::NAN,
            Kind::Hot(_) | Kind::Index(_) | Kind::Ordinal { .. } if field.word(record) > 0 => {
                return unseen_refused(name, None);
            }
            Kind::Hot(_) | Kind::Index(_) | Kind::Ordinal { .. } => f64::NAN,
        };
        if value.is_nan() {
            null_refused(name)
        } else {
            too_far(value, name)
        }
    }
}

#[inline(always)]
fn put(x: &mut [f32], place: usize, value: f32) {
    if let Some(x) = x.get_mut(place) {
        *x = value;
    }
}

#[inline(always)]
fn put_missing(x: &mut [f32], place: usize, missing: bool) {
    if missing {
        put(x, place, 1.0);
    }
}
