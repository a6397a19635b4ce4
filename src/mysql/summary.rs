//! `ml_summary(model)`: the layers of a model as the table of Keras's `model.summary()`.

use crate::arguments::{Arguments, Declared};
use crate::cache::Cache;
use crate::function::{Answers, Function, TextFunction, loadable};
use crate::look::Look;
use tablenet_core::{ModelFile, Result};

pub(crate) struct Summary(Look);

loadable!(
    Summary,
    text,
    ml_summary_init,
    ml_summary,
    ml_summary_deinit
);

impl Function for Summary {
    const NAME: &'static str = "ml_summary";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Look::new(arguments, Self::NAME, Cache::of_server()?).map(Self)
    }
}

impl TextFunction for Summary {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        self.0
            .text(arguments, |ready| ready.summary(), ModelFile::summary_text)
    }
}
