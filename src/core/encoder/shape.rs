//! What numbers go through before they are inputs: NULL is filled, outliers are clipped, then all are scaled. Statistics are
//! those of the training values after the steps before, as scikit-learn's Pipeline(SimpleImputer, StandardScaler) has them.

use super::encoding::{Null, Number, Scale};
use super::moments::{Moments, divisor};
use super::number::signed_log1p;
use super::pass::Pass;
use super::quantiles::{Ascending, Draws, Source, draw, middle};
use super::too_far;
use crate::Result;
use crate::preprocess::{Bounds, Impute};
use crate::record::Field;

/// One number to be scaled.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) field: Field,
    /// Of its training values.
    pub(super) moments: Moments,
    pub(super) fill: Fill,
    pub(super) clip: Option<Bounds>,
    pub(super) scale: Scale,
}

/// What NULL becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fill {
    Value(f64),
    Mean,
    Median,
    Mode,
    Refused,
}

/// What was found of its values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Found {
    pub(super) fill: f64,
    pub(super) clip: Option<[f64; 2]>,
    /// The quartiles of the clipped values, NULLs filled.
    quartiles: [f64; 3],
}

impl Fill {
    /// As an option says it; a constant is known to its caller, and so is the default.
    pub(super) fn of(impute: Option<&Impute>, constant: Option<f64>, default: Self) -> Self {
        match (impute, constant) {
            (Some(Impute::Constant(_)), Some(value)) => Self::Value(value),
            (Some(Impute::Mean), _) => Self::Mean,
            (Some(Impute::Median), _) => Self::Median,
            (Some(Impute::Mode), _) => Self::Mode,
            (Some(Impute::Error | Impute::DropRow), _) => Self::Refused,
            _ => default,
        }
    }
}

impl Wanted<'_> {
    /// Whether single values have to be looked at.
    fn needs_values(&self) -> bool {
        matches!(self.fill, Fill::Median | Fill::Mode)
            || matches!(self.clip, Some(Bounds::Quantiles(_)))
            || self.scale == Scale::Robust
    }

    fn source(&self) -> Source {
        Source {
            field: self.field,
            count: self.moments.count,
        }
    }

    /// Whether the moments of the values themselves do not tell.
    fn is_reshaped(&self) -> bool {
        self.scale == Scale::Log1p || self.clip.is_some() && self.scale == Scale::Standard
    }

    /// What `values` tell, which are none where none are needed.
    fn find(&self, values: &mut [f64]) -> Found {
        let moments = &self.moments;
        if self.fill == Fill::Median && self.clip.is_none() && self.scale != Scale::Robust {
            return Found {
                fill: middle(values),
                ..Found::default()
            };
        }
        let ascending = Ascending::new(values);
        let of = |q: f64| ascending.quantile(q);
        self.found(
            match self.fill {
                Fill::Value(value) => value,
                Fill::Median => of(0.5),
                Fill::Mode => ascending.mode(),
                Fill::Mean | Fill::Refused => moments.mean,
            },
            |fill, clip, q| {
                let imputed = ascending.filled(fill, moments.nulls, moments.count);
                imputed.clipped(clip).quantile(q)
            },
        )
    }

    /// For a known `fill`, with the `quantile` of the values filled with it and clipped.
    pub(super) fn found(
        &self,
        fill: f64,
        quantile: impl Fn(f64, Option<[f64; 2]>, f64) -> f64,
    ) -> Found {
        let clip = self.clip.map(|bounds| match bounds {
            Bounds::Quantiles([low, high]) => {
                [quantile(fill, None, low), quantile(fill, None, high)]
            }
            Bounds::Stddev(most) => {
                let filled = self.moments.filled(fill);
                let far = most * filled.deviation().unwrap_or(f64::MAX);
                [
                    (filled.mean - far).max(f64::MIN),
                    (filled.mean + far).min(f64::MAX),
                ]
            }
        });
        let quartiles = if self.scale == Scale::Robust {
            [0.25, 0.5, 0.75].map(|q| quantile(fill, clip, q))
        } else {
            [0.0; 3]
        };
        Found {
            fill,
            clip,
            quartiles,
        }
    }

    /// The number as it is stored; `reshaped` are the moments of its values, clipped and logarithmised.
    pub(super) fn number(
        &self,
        found: &Found,
        reshaped: Option<Moments>,
        missing: bool,
    ) -> Result<Number> {
        let far = |value: f64| too_far(value, self.name);
        if self.moments.deviation().is_none() {
            return Err(far(self.moments.max));
        }
        let fill = clipped(found.fill, found.clip);
        let fill = if self.scale == Scale::Log1p {
            signed_log1p(fill)
        } else {
            fill
        };
        let filled = reshaped.unwrap_or(self.moments).filled(fill);
        let (min, max) = (
            clipped(filled.min, found.clip),
            clipped(filled.max, found.clip),
        );
        let (center, width) = match self.scale {
            Scale::Standard | Scale::Log1p => {
                let std = filled.std().ok_or_else(|| far(self.moments.max))?;
                (filled.mean, std)
            }
            Scale::MinMax => (min, max - min),
            Scale::MaxAbs => (0.0, min.abs().max(max.abs())),
            Scale::Robust => {
                let [low, middle, high] = found.quartiles;
                (middle, high - low)
            }
            Scale::None => (0.0, 1.0),
        };
        if !(center.is_finite() && width.is_finite()) {
            return Err(far(self.moments.max));
        }
        let number = Number {
            scale: self.scale,
            clip: found.clip,
            center,
            divisor: divisor(width),
            null: match self.fill {
                Fill::Refused => Null::Refused,
                _ => Null::Value(found.fill),
            },
            missing,
        };
        let null = super::Scaling::new(&number).apply(found.fill);
        if self.fill != Fill::Refused && !null.is_finite() {
            return Err(far(found.fill));
        }
        Ok(number)
    }
}

