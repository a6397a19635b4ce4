//! Training that goes on where another one ended: same network, same preprocessing, same optimizer, new epochs.

#[cfg(test)]
mod tests;

use crate::config::invalid;
use crate::encoder::{Encoding, Preprocessing, frozen_encoder};
use crate::finish::Frozen;
use crate::ingest::Ingest;
use crate::nearest::nearest;
use crate::roles::Roles;
use crate::sample_batches::SampleEncoder;
use crate::target::TargetKind;
use crate::{
    Binding, Callback, Column, ColumnType, Error, ErrorKind, Feature, Loss, Model, ModelFile,
    Optimizer, Pool, Result, Sequential, SpillFactory, Target, TrainOptions, Training,
    TrainingState,
};
use std::rc::Rc;

/// What a training that goes on takes over from the one before.
#[derive(Debug)]
pub(crate) struct Continued {
    /// With its weights, and with the optimizer's memory.
    pub(crate) model: Model,
    pub(crate) preprocessing: Preprocessing,
    pub(crate) target: Target,
}

impl Continued {
    /// Takes over from `file` and `state`, if `options` leave network, loss, kind of optimizer and preprocessing as they are.
    /// Fills in what they leave open.
    pub(crate) fn new(
        file: ModelFile,
        state: TrainingState,
        options: &mut TrainOptions,
    ) -> Result<Self> {
        let ModelFile {
            mut model,
            preprocessing,
            target,
            ..
        } = file;
        if let Some(layers) = &options.layers {
            check_layers(layers, model.sequential())?;
        }
        if let Some(loss) = options.loss {
            check_loss(loss, model.loss())?;
        }
        let given = options.optimizer.clone();
        let optimizer = given.unwrap_or_else(|| model.optimizer().clone());
        check_optimizer(&optimizer, model.optimizer())?;
        check_state(&state, &model)?;
        let said = &options.preprocess;
        if !said.is_empty() && *said != state.options.preprocess {
            return Err(differs(
                "preprocess is not that of the model, whose preprocessing stays as it was learned"
                    .into(),
            ));
        }
        options.preprocess = state.options.preprocess;
        options.optimizer = Some(optimizer.clone());
        model.go_on(optimizer, options.metrics.take(), state.optimizer)?;
        options.batch_size = options.batch_size.or(state.options.batch_size);
        // As they were told first: what they left open decided how rows are split.
        options.layers = state.options.layers;
        options.loss = state.options.loss;
        options.from_logits = state.options.from_logits;
        options.metrics = Some(model.metrics().to_vec());
        Ok(Self {
            model,
            preprocessing,
            target,
        })
    }

    /// Brings the features into the order of the model.
    ///
    /// `UnknownColumn` for one that the query does not have, be it that another of the `unknown` ones was meant, and for
    /// features without names; `TypeMismatch`.
    fn bind(&self, roles: &mut Roles, unknown: &[String]) -> Result<()> {
        Binding::check_names(&self.preprocessing.features)?;
        let mut rest = std::mem::take(&mut roles.features);
        for feature in &self.preprocessing.features {
            let found = rest
                .iter()
                .position(|(_, column)| column.name == feature.name);
            let Some(place) = found else {
                let mut near = unknown.iter().map(String::as_str);
                let near = nearest(&feature.name, &mut near);
                return Err(missing(feature, near));
            };
            let (index, column) = rest.remove(place);
            check_type(&column.name, column.column_type, feature.column_type)?;
            roles.features.push((index, column));
        }
        for ((_, column), known) in roles.targets.iter().zip(&self.target.columns) {
            check_type(&column.name, column.column_type, known.column_type)?;
        }
        Ok(())
    }

    /// What is known of the columns before the first row. To be called once it is decided how rows are split.
    pub(crate) fn settle(&self, roles: &mut Roles) {
        for ((_, column), feature) in roles.features.iter_mut().zip(&self.preprocessing.features) {
            if let Encoding::Vector { elements, .. } = &feature.encoding {
                column.length = Some(elements.len());
            }
        }
        if let TargetKind::Regression { outputs } = &self.target.kind {
            for (_, column) in &mut roles.targets {
                // 0 and 1 are no classes if they were none before.
                column.integer = false;
                if column.column_type == ColumnType::Vector {
                    column.length = Some(outputs.len());
                }
            }
        }
    }

    /// Bytes of weights and optimizer while rows are read.
    pub(crate) fn bytes(&self) -> u64 {
        let slots = self.model.state.slots.iter().map(Vec::len).sum::<usize>();
        4 * (self.model.weights.len() as u64).saturating_add(slots as u64)
    }
}

impl ModelFile {
    /// Whether a training that goes on with this model reads the column `name`: any other is left alone.
    pub fn asks_for(&self, name: &str, options: &TrainOptions) -> bool {
        let told = [&options.sample_weight, &options.split_column];
        told.into_iter().flatten().any(|told| told == name)
            || Binding::knows(self.features(), name)
            || self.target.names().any(|target| target == name)
    }
}

