//! categorical_accuracy (Keras: `CategoricalAccuracy`, `SparseCategoricalAccuracy`).

use super::Kind;
use super::accuracy::class;
use super::state::{PerRow, State, Subject, class_of};

/// Share of rows whose class has the largest output.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CategoricalAccuracy;

impl Kind for CategoricalAccuracy {
    const NAMES: &'static [&'static str] = &["categorical_accuracy", "sparse_categorical_accuracy"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.classes() && of.outputs > 1
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        PerRow::boxed(of, |p, y| f64::from(u8::from(class(p, 0.5) == class_of(y))))
    }
}
