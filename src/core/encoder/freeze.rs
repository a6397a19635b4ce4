//! Ends the learning: from learners to the preprocessing as it is stored, and to the encoder of stored rows.

#[cfg(test)]
mod tests;

use super::codes::Codes;
use super::distribution::QUANTILES;
use super::learner::{Learner, Statistics};
use super::moments::Moments;
use super::pass::Pass;
use super::quantiles::{Ascending, Draws, PROFILED, SAMPLE, Source, draw, least_bytes};
use super::shape::{Fill, Found, Wanted, find, reshape};
use super::skew::automatic;
use super::texts;
use super::{
    Difference, Distribution, Encoding, Null, Number, Part, Preprocessing, Profile, RecordEncoder,
    Scale, too_far,
};
use crate::preprocess::{Constant, Impute, Outliers, ScaleChoice};
use crate::record::Field;
use crate::slot::Form;
use crate::{Budget, ColumnType, Error, ErrorKind, Feature, Result, Value};

/// The preprocessing, frozen: as it is stored and as it encodes stored rows.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) preprocessing: Preprocessing,
    pub(crate) encoder: RecordEncoder,
    /// What the user should know.
    pub(crate) notices: Vec<String>,
}

/// What the sample of rows says of one column.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    pub(super) quantiles: Vec<f64>,
    pub(super) distinct: u64,
}

/// Memory that [`freeze`] cannot do without, beside a block of rows.
pub(crate) fn freezing_bytes(learners: &[Learner]) -> u64 {
    let sources = learners
        .iter()
        .flat_map(|learner| match &learner.statistics {
            Statistics::Numbers(moments) => moments.iter().map(|it| it.count).max(),
            Statistics::Category(_) | Statistics::Buckets(_) => {
                Some(learner.seen().0.min(PROFILED))
            }
            _ => None,
        });
    let sources = sources.map(|count| Source {
        field: Field {
            offset: 0,
            kind: crate::record::FieldKind::Double,
        },
        count: count.min(SAMPLE),
    });
    least_bytes(sources, Draws::Values)
}

/// Freezes what was learned from the training rows of `pass`.
///
/// # Errors
/// `NullNotAllowed` for a column without a value, `NotFinite` for values too large for f64 arithmetic, `InvalidParameter`
/// for options that the values do not fit.
pub(crate) fn freeze(mut learners: Vec<Learner>, pass: &mut Pass<'_>) -> Result<Frozen> {
    let is_difference = |learner: &Learner| matches!(learner.slot.form, Form::Difference(_));
    // Two columns may never have a value in the same row: that teaches nothing.
    learners.retain(|learner| !is_difference(learner) || learner.seen().0 > 0);
    if let Some(empty) = learners.iter().find(|learner| learner.seen().0 == 0) {
        return Err(all_null(&empty.slot.name));
    }
    let sketches = sketch(&learners, pass)?;
    let shaped = shape(&learners, &sketches, pass)?;
    let rows = pass.samples.rows();
    let (mut preprocessing, mut notices) = (Preprocessing::default(), Vec::new());
    let (mut fields, mut codes) = (Vec::new(), Vec::new());
    let columns: Vec<(usize, bool)> = learners
        .iter()
        .map(|it| (it.slot.column, is_difference(it)))
        .collect();
    let place = |column: usize| {
        let mut columns = columns.iter();
        columns
            .position(|found| *found == (column, false))
            .unwrap_or(0)
    };
    for ((learner, sketch), numbers) in learners.into_iter().zip(sketches).zip(shaped) {
        fields.push(learner.slot.field);
        let difference = match learner.slot.form {
            Form::Difference(from) => Some((place(from), place(learner.slot.column))),
            _ => None,
        };
        let name = learner.slot.name.clone();
        let column_type = learner.slot.column_type;
        let (encoding, profile, found) =
            encode(learner, sketch, numbers, rows, pass.budget, &mut notices)?;
        match (difference, encoding) {
            (Some((from, to)), Encoding::Number(number)) => {
                preprocessing.differences.push(Difference {
                    name,
                    from,
                    to,
                    number,
                    profile,
                });
            }
            (_, encoding) => {
                codes.push(found);
                preprocessing.features.push(Feature {
                    name,
                    column_type,
                    encoding,
                    profile,
                    unnamed: false,
                });
            }
        }
    }
    Ok(Frozen {
        encoder: RecordEncoder::new(&preprocessing, &fields, codes),
        preprocessing,
        notices,
    })
}

