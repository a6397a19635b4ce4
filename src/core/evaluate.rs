//! Loss and metrics of a model on rows it is given (Keras: `Model.evaluate`).

#[cfg(test)]
mod tests;

use crate::encoder::{Lookup, length_differs, not_finite, wrong_type};
use crate::metric::logged_names;
use crate::nearest::nearest;
use crate::scorer::{Scratch, positive};
use crate::target::{Target, TargetColumn, TargetKind};
use crate::{
    Binding, Callback, Column, ColumnType, Error, ErrorKind, Metric, MetricState, Result, Scorer,
    Task, Value,
};
use std::borrow::Borrow;

/// An evaluation under way, of a scorer that is borrowed or held. Its numbers are those of the answers that the scorer gives
/// row by row.
#[derive(Debug)]
pub struct Evaluation<S> {
    scorer: S,
    scratch: Scratch,
    /// The column of each feature, and those of the target.
    places: Vec<usize>,
    targets: Vec<usize>,
    /// `y` of a row.
    y: Vec<f32>,
    classes: Classes,
    rows: u64,
    seen: u64,
    /// What a row costs, in the unit of [`UNCHECKED`].
    cost: usize,
    unchecked: usize,
    loss: f64,
    /// Of every number of a regression.
    errors: Vec<Errors>,
    /// By the name that they go by: all of classes; of numbers those of the training that are not made of errors.
    states: Vec<(String, MetricState)>,
}

/// The labels, ready to be found: numbers in ascending order, texts by their bytes.
#[derive(Debug)]
pub(crate) struct Classes {
    numbers: Vec<f64>,
    texts: Lookup<usize>,
}

impl Classes {
    pub(crate) fn new(target: &Target) -> Result<Self> {
        let labels = target.labels();
        let number = |label: &String| label.parse().ok();
        let numbers = match target.columns.first().map(|column| column.column_type) {
            Some(ColumnType::Number) => labels.iter().map_while(number).collect(),
            _ => Vec::new(),
        };
        let texts = labels.iter().enumerate();
        Ok(Self {
            numbers,
            texts: Lookup::new(texts.map(|(class, label)| (label.as_str(), class)))?,
        })
    }

    /// The class of `value`, if it is found by these means.
    pub(crate) fn find(&self, value: &Value<'_>) -> Option<usize> {
        match value {
            Value::Number(number) => {
                let class = self.numbers.partition_point(|label| label < number);
                (self.numbers.get(class) == Some(number)).then_some(class)
            }
            Value::Text(text) => self.texts.get(text),
            Value::Boolean(_) | Value::Vector(_) | Value::Null => None,
        }
    }
}

/// What regression metrics are made of, in the target's own units and f64.
#[derive(Debug, Default)]
struct Errors {
    absolute: f64,
    squared: f64,
    mean: f64,
    /// Sum of squared differences of the values from their mean.
    total: f64,
}

/// Work between two checks, well below 5 ms: values, and weights by the 64.
const UNCHECKED: usize = 1 << 12;

impl<S: Borrow<Scorer>> Evaluation<S> {
    /// Binds features and target to `columns` by name.
    pub fn new(scorer: S, columns: &[Column]) -> Result<Self> {
        let model = scorer.borrow();
        let places = Binding::columns(model.features(), columns)?;
        let targets = model.target.columns.iter();
        let targets = targets
            .map(|target| find_target(model, target, columns))
            .collect::<Result<_>>()?;
        Self::at(scorer, places, targets)
    }

    /// For rows of the targets and behind them the features, both in the model's order.
    pub fn in_order(scorer: S) -> Result<Self> {
        let model = scorer.borrow();
        let targets = model.target.columns.len();
        let places = (targets..).take(model.features().len()).collect();
        Self::at(scorer, places, (0..targets).collect())
    }

    fn at(owner: S, places: Vec<usize>, targets: Vec<usize>) -> Result<Self> {
        let scorer = owner.borrow();
        let states = states(scorer)?;
        Ok(Self {
            scratch: scorer.scratch()?,
            classes: Classes::new(&scorer.target)?,
            cost: places.len() + targets.len() + scorer.bytes() / (64 * size_of::<f32>()),
            unchecked: 0,
            loss: 0.0,
            errors: scorer
                .target
                .scales()
                .iter()
                .map(|_| Errors::default())
                .collect(),
            states,
            scorer: owner,
            places,
            targets,
            y: Vec::new(),
            rows: 0,
            seen: 0,
        })
    }

