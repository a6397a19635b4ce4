//! Scoring row by row: encode, run the frozen network, answer in the target's terms.

mod json;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;

use crate::encoder::RowEncoder;
use crate::layer::embedding::no_index;
use crate::target::{Target, TargetKind};
use crate::{
    Binding, Callback, ColumnType, Error, ErrorKind, Feature, Loss, Metric, ModelFile, Plan,
    PlanScratch, Result, Task, Value,
};

/// A model ready to score. It holds no reference to the file it was made from.
#[derive(Debug)]
pub struct Scorer {
    plan: Plan,
    encoder: RowEncoder,
    pub(crate) target: Target,
    /// What its training measured.
    pub(crate) metrics: Vec<Metric>,
}

/// The features of one row in their order: a slice of values, or an iterator that makes them on the way.
pub trait Row<'v>:
    IntoIterator<Item: Borrow<Value<'v>>, IntoIter: ExactSizeIterator + Clone>
{
}

impl<'v, R> Row<'v> for R where
    R: IntoIterator<Item: Borrow<Value<'v>>, IntoIter: ExactSizeIterator + Clone>
{
}

/// The buffers of one scoring loop; nothing is allocated per row.
#[derive(Debug)]
pub struct Scratch {
    pub(crate) plan: PlanScratch,
    instants: Vec<f64>,
}

impl Scorer {
    /// Freezes the model of `file`, whose weights are copied: that takes time.
    pub fn new(file: &ModelFile, callback: &mut dyn Callback) -> Result<Self> {
        if file.preprocessing.width() != file.model.inputs() {
            return Err(Error::new(ErrorKind::Damaged, "model data is damaged")
                .detail("Its features do not fill its inputs."));
        }
        let (plan, places) = Plan::sparse(&file.model, callback)?;
        Ok(Self {
            plan,
            encoder: RowEncoder::new(file.preprocessing.clone(), places)?,
            target: file.target.clone(),
            metrics: file.model.metrics().to_vec(),
        })
    }

    /// Bytes this scorer holds, about.
    pub fn bytes(&self) -> usize {
        let labels: usize = self
            .labels()
            .iter()
            .map(|label| label.len() + size_of::<String>())
            .sum();
        size_of::<Self>() + self.plan.bytes() + self.encoder.bytes() + labels
    }

    /// The features in their order.
    pub fn features(&self) -> &[Feature] {
        self.encoder.features()
    }

    /// Whether the features have names of their own, by which values can be found.
    pub fn has_feature_names(&self) -> bool {
        Binding::check_names(self.features()).is_ok()
    }

    /// What the model answers.
    pub fn task(&self) -> Task {
        self.target.task()
    }

    /// The name of the target column, of several the first.
    pub fn target_name(&self) -> &str {
        self.target.name()
    }

    /// The names of the target columns.
    pub fn target_names(&self) -> Vec<&str> {
        self.target.names().collect()
    }

    /// The target columns: their names and the types of their values.
    pub fn targets(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        let columns = self.target.columns.iter();
        columns.map(|column| (column.name.as_str(), column.column_type))
    }

    /// The labels of a class target in their order; of two the last is the positive one. Empty for a regression.
    pub fn labels(&self) -> &[String] {
        self.target.labels()
    }

    /// How rows become the network's inputs.
    pub(crate) fn encoder(&self) -> &RowEncoder {
        &self.encoder
    }

    /// Buffers for one scoring loop.
    pub fn scratch(&self) -> Result<Scratch> {
        Ok(Scratch {
            plan: self.plan.sparse_scratch(self.encoder.most())?,
            instants: vec![0.0; self.encoder.instants()],
        })
    }

