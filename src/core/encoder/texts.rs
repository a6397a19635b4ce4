//! The encodings of texts, from what was counted.

use super::codes::Codes;
use super::counts::{Counts, Kept};
use super::moments::Moments;
use super::shape::{Fill, Found, Wanted};
use super::{CategoryNull, Distribution, Encoding, Scale, Unseen, Vocabulary, bucket};
use crate::config::invalid;
use crate::preprocess::{ColumnOptions, Constant, Encode, Impute, ScaleChoice};
use crate::slot::Slot;
use crate::{Budget, Result};
use std::collections::HashMap;

/// The most categories that keep a place where nothing was said.
const MAX_CATEGORIES: usize = 1000;
/// The most categories that are one-hot where nothing was said; where there are more, those of one row are rare.
const FEW: usize = 32;

/// Numbers of a category's vector where nothing was said: twice the fourth root, as for word lists, up to 16.
fn default_dim(categories: usize) -> usize {
    let root = (categories as f64).sqrt().sqrt();
    ((2.0 * root).ceil() as usize).clamp(1, 16)
}

/// The encoding of categories, how they are distributed, and what their codes mean.
pub(super) fn encode(
    slot: &Slot,
    options: &ColumnOptions,
    counts: Counts,
    missing: bool,
    budget: &Budget,
    notices: &mut Vec<String>,
) -> Result<(Encoding, Distribution, Codes)> {
    let (_, nulls) = counts.seen();
    if let Some(Encode::Ordinal { order }) = &options.encode {
        let labels = counts.labels().map(<[String]>::to_vec);
        let kept = counts.finish(usize::MAX, usize::MAX, None, budget)?;
        let order = order.clone().or(labels);
        return ordinal(slot, options, kept, order, nulls, missing);
    }
    let most = options.max_categories.unwrap_or(MAX_CATEGORIES);
    let declared = counts.labels().map(<[String]>::to_vec);
    let constant = match &options.impute {
        Some(Impute::Constant(Constant::Text(text))) => Some(text.as_str()),
        _ => None,
    };
    let exact = counts.distinct().is_some();
    let mut kept = counts.finish(most, FEW, constant, budget)?;
    if kept.categories.is_empty() {
        notices.push(nothing_kept(&slot.name, exact));
    }
    let null = null(options, &mut kept, nulls, declared.as_deref());
    let vocabulary = Vocabulary {
        other: kept.other > 0,
        missing: missing && null == CategoryNull::Missing,
        unseen: options.on_unseen.unwrap_or(Unseen::Other),
        null,
        categories: kept.categories,
    };
    if vocabulary.unseen == Unseen::Missing && vocabulary.null == CategoryNull::Refused {
        return Err(invalid(format!(
            "column \"{}\" cannot both refuse NULL and take what was not seen for NULL",
            slot.name
        ))
        .hint("Set on_unseen to other or error, or choose another impute."));
    }
    let distribution = Distribution::Category {
        counts: kept.counts,
        other: kept.other,
    };
    let dim = match options.encode {
        Some(Encode::OneHot) => None,
        Some(Encode::Embedding { dim }) => {
            Some(dim.unwrap_or_else(|| default_dim(vocabulary.categories.len())))
        }
        _ if vocabulary.categories.len() <= FEW => None,
        _ => Some(default_dim(vocabulary.categories.len())),
    };
    let encoding = match dim {
        None => Encoding::OneHot(vocabulary),
        Some(dim) => Encoding::Embedding { vocabulary, dim },
    };
    Ok((encoding, distribution, kept.codes))
}

/// What to know of a column none of whose values keeps a place; `exact` where all of them were counted.
fn nothing_kept(name: &str, exact: bool) -> String {
    if exact {
        format!(
            "column \"{name}\" has another value in every row, of which nothing can be learned: consider listing it in exclude"
        )
    } else {
        format!(
            "column \"{name}\" has more values than the memory limit lets be counted, none of them frequent enough to be learned: raise the limit or list it in exclude"
        )
    }
}