    /// Takes one row: values in column order. Rows whose target is NULL are skipped.
    pub fn push(&mut self, row: &[Value<'_>], callback: &mut dyn Callback) -> Result<()> {
        self.seen += 1;
        self.unchecked += self.cost;
        if self.unchecked >= UNCHECKED {
            self.unchecked = 0;
            callback.check()?;
        }
        let null = &Value::Null;
        let value = |place: &usize| row.get(*place).unwrap_or(null);
        if self
            .targets
            .iter()
            .any(|place| *value(place) == Value::Null)
        {
            return Ok(());
        }
        self.rows += 1;
        let features = self.places.iter().map(value);
        let scorer = self.scorer.borrow();
        let outputs = scorer.outputs(features, &mut self.scratch)?;
        self.y.clear();
        let target = &scorer.target;
        match &target.kind {
            TargetKind::Regression { outputs: scales } => {
                let mut known = self.errors.iter_mut().zip(scales).zip(outputs);
                let mut take = |value: f64, name: &str| {
                    if !value.is_finite() {
                        return Err(not_finite(value, name, Some(self.seen)));
                    }
                    if let Some(((errors, scale), output)) = known.next() {
                        errors.add(scale.invert(*output), value, self.rows);
                        self.y.push(scale.apply(value));
                    }
                    Ok(())
                };

                for (column, place) in target.columns.iter().zip(&self.targets) {
                    match value(place) {
                        Value::Number(value) if column.column_type.is_numeric() => {
                            take(*value, &column.name)?;
                        }
                        Value::Vector(vector) if column.column_type == ColumnType::Vector => {
                            if vector.len() != scales.len() {
                                return Err(length_differs(
                                    &column.name,
                                    scales.len(),
                                    vector.len(),
                                ));
                            }
                            vector
                                .iter()
                                .try_for_each(|value| take(value, &column.name))?;
                        }
                        other => return Err(wrong_type(&column.name, column.column_type, other)),
                    }
                }
                self.states
                    .iter_mut()
                    .for_each(|(_, state)| state.update(outputs, &self.y));
            }
            TargetKind::Classes { .. } => {
                let value = self.targets.first().map_or(null, value);
                let class = match self.classes.find(value) {
                    Some(class) => class,
                    None => target.class(value)?,
                } as f32;
                self.y.push(class);
                let single = [positive(outputs)];
                let shown = match outputs {
                    [_] if scorer.gives_probabilities() => &single,
                    outputs => outputs,
                };
                self.states
                    .iter_mut()
                    .for_each(|(_, state)| state.update(shown, &self.y));
            }
        }
        self.loss += scorer.loss(&self.scratch, &self.y);
        Ok(())
    }

    /// Name and value: the loss first, then every metric that fits the task, and of several targets those of each as Keras
    /// names them, `price_mae`. What is undefined is NaN. Further rows may follow.
    pub fn finish(&self) -> Result<Vec<(String, f64)>> {
        let scorer = self.scorer.borrow();
        if self.rows == 0 {
            let target = scorer.target.words();
            return Err(if self.seen == 0 {
                Error::new(
                    ErrorKind::NoRows,
                    "the query returned no rows to evaluate on",
                )
            } else {
                Error::new(
                    ErrorKind::NullNotAllowed,
                    format!("{target} is NULL in every row"),
                )
            });
        }
        let mut found = vec![("loss".to_owned(), self.loss / self.rows as f64)];
        match &scorer.target.kind {
            TargetKind::Regression { .. } => {
                let metrics = || usual(scorer).into_iter();
                found.extend(metrics().filter_map(|metric| {
                    let value = Errors::mean(&self.errors, &metric, self.rows)?;
                    Some((metric.name().to_owned(), value))
                }));
                if self.errors.len() > 1 {
                    for (place, errors) in self.errors.iter().enumerate() {
                        let name = Target::output_name(&scorer.target.columns, place);
                        found.extend(metrics().filter_map(|metric| {
                            let value = errors.result(&metric, self.rows)?;
                            Some((format!("{name}_{}", metric.name()), value))
                        }));
                    }
                }
            }
            TargetKind::Classes { .. } => {}
        }
        let states = self.states.iter();
        found.extend(states.map(|(name, state)| (name.clone(), state.result())));
        Ok(found)
    }
}

impl Errors {
    fn add(&mut self, prediction: f64, value: f64, rows: u64) {
        let error = prediction - value;
        self.absolute += error.abs();
        self.squared += error * error;
        let delta = value - self.mean;
        self.mean += delta / rows as f64;
        self.total += delta * (value - self.mean);
    }

