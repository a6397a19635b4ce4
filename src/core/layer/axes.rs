//! The axes along which a layer works, by Keras's numbers: the batch is 0, and -1 is the last one.

use crate::config::{Config, invalid};
use crate::{Error, ErrorKind, Result, Shape};
use serde_json::Value;

/// The `axis` of a layer: a number, or a list; -1 where there is none.
pub(super) fn read(config: &Config) -> Result<Vec<i64>> {
    let wrong = |value: &Value| {
        let what = &config.what;
        invalid(format!(
            "axis of {what} must be a number or a list of numbers, not {value}"
        ))
    };
    match config.get("axis") {
        None => Ok(vec![-1]),
        Some(Value::Array(axes)) if !axes.is_empty() => axes
            .iter()
            .map(|axis| axis.as_i64().ok_or_else(|| wrong(axis)))
            .collect(),
        Some(value) => Ok(vec![value.as_i64().ok_or_else(|| wrong(value))?]),
    }
}

/// As [`read`], where there can be only one.
pub(super) fn one(config: &Config) -> Result<i64> {
    match read(config)?[..] {
        [axis] => Ok(axis),
        ref axes => Err(invalid(format!(
            "{} takes one axis, not {}",
            config.what,
            axes.len()
        ))),
    }
}

/// How many dimensions of a row the axes are, which must be the last ones of it: those that lie together in memory.
pub(super) fn last(layer: &str, axes: &[i64], input: Shape) -> Result<usize> {
    let rank = input.rank() as i64;
    let place = |&axis: &i64| {
        let behind = if axis < 0 { axis + rank + 1 } else { axis };
        (1..=rank).contains(&behind).then_some(behind)
    };
    let mut places: Vec<i64> = axes.iter().filter_map(place).collect();
    places.sort_unstable();
    let first = rank + 1 - axes.len() as i64;
    if places.len() == axes.len() && places.iter().copied().eq(first..=rank) {
        return Ok(places.len());
    }
    let named: Vec<String> = axes.iter().map(i64::to_string).collect();
    let message = format!(
        "axis {} of {layer} is not supported on rows of shape {input}",
        named.join(", ")
    );
    Err(Error::new(ErrorKind::NotSupported, message)
        .hint("It can be -1, the last one; LayerNormalization takes several of the last ones."))
}
