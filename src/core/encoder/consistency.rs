//! What must hold of an encoder that comes from a file.

#[cfg(test)]
mod tests;

use super::Scaling;
use super::distribution::{Distribution, Profile, QUANTILES};
use super::encoding::{
    CategoryNull, Encoding, MAX_PLACES, Null, Number, Scale, Unseen, Vocabulary,
};
use super::preprocessing::{Difference, Preprocessing};
use crate::{ColumnType, Feature};
use std::collections::HashSet;

/// What is wrong with one part.
type Found = Result<(), &'static str>;

/// The widest row of inputs.
const MAX_WIDTH: usize = 1 << 24;

/// The longest vector.
const MAX_DIM: usize = 1 << 12;

/// Says what is wrong with `preprocessing`, if anything is.
pub(super) fn check(preprocessing: &Preprocessing) -> Result<(), String> {
    let Preprocessing {
        features,
        differences,
    } = preprocessing;
    if features.is_empty() {
        return Err("there are no features".into());
    }
    let mut names = HashSet::new();
    for feature in features {
        let name = &feature.name;
        if !names.insert(name) {
            return Err(format!("two features are named \"{name}\""));
        }
        check_feature(feature).map_err(|what| format!("feature \"{name}\" {what}"))?;
    }
    for difference in differences {
        check_difference(difference, features)
            .map_err(|what| format!("difference \"{}\" {what}", difference.name))?;
    }
    // Each of the widths is at most 2^26, and there are fewer features than bytes in a file.
    if preprocessing.width() > MAX_WIDTH {
        return Err("there are too many inputs".into());
    }
    Ok(())
}

fn check_feature(feature: &Feature) -> Found {
    let column_type = feature.column_type;
    let places = match (&feature.encoding, column_type) {
        (Encoding::Number(number), ColumnType::Number | ColumnType::Interval) => {
            check_number(number)?;
            0
        }
        (Encoding::Boolean { .. }, ColumnType::Boolean) => 0,
        (Encoding::OneHot(vocabulary), ColumnType::Category) => check_vocabulary(vocabulary)?,
        (Encoding::Embedding { vocabulary, dim }, ColumnType::Category) => {
            check_dim(*dim)?;
            check_vocabulary(vocabulary)?
        }
        (
            Encoding::Ordinal {
                order,
                number,
                unseen,
            },
            ColumnType::Category,
        ) => {
            check_categories(order)?;
            check_number(number)?;
            let fits = number.clip.is_none() && number.scale != Scale::Log1p;
            // What is neither a position nor refused needs a number to stand for it.
            if !fits || (number.null == Null::Refused && *unseen != Unseen::Error) {
                return Err("has positions that cannot be scaled");
            }
            order.len()
        }
        (
            Encoding::Hash {
                buckets, dim, null, ..
            },
            ColumnType::Category,
        ) => {
            let buckets = *buckets as usize;
            if buckets == 0 || buckets > MAX_PLACES {
                return Err("has no or too many buckets");
            }
            dim.map_or(Ok(()), check_dim)?;
            check_place(*null, buckets)?;
            buckets
        }
        (Encoding::Calendar { parts, epoch }, column_type)
            if column_type.is_point_in_time() || column_type == ColumnType::Time =>
        {
            check_number(epoch)?;
            if parts
                .iter()
                .enumerate()
                .any(|(i, it)| parts[..i].contains(it))
            {
                return Err("has a part twice");
            }
            0
        }
        (Encoding::Vector { elements, .. }, ColumnType::Vector) => {
            if elements.is_empty() || elements.len() > MAX_PLACES {
                return Err("has no or too many elements");
            }
            for element in elements {
                check_number(element)?;
            }
            0
        }
        _ => return Err("has an encoding that does not fit its type"),
    };
    check_profile(&feature.profile, column_type, places)
}

fn check_difference(difference: &Difference, features: &[Feature]) -> Found {
    let in_time = |place: usize| {
        features
            .get(place)
            .is_some_and(|feature| feature.column_type.is_point_in_time())
    };
    if difference.from == difference.to || !in_time(difference.from) || !in_time(difference.to) {
        return Err("is not one of two points in time");
    }
    check_number(&difference.number)?;
    check_profile(&difference.profile, ColumnType::Interval, 0)
}

/// The numbers fit together and a NULL has a finite input.
fn check_number(number: &Number) -> Found {
    let Number {
        clip,
        center,
        divisor,
        null,
        ..
    } = number;
    let divides = *divisor > 0.0 && divisor.is_finite() && (1.0 / divisor).is_finite();
    if !(center.is_finite() && divides) {
        return Err("has a center or divisor that cannot be");
    }
    if let Some([least, most]) = clip
        && !(least.is_finite() && most.is_finite() && least <= most)
    {
        return Err("has limits that cannot be");
    }
    if let Null::Value(value) = null
        && !(value.is_finite() && Scaling::new(number).apply(*value).is_finite())
    {
        return Err("has a value for NULL that cannot be");
    }
    Ok(())
}

/// The categories differ, and NULL has a place among them; says how many there are.
fn check_vocabulary(vocabulary: &Vocabulary) -> Result<usize, &'static str> {
    let count = vocabulary.categories.len();
    if !vocabulary.other || count > 0 {
        check_categories(&vocabulary.categories)?;
    }
    check_place(vocabulary.null, count)?;
    if vocabulary.unseen == Unseen::Missing && vocabulary.null == CategoryNull::Refused {
        return Err("has no place for categories that were never seen");
    }
    Ok(count)
}

fn check_categories(categories: &[String]) -> Found {
    if categories.is_empty() || categories.len() > MAX_PLACES {
        return Err("has no or too many categories");
    }
    if categories.iter().collect::<HashSet<_>>().len() != categories.len() {
        return Err("has a category twice");
    }
    Ok(())
}

fn check_place(null: CategoryNull, places: usize) -> Found {
    match null {
        CategoryNull::Category(place) if place as usize >= places => {
            Err("has a category for NULL that is not there")
        }
        _ => Ok(()),
    }
}

fn check_dim(dim: usize) -> Found {
    if (1..=MAX_DIM).contains(&dim) {
        Ok(())
    } else {
        Err("has vectors of a length that cannot be")
    }
}

/// The distribution fits the type, and the `places` of its categories.
fn check_profile(profile: &Profile, column_type: ColumnType, places: usize) -> Found {
    let fits = match (&profile.distribution, column_type) {
        (Distribution::None, _) => true,
        (Distribution::Boolean { trues }, ColumnType::Boolean) => *trues <= profile.count,
        (Distribution::Category { counts, other }, ColumnType::Category) => {
            let sum = counts
                .iter()
                .try_fold(*other, |sum, count| sum.checked_add(*count));
            counts.len() == places && sum.is_some()
        }
        (
            Distribution::Number {
                min,
                max,
                mean,
                std,
                quantiles,
            },
            column_type,
        ) if column_type.is_numeric() || column_type == ColumnType::Vector => {
            let finite = [min, max, mean, std].into_iter().chain(quantiles);
            let known = quantiles.is_empty() || quantiles.len() == QUANTILES;
            finite.into_iter().all(|it| it.is_finite())
                && *std >= 0.0
                && min <= max
                && known
                && quantiles.is_sorted()
        }
        _ => false,
    };
    let sum = profile.count.checked_add(profile.nulls);
    if fits && sum.is_some() && profile.distinct <= profile.count {
        Ok(())
    } else {
        Err("has a distribution that cannot be")
    }
}
