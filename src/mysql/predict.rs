//! `ml_predict(model, features ...)`: the value in the target's own units, or the probability of the second of two classes.

use crate::function::{Answers, loadable};
use crate::site::{Answer, Buffers, Scoring};
use tablenet_core::{Result, Row, Scorer, Scratch};

/// One number.
pub struct Number;

/// `ml_predict`.
type Predict = Scoring<Number>;

loadable!(
    Predict,
    real,
    ml_predict_init,
    ml_predict,
    ml_predict_deinit
);

impl Answer for Number {
    const NAME: &'static str = "ml_predict";
    const ANSWERS: Answers = Answers::Real;
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

#[cfg(test)]
mod tests;
