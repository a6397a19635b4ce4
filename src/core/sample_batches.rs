//! Batches of encoded rows out of the sample store.
//!
//! In memory an epoch is one permutation of all rows, drawn as they are given out. From a spill the blocks are read in a
//! permuted order into a window: every row given out is drawn from all that the window holds, and the next one read
//! takes its place. Both depend on the seed alone (and the second on the memory limit, which sizes the window).

#[cfg(test)]
mod tests;

use crate::budget::with_capacity;
use crate::class_weight::is_weight;
use crate::encoder::RecordEncoder;
use crate::random::Random;
use crate::record::Field;
use crate::samples::Samples;
use crate::target_codes::TargetCodes;
use crate::{Batch, Batches, Budget, Callback, Error, ErrorKind, Result};
use std::rc::Rc;

/// How stored rows become `x` and `y`.
#[derive(Debug)]
pub(crate) struct SampleEncoder {
    /// Of the features.
    pub(crate) features: RecordEncoder,
    /// Of the target.
    pub(crate) target: TargetCodes,
}

impl SampleEncoder {
    /// Appends a stored row to `batch`, which is `width` wide.
    #[inline]
    fn encode(&self, record: &[u8], width: usize, batch: &mut Batch) -> Result<()> {
        let start = batch.x.len();
        batch.x.resize(start + width, 0.0);
        let x = batch.x.get_mut(start..).unwrap_or_default();
        self.features.encode(record, x);
        if !x.iter().fold(true, |finite, x| finite & x.is_finite()) {
            return Err(self.features.overflow(record, x));
        }
        self.target.encode(record, &mut batch.y)?;
        batch.rows += 1;
        Ok(())
    }
}

/// How much stored rows count in the loss.
#[derive(Debug, Default)]
pub(crate) struct RowWeights {
    /// The weight in the record.
    pub(crate) field: Option<Field>,
    /// That of each class; empty where all count alike.
    pub(crate) classes: Vec<f64>,
}

impl RowWeights {
    fn is_empty(&self) -> bool {
        self.field.is_none() && self.classes.is_empty()
    }

    /// The weight of a record whose class, if it has one, is `class`.
    fn of(&self, record: &[u8], class: f32) -> Result<f32> {
        let own = self.field.map_or(1.0, |field| field.number(record));
        let weight = own * self.classes.get(class as usize).copied().unwrap_or(1.0);
        if is_weight(weight) {
            Ok(weight as f32)
        } else {
            let message = format!("a sample_weight of {own} times its class_weight is {weight:e}");
            Err(Error::new(ErrorKind::NotFinite, message).hint("Make the weights smaller."))
        }
    }
}

/// A sample store that can be walked epoch by epoch.
pub(crate) struct SampleBatches {
    samples: Samples,
    encoder: Rc<SampleEncoder>,
    weights: RowWeights,
    /// Rows of a store in memory still to come; the next one is drawn for the last place.
    order: Vec<u32>,
    /// Rows given out of a store in memory that is walked in stored order.
    sequential: u64,
    /// Blocks of a spill still to come, in reverse.
    blocks: Vec<u32>,
    /// Rows of a spill to draw from; without shuffling the block that is walked.
    window: Vec<u8>,
    window_rows: usize,
    /// The block whose rows refill the window, and the bytes of it that have.
    block: Vec<u8>,
    used: usize,
    /// Rows of the spill that were not yet read into the window.
    unread: u64,
    random: Option<Random>,
    budget: Budget,
    charged: u64,
}

const WHAT: &str = "the order of the rows";
/// Rows that are fetched from memory together.
const GROUP: usize = 32;
/// Bytes of a cache line.
const LINE: usize = 64;
/// Items of a permutation between two checks.
const STRIDE: usize = 1 << 16;

/// Bytes that shuffling takes of `samples`; `window_bytes` at most from a spill, but at least two blocks.
pub(crate) fn order_bytes(samples: &Samples, shuffle: bool, window_bytes: u64) -> u64 {
    if samples.spilled() {
        let block = (samples.block_rows() as u64).saturating_mul(samples.row_bytes() as u64);
        let blocks = window_blocks(samples, shuffle, window_bytes) + 1;
        blocks * block + 4 * samples.blocks()
    } else if shuffle {
        4 * samples.rows()
    } else {
        0
    }
}

/// Blocks of a window.
fn window_blocks(samples: &Samples, shuffle: bool, window_bytes: u64) -> u64 {
    let block = (samples.block_rows() as u64)
        .saturating_mul(samples.row_bytes() as u64)
        .max(1);
    if shuffle {
        // Rows of a window are numbered in u32; one more block is the one that is read.
        let most = u64::from(u32::MAX) / samples.block_rows() as u64;
        (window_bytes / block)
            .saturating_sub(1)
            .min(most)
            .clamp(2, samples.blocks().max(2))
    } else {
        1
    }
}

