//! The keys of a spec, and those that are read elsewhere or not at all.

use crate::config::{invalid, unknown};
use crate::{Error, ErrorKind, Result};

/// The keys of a spec.
const KNOWN: [&str; 20] = [
    "layers",
    "optimizer",
    "loss",
    "metrics",
    "epochs",
    "batch_size",
    "validation_split",
    "callbacks",
    "class_weight",
    "sample_weight",
    "preprocess",
    "exclude",
    "split_column",
    "shuffle",
    "seed",
    "max_seconds",
    "target",
    "features",
    "types",
    "labels",
];

/// What ml_train(), which stores the model, reads.
const OF_PROCEDURE: [&str; 3] = ["deploy", "keep_versions", "validation_query"];

/// What PostgreSQL's function has besides.
const NOT_BUILT: [&str; 3] = ["warm_start", "engine", "max_memory"];

/// Refuses a key that nobody would read.
pub(super) fn check(key: &str) -> Result<()> {
    if KNOWN.contains(&key) {
        return Ok(());
    }
    Err(refused(key))
}

#[cold]
pub(super) fn refused(key: &str) -> Error {
    if OF_PROCEDURE.contains(&key) {
        return invalid(format!("{key} is read by ml_train() alone"))
            .hint("Leave it out, or train with ml_train(), which stores the model.");
    }
    if NOT_BUILT.contains(&key) {
        let message = format!("{key} is not supported here");
        return Error::new(ErrorKind::NotSupported, message).hint(match key {
            "max_memory" => "It is limited by the setting work_mem of tablenet.",
            _ => "Leave it out.",
        });
    }
    let error = unknown("key", "keys", key, &KNOWN);
    let hint = error.hint_text().unwrap_or_default().to_owned();
    invalid(format!("unknown key {key:?} of the spec")).hint(hint)
}
