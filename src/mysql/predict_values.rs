//! `ml_predict_values(model, features ...)`: the outputs of the network, as a JSON array: values in the targets' own units,
//! or one probability per class.

use crate::function::{Answers, loadable};
use crate::site::{Answer, Buffers, Scoring};
use tablenet_core::{Result, Row, Scorer, Scratch};

/// `[1.5, -2.0, ...]`
pub struct Values;

/// `ml_predict_values`.
pub type PredictValues = Scoring<Values>;

loadable!(
    PredictValues,
    text,
    ml_predict_values_init,
    ml_predict_values,
    ml_predict_values_deinit
);

impl Answer for Values {
    const NAME: &'static str = "ml_predict_values";
    const ANSWERS: Answers = Answers::Text;
    type Given = ();

    #[inline]
    fn give<'v>(
        scorer: &Scorer,
        row: impl Row<'v>,
        scratch: &mut Scratch,
        buffers: &mut Buffers,
    ) -> Result<()> {
        scorer.predict_values(row, scratch, &mut buffers.numbers)?;
        scorer.write_values(&buffers.numbers, &mut buffers.text);
        Ok(())
    }
}
