//! Metrics in streams: Keras's `Metric.update_state` and `result`, in f64 on final outputs. Rows all count alike, as in
//! Keras, whatever their weights in the loss.

use crate::target::Standard;
use crate::{Loss, Metric, Result, Task};
use std::fmt;

/// What a metric is taken of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub task: Task,
    /// Outputs of the network.
    pub outputs: usize,
    /// The name of the loss.
    pub loss: &'static str,
    /// Whether outputs for class targets are probabilities; else an output above 0 means the second class.
    pub probabilities: bool,
    /// How numbers are scaled: each, or all alike.
    pub scales: &'a [Standard],
}

impl<'a> Subject<'a> {
    pub fn new(task: Task, outputs: usize, loss: Loss, scales: &'a [Standard]) -> Self {
        Self {
            task,
            outputs,
            loss: loss.name(),
            probabilities: loss.gives_probabilities(),
            scales,
        }
    }

    /// Whether the targets are numbers.
    pub fn numbers(&self) -> bool {
        matches!(self.task, Task::Regression { .. })
    }

    /// Whether the targets are classes.
    pub fn classes(&self) -> bool {
        !self.numbers()
    }

    /// Whether the targets are two classes.
    pub fn two(&self) -> bool {
        self.task == Task::Binary
    }

    /// Numbers in a row of targets.
    pub fn targets(&self) -> usize {
        match self.task {
            Task::Regression { outputs } => outputs,
            _ => 1,
        }
    }

    /// The output above which one unit means the second of two classes.
    pub fn cut(&self) -> f32 {
        if self.probabilities { 0.5 } else { 0.0 }
    }
}

/// A metric being taken.
pub(crate) trait State: Send {
    /// Takes in rows: `predictions` (rows, outputs) and `targets` (rows, targets), as in [`crate::Batch`].
    fn update(&mut self, predictions: &[f32], targets: &[f32]);

    /// The metric of all rows so far; NaN where it is undefined (no rows, one class, a constant target).
    fn result(&self) -> f64;

    /// Forgets all rows.
    fn reset(&mut self);
}

/// A metric being taken, batch by batch.
pub struct MetricState {
    metric: Metric,
    state: Box<dyn State>,
}

impl fmt::Debug for MetricState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MetricState").field(&self.metric).finish()
    }
}

impl MetricState {
    /// A state for final outputs (probabilities, not logits) `outputs` wide of a model trained with `loss`; `scales` turn
    /// numbers into the units of each target, or one of them those of all. Over several outputs a metric is Keras's: the
    /// mean of their mae, mse or r2, and the root of their mean squared errors' mean.
    pub fn new(
        metric: &Metric,
        task: Task,
        outputs: usize,
        loss: Loss,
        scales: &[Standard],
    ) -> Result<MetricState> {
        let of = Subject::new(task, outputs, loss, scales);
        metric.check_of(&of)?;
        Ok(MetricState {
            metric: metric.clone(),
            state: metric.measure.state(&of),
        })
    }

    /// Takes in rows: `predictions` (rows, outputs) and `targets` (rows, targets), as in [`crate::Batch`].
    pub fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        self.state.update(predictions, targets);
    }

    /// The metric of all rows so far; NaN where it is undefined (no rows, one class, a constant target).
    pub fn result(&self) -> f64 {
        self.state.result()
    }

    /// Forgets all rows.
    pub fn reset(&mut self) {
        self.state.reset();
    }

    /// The metric.
    pub fn metric(&self) -> &Metric {
        &self.metric
    }
}

/// One number of a target and the answer to it, in the target's own units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    /// answer - target
    pub error: f64,
    pub answer: f64,
    pub target: f64,
}

/// The mean of a function of every number.
pub(crate) struct Elements<F> {
    f: F,
    /// What becomes of the mean at the end.
    finish: fn(f64) -> f64,
    scales: Vec<Standard>,
    /// Of these outputs the last one is the answer, where the target is two classes.
    outputs: Option<usize>,
    sum: f64,
    count: u64,
}

impl<F: Fn(Pair) -> f64 + Send + 'static> Elements<F> {
    /// The mean of `f`.
    pub fn boxed(of: &Subject<'_>, f: F) -> Box<dyn State> {
        Self::finished(of, f, |mean| mean)
    }

    /// `finish` of the mean of `f`.
    pub fn finished(of: &Subject<'_>, f: F, finish: fn(f64) -> f64) -> Box<dyn State> {
        let plain = Standard::PLAIN;
        Box::new(Self {
            f,
            finish,
            scales: match of.scales {
                _ if of.classes() => vec![plain],
                [] => vec![plain],
                scales => scales.to_vec(),
            },
            outputs: (of.classes() && of.outputs > 1).then_some(of.outputs),
            sum: 0.0,
            count: 0,
        })
    }
}

#[inline(always)]
fn pair(p: f32, y: f32, scale: Standard) -> Pair {
    let (p, y) = (f64::from(p), f64::from(y));
    Pair {
        error: (p - y) * scale.std,
        answer: p * scale.std + scale.mean,
        target: y * scale.std + scale.mean,
    }
}

impl<F: Fn(Pair) -> f64 + Send> State for Elements<F> {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        let f = &self.f;
        self.count += targets.len() as u64;
        self.sum += match (self.scales.as_slice(), self.outputs) {
            (scales, Some(outputs)) => {
                let scale = scales.first().copied().unwrap_or(Standard::PLAIN);
                let last = predictions.chunks_exact(outputs).filter_map(<[_]>::last);
                let pairs = last.zip(targets);
                pairs.map(|(&p, &y)| f(pair(p, y, scale))).sum::<f64>()
            }
            (&[scale], None) => {
                let pairs = predictions.iter().zip(targets);
                pairs.map(|(&p, &y)| f(pair(p, y, scale))).sum()
            }
            (scales, None) => {
                let pairs = predictions.iter().zip(targets).zip(scales.iter().cycle());
                let each = pairs.map(|((&p, &y), &scale)| f(pair(p, y, scale)));
                each.sum()
            }
        };
    }

    fn result(&self) -> f64 {
        (self.finish)(self.sum / self.count as f64)
    }

    fn reset(&mut self) {
        (self.sum, self.count) = (0.0, 0);
    }
}

/// The mean of a function of every row's outputs and targets.
pub(crate) struct PerRow<F> {
    f: F,
    outputs: usize,
    targets: usize,
    sum: f64,
    count: u64,
}

impl<F: FnMut(&[f32], &[f32]) -> f64 + Send + 'static> PerRow<F> {
    /// The mean of `f(outputs, targets)`, both as the network has them.
    pub fn boxed(of: &Subject<'_>, f: F) -> Box<dyn State> {
        Box::new(Self {
            f,
            outputs: of.outputs.max(1),
            targets: of.targets().max(1),
            sum: 0.0,
            count: 0,
        })
    }
}

impl<F: FnMut(&[f32], &[f32]) -> f64 + Send> State for PerRow<F> {
    fn update(&mut self, predictions: &[f32], targets: &[f32]) {
        let rows = predictions.chunks_exact(self.outputs);
        for (p, y) in rows.zip(targets.chunks_exact(self.targets)) {
            self.sum += (self.f)(p, y);
            self.count += 1;
        }
    }

    fn result(&self) -> f64 {
        self.sum / self.count as f64
    }

    fn reset(&mut self) {
        (self.sum, self.count) = (0.0, 0);
    }
}

/// The class number of a row of targets.
pub(crate) fn class_of(y: &[f32]) -> usize {
    y.first().map_or(usize::MAX, |&y| y as usize)
}
