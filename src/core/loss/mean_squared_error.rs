//! mse (Keras: `MeanSquaredError`).

use super::{Element, Kind, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;

/// mean (y - p)^2
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanSquaredError;

impl Kind for MeanSquaredError {
    const NAMES: &'static [&'static str] = &["mse", "mean_squared_error"];
    const TARGETS: Targets = Targets::Any;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn of_error(self, error: f64) -> f64 {
        error * error
    }

    mean_of_elements!();
}

impl Element for MeanSquaredError {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let e = p - y;
        (e * e, 2.0 * e)
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        (p - y) * (p - y)
    }
}
