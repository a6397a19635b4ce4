//! How far rows of today have drifted from those of the training, column by column. docs/preprocessing.md has the formulas.

#[cfg(test)]
mod tests;

use super::lookup::Lookup;
use super::place::bucket;
use super::{Distribution, Encoding, not_finite, wrong_type};
use crate::{Binding, Callback, Column, Feature, ModelFile, Result, Value};

/// How far one column has drifted.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureDrift {
    /// The feature's name.
    pub feature: String,
    /// The population stability index; `None` where training kept no distribution or no row has a value.
    pub psi: Option<f64>,
    /// The largest distance of the distribution functions; `None` as above, and for texts, which have no order.
    pub ks: Option<f64>,
    /// The share of NULLs among training rows.
    pub null_rate_then: f64,
    /// The share of NULLs among these rows.
    pub null_rate_now: f64,
    /// The share of texts that are none of the categories; `None` for other types.
    pub unseen_share: Option<f64>,
}

/// A comparison under way.
#[derive(Debug)]
pub struct Drift<'m> {
    columns: Vec<Counted<'m>>,
    rows: u64,
    unchecked: usize,
}

/// A feature whose values are being counted.
#[derive(Debug)]
struct Counted<'m> {
    feature: &'m Feature,
    place: usize,
    nulls: u64,
    bins: Bins,
    /// Values of today in each bin.
    counts: Vec<u64>,
}

/// Into which bin a value falls.
#[derive(Debug)]
enum Bins {
    /// Up to each of these, and beyond the last one.
    Edges(Vec<f64>),
    /// False and true.
    Boolean,
    /// One per category, the last one for all other texts.
    Texts(Lookup<u32>),
    Buckets(u32),
    Unknown,
}

/// Below it a share counts as this much: a bin that is empty then or now would be infinitely far.
const FLOOR: f64 = 1e-4;
/// Values counted between two checks.
const UNCHECKED: usize = 1 << 12;

impl<'m> Drift<'m> {
    /// Binds the features of `file` to `columns` by name.
    pub fn new(file: &'m ModelFile, columns: &[Column]) -> Result<Self> {
        let features = file.features();
        let places = Binding::columns(features, columns)?;
        let counted = features.iter().zip(places);
        let counted = counted.map(|(feature, place)| Counted::new(feature, place));
        Ok(Self {
            columns: counted.collect::<Result<_>>()?,
            rows: 0,
            unchecked: 0,
        })
    }

    /// Counts one row: values in column order.
    pub fn push(&mut self, row: &[Value<'_>], callback: &mut dyn Callback) -> Result<()> {
        self.rows += 1;
        self.unchecked += row.len();
        if self.unchecked >= UNCHECKED {
            self.unchecked = 0;
            callback.check()?;
        }
        for column in &mut self.columns {
            let value = row.get(column.place).unwrap_or(&Value::Null);
            column.push(value, self.rows)?;
        }
        Ok(())
    }

    /// The drift of every feature in their order.
    ///
    /// `NoRows` if there were none.
    pub fn finish(self) -> Result<Vec<FeatureDrift>> {
        if self.rows == 0 {
            return Err(crate::Error::new(
                crate::ErrorKind::NoRows,
                "the query returned no rows to compare",
            ));
        }
        let rows = self.rows;
        let columns = self.columns.into_iter();
        Ok(columns.map(|column| column.finish(rows)).collect())
    }
}

impl<'m> Counted<'m> {
    fn new(feature: &'m Feature, place: usize) -> Result<Self> {
        let texts = |texts: &[String]| {
            let places = texts.iter().zip(0..);
            Lookup::new(places.map(|(text, place)| (text.as_str(), place)))
        };
        let (bins, count) = match (&feature.encoding, &feature.profile.distribution) {
            (Encoding::OneHot(it) | Encoding::Embedding { vocabulary: it, .. }, _) => {
                (Bins::Texts(texts(&it.categories)?), it.categories.len() + 1)
            }
            (Encoding::Ordinal { order, .. }, _) => (Bins::Texts(texts(order)?), order.len() + 1),
            (Encoding::Hash { buckets, .. }, Distribution::Category { .. }) => {
                (Bins::Buckets(*buckets), *buckets as usize)
            }
            (Encoding::Boolean { .. }, _) => (Bins::Boolean, 2),
            (_, Distribution::Number { quantiles, .. }) if !quantiles.is_empty() => {
                let mut edges = quantiles.clone();
                edges.dedup();
                let count = edges.len() + 1;
                (Bins::Edges(edges), count)
            }
            _ => (Bins::Unknown, 0),
        };
        let mut counts = crate::weights::room(count)?;
        counts.resize(count, 0);
        Ok(Self {
            feature,
            place,
            nulls: 0,
            bins,
            counts,
        })
    }

