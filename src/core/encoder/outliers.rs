//! Training rows that are left out because a value lies too far from the others.

use super::learner::{Learner, Statistics};
use super::moments::Moments;
use super::pass::Pass;
use super::runs::Runs;
use super::shape::{Fill, Wanted, find};
use super::{Scale, too_far};
use crate::preprocess::Outliers;
use crate::record::Field;
use crate::target_learner::TargetLearner;
use crate::{Error, ErrorKind, Result, SpillFactory};

/// The bounds of one number of a learner.
struct Bound {
    learner: usize,
    field: Field,
    least: f64,
    most: f64,
}

/// Leaves out the training rows in which a column that asks for it has an outlier, and learns features and target again
/// from those that stay. Returns what the user should know.
///
/// The bounds of all columns are those of all training rows. NULL is no outlier.
pub(crate) fn drop_outliers(
    learners: &mut [Learner],
    target: &mut TargetLearner,
    pass: &mut Pass<'_>,
    spills: &mut dyn SpillFactory,
) -> Result<Vec<String>> {
    let bounds = bounds(learners, pass)?;
    if bounds.is_empty() {
        return Ok(Vec::new());
    }
    let before = pass.samples.rows();
    let mut dropped = vec![0_u64; learners.len()];
    let mut failed = None;
    pass.samples.retain(spills, pass.callback, |record| {
        let outlier = bounds.iter().find(|bound| {
            let value = bound.field.number(record);
            value < bound.least || value > bound.most
        });
        let Some(outlier) = outlier else {
            return true;
        };
        if let Some(rows) = dropped.get_mut(outlier.learner) {
            *rows += 1;
        }
        for learner in learners.iter_mut() {
            if let Err(error) = learner.drop_row(record) {
                failed.get_or_insert(error);
            }
        }
        false
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let after = pass.samples.rows();
    if after == before {
        return Ok(Vec::new());
    }
    if after < 2 {
        return Err(Error::new(
            ErrorKind::TooFew,
            format!("only {after} of {before} training rows are no outliers"),
        )
        .hint("Widen the bounds of outliers drop, or use clip."));
    }
    let mut runs = Runs::new(learners);
    learners.iter_mut().for_each(Learner::forget);
    target.forget();
    let row_bytes = pass.samples.row_bytes();
    pass.samples.for_each(pass.callback, |rows| {
        for record in rows.chunks_exact(row_bytes) {
            runs.learn(record);
            learners.iter_mut().for_each(|it| it.look_at_clock(record));
            target.relearn(record)?;
        }
        Ok(())
    })?;
    runs.finish(learners);
    let notice = |(learner, rows): (&Learner, &u64)| {
        let (noun, were) = if *rows == 1 {
            ("training row", "was")
        } else {
            ("training rows", "were")
        };
        let name = &learner.slot.name;
        format!("{rows} {noun} with an outlier in \"{name}\" {were} left out")
    };
    let all = learners.iter().zip(&dropped);
    Ok(all.filter(|(_, rows)| **rows > 0).map(notice).collect())
}

fn bounds(learners: &[Learner], pass: &mut Pass<'_>) -> Result<Vec<Bound>> {
    let mut wanted = Vec::new();
    let mut places = Vec::new();
    for (learner, it) in learners.iter().enumerate() {
        let (Statistics::Numbers(moments), Some(Outliers::Drop(bounds))) =
            (&it.statistics, it.options.outliers)
        else {
            continue;
        };
        for (place, moments) in moments.iter().enumerate() {
            if moments.std().is_none() {
                return Err(too_far(moments.max, &it.slot.name));
            }
            places.push(learner);
            wanted.push(Wanted {
                name: &it.slot.name,
                field: it.slot.field.at(place),
                moments: Moments {
                    nulls: 0,
                    ..*moments
                },
                fill: Fill::Mean,
                clip: Some(bounds),
                scale: Scale::None,
            });
        }
    }
    let found = find(&wanted, pass)?;
    let each = wanted.iter().zip(found).zip(places);
    let bound = |((wanted, found), learner): ((&Wanted<'_>, super::shape::Found), usize)| {
        let [least, most] = found.clip?;
        Some(Bound {
            learner,
            field: wanted.field,
            least,
            most,
        })
    };
    Ok(each.filter_map(bound).collect())
}
