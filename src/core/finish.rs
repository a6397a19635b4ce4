//! Training from rows, second half: the preprocessing is learned and frozen, what was left open is chosen, the model is fitted.

mod missing;
#[cfg(test)]
mod tests;

use crate::budget::exceeded;
use crate::compare::none_validates;
use crate::defaults::{Choices, with_needed_units};
use crate::encoder::{Learner, Pass, Preprocessing, drop_outliers, freeze, freezing_bytes};
use crate::format::check_size;
use crate::ingest::Ingest;
use crate::model_size::{check_model_size, weight_bytes};
use crate::sample_batches::{RowWeights, SampleBatches, SampleEncoder, order_bytes};
use crate::samples::Samples;
use crate::target::words;
use crate::target_learner::{Learnt, TargetLearner};
use crate::{
    Batches, Callback, ClassWeight, EpochLogs, Error, ErrorKind, FitCallback, FitOptions, History,
    Model, ModelFile, Pool, Result, Results, Stopped, Target, Trained, Training, TrainingState,
};
use missing::{check_open, with_missing_inputs};
use serde_json::{Value, json};
use std::rc::Rc;

/// The preprocessing, frozen: as it is stored and as it encodes stored rows.
pub(crate) struct Frozen {
    pub(crate) preprocessing: Preprocessing,
    pub(crate) target: Target,
    pub(crate) encoder: Rc<SampleEncoder>,
    /// Of each class; empty where all count alike.
    pub(crate) class_weights: Vec<f64>,
    pub(crate) notices: Vec<String>,
}

