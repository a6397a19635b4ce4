//! The frozen network for scoring one row at a time (Keras: `model.predict`, without its overhead).

mod freeze;
mod places;
mod product;
#[cfg(test)]
mod tests;

use crate::kernels::aligned::Aligned;
pub(crate) use crate::kernels::score::Step;
use crate::kernels::score::{Entry, Op, apply, score};
use crate::layer::front::index;
use crate::weights::room;
use crate::{Activation, Loss, Result};

pub(crate) use freeze::Frozen;
pub(crate) use places::{Places, Table};
pub(crate) use product::{PerStep, Product};

/// A model's arithmetic on flat buffers, without optimizer or gradients. Its answers are the same, bit for bit, on every
/// CPU and at every [`crate::simd::Level`].
#[derive(Debug)]
pub struct Plan {
    ops: Vec<Op>,
    /// Those of the embeddings; none where the caller has them.
    tables: Vec<Table>,
    head: Activation,
    loss: Loss,
    inputs: usize,
    outputs: usize,
    /// Inputs behind the embeddings.
    wide: usize,
    /// Numbers in the widest row on its way.
    widest: usize,
    /// The vectors of an Embedding that takes the inputs, which then are indices.
    vectors: Option<usize>,
}

/// The buffers one caller of [`Plan::run`] needs.
#[derive(Debug)]
pub struct PlanScratch {
    input: Vec<f32>,
    entries: Entries,
    /// What relu left of a row.
    left: Vec<Entry>,
    /// Rows on their way through the layers, in turns; at the end the outputs before and behind the head.
    rows: [Aligned; 2],
    /// Which of `rows` holds the outputs before the head.
    place: usize,
    /// For the steps that layers bring themselves.
    own: Aligned,
}

/// The inputs of a row that are not 0, in order.
#[derive(Debug)]
pub(crate) struct Entries {
    places: Vec<Entry>,
    used: usize,
}

impl Entries {
    pub(crate) fn new(most: usize) -> Result<Self> {
        let mut places = room(most)?;
        places.resize(most, Entry::default());
        Ok(Self { places, used: 0 })
    }

    /// Those of the row.
    #[inline]
    pub(crate) fn all(&self) -> &[Entry] {
        self.places.get(..self.used).unwrap_or_default()
    }

    /// Begins a row; `fill` adds its entries, and says whether it could.
    #[inline]
    pub(crate) fn fill(&mut self, fill: impl FnOnce(&mut Free<'_>) -> Option<()>) -> Option<()> {
        let mut free = Free(self.places.iter_mut());
        let filled = fill(&mut free);
        let left = free.0.len();
        self.used = self.places.len() - left;
        filled
    }
}

/// Places that are still free.
pub(crate) struct Free<'e>(std::slice::IterMut<'e, Entry>);

impl Free<'_> {
    /// Adds an input by its row in the first kernel.
    #[inline(always)]
    pub(crate) fn push(&mut self, row: u32, x: f32) {
        if let Some(place) = self.0.next() {
            *place = Entry { row, x };
        }
    }

    /// Adds inputs side by side, the first of them by its row.
    #[inline(always)]
    pub(crate) fn push_all(&mut self, row: u32, all: &[f32]) {
        let places = std::mem::take(&mut self.0).into_slice();
        let (now, later) = places.split_at_mut(all.len().min(places.len()));
        for ((place, x), row) in now.iter_mut().zip(all).zip(row..) {
            *place = Entry { row, x: *x };
        }
        self.0 = later.iter_mut();
    }
}

impl PlanScratch {
    /// Where the encoded row goes, `inputs` wide. [`Plan::run`] leaves it as it is.
    pub fn input_mut(&mut self) -> &mut [f32] {
        &mut self.input
    }

    /// Where a row goes of which only some inputs are not 0, for [`Plan::score`].
    pub(crate) fn entries_mut(&mut self) -> &mut Entries {
        &mut self.entries
    }
}

impl Plan {
    /// Bytes this plan holds.
    pub fn bytes(&self) -> usize {
        let op = |op: &Op| match op {
            Op::Dense(dense) => dense.kernel.bytes() + dense.bias.bytes(),
            Op::Own { step, .. } => step.bytes(),
            Op::Activate { .. } | Op::Expand { .. } => 0,
        };
        size_of::<Plan>()
            + self.ops.capacity() * size_of::<Op>()
            + self.ops.iter().map(op).sum::<usize>()
            + self.tables.iter().map(Table::bytes).sum::<usize>()
    }

