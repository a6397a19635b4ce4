//! cosine_similarity (Keras: `CosineSimilarity`).

use super::Kind;
use super::state::{PerRow, State, Subject};
use crate::Result;
use crate::config::Config;
use crate::target::Standard;

/// mean over rows of p y / (|p| |y|): 1 where they point the same way.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CosineSimilarity;

impl Kind for CosineSimilarity {
    const NAMES: &'static [&'static str] = &["cosine_similarity"];
    const SETTINGS: &'static [&'static str] = &["axis"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.numbers()
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        config.number("axis", -1.0, "-1", |axis| axis == -1.0)?;
        Ok(Self)
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let scales = of.scales.to_vec();
        PerRow::boxed(of, move |p, y| {
            let (mut both, mut pp, mut yy) = (0.0, 0.0, 0.0);
            for ((&p, &y), scale) in p.iter().zip(y).zip(Standard::each(&scales)) {
                let (p, y) = (scale.invert(p), scale.invert(y));
                both += p * y;
                pp += p * p;
                yy += y * y;
            }
            // Keras's least square of a length.
            let length = |square: f64| square.max(1e-12).sqrt();
            both / (length(pp) * length(yy))
        })
    }
}
