//! f1 (Keras: `F1Score`, `FBetaScore`).

use super::Kind;
use super::confusion::Counts;
use super::state::{State, Subject, class_of};
use crate::Result;
use crate::config::{Config, unknown};
use serde_json::{Map, Value};

/// (1 + b^2) precision recall / (b^2 precision + recall): of the second of two classes, or over several classes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct F1 {
    average: Average,
    beta: f64,
    /// A positive answer is above it; without, it is the largest of a row, or above 1/2 where there is one alone.
    threshold: Option<f64>,
}

impl Default for F1 {
    fn default() -> Self {
        Self {
            average: Average::Macro,
            beta: 1.0,
            threshold: None,
        }
    }
}

/// What becomes of several classes. Keras's default is a number for each, which no history has room for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Average {
    /// All answers count alike.
    Micro,
    /// All classes count alike.
    Macro,
    /// Classes count by their rows.
    Weighted,
}

const AVERAGES: [(&str, Average); 3] = [
    ("micro", Average::Micro),
    ("macro", Average::Macro),
    ("weighted", Average::Weighted),
];

impl Kind for F1 {
    const NAMES: &'static [&'static str] = &["f1", "f1_score", "fbeta_score"];
    const SETTINGS: &'static [&'static str] = &["average", "beta", "threshold"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.classes() && of.probabilities
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        let average = match config.string("average")? {
            None => Average::Macro,
            Some(word) => match AVERAGES.iter().find(|(known, _)| *known == word) {
                Some(&(_, average)) => average,
                None => {
                    let known = AVERAGES.map(|(known, _)| known);
                    return Err(unknown("average", "averages", word, &known));
                }
            },
        };
        let threshold = config.get("threshold").is_some();
        let within = |t: f64| t > 0.0 && t <= 1.0;
        let given = config.number("threshold", 0.5, "above 0 and at most 1", within)?;
        Ok(Self {
            average,
            beta: config.number("beta", 1.0, "a positive number", |beta| beta > 0.0)?,
            threshold: threshold.then_some(given),
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let average = AVERAGES.iter().find(|(_, it)| *it == self.average);
        let average = average.filter(|(_, it)| *it != Average::Macro);
        let given = [
            ("average", average.map(|(word, _)| Value::from(*word))),
            ("beta", (self.beta != 1.0).then(|| self.beta.into())),
            ("threshold", self.threshold.map(Value::from)),
        ];
        given
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), value?)))
            .collect()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let outputs = of.outputs.max(1);
        Box::new(Scores {
            of: self.clone(),
            counts: vec![Counts::default(); if of.two() { 1 } else { outputs }],
            outputs,
        })
    }

    fn bytes(&self, outputs: usize) -> u64 {
        128 + 32 * outputs as u64
    }
}

struct Scores {
    of: F1,
    /// Of the second of two classes, or of each.
    counts: Vec<Counts>,
    outputs: usize,
}

impl State for Scores {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        // Of two classes it is that of the last unit.
        let first = self.outputs - self.counts.len();
        for (row, y) in predictions.chunks_exact(self.outputs).zip(targets) {
            let right = class_of(std::slice::from_ref(y));
            let top = row.iter().fold(f32::NEG_INFINITY, |a, &p| a.max(p));
            let each = row.iter().enumerate().skip(first);
            for ((place, &p), counts) in each.zip(&mut self.counts) {
                let positive = match self.of.threshold {
                    Some(threshold) => p > threshold as f32,
                    None if self.outputs == 1 => p > 0.5,
                    None => p >= top && p.abs() > 1e-9,
                };
                let is = if self.outputs == 1 {
                    right == 1
                } else {
                    right == place
                };
                counts.take(positive, is);
            }
        }
    }

    fn result(&self) -> f64 {
        let rows = |it: &Counts| (it.true_positives + it.false_negatives) as f64;
        let scores = || self.counts.iter().map(|it| score(it, self.of.beta));
        match self.of.average {
            Average::Micro => {
                let mut all = Counts::default();
                for it in &self.counts {
                    all.true_positives += it.true_positives;
                    all.false_positives += it.false_positives;
                    all.false_negatives += it.false_negatives;
                }
                score(&all, self.of.beta)
            }
            Average::Macro => scores().sum::<f64>() / self.counts.len() as f64,
            Average::Weighted => {
                let all: f64 = self.counts.iter().map(rows).sum();
                let each = scores().zip(&self.counts);
                each.map(|(score, it)| score * rows(it)).sum::<f64>() / (all + LEAST)
            }
        }
    }

    fn reset(&mut self) {
        self.counts.fill(Counts::default());
    }
}

/// Keras's epsilon.
const LEAST: f64 = 1e-7;

fn score(it: &Counts, beta: f64) -> f64 {
    let right = it.true_positives as f64;
    let precision = right / (right + it.false_positives as f64 + LEAST);
    let recall = right / (right + it.false_negatives as f64 + LEAST);
    let square = beta * beta;
    precision * recall / (square * precision + recall + LEAST) * (1.0 + square)
}