impl SampleBatches {
    /// Batches of `samples`; memory for the order is charged and taken here.
    pub(crate) fn new(
        samples: Samples,
        encoder: Rc<SampleEncoder>,
        shuffle: bool,
        window_bytes: u64,
        budget: &Budget,
    ) -> Result<Self> {
        let charged = order_bytes(&samples, shuffle, window_bytes);
        budget.reserve(charged, WHAT)?;
        let (mut blocks, mut block, mut window_rows, mut rows) = (0, 0, 0, 0);
        if samples.spilled() {
            blocks = samples.blocks() as usize;
            block = samples.block_rows().saturating_mul(samples.row_bytes());
            window_rows = (window_blocks(&samples, shuffle, window_bytes) as usize)
                .saturating_mul(samples.block_rows());
        } else if shuffle {
            rows = samples.rows() as usize;
        }
        Ok(Self {
            encoder,
            weights: RowWeights::default(),
            order: with_capacity(rows, WHAT)?,
            sequential: 0,
            blocks: with_capacity(blocks, WHAT)?,
            window: with_capacity(window_rows.saturating_mul(samples.row_bytes()), WHAT)?,
            window_rows,
            block: with_capacity(block, WHAT)?,
            used: 0,
            unread: 0,
            random: None,
            budget: budget.clone(),
            charged,
            samples,
        })
    }

    /// Lets rows count in the loss as `weights` says.
    pub(crate) fn weighted_by(mut self, weights: RowWeights) -> Self {
        self.weights = weights;
        self
    }

    /// Hands out every row in stored order, as it stands in the store and encoded. Takes no memory but for one row.
    pub(crate) fn each_row(
        &mut self,
        callback: &mut dyn Callback,
        mut visit: impl FnMut(&[u8], &Batch, &mut dyn Callback) -> Result<()>,
    ) -> Result<()> {
        self.start(None, callback)?;
        let width = self.encoder.features.width();
        let encoder = Rc::clone(&self.encoder);
        let mut batch = Batch::default();
        let mut rows = [0; GROUP];
        loop {
            let count = self.next_rows(&mut rows, callback)?;
            let group = rows.get(..count).unwrap_or_default();
            if group.is_empty() {
                return Ok(());
            }
            for &row in group {
                let record = self.record(row);
                batch.x.clear();
                batch.y.clear();
                batch.weights.clear();
                encoder.encode(record, width, &mut batch)?;
                if self.weighted() {
                    let class = batch.y.first().copied().unwrap_or(0.0);
                    batch.weights.push(self.weights.of(record, class)?);
                }
                visit(record, &batch, callback)?;
            }
        }
    }

    /// Reads the next block of a spill to the end of the window, or with `aside` to where the window is refilled from.
    fn read_block(&mut self, aside: bool, callback: &mut dyn Callback) -> Result<()> {
        let buffer = if aside {
            self.block.clear();
            self.used = 0;
            &mut self.block
        } else {
            &mut self.window
        };
        if let Some(block) = self.blocks.pop() {
            self.samples.read_block(u64::from(block), buffer)?;
        }
        callback.check()
    }

    /// Rows in the window.
    fn in_window(&self) -> usize {
        self.window.len() / self.samples.row_bytes()
    }

