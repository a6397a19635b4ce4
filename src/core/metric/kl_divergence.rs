//! kl_divergence (Keras: `KLDivergence`).

use super::Kind;
use super::state::{PerRow, State, Subject};
use crate::target::Standard;

/// mean over rows of sum y ln(y / p), both brought into [1e-7, 1].
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct KlDivergence;

impl Kind for KlDivergence {
    const NAMES: &'static [&'static str] = &["kl_divergence", "kld", "kullback_leibler_divergence"];

    fn fits(of: &Subject<'_>) -> bool {
        of.numbers()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let scales = of.scales.to_vec();
        PerRow::boxed(of, move |p, y| {
            let within = |v: f32, scale: Standard| scale.invert(v).clamp(1e-7, 1.0);
            let pairs = p.iter().zip(y).zip(Standard::each(&scales));
            let each = pairs.map(|((&p, &y), scale)| {
                let (p, y) = (within(p, scale), within(y, scale));
                y * libm::log(y / p)
            });
            each.sum()
        })
    }
}
