//! What a user says about the preprocessing of columns: `{"*": {..}, "price*": {..}, "city": {..}}`.
//!
//! ```
//! use tablenet_core::Preprocess;
//! let said = r#"{"*": {"impute": "mean"}, "city": {"encode": {"embedding": {"dim": 4}}, "on_unseen": "error"}}"#;
//! assert!(Preprocess::parse(said).is_ok());
//! let error = Preprocess::parse(r#"{"price": {"scael": "robust"}}"#).expect_err("a typo");
//! assert!(error.hint_text().is_some_and(|hint| hint.contains("scale")));
//! ```

mod indices;
mod options;
mod parse;
mod pattern;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use options::{Bounds, ColumnOptions, Constant, Encode, Impute, Outliers, ScaleChoice};

use crate::Result;
use crate::config::invalid;
use crate::keys::Keys;
use serde_json::{Map, Value};

/// Options by column name or pattern; the default says nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preprocess {
    /// Patterns by their number of literal characters, then by their bytes.
    rules: Vec<Rule>,
}

/// What is said under one key.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    key: String,
    options: ColumnOptions,
    /// As it was given.
    json: Value,
}

impl Preprocess {
    /// Reads a JSON object, which maps the name of a column, or a pattern with `*` and `?`, to its options.
    ///
    /// # Errors
    /// `InvalidParameter` for what is no JSON, for a key that is given twice, and for an unknown option or value, with
    /// the nearest known one.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(invalid("preprocess must not be empty")
                .hint("It is a JSON object: {\"price\": {\"scale\": \"robust\"}}."));
        }
        let keys: Keys<Value> = serde_json::from_str(text)
            .map_err(|error| invalid("preprocess is not valid JSON").detail(format!("{error}.")))?;
        let mut rules = Vec::with_capacity(keys.0.len());
        for (key, json) in keys.0 {
            let options = ColumnOptions::parse(&key, &json)?;
            rules.push(Rule { key, options, json });
        }
        rules.sort_by(|a, b| {
            let rank = |rule: &Rule| pattern::literals(&rule.key);
            rank(a).cmp(&rank(b)).then_with(|| a.key.cmp(&b.key))
        });
        let twice = rules.windows(2).find_map(|pair| match pair {
            [a, b] if a.key == b.key => Some(a.key.clone()),
            _ => None,
        });
        match twice {
            Some(key) => Err(invalid(format!("preprocess names {key:?} twice"))),
            None => Ok(Self { rules }),
        }
    }

    /// As it was said: what [`Preprocess::parse`] reads.
    pub fn to_json(&self) -> Value {
        let rules = self.rules.iter();
        let keys = rules.map(|rule| (rule.key.clone(), rule.json.clone()));
        Value::Object(keys.collect::<Map<_, _>>())
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}
