//! `ml_predict_proba(model, features ...)`: the probability of every label, as a JSON object.

use crate::arguments::{Arguments, Declared};
use crate::function::{Answers, Function, TextFunction, loadable};
use crate::site::{Answer, Buffers, Site};
use tablenet_core::{Result, Row, Scorer, Scratch};

pub(crate) struct PredictProba(Site);

loadable!(
    PredictProba,
    text,
    ml_predict_proba_init,
    ml_predict_proba,
    ml_predict_proba_deinit
);

/// `{"label": probability, ...}`
struct Probabilities;

impl Answer for Probabilities {
    type Given = ();

    #[inline]
    fn give<'v>(
        scorer: &Scorer,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        buffers: &mut Buffers,
    ) -> Result<()> {
        scorer.predict_proba(row, scratch, &mut buffers.numbers)?;
        scorer.write_proba(&buffers.numbers, &mut buffers.text);
        Ok(())
    }
}

impl Function for PredictProba {
    const NAME: &'static str = "ml_predict_proba";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Site::new(arguments, Self::NAME).map(Self)
    }
}

impl TextFunction for PredictProba {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        let answered = self.0.score::<Probabilities>(arguments)?;
        Ok(answered.map(|()| self.0.text()))
    }
}
