//! Training from rows, first half: columns and rows come in, statistics and the sample store grow.

#[cfg(test)]
mod tests;

use crate::encoder::Learner;
use crate::ingest::{Ingest, Texts};
use crate::nearest::nearest;
use crate::record::{Field, FieldKind};
use crate::samples::Samples;
use crate::slot::Slot;
use crate::staging::{Staging, staging_bytes};
use crate::target_learner::TargetLearner;
use crate::validation_split::ValidationSplit;
use crate::{
    Budget, Callback, Column, Error, ErrorKind, History, ModelFile, Pool, Result, SpillFactory,
    TrainOptions, TrainingState, Value,
};
use std::collections::HashSet;

/// A training under way: rows are pushed one by one, then [`finish`](Self::finish) fits the model.
pub struct Training<'a> {
    pub(crate) options: TrainOptions,
    pub(crate) target_name: String,
    /// `None` while a worker has it.
    ingest: Option<Box<Ingest>>,
    /// Where a worker helps.
    staging: Option<Staging<'a>>,
    target: Slot,
    split: ValidationSplit,
    /// Rows pushed, those without a target included.
    pub(crate) seen: u64,
    pub(crate) train: Samples,
    pub(crate) validation: Samples,
    pub(crate) budget: Budget,
    pub(crate) spills: Box<dyn SpillFactory + 'a>,
    /// Charged until all rows are read, for the tables of categories and for texts that wait.
    reading: u64,
    columns: usize,
    /// Values since the last check.
    unchecked: usize,
}

/// What a training leaves behind.
pub struct Trained {
    /// The model as it is stored.
    pub file: ModelFile,
    /// What another training needs to go on where this one ended.
    pub state: TrainingState,
    /// The logs of every epoch.
    pub history: History,
    /// Rows used: those whose target is not NULL.
    pub rows: u64,
    /// Rows the weights were fitted on.
    pub training_rows: u64,
    /// Rows held out for validation.
    pub validation_rows: u64,
    /// Epochs run.
    pub epochs: u32,
    /// The training loss of the epoch whose weights the model has.
    pub loss: f64,
    /// Its validation loss, if there are validation rows.
    pub val_loss: Option<f64>,
    /// Its metrics by plain name: those of the validation rows when there are any, else of the training rows.
    pub metrics: serde_json::Value,
    /// Every value used, defaults included.
    pub settings: serde_json::Value,
    /// What the user should know: sentences in lower case without a period.
    pub notices: Vec<String>,
    /// Threads that trained.
    pub threads: usize,
    /// Threads of the pool; memory did not suffice for all of them where it is more.
    pub threads_wanted: usize,
}

/// What rows may take of a `limit` before they spill. The rest is for the tables of categories,
/// then for medians and model.
fn store_share(limit: u64) -> u64 {
    limit / 5 * 3
}

/// After an error a training cannot go on.
#[cold]
fn gone() -> Error {
    Error::new(
        ErrorKind::InvalidParameter,
        "the training has failed before",
    )
}

/// Values between two checks, well below 5 ms of work.
const UNCHECKED: usize = 1 << 16;

