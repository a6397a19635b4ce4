//! true_positives, false_positives, true_negatives and false_negatives (Keras: `TruePositives`, ...).

use super::Kind;
use super::confusion::Positives;
use super::state::{State, Subject};
use crate::Result;
use crate::config::Config;
use serde_json::{Map, Value};

macro_rules! counts {
    ($($(#[$doc:meta])* $metric:ident is $name:ident, more is better: $more:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, PartialEq)]
            pub(super) struct $metric(Positives);

            impl Kind for $metric {
                const NAMES: &'static [&'static str] = &[stringify!($name)];
                const SETTINGS: &'static [&'static str] = &["thresholds"];
                const MORE: bool = $more;

                fn fits(of: &Subject<'_>) -> bool {
                    of.classes() && of.probabilities
                }

                fn read(config: &Config<'_>) -> Result<Self> {
                    Positives::read_threshold(config).map(Self)
                }

                fn settings(&self) -> Map<String, Value> {
                    self.0.settings()
                }

                fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
                    self.0.state(of, |it| it.$name as f64)
                }
            }
        )+
    };
}

counts! {
    /// Positive answers that are right.
    TruePositives is true_positives, more is better: true;
    /// Positive answers that are wrong.
    FalsePositives is false_positives, more is better: false;
    /// Negative answers that are right.
    TrueNegatives is true_negatives, more is better: true;
    /// Negative answers that are wrong.
    FalseNegatives is false_negatives, more is better: false;
}
