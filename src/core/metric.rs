//! Metrics in streams: Keras's `Metric.update_state` and `result`, in f64 on final outputs.

use crate::config::{fold, invalid, unknown};
use crate::{Result, Task};

/// A metric by its short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The loss itself, which is always reported: `loss`
    Loss,
    /// Mean absolute error: `mae`
    Mae,
    /// Mean squared error: `mse`
    Mse,
    /// Root of the mean squared error: `rmse`
    Rmse,
    /// Coefficient of determination: `r2`
    R2,
    /// Share of right classes: `accuracy`
    Accuracy,
    /// Area under the ROC curve of a binary target: `auc`
    Auc,
}

impl Metric {
    const NAMES: [(&'static str, Metric); 7] = [
        ("loss", Metric::Loss),
        ("mae", Metric::Mae),
        ("mse", Metric::Mse),
        ("rmse", Metric::Rmse),
        ("r2", Metric::R2),
        ("accuracy", Metric::Accuracy),
        ("auc", Metric::Auc),
    ];

    /// Reads a short name or Keras's long one.
    pub fn parse(text: &str) -> Result<Metric> {
        let name = text.trim();
        let short = match fold(name).as_str() {
            "meanabsoluteerror" => "mae",
            "meansquarederror" => "mse",
            "rootmeansquarederror" => "rmse",
            "r2score" => "r2",
            "acc" | "binaryaccuracy" | "categoricalaccuracy" | "sparsecategoricalaccuracy" => {
                "accuracy"
            }
            other => match Self::NAMES.iter().find(|(known, _)| *known == other) {
                Some((known, _)) => known,
                None => {
                    return Err(unknown(
                        "metric",
                        "metrics",
                        name,
                        &Self::NAMES.map(|(known, _)| known),
                    ));
                }
            },
        };
        let found = Self::NAMES.iter().find(|(known, _)| *known == short);
        found
            .map(|&(_, metric)| metric)
            .ok_or_else(|| invalid(format!("unknown metric {name:?}")))
    }

    /// The short name.
    pub fn name(&self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, metric)| metric == self)
            .map_or("loss", |(name, _)| name)
    }

    /// Whether this metric can be taken of `task`; an error that says why not.
    pub fn check(&self, task: Task) -> Result<()> {
        let fits = match self {
            Metric::Loss => true,
            Metric::Mae | Metric::Mse | Metric::Rmse | Metric::R2 => {
                matches!(task, Task::Regression { .. })
            }
            Metric::Accuracy => !matches!(task, Task::Regression { .. }),
            Metric::Auc => matches!(task, Task::Binary),
        };
        if fits {
            return Ok(());
        }
        let names: Vec<&str> = Metric::all(task).iter().map(Metric::name).collect();
        let of = match task {
            Task::Regression { .. } => "a numeric target".to_owned(),
            Task::Binary => "a target of two classes".to_owned(),
            Task::Multiclass { classes } => format!("a target of {classes} classes"),
        };
        Err(
            invalid(format!("metric {} cannot be taken of {of}", self.name()))
                .hint(format!("It can have: {}.", names.join(", "))),
        )
    }

    /// Every metric that fits `task`, without the loss.
    pub fn all(task: Task) -> Vec<Metric> {
        match task {
            Task::Regression { .. } => vec![Metric::Mae, Metric::Mse, Metric::Rmse, Metric::R2],
            Task::Binary => vec![Metric::Accuracy, Metric::Auc],
            Task::Multiclass { .. } => vec![Metric::Accuracy],
        }
    }

    /// Bytes of a state.
    pub(crate) fn bytes(&self, outputs: usize) -> u64 {
        match self {
            Metric::Auc => 16 * BINS as u64 + 16 * outputs as u64,
            Metric::R2 => 40 * outputs as u64,
            _ => 16 * outputs as u64,
        }
    }
}

/// A metric being taken, batch by batch.
#[derive(Debug, Clone)]
pub struct MetricState {
    metric: Metric,
    outputs: usize,
    /// By output; one where it is that of all.
    scales: Vec<f64>,
    /// Rows counted.
    count: u64,
    /// mae, mse and rmse: sums of errors by output; accuracy: right rows.
    sums: Vec<f64>,
    /// r2, by output: sums of y, y^2 and (y - p)^2.
    moments: Vec<[f64; 3]>,
    /// auc, by bin of probability: negative and positive rows.
    bins: Vec<[u64; 2]>,
}

/// Bits of the mantissa that tell bins of auc apart: neighbours differ by 0.1 % of the smaller of p and 1 - p.
const MANTISSA: u32 = 10;
/// Distances from 0 or 1 below 2^-24 share one bin.
const EXPONENTS: u32 = 24;
/// Bins on each side of 1/2.
const SIDE: u32 = EXPONENTS << MANTISSA;
const BINS: usize = 2 * SIDE as usize;

