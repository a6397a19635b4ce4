//! `ml_predict_proba(model, features ...)`: the probability of every label, as a JSON object.

use crate::function::{Answers, loadable};
use crate::site::{Answer, Buffers, Scoring};
use tablenet_core::{Result, Row, Scorer, Scratch};

/// `{"label": probability, ...}`
pub struct Probabilities;

/// `ml_predict_proba`.
pub type PredictProba = Scoring<Probabilities>;

loadable!(
    PredictProba,
    text,
    ml_predict_proba_init,
    ml_predict_proba,
    ml_predict_proba_deinit
);

impl Answer for Probabilities {
    const NAME: &'static str = "ml_predict_proba";
    const ANSWERS: Answers = Answers::Text;
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
