//! How a rival, the model in use, does on the validation rows of a training: each is scored by it when it is read, while its
//! texts are still there, and its answer is stored with the row. What loss they make is known when the training has ended.

#[cfg(test)]
mod tests;

use crate::evaluate::Classes;
use crate::record::{Field, FieldKind};
use crate::roles::Roles;
use crate::sample_batches::SampleBatches;
use crate::samples::Samples;
use crate::scorer::Scratch;
use crate::target::{Target, TargetKind};
use crate::{
    Batches, Binding, Budget, Callback, Column, ColumnType, Error, ErrorKind, Loss, ModelFile,
    Plan, Result, Scorer, Training, Value,
};
use std::rc::Rc;

/// A model that validation rows are scored with.
#[derive(Debug)]
pub(crate) struct Rival {
    scorer: Rc<Scorer>,
    scratch: Scratch,
    /// The column of each of its features.
    places: Vec<usize>,
    answers: Answers,
    /// What its answers for classes are measured by: the loss of the training where it has the same head, else how far the
    /// probability is from 1.
    by: Option<Loss>,
    /// Where they stand in the record of a validation row.
    offset: usize,
    /// Rows that it could not score, and why not the first one.
    refused: u64,
    reason: Option<String>,
    /// What a row costs, in the unit of [`UNCHECKED`].
    cost: usize,
    unchecked: usize,
}

/// What is stored of its answers.
#[derive(Debug)]
enum Answers {
    /// Its output for each output of the training: that of this place.
    Numbers(Vec<usize>),
    /// The crossentropy of its answer with the class of the row, and how far its probability is from 1.
    Class { column: usize, classes: Classes },
}

/// Work between two checks, well below 5 ms: values, and weights by the 64.
const UNCHECKED: usize = 1 << 12;
/// The least probability that counts: Keras's.
const LEAST: f64 = 1e-7;

impl<'a> Training<'a> {
    /// Lets `rival` be compared with the model that this training makes: on the same validation rows, with the loss of this
    /// training, as [`crate::Trained::rival_loss`]. To be called before the first row and before
    /// [`Self::validate_on`]. The training then needs validation rows, as with [`Self::require_validation`].
    ///
    /// # Errors
    /// `InvalidParameter` where the rival has a feature that is no column, or predicts something else.
    pub fn compare_with(&mut self, rival: Rc<Scorer>, columns: &[Column]) -> Result<()> {
        if self.seen > 0 || self.validates_apart() {
            let message = "the rival must be known before the first row and the validation query";
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        }
        let mut rival = Rival::new(rival, columns, &self.roles, self.options.loss)?;
        if let Some(room) = &mut self.waiting {
            room.need(&rival.places);
        } else {
            self.validation = rival.beside(self.train.row_bytes(), &self.budget);
        }
        self.rival = Some(rival);
        self.must_validate = true;
        Ok(())
    }

    /// Refuses to train without a row to validate on: at once where none can be, else at the end. To be called once it is
    /// known whether there is a validation query.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub fn require_validation(&mut self) -> Result<()> {
        self.must_validate = true;
        if self.divides_by_rows() || self.partition.split() != Some(0.0) {
            Ok(())
        } else {
            Err(none_validates())
        }
    }
}

/// The error of a training that is to be compared and has no row for it.
#[cold]
pub(crate) fn none_validates() -> Error {
    let message = "deploy => 'if_better' needs validation rows";
    Error::new(ErrorKind::InvalidParameter, message).hint(
        "Give a validation_split above 0, a split_column or a validation_query; deploy => 'always' compares nothing.",
    )
}

#[cold]
fn incomparable(why: &str) -> Error {
    let message = format!("the deployed version cannot be compared with a new one: {why}");
    Error::new(ErrorKind::InvalidParameter, message)
        .hint("With deploy => 'always' the new version is deployed without a comparison.")
}

impl Rival {
    fn new(
        scorer: Rc<Scorer>,
        columns: &[Column],
        roles: &Roles,
        loss: Option<Loss>,
    ) -> Result<Self> {
        let places = bind(&scorer, columns)?;
        let targets = &roles.targets;
        check_targets(&scorer.target, targets, loss)?;
        let by = measured_by(&scorer, loss)?;
        let answers = match &scorer.target.kind {
            TargetKind::Classes { .. } => Answers::Class {
                column: targets.first().map_or(0, |(index, _)| *index),
                classes: Classes::new(&scorer.target)?,
            },
            TargetKind::Regression { outputs } if targets.len() == 1 => {
                Answers::Numbers((0..outputs.len()).collect())
            }
            TargetKind::Regression { .. } => {
                let place = |(_, column): &(usize, Column)| {
                    let found = scorer.target.names().position(|name| *name == column.name);
                    found.ok_or_else(|| {
                        incomparable(&format!("it does not predict \"{}\"", column.name))
                    })
                };
                Answers::Numbers(targets.iter().map(place).collect::<Result<_>>()?)
            }
        };
        Ok(Self {
            scratch: scorer.scratch()?,
            cost: places.len() + scorer.bytes() / (64 * size_of::<f32>()),
            places,
            answers,
            by,
            offset: 0,
            refused: 0,
            reason: None,
            unchecked: 0,
            scorer,
        })
    }