    /// That of several numbers, as Keras averages it.
    fn mean(all: &[Self], metric: &Metric, rows: u64) -> Option<f64> {
        let of = |metric: &Metric| -> Option<f64> {
            let sum: Option<f64> = all.iter().map(|errors| errors.result(metric, rows)).sum();
            Some(sum? / all.len() as f64)
        };
        if *metric == Metric::RMSE {
            return Some(of(&Metric::MSE)?.sqrt());
        }
        of(metric)
    }

    /// `r2 = 1 - sum (p - y)^2 / sum (y - mean y)^2`, undefined for a constant target.
    fn result(&self, metric: &Metric, rows: u64) -> Option<f64> {
        let rows = rows as f64;
        let of = [
            (Metric::MAE, self.absolute / rows),
            (Metric::MSE, self.squared / rows),
            (Metric::RMSE, (self.squared / rows).sqrt()),
            (
                Metric::R2,
                if self.total > 0.0 {
                    1.0 - self.squared / self.total
                } else {
                    f64::NAN
                },
            ),
        ];
        let found = of.iter().find(|(known, _)| known == metric);
        found.map(|(_, value)| *value)
    }
}

/// What every evaluation of a model says.
fn usual(scorer: &Scorer) -> Vec<Metric> {
    Metric::usual(scorer.task(), scorer.trained_on())
}

/// States of what is asked of a model: of classes what says most of them, and then what its training asked for.
fn states(scorer: &Scorer) -> Result<Vec<(String, MetricState)>> {
    let mut metrics = usual(scorer);
    let own = scorer.metrics.iter();
    let own: Vec<Metric> = own.filter(|it| !metrics.contains(it)).cloned().collect();
    metrics.extend(own);
    let names = logged_names(&metrics);
    let scales = scorer.target.scales();
    let (task, outputs, loss) = (scorer.task(), scorer.output_width(), scorer.trained_on());
    let mut states = Vec::new();
    for (metric, name) in metrics.iter().zip(names) {
        let of_errors = matches!(task, Task::Regression { .. }) && usual(scorer).contains(metric);
        if !of_errors {
            let state = MetricState::new(metric, task, outputs, loss, &scales)?;
            states.push((name, state));
        }
    }
    Ok(states)
}

fn find_target(scorer: &Scorer, target: &TargetColumn, columns: &[Column]) -> Result<usize> {
    let name = &target.name;
    let mut found = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.name == *name);
    let (index, column) = match (found.next(), found.next()) {
        (Some(found), None) => found,
        (Some(_), Some(_)) => {
            return Err(Error::new(
                ErrorKind::DuplicateColumn,
                format!("two columns are named \"{name}\""),
            ));
        }
        (None, _) => {
            let unused = columns
                .iter()
                .map(|column| column.name.as_str())
                .filter(|name| {
                    scorer
                        .features()
                        .iter()
                        .all(|feature| feature.name != *name)
                });
            let error = Error::new(
                ErrorKind::UnknownColumn,
                format!("target column \"{name}\" is missing"),
            );
            return Err(match nearest(name, unused) {
                Some(nearest) => error.hint(format!("Did you mean \"{nearest}\"?")),
                None => error.hint(
                    "An evaluation needs the true values: let the query return the target too.",
                ),
            });
        }
    };
    if column.column_type != target.column_type {
        let message = format!(
            "target \"{name}\" must be {}, not {}",
            target.column_type.words(),
            column.column_type.words()
        );
        return Err(Error::new(ErrorKind::TypeMismatch, message)
            .hint("Cast it to the type the model was trained with."));
    }
    Ok(index)
}
