//! `fit` and `evaluate` (Keras: `model.fit`, `model.evaluate`).

use crate::callbacks::Active;
use crate::config::invalid;
use crate::epoch::{Loop, Tally, evaluate_epoch, train_epoch};
use crate::weights::AT_ONCE;
use crate::{
    Batches, Callback, EpochLogs, Error, ErrorKind, FitCallback, History, Model, Pool, Result,
    Stopped,
};

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Passes over the training rows.
    pub epochs: u32,
    /// Rows per step.
    pub batch_size: usize,
    /// A new order every epoch.
    pub shuffle: bool,
    /// Seed of shuffling and dropout.
    pub seed: u64,
    /// What looks at every epoch, in this order.
    pub callbacks: Vec<FitCallback>,
    /// Stop after the batch in which this has passed since `fit` began.
    pub max_seconds: Option<f64>,
}

/// What `evaluate` found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Mean loss.
    pub loss: f64,
    /// The metrics of `compile`, by name.
    pub metrics: Vec<(String, f64)>,
}

impl FitOptions {
    fn check(&self) -> Result<()> {
        if self.epochs == 0 {
            return Err(invalid("epochs must be at least 1, not 0"));
        }
        check_batch_size(self.batch_size)?;
        match self.max_seconds {
            Some(seconds) if seconds.is_nan() || seconds <= 0.0 => Err(invalid(format!(
                "max_seconds must be positive, not {seconds}"
            ))),
            _ => Ok(()),
        }
    }
}

fn check_batch_size(batch_size: usize) -> Result<()> {
    if batch_size == 0 {
        return Err(invalid("batch_size must be at least 1, not 0"));
    }
    Ok(())
}

/// The named guard of data: rows there, as wide as the model.
fn check_data(model: &Model, data: &dyn Batches) -> Result<()> {
    if data.rows() == 0 {
        return Err(Error::new(ErrorKind::NoRows, "there are no rows"));
    }
    if data.inputs() != model.inputs() || data.targets() != model.targets() {
        let message = format!(
            "expected {} inputs and {} targets, not {} and {}",
            model.inputs(),
            model.targets(),
            data.inputs(),
            data.targets()
        );
        return Err(Error::new(ErrorKind::FeatureCount, message));
    }
    Ok(())
}

/// No batch is larger than the data.
fn rows_per_batch(batch_size: usize, data: &dyn Batches) -> usize {
    batch_size.min(usize::try_from(data.rows()).unwrap_or(usize::MAX))
}

