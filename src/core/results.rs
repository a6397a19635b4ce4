//! How good a model was when its training ended.

use crate::EpochLogs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Loss and metrics of the epoch whose weights the model has. What is undefined is absent (JSON null).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    /// The training loss.
    pub(crate) loss: Option<f64>,
    /// The loss of the validation rows.
    pub(crate) val_loss: Option<f64>,
    /// Metrics of the validation rows when there are any, else of the training rows.
    pub(crate) metrics: BTreeMap<String, Option<f64>>,
}

impl Results {
    /// The results of `logs`.
    pub(crate) fn new(logs: &EpochLogs) -> Self {
        let finite = |value: f64| value.is_finite().then_some(value);
        let metrics = if logs.val_loss.is_some() {
            &logs.val_metrics
        } else {
            &logs.metrics
        };
        Self {
            loss: finite(logs.loss),
            val_loss: logs.val_loss.and_then(finite),
            metrics: metrics
                .iter()
                .map(|(name, value)| (name.clone(), finite(*value)))
                .collect(),
        }
    }

    /// The metrics as a JSON object.
    pub(crate) fn metrics_json(&self) -> serde_json::Value {
        let entries = self
            .metrics
            .iter()
            .map(|(name, value)| (name.clone(), serde_json::Value::from(*value)));
        serde_json::Value::Object(entries.collect())
    }
}
