//! `loss`, which may be named among the metrics and is always logged.

use super::Kind;
use super::state::{Elements, State, Subject};

/// The loss itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Loss;

impl Kind for Loss {
    const NAMES: &'static [&'static str] = &["loss"];

    fn fits(_: &Subject<'_>) -> bool {
        true
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        Elements::boxed(of, |_| f64::NAN)
    }
}
