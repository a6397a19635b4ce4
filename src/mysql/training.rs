//! The training of one group, on a thread of its own: rows in, a model and its report out.

use crate::batch::Batch;
use crate::columns::Columns;
use crate::error::interrupted;
use crate::progress::Progress;
use crate::report::Report;
use crate::rows::Rows;
use crate::spill::Spills;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tablenet_core::{
    Callback, EpochLogs, Error, ErrorKind, Pool, Result, TrainOptions, Training, check_model_size,
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
    let max_model_size = options.max_model_size;
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
    check_model_size(model.len() as u64, max_model_size)?;
    let report = Report::new(&model, &trained, watch.elapsed());
    Ok(Trained {
        model,
        report,
        notices: trained.notices,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