/// `value` within the bounds.
pub(super) fn clipped(value: f64, clip: Option<[f64; 2]>) -> f64 {
    match clip {
        Some([least, most]) => value.max(least).min(most),
        None => value,
    }
}

/// Looks at the values where that is needed.
pub(super) fn find(wanted: &[Wanted<'_>], pass: &mut Pass<'_>) -> Result<Vec<Found>> {
    let looked: Vec<&Wanted<'_>> = wanted.iter().filter(|it| it.needs_values()).collect();
    let sources: Vec<Source> = looked.iter().map(|it| it.source()).collect();
    let digest = |place: usize, values: &mut [f64]| {
        looked
            .get(place)
            .map_or_else(Found::default, |wanted| wanted.find(values))
    };
    let mut found = draw(&sources, Draws::Values, pass, digest)?.into_iter();
    let each = wanted.iter().map(|it| {
        if it.needs_values() {
            found.next().flatten().unwrap_or_default()
        } else {
            it.find(&mut [])
        }
    });
    Ok(each.collect())
}

/// The moments of values that are clipped or logarithmised, in one walk over the rows; `None` for the others.
pub(super) fn reshape(
    wanted: &[Wanted<'_>],
    found: &[Found],
    pass: &mut Pass<'_>,
) -> Result<Vec<Option<Moments>>> {
    let mut all: Vec<Option<Moments>> = wanted
        .iter()
        .map(|it| it.is_reshaped().then(Moments::default))
        .collect();
    let mut reshaped: Vec<_> = all
        .iter_mut()
        .zip(wanted.iter().zip(found))
        .filter_map(|(moments, (wanted, found))| {
            Some((
                wanted.field,
                found.clip,
                wanted.scale == Scale::Log1p,
                moments.as_mut()?,
            ))
        })
        .collect();
    if reshaped.is_empty() {
        return Ok(all);
    }
    let row_bytes = pass.samples.row_bytes();
    pass.samples.for_each(pass.callback, |rows| {
        for record in rows.chunks_exact(row_bytes) {
            for (field, clip, log, moments) in &mut reshaped {
                let value = field.number(record);
                if value.is_nan() {
                    moments.nulls += 1;
                    continue;
                }
                let value = clipped(value, *clip);
                moments.add(if *log { signed_log1p(value) } else { value });
            }
        }
        Ok(())
    })?;
    Ok(all)
}
