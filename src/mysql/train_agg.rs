//! `ml_train_agg(spec, target, f1, ...)`: trains on the rows of a group and answers the model.
//!
//! The spec is one JSON object ([`Spec`]); NULL and '' are all defaults. It must be the same in all rows of a group.

use crate::arguments::{ArgumentType, Arguments, Declared, utf8};
use crate::batch::Batch;
use crate::columns::{Columns, Given};
use crate::config::{Config, config};
use crate::error::{interrupted, invalid};
use crate::function::{Aggregate, Answers, Function, aggregate};
use crate::progress::{READING, epoch_text};
use crate::rollup::Rollup;
use crate::server::{self, State};
use crate::share::{Memory, account};
use crate::training::{Order, Watch};
use crate::worker::Worker;
use std::sync::Arc;
use tablenet_core::{Error, ErrorKind, Result, Spec, TrainOptions};

const USAGE: &str = "ml_train_agg(spec, target, feature, ...)";

/// A statement's training: group after group, one at a time.
struct TrainAgg {
    given: Vec<Given>,
    /// What was asked for last; the groups of a statement mostly ask for the same.
    asked: Option<Arc<Asked>>,
    /// Before `worker`: it is told to stop before it is waited for.
    group: Group,
    rollup: Rollup,
    worker: Option<Worker>,
    /// The last model, and the memory that it takes.
    answer: (Vec<u8>, Option<Memory>),
}

aggregate!(
    TrainAgg,
    ml_train_agg_init,
    ml_train_agg_clear,
    ml_train_agg_add,
    ml_train_agg,
    ml_train_agg_deinit
);

/// A spec and what it makes of the arguments.
#[derive(Debug)]
struct Asked {
    text: Vec<u8>,
    options: TrainOptions,
    columns: Arc<Columns>,
}

/// The group under way.
enum Group {
    /// No row has come yet.
    Empty,
    /// Rows come.
    Reading(Box<Reading>),
    /// The model is there; the server may ask for it more than once.
    Done,
    /// It had an error, which is raised.
    Failed,
}

struct Reading {
    asked: Arc<Asked>,
    watch: Watch,
    memory: Option<Memory>,
    state: State,
    /// Until the first rows are sent.
    order: Option<Box<Order>>,
    /// Rows that are not sent.
    batch: Option<Batch>,
    rows: u64,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.watch.stop();
    }
}

impl Function for TrainAgg {
    const NAME: &'static str = "ml_train_agg";
    const ANSWERS: Answers = Answers::Bytes;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        arguments.expect(3, usize::MAX, USAGE)?;
        if arguments.type_of(0) != ArgumentType::Text {
            return Err(
                invalid("the spec is a number, but must be JSON text or NULL")
                    .hint(format!("Call it as {USAGE}.")),
            );
        }
        arguments.as_utf8(0);
        let config = config()?;
        let given = Given::read(arguments)?;
        let asked = arguments
            .constant(0)
            .map(|spec| Asked::new(spec, &given, config))
            .transpose()?;
        Ok(Self {
            given,
            asked: asked.map(Arc::new),
            group: Group::Empty,
            rollup: Rollup::default(),
            worker: None,
            answer: (Vec::new(), None),
        })
    }
}

impl Asked {
    fn new(text: &[u8], given: &[Given], config: &Config) -> Result<Self> {
        let mut spec = Spec::parse(utf8(text, "the spec")?, config.work_mem)?;
        spec.options.max_model_size = config.max_model_size;
        spec.options.check()?;
        let columns = Columns::new(given, &spec)?;
        let mut kept = Vec::new();
        kept.try_reserve_exact(text.len())
            .map_err(|_| Error::new(ErrorKind::OutOfMemory, "there is no memory for the spec"))?;
        kept.extend_from_slice(text);
        Ok(Self {
            text: kept,
            options: spec.options,
            columns: Arc::new(columns),
        })
    }
}

/// The bytes of the spec; NULL is as good as none.
fn spec_of<'a>(arguments: &Arguments<'a>) -> &'a [u8] {
    arguments.value(0).bytes().unwrap_or_default()
}

impl TrainAgg {
    /// The first row of a group is here.
    fn begin(&mut self, arguments: &Arguments<'_>) -> Result<()> {
        let config = config()?;
        let text = spec_of(arguments);
        let asked = match &self.asked {
            Some(asked) if asked.text == text => Arc::clone(asked),
            _ => Arc::clone(
                self.asked
                    .insert(Arc::new(Asked::new(text, &self.given, config)?)),
            ),
        };
        let memory = account().memory(config)?;
        let watch = Watch::new(config.max_seconds);
        let order = Order {
            columns: Arc::clone(&asked.columns),
            options: asked.options.clone(),
            tmpdir: config.tmpdir.clone().unwrap_or_else(server::tmpdir),
            watch: watch.clone(),
            #[cfg(test)]
            panics: tests::PANICS.get(),
        };
        if self.worker.is_none() {
            self.worker = Some(Worker::start(config)?);
        }
        self.group = Group::Reading(Box::new(Reading {
            asked,
            watch,
            memory: Some(memory),
            state: State::show(READING),
            order: Some(Box::new(order)),
            batch: None,
            rows: 0,
        }));
        Ok(())
    }

