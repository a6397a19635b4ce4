//! categorical_hinge (Keras: `CategoricalHinge`), with class numbers as targets.

use super::{Kind, Targets};
use crate::Result;
use crate::config::Config;
use crate::kernels::Simd;
use crate::kernels::cost::Pass;

/// max(1 + n - p_y, 0), where n is the largest output of another class, and at least 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CategoricalHinge;

impl Kind for CategoricalHinge {
    const NAMES: &'static [&'static str] = &["categorical_hinge"];
    const TARGETS: Targets = Targets::Classes;
    const PROBABILITIES: bool = false;

    fn read(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }

    /// A class number outside the row gives NaN.
    #[inline(always)]
    fn cost<S: Simd, const WEIGHTED: bool>(self, pass: Pass<'_>) -> f64 {
        pass.rows::<WEIGHTED>(|out, class, share, d| {
            d.fill(0.0);
            let (rival, right) = rival(out, class);
            let loss = 1.0 + rival.map_or(0.0, |(_, p)| p) - right;
            if loss <= 0.0 {
                return 0.0;
            }
            if let Some(d) = d.get_mut(class) {
                *d = -share;
            }
            if let Some((place, _)) = rival
                && let Some(d) = d.get_mut(place)
            {
                *d = share;
            }
            f64::from(loss)
        })
    }

    fn of_row(self, out: &[f32], y: &[f32]) -> f64 {
        let class = y.first().map_or(usize::MAX, |&y| y as usize);
        let (rival, right) = rival(out, class);
        let left = 1.0 + f64::from(rival.map_or(0.0, |(_, p)| p)) - f64::from(right);
        // Written so that NaN stays NaN.
        if left <= 0.0 { 0.0 } else { left }
    }
}

/// The largest output above 0 of another class with its place, and the output of the class.
#[inline(always)]
fn rival(out: &[f32], class: usize) -> (Option<(usize, f32)>, f32) {
    let right = out.get(class).copied().unwrap_or(f32::NAN);
    let mut best = (usize::MAX, 0.0);
    for (place, &p) in out.iter().enumerate() {
        if place != class && p > best.1 {
            best = (place, p);
        }
    }
    ((best.0 != usize::MAX).then_some(best), right)
}
