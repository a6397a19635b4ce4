//! msle (Keras: `MeanSquaredLogarithmicError`).

use super::{Element, Kind, Scaling, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::math::log1p;

/// mean (ln(1 + max(y, 1e-7)) - ln(1 + max(p, 1e-7)))^2
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanSquaredLogarithmicError;

/// Keras's epsilon.
const LEAST: f32 = 1e-7;

impl Kind for MeanSquaredLogarithmicError {
    const NAMES: &'static [&'static str] = &["msle", "mean_squared_logarithmic_error"];
    const TARGETS: Targets = Targets::Numbers;
    const SCALING: Scaling = Scaling::Own(0.0, f64::INFINITY);

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    mean_of_elements!();
}

impl Element for MeanSquaredLogarithmicError {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        // Written so that NaN stays NaN.
        let above = if p < LEAST { LEAST } else { p };
        let y = if y < LEAST { LEAST } else { y };
        let e = log1p::<S>(above) - log1p::<S>(y);
        let slope = 2.0 * e / (1.0 + above);
        (e * e, if p < LEAST { 0.0 } else { slope })
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        let log = |v: f64| libm::log1p(v.max(f64::from(LEAST)));
        let e = log(p) - log(y);
        e * e
    }
}
