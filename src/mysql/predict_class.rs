//! `ml_predict_class(model, features ...)`: the most probable label, as text.

use crate::function::{Answers, loadable};
use crate::site::{Answer, Buffers, Scoring};
use tablenet_core::{Result, Row, Scorer, Scratch};

/// A label.
pub struct Label;

/// `ml_predict_class`.
type PredictClass = Scoring<Label>;

loadable!(
    PredictClass,
    text,
    ml_predict_class_init,
    ml_predict_class,
    ml_predict_class_deinit
);

impl Answer for Label {
    const NAME: &'static str = "ml_predict_class";
    const ANSWERS: Answers = Answers::Text;
    type Given = ();

    #[inline]
    fn give<'v>(
        scorer: &Scorer,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        buffers: &mut Buffers,
    ) -> Result<()> {
        let label = scorer.predict_class(row, scratch)?;
        buffers.text.clear();
        buffers.text.extend_from_slice(label.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