    /// New buffers for [`Plan::run`].
    pub fn scratch(&self) -> Result<PlanScratch> {
        let mut scratch = self.sparse_scratch(self.wide)?;
        scratch.input = room(self.inputs)?;
        scratch.input.resize(self.inputs, 0.0);
        Ok(scratch)
    }

    /// New buffers for [`Plan::score`] with rows of at most `most` entries.
    pub(crate) fn sparse_scratch(&self, most: usize) -> Result<PlanScratch> {
        let scratch = |op: &Op| match op {
            Op::Own { step, .. } => step.scratch(),
            _ => 0,
        };
        let kept = |op: &Op| match op {
            Op::Expand { inputs, kept: true } => inputs.div_ceil(16),
            _ => 0,
        };
        let lines = self.ops.iter().map(scratch).max().unwrap_or(0);
        let kept = self.ops.iter().map(kept).max().unwrap_or(0);
        let own = Aligned::small(lines.saturating_add(kept).saturating_mul(16))?;
        Ok(PlanScratch {
            input: Vec::new(),
            entries: Entries::new(most)?,
            left: Entries::new(self.widest.next_multiple_of(16) + 16)?.places,
            rows: [Aligned::small(self.widest)?, Aligned::small(self.widest)?],
            place: 0,
            own,
        })
    }

    /// Width of a row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Scores the row in `scratch`: probabilities for class targets, else the (standardised) value. An index that its
    /// embedding does not have gives NaN. Allocates nothing.
    pub fn run<'s>(&self, scratch: &'s mut PlanScratch) -> &'s [f32] {
        scratch.entries.fill(|free| {
            let (mut next, mut from) = (0, 0);
            for table in &self.tables {
                let to = table.input();
                for (row, x) in (next..).zip(scratch.input.get(from..to)?) {
                    free.push(row, *x);
                }
                match table.vector_of_input(*scratch.input.get(to)?) {
                    Some(vector) => free.push_all(table.row(), vector),
                    None => free.push(table.row(), f32::NAN),
                }
                next = table.row() + table.dim() as u32;
                from = to + 1;
            }
            for (row, x) in (next..).zip(scratch.input.get(from..)?) {
                free.push(row, *x);
            }
            Some(())
        });
        self.score(scratch)
    }

    /// Scores the entries in `scratch`, whose rows are those of the [`Places`] that [`Plan::sparse`] told. Allocates nothing.
    #[inline]
    pub(crate) fn score<'s>(&self, scratch: &'s mut PlanScratch) -> &'s [f32] {
        let [first, second] = &mut scratch.rows;
        scratch.place = score(
            &self.ops,
            scratch.entries.all(),
            &mut scratch.left,
            [first.lines_mut(), second.lines_mut()],
            scratch.own.lines_mut(),
            self.outputs,
        );
        let (logits, other) = if scratch.place == 0 {
            (first, second)
        } else {
            (second, first)
        };
        let logits = &logits.floats()[..self.outputs];
        if self.head == Activation::Linear {
            return logits;
        }
        let result = &mut other.floats_mut()[..self.outputs];
        result.copy_from_slice(logits);
        apply(self.head, result);
        result
    }

    /// An input of the row in `scratch` that is no index, where all have to be: which one, and what it is.
    #[inline]
    pub(crate) fn no_index(&self, scratch: &PlanScratch) -> Option<(u32, f32)> {
        let vectors = self.vectors?;
        let mut entries = scratch.entries.all().iter();
        let wrong = entries.find(|entry| index(entry.x, vectors).is_none())?;
        Some((wrong.row, wrong.x))
    }

    /// See [`Plan::no_index`].
    pub(crate) fn vectors(&self) -> usize {
        self.vectors.unwrap_or(0)
    }

    /// The loss that the model was trained on.
    pub(crate) fn trained_on(&self) -> Loss {
        self.loss
    }

    /// The model's loss for the row last run, in its stable form, against `target` as in [`crate::Batch`].
    pub fn loss(&self, scratch: &PlanScratch, target: &[f32]) -> f64 {
        self.loss_by(self.loss, scratch, target)
    }

    /// As [`Plan::loss`], by a loss with the same head.
    pub(crate) fn loss_by(&self, loss: Loss, scratch: &PlanScratch, target: &[f32]) -> f64 {
        let logits = scratch.rows[scratch.place].floats();
        loss.of_row(&logits[..self.outputs], target)
    }
}
