//! categorical_hinge (Keras: `CategoricalHinge`).

use super::Kind;
use super::state::{PerRow, State, Subject};
use crate::loss::{self, Kind as _};

/// mean max(1 + n - p_y, 0), where n is the largest output of another class, and at least 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CategoricalHinge;

impl Kind for CategoricalHinge {
    const NAMES: &'static [&'static str] = loss::CategoricalHinge::NAMES;

    fn fits(of: &Subject<'_>) -> bool {
        of.classes() && of.outputs > 1
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        PerRow::boxed(of, |p, y| loss::CategoricalHinge.of_row(p, y))
    }
}