impl<'a> Training<'a> {
    /// Goes on with the model of `file` where the training that left `state` ended: weights, optimizer, order of the rows and
    /// noise. Nothing is learned about the columns, which are bound by name; what training did not see goes where it goes
    /// in a prediction. Rows are pushed and the training is finished as ever.
    ///
    /// # Errors
    /// `InvalidParameter` for `options` with other layers, another loss or another kind of optimizer; `UnknownColumn` and
    /// `TypeMismatch` for columns that the model does not find. Columns that it does not know are left alone.
    pub fn resume(
        file: ModelFile,
        state: TrainingState,
        columns: Vec<Column>,
        mut options: TrainOptions,
        spills: Box<dyn SpillFactory + 'a>,
    ) -> Result<Self> {
        options.check()?;
        let width = columns.len();
        let names = columns.iter().map(|column| &column.name);
        let unknown: Vec<String> = names
            .clone()
            .filter(|name| !file.asks_for(name, &options))
            .cloned()
            .collect();
        let continued = Continued::new(file, state, &mut options)?;
        // As in scoring, columns that nobody asks for are left alone; what is excluded need not be there any more.
        let mut here = options.clone();
        here.exclude
            .retain(|name| names.clone().any(|it| it == name));
        here.exclude.extend_from_slice(&unknown);
        let targets: Vec<&str> = continued.target.names().collect();
        let mut roles = Roles::new(columns, &targets, &here)?;
        continued.bind(&mut roles, &unknown)?;
        Self::with(width, roles, options, spills, Some(continued))
    }

    /// What the training before has frozen, for the rows of this one; and the model.
    pub(crate) fn freeze_as(
        &mut self,
        continued: Continued,
        ingest: Ingest,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<(Frozen, Model)> {
        let Continued {
            model,
            preprocessing,
            target,
        } = continued;
        let (mut learners, mut learnt) = ingest.finish();
        let dropped = self.leave_out(&mut learners, &mut learnt, callback, pool)?;
        let learnt = learnt.finish_as(&target)?;
        let class_weights = self.class_weights(&target, &learnt.rows)?;
        let encoder = SampleEncoder {
            features: frozen_encoder(&learners, &preprocessing),
            target: learnt.codes,
        };
        let frozen = Frozen {
            preprocessing,
            target,
            encoder: Rc::new(encoder),
            class_weights,
            notices: self.skips.notices().chain(dropped).collect(),
        };
        Ok((frozen, model))
    }
}

#[cold]
fn missing(feature: &Feature, nearest: Option<&str>) -> Error {
    let message = format!(
        "column \"{}\", a feature of the model, is missing in the query",
        feature.name
    );
    let error = Error::new(ErrorKind::UnknownColumn, message);
    match nearest {
        Some(near) => error.hint(format!("Did you mean \"{near}\"?")),
        None => error.hint("Let the query return all columns of the first training query."),
    }
}

fn check_type(name: &str, here: ColumnType, known: ColumnType) -> Result<()> {
    if here == known {
        return Ok(());
    }
    let (here, known) = (here.words(), known.words());
    let message = format!("column \"{name}\" is {here} in the query, but {known} in the model");
    Err(Error::new(ErrorKind::TypeMismatch, message).hint("Cast it to the type it had."))
}

#[cold]
fn differs(message: String) -> Error {
    invalid(message).hint("Leave it out to go on with the model as it is, or train a new one.")
}

fn check_layers(given: &Sequential, model: &Sequential) -> Result<()> {
    let names = given.names()?;
    if given.layers.len() != model.layers.len() {
        return Err(differs(format!(
            "the model has {} layers, not {}",
            model.layers.len(),
            given.layers.len()
        )));
    }
    for (i, (layer, name)) in given.layers.iter().zip(names).enumerate() {
        let mut layer = layer.clone();
        *layer.kind_mut().name_mut() = Some(name);
        if model.layers.get(i) != Some(&layer) {
            return Err(differs(format!(
                "layer {} of layers is not that of the model",
                i + 1
            )));
        }
    }
    Ok(())
}

fn check_loss(given: Loss, model: Loss) -> Result<()> {
    if given == model {
        return Ok(());
    }
    let (given, model) = (given.to_json(), model.to_json());
    Err(differs(format!(
        "loss {given} is not that of the model, {model}"
    )))
}

/// Steps may become larger or smaller; what is remembered between them may not change.
fn check_optimizer(given: &Optimizer, model: &Optimizer) -> Result<()> {
    if given.name() != model.name() {
        return Err(differs(format!(
            "optimizer {} is not that of the model, {}",
            given.name(),
            model.name()
        )));
    }
    let (here, there) = (given.memory(), model.memory());
    let mut either = here.iter().chain(there);
    if let Some(vector) = either.find(|it| !(here.contains(it) && there.contains(it))) {
        return Err(differs(format!(
            "{vector} of optimizer {} cannot begin or end with a model that is trained",
            given.name()
        )));
    }
    Ok(())
}

/// The state must be that of this model, or at least of one of its shape.
fn check_state(state: &TrainingState, model: &Model) -> Result<()> {
    let slots = state.slots().count();
    let fits = state.slots().all(|slot| slot.len() == model.parameters());
    if model.weights.is_empty() || !fits || slots != model.optimizer().slots() {
        return Err(
            invalid("the training state is not that of the model").hint("Train the model again.")
        );
    }
    Ok(())
}
