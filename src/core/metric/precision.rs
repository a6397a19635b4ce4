//! precision (Keras: `Precision`).

use super::Kind;
use super::confusion::{Positives, SETTINGS, share};
use super::state::{State, Subject};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

/// The share of right ones among the positive answers; 0 without any.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Precision(Positives);

impl Kind for Precision {
    const NAMES: &'static [&'static str] = &["precision"];
    const SETTINGS: &'static [&'static str] = SETTINGS;
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.classes() && of.probabilities
    }

    fn read(config: &Config<'_>) -> Result<Self> {
        Positives::read(config).map(Self)
    }

    fn settings(&self) -> Map<String, Value> {
        self.0.settings()
    }

    fn check(&self, of: &Subject<'_>) -> Result<()> {
        self.0.check(of, "precision")
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        self.0
            .state(of, |it| share(it.true_positives, it.false_positives))
    }
}
