//! The embeddings of categories, which `ml_train` puts in front of the given layers: one for every input that is an index.
//! x (rows, width) -> z (rows, wide), where z has the vector in place of the index and all other inputs as they are.

use super::{Interrupt, MAX_UNITS, Pace};
use crate::config::invalid;
use crate::sequential::{MAX_PARAMETERS, too_large};
use crate::weights::AT_ONCE;
use crate::{Error, ErrorKind, Result};

/// An input that is an index into a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddingInput {
    /// Which input, counted from 0.
    pub input: usize,
    /// Rows of the table: the index is 0, 1, .. below this.
    pub vocabulary: usize,
    /// Numbers that stand for each index.
    pub dim: usize,
}

/// What a model's rows are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Numbers in a row, indices included.
    pub width: usize,
    /// The inputs that are indices, in ascending order.
    pub embeddings: Vec<EmbeddingInput>,
}

impl From<usize> for Inputs {
    /// Rows of numbers without any index.
    fn from(width: usize) -> Self {
        Self {
            width,
            embeddings: Vec::new(),
        }
    }
}

impl Inputs {
    /// Numbers in a row once the vectors have taken the places of their indices; `None` where that overflows.
    pub(crate) fn wide(&self) -> Option<usize> {
        let dense = self.width.checked_sub(self.embeddings.len())?;
        self.embeddings
            .iter()
            .try_fold(dense, |wide, embedding| wide.checked_add(embedding.dim))
    }

    /// The named guard of embeddings: in order, inside the row, and small enough to be counted.
    pub(crate) fn check(&self) -> Result<()> {
        let mut next = 0;
        for embedding in &self.embeddings {
            let EmbeddingInput {
                input,
                vocabulary,
                dim,
            } = *embedding;
            if input < next || input >= self.width {
                let message = format!("input {input} cannot be an index: it is out of order");
                return Err(invalid(message));
            }
            next = input + 1;
            // An f32 tells all indices up to 2^24 apart.
            if vocabulary == 0 || vocabulary > MAX_UNITS {
                let message = format!(
                    "the vocabulary of an embedding must be from 1 to {MAX_UNITS}, not {vocabulary}"
                );
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
            if dim == 0 || dim > MAX_DIM {
                let message = format!("dim of an embedding must be from 1 to {MAX_DIM}, not {dim}");
                return Err(invalid(message));
            }
        }
        Ok(())
    }
}

/// Keras's class name.
pub(crate) const CLASS: &str = "Embedding";
/// Keras's name of the table.
pub(crate) const VARIABLE: &str = "embeddings";
/// The longest vector.
pub(crate) const MAX_DIM: usize = 1 << 12;

/// The embeddings of a network in their places.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub tables: Vec<Table>,
    /// Width of x.
    pub inputs: usize,
    /// Width of z.
    pub outputs: usize,
    /// Numbers in all tables, which stand at the beginning of the weight vector.
    pub parameters: usize,
}

/// One embedding.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// `embedding_1`
    pub name: String,
    pub input: usize,
    pub vocabulary: usize,
    pub dim: usize,
    /// The first number of its vector in z.
    pub column: usize,
    /// Where it begins in the weight vector.
    pub offset: usize,
}

impl Table {
    /// Numbers in the table, (vocabulary, dim).
    pub fn parameters(&self) -> usize {
        self.vocabulary * self.dim
    }

    /// Where the vector of the index in `x`, a row of inputs, begins and ends in the weights.
    fn vector(&self, x: &[f32]) -> Option<std::ops::Range<usize>> {
        let index = index(*x.get(self.input)?, self.vocabulary)?;
        let start = self.offset + index * self.dim;
        Some(start..start + self.dim)
    }
}

/// The index that stands in an input; `None` unless it is a whole number below `vocabulary`.
#[inline]
pub(crate) fn index(x: f32, vocabulary: usize) -> Option<usize> {
    let index = x as usize;
    (index < vocabulary && index as f32 == x).then_some(index)
}