impl Model {
    /// Trains (Keras: `model.fit`). Optimizer, order of the rows and noise go on where the last `fit` left them, so that
    /// five epochs and five more are ten; the logs count on, too (Keras: `initial_epoch`).
    ///
    /// The weights depend on weights before, data, options and seed alone, not on the threads of `pool`. After an
    /// error the model must not be used further, except with new weights.
    pub fn fit(
        &mut self,
        train: &mut dyn Batches,
        validation: Option<&mut dyn Batches>,
        options: &FitOptions,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<History> {
        self.fit_on(train, validation, options, callback, pool, pool.threads())
    }

    /// As [`Model::fit`], on `threads` of the pool's threads: more may not fit into memory.
    pub(crate) fn fit_on(
        &mut self,
        train: &mut dyn Batches,
        validation: Option<&mut dyn Batches>,
        options: &FitOptions,
        callback: &mut dyn Callback,
        pool: &Pool,
        threads: usize,
    ) -> Result<History> {
        options.check()?;
        check_data(self, train)?;
        if self.network.is_fixed() {
            return Err(invalid("no layer of the model is trainable")
                .hint("Leave trainable false out where weights are to move."));
        }
        let mut validation = validation.filter(|v| v.rows() > 0);
        let batch_size = rows_per_batch(options.batch_size, train);
        if let Some(data) = validation.as_deref() {
            check_data(self, data)?;
        }
        let mut callbacks = Active::new(&options.callbacks, self, validation.is_some())?;
        let begun = callback.elapsed();
        let until = options.max_seconds.map(|seconds| begun + seconds);
        callback.check()?;
        let work = Loop::new(self, batch_size, threads, true, callback)?;
        let parameters = self.parameters();
        self.state.prepare(&self.optimizer, parameters, callback)?;
        let val_tally = if validation.is_some() {
            Some(Tally::new(self)?)
        } else {
            None
        };
        let mut epochs = Epochs {
            work,
            tally: Tally::new(self)?,
            val_tally,
            options,
            until,
        };

        let mut history = History {
            epochs: Vec::new(),
            best_epoch: None,
            stopped: Stopped::Completed,
        };
        let done = self.state.epochs;
        let last = done.checked_add(options.epochs).ok_or_else(|| {
            invalid(format!(
                "the model cannot be trained for more than {} epochs",
                u32::MAX
            ))
        })?;
        callback.on_train_begin(done, last)?;
        for epoch in done + 1..=last {
            self.state.epochs = epoch;
            callbacks.begin(epoch, self);
            let (logs, late) = match epochs.run(
                epoch,
                self,
                train,
                validation.as_deref_mut(),
                callback,
                pool,
            ) {
                Err(error) if error.kind() == ErrorKind::NotFinite && callbacks.takes_nan() => {
                    history.stopped = Stopped::NotFinite;
                    break;
                }
                logs => logs?,
            };
            let seen = callbacks.end(&logs, self, callback)?;
            callback.on_epoch_end(&logs)?;
            history.epochs.push(logs);
            if late {
                history.stopped = Stopped::MaxSeconds;
                break;
            }
            if let Some(place) = seen.cut {
                callbacks.cut(place, self, callback)?;
            }
            if seen.stop {
                history.stopped = Stopped::EarlyStopping;
                break;
            }
        }
        let nan = history.stopped == Stopped::NotFinite;
        if nan {
            self.state.begin_anew(&self.optimizer, callback)?;
        }
        history.best_epoch = callbacks.finish(nan, self);
        Ok(history)
    }

    /// Loss and metrics of rows the model does not learn from (Keras: `model.evaluate`).
    pub fn evaluate(
        &self,
        data: &mut dyn Batches,
        batch_size: usize,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<Evaluated> {
        check_batch_size(batch_size)?;
        check_data(self, data)?;
        callback.check()?;
        let mut work = Loop::new(
            self,
            rows_per_batch(batch_size, data),
            pool.threads(),
            false,
            callback,
        )?;
        let mut tally = Tally::new(self)?;
        evaluate_epoch(self, data, &mut work, &mut tally, callback, pool)?;
        Ok(Evaluated {
            loss: tally.loss(),
            metrics: tally.metrics(),
        })
    }
}

/// What all epochs of one `fit` work with.
struct Epochs<'a> {
    work: Loop,
    tally: Tally,
    /// Present where rows validate.
    val_tally: Option<Tally>,
    options: &'a FitOptions,
    until: Option<f64>,
}

impl Epochs<'_> {
    /// Trains and validates one epoch; true if it was cut short by the clock.
    fn run<'v>(
        &mut self,
        epoch: u32,
        model: &mut Model,
        train: &mut dyn Batches,
        validation: Option<&mut (dyn Batches + 'v)>,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<(EpochLogs, bool)> {
        let options = self.options;
        let began = callback.elapsed();
        let order = options.shuffle.then(|| epoch_seed(options.seed, epoch));
        let late = train_epoch(
            model,
            train,
            order,
            (epoch, options.seed),
            self.until,
            &mut self.work,
            &mut self.tally,
            callback,
            pool,
        )?;
        check_weights(model, epoch, callback)?;
        let mut logs = EpochLogs {
            epoch,
            seconds: 0.0,
            loss: self.tally.loss(),
            val_loss: None,
            metrics: self.tally.metrics(),
            val_metrics: Vec::new(),
        };
        if let (Some(data), Some(tally)) = (validation, &mut self.val_tally) {
            evaluate_epoch(model, data, &mut self.work, tally, callback, pool)?;
            if !tally.loss().is_finite() {
                return Err(Error::new(
                    ErrorKind::NotFinite,
                    format!("validation loss became {} in epoch {epoch}", tally.loss()),
                )
                .hint("Lower learning_rate, or look for extreme values in the validation rows."));
            }
            logs.val_loss = Some(tally.loss());
            logs.val_metrics = tally.metrics();
        }
        logs.seconds = callback.elapsed() - began;
        Ok((logs, late))
    }
}

/// A finite loss does not mean finite weights after the last step.
fn check_weights(model: &Model, epoch: u32, callback: &mut dyn Callback) -> Result<()> {
    for piece in model.weights.chunks(AT_ONCE) {
        if !piece.iter().all(|w| w.is_finite()) {
            return Err(Error::new(
                ErrorKind::NotFinite,
                format!("weights became NaN or infinite in epoch {epoch}"),
            )
            .hint(
                "Lower learning_rate, or look for extreme values in the features and the target.",
            ));
        }
        callback.check()?;
    }
    Ok(())
}

/// The order of an epoch's rows is a function of seed and epoch.
fn epoch_seed(seed: u64, epoch: u32) -> u64 {
    seed.wrapping_add(u64::from(epoch).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