impl<'a> Training<'a> {
    /// Checks all that can be checked before the first row. Several `targets` are numbers to be predicted together.
    pub fn new(
        columns: Vec<Column>,
        targets: &[&str],
        options: TrainOptions,
        spills: Box<dyn SpillFactory + 'a>,
    ) -> Result<Self> {
        options.check()?;
        let &[target] = targets else {
            let message = format!("{} targets are not supported yet", targets.len());
            return Err(Error::new(ErrorKind::NotSupported, message));
        };
        let target_index = find_target(&columns, target)?;
        check_excluded(&columns, target, &options.exclude)?;
        let width = columns.len();
        let mut names = HashSet::new();
        let mut learners = Vec::new();
        let mut target_column = None;
        let mut bytes = 0;
        for (index, column) in columns.into_iter().enumerate() {
            if index != target_index && options.exclude.contains(&column.name) {
                continue;
            }
            if !names.insert(column.name.clone()) {
                return Err(duplicate(
                    &column.name,
                    "Give each column its own name with AS, or list both in exclude.",
                ));
            }
            let kind = FieldKind::of(&column);
            let field = Field {
                offset: bytes,
                kind,
            };
            bytes += kind.bytes();
            if index == target_index {
                target_column = Some((index, column, field));
            } else {
                learners.push(Learner::new(index, column, field));
            }
        }
        let Some((index, column, field)) = target_column else {
            return Err(unknown("target", target, None));
        };
        if learners.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("the query has no column to learn from besides the target \"{target}\""),
            )
            .hint("Let the query return the feature columns too."));
        }
        let budget = Budget::new(options.memory_limit);
        let reading = budget.limit() - store_share(budget.limit());
        budget.reserve(reading, "the table of categories")?;
        let learner = TargetLearner::new(index, column, field, options.loss.as_ref())?;
        Ok(Self {
            target_name: target.to_owned(),
            target: learner.slot.clone(),
            // What a worker has learned of rows that are not stored yet must not decide when rows spill.
            ingest: Some(Box::new(Ingest::new(
                learner,
                learners,
                Budget::new(reading - staging_bytes(budget.limit())),
            ))),
            staging: None,
            split: ValidationSplit::new(options.validation_split, options.seed),
            seen: 0,
            reading,
            columns: width,
            train: Samples::new(bytes, budget.clone()),
            validation: Samples::new(bytes, budget.clone()),
            options,
            budget,
            spills,
            unchecked: 0,
        })
    }

    /// Lets a worker of `pool`, if it has one, learn from the rows while more are read.
    ///
    /// The model does not depend on it, and an error names the same row. One that is not about a single row (a table
    /// of categories that becomes too large) may come some rows later.
    pub fn on(mut self, pool: &'a Pool) -> Result<Self> {
        if pool.threads() > 1
            && let Some(ingest) = &self.ingest
        {
            let mut slots: Vec<_> = ingest.slots().cloned().collect();
            slots.push(self.target.clone());
            let bytes = staging_bytes(self.budget.limit());
            self.staging = Some(Staging::new(pool, slots, bytes)?);
        }
        Ok(self)
    }

    /// Takes one row: values in column order, excluded columns and the target included.
    pub fn push(&mut self, row: &[Value<'_>], callback: &mut dyn Callback) -> Result<()> {
        if row.len() != self.columns {
            let columns = self.columns;
            let message = format!("a row has {} values instead of {columns}", row.len());
            return self.refuse(Error::new(ErrorKind::FeatureCount, message), callback);
        }
        self.seen += 1;
        self.unchecked += row.len();
        if self.unchecked >= UNCHECKED {
            self.unchecked = 0;
            callback.check()?;
        }
        let target = row.get(self.target.column).unwrap_or(&Value::Null);
        if *target == Value::Null {
            return Ok(());
        }
        if let Err(error) = self.target.check(target, self.seen) {
            return self.refuse(error, callback);
        }
        let training = !self.split.next();
        if self.staging.is_some() {
            return self.take_staged(row, training, callback);
        }
        self.make_room(training, callback)?;
        let Some(ingest) = &mut self.ingest else {
            return Err(gone());
        };
        let samples = if training {
            &mut self.train
        } else {
            &mut self.validation
        };
        ingest.take(row, training, samples.append()?, self.seen)
    }

    /// Takes the validation rows from [`Self::push_validation`], whose values come in the order of `columns`, and holds
    /// out none that are pushed: to be called before the first one. Columns are bound by name; others are ignored.
    pub fn validate_on(&mut self, columns: &[Column]) -> Result<()> {
        let message = format!(
            "{} columns to validate on are not supported yet",
            columns.len()
        );
        Err(Error::new(ErrorKind::NotSupported, message))
    }

    /// Takes one validation row: values in the order given to [`Self::validate_on`].
    pub fn push_validation(
        &mut self,
        row: &[Value<'_>],
        callback: &mut dyn Callback,
    ) -> Result<()> {
        callback.check()?;
        let message = format!(
            "a row of {} values to validate on is not supported yet",
            row.len()
        );
        Err(Error::new(ErrorKind::NotSupported, message))
    }

    /// The error of a row, unless an earlier one has an error that the worker still has to find.
    #[cold]
    fn refuse(&mut self, error: Error, callback: &mut dyn Callback) -> Result<()> {
        self.learn_rest(callback)?;
        Err(error)
    }

    /// Stores a row for the worker to learn from, which gets it with the other rows of its block.
    fn take_staged(
        &mut self,
        row: &[Value<'_>],
        training: bool,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let has_room = |staging: &Option<Staging<'_>>| {
            let staging = staging.as_ref();
            staging.is_some_and(|staging| staging.has_room(row, training))
        };
        if !has_room(&self.staging) {
            self.learn_rest(callback)?;
        }
        let alone = !has_room(&self.staging);
        if self.samples(training).lacks_block() {
            self.collect(callback)?;
        }
        self.make_room(training, callback)?;
        let number = self.seen;
        let samples = if training {
            &mut self.train
        } else {
            &mut self.validation
        };
        let record = samples.append()?;
        let written = match (&mut self.staging, &mut self.ingest) {
            // Texts too long to wait: the worker has nothing to do.
            (_, Some(ingest)) if alone => ingest.take(row, training, record, number),
            (Some(staging), _) => staging.write(row, training, record, number),
            (None, _) => Err(gone()),
        };
        if let Err(error) = written {
            samples.unappend();
            return self.refuse(error, callback);
        }
        if alone {
            samples.mark_seen();
        }
        let enough = self.staging.as_ref().map_or(1, Staging::blocks);
        if samples.is_full() && (samples.spilled() || samples.unseen_blocks() >= enough) {
            self.hand_over(training, callback)?;
        }
        Ok(())
    }

    fn samples(&mut self, training: bool) -> &mut Samples {
        if training {
            &mut self.train
        } else {
            &mut self.validation
        }
    }

    /// Gives the worker the last blocks of a store, once it has brought back those before.
    fn hand_over(&mut self, training: bool, callback: &mut dyn Callback) -> Result<()> {
        self.collect(callback)?;
        let row_bytes = self.train.row_bytes();
        let samples = if training {
            &mut self.train
        } else {
            &mut self.validation
        };
        if let Some(staging) = &mut self.staging
            && let Some(mut lent) = samples.lend()
        {
            let mut ingest = self.ingest.take().ok_or_else(gone)?;
            if samples.spilled() && !staging.has_texts() {
                // Numbers of one block, which a spill must have back at once: waking the worker would take longer.
                let texts = Texts::default();
                ingest.learn(lent.unseen(), row_bytes, &texts, training)?;
                self.ingest = Some(ingest);
                return samples.settle(lent);
            }
            staging.send(ingest, lent, row_bytes, training);
        }
        Ok(())
    }

    /// Waits for the worker and takes its blocks back.
    fn collect(&mut self, callback: &mut dyn Callback) -> Result<()> {
        let Some(staging) = &mut self.staging else {
            return Ok(());
        };
        let Some(digested) = staging.receive(callback)? else {
            return Ok(());
        };
        self.ingest = Some(digested.ingest);
        self.samples(digested.training).settle(digested.lent)?;
        digested.result
    }

    /// Lets the worker learn from all rows so far and waits for it.
    fn learn_rest(&mut self, callback: &mut dyn Callback) -> Result<()> {
        self.hand_over(true, callback)?;
        self.hand_over(false, callback)?;
        self.collect(callback)
    }

    /// Ends the reading: everything learned is here, and from now on only its memory is charged.
    pub(crate) fn end_reading(&mut self, callback: &mut dyn Callback) -> Result<Ingest> {
        self.learn_rest(callback)?;
        self.staging = None;
        let ingest = self.ingest.take().ok_or_else(gone)?;
        self.budget.release(self.reading);
        self.reading = 0;
        self.budget
            .reserve(ingest.tables.used(), "the table of categories")?;
        Ok(*ingest)
    }

    /// Spills when the next row would take the stores beyond their share of the limit.
    #[inline]
    fn make_room(&mut self, training: bool, callback: &mut dyn Callback) -> Result<()> {
        let need = self.samples(training).next_need();
        if need == 0 {
            Ok(())
        } else {
            self.spill_for(need, callback)
        }
    }

    #[cold]
    fn spill_for(&mut self, need: u64, callback: &mut dyn Callback) -> Result<()> {
        let share = store_share(self.budget.limit());
        while self.train.charged() + self.validation.charged() + need > share {
            // No row is written before it was learned from.
            self.learn_rest(callback)?;
            if !self.spill_one(callback)? {
                break;
            }
        }
        Ok(())
    }

    /// Moves the larger store that is still in memory into a file; false if none is.
    pub(crate) fn spill_one(&mut self, callback: &mut dyn Callback) -> Result<bool> {
        let (train, validation) = (&mut self.train, &mut self.validation);
        let store = match (train.spilled(), validation.spilled()) {
            (true, true) => return Ok(false),
            (true, false) => validation,
            (false, true) => train,
            (false, false) if validation.charged() > train.charged() => validation,
            (false, false) => train,
        };
        store.spill(self.spills.as_mut(), callback)?;
        Ok(true)
    }
}

fn find_target(columns: &[Column], target: &str) -> Result<usize> {
    let mut found = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.name == target);
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(duplicate(target, "Give each column its own name with AS.")),
        (None, _) => Err(unknown(
            "target",
            target,
            nearest(target, columns.iter().map(|column| column.name.as_str())),
        )),
    }
}

fn check_excluded(columns: &[Column], target: &str, exclude: &[String]) -> Result<()> {
    for name in exclude {
        if name == target {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("the target \"{target}\" cannot be excluded"),
            ));
        }
        if !columns.iter().any(|column| column.name == *name) {
            return Err(unknown(
                "excluded column",
                name,
                nearest(name, columns.iter().map(|column| column.name.as_str())),
            ));
        }
    }
    Ok(())
}

fn unknown(what: &str, name: &str, nearest: Option<&str>) -> Error {
    let error = Error::new(
        ErrorKind::UnknownColumn,
        format!("{what} \"{name}\" is not a column of the query"),
    );
    match nearest {
        Some(nearest) => error.hint(format!("Did you mean \"{nearest}\"?")),
        None => error,
    }
}

fn duplicate(name: &str, hint: &str) -> Error {
    Error::new(
        ErrorKind::DuplicateColumn,
        format!("the query has two columns named \"{name}\""),
    )
    .hint(hint)
}
