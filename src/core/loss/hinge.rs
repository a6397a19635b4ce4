//! hinge (Keras: `Hinge`).

use super::{Element, Kind, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;

/// mean max(1 - t p, 0): labels 0 and 1 count as t = -1 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hinge;

impl Kind for Hinge {
    const NAMES: &'static [&'static str] = &["hinge"];
    const TARGETS: Targets = Targets::Two;
    const PROBABILITIES: bool = false;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    mean_of_elements!();
}

impl Element for Hinge {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let t = 2.0 * y - 1.0;
        let left = 1.0 - t * p;
        // Written so that NaN stays NaN.
        if left <= 0.0 { (0.0, 0.0) } else { (left, -t) }
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        (1.0 - (2.0 * y - 1.0) * p).max(0.0)
    }
}
