//! What a training is told where a call has no named arguments: one JSON object whose keys are those of PostgreSQL's
//! `ml_train`, and what an aggregate has to be told about its columns.
//!
//! ```
//! use tablenet_core::Spec;
//! let spec = Spec::parse(r#"{"target": "price", "epochs": 20, "optimizer": {"adam": {"learning_rate": 0.01}}}"#, 64 << 20)?;
//! assert_eq!((spec.options.epochs, spec.target), (Some(20), Some(vec!["price".to_owned()])));
//! let error = Spec::parse(r#"{"epohcs": 20}"#, 64 << 20).expect_err("a typo");
//! assert!(error.hint_text().is_some_and(|hint| hint.starts_with("Did you mean \"epochs\"?")));
//! # Ok::<(), tablenet_core::Error>(())
//! ```

mod columns;
mod json;
mod known;
#[cfg(test)]
mod tests;

use crate::budget::exceeded;
use crate::config::invalid;
use crate::keys::Keys;
use crate::{
    ClassWeight, ColumnType, Error, ErrorKind, FitCallback, Loss, Metric, Optimizer, Preprocess,
    Result, Sequential, TrainOptions,
};
use json::Json;
use std::collections::{BTreeMap, HashSet};

/// The longest text: 1 MB for the layers, 1 MB for all the rest.
const MAX_LENGTH: usize = 2 << 20;

/// What one training is told, checked.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// All that PostgreSQL's `ml_train` takes too.
    pub options: TrainOptions,
    /// The column to learn, or several; `None`: the adapter knows its name.
    pub target: Option<Vec<String>>,
    /// The names of the other columns in their order; `None`: the adapter knows them.
    pub features: Option<Vec<String>>,
    /// Types of columns that say more than the server's do, by name.
    pub types: BTreeMap<String, DeclaredType>,
    /// The labels of enums in their declared order, by name of the column.
    pub labels: BTreeMap<String, Vec<String>>,
}

/// The type of a column as the spec declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclaredType {
    /// Its type in tablenet's words.
    pub column_type: ColumnType,
    /// Every value fits an f32: `real`.
    pub single_precision: bool,
}

impl Spec {
    /// Reads the JSON object `text`; nothing, `null` and `{}` are all defaults, as is a key whose value is null.
    /// `memory_limit` becomes that of the options, in bytes.
    ///
    /// # Errors
    /// `InvalidParameter` for what is no such object, an unknown key, a key that is given twice, and every value that
    /// PostgreSQL's `ml_train` refuses; `NotSupported` for what is not built; `LimitExceeded` for a text of more than
    /// 2 MB, `OutOfMemory` where reading it would take more than `memory_limit`.
    pub fn parse(text: &str, memory_limit: u64) -> Result<Self> {
        let mut spec = Self::default();
        spec.options.memory_limit = memory_limit;
        check_length(text, memory_limit)?;
        if text.trim_ascii().is_empty() {
            return Ok(spec);
        }
        let json = Json::parse("the spec", text)?;
        if json.is_null() {
            return Ok(spec);
        }
        let Keys(entries) = json.object("a JSON object")?;
        let mut seen = HashSet::new();
        for (key, value) in &entries {
            known::check(key)?;
            if !seen.insert(key.as_str()) {
                return Err(invalid(format!("the spec has {key:?} twice")));
            }
            if !value.is_null() {
                spec.set(key, value)?;
            }
        }
        spec.options.check()?;
        spec.check_declared()?;
        Ok(spec)
    }

    /// Takes the value of a known key.
    fn set(&mut self, key: &str, value: &Json<'_>) -> Result<()> {
        let options = &mut self.options;
        match key {
            "layers" => options.layers = Some(Sequential::from_json(&value.tree()?)?),
            "optimizer" => options.optimizer = Some(Optimizer::parse(&value.word()?)?),
            "loss" => {
                let (loss, from_logits) = Loss::parse_with_logits(&value.word()?)?;
                (options.loss, options.from_logits) = (Some(loss), from_logits);
            }
            "metrics" => {
                let words = value.words()?;
                let metrics = words.iter().map(|word| Metric::parse(word));
                options.metrics = Some(metrics.collect::<Result<_>>()?);
            }
            "epochs" => options.epochs = Some(TrainOptions::check_epochs(value.integer()?)?),
            "batch_size" => {
                options.batch_size = Some(TrainOptions::check_batch_size(value.integer()?)?);
            }
            "validation_split" => options.validation_split = Some(value.number()?),
            "callbacks" => options.callbacks = Some(FitCallback::parse_list(&value.word()?)?),
            "class_weight" => options.class_weight = Some(ClassWeight::parse(&value.word()?)?),
            "sample_weight" => options.sample_weight = Some(value.text()?),
            "preprocess" => options.preprocess = Preprocess::parse(&value.word()?)?,
            "exclude" => options.exclude = value.names()?,
            "split_column" => options.split_column = Some(value.text()?),
            "shuffle" => options.shuffle = value.flag()?,
            "seed" => options.seed = seed(value.integer()?)?,
            "max_seconds" => options.max_seconds = Some(value.number()?),
            "target" => {
                let names = value.names()?;
                if names.is_empty() {
                    return Err(invalid("target names no column")
                        .hint("Name the column to learn, or leave it out."));
                }
                self.target = Some(names);
            }
            "features" => self.features = Some(value.list("an array of names")?),
            "types" => self.types = columns::types(value)?,
            "labels" => self.labels = columns::labels(value)?,
            _ => return Err(known::refused(key)),
        }
        Ok(())
    }
}

/// Any 64 bits are a seed; a negative number is its two's complement.
fn seed(given: i128) -> Result<u64> {
    let (least, most) = (i128::from(i64::MIN), i128::from(u64::MAX));
    if (least..=most).contains(&given) {
        return Ok(given as u64);
    }
    Err(invalid(format!(
        "seed must be an integer from {least} to {most}, not {given}"
    )))
}

fn check_length(text: &str, memory_limit: u64) -> Result<()> {
    if text.len() > MAX_LENGTH {
        let message = format!("the spec has {} bytes, more than 2 MB", text.len());
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    // JSON takes many times its text.
    let need = text.len() as u64 * 16;
    if need > memory_limit {
        return Err(exceeded("the spec", need, memory_limit));
    }
    Ok(())
}
