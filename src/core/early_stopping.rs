//! `EarlyStopping`.

use crate::Result;
use serde_json::Value;

/// Stops when the monitored value no longer improves (Keras: `EarlyStopping`).
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    /// `val_loss`, `loss`, `mae`, `val_mae`, ..; absent: `val_loss` when there are validation rows, else `loss`.
    pub monitor: Option<String>,
    /// Smallest change that counts, 0.
    pub min_delta: f64,
    /// Epochs without improvement before stopping, 0.
    pub patience: u32,
    /// Whether less or more is better; `Auto` by the monitor's name.
    pub mode: Mode,
    /// Take the weights of the best epoch at the end.
    pub restore_best_weights: bool,
    /// Epochs to let pass before watching, 0.
    pub start_from_epoch: u32,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By the monitor's name.
    Auto,
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            monitor: None,
            min_delta: 0.0,
            patience: 0,
            mode: Mode::Auto,
            restore_best_weights: false,
            start_from_epoch: 0,
        }
    }
}

impl EarlyStopping {
    /// Reads the `callbacks` argument: a bare `EarlyStopping`, an object or a list of
    /// `{"EarlyStopping": {"patience": 3}}` or Keras's `{"class_name": .., "config": {..}}`.
    pub fn parse_list(_text: &str) -> Result<Vec<EarlyStopping>> {
        todo!()
    }

    /// The canonical form with every setting.
    pub fn to_json(&self) -> Value {
        todo!()
    }
}