    fn push(&mut self, value: &Value<'_>, row: u64) -> Result<()> {
        let Feature {
            name, column_type, ..
        } = self.feature;
        let wrong = || wrong_type(name, *column_type, value);
        let bin = match (value, &self.bins) {
            (Value::Null, _) => {
                self.nulls += 1;
                return Ok(());
            }
            (Value::Vector(vector), bins) => {
                for number in vector.iter() {
                    if !number.is_finite() {
                        return Err(not_finite(number, name, Some(row)));
                    }
                    if let Bins::Edges(edges) = bins {
                        let bin = edges.partition_point(|edge| *edge < number);
                        count(&mut self.counts, bin);
                    }
                }
                return Ok(());
            }
            (Value::Number(number), _) if !number.is_finite() => {
                return Err(not_finite(*number, name, Some(row)));
            }
            (Value::Number(number), Bins::Edges(edges)) => {
                edges.partition_point(|edge| edge < number)
            }
            (Value::Boolean(boolean), Bins::Edges(edges)) => {
                let number = f64::from(u8::from(*boolean));
                edges.partition_point(|edge| *edge < number)
            }
            (Value::Boolean(boolean), Bins::Boolean) => usize::from(*boolean),
            (Value::Number(number), Bins::Boolean) if *number == 0.0 || *number == 1.0 => {
                usize::from(*number == 1.0)
            }
            (Value::Text(text), Bins::Texts(texts)) => match texts.get(text) {
                Some(place) => place as usize,
                None => self.counts.len() - 1,
            },
            (Value::Text(text), Bins::Buckets(buckets)) => bucket(text, *buckets) as usize,
            (_, Bins::Unknown) => return Ok(()),
            _ => return Err(wrong()),
        };
        count(&mut self.counts, bin);
        Ok(())
    }

    fn finish(self, rows: u64) -> FeatureDrift {
        let profile = &self.feature.profile;
        let share = |count: u64, all: u64| {
            if all > 0 {
                count as f64 / all as f64
            } else {
                0.0
            }
        };
        let all: u64 = self.counts.iter().sum();
        let now: Vec<f64> = self.counts.iter().map(|it| share(*it, all)).collect();
        let (psi, ks) = match (&profile.distribution, &self.bins) {
            _ if all == 0 => (None, None),
            (Distribution::Number { quantiles, .. }, Bins::Edges(edges)) => {
                let (psi, ks) = numbers(quantiles, edges, &now);
                (Some(psi), Some(ks))
            }
            (Distribution::Boolean { trues }, Bins::Boolean) if profile.count > 0 => {
                let trues = share(*trues, profile.count);
                let distance = now.get(1).map(|now| (now - trues).abs());
                (Some(stability(&[1.0 - trues, trues], &now)), distance)
            }
            (Distribution::Category { counts, other }, _) => {
                let all = counts.iter().sum::<u64>() + other;
                let mut then: Vec<f64> = counts.iter().map(|it| share(*it, all)).collect();
                if let Bins::Texts(_) = self.bins {
                    then.push(share(*other, all));
                }
                ((all > 0).then(|| stability(&then, &now)), None)
            }
            _ => (None, None),
        };
        let unseen_share = match &self.bins {
            Bins::Texts(_) if all > 0 => now.last().copied(),
            _ => None,
        };
        FeatureDrift {
            feature: self.feature.name.clone(),
            psi,
            ks,
            null_rate_then: share(profile.nulls, profile.nulls + profile.count),
            null_rate_now: share(self.nulls, rows),
            unseen_share,
        }
    }
}

fn count(counts: &mut [u64], bin: usize) {
    if let Some(count) = counts.get_mut(bin) {
        *count += 1;
    }
}

/// PSI and KS of numbers, given the training's `quantiles` in equal steps, the distinct ones as `edges` of bins, and the
/// share of today's values in each bin.
fn numbers(quantiles: &[f64], edges: &[f64], now: &[f64]) -> (f64, f64) {
    let steps = (quantiles.len() - 1).max(1) as f64;
    // The distribution functions at every edge.
    let then = |edge: f64| (quantiles.partition_point(|it| *it <= edge) - 1) as f64 / steps;
    let mut up_to = 0.0;
    let mut distance: f64 = 0.0;
    let (mut before_then, mut before_now) = (0.0, 0.0);
    let (mut shares_then, mut shares_now) = (Vec::new(), Vec::new());
    let deciles = |edge: f64| {
        let inner = quantiles.iter().step_by(2).skip(1);
        inner.take(9).any(|decile| *decile == edge)
    };
    for (edge, share) in edges.iter().zip(now) {
        up_to += share;
        let at = then(*edge);
        distance = distance.max((up_to - at).abs());
        if deciles(*edge) {
            shares_then.push(at - before_then);
            shares_now.push(up_to - before_now);
            (before_then, before_now) = (at, up_to);
        }
    }
    shares_then.push(1.0 - before_then);
    shares_now.push(1.0 - before_now);
    (stability(&shares_then, &shares_now), distance)
}

/// `PSI = sum over bins of (now - then) ln(now / then)`, no share being less than [`FLOOR`].
fn stability(then: &[f64], now: &[f64]) -> f64 {
    let bins = then.iter().zip(now);
    bins.map(|(then, now)| {
        let (then, now) = (then.max(FLOOR), now.max(FLOOR));
        (now - then) * libm::log(now / then)
    })
    .sum()
}
