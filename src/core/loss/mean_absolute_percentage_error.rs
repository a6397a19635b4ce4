//! mape (Keras: `MeanAbsolutePercentageError`).

use super::{Element, Kind, Scaling, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;

/// mean 100 |y - p| / max(|y|, 1e-7)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanAbsolutePercentageError;

/// Keras's epsilon.
const LEAST: f32 = 1e-7;

impl Kind for MeanAbsolutePercentageError {
    const NAMES: &'static [&'static str] = &["mape", "mean_absolute_percentage_error"];
    const TARGETS: Targets = Targets::Numbers;
    const SCALING: Scaling = Scaling::Factor;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    mean_of_elements!();
}

impl Element for MeanAbsolutePercentageError {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let e = p - y;
        let size = y.abs();
        let slope = 100.0 / if size > LEAST { size } else { LEAST };
        let signed = if e > 0.0 { slope } else { -slope };
        (e.abs() * slope, if e == 0.0 { 0.0 } else { signed })
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        100.0 * (p - y).abs() / y.abs().max(f64::from(LEAST))
    }
}
