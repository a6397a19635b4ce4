//! The target once all rows are read: learned anew, or as an earlier training learned it.

use super::{Integers, Learned, TargetLearner};
use crate::encoder::{Moments, divisor, too_far};
use crate::labels::Rows;
use crate::loss::Scaling;
use crate::record::Field;
use crate::target::{Standard, Target, TargetColumn, TargetKind, unseen};
use crate::target_codes::{StoredClasses, TargetCodes};
use crate::{Error, ErrorKind, Loss, Result};

/// The target, learned.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) target: Target,
    pub(crate) codes: TargetCodes,
    /// Training rows of each label.
    pub(crate) rows: Vec<u64>,
    /// What the user should know.
    pub(crate) notice: Option<String>,
}

/// What the values are.
enum Values {
    Numbers(Vec<(Field, Moments)>),
    Classes(Field, Classes),
}

/// Classes in the order of their labels.
struct Classes {
    /// Each label with its rows.
    labels: Vec<(String, Rows)>,
    /// What stands for each in the record.
    stored: StoredClasses,
    /// A validation row's value that makes no class, where only 0 and 1 do.
    other: Option<f64>,
    /// Whether it could have been a regression as well.
    guessed: bool,
}

impl TargetLearner {
    /// The target as learned.
    ///
    /// `TooFew` for a single class, `InvalidParameter` for one that only validation rows have.
    pub(crate) fn finish(self) -> Result<Learnt> {
        let columns: Vec<TargetColumn> = self.slots.iter().map(TargetColumn::of).collect();
        let name = self.name().to_owned();
        let loss = self.loss;
        let (field, classes) = match self.values()? {
            Values::Numbers(outputs) => return scaled(columns, outputs, loss),
            Values::Classes(field, classes) => (field, classes),
        };
        if let Some(other) = classes.other {
            let known = ["0".into(), "1".into()];
            return Err(unseen(&name, &other.to_string(), &known));
        }
        let trained = classes.labels.iter().filter(|(_, rows)| rows[1] > 0);
        let (labels, rows): (Vec<String>, Vec<u64>) = trained
            .map(|(label, rows)| (label.clone(), rows[1]))
            .unzip();
        let mut held_out = classes.labels.iter().filter(|(_, rows)| rows[0] > 0);
        if let Some((label, _)) = held_out.find(|(_, rows)| rows[1] == 0) {
            return Err(unseen(&name, label, &labels));
        }
        if let [label] = labels.as_slice() {
            return Err(Error::new(
                ErrorKind::TooFew,
                format!("target \"{name}\" has only one class, \"{label}\""),
            )
            .hint("Let the query return rows of at least two classes."));
        }
        let mut next = 0..;
        let numbers = classes.labels.iter();
        let numbers = numbers.map(|(_, rows)| (rows[1] > 0).then(|| next.next()).flatten());
        let numbers = numbers.collect();
        Ok(Learnt {
            codes: classes.stored.codes(field, numbers),
            rows,
            target: Target {
                columns,
                kind: TargetKind::Classes { labels },
            },
            notice: classes.guessed.then(|| format!(
                "target \"{name}\" holds only 0 and 1 and is trained as a class target; cast it to double precision for a regression"
            )),
        })
    }

    /// The rows with `target`, which an earlier training learned: they may be of a single class.
    ///
    /// `InvalidParameter` for a label that it does not have, and for numbers in place of classes.
    pub(crate) fn finish_as(self, target: &Target) -> Result<Learnt> {
        let known = target.labels();
        let mut rows = vec![0; known.len()];
        let loss = self.loss;
        let codes = match (self.values()?, &target.kind) {
            (Values::Classes(field, classes), TargetKind::Classes { .. }) => {
                let mut numbers = Vec::new();
                for (label, [held_out, trained]) in &classes.labels {
                    let number = known.iter().position(|known| known == label);
                    match number.and_then(|number| rows.get_mut(number)) {
                        Some(rows) => *rows = *trained,
                        None if held_out + trained == 0 => {}
                        None => return Err(unseen(target.name(), label, known)),
                    }
                    numbers.push(number.map(|number| number as u32));
                }
                classes.stored.codes(field, numbers)
            }
            (Values::Numbers(here), TargetKind::Regression { outputs })
                if here.len() == outputs.len() =>
            {
                let scaled = here.into_iter().zip(outputs).enumerate();
                let scaled = scaled.map(|(place, ((field, moments), scale))| {
                    let name = Target::output_name(&target.columns, place);
                    check_range(loss, &moments, &name)?;
                    Ok((field, *scale, name))
                });
                TargetCodes::Scaled(scaled.collect::<Result<_>>()?)
            }
            _ => {
                let message = format!(
                    "{} is not what it was in the training before",
                    target.words()
                );
                return Err(Error::new(ErrorKind::InvalidParameter, message)
                    .hint("Continue with values of the same kind, or train a new model."));
            }
        };
        Ok(Learnt {
            target: target.clone(),
            codes,
            rows,
            notice: None,
        })
    }