/// The encoder of rows that learners of [`super::frozen_layout`] have stored.
pub(crate) fn frozen_encoder(learners: &[Learner], preprocessing: &Preprocessing) -> RecordEncoder {
    let fields: Vec<Field> = learners.iter().map(|it| it.slot.field).collect();
    let of = |feature: &Feature| {
        Codes::frozen(match &feature.encoding {
            Encoding::OneHot(vocabulary) | Encoding::Embedding { vocabulary, .. } => {
                vocabulary.categories.len()
            }
            Encoding::Ordinal { order, .. } => order.len(),
            _ => 0,
        })
    };
    let codes = preprocessing.features.iter().map(of).collect();
    RecordEncoder::new(preprocessing, &fields, codes)
}

/// What the fixed sample of rows says of the columns of which it is asked.
fn sketch(learners: &[Learner], pass: &mut Pass<'_>) -> Result<Vec<Sketch>> {
    let asked = |learner: &&Learner| match &learner.statistics {
        Statistics::Numbers(_) => !matches!(learner.slot.form, Form::Vector(_)),
        Statistics::Category(counts) => counts.distinct().is_none(),
        Statistics::Buckets(_) => true,
        Statistics::Boolean(_) | Statistics::Frozen { .. } => false,
    };
    let sources: Vec<Source> = learners
        .iter()
        .filter(asked)
        .map(|learner| Source {
            field: learner.slot.field,
            count: learner.seen().0,
        })
        .collect();
    let digest = |_: usize, values: &mut [f64]| {
        let ascending = Ascending::new(values);
        let step = 1.0 / (QUANTILES - 1) as f64;
        Sketch {
            quantiles: (0..QUANTILES)
                .map(|place| ascending.quantile((place as f64 * step).min(1.0)))
                .collect(),
            distinct: ascending.distinct(),
        }
    };
    let mut found = draw(&sources, Draws::Rows, pass, digest)?.into_iter();
    let each = learners.iter().map(|learner| {
        if asked(&learner) {
            found.next().flatten().unwrap_or_default()
        } else {
            Sketch::default()
        }
    });
    Ok(each.collect())
}

/// The numbers of every learner, scaled: none for those without.
fn shape(
    learners: &[Learner],
    sketches: &[Sketch],
    pass: &mut Pass<'_>,
) -> Result<Vec<Vec<Number>>> {
    let mut wanted = Vec::new();
    for (learner, sketch) in learners.iter().zip(sketches) {
        if let Statistics::Numbers(moments) = &learner.statistics {
            for (place, moments) in moments.iter().enumerate() {
                wanted.push(want(learner, place, *moments, sketch)?);
            }
        }
    }
    let found: Vec<Found> = find(&wanted, pass)?;
    let reshaped = reshape(&wanted, &found, pass)?;
    let mut all = wanted.iter().zip(&found).zip(reshaped);
    let of = |learner: &Learner| {
        let is_vector = matches!(learner.slot.form, Form::Vector(_));
        let missing = !is_vector && learner.is_marked();
        all.by_ref()
            .take(match &learner.statistics {
                Statistics::Numbers(moments) => moments.len(),
                _ => 0,
            })
            .map(|((wanted, found), reshaped)| wanted.number(found, reshaped, missing))
            .collect()
    };
    learners.iter().map(of).collect()
}

/// What is wanted of the number at `place` of a learner.
fn want<'l>(
    learner: &'l Learner,
    place: usize,
    moments: Moments,
    sketch: &Sketch,
) -> Result<Wanted<'l>> {
    let options = &learner.options;
    let is_vector = matches!(learner.slot.form, Form::Vector(_));
    // An input of numbers side by side is filled with their means: that needs no look at single ones.
    let default = match sketch.quantiles.get(QUANTILES / 2) {
        _ if is_vector => Fill::Mean,
        Some(median) if moments.nulls == 0 => Fill::Value(*median),
        _ => Fill::Median,
    };
    let constant = match &options.impute {
        Some(Impute::Constant(constant)) => Some(number_of(learner, constant, place)?),
        _ => None,
    };
    Ok(Wanted {
        name: &learner.slot.name,
        field: learner.slot.field.at(place),
        moments,
        fill: Fill::of(options.impute.as_ref(), constant, default),
        clip: match options.outliers {
            Some(Outliers::Clip(bounds)) => Some(bounds),
            _ => None,
        },
        scale: match options.scale {
            Some(ScaleChoice::As(scale)) => scale,
            Some(ScaleChoice::Auto) | None if is_quantity(learner) => automatic(&moments, sketch),
            Some(ScaleChoice::Auto) | None => Scale::Standard,
        },
    })
}

/// Whether a column counts or measures something: neither a point in time nor one number of many.
fn is_quantity(learner: &Learner) -> bool {
    matches!(learner.slot.form, Form::Number)
        && matches!(
            learner.slot.column_type,
            ColumnType::Number | ColumnType::Interval
        )
}

