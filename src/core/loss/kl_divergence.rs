//! kl_divergence (Keras: `KLDivergence`).

use super::{Kind, Scaling, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::cost::Pass;
use crate::kernels::math::ln;

/// sum y ln(y / p) over a row of shares, both brought into [1e-7, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KlDivergence;

/// Keras's epsilon.
const LEAST: f32 = 1e-7;

impl Kind for KlDivergence {
    const NAMES: &'static [&'static str] =
        &["kl_divergence", "kld", "kullback_leibler_divergence"];
    const TARGETS: Targets = Targets::Numbers;
    const SCALING: Scaling = Scaling::Own(0.0, 1.0);
    const SHARES: bool = true;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn cost<S: Simd, const WEIGHTED: bool>(self, pass: Pass<'_>) -> f64 {
        pass.sum::<WEIGHTED>(|p, y| {
            let y = y.clamp(LEAST, 1.0);
            let within = p.clamp(LEAST, 1.0);
            let slope = if within == p { -y / within } else { 0.0 };
            (p, y * ln::<S>(y / within), slope)
        })
    }

    fn of_row(self, out: &[f32], y: &[f32]) -> f64 {
        let within = |v: f32| f64::from(v.clamp(LEAST, 1.0));
        let pairs = out.iter().zip(y).map(|(&p, &y)| (within(p), within(y)));
        pairs.map(|(p, y)| y * libm::log(y / p)).sum()
    }
}
