//! huber (Keras: `Huber`).

use super::{Element, Kind, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;
use serde_json::{Map, Value};

/// e^2 / 2 up to `delta`, delta |e| - delta^2 / 2 beyond, of e = p - y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Huber {
    /// Where the line begins, 1.
    pub delta: f64,
}

impl Kind for Huber {
    const NAMES: &'static [&'static str] = &["huber", "huber_loss"];
    const SETTINGS: &'static [&'static str] = &["delta"];
    const TARGETS: Targets = Targets::Any;

    fn read(config: &Config<'_>) -> Result<Self> {
        let delta = config.number("delta", 1.0, "a positive number", |d| d > 0.0)?;
        Ok(Self { delta })
    }

    /// Always written, as in the first release.
    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("delta".into(), self.delta.into())])
    }

    fn of_error(self, error: f64) -> f64 {
        self.exact(error, 0.0)
    }

    mean_of_elements!();
}

impl Element for Huber {
    #[inline(always)]
    fn at<S: Simd>(self, p: f32, y: f32) -> (f32, f32) {
        let delta = self.delta as f32;
        let e = p - y;
        let a = e.abs();
        let inside = a <= delta;
        let value = if inside {
            0.5 * e * e
        } else {
            delta * (a - 0.5 * delta)
        };
        (value, if inside { e } else { delta.copysign(e) })
    }

    fn exact(self, p: f64, y: f64) -> f64 {
        let a = (p - y).abs();
        if a <= self.delta {
            0.5 * a * a
        } else {
            self.delta * (a - 0.5 * self.delta)
        }
    }
}