    /// Fills `rows` with the places of the next rows, in the store or in the window; returns how many, 0 at the end.
    fn next_rows(&mut self, rows: &mut [u32], callback: &mut dyn Callback) -> Result<usize> {
        let spilled = self.samples.spilled();
        let Some(random) = &mut self.random else {
            let mut end = self.samples.rows();
            if spilled {
                if self.sequential >= self.in_window() as u64 {
                    self.window.clear();
                    self.sequential = 0;
                    self.read_block(false, callback)?;
                }
                end = self.in_window() as u64;
            }
            let count = (end - self.sequential).min(rows.len() as u64) as usize;
            for row in rows.iter_mut().take(count) {
                *row = self.sequential as u32;
                self.sequential += 1;
            }
            return Ok(count);
        };
        let mut count = 0;
        if spilled {
            // As many as there will be when the row is taken: the window shrinks when nothing refills it.
            let mut held = self.window.len() / self.samples.row_bytes();
            let mut unread = self.unread;
            for row in rows {
                if held == 0 {
                    break;
                }
                *row = random.below(held as u64) as u32;
                held -= usize::from(unread == 0);
                unread = unread.saturating_sub(1);
                count += 1;
            }
        } else {
            for row in rows {
                if let Some(last) = self.order.len().checked_sub(1) {
                    random.exchange(&mut self.order, last);
                }
                let Some(next) = self.order.pop() else { break };
                *row = next;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Fills the place of a row of the window that was given out: with the next one of the spill, or with the last.
    fn refill(&mut self, row: u32, callback: &mut dyn Callback) -> Result<()> {
        let row_bytes = self.samples.row_bytes();
        let start = row as usize * row_bytes;
        if self.unread == 0 {
            let last = self.window.len().saturating_sub(row_bytes);
            self.window.copy_within(last.., start);
            self.window.truncate(last);
            return Ok(());
        }
        if self.used >= self.block.len() {
            self.read_block(true, callback)?;
        }
        self.unread -= 1;
        let next = self.block.get(self.used..self.used + row_bytes);
        let place = self.window.get_mut(start..start + row_bytes);
        if let (Some(place), Some(next)) = (place, next) {
            place.copy_from_slice(next);
        }
        self.used += row_bytes;
        Ok(())
    }

    /// The stored row at a place that [`Self::next_rows`] gave.
    #[inline]
    fn record(&self, row: u32) -> &[u8] {
        if self.samples.spilled() {
            let start = row as usize * self.samples.row_bytes();
            self.window
                .get(start..start + self.samples.row_bytes())
                .unwrap_or_default()
        } else {
            self.samples.row(row)
        }
    }

    /// Reads a byte of each cache line's neighbourhood of `rows`, so that they come from memory side by side:
    /// one after the other they took four times as long as encoding them.
    #[inline]
    fn touch(&self, rows: &[u32]) {
        let mut sum = 0_u8;
        for row in rows {
            let bytes = self.record(*row).iter().step_by(LINE);
            sum = bytes.fold(sum, |sum, byte| sum ^ byte);
        }
        std::hint::black_box(sum);
    }
}

/// Fills `order` with `0..rows` in reverse.
fn number(order: &mut Vec<u32>, rows: usize, callback: &mut dyn Callback) -> Result<()> {
    order.clear();
    while order.len() < rows {
        let left = rows - order.len();
        order.extend((left.saturating_sub(STRIDE) as u32..left as u32).rev());
        callback.check()?;
    }
    Ok(())
}

impl Batches for SampleBatches {
    fn rows(&self) -> u64 {
        self.samples.rows()
    }

    fn inputs(&self) -> usize {
        self.encoder.features.width()
    }

    fn targets(&self) -> usize {
        self.encoder.target.width()
    }

    fn weighted(&self) -> bool {
        !self.weights.is_empty()
    }

    fn start(&mut self, shuffle: Option<u64>, callback: &mut dyn Callback) -> Result<()> {
        self.random = shuffle.map(|seed| Random::new(seed, 0));
        self.sequential = 0;
        self.order.clear();
        self.window.clear();
        self.block.clear();
        self.used = 0;
        if !self.samples.spilled() {
            if self.random.is_some() {
                number(&mut self.order, self.samples.rows() as usize, callback)?;
            }
            return Ok(());
        }
        number(&mut self.blocks, self.samples.blocks() as usize, callback)?;
        let Some(random) = &mut self.random else {
            return Ok(());
        };
        for i in (1..self.blocks.len()).rev() {
            random.exchange(&mut self.blocks, i);
            if i.is_multiple_of(STRIDE) {
                callback.check()?;
            }
        }
        while self.in_window() + self.samples.block_rows() <= self.window_rows
            && !self.blocks.is_empty()
        {
            self.read_block(false, callback)?;
        }
        self.unread = self.samples.rows() - self.in_window() as u64;
        Ok(())
    }

    fn next(
        &mut self,
        batch_size: usize,
        batch: &mut Batch,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let width = self.encoder.features.width();
        let wanted = (batch_size as u64).min(self.samples.rows()) as usize;
        let stride = ((1 << 18) / (width + 1)).max(1);
        let encoder = Rc::clone(&self.encoder);
        let draws = self.samples.spilled() && self.random.is_some();
        batch.x.clear();
        batch.y.clear();
        reserve(&mut batch.x, wanted.saturating_mul(width))?;
        reserve(&mut batch.y, wanted.saturating_mul(encoder.target.width()))?;
        batch.weights.clear();
        if self.weighted() {
            reserve(&mut batch.weights, wanted)?;
        }
        batch.rows = 0;
        let mut rows = [0; GROUP];
        let mut unchecked = 0;
        while batch.rows < wanted {
            let most = GROUP.min(wanted - batch.rows);
            let count = self.next_rows(rows.get_mut(..most).unwrap_or_default(), callback)?;
            let group = rows.get(..count).unwrap_or_default();
            if group.is_empty() {
                break;
            }
            self.touch(group);
            for &row in group {
                let record = self.record(row);
                let class = batch.y.len();
                encoder.encode(record, width, batch)?;
                if !self.weights.is_empty() {
                    let class = batch.y.get(class).copied().unwrap_or(0.0);
                    batch.weights.push(self.weights.of(record, class)?);
                }
                if draws {
                    self.refill(row, callback)?;
                }
            }
            unchecked += count;
            if unchecked >= stride {
                unchecked = 0;
                callback.check()?;
            }
        }
        Ok(())
    }
}

fn reserve(buffer: &mut Vec<f32>, length: usize) -> Result<()> {
    let missing = length.saturating_sub(buffer.len());
    buffer
        .try_reserve_exact(missing)
        .map_err(|_| crate::budget::refused("a batch", 4 * length as u64))
}

impl Drop for SampleBatches {
    fn drop(&mut self) {
        self.budget.release(self.charged);
    }
}
