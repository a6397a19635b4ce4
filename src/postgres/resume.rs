//! What a model has from its training so far, for one that continues.

use tablenet_core::{
    Callback, Column, Error, ErrorKind, Result, SpillFactory, TrainOptions, Training,
};

use crate::catalog::{self, StoredModel};
use crate::guc;

/// A model to train on.
pub struct Before {
    /// Its version.
    pub version: i32,
}

impl Before {
    /// The model `name` with its training state; `None` if there is no such model.
    pub fn find(name: &str, callback: &mut dyn Callback) -> Result<Option<Self>> {
        catalog::find_if_any(name)?
            .map(|stored| Self::of(name, &stored, callback))
            .transpose()
    }

    /// The model found as `stored`, with its training state.
    pub fn of(name: &str, stored: &StoredModel, callback: &mut dyn Callback) -> Result<Self> {
        catalog::read_state(name, stored, guc::work_mem(), callback)?;
        Err(unsupported(name))
    }

    /// The columns that it learned.
    pub fn targets(&self) -> Vec<String> {
        Vec::new()
    }

    /// The options of its last training, for `epochs` epochs more.
    pub fn options(&self, epochs: u32) -> TrainOptions {
        TrainOptions {
            epochs: Some(epochs),
            memory_limit: guc::work_mem(),
            ..TrainOptions::default()
        }
    }

    /// Whether the training reads the column `name`.
    pub fn reads(&self, _name: &str, _options: &TrainOptions) -> bool {
        false
    }

    /// The training that continues.
    pub fn resume<'a>(
        self,
        _columns: Vec<Column>,
        _options: TrainOptions,
        _spills: Box<dyn SpillFactory + 'a>,
    ) -> Result<Training<'a>> {
        Err(unsupported(""))
    }
}

fn unsupported(name: &str) -> Error {
    let message = format!("continuing the training of \"{name}\" is not supported yet");
    Error::new(ErrorKind::NotSupported, message)
}
