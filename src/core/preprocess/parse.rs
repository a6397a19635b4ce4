//! Reads the options of one column.

use super::options::{Bounds, ColumnOptions, Constant, Encode, Impute, Outliers, ScaleChoice};
use crate::Result;
use crate::config::{Config, invalid, tagged, unknown};
use crate::encoder::{MAX_PLACES, Part, Scale, Unseen};
use serde_json::Value;

/// The options by name.
const OPTIONS: [&str; 8] = [
    "impute",
    "indicator",
    "scale",
    "outliers",
    "encode",
    "max_categories",
    "on_unseen",
    "parts",
];
const IMPUTE: [&str; 7] = [
    "mean", "median", "mode", "constant", "error", "drop_row", "missing",
];
const SCALE: [&str; 7] = [
    "auto", "standard", "min_max", "max_abs", "robust", "log1p", "none",
];
const OUTLIERS: [&str; 3] = ["keep", "clip", "drop"];
const BOUNDS: [&str; 2] = ["quantiles", "stddev"];
const ENCODE: [&str; 5] = ["auto", "one_hot", "embedding", "ordinal", "hash"];
const UNSEEN: [&str; 3] = ["other", "missing", "error"];
const PARTS: [&str; 4] = ["month", "day", "weekday", "hour"];

/// The most numbers of an embedding's vector.
const MAX_DIM: u64 = 1024;
/// Buckets where none are given.
const BUCKETS: u64 = 1024;

impl ColumnOptions {
    /// Reads what is said under `key`.
    pub(super) fn parse(key: &str, json: &Value) -> Result<Self> {
        let config = Config::new(format!("preprocess {key:?}"), Some(json), &OPTIONS)?;
        Ok(Self {
            impute: config.get("impute").map(impute).transpose()?,
            indicator: match config.get("indicator") {
                None => None,
                Some(_) => Some(config.flag("indicator", false)?),
            },
            scale: config.get("scale").map(scale).transpose()?,
            outliers: config.get("outliers").map(outliers).transpose()?,
            encode: config.get("encode").map(encode).transpose()?,
            max_categories: config
                .count("max_categories", 1..=MAX_PLACES as u64)?
                .map(|most| most as usize),
            on_unseen: config.get("on_unseen").map(unseen).transpose()?,
            parts: config.get("parts").map(parts).transpose()?,
        })
    }
}

/// A word of `known`.
fn word<'a>(what: &str, plural: &str, json: &'a Value, known: &[&str]) -> Result<&'a str> {
    match json {
        Value::String(word) if known.contains(&word.as_str()) => Ok(word),
        Value::String(word) => Err(unknown(what, plural, word, known)),
        _ => Err(invalid(format!("{what} must be a word, not {json}"))
            .hint(format!("Known {plural}: {}.", known.join(", ")))),
    }
}

fn impute(json: &Value) -> Result<Impute> {
    let (name, setting) = tagged("impute", json)?;
    let known = match name {
        "mean" => Impute::Mean,
        "median" => Impute::Median,
        "mode" => Impute::Mode,
        "error" => Impute::Error,
        "drop_row" => Impute::DropRow,
        "missing" => Impute::Missing,
        "constant" => {
            let value = setting.filter(|value| !value.is_null());
            let value = value.ok_or_else(|| {
                invalid("impute constant needs a value").hint("Write {\"constant\": 0}.")
            })?;
            return Ok(Impute::Constant(constant(value)?));
        }
        other => return Err(unknown("impute", "values of impute", other, &IMPUTE)),
    };
    no_settings("impute", name, setting)?;
    Ok(known)
}