/// A constant as the number that it stands for.
fn number_of(learner: &Learner, constant: &Constant, place: usize) -> Result<f64> {
    let slot = &learner.slot;
    let refused = |message: String, hint: &str| {
        Err(Error::new(ErrorKind::InvalidParameter, message).hint(hint))
    };
    match constant {
        Constant::Number(value) => Ok(*value),
        Constant::Boolean(value) => Ok(f64::from(u8::from(*value))),
        Constant::Numbers(values) => match values.get(place) {
            Some(value) if values.len() == slot.numbers() => Ok(*value),
            _ => refused(
                format!(
                    "the constant of column \"{}\" must have {} elements, not {}",
                    slot.name,
                    slot.numbers(),
                    values.len()
                ),
                "Give one per element of its arrays, or a single number for all of them.",
            ),
        },
        Constant::Text(text) => {
            // Literals of a prediction are read by the same rules.
            match slot.column_type.read(&slot.name, text)? {
                Value::Number(value) if value.is_finite() => Ok(value),
                _ => refused(
                    format!(
                        "the constant \"{text}\" of column \"{}\" must be {}",
                        slot.name,
                        slot.column_type.words()
                    ),
                    "It must be finite.",
                ),
            }
        }
    }
}

/// The encoding of one column, its profile, and what its codes mean.
fn encode(
    learner: Learner,
    sketch: Sketch,
    numbers: Vec<Number>,
    rows: u64,
    budget: &Budget,
    notices: &mut Vec<String>,
) -> Result<(Encoding, Profile, Codes)> {
    let (count, nulls) = learner.seen();
    let missing = learner.is_marked();
    let mut profile = Profile {
        count,
        nulls,
        distinct: sketch.distinct,
        sampled: rows > PROFILED,
        distribution: Distribution::None,
    };
    let Learner {
        slot,
        options,
        statistics,
        clock,
    } = learner;
    let encoding = match statistics {
        Statistics::Numbers(moments) => {
            let mut numbers = numbers.into_iter();
            if let Form::Vector(_) = slot.form {
                Encoding::Vector {
                    elements: numbers.collect(),
                    missing,
                }
            } else {
                let (Some(moments), Some(number)) = (moments.first(), numbers.next()) else {
                    return Err(all_null(&slot.name));
                };
                profile.distribution = distribution(moments, sketch.quantiles, &slot.name)?;
                let parts = options
                    .parts
                    .unwrap_or_else(|| parts(slot.column_type, clock));
                match slot.column_type {
                    ColumnType::Number | ColumnType::Interval => Encoding::Number(number),
                    _ => Encoding::Calendar {
                        parts,
                        epoch: number,
                    },
                }
            }
        }
        Statistics::Boolean([falses, trues, _]) => {
            profile.distinct = u64::from(falses > 0) + u64::from(trues > 0);
            profile.sampled = false;
            profile.distribution = Distribution::Boolean { trues };
            let null = match options.impute {
                Some(Impute::Error | Impute::DropRow) => Null::Refused,
                Some(Impute::Constant(Constant::Boolean(value))) => Null::Value(value),
                _ => Null::Value(trues > falses),
            };
            Encoding::Boolean { null, missing }
        }
        Statistics::Category(counts) => {
            profile.sampled = counts.distinct().is_none();
            if let Some(distinct) = counts.distinct() {
                profile.distinct = distinct as u64;
            }
            let (encoding, distribution, codes) =
                texts::encode(&slot, &options, counts, missing, budget, notices)?;
            profile.distribution = distribution;
            return Ok((encoding, profile, codes));
        }
        Statistics::Buckets(_) => texts::hashed(&slot, &options, missing),
        Statistics::Frozen { .. } => {
            let message = format!("column \"{}\" was not learned", slot.name);
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
    };
    Ok((encoding, profile, Codes::default()))
}

/// The parts of a date or time about which nothing was said.
fn parts(column_type: ColumnType, clock: bool) -> Vec<Part> {
    match column_type {
        ColumnType::Time => vec![Part::Hour],
        _ if clock => vec![Part::Month, Part::Day, Part::Weekday, Part::Hour],
        _ => vec![Part::Month, Part::Day, Part::Weekday],
    }
}

fn distribution(moments: &Moments, mut quantiles: Vec<f64>, name: &str) -> Result<Distribution> {
    let Some(std) = moments.deviation() else {
        return Err(too_far(moments.max, name));
    };
    // The ends are known better than the sample knows them.
    if let (Some(last), true) = (quantiles.len().checked_sub(1), moments.count > 0) {
        quantiles[0] = moments.min;
        quantiles[last] = moments.max;
    }
    Ok(Distribution::Number {
        min: moments.min,
        max: moments.max,
        mean: moments.mean,
        std,
        quantiles,
    })
}

#[cold]
fn all_null(name: &str) -> Error {
    let hint = "List it in exclude, or leave it out of the query.";
    let message = format!("column \"{name}\" is NULL in every training row");
    Error::new(ErrorKind::NullNotAllowed, message).hint(hint)
}
