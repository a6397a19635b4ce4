//! hinge and squared_hinge (Keras: `Hinge`, `SquaredHinge`): labels 0 and 1 count as -1 and 1.

use super::Kind;
use super::state::{Elements, Pair, State, Subject};

/// mean max(1 - t p, 0)
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Hinge;

/// mean max(1 - t p, 0)^2
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SquaredHinge;

impl Kind for Hinge {
    const NAMES: &'static [&'static str] = &["hinge"];

    fn fits(of: &Subject<'_>) -> bool {
        of.two()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        Elements::boxed(of, left)
    }
}

impl Kind for SquaredHinge {
    const NAMES: &'static [&'static str] = &["squared_hinge"];

    fn fits(of: &Subject<'_>) -> bool {
        of.two()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        Elements::boxed(of, |it| left(it) * left(it))
    }
}

fn left(it: Pair) -> f64 {
    (1.0 - (2.0 * it.target - 1.0) * it.answer).max(0.0)
}
