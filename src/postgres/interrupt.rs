//! How the core learns that a cancel, a timeout or a shutdown is waiting, and what time it is; how others follow a training.

use std::time::Instant;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use tablenet_core::{Callback, EpochLogs, Result};

use crate::progress::{Phase, Progress};
use crate::{error, guc};

/// The clock and the interrupts of one call.
pub struct Interrupts {
    start: Instant,
    /// What other sessions see of a training.
    progress: Option<Progress>,
    /// Whether the client gets a NOTICE per epoch.
    notice: bool,
}

impl Interrupts {
    /// Starts the clock.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            progress: None,
            notice: false,
        }
    }

    /// Of a training of `model`, which may have to wait for another one.
    pub fn of_training(model: &str) -> Self {
        let told = guc::progress();
        Self {
            progress: (told != guc::Progress::Off)
                .then(|| Progress::new(model))
                .flatten(),
            notice: told == guc::Progress::Notice,
            ..Self::new()
        }
    }

    /// Starts the clock of a training that waits no longer.
    pub fn begin(&mut self) {
        self.start = Instant::now();
        self.enter(Phase::Reading);
    }

    /// Another phase of the training begins.
    pub fn enter(&mut self, phase: Phase) {
        if let Some(progress) = &mut self.progress {
            progress.enter(phase);
        }
    }

    /// One more row was read.
    #[inline]
    pub fn row(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.row();
        }
    }
}

impl Callback for Interrupts {
    fn elapsed(&mut self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    #[inline]
    fn check(&mut self) -> Result<()> {
        // SAFETY: a flag set by signal handlers, read on the backend's own thread.
        if unsafe { (&raw const pg_sys::InterruptPending).read_volatile() } == 0 {
            if let Some(progress) = &mut self.progress {
                progress.tick();
            }
            return Ok(());
        }
        process()
    }

    fn on_train_begin(&mut self, done: u32, last: u32) -> Result<()> {
        if let Some(progress) = &mut self.progress {
            progress.begin(done, last);
        }
        Ok(())
    }

    /// One message per epoch, sent at once: a NOTICE if the setting says so, else DEBUG1.
    fn on_epoch_end(&mut self, logs: &EpochLogs) -> Result<()> {
        if let Some(progress) = &mut self.progress {
            progress.epoch(logs);
        }
        // pgrx holds interrupts while it reports, so nothing can jump over the frames of the training.
        if self.notice {
            pgrx::notice!("{}", line(logs));
        } else {
            pgrx::debug1!("{}", line(logs));
        }
        Ok(())
    }
}

/// An epoch in one line, as Keras prints it: `epoch 3: loss 0.012345, mae 8.1, val_loss 0.013456, val_mae 8.4 (0.42 s)`.
fn line(logs: &EpochLogs) -> String {
    let mut line = format!("epoch {}: loss {:.6}", logs.epoch, logs.loss);
    for (name, value) in &logs.metrics {
        line += &format!(", {name} {value:.4}");
    }
    if let Some(val_loss) = logs.val_loss {
        line += &format!(", val_loss {val_loss:.6}");
    }
    for (name, value) in &logs.val_metrics {
        line += &format!(", val_{name} {value:.4}");
    }
    line + &format!(" ({:.2} s)", logs.seconds)
}

/// Lets PostgreSQL act on what is pending; its error comes back as `Err`.
#[cold]
fn process() -> Result<()> {
    if is_terminating() {
        // PostgreSQL would end the process right here, under running threads: first everything of ours unwinds.
        let message = "terminating connection due to administrator command";
        return Err(error::own(Code::ERRCODE_ADMIN_SHUTDOWN, message));
    }
    // SAFETY: what CHECK_FOR_INTERRUPTS() calls.
    error::catch(|| unsafe { pg_sys::ProcessInterrupts() })
}

/// Whether the process has to end as soon as interrupts are processed.
pub fn is_terminating() -> bool {
    // SAFETY: as above.
    unsafe {
        (&raw const pg_sys::ProcDiePending).read_volatile() != 0
            && pg_sys::InterruptHoldoffCount == 0
            && pg_sys::CritSectionCount == 0
    }
}
