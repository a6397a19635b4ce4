//! categorical_crossentropy (Keras: `CategoricalCrossentropy`, `SparseCategoricalCrossentropy`), from logits and class numbers.

use super::{Kind, Targets, label_smoothing, smoothing_json};
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::activate::{exponentials, largest};
use crate::kernels::cost::Pass;
use crate::kernels::math::ln;
use crate::{Activation, Result};
use serde_json::{Map, Value};

/// -ln p_y
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CategoricalCrossentropy {
    /// What the label gives up to all classes alike, from 0 to 1: it becomes 1 - s + s / classes, the others s / classes.
    pub label_smoothing: f64,
}

impl Kind for CategoricalCrossentropy {
    const NAMES: &'static [&'static str] = &[
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
    ];
    const SETTINGS: &'static [&'static str] = &["label_smoothing"];
    const TARGETS: Targets = Targets::Classes;
    const HEAD: Option<Activation> = Some(Activation::Softmax);

    fn read(config: &Config<'_>) -> Result<Self> {
        let label_smoothing = label_smoothing(config)?;
        Ok(Self { label_smoothing })
    }

    fn settings(&self) -> Map<String, Value> {
        smoothing_json(self.label_smoothing)
    }

    /// ln sum e^z - z_y by row. A class number outside the row gives NaN.
    #[inline(always)]
    fn cost<S: Simd, const WEIGHTED: bool>(self, pass: Pass<'_>) -> f64 {
        let smoothing = self.label_smoothing as f32;
        let each = smoothing / pass.width as f32;
        let whole = 1.0 - smoothing;
        pass.rows::<WEIGHTED>(|out, class, share, d| {
            let mut logit = out.get(class).copied().unwrap_or(f32::NAN);
            if smoothing != 0.0 {
                let mean = out.iter().sum::<f32>() / out.len() as f32;
                logit += smoothing * (mean - logit);
            }
            let top = largest(out);
            let sum = exponentials::<S>(out, top);
            for (p, d) in out.iter_mut().zip(d.iter_mut()) {
                *p /= sum;
                *d = *p * share;
            }
            if smoothing == 0.0 {
                if let Some(d) = d.get_mut(class) {
                    *d -= share;
                }
            } else {
                d.iter_mut().for_each(|d| *d -= each * share);
                if let Some(d) = d.get_mut(class) {
                    *d -= whole * share;
                }
            }
            f64::from(top + ln::<S>(sum) - logit)
        })
    }

    fn of_row(self, out: &[f32], y: &[f32]) -> f64 {
        let top = out.iter().fold(f32::NEG_INFINITY, |a, &z| a.max(z));
        let sum = out
            .iter()
            .map(|&z| libm::exp(f64::from(z - top)))
            .sum::<f64>();
        let class = y.first().map_or(usize::MAX, |&y| y as usize);
        let mut logit = f64::from(out.get(class).copied().unwrap_or(f32::NAN));
        if self.label_smoothing != 0.0 {
            let mean = out.iter().map(|&z| f64::from(z)).sum::<f64>() / out.len() as f64;
            logit += self.label_smoothing * (mean - logit);
        }
        libm::log(sum) + f64::from(top) - logit
    }
}
