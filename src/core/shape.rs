//! The shape of one row on its way through the layers: (width), (steps, channels) and so on, as Keras has it without the batch.

use crate::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::fmt;

/// The most dimensions of a row.
pub const MAX_RANK: usize = 4;
/// The most numbers in a row on its way.
pub(crate) const MAX_WIDTH: usize = 1 << 30;

/// The limit of a row, and of what all layers make of one.
pub(crate) fn too_wide() -> Error {
    let message = format!("a row cannot have more than {MAX_WIDTH} numbers on its way");
    Error::new(ErrorKind::LimitExceeded, message)
        .hint("Make the layers narrower, or the rows shorter.")
}

/// Dimensions of a row of numbers, which lie in memory with the last one fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// A row of `dims`, none of which is 0.
    ///
    /// # Errors
    /// InvalidParameter for a dimension of 0, none or too many of them; LimitExceeded beyond 2^30 numbers.
    pub fn new(dims: &[usize]) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidParameter, message);
        if dims.is_empty() || dims.len() > MAX_RANK {
            return Err(invalid(format!(
                "a row must have from 1 to {MAX_RANK} dimensions, not {}",
                dims.len()
            )));
        }
        if dims.contains(&0) {
            return Err(invalid("no dimension of a row may be 0".to_owned()));
        }
        let width = dims
            .iter()
            .try_fold(1usize, |width, &n| width.checked_mul(n));
        width
            .filter(|&width| width <= MAX_WIDTH)
            .ok_or_else(too_wide)?;
        let mut shape = Self {
            dims: [1; MAX_RANK],
            rank: dims.len(),
        };
        shape.dims[..dims.len()].copy_from_slice(dims);
        Ok(shape)
    }

    /// The dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.dims.iter().product()
    }

    /// The last dimension: the channels.
    pub fn last(&self) -> usize {
        self.dims[self.rank - 1]
    }

    /// How often the last dimension occurs in a row.
    pub fn leading(&self) -> usize {
        self.dims[..self.rank - 1].iter().product()
    }

    /// The same with another last dimension.
    ///
    /// # Errors
    /// Those of [`Shape::new`].
    pub fn with_last(mut self, last: usize) -> Result<Self> {
        self.dims[self.rank - 1] = last;
        Self::new(&self.dims[..self.rank])
    }

    /// As Keras's JSON has it, with the batch in front: `[null, 24, 1]`.
    pub fn to_json(self) -> Value {
        let dims = self.dims().iter().map(|&n| json!(n));
        Value::Array(std::iter::once(Value::Null).chain(dims).collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims().iter().map(usize::to_string).collect();
        write!(f, "({})", dims.join(", "))
    }
}