/// What NULL is among the categories; a constant that replaced NULLs becomes one of them.
fn null(
    options: &ColumnOptions,
    kept: &mut Kept,
    nulls: u64,
    declared: Option<&[String]>,
) -> CategoryNull {
    match &options.impute {
        Some(Impute::Error | Impute::DropRow) => CategoryNull::Refused,
        Some(Impute::Mode) => match most_frequent(&kept.counts) {
            Some(place) => CategoryNull::Category(place),
            None => CategoryNull::Missing,
        },
        Some(Impute::Constant(Constant::Text(text))) => {
            let found = kept.categories.iter().position(|it| it == text);
            match found {
                Some(place) => CategoryNull::Category(place as u32),
                None if nulls == 0 => CategoryNull::Missing,
                None => {
                    let rank = |text: &str| {
                        let mut labels = declared.unwrap_or_default().iter();
                        labels.position(|label| label == text).unwrap_or(usize::MAX)
                    };
                    let place = kept
                        .categories
                        .partition_point(|it| (rank(it), it.as_str()) < (rank(text), text));
                    kept.categories.insert(place, text.clone());
                    kept.counts.insert(place, 0);
                    let place = place as u32;
                    kept.codes
                        .remap(|category| Some(category + u32::from(category >= place)));
                    CategoryNull::Category(place)
                }
            }
        }
        _ => CategoryNull::Missing,
    }
}

/// The place of the largest count, of equals the first.
fn most_frequent(counts: &[u64]) -> Option<u32> {
    let best = counts.iter().max()?;
    counts
        .iter()
        .position(|count| count == best)
        .map(|place| place as u32)
}

/// Hashed texts.
pub(super) fn hashed(slot: &Slot, options: &ColumnOptions, missing: bool) -> Encoding {
    let (buckets, dim) = match options.encode {
        Some(Encode::Hash { buckets, dim }) => (buckets, dim),
        // Only hashed texts are stored as buckets.
        _ => (slot.buckets().unwrap_or(1), None),
    };
    let null = match &options.impute {
        Some(Impute::Error | Impute::DropRow) => CategoryNull::Refused,
        Some(Impute::Constant(Constant::Text(text))) => {
            CategoryNull::Category(bucket(text, buckets))
        }
        _ => CategoryNull::Missing,
    };
    Encoding::Hash {
        buckets,
        dim,
        missing: missing && null == CategoryNull::Missing,
        null,
    }
}