impl From<usize> for Front {
    /// Without embeddings.
    fn from(inputs: usize) -> Self {
        Self {
            tables: Vec::new(),
            inputs,
            outputs: inputs,
            parameters: 0,
        }
    }
}

impl Front {
    /// Puts the embeddings of `inputs`, which must have been checked, in their places; `names` are theirs in order.
    pub fn new(inputs: &Inputs, names: Vec<String>) -> Result<Self> {
        let mut front = Self::from(inputs.width);
        front.outputs = inputs.wide().ok_or_else(too_large)?;
        let mut wider = 0;
        for (embedding, name) in inputs.embeddings.iter().zip(names) {
            let table = Table {
                name,
                input: embedding.input,
                vocabulary: embedding.vocabulary,
                dim: embedding.dim,
                column: embedding.input + wider,
                offset: front.parameters,
            };
            wider += embedding.dim - 1;
            front.parameters = embedding
                .vocabulary
                .checked_mul(embedding.dim)
                .and_then(|numbers| front.parameters.checked_add(numbers))
                .filter(|parameters| *parameters <= MAX_PARAMETERS)
                .ok_or_else(too_large)?;
            front.tables.push(table);
        }
        Ok(front)
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Fills z (rows, wide) from x (rows, width). `FeatureCount` for an index that no table has.
    pub fn forward(
        &self,
        weights: &[f32],
        x: &[f32],
        z: &mut [f32],
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        let rows = Pace::rows(self.outputs);
        let pieces = x.chunks(rows * self.inputs);
        for (x, z) in pieces.zip(z.chunks_mut(rows * self.outputs)) {
            self.forward_piece(weights, x, z)?;
            interrupt()?;
        }
        Ok(())
    }

    fn forward_piece(&self, weights: &[f32], x: &[f32], z: &mut [f32]) -> Result<()> {
        for (x, z) in x
            .chunks_exact(self.inputs)
            .zip(z.chunks_exact_mut(self.outputs))
        {
            let (mut from, mut to) = (0, 0);
            for table in &self.tables {
                z[to..table.column].copy_from_slice(&x[from..table.input]);
                to = table.column + table.dim;
                let Some(vector) = table.vector(x) else {
                    return Err(no_such_index(table, x[table.input]));
                };
                z[table.column..to].copy_from_slice(&weights[vector]);
                from = table.input + 1;
            }
            z[to..].copy_from_slice(&x[from..]);
        }
        Ok(())
    }

    /// The gradient of the tables (or what is added to it) from that of z: every row adds to the vectors it took.
    pub fn backward(
        &self,
        x: &[f32],
        dz: &[f32],
        gradient: &mut [f32],
        add: bool,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        if !add {
            for piece in gradient[..self.parameters].chunks_mut(AT_ONCE) {
                piece.fill(0.0);
                interrupt()?;
            }
        }
        let rows = Pace::rows(self.outputs);
        let pieces = x.chunks(rows * self.inputs);
        for (x, dz) in pieces.zip(dz.chunks(rows * self.outputs)) {
            self.backward_piece(x, dz, gradient)?;
            interrupt()?;
        }
        Ok(())
    }

    fn backward_piece(&self, x: &[f32], dz: &[f32], gradient: &mut [f32]) -> Result<()> {
        for (x, dz) in x
            .chunks_exact(self.inputs)
            .zip(dz.chunks_exact(self.outputs))
        {
            for table in &self.tables {
                let Some(vector) = table.vector(x) else {
                    return Err(no_such_index(table, x[table.input]));
                };
                let dz = &dz[table.column..table.column + table.dim];
                for (sum, dz) in gradient[vector].iter_mut().zip(dz) {
                    *sum += dz;
                }
            }
        }
        Ok(())
    }
}

#[cold]
fn no_such_index(table: &Table, x: f32) -> Error {
    let Table {
        name,
        input,
        vocabulary,
        ..
    } = table;
    Error::new(
        ErrorKind::FeatureCount,
        format!("input {input} is {x}, no index into the {vocabulary} rows of {name}"),
    )
}