    /// Where its features stand among the columns of a validation query, in pairs with those of the training query.
    pub(crate) fn bind(&self, columns: &[Column]) -> Result<Vec<(usize, usize)>> {
        let here = bind(&self.scorer, columns)
            .map_err(|error| error.detail("It is about the validation query."))?;
        Ok(self.places.iter().copied().zip(here).collect())
    }

    /// An empty store of validation rows, whose records have room for its answers behind `bytes` of their own.
    pub(crate) fn beside(&mut self, bytes: usize, budget: &Budget) -> Samples {
        self.offset = bytes;
        let answers = match &self.answers {
            Answers::Numbers(outputs) => outputs.len() * FieldKind::Single.bytes(),
            Answers::Class { .. } => 2 * FieldKind::Double.bytes(),
        };
        Samples::new(bytes + answers, budget.clone())
    }

    fn field(&self, place: usize) -> Field {
        let kind = match self.answers {
            Answers::Numbers(_) => FieldKind::Single,
            Answers::Class { .. } => FieldKind::Double,
        };
        let offset = self.offset;
        Field { offset, kind }.at(place)
    }

    /// Scores a validation row and stores the answer. A row that it refuses is counted.
    pub(crate) fn score(
        &mut self,
        row: &[Value<'_>],
        record: &mut [u8],
        callback: &mut dyn Callback,
    ) -> Result<()> {
        self.unchecked += self.cost;
        if self.unchecked >= UNCHECKED {
            self.unchecked = 0;
            callback.check()?;
        }
        let first = self.field(0);
        let value = |place: &usize| row.get(*place).unwrap_or(&Value::Null);
        let outputs = match self
            .scorer
            .outputs(self.places.iter().map(value), &mut self.scratch)
        {
            Ok(outputs) => outputs,
            Err(error) if error.kind() == ErrorKind::Foreign => return Err(error),
            Err(error) => {
                self.refused += 1;
                self.reason.get_or_insert_with(|| error.to_string());
                return Ok(());
            }
        };
        match &self.answers {
            Answers::Numbers(places) => {
                for (to, from) in places.iter().enumerate() {
                    let output = outputs.get(*from).copied().unwrap_or(f32::NAN);
                    first.at(to).write_number(record, f64::from(output));
                }
            }
            Answers::Class { column, classes } => {
                let class = match value(column) {
                    Value::Boolean(boolean) => Some(usize::from(*boolean)),
                    other => classes.find(other),
                };
                let far = match (class, outputs) {
                    (None, _) => 1.0,
                    (Some(0), [output]) => f64::from(*output),
                    (Some(class), outputs) => {
                        let output = outputs.get(class).or(outputs.first());
                        1.0 - output.map_or(0.0, |output| f64::from(*output))
                    }
                };
                let entropy = match class {
                    Some(class) if self.by.is_some() => {
                        let by = self.by.unwrap_or(self.scorer.trained_on());
                        self.scorer.loss_by(by, &self.scratch, &[class as f32])
                    }
                    _ => -libm::log((1.0 - far).clamp(LEAST, 1.0 - LEAST)),
                };
                first.write_number(record, entropy);
                first.at(1).write_number(record, far);
            }
        }
        Ok(())
    }

    /// Refuses a target of another kind than its own, now that it is known.
    pub(crate) fn check(&self, target: &Target) -> Result<()> {
        let own = &self.scorer.target;
        match (&own.kind, &target.kind) {
            (TargetKind::Regression { outputs: own }, TargetKind::Regression { outputs }) => {
                same_number(own.len(), outputs.len())
            }
            (TargetKind::Classes { .. }, TargetKind::Classes { .. }) => Ok(()),
            _ => Err(other_kind(own, !target.labels().is_empty())),
        }
    }

    /// Its loss on the `validation` rows of the training that made `file`, whose own is `val_loss`; infinite where it
    /// refuses one, of which `notices` tells.
    ///
    /// Both models answer here row by row, in the same arithmetic, so that equal models differ by nothing at all. The
    /// memory of a step is free again by now, and the new model needs less for it.
    pub(crate) fn loss(
        &self,
        file: &ModelFile,
        val_loss: f64,
        validation: &mut SampleBatches,
        notices: &mut Vec<String>,
        callback: &mut dyn Callback,
    ) -> Result<f64> {
        let rows = validation.rows();
        if let Some(reason) = &self.reason {
            let refused = self.refused;
            notices.push(format!(
                "the deployed version cannot be scored on {refused} of {rows} validation rows and counts as worse: {reason}"
            ));
            return Ok(f64::INFINITY);
        }
        let plan = Plan::new(&file.model, callback)?;
        let mut scratch = plan.scratch()?;
        let loss = file.model.loss();
        let cost = plan.inputs() + plan.bytes() / (64 * size_of::<f32>());
        let (mut unchecked, mut own_sum, mut sum) = (0, 0.0, 0.0);
        let mut outputs = Vec::new();
        validation.each_row(callback, |record, row, callback| {
            unchecked += cost;
            if unchecked >= UNCHECKED {
                unchecked = 0;
                callback.check()?;
            }
            scratch.input_mut().copy_from_slice(&row.x);
            plan.run(&mut scratch);
            let weight = f64::from(row.weights.first().copied().unwrap_or(1.0));
            own_sum += weight * plan.loss(&scratch, &row.y);
            sum += weight
                * match &self.answers {
                    Answers::Numbers(_) => {
                        self.outputs(record, &file.target, &mut outputs);
                        loss.of_row(&outputs, &row.y)
                    }
                    Answers::Class { .. } if loss.is_crossentropy() || self.by == Some(loss) => {
                        self.field(0).number(record)
                    }
                    Answers::Class { .. } => loss.of_error(self.field(1).number(record)),
                };
            Ok(())
        })?;
        let difference = (sum - own_sum) / rows as f64;
        Ok(if difference.is_nan() {
            f64::INFINITY
        } else {
            val_loss + difference
        })
    }

    /// What it answered for the row of `record`, as if its outputs were scaled like those of `target`.
    fn outputs(&self, record: &[u8], target: &Target, outputs: &mut Vec<f32>) {
        outputs.clear();
        let (
            Answers::Numbers(places),
            TargetKind::Regression { outputs: own },
            TargetKind::Regression { outputs: scales },
        ) = (&self.answers, &self.scorer.target.kind, &target.kind)
        else {
            return;
        };
        for ((to, from), scale) in places.iter().enumerate().zip(scales) {
            let output = self.field(to).number(record) as f32;
            outputs.push(match own.get(*from) {
                Some(own) if own != scale => scale.apply(own.invert(output)),
                _ => output,
            });
        }
    }
}

fn bind(scorer: &Scorer, columns: &[Column]) -> Result<Vec<usize>> {
    Binding::columns(scorer.features(), columns).map_err(|error| incomparable(&error.to_string()))
}

/// What the answers of a model for classes are measured by in a training with `loss`: a hinge compares with itself alone.
fn measured_by(scorer: &Scorer, loss: Option<Loss>) -> Result<Option<Loss>> {
    let own = scorer.trained_on();
    if scorer.labels().is_empty() {
        return Ok(None);
    }
    let other = loss.unwrap_or(Loss::BINARY);
    if own == other && !own.gives_probabilities() {
        return Ok(Some(own));
    }
    if let Some(hinge) = [own, other].iter().find(|it| !it.gives_probabilities()) {
        return Err(incomparable(&format!(
            "one of them is trained with loss {}, the other with {}, and {0} gives no probabilities",
            hinge.name(),
            if *hinge == own {
                other.name()
            } else {
                own.name()
            },
        )));
    }
    Ok(own.is_crossentropy().then(|| own.smoothed_as(loss)))
}

/// Refuses what can be known of the targets before they are read.
fn check_targets(own: &Target, targets: &[(usize, Column)], loss: Option<Loss>) -> Result<()> {
    same_number(own.columns.len(), targets.len())?;
    for (own, (_, column)) in own.columns.iter().zip(targets) {
        if targets.len() == 1 && own.column_type != column.column_type {
            let (own, here) = (own.column_type.words(), column.column_type.words());
            return Err(incomparable(&format!(
                "it predicts {own}, but target \"{}\" is {here}",
                column.name
            )));
        }
    }
    if let ([(_, column)], ColumnType::Number) = (targets, first_type(targets)) {
        let classes = !own.labels().is_empty();
        let wanted = loss.is_some_and(|loss| loss.wants_classes());
        let numbers = !column.integer || loss.is_some_and(|loss| loss.wants_numbers());
        // An integer may be either, where no loss says it.
        if (classes && numbers) || (!classes && wanted) {
            return Err(other_kind(own, wanted));
        }
    }
    Ok(())
}

fn first_type(targets: &[(usize, Column)]) -> ColumnType {
    targets
        .first()
        .map_or(ColumnType::Number, |(_, column)| column.column_type)
}

fn same_number(own: usize, here: usize) -> Result<()> {
    if own == here {
        return Ok(());
    }
    let noun = if own == 1 { "number" } else { "numbers" };
    Err(incomparable(&format!(
        "it predicts {own} {noun}, not {here}"
    )))
}

#[cold]
fn other_kind(own: &Target, classes: bool) -> Error {
    let words = |classes| if classes { "classes" } else { "numbers" };
    incomparable(&format!(
        "it predicts {}, not {}",
        words(!own.labels().is_empty()),
        words(classes)
    ))
}
