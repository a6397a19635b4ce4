//! What a spec says about single columns.

use super::json::Json;
use super::{DeclaredType, Spec};
use crate::config::{invalid, unknown};
use crate::keys::Keys;
use crate::nearest::nearest;
use crate::{ColumnType, Error, ErrorKind, Result};
use std::collections::{BTreeMap, HashSet};

/// The words for types, and whether every value fits an f32.
const TYPES: [(&str, ColumnType, bool); 11] = [
    ("number", ColumnType::Number, false),
    ("real", ColumnType::Number, true),
    ("boolean", ColumnType::Boolean, false),
    ("category", ColumnType::Category, false),
    ("text", ColumnType::Category, false),
    ("date", ColumnType::Date, false),
    ("timestamp", ColumnType::Timestamp, false),
    ("timestamptz", ColumnType::TimestampTz, false),
    ("time", ColumnType::Time, false),
    ("interval", ColumnType::Interval, false),
    ("vector", ColumnType::Vector, false),
];

/// `{"name": "type"}`
pub(super) fn types(json: &Json<'_>) -> Result<BTreeMap<String, DeclaredType>> {
    by_name("types", json, |name, value| {
        let word = value.text()?;
        let found = TYPES.iter().find(|(known, ..)| *known == word);
        let Some((_, column_type, single_precision)) = found else {
            let what = format!("type of column \"{name}\":");
            return Err(unknown(
                &what,
                "types",
                &word,
                &TYPES.map(|(word, ..)| word),
            ));
        };
        Ok(DeclaredType {
            column_type: *column_type,
            single_precision: *single_precision,
        })
    })
}

/// `{"name": ["label", ..]}`
pub(super) fn labels(json: &Json<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    by_name("labels", json, |name, value| {
        let labels = value.list("an array of labels")?;
        let mut seen = HashSet::new();
        match labels.iter().find(|label| !seen.insert(label.as_str())) {
            Some(twice) => Err(invalid(format!(
                "labels of column \"{name}\" has {twice:?} twice"
            ))),
            None if labels.is_empty() => {
                Err(invalid(format!("labels of column \"{name}\" is empty")))
            }
            None => Ok(labels),
        }
    })
}

fn by_name<T>(
    key: &str,
    json: &Json<'_>,
    read: impl Fn(&str, &Json<'_>) -> Result<T>,
) -> Result<BTreeMap<String, T>> {
    let Keys(entries) = json.object("an object by names of columns")?;
    let mut found = BTreeMap::new();
    for (name, value) in entries {
        let value = read(&name, &value.of(key))?;
        if found.contains_key(&name) {
            return Err(invalid(format!("{key} names {name:?} twice")));
        }
        found.insert(name, value);
    }
    Ok(found)
}

impl Spec {
    /// Refuses types and labels of columns other than `names`, which are all columns of the call.
    pub fn check_columns(&self, names: &[&str]) -> Result<()> {
        let types = self.types.keys().map(|name| ("types", name));
        let mut declared = types.chain(self.labels.keys().map(|name| ("labels", name)));
        let Some((key, name)) = declared.find(|(_, name)| !names.contains(&name.as_str())) else {
            return Ok(());
        };
        let message = format!("{key} of the spec names \"{name}\", which is no column");
        let error = Error::new(ErrorKind::UnknownColumn, message);
        Err(match nearest(name, names.iter().copied()) {
            Some(near) => error.hint(format!("Did you mean \"{near}\"?")),
            None => error,
        })
    }

    /// Refuses declarations that contradict each other.
    pub(super) fn check_declared(&self) -> Result<()> {
        for name in self.labels.keys() {
            match self.types.get(name) {
                Some(declared) if declared.column_type != ColumnType::Category => {
                    let words = declared.column_type.words();
                    return Err(invalid(format!(
                        "column \"{name}\" has labels, but its type is {words}"
                    ))
                    .hint("Labels are those of texts."));
                }
                _ => {}
            }
        }
        match (&self.target, &self.features) {
            (Some(target), Some(features)) => {
                let names = target.iter().chain(features).map(String::as_str);
                self.check_columns(&names.collect::<Vec<_>>())
            }
            _ => Ok(()),
        }
    }
}
