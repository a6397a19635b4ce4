//! log_cosh (Keras: `LogCosh`).

use super::{Element, Kind, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::math::{exp, log1p, tanh};

/// mean ln cosh(p - y): about e^2 / 2 near 0, |e| - ln 2 far from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogCosh;

impl Kind for LogCosh {
    const NAMES: &'static [&'static str] = &["log_cosh"];
    const TARGETS: Targets = Targets::Any;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn of_error(self, error: f64) -> f64 {
        self.exact(error, 0.0)
    }

    mean_of_elements!();
}

impl Element for LogCosh {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let e = p - y;
        let a = e.abs();
        let large = a + log1p::<S>(exp::<S>(-2.0 * a)) - std::f32::consts::LN_2;
        // Where a - ln 2 would leave few bits: e^2 / 2 - e^4 / 12 + e^6 / 45 - 17 e^8 / 2520.
        let s = e * e;
        let small = s * (0.5 + s * (-1.0 / 12.0 + s * (1.0 / 45.0 - s * (17.0 / 2520.0))));
        (if a < 0.25 { small } else { large }, tanh::<S>(e))
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        let a = (p - y).abs();
        a + libm::log1p(libm::exp(-2.0 * a)) - std::f64::consts::LN_2
    }
}
