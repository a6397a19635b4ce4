//! Training from rows, first half: columns and rows come in, statistics and the sample store grow.

mod storing;
#[cfg(test)]
mod tests;

use crate::class_weight::is_weight;
use crate::compare::Rival;
use crate::encoder::{Skips, frozen_layout, layout};
use crate::ingest::Ingest;
use crate::partition::{Part, Partition};
use crate::record::{Field, FieldKind};
use crate::resume::Continued;
use crate::roles::Roles;
use crate::samples::Samples;
use crate::slot::Slot;
use crate::staging::{Staging, staging_bytes};
use crate::target_learner::TargetLearner;
use crate::waiting::WaitingRoom;
use crate::{
    Budget, Callback, Column, Error, ErrorKind, History, ModelFile, Pool, Result, SpillFactory,
    TrainOptions, TrainingState, Value,
};

/// A training under way: rows are pushed one by one, then [`finish`](Self::finish) fits the model.
pub struct Training<'a> {
    pub(crate) options: TrainOptions,
    pub(crate) roles: Roles,
    /// The training that this one continues.
    pub(crate) continued: Option<Continued>,
    /// `None` while a worker has it, and before the layout of a row is known.
    ingest: Option<Box<Ingest>>,
    /// Where a worker may help, and where it does.
    pool: Option<&'a Pool>,
    staging: Option<Staging<'a>>,
    /// Rows that came before every array's length was known.
    pub(crate) waiting: Option<WaitingRoom>,
    targets: Vec<Slot>,
    pub(crate) weight: Option<Slot>,
    pub(crate) partition: Partition,
    /// Where the values of the training query's columns stand in a row of the validation query.
    bound: Option<Vec<(usize, usize)>>,
    /// The model that this one is compared with.
    pub(crate) rival: Option<Rival>,
    /// Whether a training without a row to validate on is an error.
    pub(crate) must_validate: bool,
    /// Rows pushed.
    pub(crate) seen: u64,
    /// Rows pushed to validate on.
    seen_to_validate: u64,
    /// Rows with NULL in a feature that wants none.
    pub(crate) skips: Skips,
    /// Rows with NULL in a target.
    pub(crate) skipped: u64,
    /// The sum of the weights of training rows, where they have some.
    pub(crate) weights: f64,
    pub(crate) train: Samples,
    pub(crate) validation: Samples,
    pub(crate) budget: Budget,
    pub(crate) spills: Box<dyn SpillFactory + 'a>,
    /// Charged until all rows are read, for the tables of categories and for texts that wait.
    reading: u64,
    /// What rows may take before they spill.
    share: u64,
    columns: usize,
    /// The names of the features are made up.
    pub(crate) unnamed: bool,
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
    /// What the rows used are recognised by: the same for the same rows in any order, from any database and on any number
    /// of threads; another one where a value, a name, a type or the number of rows differs.
    pub fingerprint: [u8; 32],
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
    /// That of the rival on the same validation rows, if there was one: infinite where it could not score them.
    pub rival_loss: Option<f64>,
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