    /// Takes a row of the group under way.
    #[inline]
    fn take(&mut self, arguments: &Arguments<'_>) -> Result<()> {
        let (Group::Reading(reading), Some(worker)) = (&mut self.group, &mut self.worker) else {
            return Ok(());
        };
        let columns = &reading.asked.columns;
        reading.rows += 1;
        if spec_of(arguments) != reading.asked.text {
            return Err(other_spec(reading.rows));
        }
        let batch = match &mut reading.batch {
            Some(batch) => batch,
            None => reading.batch.insert(worker.batch(
                batch_bytes(config()?),
                columns.packings.len(),
                not_killed,
            )?),
        };
        batch.push(arguments, &columns.packings, reading.rows, |index| {
            columns.name(index)
        })?;
        if self.rollup.is_possible() {
            let row = batch.fingerprint(&columns.packings);
            self.rollup.row(reading.rows, row);
        }
        if batch.is_full()
            && let Some(batch) = reading.batch.take()
        {
            worker.send(reading.order.take(), batch, false)?;
            // Of the rows before, there may be an error.
            if let Some(outcome) = worker.outcome() {
                return outcome.map(drop);
            }
        }
        Ok(())
    }

    /// Sends the last rows and waits for the model.
    fn finish(&mut self) -> Result<()> {
        let (Group::Reading(reading), Some(worker)) = (&mut self.group, &mut self.worker) else {
            return Err(
                Error::new(ErrorKind::NoRows, "there are no rows to learn from")
                    .hint("Let the query return rows."),
            );
        };
        if self.rollup.is_certain(reading.rows) {
            let message = "WITH ROLLUP would train on wrong rows";
            return Err(Error::new(ErrorKind::NotSupported, message).hint(
                "Use GROUP BY without it, and train on all rows in a statement of its own.",
            ));
        }
        let width = reading.asked.columns.packings.len();
        let batch = match reading.batch.take() {
            Some(batch) => batch,
            None => worker.batch(batch_bytes(config()?), width, not_killed)?,
        };
        worker.send(reading.order.take(), batch, true)?;
        let epochs = reading.asked.options.epochs;
        let mut killed = false;
        let mut shown = 0;
        let outcome = worker.wait(|| {
            killed = killed || server::killed();
            if killed {
                reading.watch.stop();
            }
            let epoch = reading.watch.progress().epoch(epochs);
            if shown != epoch {
                reading.state.change(&epoch_text(epoch, epochs));
                shown = epoch;
            }
        });
        if killed {
            return Err(interrupted());
        }
        let trained = outcome?;
        for notice in &trained.notices {
            server::note(notice);
        }
        trained.report.keep();
        // Until the next one, the server may read it at any time.
        if let Some(memory) = &mut reading.memory {
            memory.shrink(trained.model.len() as u64);
        }
        self.answer = (trained.model, reading.memory.take());
        self.group = Group::Done;
        // A thread that waits for another group takes the place of one that works.
        if account().is_crowded(config()?) {
            self.worker = None;
        }
        Ok(())
    }

    /// Drops the group under way; returns when no thread works for it.
    fn leave(&mut self, after: Group) {
        let before = std::mem::replace(&mut self.group, after);
        if let Group::Reading(mut reading) = before {
            let batch = reading.batch.take();
            if let (1, Some(batch)) = (reading.rows, &batch) {
                self.rollup
                    .left(batch.fingerprint(&reading.asked.columns.packings));
            }
            match (&mut self.worker, batch) {
                // A group that nobody asked for (HAVING), which the worker has not heard of.
                (Some(worker), Some(batch)) if reading.order.is_some() => worker.put_back(batch),
                _ => {
                    drop(reading);
                    self.worker = None;
                }
            }
        }
    }
}

impl Aggregate for TrainAgg {
    fn clear(&mut self) -> Result<()> {
        self.leave(Group::Empty);
        Ok(())
    }

    #[inline]
    fn add(&mut self, arguments: &Arguments<'_>) -> Result<()> {
        let taken = match self.group {
            Group::Reading(_) => self.take(arguments),
            Group::Empty => self.begin(arguments).and_then(|()| self.take(arguments)),
            Group::Done => Err(grown()),
            Group::Failed => Ok(()),
        };
        if taken.is_err() {
            self.leave(Group::Failed);
        }
        taken
    }

    fn answer(&mut self) -> Result<Option<&[u8]>> {
        let finished = match self.group {
            Group::Done => Ok(()),
            Group::Failed => Err(invalid("the training has failed before")),
            Group::Empty | Group::Reading(_) => self.finish(),
        };
        if finished.is_err() {
            self.leave(Group::Failed);
        }
        finished.map(|()| Some(self.answer.0.as_slice()))
    }
}

/// Bytes of a batch: enough that waking a thread for it does not count, and little beside the memory of the training.
fn batch_bytes(config: &Config) -> usize {
    (config.work_mem / 128).clamp(16 << 10, 256 << 10) as usize
}

fn not_killed() -> Result<()> {
    if server::killed() {
        return Err(interrupted());
    }
    Ok(())
}

#[cold]
fn other_spec(row: u64) -> Error {
    invalid(format!("the spec differs in row {row}")).hint("All rows of a group share one spec.")
}

#[cold]
fn grown() -> Error {
    let message = "a model that is trained cannot take more rows";
    Error::new(ErrorKind::NotSupported, message)
        .hint("Train with GROUP BY without ROLLUP, or OVER (PARTITION BY ...) without ORDER BY.")
}

#[cfg(test)]
mod tests;
