//! binary_crossentropy (Keras: `BinaryCrossentropy`), from logits.

use super::{Kind, Targets, label_smoothing, mean, smoothing_json};
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::cost::Pass;
use crate::kernels::math::{exp, log1p};
use crate::{Activation, Result};
use serde_json::{Map, Value};

/// -y ln p - (1 - y) ln(1 - p)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinaryCrossentropy {
    /// What labels give up to 1/2, from 0 to 1: they become y (1 - s) + s / 2.
    pub label_smoothing: f64,
}

impl Kind for BinaryCrossentropy {
    const NAMES: &'static [&'static str] = &["binary_crossentropy", "bce"];
    const SETTINGS: &'static [&'static str] = &["label_smoothing"];
    const TARGETS: Targets = Targets::Two;
    const HEAD: Option<Activation> = Some(Activation::Sigmoid);

    fn read(config: &Config<'_>) -> Result<Self> {
        let label_smoothing = label_smoothing(config)?;
        Ok(Self { label_smoothing })
    }

    fn settings(&self) -> Map<String, Value> {
        smoothing_json(self.label_smoothing)
    }

    #[inline(always)]
    fn cost<S: Simd, const WEIGHTED: bool>(self, pass: Pass<'_>) -> f64 {
        let smoothing = self.label_smoothing as f32;
        // Apart, so that labels as they are pay nothing for it.
        if smoothing == 0.0 {
            pass.mean::<WEIGHTED>(element::<S>)
        } else {
            let (share, half) = (1.0 - smoothing, 0.5 * smoothing);
            pass.mean::<WEIGHTED>(|z, y| element::<S>(z, y * share + half))
        }
    }

    fn of_row(self, out: &[f32], y: &[f32]) -> f64 {
        let smoothing = self.label_smoothing;
        mean(out, y, |z, y| {
            let y = y * (1.0 - smoothing) + 0.5 * smoothing;
            z.max(0.0) - z * y + libm::log1p(libm::exp(-z.abs()))
        })
    }
}

/// Probability, loss and slope of the logit `z`: max(z, 0) - z y + ln(1 + e^-|z|).
#[inline(always)]
fn element<S: Simd>(z: f32, y: f32) -> (f32, f32, f32) {
    let e = exp::<S>(-z.abs());
    let positive = if z < 0.0 { 0.0 } else { z };
    let r = 1.0 / (1.0 + e);
    let p = if z < 0.0 { e * r } else { r };
    (p, positive - z * y + log1p::<S>(e), p - y)
}
