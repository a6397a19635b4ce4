//! accuracy (Keras: the one that fits the outputs).

use super::Kind;
use super::state::{PerRow, State, Subject, class_of};

/// Share of right classes: those that `ml_predict_class` answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Accuracy;

impl Kind for Accuracy {
    const NAMES: &'static [&'static str] = &["accuracy", "acc"];
    const MORE: bool = true;

    fn fits(of: &Subject<'_>) -> bool {
        of.classes()
    }

    fn state(&self, of: &Subject<'_>) -> Box<dyn State> {
        let cut = of.cut();
        PerRow::boxed(of, move |p, y| {
            f64::from(u8::from(class(p, cut) == class_of(y)))
        })
    }
}

/// The class a row of outputs stands for: one output above the cut, or the first of the largest.
pub(super) fn class(row: &[f32], cut: f32) -> usize {
    match row {
        [p] => usize::from(*p > cut),
        _ => (0..row.len())
            .rev()
            .max_by(|&a, &b| row[a].total_cmp(&row[b]))
            .unwrap_or(0),
    }
}
