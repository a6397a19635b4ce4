//! What a walk over the training rows needs.

use crate::samples::Samples;
use crate::{Budget, Callback, Pool};

/// The training rows, once all were read, and the means to walk them.
pub(crate) struct Pass<'p> {
    pub(crate) samples: &'p mut Samples,
    pub(crate) seed: u64,
    pub(crate) budget: &'p Budget,
    pub(crate) callback: &'p mut dyn Callback,
    pub(crate) pool: &'p Pool,
}