fn constant(json: &Value) -> Result<Constant> {
    let refused = || {
        invalid(format!("impute constant cannot be {json}"))
            .hint("It is a number, a text, true or false, or for an array a list of numbers.")
    };
    let number = |json: &Value| json.as_f64().filter(|number| number.is_finite());
    match json {
        Value::Bool(value) => Ok(Constant::Boolean(*value)),
        Value::Number(_) => number(json).map(Constant::Number).ok_or_else(refused),
        Value::String(text) => Ok(Constant::Text(text.clone())),
        Value::Array(elements) => {
            let numbers: Option<Vec<f64>> = elements.iter().map(number).collect();
            numbers.map(Constant::Numbers).ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

fn scale(json: &Value) -> Result<ScaleChoice> {
    Ok(match word("scale", "scales", json, &SCALE)? {
        "standard" => ScaleChoice::As(Scale::Standard),
        "min_max" => ScaleChoice::As(Scale::MinMax),
        "max_abs" => ScaleChoice::As(Scale::MaxAbs),
        "robust" => ScaleChoice::As(Scale::Robust),
        "log1p" => ScaleChoice::As(Scale::Log1p),
        "none" => ScaleChoice::As(Scale::None),
        _ => ScaleChoice::Auto,
    })
}

fn outliers(json: &Value) -> Result<Outliers> {
    let (name, setting) = tagged("outliers", json)?;
    match name {
        "keep" => {
            no_settings("outliers", name, setting)?;
            Ok(Outliers::Keep)
        }
        "clip" => Ok(Outliers::Clip(bounds(name, setting)?)),
        "drop" => Ok(Outliers::Drop(bounds(name, setting)?)),
        other => Err(unknown("outliers", "values of outliers", other, &OUTLIERS)),
    }
}

fn bounds(name: &str, json: Option<&Value>) -> Result<Bounds> {
    let what = format!("outliers {name}");
    let config = Config::new(what.as_str(), json, &BOUNDS)?;
    match (config.get("quantiles"), config.get("stddev")) {
        (Some(json), None) => {
            let pair = match json.as_array().map(Vec::as_slice) {
                Some([low, high]) => low.as_f64().zip(high.as_f64()),
                _ => None,
            };
            match pair {
                Some((low, high)) if 0.0 <= low && low < high && high <= 1.0 => {
                    Ok(Bounds::Quantiles([low, high]))
                }
                _ => Err(invalid(format!(
                    "quantiles of {what} must be two ascending numbers from 0 to 1, not {json}"
                ))),
            }
        }
        (None, Some(_)) => {
            let wanted = "a number above 0";
            let stddev = config.number("stddev", 3.0, wanted, |stddev| stddev > 0.0)?;
            Ok(Bounds::Stddev(stddev))
        }
        _ => Err(
            invalid(format!("{what} needs either quantiles or stddev")).hint(
                "Write {\"clip\": {\"quantiles\": [0.01, 0.99]}} or {\"clip\": {\"stddev\": 3}}.",
            ),
        ),
    }
}

fn encode(json: &Value) -> Result<Encode> {
    let (name, setting) = tagged("encode", json)?;
    let dim = |config: &Config<'_>| -> Result<Option<usize>> {
        Ok(config.count("dim", 1..=MAX_DIM)?.map(|dim| dim as usize))
    };
    Ok(match name {
        "auto" | "one_hot" => {
            no_settings("encode", name, setting)?;
            if name == "auto" {
                Encode::Auto
            } else {
                Encode::OneHot
            }
        }
        "embedding" => {
            let config = Config::new("encode embedding", setting, &["dim"])?;
            Encode::Embedding { dim: dim(&config)? }
        }
        "ordinal" => {
            let config = Config::new("encode ordinal", setting, &["order"])?;
            let order = config.get("order").map(order).transpose()?;
            Encode::Ordinal { order }
        }
        "hash" => {
            let config = Config::new("encode hash", setting, &["buckets", "dim"])?;
            let buckets = config.count("buckets", 1..=MAX_PLACES as u64)?;
            let buckets = buckets.unwrap_or(BUCKETS) as u32;
            let dim = dim(&config)?;
            Encode::Hash { buckets, dim }
        }
        other => return Err(unknown("encode", "values of encode", other, &ENCODE)),
    })
}

fn order(json: &Value) -> Result<Vec<String>> {
    let refused = |what: &str| invalid(format!("order of encode ordinal {what}"));
    let texts = json.as_array().and_then(|list| {
        let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    let texts = texts.filter(|texts| !texts.is_empty());
    let texts = texts.ok_or_else(|| refused(&format!("must be a list of texts, not {json}")))?;
    let mut seen = std::collections::HashSet::new();
    match texts.iter().find(|text| !seen.insert(text.as_str())) {
        Some(twice) => Err(refused(&format!("has {twice:?} twice"))),
        None => Ok(texts),
    }
}

fn unseen(json: &Value) -> Result<Unseen> {
    let word = word("on_unseen", "values of on_unseen", json, &UNSEEN)?;
    Ok(match word {
        "missing" => Unseen::Missing,
        "error" => Unseen::Error,
        _ => Unseen::Other,
    })
}

fn parts(json: &Value) -> Result<Vec<Part>> {
    let list = json.as_array();
    let list = list.ok_or_else(|| invalid(format!("parts must be a list, not {json}")))?;
    let mut parts = Vec::new();
    for json in list {
        let part = match word("part", "parts", json, &PARTS)? {
            "month" => Part::Month,
            "day" => Part::Day,
            "weekday" => Part::Weekday,
            _ => Part::Hour,
        };
        if parts.contains(&part) {
            return Err(invalid(format!("parts has {json} twice")));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Refuses settings of a word that has none.
fn no_settings(what: &str, name: &str, setting: Option<&Value>) -> Result<()> {
    match setting {
        None | Some(Value::Null | Value::Bool(true)) => Ok(()),
        Some(Value::Object(map)) if map.is_empty() => Ok(()),
        Some(_) => Err(invalid(format!("{what} {name} has no settings"))),
    }
}