    /// The value in the target's own units, or P(positive) of two classes; after a hinge loss what the network answers, which
    /// is above 0 for the positive class. `row` holds the features in their order.
    ///
    /// `WrongTask` for three or more classes.
    pub fn predict<'v>(&self, row: impl Row<'v>, scratch: &mut Scratch) -> Result<f64> {
        match self.task() {
            Task::Multiclass { classes } => {
                return Err(self.wrong_task(
                    format!("has {classes} classes, not one number"),
                    "Use ml_predict_class() for the label or ml_predict_proba() for all probabilities.",
                ));
            }
            Task::Regression { outputs } if outputs != 1 => {
                return Err(self.wrong_task(
                    format!("{} {outputs} numbers, not one", self.have()),
                    "Use ml_predict_values() for all of them.",
                ));
            }
            _ => {}
        }
        let outputs = self.outputs(row.into_iter(), scratch)?;
        Ok(match &self.target.kind {
            TargetKind::Regression { outputs: scales } => {
                let output = outputs.first().copied().unwrap_or(0.0);
                scales.first().map_or(0.0, |scale| scale.invert(output))
            }
            TargetKind::Classes { .. } if self.gives_probabilities() => {
                f64::from(positive(outputs))
            }
            TargetKind::Classes { .. } => f64::from(match outputs {
                [first, second] => second - first,
                outputs => outputs.first().copied().unwrap_or(0.0),
            }),
        })
    }

    /// The most probable label; of two equal ones the first.
    pub fn predict_class<'s, 'v>(
        &'s self,
        row: impl Row<'v>,
        scratch: &mut Scratch,
    ) -> Result<&'s str> {
        self.check_classes()?;
        let outputs = self.outputs(row.into_iter(), scratch)?;
        let class = match outputs {
            [_] if self.gives_probabilities() => usize::from(positive(outputs) > 0.5),
            [output] => usize::from(*output > 0.0),
            _ => largest(outputs),
        };
        Ok(self.labels().get(class).map_or("", String::as_str))
    }

    /// The probability of every label, in label order; replaces what is in `out`.
    ///
    /// `WrongTask` after a hinge loss, which gives none.
    pub fn predict_proba<'v>(
        &self,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        out: &mut Vec<f32>,
    ) -> Result<()> {
        self.check_classes()?;
        if !self.gives_probabilities() {
            let loss = self.trained_on().name();
            return Err(self.wrong_task(
                format!("was learned with loss {loss}, which gives no probabilities"),
                "Use ml_predict_class() for the label or ml_predict_values() for the network's outputs, or train with a crossentropy.",
            ));
        }
        let outputs = self.outputs(row.into_iter(), scratch)?;
        out.clear();
        match outputs {
            [_] => out.extend([1.0 - positive(outputs), positive(outputs)]),
            _ => out.extend_from_slice(outputs),
        }
        Ok(())
    }

    /// What the network's outputs mean: the value in the target's units, or the probabilities it answers (one for two
    /// classes with one unit); replaces what is in `out`.
    pub fn predict_values<'v>(
        &self,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        out: &mut Vec<f32>,
    ) -> Result<()> {
        let outputs = self.outputs(row.into_iter(), scratch)?;
        out.clear();
        match &self.target.kind {
            TargetKind::Regression { outputs: scales } => {
                let values = outputs.iter().zip(scales);
                out.extend(values.map(|(output, scale)| scale.invert(*output) as f32));
            }
            TargetKind::Classes { .. } => out.extend_from_slice(outputs),
        }
        Ok(())
    }

    /// The network's outputs of `row`: probabilities, or a standardised value.
    #[inline]
    pub(crate) fn outputs<'s, 'v>(
        &self,
        row: impl ExactSizeIterator<Item: Borrow<Value<'v>>> + Clone,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [f32]> {
        let entries = scratch.plan.entries_mut();
        self.encoder.encode(row, entries, &mut scratch.instants)?;
        if let Some((input, x)) = self.plan.no_index(&scratch.plan) {
            return Err(self.wrong_index(input, x));
        }
        let outputs = self.plan.score(&mut scratch.plan);
        if outputs
            .iter()
            .fold(true, |finite, output| finite & output.is_finite())
        {
            Ok(outputs)
        } else {
            Err(self.not_finite())
        }
    }

    /// Numbers that the network answers per row.
    pub(crate) fn output_width(&self) -> usize {
        self.plan.outputs()
    }

    /// The loss that the model was trained on.
    pub(crate) fn trained_on(&self) -> Loss {
        self.plan.trained_on()
    }

    /// Whether answers for classes are probabilities.
    pub(crate) fn gives_probabilities(&self) -> bool {
        self.trained_on().gives_probabilities()
    }

    /// The loss of the row whose outputs were asked for last, against `y` as in a batch.
    pub(crate) fn loss(&self, scratch: &Scratch, y: &[f32]) -> f64 {
        self.loss_by(self.trained_on(), scratch, y)
    }

    /// As [`Scorer::loss`], by a loss of the same kind.
    pub(crate) fn loss_by(&self, loss: Loss, scratch: &Scratch, y: &[f32]) -> f64 {
        self.plan.loss_by(loss, &scratch.plan, y)
    }

    fn check_classes(&self) -> Result<()> {
        match self.task() {
            Task::Regression { outputs: 1 } => Err(self.wrong_task(
                "is a number, not a class".to_owned(),
                "Use ml_predict() for the value.",
            )),
            Task::Regression { outputs } => Err(self.wrong_task(
                format!("{} {outputs} numbers, not a class", self.have()),
                "Use ml_predict_values() for all of them.",
            )),
            _ => Ok(()),
        }
    }

    fn have(&self) -> &'static str {
        match self.target.columns.len() {
            1 => "has",
            _ => "have",
        }
    }

    #[cold]
    fn wrong_task(&self, what: String, hint: &str) -> Error {
        Error::new(
            ErrorKind::WrongTask,
            format!("{} {what}", self.target.words()),
        )
        .hint(hint)
    }

    #[cold]
    fn wrong_index(&self, input: u32, x: f32) -> Error {
        let column = self.encoder.column(input as usize);
        no_index(x, self.plan.vectors()).detail(format!("It is in column \"{column}\"."))
    }

    #[cold]
    fn not_finite(&self) -> Error {
        Error::new(
            ErrorKind::NotFinite,
            format!("the prediction of {} is not finite", self.target.words()),
        )
        .hint("A value of this row is too far from the training values.")
    }
}

/// P(positive) out of one unit or two. Under a loss other than a crossentropy the unit may leave [0, 1].
#[inline]
pub(crate) fn positive(outputs: &[f32]) -> f32 {
    match outputs {
        [output] | [_, output] => output.clamp(0.0, 1.0),
        _ => 0.0,
    }
}

/// The place of the largest output, the first of equal ones.
fn largest(outputs: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (place, &output) in outputs.iter().enumerate() {
        if output > best.1 {
            best = (place, output);
        }
    }
    best.0
}
