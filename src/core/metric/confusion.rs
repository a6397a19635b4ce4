//! Counts of right and wrong answers above a threshold, of which precision, recall and the plain counts are made.

use super::state::{State, Subject, class_of};
use crate::config::Config;
use crate::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// What counts as a positive answer. Of two classes every row has one answer, that of the second class; of more, one for
/// each class.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Positives {
    /// Answers above it; 0.5, or none where `top_k` says which.
    threshold: Option<f64>,
    /// Only so many of a row's largest answers.
    top_k: Option<u64>,
    /// Only the answers for this class.
    class_id: Option<u64>,
}

/// Keras's words for them; the plain counts only have the first one.
pub(super) const SETTINGS: &[&str] = &["thresholds", "top_k", "class_id"];

impl Positives {
    pub(super) fn read(config: &Config<'_>) -> Result<Self> {
        Ok(Self {
            threshold: threshold(config)?,
            top_k: config.count("top_k", 1..=u64::MAX)?,
            class_id: config.count("class_id", 0..=u64::MAX)?,
        })
    }

    /// As [`Positives::read`], of thresholds alone.
    pub(super) fn read_threshold(config: &Config<'_>) -> Result<Self> {
        let threshold = threshold(config)?;
        Ok(Self {
            threshold,
            ..Self::default()
        })
    }

    pub(super) fn settings(&self) -> Map<String, Value> {
        let given = [
            ("thresholds", self.threshold.map(Value::from)),
            ("top_k", self.top_k.map(Value::from)),
            ("class_id", self.class_id.map(Value::from)),
        ];
        given
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), value?)))
            .collect()
    }

    pub(super) fn check(&self, of: &Subject<'_>, name: &str) -> Result<()> {
        let outputs = of.outputs as u64;
        let wrong = |key: &str, value: u64| {
            let message =
                format!("{key} {value} of metric {name} needs more than {outputs} outputs");
            Err(Error::new(ErrorKind::InvalidParameter, message))
        };
        match (self.top_k, self.class_id) {
            (Some(k), _) if k > outputs => wrong("top_k", k),
            (_, Some(class)) if class >= outputs => wrong("class_id", class),
            _ => Ok(()),
        }
    }

    pub(super) fn state(&self, of: &Subject<'_>, result: fn(&Counts) -> f64) -> Box<dyn State> {
        let lowest = if self.top_k.is_some() {
            f32::NEG_INFINITY
        } else {
            0.5
        };
        let outputs = of.outputs.max(1);
        Box::new(Confusion {
            threshold: self.threshold.map_or(lowest, |threshold| threshold as f32),
            top_k: self.top_k.map_or(outputs, |k| k as usize),
            class: match self.class_id {
                Some(class) => Some(class as usize),
                None => of.two().then(|| outputs - 1),
            },
            outputs,
            counts: Counts::default(),
            result,
        })
    }
}

/// `thresholds`: a number, or a list of one.
fn threshold(config: &Config<'_>) -> Result<Option<f64>> {
    let given = match config.get("thresholds") {
        Some(Value::Array(list)) => match list.as_slice() {
            [] => None,
            [one] => Some(one),
            _ => {
                let message = format!("several thresholds of {} are not supported", config.what);
                return Err(Error::new(ErrorKind::NotSupported, message)
                    .hint("Name the metric once for each of them."));
            }
        },
        given => given,
    };
    let Some(given) = given else { return Ok(None) };
    match given.as_f64() {
        Some(threshold) if (0.0..=1.0).contains(&threshold) => Ok(Some(threshold)),
        _ => Err(Error::new(
            ErrorKind::InvalidParameter,
            format!(
                "thresholds of {} must be a number from 0 to 1, not {given}",
                config.what
            ),
        )),
    }
}

/// Answers by what they are and what they should be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub true_positives: u64,
    pub false_positives: u64,
    pub true_negatives: u64,
    pub false_negatives: u64,
}

impl Counts {
    /// Takes an answer.
    pub(super) fn take(&mut self, positive: bool, right: bool) {
        let count = match (positive, right) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
            (false, true) => &mut self.false_negatives,
        };
        *count += 1;
    }
}

struct Confusion {
    threshold: f32,
    top_k: usize,
    /// The only class that counts.
    class: Option<usize>,
    outputs: usize,
    counts: Counts,
    result: fn(&Counts) -> f64,
}

impl State for Confusion {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        for (row, y) in predictions.chunks_exact(self.outputs).zip(targets) {
            let right = class_of(std::slice::from_ref(y));
            for (place, &p) in row.iter().enumerate() {
                if self.class.is_some_and(|class| class != place) {
                    continue;
                }
                // Of equal answers the first ones are the larger ones, as in TensorFlow's top_k.
                let larger = |(other, &q): (usize, &f32)| q > p || (q == p && other < place);
                let within = self.top_k >= self.outputs
                    || row.iter().enumerate().filter(|it| larger(*it)).count() < self.top_k;
                let is = if self.outputs == 1 {
                    right == 1
                } else {
                    right == place
                };
                self.counts.take(within && p > self.threshold, is);
            }
        }
    }

    fn result(&self) -> f64 {
        (self.result)(&self.counts)
    }

    fn reset(&mut self) {
        self.counts = Counts::default();
    }
}

/// a / (a + b), which Keras takes for 0 where both are.
pub(super) fn share(a: u64, b: u64) -> f64 {
    if a == 0 {
        0.0
    } else {
        a as f64 / (a as f64 + b as f64)
    }
}
