//! Where the inputs of a row go in a plan: each to a row of the first kernel, an index to those of its vector.

use crate::layer::front;
use crate::weights::{AT_ONCE, room};
use crate::{Callback, Result};

/// The places of all inputs of a row.
#[derive(Debug)]
pub(crate) struct Places {
    /// For every input its row in the first kernel; one that the network gives no weight has none, nor has an index.
    pub(crate) rows: Vec<Option<u32>>,
    /// The embeddings, in the order of the inputs that are their indices.
    pub(crate) tables: Vec<Table>,
}

/// A frozen embedding.
#[derive(Debug)]
pub(crate) struct Table {
    input: usize,
    row: u32,
    dim: usize,
    /// (vocabulary, dim)
    numbers: Vec<f32>,
}

impl Table {
    /// A copy of the table whose vectors go to `row` of the first kernel and on, which takes time.
    pub(super) fn new(
        table: &front::Table,
        row: u32,
        weights: &[f32],
        callback: &mut dyn Callback,
    ) -> Result<Self> {
        let mut numbers = room(table.parameters())?;
        let all = weights.get(table.offset..).unwrap_or_default();
        for piece in all[..table.parameters().min(all.len())].chunks(AT_ONCE) {
            numbers.extend_from_slice(piece);
            callback.check()?;
        }
        Ok(Self {
            input: table.input,
            row,
            dim: table.dim,
            numbers,
        })
    }

    /// Which input is its index.
    pub(crate) fn input(&self) -> usize {
        self.input
    }

    /// Numbers of a vector.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Indices that have a vector: 0, 1, .. below this.
    pub(crate) fn vocabulary(&self) -> usize {
        self.numbers.len() / self.dim.max(1)
    }

    /// Where the first number of a vector goes; the others follow.
    pub(crate) fn row(&self) -> u32 {
        self.row
    }

    /// What stands for an index; `None` beyond the vocabulary.
    #[inline]
    pub(crate) fn vector(&self, index: u32) -> Option<&[f32]> {
        let start = (index as usize).checked_mul(self.dim)?;
        self.numbers.get(start..start.checked_add(self.dim)?)
    }

    /// As [`Table::vector`], of an input.
    pub(super) fn vector_of_input(&self, x: f32) -> Option<&[f32]> {
        self.vector(front::index(x, self.vocabulary())? as u32)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.numbers.capacity() * size_of::<f32>()
    }
}
