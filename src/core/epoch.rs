//! One epoch over batches, to train or to evaluate: the part of `fit` that another executor could take over.

use crate::feed::Feed;
use crate::gradient::{Buffers, Crew, Rows};
use crate::layer::Interrupt;
use crate::network::Noise;
use crate::{Batches, Callback, Error, ErrorKind, Metric, MetricState, Model, Pool, Result};

/// Loss and metrics over an epoch's rows.
pub(crate) struct Tally {
    names: Vec<String>,
    states: Vec<MetricState>,
    loss: f64,
    rows: u64,
}

impl Tally {
    pub fn new(model: &Model) -> Result<Tally> {
        let (task, loss) = (model.task(), model.loss());
        let state = |metric: &Metric| {
            MetricState::new(metric, task, model.outputs(), loss, model.target_scales())
        };
        Ok(Tally {
            names: model.metric_names().to_vec(),
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
        let results = self.states.iter().map(MetricState::result);
        self.names.iter().cloned().zip(results).collect()
    }
}

/// Outputs whose metrics are taken between two looks at the callback.
const OUTPUTS_AT_ONCE: usize = 1 << 17;

/// What carries over from epoch to epoch.
pub(crate) struct Loop {
    buffers: Buffers,
    feed: Feed,
}

impl Loop {
    /// Buffers for `model`, which must have weights, and batches of up to `batch_size` rows.
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
        Ok(Loop {
            buffers: Buffers::new(model, batch_size, threads, trains, callback)?,
            feed: Feed::new(model, batch_size, threads)?,
        })
    }
}

/// What is done with every batch of an epoch, by whoever has the time.
pub(crate) trait Pass: Send {
    /// Takes the next batch.
    fn batch(&mut self, rows: Rows<'_>, crew: &mut Crew<'_>) -> Result<()>;
}

/// An epoch of training.
struct Training<'a> {
    model: &'a mut Model,
    buffers: &'a mut Buffers,
    tally: &'a mut Tally,
    epoch: u32,
    seed: u64,
    number: u64,
}

/// An epoch of evaluation.
struct Evaluation<'a> {
    model: &'a Model,
    buffers: &'a mut Buffers,
    tally: &'a mut Tally,
}

impl Pass for Training<'_> {
    fn batch(&mut self, rows: Rows<'_>, crew: &mut Crew<'_>) -> Result<()> {
        self.number += 1;
        let noise = Noise {
            seed: self.seed,
            step: self.model.state.steps,
        };
        let loss = self
            .tally
            .take(self.buffers, self.model, rows, Some(noise), crew)?;
        if !loss.is_finite() {
            let word = if loss.is_nan() { "NaN" } else { "infinite" };
            let message = format!(
                "loss became {word} in epoch {}, batch {}",
                self.epoch, self.number
            );
            return Err(Error::new(ErrorKind::NotFinite, message).hint(
                "Lower learning_rate, or look for extreme values in the features and the target.",
            ));
        }
        self.buffers.update(self.model, crew)
    }
}

impl Pass for Evaluation<'_> {
    fn batch(&mut self, rows: Rows<'_>, crew: &mut Crew<'_>) -> Result<()> {
        self.tally
            .take(self.buffers, self.model, rows, None, crew)?;
        Ok(())
    }
}

impl Tally {
    /// Adds one batch's loss, which is returned, and its metrics.
    fn take(
        &mut self,
        buffers: &mut Buffers,
        model: &Model,
        rows: Rows<'_>,
        noise: Option<Noise>,
        crew: &mut Crew<'_>,
    ) -> Result<f64> {
        let (outputs, targets) = (model.outputs(), model.targets());
        let states = &mut self.states;
        let at_once = (OUTPUTS_AT_ONCE / outputs).max(1);
        let mut see = |all: &[f32], y: &[f32], rows: usize, interrupt: &mut Interrupt<'_>| {
            if states.is_empty() {
                return Ok(());
            }
            let pieces = all[..rows * outputs]
                .chunks(at_once * outputs)
                .zip(y.chunks(at_once * targets));
            for (predictions, y) in pieces {
                for state in states.iter_mut() {
                    state.update(predictions, y);
                    interrupt()?;
                }
            }
            Ok(())
        };
        let mut loss = buffers.run(model, rows, noise, crew, &mut see)?;
        if !model.network.special.is_empty() {
            let penalty = model
                .network
                .penalty(&model.weights, &mut || crew.check())?;
            loss += penalty * rows.count as f64;
        }
        self.loss += loss;
        self.rows += rows.count as u64;
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
    let mut pass = Training {
        model,
        buffers: &mut work.buffers,
        tally,
        epoch,
        seed,
        number: 0,
    };
    work.feed.walk(&mut pass, data, until, callback, pool)
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
    let mut pass = Evaluation {
        model,
        buffers: &mut work.buffers,
        tally,
    };
    work.feed.walk(&mut pass, data, None, callback, pool)?;
    Ok(())
}
