//! The training of one group, on a thread of its own: rows in, a model and its report out.

use crate::batch::Batch;
use crate::columns::Columns;
use crate::error::interrupted;
use crate::progress::Progress;
use crate::report::Report;
use crate::rows::Rows;
use crate::share::size;
use crate::spill::Spills;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tablenet_core::{
    Callback, EpochLogs, Error, ErrorKind, Layer, Pool, Result, Sequential, TrainOptions, Training,
};

/// What is to be trained.
#[derive(Debug)]
pub struct Order {
    /// The columns of the rows to come.
    pub columns: Arc<Columns>,
    /// What the spec says.
    pub options: TrainOptions,
    /// Where rows beyond the memory go.
    pub tmpdir: PathBuf,
    /// The most bytes of the model.
    pub max_model_size: u64,
    /// What the connection's thread says, and hears.
    pub watch: Watch,
    /// A bug, for a test.
    #[cfg(test)]
    pub panics: bool,
}

/// What became of it.
#[derive(Debug)]
pub struct Trained {
    /// The model as it is stored.
    pub model: Vec<u8>,
    /// What there is to say about its training.
    pub report: Report,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// The clock of a training, its end from outside, and how far it is.
#[derive(Debug, Clone)]
pub struct Watch {
    start: Instant,
    /// Seconds after which it fails; 0 is no limit.
    limit: f64,
    stop: Arc<AtomicBool>,
    progress: Arc<Progress>,
}

impl Watch {
    /// A training that begins now and fails after `limit` seconds; 0 is no limit.
    pub fn new(limit: f64) -> Self {
        Self {
            start: Instant::now(),
            limit,
            stop: Arc::default(),
            progress: Arc::default(),
        }
    }

    /// Ends the training at its next look.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Callback for Watch {
    fn elapsed(&mut self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn check(&mut self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        if self.limit > 0.0 && self.elapsed() > self.limit {
            let message = format!("the training took longer than {} seconds", self.limit);
            return Err(Error::new(ErrorKind::LimitExceeded, message).hint(
                "That is max_seconds in tablenet's configuration. A smaller max_seconds in the spec ends a training in time and keeps the model.",
            ));
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, logs: &EpochLogs) -> Result<()> {
        self.progress.ended(logs.epoch);
        Ok(())
    }
}

/// Trains on the rows of all batches that `next` gives, until there is none.
pub fn train(
    order: Order,
    pool: &Pool,
    mut next: impl FnMut() -> Result<Option<Batch>>,
    mut done: impl FnMut(Batch),
) -> Result<Trained> {
    let Order {
        columns,
        options,
        tmpdir,
        max_model_size,
        mut watch,
        #[cfg(test)]
        panics,
    } = order;
    #[cfg(test)]
    assert!(!panics, "deliberate");
    #[cfg(feature = "inject")]
    crate::guard::inject("ml_train_agg", crate::guard::Entry::Train);
    let targets: Vec<&str> = columns.targets.iter().map(String::as_str).collect();
    let spills = Box::new(Spills::new(tmpdir));
    let mut training = Training::new(columns.columns.clone(), &targets, options, spills)?;
    if columns.unnamed {
        training = training.unnamed();
    }
    let mut training = training.on(pool)?;
    let mut rows = Rows::new(&columns);
    while let Some(batch) = next()? {
        rows.read(&batch, |row| training.push(row, &mut watch))?;
        done(batch);
        watch.check()?;
    }
    let trained = training.finish(&mut watch, pool)?;
    let model = trained.file.to_bytes(&mut watch)?;
    check_size(model.len() as u64, max_model_size)?;
    let report = Report::new(&model, &trained, watch.elapsed());
    Ok(Trained {
        model,
        report,
        notices: trained.notices,
    })
}

/// Refuses layers whose model will be too large whatever the rows are.
pub fn check_layers(layers: &Sequential, most: u64) -> Result<()> {
    let mut inputs = layers.inputs;
    let mut parameters = 0_u64;
    for layer in &layers.layers {
        if let Layer::Dense(dense) = layer {
            let weights = inputs.unwrap_or(1).saturating_mul(dense.units) as u64;
            parameters = parameters.saturating_add(weights);
            inputs = Some(dense.units);
        }
    }
    check_size(parameters.saturating_mul(size_of::<f32>() as u64), most)
}

fn check_size(bytes: u64, most: u64) -> Result<()> {
    if bytes <= most {
        return Ok(());
    }
    let message = format!(
        "the model takes {}, more than the limit of {}",
        size(bytes),
        size(most)
    );
    Err(Error::new(ErrorKind::LimitExceeded, message).hint(
        "Give it fewer or smaller layers, or ask the server's administrator to raise max_model_size in tablenet's configuration.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tablenet_core::{Activation, Dense};

    #[test]
    fn layers_that_are_too_large_are_refused_before_a_row_is_read() {
        let dense = |units| Layer::Dense(Dense::new(units, Activation::Linear));
        let layers = Sequential::new(vec![dense(1000), dense(1000), dense(1)]);
        assert!(check_layers(&layers, 4_010_000).is_ok());
        let error = check_layers(&layers, 4_000_000).expect_err("too large");
        assert_eq!(
            error.to_string(),
            "the model takes 3915 kB, more than the limit of 3907 kB"
        );
    }

    #[test]
    fn a_watch_ends_a_training() {
        let mut watch = Watch::new(0.0);
        assert!(watch.check().is_ok());
        watch.stop();
        assert_eq!(
            watch.check().map_err(|it| it.kind()),
            Err(ErrorKind::Foreign)
        );
        let mut late = Watch::new(1e-9);
        std::thread::sleep(std::time::Duration::from_millis(1));
        let error = late.check().expect_err("late");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }
}
