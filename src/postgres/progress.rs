//! How far a training is, for other sessions: a line of which the view tablenet.progress makes columns.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tablenet_core::EpochLogs;

use crate::activity::Activity;
use crate::error;

/// The time between two lines: nobody reads faster, and it costs nothing.
const PAUSE: Duration = Duration::from_millis(100);

/// What a training does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Waits for another training of the same name.
    Waiting,
    /// Reads the rows.
    Reading,
    /// Learns from them.
    Training,
    /// Writes the new version.
    Storing,
}

/// How far one training is.
pub struct Progress {
    activity: Activity,
    /// Between double quotes; those in the name are doubled.
    model: String,
    phase: Phase,
    rows: u64,
    /// The epoch that ended last, and the last one there can be.
    epochs: Option<(u32, u32)>,
    loss: Option<(f64, Option<f64>)>,
    shown: Instant,
    /// There is more to tell than was shown.
    stale: bool,
    /// How often there was, since the clock was looked at.
    ticks: u32,
}

impl Progress {
    /// Of a training of `model` that begins now; `None` where nobody could see it.
    pub fn new(model: &str) -> Option<Self> {
        let progress = Self {
            activity: Activity::new()?,
            model: error::printable(model).replace('"', "\"\""),
            phase: Phase::Waiting,
            rows: 0,
            epochs: None,
            loss: None,
            shown: Instant::now(),
            stale: false,
            ticks: 0,
        };
        progress.activity.show(&progress.line());
        Some(progress)
    }

    /// Another phase begins.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.show();
    }

    /// One more row was read.
    #[inline]
    pub fn row(&mut self) {
        // A look at the clock takes a tenth of the time of a row.
        const ROWS: u64 = 64;
        self.rows += 1;
        if self.rows < ROWS || self.rows.is_multiple_of(ROWS) {
            self.show_in_time();
        }
    }

    /// The first of the epochs that are left begins: `done` of `last` were before.
    pub fn begin(&mut self, done: u32, last: u32) {
        self.epochs = Some((done, last));
        self.enter(Phase::Training);
    }

    /// An epoch ended.
    pub fn epoch(&mut self, logs: &EpochLogs) {
        let last = self.epochs.map_or(logs.epoch, |(_, last)| last);
        self.epochs = Some((logs.epoch, last));
        self.loss = Some((logs.loss, logs.val_loss));
        self.show_in_time();
    }

    /// Time passes: shows what was not shown when it was new. To be called every few milliseconds at most.
    #[inline]
    pub fn tick(&mut self) {
        const LOOK: u32 = 16;
        if self.stale {
            self.ticks += 1;
            if self.ticks >= LOOK {
                self.show_in_time();
            }
        }
    }

    /// Shows what is new, if the last time is long enough ago.
    fn show_in_time(&mut self) {
        self.stale = true;
        self.ticks = 0;
        if self.shown.elapsed() >= PAUSE {
            self.show();
        }
    }

    #[cold]
    fn show(&mut self) {
        self.activity.show(&self.line());
        self.shown = Instant::now();
        self.stale = false;
    }

    /// The numbers come first: where `track_activity_query_size` is small, the name is cut.
    fn line(&self) -> String {
        let phase = match self.phase {
            Phase::Waiting => "waiting",
            Phase::Reading => "reading",
            Phase::Training => "training",
            Phase::Storing => "storing",
        };
        let mut line = format!("/* tablenet: {phase}, {} rows", self.rows);
        // Writing to a String cannot fail. As an f32, the loss has no more digits than there are to see.
        if let Some((epoch, last)) = self.epochs {
            let _ = write!(line, ", epoch {epoch} of {last}");
        }
        if let Some((loss, val_loss)) = self.loss {
            let _ = write!(line, ", loss {:?}", loss as f32);
            if let Some(val_loss) = val_loss {
                let _ = write!(line, ", val_loss {:?}", val_loss as f32);
            }
        }
        let _ = write!(line, ", model \"{}\" */", self.model);
        line
    }
}
