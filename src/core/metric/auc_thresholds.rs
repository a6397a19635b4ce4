//! auc as Keras approximates it: rows above each of some thresholds, and the area under the points that they make.

use super::state::{State, Subject};
use crate::Result;
use crate::config::{Config, invalid, unknown};
use serde_json::{Map, Value};

/// Keras's `AUC`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thresholds {
    at: At,
    curve: Curve,
    summation: Summation,
}

/// Where the thresholds are.
#[derive(Debug, Clone, PartialEq)]
enum At {
    /// So many, as far from each other.
    Even(usize),
    /// Here, in ascending order, and at both ends.
    Given(Vec<f64>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Curve {
    /// Recall by the share of negative rows that get a positive answer.
    Roc,
    /// Precision by recall.
    Pr,
}

/// The height between two points.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Summation {
    /// Their mean; under a PR curve what Davis and Goadrich interpolate (The relationship between precision-recall and ROC
    /// curves, 2006).
    Interpolation,
    /// The lower one.
    Minoring,
    /// The higher one.
    Majoring,
}

const USUAL: usize = 200;
const MOST: usize = 100_000;
const CURVES: [(&str, Curve); 2] = [("ROC", Curve::Roc), ("PR", Curve::Pr)];
const SUMMATIONS: [(&str, Summation); 3] = [
    ("interpolation", Summation::Interpolation),
    ("minoring", Summation::Minoring),
    ("majoring", Summation::Majoring),
];

fn word<T: Copy>(config: &Config<'_>, key: &str, known: &[(&str, T)], usual: T) -> Result<T> {
    let Some(given) = config.string(key)? else {
        return Ok(usual);
    };
    let found = known
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(given));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        unknown(key, "values", given, &known)
    })
}

impl Thresholds {
    pub(super) const SETTINGS: &'static [&'static str] = &[
        "num_thresholds",
        "curve",
        "summation_method",
        "thresholds",
        "multi_label",
        "num_labels",
        "label_weights",
        "from_logits",
    ];

    pub(super) fn read(config: &Config<'_>) -> Result<Self> {
        config.refuse(&["multi_label", "num_labels", "label_weights"])?;
        // The metric is of probabilities here: `from_logits` says where Keras finds them.
        config.flag("from_logits", false)?;
        let count = config.count("num_thresholds", 2..=MOST as u64)?;
        let at = match config.get("thresholds") {
            None => At::Even(count.map_or(USUAL, |count| count as usize)),
            Some(given) => {
                let list = given.as_array().filter(|list| list.len() <= MOST);
                let list: Option<Vec<f64>> =
                    list.and_then(|list| list.iter().map(Value::as_f64).collect());
                match list {
                    Some(mut list) if list.iter().all(|t| (0.0..=1.0).contains(t)) => {
                        list.sort_by(f64::total_cmp);
                        At::Given(list)
                    }
                    _ => {
                        return Err(invalid(
                            "thresholds of metric auc must be a list of numbers from 0 to 1",
                        ));
                    }
                }
            }
        };
        Ok(Self {
            at,
            curve: word(config, "curve", &CURVES, Curve::Roc)?,
            summation: word(
                config,
                "summation_method",
                &SUMMATIONS,
                Summation::Interpolation,
            )?,
        })
    }

    /// Always with its thresholds: without any setting the area is exact.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let mut settings = Map::new();
        match &self.at {
            At::Even(count) => settings.insert("num_thresholds".into(), (*count).into()),
            At::Given(list) => settings.insert("thresholds".into(), list.clone().into()),
        };
        if self.curve == Curve::Pr {
            settings.insert("curve".into(), "PR".into());
        }
        let other = SUMMATIONS.iter().find(|(_, it)| *it == self.summation);
        if let Some((word, _)) = other.filter(|(_, it)| *it != Summation::Interpolation) {
            settings.insert("summation_method".into(), (*word).into());
        }
        settings
    }

    pub(super) fn bytes(&self) -> u64 {
        let count = match &self.at {
            At::Even(count) => *count,
            At::Given(list) => 2 * list.len() + 2,
        };
        256 + 64 * count as u64
    }

    pub(super) fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let count = match &self.at {
            At::Even(count) => *count,
            At::Given(list) => list.len() + 2,
        };
        Box::new(Counts {
            of: self.clone(),
            rows: vec![[0; 2]; count],
            outputs: of.outputs.max(1),
        })
    }
}

struct Counts {
    of: Thresholds,
    /// Negative and positive rows between each threshold and the next.
    rows: Vec<[u64; 2]>,
    outputs: usize,
}

impl State for Counts {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        let last = self.rows.len() - 1;
        for (row, &y) in predictions.chunks_exact(self.outputs).zip(targets) {
            // Of two outputs the last is the positive class.
            let p = row.last().copied().unwrap_or(0.0).clamp(0.0, 1.0);
            let place = match &self.of.at {
                // Keras's, in f32: an answer has to be larger than a threshold.
                At::Even(_) => (libm::ceilf(p * last as f32) as usize).saturating_sub(1),
                At::Given(list) => list.partition_point(|&t| (t as f32) < p),
            };
            if let Some(rows) = self.rows.get_mut(place) {
                rows[usize::from(y > 0.5)] += 1;
            }
        }
    }

    fn result(&self) -> f64 {
        // By threshold, negative and positive rows above it.
        let mut above = vec![[0.0; 2]; self.rows.len()];
        let mut all = [0.0; 2];
        for (above, rows) in above.iter_mut().zip(&self.rows).rev() {
            all[0] += rows[0] as f64;
            all[1] += rows[1] as f64;
            *above = all;
        }
        let share = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
        let pairs = above.windows(2).filter_map(|pair| match pair {
            [a, b] => Some((*a, *b)),
            _ => None,
        });
        let interpolated = self.of.summation == Summation::Interpolation;
        if self.of.curve == Curve::Pr && interpolated {
            return pairs
                .map(|([fp, tp], [next_fp, next_tp])| {
                    let (p, next_p) = (fp + tp, next_fp + next_tp);
                    let slope = share(tp - next_tp, p - next_p);
                    let ratio = if p > 0.0 && next_p > 0.0 {
                        p / next_p
                    } else {
                        1.0
                    };
                    let intercept = next_tp - slope * next_p;
                    share(
                        slope * (tp - next_tp + intercept * libm::log(ratio)),
                        all[1],
                    )
                })
                .sum();
        }
        let point = |[fp, tp]: [f64; 2]| match self.of.curve {
            Curve::Roc => (share(fp, all[0]), share(tp, all[1])),
            Curve::Pr => (share(tp, all[1]), share(tp, tp + fp)),
        };
        let areas = pairs.map(|(a, b)| {
            let ((x, y), (next_x, next_y)) = (point(a), point(b));
            let height = match self.of.summation {
                Summation::Interpolation => (y + next_y) / 2.0,
                Summation::Minoring => y.min(next_y),
                Summation::Majoring => y.max(next_y),
            };
            (x - next_x) * height
        });
        areas.sum()
    }

    fn reset(&mut self) {
        self.rows.fill([0; 2]);
    }
}