impl Training<'_> {
    /// Learns the preprocessing from the training rows, freezes it and fits the model.
    pub fn finish(mut self, callback: &mut dyn Callback, pool: &Pool) -> Result<Trained> {
        callback.check()?;
        self.check_seen()?;
        let ingest = self.end_reading(callback)?;
        self.check_rows()?;
        let fingerprint = ingest.fingerprint.digest(self.divides_by_rows());
        let (frozen, trained) = match self.continued.take() {
            None => (self.freeze(ingest, callback, pool)?, None),
            Some(continued) => {
                let (frozen, model) = self.freeze_as(continued, ingest, callback, pool)?;
                (frozen, Some(model))
            }
        };
        let Frozen {
            preprocessing,
            target,
            encoder,
            class_weights,
            mut notices,
        } = frozen;
        let rival = self.rival.take();
        if let Some(rival) = &rival {
            rival.check(&target)?;
        }
        let inputs = encoder.features.width();
        if let (None, Some(layers)) = (&trained, &self.options.layers) {
            check_open(layers, &preprocessing)?;
        }
        let mut choices = Choices::new(
            &self.options,
            target.task(),
            inputs,
            self.train.rows(),
            self.validation.rows(),
        )?;
        let begins = trained.is_none();
        if !begins && self.validation.rows() == 0 {
            // What the training before was told must not keep a few new rows out.
            choices.callbacks.retain(|callback| {
                let Some(monitor) = callback.wants_validation() else {
                    return true;
                };
                notices.push(format!(
                    "no row validates, so {}, which monitors \"{monitor}\", is left out",
                    callback.name()
                ));
                false
            });
        }
        let model = match trained {
            Some(model) => {
                choices.loss = model.loss();
                choices.metrics = model.metrics().to_vec();
                model
            }
            None => {
                check_size(&choices.layers)?;
                choices
                    .layers
                    .compile(
                        preprocessing.inputs(),
                        target.task(),
                        choices.optimizer.clone(),
                        choices.loss,
                        choices.metrics.clone(),
                        1.0,
                    )
                    .map_err(|error| with_needed_units(error, &target))
                    .map_err(|error| with_missing_inputs(error, &choices.layers, &preprocessing))?
                    .with_target_scales(target.scales())?
            }
        };
        // Before memory is: a larger limit of that would not help.
        check_model_size(
            weight_bytes(model.parameters() as u64),
            self.options.max_model_size,
        )?;
        let (training_rows, validation_rows) = (self.train.rows(), self.validation.rows());
        // A batch never has more rows than there are.
        let batch_size = choices
            .batch_size
            .min(usize::try_from(training_rows.max(validation_rows)).unwrap_or(usize::MAX));
        let keep = choices.callbacks.iter();
        let keep = keep.filter(|callback| callback.keeps_weights()).count();
        // What is in memory and what is spilled decides the order of the rows: it must not depend on the threads.
        let logs = u64::from(choices.epochs) * EpochLogs::bytes(choices.metrics.len());
        let alone = model.memory(batch_size, keep, 1)?.saturating_add(logs);
        let window = self.fit_into_memory(alone, callback)?;
        let settings = self.settings(&model, &choices);
        let (mut options, budget, skipped) = (self.options, self.budget, self.skipped);
        // A training that goes on does so with what was chosen.
        options.optimizer = Some(choices.optimizer);
        options.batch_size = Some(choices.batch_size);
        // Classes count alike where nothing is learned, as in Keras.
        let weights = |classes| RowWeights {
            field: self.weight.as_ref().map(|slot| slot.field),
            classes,
        };
        let mut train = SampleBatches::new(
            self.train,
            Rc::clone(&encoder),
            options.shuffle,
            window,
            &budget,
        )?
        .weighted_by(weights(class_weights));
        let mut validation = SampleBatches::new(self.validation, encoder, false, window, &budget)?
            .weighted_by(weights(Vec::new()));
        let (threads, more) = threads(pool.threads(), alone, budget.available(), |threads| {
            Ok(model
                .memory(batch_size, keep, threads)?
                .saturating_add(logs))
        })?;
        budget.reserve(more, "the model")?;
        let mut file = ModelFile {
            model,
            preprocessing,
            target,
            results: Results::default(),
        };
        file.check_description(options.memory_limit, options.max_model_size)?;
        if begins {
            file.model.initialize(options.seed, callback)?;
        }
        let fit = FitOptions {
            epochs: choices.epochs,
            batch_size,
            shuffle: options.shuffle,
            seed: options.seed,
            callbacks: choices.callbacks,
            max_seconds: options.max_seconds,
        };
        let held_out = (validation_rows > 0).then_some(&mut validation as &mut dyn Batches);
        let history = file
            .model
            .fit_on(&mut train, held_out, &fit, callback, pool, threads)?;
        if let (Stopped::NotFinite, Some(best)) = (history.stopped, history.best_epoch) {
            notices.push(format!(
                "the loss or a weight became NaN or infinite, so the model has the weights of epoch {best} and its optimizer begins anew"
            ));
        }
        if skipped > 0 {
            let (rows, were) = if skipped == 1 {
                ("row", "was")
            } else {
                ("rows", "were")
            };
            notices.push(match file.target.columns.as_slice() {
                [target] => format!(
                    "{skipped} {rows} whose target \"{}\" is NULL {were} skipped",
                    target.name
                ),
                _ => format!("{skipped} {rows} with NULL in a target {were} skipped"),
            });
        }
        let results = Results::new(final_logs(&history)?);
        file.results.clone_from(&results);
        let rival_loss = match (&rival, results.val_loss) {
            (Some(rival), Some(val_loss)) => {
                Some(rival.loss(&file, val_loss, &mut validation, &mut notices, callback)?)
            }
            _ => None,
        };
        Ok(Trained {
            rows: training_rows + validation_rows,
            training_rows,
            validation_rows,
            epochs: u32::try_from(history.epochs.len()).unwrap_or(u32::MAX),
            loss: results.loss.unwrap_or(f64::NAN),
            val_loss: results.val_loss,
            rival_loss,
            metrics: results.metrics_json(),
            state: TrainingState::take(&mut file.model, options),
            file,
            history,
            fingerprint,
            settings,
            notices,
            threads,
            threads_wanted: pool.threads(),
        })
    }

    /// Refuses a query without rows.
    fn check_seen(&self) -> Result<()> {
        if self.seen == 0 {
            let message = "the training query returned no rows";
            return Err(Error::new(ErrorKind::NoRows, message));
        }
        Ok(())
    }

    /// Refuses too few rows, saying why there are so few.
    fn check_rows(&self) -> Result<()> {
        let names: Vec<&str> = self
            .roles
            .targets
            .iter()
            .map(|(_, it)| it.name.as_str())
            .collect();
        let target = words(&names);
        let (is, seen) = (if names.len() == 1 { "is" } else { "are" }, self.seen);
        match (self.train.rows(), self.validation.rows()) {
            (0, 0) if self.skipped == seen => {
                let rows = if seen == 1 {
                    "the only row".to_owned()
                } else {
                    format!("all {seen} rows")
                };
                Err(Error::new(
                    ErrorKind::NullNotAllowed,
                    format!("{target} {is} NULL in {rows}"),
                )
                .hint("Rows without a target cannot be learned from."))
            }
            (0, _) => {
                let message = format!("none of {seen} rows is left to train on");
                let detail = format!(
                    "Rows whose {target} {is} NULL are skipped, and those of another part."
                );
                let skipped = self.skips.notices().map(|notice| format!("{notice}."));
                let detail: Vec<String> = [detail].into_iter().chain(skipped).collect();
                Err(Error::new(ErrorKind::TooFew, message)
                    .detail(detail.join(" "))
                    .hint("Let the query return rows that have a target and train."))
            }
            // One that goes on has its statistics already.
            (1, _) if self.continued.is_none() => {
                let detail = format!(
                    "The query returned {seen} row(s); those whose {target} {is} NULL are skipped."
                );
                Err(Error::new(ErrorKind::TooFew, "cannot train on one row")
                    .detail(detail)
                    .hint("Let the query return more rows."))
            }
            _ if self.weights == 0.0 => Err(Error::new(
                ErrorKind::InvalidParameter,
                "the sample_weight of every training row is 0",
            )
            .hint("Give the rows that count a weight above 0.")),
            (_, 0) if self.validates_apart() => {
                let message = "the validation query returned no row to validate on";
                Err(Error::new(ErrorKind::NoRows, message)
                    .detail(format!("Rows whose {target} {is} NULL are skipped."))
                    .hint("Let it return rows, or leave it out."))
            }
            (_, 0) if self.must_validate => Err(none_validates()),
            _ => Ok(()),
        }
    }

    /// Leaves out training rows with outliers, of which it says what the user should know, and makes room for medians.
    pub(crate) fn leave_out(
        &mut self,
        learners: &mut [Learner],
        target: &mut TargetLearner,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<Vec<String>> {
        // Without room for the median of one column the rows have to go.
        let block = (self.train.block_rows() as u64).saturating_mul(self.train.row_bytes() as u64);
        let need = freezing_bytes(learners).saturating_add(block);
        while self.budget.available() < need && self.spill_one(callback)? {}
        let mut pass = Pass {
            samples: &mut self.train,
            seed: self.options.seed,
            budget: &self.budget,
            callback,
            pool,
        };
        drop_outliers(learners, target, &mut pass, self.spills.as_mut())
    }

    /// Freezes what was learned, once the medians are found.
    fn freeze(
        &mut self,
        ingest: Ingest,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<Frozen> {
        let (mut learners, mut target) = ingest.finish();
        let dropped = self.leave_out(&mut learners, &mut target, callback, pool)?;
        let mut pass = Pass {
            samples: &mut self.train,
            seed: self.options.seed,
            budget: &self.budget,
            callback,
            pool,
        };
        let mut frozen = freeze(learners, &mut pass)?;
        for feature in &mut frozen.preprocessing.features {
            feature.unnamed = self.unnamed;
        }
        let Learnt {
            target,
            codes: target_codes,
            rows,
            notice,
        } = target.finish()?;
        let class_weights = self.class_weights(&target, &rows)?;
        let encoder = SampleEncoder {
            features: frozen.encoder,
            target: target_codes,
        };
        let learned = dropped.into_iter().chain(frozen.notices);
        let notices = self.skips.notices().chain(learned).chain(notice);
        Ok(Frozen {
            preprocessing: frozen.preprocessing,
            target,
            encoder: Rc::new(encoder),
            class_weights,
            notices: notices.collect(),
        })
    }

    /// How much each class of `target` counts, which has so many training `rows`; none where all count alike.
    pub(crate) fn class_weights(&self, target: &Target, rows: &[u64]) -> Result<Vec<f64>> {
        match &self.options.class_weight {
            Some(_) if target.labels().is_empty() => {
                let message = "class_weight needs a target of classes, not of numbers";
                Err(Error::new(ErrorKind::InvalidParameter, message)
                    .hint("Leave it out, or give every row a weight with sample_weight."))
            }
            Some(weight) => weight.weights(target.name(), target.labels(), rows),
            None => Ok(Vec::new()),
        }
    }

    /// Charges the model's `bytes`, spilling rows where they leave too little; returns the bytes of a spill's window.
    ///
    /// The window is a quarter of the limit, and smaller only where the model on one thread leaves less.
    fn fit_into_memory(&mut self, bytes: u64, callback: &mut dyn Callback) -> Result<u64> {
        let shuffle = self.options.shuffle;
        let mut window = self.budget.limit() / 4;
        if bytes > self.budget.limit() {
            return Err(exceeded("the model", bytes, self.budget.limit()));
        }
        // Rows in memory are numbered in u32.
        let countable =
            |samples: &Samples| samples.spilled() || u32::try_from(samples.rows()).is_ok();
        while !(countable(&self.train) && countable(&self.validation)) {
            self.spill_one(callback)?;
        }
        loop {
            let order = order_bytes(&self.train, shuffle, window).saturating_add(order_bytes(
                &self.validation,
                false,
                window,
            ));
            let need = bytes.saturating_add(order);
            if need <= self.budget.available() {
                self.budget.reserve(bytes, "the model")?;
                return Ok(window);
            }
            if self.spill_one(callback)? {
                continue;
            }
            if window == 0 {
                let used = self.budget.limit() - self.budget.available();
                return Err(exceeded(
                    "the model",
                    used.saturating_add(need),
                    self.budget.limit(),
                ));
            }
            window /= 2;
        }
    }

    /// Every value used.
    fn settings(&self, model: &Model, choices: &Choices) -> Value {
        let options = &self.options;
        json!({
            "layers": model.sequential().to_json(),
            "optimizer": choices.optimizer.to_json(),
            "loss": choices.loss.to_json(),
            "metrics": choices.metrics.iter().map(crate::Metric::to_json).collect::<Vec<_>>(),
            "epochs": choices.epochs,
            "batch_size": choices.batch_size,
            "validation_split": self.partition.split(),
            "callbacks": choices.callbacks.iter().map(FitCallback::to_json).collect::<Vec<_>>(),
            "exclude": options.exclude,
            "preprocess": options.preprocess.to_json(),
            "class_weight": options.class_weight.as_ref().map(ClassWeight::to_json),
            "sample_weight": options.sample_weight,
            "split_column": options.split_column,
            "shuffle": options.shuffle,
            "seed": options.seed,
            "max_seconds": options.max_seconds,
        })
    }
}

/// The most threads, up to `wanted`, that fit into what is `available` beyond the memory of one thread `alone`; and
/// what they take beyond it.
fn threads(
    wanted: usize,
    alone: u64,
    available: u64,
    memory: impl Fn(usize) -> Result<u64>,
) -> Result<(usize, u64)> {
    for threads in (2..=wanted).rev() {
        let more = memory(threads)?.saturating_sub(alone);
        if more <= available {
            return Ok((threads, more));
        }
    }
    Ok((1, 0))
}

/// The logs of the epoch whose weights the model has.
fn final_logs(history: &History) -> Result<&EpochLogs> {
    let best = history
        .best_epoch
        .and_then(|best| history.epochs.iter().find(|logs| logs.epoch == best));
    best.or(history.epochs.last()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidParameter, "no epoch was finished")
            .hint("Raise max_seconds or lower the number of rows.")
    })
}
