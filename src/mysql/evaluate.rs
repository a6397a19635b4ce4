//! `ml_evaluate_agg(model, target, features ...)`: loss and metrics of a model on the rows of a group, as a JSON object.
//!
//! A model of several targets takes as many arguments in their place. Rows whose target is NULL are left out.

use crate::arguments::{Arguments, Declared};
use crate::error::invalid;
use crate::function::{Aggregate, Answers, Function, aggregate};
use crate::interrupts::Interrupts;
use crate::model;
use crate::models::{Models, Slot};
use crate::ready::{Held, Ready};
use crate::rollup::Rollup;
use crate::site::recycle;
use crate::source::{Expected, Given, Source};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tablenet_core::{Error, ErrorKind, Evaluation, Result, Value};

struct EvaluateAgg {
    models: Models<Source>,
    given: Given,
    group: Group,
    /// Rows of the group, the fingerprint of the first one, and whether somebody asked for the group.
    rows: u64,
    first: u64,
    asked: bool,
    rollup: Rollup,
    row: Vec<Value<'static>>,
    answer: Vec<u8>,
}

/// The rows of a group so far.
enum Group {
    /// None.
    Empty,
    /// Such that have no model.
    Null,
    /// Evaluated with this model.
    Of(Arc<Ready>, Box<Evaluation<Held>>),
}

aggregate!(
    EvaluateAgg,
    ml_evaluate_agg_init,
    ml_evaluate_agg_clear,
    ml_evaluate_agg_add,
    ml_evaluate_agg,
    ml_evaluate_agg_deinit
);

impl Function for EvaluateAgg {
    const NAME: &'static str = "ml_evaluate_agg";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        let usage = "ml_evaluate_agg(model, target, feature, ...)";
        arguments.expect(3, usize::MAX, usage)?;
        model::declare(arguments)?;
        Ok(Self {
            models: Models::new()?,
            given: Given::declare(arguments),
            group: Group::Empty,
            rows: 0,
            first: 0,
            asked: false,
            rollup: Rollup::default(),
            row: Vec::new(),
            answer: Vec::new(),
        })
    }
}

impl Aggregate for EvaluateAgg {
    fn clear(&mut self) -> Result<()> {
        if self.rows == 1 && !self.asked {
            self.rollup.left(self.first);
        }
        self.group = Group::Empty;
        (self.rows, self.asked) = (0, false);
        Ok(())
    }

    fn add(&mut self, arguments: &Arguments<'_>) -> Result<()> {
        let Self {
            models,
            given,
            group,
            rows,
            first,
            rollup,
            row: room,
            ..
        } = self;
        let Some(model) = model::given(arguments) else {
            return match group {
                Group::Of(..) => Err(several()),
                _ => {
                    *group = Group::Null;
                    Ok(())
                }
            };
        };
        let Slot { ready, bound, .. } =
            models.get(model, |ready| given.bind(arguments, &columns(ready)?))?;
        let evaluation = match group {
            Group::Of(before, evaluation) if Arc::ptr_eq(before, ready) => evaluation,
            Group::Empty => {
                let held = Held(Arc::clone(ready));
                let begun = Box::new(Evaluation::in_order(held)?);
                *group = Group::Of(Arc::clone(ready), begun);
                match group {
                    Group::Of(_, evaluation) => evaluation,
                    _ => return Err(several()),
                }
            }
            _ => return Err(several()),
        };
        let mut row = recycle(std::mem::take(room));
        bound.read(arguments, ready.scorer().features(), &mut row)?;
        *rows += 1;
        if *rows == 1 || rollup.is_possible() {
            let fingerprint = fingerprint(&row);
            if *rows == 1 {
                *first = fingerprint;
            }
            if rollup.is_possible() {
                rollup.row(*rows, fingerprint);
            }
        }
        evaluation.push(&row, &mut Interrupts)?;
        *room = recycle(row);
        Ok(())
    }

    fn answer(&mut self) -> Result<Option<&[u8]>> {
        self.asked = true;
        if self.rollup.is_certain(self.rows) {
            let message = "WITH ROLLUP would evaluate on wrong rows";
            return Err(Error::new(ErrorKind::NotSupported, message).hint(
                "Use GROUP BY without it, and evaluate on all rows in a statement of its own.",
            ));
        }
        let found = match &self.group {
            Group::Of(_, evaluation) => evaluation.finish()?,
            Group::Null => return Ok(None),
            Group::Empty => {
                return Err(Error::new(
                    ErrorKind::NoRows,
                    "there are no rows to evaluate on",
                ));
            }
        };
        write(&found, &mut self.answer);
        Ok(Some(&self.answer))
    }
}

/// The columns that the arguments behind the model stand for: targets, then features.
fn columns(ready: &Ready) -> Result<Vec<Expected<'_>>> {
    let scorer = ready.scorer();
    let targets = scorer.targets().map(|(name, column_type)| Expected {
        what: "the target".to_owned(),
        name: Some(name),
        column_type,
    });
    let named = scorer.has_feature_names();
    let features = (1..)
        .zip(scorer.features())
        .map(|(number, feature)| Expected::feature(number, feature, named));
    Ok(targets.chain(features).collect())
}

/// The same number for rows with the same values, and hardly ever for others.
fn fingerprint(row: &[Value<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in row {
        std::mem::discriminant(value).hash(&mut hasher);
        match value {
            Value::Null => {}
            Value::Number(number) => number.to_bits().hash(&mut hasher),
            Value::Boolean(boolean) => boolean.hash(&mut hasher),
            Value::Text(text) => text.hash(&mut hasher),
            Value::Vector(vector) => vector.iter().for_each(|it| it.to_bits().hash(&mut hasher)),
        }
    }
    hasher.finish()
}

fn several() -> Error {
    invalid("the rows of a group have different models")
        .hint("Group by the model, for example by its name.")
}

/// `{"loss":0.25,...}`, with null for what is undefined.
fn write(found: &[(String, f64)], out: &mut Vec<u8>) {
    out.clear();
    for (name, value) in found {
        out.push(if out.is_empty() { b'{' } else { b',' });
        // Writing into a vector cannot fail, and no number that is not finite is JSON: it becomes null.
        let _ = serde_json::to_writer(&mut *out, name);
        out.push(b':');
        let _ = serde_json::to_writer(&mut *out, value);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests;