    fn values(self) -> Result<Values> {
        let Some(field) = self.slots.first().map(|slot| slot.field) else {
            let message = "there is no target";
            return Err(Error::new(ErrorKind::InvalidParameter, message));
        };
        let classes = |labels, stored| Classes {
            labels,
            stored,
            other: None,
            guessed: false,
        };
        let classes = match self.learned {
            Learned::Labels(labels) => {
                let ordered = labels.ordered().into_iter();
                let (labels, codes) = ordered
                    .map(|(text, rows, code)| ((text, rows), code))
                    .unzip();
                classes(labels, StoredClasses::Words(codes))
            }
            Learned::Booleans(rows) => {
                let labels = ["false", "true"].map(str::to_owned);
                let labels = labels.into_iter().zip(rows).collect();
                classes(labels, StoredClasses::Words(vec![0, 1]))
            }
            Learned::Numbers { outputs, integers } => {
                let Some(integers) = integers.filter(Integers::are_classes) else {
                    return Ok(Values::Numbers(outputs));
                };
                let rows = integers.rows.into_iter();
                let (labels, values) = rows
                    .map(|(value, rows)| ((value.to_string(), rows), value))
                    .unzip();
                Classes {
                    other: integers.other,
                    guessed: !integers.wanted,
                    ..classes(labels, StoredClasses::Integers(values))
                }
            }
        };
        Ok(Values::Classes(field, classes))
    }
}

/// A regression of `outputs`, scaled as `loss` needs it.
fn scaled(
    columns: Vec<TargetColumn>,
    outputs: Vec<(Field, Moments)>,
    loss: Option<Loss>,
) -> Result<Learnt> {
    let mut scales = Vec::new();
    for (place, (_, moments)) in outputs.iter().enumerate() {
        let name = Target::output_name(&columns, place);
        let Some(std) = moments.std() else {
            return Err(too_far(moments.mean, &name));
        };
        let mean = moments.mean;
        scales.push(
            match loss.map_or(Scaling::Standard, |loss| loss.scaling()) {
                Scaling::Standard => Standard { mean, std },
                Scaling::Factor => {
                    let square = mean * mean + moments.m2 / moments.count.max(1) as f64;
                    Standard {
                        mean: 0.0,
                        std: divisor(square.sqrt()),
                    }
                }
                Scaling::Own(..) => {
                    check_range(loss, moments, &name)?;
                    Standard::PLAIN
                }
            },
        );
    }
    let fields = outputs.iter().zip(&scales).enumerate();
    let codes = fields
        .map(|(place, ((field, _), scale))| (*field, *scale, Target::output_name(&columns, place)));
    Ok(Learnt {
        codes: TargetCodes::Scaled(codes.collect()),
        target: Target {
            columns,
            kind: TargetKind::Regression { outputs: scales },
        },
        rows: Vec::new(),
        notice: None,
    })
}

/// Refuses values that the loss has no meaning for.
fn check_range(loss: Option<Loss>, moments: &Moments, name: &str) -> Result<()> {
    let Some((loss, Scaling::Own(least, most))) = loss.map(|loss| (loss, loss.scaling())) else {
        return Ok(());
    };
    let word = loss.name();
    let refused = |value: f64, needs: String| {
        let message =
            format!("target \"{name}\" has the value {value}, but loss {word} needs {needs}");
        Err(Error::new(ErrorKind::InvalidParameter, message)
            .hint("Leave such rows out of the query, or use loss mse, mae or huber."))
    };
    let needs = if most.is_finite() {
        format!("values from {least} to {most}")
    } else {
        format!("values of at least {least}")
    };
    match () {
        () if moments.min < least => refused(moments.min, needs),
        () if moments.count > 0 && moments.max > most => refused(moments.max, needs),
        () => Ok(()),
    }
}
