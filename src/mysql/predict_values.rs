//! `ml_predict_values(model, features ...)`: the outputs of the network, as a JSON array: values in the targets' own units,
//! or one probability per class.

use crate::arguments::{Arguments, Declared};
use crate::function::{Answers, Function, TextFunction, loadable};
use crate::site::{Answer, Buffers, Site};
use tablenet_core::{Result, Row, Scorer, Scratch};

pub(crate) struct PredictValues(Site);

loadable!(
    PredictValues,
    text,
    ml_predict_values_init,
    ml_predict_values,
    ml_predict_values_deinit
);

/// `[1.5, -2.0, ...]`
struct Values;

impl Answer for Values {
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

impl Function for PredictValues {
    const NAME: &'static str = "ml_predict_values";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Site::new(arguments, Self::NAME).map(Self)
    }
}

impl TextFunction for PredictValues {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        let answered = self.0.score::<Values>(arguments)?;
        Ok(answered.map(|()| self.0.text()))
    }
}
