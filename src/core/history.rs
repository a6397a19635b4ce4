//! What training leaves behind: one line of logs per epoch (Keras: `History`).

use serde::{Deserialize, Deserializer, Serialize};

/// The logs of one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochLogs {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Seconds this epoch took, validation included.
    pub seconds: f64,
    /// Mean loss over the training rows, while the weights moved (as Keras reports it).
    pub loss: f64,
    /// Loss of the validation rows after the epoch.
    pub val_loss: Option<f64>,
    /// The metrics of the training rows, by name, in the order of `compile`.
    #[serde(deserialize_with = "named_numbers")]
    pub metrics: Vec<(String, f64)>,
    /// The metrics of the validation rows; empty without them.
    #[serde(deserialize_with = "named_numbers")]
    pub val_metrics: Vec<(String, f64)>,
}

impl EpochLogs {
    /// Bytes of the logs of one epoch with so many metrics, validation included.
    pub(crate) fn bytes(metrics: usize) -> u64 {
        /// The shortest allocation there is.
        const NAME: usize = 32;
        let entry = size_of::<(String, f64)>() + NAME;
        (2 * size_of::<Self>() + 2 * metrics * entry) as u64
    }

    /// The value logged under Keras's name: `loss`, `mae`, `val_loss`, `val_mae`.
    pub fn get(&self, name: &str) -> Option<f64> {
        let of = |metrics: &[(String, f64)], name: &str| {
            metrics.iter().find(|(n, _)| n == name).map(|&(_, v)| v)
        };
        match name {
            "loss" => Some(self.loss),
            "val_loss" => self.val_loss,
            _ => of(&self.metrics, name)
                .or_else(|| of(&self.val_metrics, name.strip_prefix("val_")?)),
        }
    }
}

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs ran.
    Completed,
    /// The monitored value had not improved for `patience` epochs.
    EarlyStopping,
    /// `max_seconds` had passed.
    MaxSeconds,
    /// The loss or a weight was no number any more, and TerminateOnNaN was there.
    NotFinite,
}

/// The logs of every epoch and how training ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One entry per epoch, the last one perhaps cut short by `max_seconds`.
    pub epochs: Vec<EpochLogs>,
    /// The epoch whose weights the model has, when a callback kept them.
    pub best_epoch: Option<u32>,
    /// Why training ended.
    pub stopped: Stopped,
}

/// An undefined metric is NaN, which JSON writes as null.
fn named_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, f64)>, D::Error> {
    let pairs = Vec::<(String, Option<f64>)>::deserialize(deserializer)?;
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name, value.unwrap_or(f64::NAN)))
        .collect())
}
