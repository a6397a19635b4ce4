//! Texts about a model. A reference finds what is ready; bytes are read for the one answer and not kept, since whoever lists
//! all models does not mean to score with them.

use crate::arguments::{Arguments, Declared};
use crate::cache::Cache;
use crate::digest::Digest;
use crate::model;
use crate::ready::{Ready, not_ready};
use tablenet_core::{ModelFile, Result};

/// A call that looks into models.
pub struct Look {
    cache: &'static Cache,
    text: Vec<u8>,
}

impl Look {
    /// Checks the call `name(model)` in init.
    pub fn new(arguments: &Declared<'_>, name: &str, cache: &'static Cache) -> Result<Self> {
        arguments.expect(1, 1, &format!("{name}(model)"))?;
        model::declare(arguments)?;
        Ok(Self {
            cache,
            text: Vec::new(),
        })
    }

    /// The text of this call's model, `None` for NULL.
    pub fn text(
        &mut self,
        arguments: &Arguments<'_>,
        of_ready: impl FnOnce(&Ready) -> &str,
        of_file: impl FnOnce(&ModelFile) -> Result<String>,
    ) -> Result<Option<&[u8]>> {
        let Some(given) = model::given(arguments) else {
            return Ok(None);
        };
        self.text.clear();
        if Digest::is_reference(given) {
            let found = Digest::of_reference(given).and_then(|digest| self.cache.find(digest));
            let ready = found.ok_or_else(|| not_ready(given))?;
            self.text.extend_from_slice(of_ready(&ready).as_bytes());
        } else {
            let of_ready = |ready: &Ready| of_ready(ready).to_owned();
            self.text = self.cache.look(given, of_ready, of_file)?.into_bytes();
        }
        Ok(Some(&self.text))
    }
}
