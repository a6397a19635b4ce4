//! What a model has from its training so far, for one that continues.

use tablenet_core::{
    Callback, Column, ModelFile, Result, SpillFactory, TrainOptions, Training, TrainingState,
};

use crate::catalog::{self, StoredModel};
use crate::guc::{self, Memory};
use crate::lookup;

/// A model to train on.
pub struct Before {
    /// Its version.
    pub version: i32,
    file: ModelFile,
    state: TrainingState,
}

impl Before {
    /// The model found as `stored`, with its training state, in `memory`.
    ///
    /// # Errors
    /// Those of [`catalog::read_state`] and [`lookup::file`].
    pub fn of(
        name: &str,
        stored: &StoredModel,
        memory: Memory,
        callback: &mut dyn Callback,
    ) -> Result<Self> {
        let limit = memory.bytes();
        let bytes = catalog::read_state(name, stored, limit, callback)?;
        Ok(Self {
            version: stored.version,
            file: lookup::file(name, stored)?,
            state: TrainingState::from_bytes(&bytes, limit, callback)?,
        })
    }

    /// The columns that it learned.
    pub fn targets(&self) -> Vec<String> {
        let names = self.file.target_names().into_iter();
        names.map(str::to_string).collect()
    }

    /// The options of its last training, for `epochs` epochs more in `memory`.
    pub fn options(&self, epochs: u32, memory: Memory) -> TrainOptions {
        TrainOptions {
            epochs: Some(epochs),
            max_seconds: None,
            memory_limit: memory.bytes(),
            max_model_size: guc::max_model_size(),
            ..self.state.options()
        }
    }

    /// Whether the training reads the column `name`: any other may have any type.
    pub fn reads(&self, name: &str, options: &TrainOptions) -> bool {
        self.file.asks_for(name, options)
    }

    /// The training that continues.
    pub fn resume<'a>(
        self,
        columns: Vec<Column>,
        options: TrainOptions,
        spills: Box<dyn SpillFactory + 'a>,
    ) -> Result<Training<'a>> {
        Training::resume(self.file, self.state, columns, options, spills)
    }
}
