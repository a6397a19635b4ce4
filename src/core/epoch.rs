//! One epoch over batches, to train or to evaluate: the part of `fit` that another executor could take over.

use crate::gradient::Buffers;
use crate::network::Noise;
use crate::weights::{AT_ONCE, room};
use crate::{Batch, Batches, Callback, Error, ErrorKind, Metric, MetricState, Model, Pool, Result};

/// Loss and metrics over an epoch's rows.
pub(crate) struct Tally {
    states: Vec<MetricState>,
    loss: f64,
    rows: u64,
}

impl Tally {
    pub fn new(model: &Model) -> Result<Tally> {
        let state =
            |&m: &Metric| MetricState::new(m, model.task(), model.outputs(), model.target_scale());
        Ok(Tally {
            states: model.metrics().iter().map(state).collect::<Result<_>>()?,
            loss: 0.0,
            rows: 0,
        })
    }

    fn reset(&mut self) {
        self.states.iter_mut().for_each(MetricState::reset);
        (self.loss, self.rows) = (0.0, 0);
    }

    /// Mean loss of all rows (Keras: the running mean over batches, weighted by their rows).
    pub fn loss(&self) -> f64 {
        self.loss / self.rows as f64
    }

    pub fn metrics(&self) -> Vec<(String, f64)> {
        self.states
            .iter()
            .map(|s| (s.metric().name().to_owned(), s.result()))
            .collect()
    }
}

/// Outputs whose metrics are taken between two looks at the callback.
const OUTPUTS_AT_ONCE: usize = 1 << 17;

/// What carries over from batch to batch.
pub(crate) struct Loop {
    pub buffers: Buffers,
    pub batch: Batch,
    pub batch_size: usize,
}

impl Loop {
    /// Buffers for `model`, which must have weights, over `data`, which must be as wide as it.
    pub fn new(
        model: &Model,
        batch_size: usize,
        threads: usize,
        trains: bool,
        callback: &mut dyn Callback,
    ) -> Result<Loop> {
        if model.weights.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "the model has no weights yet",
            ));
        }
        let buffers = Buffers::new(model, batch_size, threads, trains, callback)?;
        let batch = Batch {
            x: room(batch_size.saturating_mul(model.inputs()))?,
            y: room(batch_size.saturating_mul(model.targets()))?,
            rows: 0,
        };
        Ok(Loop {
            buffers,
            batch,
            batch_size,
        })
    }

    /// Pulls the next batch; false at the epoch's end.
    fn pull(
        &mut self,
        model: &Model,
        data: &mut dyn Batches,
        callback: &mut dyn Callback,
    ) -> Result<bool> {
        self.batch.rows = 0;
        data.next(self.batch_size, &mut self.batch, callback)?;
        let Batch { x, y, rows } = &self.batch;
        if *rows == 0 {
            return Ok(false);
        }
        if *rows > self.batch_size
            || x.len() != rows * model.inputs()
            || y.len() != rows * model.targets()
        {
            let message = format!(
                "a batch of {rows} rows has {} inputs and {} targets",
                x.len(),
                y.len()
            );
            return Err(Error::new(ErrorKind::FeatureCount, message));
        }
        Ok(true)
    }

    /// One batch's loss, added to the tally together with the metrics.
    fn take(
        &mut self,
        model: &Model,
        noise: Option<Noise>,
        tally: &mut Tally,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<f64> {
        let (outputs, targets) = (model.outputs(), model.targets());
        let states = &mut tally.states;
        let at_once = (OUTPUTS_AT_ONCE / outputs).max(1);
        let mut see = |all: &[f32], y: &[f32], rows: usize, callback: &mut dyn Callback| {
            if states.is_empty() {
                return Ok(());
            }
            let pieces = all[..rows * outputs]
                .chunks(at_once * outputs)
                .zip(y.chunks(at_once * targets));
            for (predictions, y) in pieces {
                for state in states.iter_mut() {
                    state.update(predictions, y, y.len() / targets);
                    callback.check()?;
                }
            }
            Ok(())
        };
        let loss = self
            .buffers
            .run(model, &self.batch, noise, callback, pool, &mut see)?;
        tally.loss += loss;
        tally.rows += self.batch.rows as u64;
        Ok(loss)
    }
}

/// Trains on every batch of `data` once. Ends early, with `true`, after the batch in which `until` (by the callback's clock) passed.
#[allow(clippy::too_many_arguments)]
pub(crate) fn train_epoch(
    model: &mut Model,
    data: &mut dyn Batches,
    shuffle: Option<u64>,
    (epoch, seed): (u32, u64),
    until: Option<f64>,
    work: &mut Loop,
    tally: &mut Tally,
    callback: &mut dyn Callback,
    pool: &Pool,
) -> Result<bool> {
    tally.reset();
    data.start(shuffle, callback)?;
    let mut number = 0u64;
    while work.pull(model, data, callback)? {
        number += 1;
        let noise = Noise {
            seed,
            step: model.state.steps,
        };
        let loss = work.take(model, Some(noise), tally, callback, pool)?;
        if !loss.is_finite() {
            let word = if loss.is_nan() { "NaN" } else { "infinite" };
            return Err(Error::new(
                ErrorKind::NotFinite,
                format!("loss became {word} in epoch {epoch}, batch {number}"),
            )
            .hint(
                "Lower learning_rate, or look for extreme values in the features and the target.",
            ));
        }
        step(model, work.buffers.gradient(), callback)?;
        if let Some(until) = until
            && callback.elapsed() >= until
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Loss and metrics of every row of `data`.
pub(crate) fn evaluate_epoch(
    model: &Model,
    data: &mut dyn Batches,
    work: &mut Loop,
    tally: &mut Tally,
    callback: &mut dyn Callback,
    pool: &Pool,
) -> Result<()> {
    tally.reset();
    data.start(None, callback)?;
    while work.pull(model, data, callback)? {
        work.take(model, None, tally, callback, pool)?;
    }
    Ok(())
}

/// Moves the weights along the gradient, piece by piece.
fn step(model: &mut Model, gradient: &[f32], callback: &mut dyn Callback) -> Result<()> {
    let optimizer = model.optimizer();
    model.state.steps += 1;
    let (steps, [a, b]) = (model.state.steps, &mut model.state.slots);
    let piece = |slot: &mut Vec<f32>, range: std::ops::Range<usize>| {
        if slot.is_empty() { 0..0 } else { range }
    };
    for (i, w) in model.weights.chunks_mut(AT_ONCE).enumerate() {
        let range = i * AT_ONCE..i * AT_ONCE + w.len();
        let (in_a, in_b) = (piece(a, range.clone()), piece(b, range.clone()));
        optimizer.step(steps, w, &gradient[range], &mut a[in_a], &mut b[in_b]);
        callback.check()?;
    }
    Ok(())
}
