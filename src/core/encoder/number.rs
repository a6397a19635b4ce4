//! The arithmetic of a number: batches of training and rows of scoring share it.

use super::encoding::{Null, Number, Scale};
use crate::kernels::record::scaled;

/// A [`Number`] ready to be applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaling {
    pub(super) plain: Plain,
    /// What is done before, for numbers that are not [`Scaling::is_plain`].
    clip: [f64; 2],
    log: bool,
}

/// What every number ends with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    pub(super) center: f64,
    pub(super) inverse: f64,
    /// The input of NULL; NaN where it is refused.
    pub(super) null: f32,
}

impl Plain {
    /// `(value - center) / divisor`
    #[inline(always)]
    pub(crate) fn apply(&self, value: f64) -> f32 {
        scaled(value, self.center, self.inverse)
    }
}

impl Scaling {
    pub(crate) fn new(number: &Number) -> Self {
        let mut scaling = Self {
            plain: Plain {
                center: number.center,
                inverse: 1.0 / number.divisor,
                null: f32::NAN,
            },
            clip: number.clip.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]),
            log: number.scale == Scale::Log1p,
        };
        if let Null::Value(value) = number.null {
            scaling.plain.null = scaling.apply(value);
        }
        scaling
    }

    /// Whether it does nothing but `(value - center) / divisor`.
    pub(crate) fn is_plain(&self) -> bool {
        !self.log && self.clip == [f64::NEG_INFINITY, f64::INFINITY]
    }

    /// The input of a finite value.
    #[inline]
    pub(crate) fn apply(&self, value: f64) -> f32 {
        let [least, most] = self.clip;
        let value = value.max(least).min(most);
        let value = if self.log { signed_log1p(value) } else { value };
        self.plain.apply(value)
    }

    /// The input of NULL; NaN where it is refused.
    pub(crate) fn null(&self) -> f32 {
        self.plain.null
    }

    /// The input of a number whose NULL is NaN.
    #[inline]
    pub(crate) fn stored(&self, value: f64) -> f32 {
        if value.is_nan() {
            self.plain.null
        } else {
            self.apply(value)
        }
    }
}

/// `sign(v) ln(1 + |v|)`
pub(crate) fn signed_log1p(value: f64) -> f64 {
    libm::log1p(value.abs()).copysign(value)
}