/// Positions in `order`, scaled as numbers.
fn ordinal(
    slot: &Slot,
    options: &ColumnOptions,
    mut kept: Kept,
    order: Option<Vec<String>>,
    nulls: u64,
    missing: bool,
) -> Result<(Encoding, Distribution, Codes)> {
    let name = &slot.name;
    let refuses = matches!(options.impute, Some(Impute::Error | Impute::DropRow));
    let mut other = kept.other;
    let (order, counts) = match order {
        None => (kept.categories, kept.counts),
        Some(mut order) => {
            let known: HashMap<String, usize> = order.iter().cloned().zip(0..).collect();
            let mut places: Vec<Option<u32>> = Vec::with_capacity(kept.categories.len());
            for category in &kept.categories {
                let mut place = known.get(category).copied();
                let given = matches!(&options.encode, Some(Encode::Ordinal { order: Some(_) }));
                if place.is_none() && !given {
                    // An enum that has got a label since the query began.
                    place = Some(order.len());
                    order.push(category.clone());
                }
                if place.is_none() && options.on_unseen.is_none_or(|it| it == Unseen::Error) {
                    return Err(invalid(format!(
                        "column \"{name}\" has the value \"{category}\", which is not in its order"
                    ))
                    .hint("Add it to order, or set on_unseen to other or missing."));
                }
                places.push(place.map(|place| place as u32));
            }
            let mut counts = vec![0; order.len()];
            for (place, count) in places.iter().zip(kept.counts) {
                match place.and_then(|place| counts.get_mut(place as usize)) {
                    Some(sum) => *sum += count,
                    None => other += count,
                }
            }
            kept.codes
                .remap(|category| places.get(category as usize).copied().flatten());
            (order, counts)
        }
    };
    let unseen = match options.on_unseen {
        Some(Unseen::Error) => Unseen::Error,
        None if refuses => Unseen::Error,
        Some(_) if refuses => {
            return Err(invalid(format!(
                "column \"{name}\" cannot both refuse NULL and take what was not seen for NULL"
            ))
            .hint("Set on_unseen to error, or choose another impute."));
        }
        on_unseen => on_unseen.unwrap_or(Unseen::Other),
    };
    let constant = match &options.impute {
        Some(Impute::Constant(Constant::Text(text))) => {
            let place = order.iter().position(|it| it == text);
            let Some(place) = place else {
                return Err(invalid(format!(
                    "the constant \"{text}\" of column \"{name}\" is not in its order"
                ))
                .hint(
                    "Choose one of its values, or add this one to the order of encode ordinal.",
                ));
            };
            Some(place as f64)
        }
        _ => None,
    };
    let wanted = Wanted {
        name,
        field: slot.field,
        moments: moments(&counts, nulls + other),
        fill: Fill::of(options.impute.as_ref(), constant, Fill::Median),
        clip: None,
        scale: match options.scale {
            Some(ScaleChoice::As(Scale::Log1p)) => {
                return Err(invalid(format!(
                    "scale log1p does not fit the positions of column \"{name}\""
                ))
                .hint("Choose another scale."));
            }
            Some(ScaleChoice::As(scale)) => scale,
            Some(ScaleChoice::Auto) | None => Scale::Standard,
        },
    };
    let found = positions(&wanted, &counts);
    let number = wanted.number(&found, None, missing)?;
    let distribution = Distribution::Category { counts, other };
    let encoding = Encoding::Ordinal {
        order,
        number,
        unseen,
    };
    Ok((encoding, distribution, kept.codes))
}

/// The moments of positions of which each was seen `counts` times.
fn moments(counts: &[u64], nulls: u64) -> Moments {
    let mut all = Moments::default();
    for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let place = place as f64;
        if all.count == 0 {
            all.add(place);
            all.count = *count;
            continue;
        }
        // So many equal values, added as if they had been NULLs.
        all.nulls = *count;
        all = all.filled(place);
    }
    all.nulls = nulls;
    all
}

/// Fill and quartiles of positions.
fn positions(wanted: &Wanted<'_>, counts: &[u64]) -> Found {
    let quantile = |fills: u64, fill: f64, q: f64| {
        let all: u64 = counts.iter().sum::<u64>() + fills;
        let rank = q * all.saturating_sub(1) as f64;
        let at = |rank: u64| {
            let (mut below, mut fills) = (0, fills);
            for (place, count) in counts.iter().enumerate() {
                let place = place as f64;
                if fill <= place {
                    below += std::mem::take(&mut fills);
                    if rank < below {
                        return fill;
                    }
                }
                below += count;
                if rank < below {
                    return place;
                }
            }
            counts.len().saturating_sub(1) as f64
        };
        let (low, high) = (at(rank.floor() as u64), at(rank.ceil() as u64));
        low + (high - low) * (rank - rank.floor())
    };
    let fill = match wanted.fill {
        Fill::Value(value) => value,
        Fill::Mode => most_frequent(counts).map_or(0.0, f64::from),
        // A position that there is: the lower one of two in the middle.
        Fill::Median => quantile(0, -1.0, 0.5).floor(),
        Fill::Mean | Fill::Refused => wanted.moments.mean,
    };
    wanted.found(fill, |fill, _, q| quantile(wanted.moments.nulls, fill, q))
}
