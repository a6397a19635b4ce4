//! `ml_predict(model, features ...)`: the value in the target's own units, or the probability of the second of two classes.

use crate::arguments::{Arguments, Declared};
use crate::function::{Answers, Function, RealFunction, loadable};
use crate::site::{Answer, Buffers, Site};
use tablenet_core::{Result, Row, Scorer, Scratch};

struct Predict(Site);

loadable!(
    Predict,
    real,
    ml_predict_init,
    ml_predict,
    ml_predict_deinit
);

/// One number.
struct Number;

impl Answer for Number {
    type Given = f64;

    #[inline]
    fn give<'v>(
        scorer: &Scorer,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        _buffers: &mut Buffers,
    ) -> Result<f64> {
        scorer.predict(row, scratch)
    }
}

impl Function for Predict {
    const NAME: &'static str = "ml_predict";
    const ANSWERS: Answers = Answers::Real;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Site::new(arguments, Self::NAME).map(Self)
    }
}

impl RealFunction for Predict {
    #[inline]
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<f64>> {
        self.0.score::<Number>(arguments)
    }
}

#[cfg(test)]
mod tests;