/// What rows may take of a `limit` before they spill, where a model `held` while they are read takes some. The rest is for
/// the tables of categories, then for medians and model.
fn store_share(limit: u64, held: u64) -> u64 {
    // A model that fits into memory while it is trained leaves its rows as much as when it was trained first.
    (limit / 5 * 3).min(limit.saturating_sub(held).saturating_sub(limit / 16))
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
        let width = columns.len();
        let roles = Roles::new(columns, targets, &options)?;
        roles.check_features()?;
        Self::with(width, roles, options, spills, None)
    }

    /// For rows of `width` columns that play `roles`, to begin a model or to go on with one.
    pub(crate) fn with(
        width: usize,
        mut roles: Roles,
        options: TrainOptions,
        spills: Box<dyn SpillFactory + 'a>,
        continued: Option<Continued>,
    ) -> Result<Self> {
        let partition = Partition::new(&options, &roles.targets, roles.split.as_ref())?;
        let budget = Budget::new(options.memory_limit);
        let mut held = 0;
        if let Some(continued) = &continued {
            held = continued.bytes();
            continued.settle(&mut roles);
            budget.reserve(held, "the model")?;
        }
        let share = store_share(budget.limit(), held);
        let reading = budget.limit() - share - held;
        budget.reserve(reading, "the table of categories")?;
        // What is wrong with a target is said before the first row, whatever its arrays' length.
        let known = continued.as_ref().map(|continued| &continued.target);
        TargetLearner::new(roles.targets.clone(), 0, options.loss.as_ref(), known)?;
        let mut training = Self {
            ingest: None,
            pool: None,
            staging: None,
            waiting: None,
            targets: Vec::new(),
            weight: None,
            partition,
            bound: None,
            rival: None,
            must_validate: false,
            seen: 0,
            seen_to_validate: 0,
            skips: Skips::default(),
            skipped: 0,
            weights: 0.0,
            train: Samples::new(0, budget.clone()),
            validation: Samples::new(0, budget.clone()),
            reading,
            columns: width,
            unnamed: false,
            unchecked: 0,
            options,
            budget,
            spills,
            roles: Roles::default(),
            continued,
            share,
        };
        let waits = roles.unmeasured().next().is_some();
        training.roles = roles;
        if waits {
            let mut needed = vec![false; width];
            let roles = &training.roles;
            for (index, _) in roles.needed().chain(&roles.split) {
                if let Some(needed) = needed.get_mut(*index) {
                    *needed = true;
                }
            }
            training.waiting = Some(WaitingRoom::new(needed, training.budget.clone()));
        } else {
            training.begin()?;
        }
        Ok(training)
    }

    /// Lets a worker of `pool`, if it has one, learn from the rows while more are read.
    ///
    /// The model does not depend on it, and an error names the same row. One that is not about a single row (a table
    /// of categories that becomes too large) may come some rows later.
    pub fn on(mut self, pool: &'a Pool) -> Result<Self> {
        self.pool = Some(pool);
        self.employ()?;
        Ok(self)
    }

    /// Says that the names of the features are made up: of the model, values are asked in training order alone.
    pub fn unnamed(mut self) -> Self {
        self.unnamed = true;
        self
    }

    /// Finds the place of every value in the record; from here on rows are stored.
    fn begin(&mut self) -> Result<()> {
        let features = self.roles.features.clone();
        let said = &self.options.preprocess;
        let layers = self.options.layers.as_ref();
        let indices = layers.is_some_and(|layers| layers.takes_indices().is_some());
        let (learners, mut bytes) = match &self.continued {
            None => layout(features, said, indices)?,
            Some(continued) => frozen_layout(features, &continued.preprocessing, said)?,
        };
        self.skips = Skips::new(&learners);
        let targets = self.roles.targets.clone();
        let known = self.continued.as_ref().map(|continued| &continued.target);
        let target = TargetLearner::new(targets, bytes, self.options.loss.as_ref(), known)?;
        bytes += target.bytes();
        self.targets.clone_from(&target.slots);
        if let Some((index, column)) = &self.roles.weight {
            let field = Field {
                offset: bytes,
                kind: FieldKind::Single,
            };
            bytes += field.kind.bytes();
            self.weight = Some(Slot::new(*index, column, field));
        }
        self.train = Samples::new(bytes, self.budget.clone());
        self.validation = match &mut self.rival {
            Some(rival) => rival.beside(bytes, &self.budget),
            None => Samples::new(bytes, self.budget.clone()),
        };
        // What a worker has learned of rows that are not stored yet must not decide when rows spill.
        let tables = self
            .reading
            .saturating_sub(staging_bytes(self.budget.limit()));
        let tables = Budget::new(tables);
        let ingest = Ingest::new(target, learners, self.weight.as_ref(), tables);
        self.ingest = Some(Box::new(ingest));
        self.employ()
    }

    /// Lets a worker help, if there is one and something to do.
    fn employ(&mut self) -> Result<()> {
        if let Some(pool) = self.pool
            && pool.threads() > 1
            && let Some(ingest) = &self.ingest
        {
            let mut slots: Vec<_> = ingest.slots().cloned().collect();
            slots.extend(self.targets.iter().cloned());
            let bytes = staging_bytes(self.budget.limit());
            self.staging = Some(Staging::new(pool, slots, bytes)?);
        }
        Ok(())
    }

    /// Takes one row: values in column order, excluded columns and the target included.
    pub fn push(&mut self, row: &[Value<'_>], callback: &mut dyn Callback) -> Result<()> {
        if row.len() != self.columns {
            return self.refuse(width_differs(row.len(), self.columns), callback);
        }
        self.seen += 1;
        self.check_now_and_then(row.len(), callback)?;
        self.enter(row, self.seen, false, callback)
    }

    /// Takes the validation rows from [`Self::push_validation`], whose values come in the order of `columns`, and holds
    /// out none that are pushed: to be called before the first one. Columns are bound by name; others are ignored.
    pub fn validate_on(&mut self, columns: &[Column]) -> Result<()> {
        let invalid = |message: &str| Err(Error::new(ErrorKind::InvalidParameter, message));
        if self.roles.split.is_some() {
            let message = "a validation query and split_column cannot be given together";
            return Err(Error::new(ErrorKind::InvalidParameter, message)
                .hint("Leave one of them out: each says which rows validate."));
        }
        if self.seen > 0 {
            return invalid("the validation query must be known before the first row");
        }
        let mut bound = self.roles.bind(columns)?;
        if let Some(rival) = &self.rival {
            bound.extend(rival.bind(columns)?);
        }
        self.bound = Some(bound);
        self.partition = Partition::Whole;
        // A training that goes on without such rows holds out none either.
        self.options.validation_split = Some(0.0);
        Ok(())
    }

    /// Whether rows to validate on come from a query of their own.
    pub(crate) fn validates_apart(&self) -> bool {
        self.bound.is_some()
    }

    /// Whether the rows themselves say which of them validate.
    pub(crate) fn divides_by_rows(&self) -> bool {
        self.validates_apart() || matches!(self.partition, Partition::Column(..))
    }

    /// Takes one validation row: values in the order given to [`Self::validate_on`].
    pub fn push_validation(
        &mut self,
        row: &[Value<'_>],
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let Some(bound) = &self.bound else {
            let message = "no columns to validate on were named";
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        };
        let mut values = vec![Value::Null; self.columns];
        for (to, from) in bound {
            if let (Some(to), Some(from)) = (values.get_mut(*to), row.get(*from)) {
                *to = *from;
            }
        }
        self.seen_to_validate += 1;
        self.check_now_and_then(row.len(), callback)?;
        self.enter(&values, self.seen_to_validate, true, callback)
    }

    #[inline]
    fn check_now_and_then(&mut self, values: usize, callback: &mut dyn Callback) -> Result<()> {
        self.unchecked += values;
        if self.unchecked >= UNCHECKED {
            self.unchecked = 0;
            callback.check()?;
        }
        Ok(())
    }

    /// Takes the `number`th row of its query, or lets it wait.
    #[inline]
    fn enter(
        &mut self,
        row: &[Value<'_>],
        number: u64,
        validates: bool,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        if self.waiting.is_some() {
            return self.wait(row, number, validates, callback);
        }
        let taken = self.take(row, number, validates, callback);
        if validates {
            return taken.map_err(|error| match error.kind() {
                ErrorKind::Foreign => error,
                _ => error.detail("It is about a row of the validation query."),
            });
        }
        taken
    }

    /// Lets a row wait until every array has a length; it may be the one that says so.
    #[cold]
    fn wait(
        &mut self,
        row: &[Value<'_>],
        number: u64,
        validates: bool,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let mut targets = self.roles.targets.iter();
        let counts = targets.all(|(index, _)| !matches!(row.get(*index), None | Some(Value::Null)))
            && (validates || !self.partition.is_unused(row, number)?);
        if let Some(room) = &mut self.waiting {
            room.push(row, number, validates)?;
        }
        if !counts {
            return Ok(());
        }
        let mut known = true;
        for (index, length) in self.roles.unmeasured() {
            match row.get(index) {
                Some(Value::Vector(vector)) => *length = Some(vector.len()),
                _ => known = false,
            }
        }
        if known {
            self.admit(callback)?;
        }
        Ok(())
    }

    /// Takes the rows that wait.
    fn admit(&mut self, callback: &mut dyn Callback) -> Result<()> {
        let Some(room) = self.waiting.take() else {
            return Ok(());
        };
        self.begin()?;
        // What waits is in memory until all of it is stored.
        let share = self.share;
        self.share = share.saturating_sub(room.bytes());
        for row in room.rows() {
            let values = row.values();
            self.check_now_and_then(values.len(), callback)?;
            self.enter(&values, row.number, row.validates, callback)?;
        }
        self.share = share;
        Ok(())
    }

    /// Checks a row and stores it, unless it is of no use.
    #[inline]
    fn take(
        &mut self,
        row: &[Value<'_>],
        number: u64,
        validates: bool,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        if !validates {
            match self.partition.is_unused(row, number) {
                Ok(false) => {}
                Ok(true) => return Ok(()),
                Err(error) => return self.refuse(error, callback),
            }
        }
        for target in &self.targets {
            let value = row.get(target.column).unwrap_or(&Value::Null);
            if *value == Value::Null {
                self.skipped += 1;
                return Ok(());
            }
            if let Err(error) = target.check(value, number) {
                return self.refuse(error, callback);
            }
        }
        if self.skips.skips(row) {
            return Ok(());
        }
        let weight = match &self.weight {
            Some(slot) => match weight_of(row, slot, number) {
                Ok(weight) => Some(weight),
                Err(error) => return self.refuse(error, callback),
            },
            None => None,
        };
        let training = if validates {
            false
        } else {
            match self.partition.next(row, number) {
                Ok(part) => part == Part::Train,
                Err(error) => return self.refuse(error, callback),
            }
        };
        if training {
            self.weights += weight.unwrap_or(1.0);
        }
        if self.staging.is_some() {
            return self.take_staged(row, training, number, callback);
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
        let record = samples.append()?;
        if let Some(slot) = &self.weight {
            slot.write(row.get(slot.column).unwrap_or(&Value::Null), record);
        }
        if let (false, Some(rival)) = (training, &mut self.rival) {
            rival.score(row, record, callback)?;
        }
        ingest.take(row, training, record, number)
    }

    /// The error of a row, unless an earlier one has an error that the worker still has to find.
    #[cold]
    fn refuse(&mut self, error: Error, callback: &mut dyn Callback) -> Result<()> {
        self.learn_rest(callback)?;
        Err(error)
    }
}

/// The weight of a row.
fn weight_of(row: &[Value<'_>], slot: &Slot, number: u64) -> Result<f64> {
    let name = &slot.name;
    match row.get(slot.column) {
        Some(Value::Number(weight)) if is_weight(*weight) => Ok(*weight),
        Some(Value::Number(weight)) => {
            let message = format!(
                "sample_weight \"{name}\" is {weight} in row {number}, but must be at least 0 and finite"
            );
            Err(Error::new(ErrorKind::InvalidParameter, message).hint(
                "A row that does not count has the weight 0; leave out those without a weight.",
            ))
        }
        _ => {
            let message = format!("sample_weight \"{name}\" is NULL in row {number}");
            Err(Error::new(ErrorKind::NullNotAllowed, message).hint(
                "A row that counts like the others has the weight 1, one that does not count 0.",
            ))
        }
    }
}

#[cold]
fn width_differs(given: usize, expected: usize) -> Error {
    let message = format!("a row has {given} values instead of {expected}");
    Error::new(ErrorKind::FeatureCount, message)
}
