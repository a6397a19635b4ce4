//! `ml_ref(model)`: makes a model ready and answers a short text that stands for it, `mlref:` and the sha256 of its bytes.
//!
//! The functions that score take the text in place of the model, so that a statement reads and passes the bytes once:
//! `ml_predict((SELECT ml_ref(model) FROM ...), ...)`. The model stays in memory until the statement ends.

use crate::arguments::{Arguments, Declared};
use crate::digest::REFERENCE;
use crate::function::{Answers, Function, TextFunction, loadable};
use crate::model;
use crate::models::Models;
use tablenet_core::Result;

/// What the call holds: each model with its reference.
pub(crate) struct Reference(Models<[u8; REFERENCE]>);

loadable!(Reference, text, ml_ref_init, ml_ref, ml_ref_deinit);

impl Function for Reference {
    const NAME: &'static str = "ml_ref";
    const ANSWERS: Answers = Answers::Text;

    fn new(arguments: &mut Declared<'_>) -> Result<Self> {
        arguments.expect(1, 1, "ml_ref(model)")?;
        model::declare(arguments)?;
        Ok(Self(Models::new()?))
    }
}

impl TextFunction for Reference {
    fn row(&mut self, arguments: &Arguments<'_>) -> Result<Option<&[u8]>> {
        let Some(model) = model::given(arguments) else {
            return Ok(None);
        };
        let slot = self.0.get(model, |ready| Ok(ready.digest().reference()))?;
        Ok(Some(&slot.bound))
    }
}

#[cfg(test)]
mod tests;
