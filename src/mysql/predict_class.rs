//! `ml_predict_class(model, features ...)`: the most probable label, as text.

use crate::arguments::{Arguments, Declared};
use crate::function::{Answers, Function, TextFunction, loadable};
use crate::site::{Answer, Buffers, Site};
use tablenet_core::{Result, Row, Scorer, Scratch};

struct PredictClass(Site);

loadable!(
    PredictClass,
    text,
    ml_predict_class_init,
    ml_predict_class,
    ml_predict_class_deinit
);

/// A label.
struct Label;

impl Answer for Label {
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

impl Function for PredictClass {
    const NAME: &'static str = "ml_predict_class";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Site::new(arguments, Self::NAME).map(Self)
    }
}

impl TextFunction for PredictClass {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        let answered = self.0.score::<Label>(arguments)?;
        Ok(answered.map(|()| self.0.text()))
    }
}

#[cfg(test)]
mod tests;
