//! r2 (Keras: `R2Score`).

use super::Kind;
use super::state::{State, Subject};
use crate::config::{Config, unknown};
use crate::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// 1 - sum (y - p)^2 / sum (y - mean y)^2, undefined for a constant target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct R2 {
    over: Over,
}

impl R2 {
    pub(super) const MEAN: R2 = R2 { over: Over::Mean };
}

/// What becomes of several outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Over {
    #[default]
    Mean,
    /// By the variance of each.
    Weighted,
}

const OVER: [(&str, Over); 2] = [
    ("uniform_average", Over::Mean),
    ("variance_weighted_average", Over::Weighted),
];

impl Kind for R2 {
    const NAMES: &'static [&'static str] = &["r2", "r2_score"];
    const SETTINGS: &'static [&'static str] = &["class_aggregation", "num_regressors"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.numbers()
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        if config.count("num_regressors", 0..=u64::MAX)?.unwrap_or(0) > 0 {
            let message = "num_regressors of metric r2 is not supported";
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        let word = config.string("class_aggregation")?.unwrap_or(OVER[0].0);
        let found = OVER.iter().find(|(known, _)| *known == word);
        match found {
            Some(&(_, over)) => Ok(Self { over }),
            None => Err(unknown(
                "class_aggregation",
                "aggregations",
                word,
                &OVER.map(|(known, _)| known),
            )),
        }
    }

    fn settings(&self) -> Map<String, Value> {
        let given = OVER
            .iter()
            .find(|(_, over)| *over == self.over && *over != Over::Mean);
        given
            .map(|(word, _)| ("class_aggregation".into(), (*word).into()))
            .into_iter()
            .collect()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        Box::new(Sums {
            over: self.over,
            // The variance is that of the target's own units.
            scales: (0..of.outputs)
                .map(|place| of.scales.get(place).or(of.scales.first()))
                .map(|scale| scale.map_or(1.0, |scale| scale.std))
                .collect(),
            sums: vec![[0.0; 3]; of.outputs],
            count: 0,
        })
    }

    fn bytes(&self, outputs: usize) -> u64 {
        128 + 40 * outputs as u64
    }
}

struct Sums {
    over: Over,
    scales: Vec<f64>,
    /// By output: sums of y, y^2 and (y - p)^2.
    sums: Vec<[f64; 3]>,
    count: u64,
}

impl State for Sums {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        let width = self.sums.len().max(1);
        let rows = predictions.chunks_exact(width);
        for (predictions, targets) in rows.zip(targets.chunks_exact(width)) {
            let sums = self.sums.iter_mut();
            for ((sums, &p), &y) in sums.zip(predictions).zip(targets) {
                let (p, y) = (f64::from(p), f64::from(y));
                sums[0] += y;
                sums[1] += y * y;
                sums[2] += (y - p) * (y - p);
            }
            self.count += 1;
        }
    }

    fn result(&self) -> f64 {
        let n = self.count as f64;
        let total = |[y, yy, _]: &[f64; 3]| yy - y * y / n;
        let of = |sums: &[f64; 3]| {
            // What is left of a constant target is rounding.
            if total(sums) > 1e-12 * sums[1] {
                1.0 - sums[2] / total(sums)
            } else {
                f64::NAN
            }
        };
        let each = self.sums.iter().map(of);
        match self.over {
            Over::Mean => each.sum::<f64>() / self.sums.len() as f64,
            Over::Weighted => {
                let weights = self.sums.iter().zip(&self.scales);
                let weights = weights.map(|(sums, scale)| total(sums) * scale * scale);
                let (sum, all) = each
                    .zip(weights)
                    .fold((0.0, 0.0), |(sum, all), (r2, w)| (sum + r2 * w, all + w));
                sum / all
            }
        }
    }

    fn reset(&mut self) {
        self.sums.fill([0.0; 3]);
        self.count = 0;
    }
}