/// The bin of a probability: by the float bits of p below 1/2, and of 1 - p above, counted down from the top.
fn bin(p: f32) -> usize {
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

impl MetricState {
    /// A state for final outputs (probabilities, not logits) `outputs` wide; `target_scales` turn standardised errors
    /// into the units of each target, or one of them those of all. Over several outputs a metric is Keras's: the mean of
    /// their mae, mse or r2, and the root of their mean squared errors' mean.
    pub fn new(
        metric: Metric,
        task: Task,
        outputs: usize,
        target_scales: &[f64],
    ) -> Result<MetricState> {
        metric.check(task)?;
        let moments = if metric == Metric::R2 {
            vec![[0.0; 3]; outputs]
        } else {
            Vec::new()
        };
        let bins = if metric == Metric::Auc {
            vec![[0; 2]; BINS]
        } else {
            Vec::new()
        };
        Ok(MetricState {
            metric,
            outputs,
            scales: target_scales.to_vec(),
            count: 0,
            sums: match task {
                Task::Regression { .. } => vec![0.0; outputs],
                _ => vec![0.0],
            },
            moments,
            bins,
        })
    }

    /// Takes in `rows` rows: `predictions` (rows, outputs) and `targets` (rows, targets), as in [`crate::Batch`].
    pub fn update(&mut self, predictions: &[f32], targets: &[f32], rows: usize) {
        match self.metric {
            Metric::Loss => {}
            Metric::Mae => self.add(predictions, targets, f64::abs),
            Metric::Mse | Metric::Rmse => self.add(predictions, targets, |e| e * e),
            Metric::R2 => {
                let width = self.moments.len().max(1);
                for (predictions, targets) in predictions
                    .chunks_exact(width)
                    .zip(targets.chunks_exact(width))
                {
                    let sums = self.moments.iter_mut();
                    for ((sums, &p), &y) in sums.zip(predictions).zip(targets) {
                        let (p, y) = (f64::from(p), f64::from(y));
                        sums[0] += y;
                        sums[1] += y * y;
                        sums[2] += (y - p) * (y - p);
                    }
                }
            }
            Metric::Accuracy => {
                let rows_of = predictions.chunks_exact(self.outputs.max(1)).zip(targets);
                let right = rows_of.filter(|(row, y)| class(row) as f32 == **y).count();
                if let Some(sum) = self.sums.first_mut() {
                    *sum += right as f64;
                }
            }
            Metric::Auc => {
                for (row, &y) in predictions.chunks_exact(self.outputs.max(1)).zip(targets) {
                    // Of two outputs the last is the positive class.
                    let p = row.last().copied().unwrap_or(0.0);
                    if let Some(bin) = self.bins.get_mut(bin(p)) {
                        bin[usize::from(y > 0.5)] += 1;
                    }
                }
            }
        }
        self.count += rows as u64;
    }

    /// Adds `f(p - y)` to the sum of every output.
    fn add(&mut self, predictions: &[f32], targets: &[f32], f: impl Fn(f64) -> f64) {
        let error = |(&p, &y): (&f32, &f32)| f(f64::from(p) - f64::from(y));
        if let [sum] = self.sums.as_mut_slice() {
            *sum += predictions.iter().zip(targets).map(error).sum::<f64>();
            return;
        }
        let width = self.sums.len().max(1);
        let rows = predictions
            .chunks_exact(width)
            .zip(targets.chunks_exact(width));
        for (predictions, targets) in rows {
            let errors = predictions.iter().zip(targets).map(error);
            self.sums
                .iter_mut()
                .zip(errors)
                .for_each(|(sum, e)| *sum += e);
        }
    }

    /// The mean over outputs of `f(mean error, scale)`.
    fn mean(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        let scale = |place: usize| {
            let own = self.scales.get(place).or(self.scales.first());
            own.copied().unwrap_or(1.0)
        };
        let each = self.sums.iter().enumerate();
        let all = each.map(|(place, sum)| f(sum / self.count as f64, scale(place)));
        all.sum::<f64>() / self.sums.len() as f64
    }

    /// The metric of all rows so far; NaN where it is undefined (no rows, one class, a constant target).
    pub fn result(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        match self.metric {
            Metric::Loss => f64::NAN,
            Metric::Mae => self.mean(|mean, scale| mean * scale),
            Metric::Mse => self.mean(|mean, scale| mean * scale * scale),
            // Exact where there is one output.
            Metric::Rmse if self.sums.len() == 1 => self.mean(|mean, scale| mean.sqrt() * scale),
            Metric::Rmse => self.mean(|mean, scale| mean * scale * scale).sqrt(),
            Metric::Accuracy => self.mean(|mean, _| mean),
            Metric::R2 => {
                let n = self.count as f64;
                let of = |[y, yy, ee]: &[f64; 3]| {
                    let total = yy - y * y / n;
                    // What is left of a constant target is rounding.
                    if total > 1e-12 * yy {
                        1.0 - ee / total
                    } else {
                        f64::NAN
                    }
                };
                self.moments.iter().map(of).sum::<f64>() / self.moments.len() as f64
            }
            Metric::Auc => {
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
        }
    }

    /// Forgets all rows.
    pub fn reset(&mut self) {
        self.count = 0;
        self.sums.fill(0.0);
        self.moments.fill([0.0; 3]);
        self.bins.fill([0; 2]);
    }

    /// The metric.
    pub fn metric(&self) -> Metric {
        self.metric
    }
}

/// The class a row of outputs stands for: one output above 1/2, or the first of the largest.
fn class(row: &[f32]) -> usize {
    match row {
        [p] => usize::from(*p > 0.5),
        _ => (0..row.len())
            .rev()
            .max_by(|&a, &b| row[a].total_cmp(&row[b]))
            .unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(metric: Metric, task: Task, outputs: usize, p: &[f32], y: &[f32], scale: f64) -> f64 {
        let mut state = MetricState::new(metric, task, outputs, &[scale]).unwrap();
        for (p, y) in p.chunks(3 * outputs).zip(y.chunks(3)) {
            state.update(p, y, y.len());
        }
        state.result()
    }

    #[test]
    fn regression_metrics_equal_scikit_learn() {
        // y = [3, -0.5, 2, 7]; p = [2.5, 0.0, 2, 8]
        // mean_absolute_error: 0.5, mean_squared_error: 0.375, r2_score: 0.9486081370449679
        let (p, y) = ([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]);
        let task = Task::Regression { outputs: 1 };
        assert!((take(Metric::Mae, task, 1, &p, &y, 2.0) - 1.0).abs() < 1e-12);
        assert!((take(Metric::Mse, task, 1, &p, &y, 2.0) - 1.5).abs() < 1e-12);
        assert!((take(Metric::Rmse, task, 1, &p, &y, 1.0) - 0.375f64.sqrt()).abs() < 1e-12);
        assert!((take(Metric::R2, task, 1, &p, &y, 3.0) - 0.948_608_137_044_967_9).abs() < 1e-9);
        assert!(take(Metric::R2, task, 1, &p, &[2.0; 4], 1.0).is_nan());
    }

    #[test]
    fn auc_is_the_share_of_pairs_in_order() {
        let n = 2000;
        let p: Vec<f32> = (0..n)
            .map(|i| ((i * 7919) % n) as f32 / n as f32)
            .map(|v| v * v)
            .collect();
        let y: Vec<f32> = p
            .iter()
            .enumerate()
            .map(|(i, &p)| f32::from(p + ((i * 31) % 100) as f32 / 120.0 > 0.7))
            .collect();
        let (mut won, mut pairs) = (0.0, 0.0);
        for (a, ya) in p.iter().zip(&y).filter(|(_, y)| **y == 1.0) {
            for (b, _) in p.iter().zip(&y).filter(|(_, y)| **y == 0.0) {
                won += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
                pairs += *ya as f64;
            }
        }
        let auc = take(Metric::Auc, Task::Binary, 1, &p, &y, 1.0);
        assert!(
            (auc - won / pairs).abs() < 1e-3,
            "{auc} instead of {}",
            won / pairs
        );
        assert!(take(Metric::Auc, Task::Binary, 1, &[0.1, 0.2], &[1.0, 1.0], 1.0).is_nan());
    }

    #[test]
    fn bins_keep_the_order_of_probabilities() {
        let p: Vec<f32> = (0..=100_000).map(|i| i as f32 / 100_000.0).collect();
        assert!(p.windows(2).all(|w| bin(w[0]) <= bin(w[1])));
        assert_eq!((bin(0.0), bin(1.0)), (0, BINS - 1));
        assert!(bin(0.999_99) < bin(0.999_991) && bin(1e-6) < bin(1.01e-6));
        bin(f32::NAN);
    }

    #[test]
    fn accuracy_counts_right_classes() {
        assert_eq!(
            take(
                Metric::Accuracy,
                Task::Binary,
                1,
                &[0.5, 0.51, 0.2, 0.9],
                &[0.0, 1.0, 1.0, 1.0],
                1.0
            ),
            0.75
        );
        let p = [0.1, 0.8, 0.1, 0.4, 0.4, 0.2];
        assert_eq!(
            take(
                Metric::Accuracy,
                Task::Multiclass { classes: 3 },
                3,
                &p,
                &[1.0, 0.0],
                1.0
            ),
            1.0
        );
    }

    #[test]
    fn refuses_metrics_of_another_task() {
        let error = Metric::Auc
            .check(Task::Multiclass { classes: 3 })
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "metric auc cannot be taken of a target of 3 classes"
        );
        assert_eq!(error.hint_text(), Some("It can have: accuracy."));
        assert_eq!(Metric::parse("R2Score").unwrap(), Metric::R2);
        assert_eq!(
            Metric::parse("auk").unwrap_err().to_string(),
            "unknown metric \"auk\""
        );
    }
}
