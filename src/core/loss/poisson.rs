//! poisson (Keras: `Poisson`).

use super::{Element, Kind, Scaling, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::math::ln;

/// mean (p - y ln(p + 1e-7)): counts y whose mean is p, but for what does not depend on p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poisson;

/// Keras's epsilon.
const LEAST: f32 = 1e-7;

impl Kind for Poisson {
    const NAMES: &'static [&'static str] = &["poisson"];
    const TARGETS: Targets = Targets::Numbers;
    const SCALING: Scaling = Scaling::Own(0.0, f64::INFINITY);
    const POSITIVE: bool = true;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    mean_of_elements!();
}

impl Element for Poisson {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let above = p + LEAST;
        (p - y * ln::<S>(above), 1.0 - y / above)
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        p - y * libm::log(p + f64::from(LEAST))
    }
}
