//! quantile, which Keras does not have: the pinball loss (Koenker and Bassett, Regression Quantiles, 1978).

use super::{Element, Kind, Targets};
use crate::Result;
use crate::config::{Config, invalid};
use crate::kernels::Simd;
use serde_json::{Map, Value};

/// mean of tau (y - p) where y is above p, (1 - tau) (p - y) where it is below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// The share of values that the best answer leaves below it, between 0 and 1.
    pub tau: f64,
}

impl Kind for Quantile {
    const NAMES: &'static [&'static str] = &["quantile", "pinball"];
    const SETTINGS: &'static [&'static str] = &["tau"];
    const TARGETS: Targets = Targets::Numbers;

    fn read(config: &Config<'_>) -> Result<Self> {
        if config.get("tau").is_none() {
            return Err(invalid("loss quantile needs tau").hint(
                "Write {\"quantile\": {\"tau\": 0.9}} for the value that nine in ten are below.",
            ));
        }
        let tau = config.number("tau", 0.5, "between 0 and 1", |tau| tau > 0.0 && tau < 1.0)?;
        Ok(Self { tau })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("tau".into(), self.tau.into())])
    }

    mean_of_elements!();
}

impl Element for Quantile {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let tau = self.tau as f32;
        let e = p - y;
        let slope = if e > 0.0 { 1.0 - tau } else { -tau };
        (e * slope, if e == 0.0 { 0.0 } else { slope })
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        ((y - p) * self.tau).max((y - p) * (self.tau - 1.0))
    }
}
