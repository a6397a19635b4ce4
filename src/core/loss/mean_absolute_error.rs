//! mae (Keras: `MeanAbsoluteError`).

use super::{Element, Kind, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;

/// mean |y - p|
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanAbsoluteError;

impl Kind for MeanAbsoluteError {
    const NAMES: &'static [&'static str] = &["mae", "mean_absolute_error"];
    const TARGETS: Targets = Targets::Any;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn of_error(self, error: f64) -> f64 {
        error.abs()
    }

    mean_of_elements!();
}

impl Element for MeanAbsoluteError {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let e = p - y;
        let sign = if e > 0.0 { 1.0 } else { -1.0 };
        (e.abs(), if e == 0.0 { 0.0 } else { sign })
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        (p - y).abs()
    }
}
