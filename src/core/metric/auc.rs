//! auc: the area under the ROC curve itself, or Keras's approximation by thresholds where its settings are given.

use super::Kind;
use super::auc_thresholds::Thresholds;
use super::state::{State, Subject};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// The area under a curve of the answers for the second of two classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Auc {
    /// The share of pairs of a negative and a positive row in which the positive one has the larger answer.
    #[default]
    Exact,
    /// Keras's (`AUC`).
    Thresholds(Thresholds),
}

impl Kind for Auc {
    const NAMES: &'static [&'static str] = &["auc"];
    const SETTINGS: &'static [&'static str] = Thresholds::SETTINGS;
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.two() && of.probabilities
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        let given = Self::SETTINGS.iter().any(|key| config.get(key).is_some());
        let thresholds = Thresholds::read(config)?;
        Ok(if given {
            Self::Thresholds(thresholds)
        } else {
            Self::Exact
        })
    }

    fn settings(&self) -> Map<String, Value> {
        match self {
            Self::Exact => Map::new(),
            Self::Thresholds(thresholds) => thresholds.settings(),
        }
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        match self {
            Self::Exact => Box::new(Bins {
                bins: vec![[0; 2]; BINS],
                outputs: of.outputs.max(1),
            }),
            Self::Thresholds(thresholds) => thresholds.state(of),
        }
    }

    fn bytes(&self, outputs: usize) -> u64 {
        match self {
            Self::Exact => 16 * BINS as u64 + 16 * outputs as u64,
            Self::Thresholds(thresholds) => thresholds.bytes(),
        }
    }
}

/// By bin of probability: negative and positive rows.
struct Bins {
    bins: Vec<[u64; 2]>,
    outputs: usize,
}

/// Bits of the mantissa that tell bins apart: neighbours differ by 0.1 % of the smaller of p and 1 - p.
const MANTISSA: u32 = 10;
/// Distances from 0 or 1 below 2^-24 share one bin.
const EXPONENTS: u32 = 24;
/// Bins on each side of 1/2.
const SIDE: u32 = EXPONENTS << MANTISSA;
pub(super) const BINS: usize = 2 * SIDE as usize;

/// The bin of a probability: by the float bits of p below 1/2, and of 1 - p above, counted down from the top.
pub(super) fn bin(p: f32) -> usize {
    let lower = p < 0.5;
    let distance = if lower { p } else { 1.0 - p };
    // 1/2 has exponent field 126; the smallest told apart has 126 - EXPONENTS.
    let smallest = (127 - EXPONENTS) << MANTISSA;
    let key = (distance.max(0.0).to_bits() >> (23 - MANTISSA))
        .saturating_sub(smallest)
        .min(SIDE - 1);
    if lower {
        key as usize
    } else {
        BINS - 1 - key as usize
    }
}

impl State for Bins {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        for (row, &y) in predictions.chunks_exact(self.outputs).zip(targets) {
            // Of two outputs the last is the positive class.
            let p = row.last().copied().unwrap_or(0.0);
            if let Some(bin) = self.bins.get_mut(bin(p)) {
                bin[usize::from(y > 0.5)] += 1;
            }
        }
    }

    fn result(&self) -> f64 {
        let (mut negatives, mut positives, mut area) = (0u64, 0u64, 0.0);
        for &[no, yes] in &self.bins {
            // A positive row beats all negatives below it and half of those in its bin.
            area += yes as f64 * (negatives as f64 + 0.5 * no as f64);
            negatives += no;
            positives += yes;
        }
        if negatives == 0 || positives == 0 {
            f64::NAN
        } else {
            area / (negatives as f64 * positives as f64)
        }
    }

    fn reset(&mut self) {
        self.bins.fill([0; 2]);
    }
}
