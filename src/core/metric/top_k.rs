//! top_k_categorical_accuracy (Keras: `TopKCategoricalAccuracy`, `SparseTopKCategoricalAccuracy`).

use super::Kind;
use super::state::{PerRow, State, Subject, class_of};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// Share of rows where fewer than `k` classes have a larger output than the right one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TopK {
    k: u64,
}

/// Keras's default.
const K: u64 = 5;

impl Default for TopK {
    fn default() -> Self {
        Self { k: K }
    }
}

impl Kind for TopK {
    const NAMES: &'static [&'static str] = &[
        "top_k_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
    ];
    const SETTINGS: &'static [&'static str] = &["k", "from_sorted_ids"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.classes() && of.outputs > 1
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        config.refuse(&["from_sorted_ids"])?;
        let k = config.count("k", 1..=u64::MAX)?.unwrap_or(K);
        Ok(Self { k })
    }

    fn settings(&self) -> Map<String, Value> {
        let given = (self.k != K).then(|| ("k".into(), self.k.into()));
        given.into_iter().collect()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let k = self.k;
        PerRow::boxed(of, move |p, y| {
            let right = p.get(class_of(y)).copied().unwrap_or(f32::NAN);
            let above = p.iter().filter(|&&p| p > right).count() as u64;
            f64::from(u8::from(above < k && !right.is_nan()))
        })
    }
}
