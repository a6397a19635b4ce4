//! `ml_info(model)`: what a model is, as JSON text: task, target, labels, features, layers, loss, results.

use crate::arguments::{Arguments, Declared};
use crate::cache::Cache;
use crate::function::{Answers, Function, TextFunction, loadable};
use crate::look::Look;
use tablenet_core::Result;

struct Info(Look);

loadable!(Info, text, ml_info_init, ml_info, ml_info_deinit);

impl Function for Info {
    const NAME: &'static str = "ml_info";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        Look::new(arguments, Self::NAME, Cache::of_server()?).map(Self)
    }
}

impl TextFunction for Info {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        self.0.text(
            arguments,
            |ready| ready.info(),
            |file| Ok(file.info()?.to_string()),
        )
    }
}

#[cfg(test)]
mod tests;
