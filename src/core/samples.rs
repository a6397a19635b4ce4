//! The sample store: rows of fixed width in blocks, in memory or in a spill.

#[cfg(test)]
mod tests;

use crate::budget::with_capacity;
use crate::{Budget, Callback, Result, Spill, SpillFactory};

/// Bytes of whole rows that are written and read together.
const BLOCK: usize = 64 << 10;

/// Rows of `row_bytes` each, appended one by one, then read any number of times.
pub(crate) struct Samples {
    row_bytes: usize,
    block_rows: usize,
    rows: u64,
    /// Rows that still fit in the last chunk.
    free: usize,
    /// All rows while in memory, each chunk a block; the rows of the last, unwritten block once spilled.
    chunks: Vec<Vec<u8>>,
    /// A block's memory that waits for rows, once spilled.
    spare: Option<Vec<u8>>,
    /// The first block with rows that no borrower has seen, and the bytes of it that one has.
    unseen: usize,
    seen: usize,
    spill: Option<Box<dyn Spill>>,
    budget: Budget,
    charged: u64,
}

/// Blocks on loan.
#[derive(Debug)]
pub(crate) struct Lent {
    blocks: Vec<Vec<u8>>,
    /// The place of the first.
    place: usize,
    seen: usize,
}

impl Lent {
    /// Their rows that no borrower has seen.
    pub(crate) fn unseen(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let mut seen = self.seen;
        self.blocks.iter_mut().map(move |block| {
            block
                .get_mut(std::mem::take(&mut seen)..)
                .unwrap_or_default()
        })
    }
}

const WHAT: &str = "the training data";

impl Samples {
    /// An empty store for rows of `row_bytes`.
    pub(crate) fn new(row_bytes: usize, budget: Budget) -> Self {
        let row_bytes = row_bytes.max(1);
        let block_rows = (BLOCK / row_bytes).max(1);
        Self {
            row_bytes,
            block_rows,
            rows: 0,
            free: 0,
            chunks: Vec::new(),
            spare: None,
            unseen: 0,
            seen: 0,
            spill: None,
            budget,
            charged: 0,
        }
    }

    /// Rows stored.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of one row.
    pub(crate) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Rows of one block; the last block may have fewer.
    pub(crate) fn block_rows(&self) -> usize {
        self.block_rows
    }

    /// Bytes of memory charged for rows.
    pub(crate) fn charged(&self) -> u64 {
        self.charged
    }

    /// Whether the rows are in a spill.
    pub(crate) fn spilled(&self) -> bool {
        self.spill.is_some()
    }

    /// Bytes that the next row will take from the budget: 0 unless a new chunk begins.
    pub(crate) fn next_need(&self) -> u64 {
        if self.free > 0 || self.spilled() {
            0
        } else {
            (self.block_rows as u64).saturating_mul(self.row_bytes as u64)
        }
    }

    /// A new row of zeros at the end, to be filled.
    pub(crate) fn append(&mut self) -> Result<&mut [u8]> {
        if self.free == 0 {
            self.grow()?;
        }
        self.free -= 1;
        self.rows += 1;
        let Some(chunk) = self.chunks.last_mut() else {
            return Ok(&mut []);
        };
        let start = chunk.len();
        chunk.resize(start + self.row_bytes, 0);
        Ok(chunk.get_mut(start..).unwrap_or_default())
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        if let Some(spill) = &mut self.spill
            && let Some(block) = self.chunks.last_mut()
        {
            spill.append(block)?;
            block.clear();
            self.free = self.block_rows;
            self.seen = 0;
            return Ok(());
        }
        let chunk = match self.spare.take() {
            Some(spare) => spare,
            None => {
                let bytes = self.block_rows.saturating_mul(self.row_bytes);
                self.budget.reserve(bytes as u64, WHAT)?;
                self.charged += bytes as u64;
                with_capacity(bytes, WHAT)?
            }
        };
        if self.spilled() {
            self.seen = 0;
        }
        self.chunks.push(chunk);
        self.free = self.block_rows;
        Ok(())
    }

    /// Takes the last row back.
    pub(crate) fn unappend(&mut self) {
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.truncate(chunk.len().saturating_sub(self.row_bytes));
            self.free += 1;
            self.rows -= 1;
        }
    }

    /// All rows so far need no borrower any more.
    pub(crate) fn mark_seen(&mut self) {
        self.unseen = self.chunks.len().saturating_sub(1);
        self.seen = self.chunks.last().map_or(0, Vec::len);
    }

    /// Blocks with rows that no borrower has seen.
    pub(crate) fn unseen_blocks(&self) -> usize {
        self.chunks.len() - self.unseen.min(self.chunks.len())
    }

    /// Whether the next row needs the memory of another block, while those it has are on loan.
    pub(crate) fn lacks_block(&self) -> bool {
        let bytes = self.block_rows as u64 * self.row_bytes as u64;
        self.spilled()
            && self.chunks.is_empty()
            && self.spare.is_none()
            && self.budget.available() < bytes
    }

    /// Whether the last block has no room for another row.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.free == 0
    }

    /// Lends out the blocks with rows that no borrower has seen. They must come back before the store spills or is read,
    /// and in the order of lending; a block that is not full also before the next row.
    pub(crate) fn lend(&mut self) -> Option<Lent> {
        let (place, seen) = (self.unseen, self.seen);
        let blocks = self.chunks.get_mut(place..).unwrap_or_default();
        if blocks.iter().map(Vec::len).sum::<usize>() <= seen {
            return None;
        }
        let blocks: Vec<_> = blocks.iter_mut().map(std::mem::take).collect();
        self.unseen = self.chunks.len().saturating_sub(1);
        self.seen = blocks.last().map_or(0, Vec::len);
        if self.spilled() {
            self.chunks.clear();
        }
        Some(Lent {
            blocks,
            place,
            seen,
        })
    }

    /// Takes blocks back; a full one of a spilled store is written.
    pub(crate) fn settle(&mut self, lent: Lent) -> Result<()> {
        let places = lent.place..;
        for (mut block, place) in lent.blocks.into_iter().zip(places) {
            match &mut self.spill {
                None => {
                    if let Some(chunk) = self.chunks.get_mut(place) {
                        *chunk = block;
                    }
                }
                Some(spill) if block.len() >= self.block_rows * self.row_bytes => {
                    spill.append(&block)?;
                    block.clear();
                    self.spare = Some(block);
                }
                Some(_) => self.chunks.push(block),
            }
        }
        Ok(())
    }

    /// Moves all rows into a file and gives their memory back.
    pub(crate) fn spill(
        &mut self,
        factory: &mut dyn SpillFactory,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        if self.spilled() {
            return Ok(());
        }
        let mut spill = factory.create()?;
        let block_bytes = self.block_rows * self.row_bytes;
        let mut last = with_capacity(block_bytes, WHAT)?;
        for chunk in std::mem::take(&mut self.chunks) {
            for block in chunk.chunks(block_bytes) {
                if block.len() == block_bytes {
                    spill.append(block)?;
                } else {
                    last.extend_from_slice(block);
                }
                callback.check()?;
            }
        }
        self.budget.release(self.charged);
        self.charged = 0;
        self.budget.reserve(block_bytes as u64, WHAT)?;
        self.charged = block_bytes as u64;
        self.free = self.block_rows - last.len() / self.row_bytes;
        // Whoever lends has everything seen before.
        (self.unseen, self.seen) = (0, last.len());
        self.chunks.push(last);
        self.spill = Some(spill);
        Ok(())
    }

    /// Leaves out the rows that `keep` refuses. Of a spilled store the others go to a new spill, for which two blocks are
    /// charged meanwhile. All blocks must be at home.
    pub(crate) fn retain(
        &mut self,
        factory: &mut dyn SpillFactory,
        callback: &mut dyn Callback,
        mut keep: impl FnMut(&[u8]) -> bool,
    ) -> Result<()> {
        let row_bytes = self.row_bytes;
        let block_bytes = self.block_rows * row_bytes;
        let mut kept = 0;
        if !self.spilled() {
            let mut chunks: Vec<Vec<u8>> = Vec::new();
            for mut chunk in std::mem::take(&mut self.chunks) {
                kept += squeeze(&mut chunk, row_bytes, &mut keep) as u64;
                if let Some(last) = chunks.last_mut() {
                    let moved = chunk.len().min(block_bytes - last.len());
                    last.extend(chunk.drain(..moved));
                }
                if chunk.is_empty() {
                    self.charged -= block_bytes as u64;
                    self.budget.release(block_bytes as u64);
                } else {
                    chunks.push(chunk);
                }
                callback.check()?;
            }
            self.chunks = chunks;
        } else {
            let mut spill = factory.create()?;
            self.budget.reserve(2 * block_bytes as u64, WHAT)?;
            let mut buffer = with_capacity(block_bytes, WHAT)?;
            let mut last: Vec<u8> = with_capacity(block_bytes, WHAT)?;
            for index in 0..self.blocks() {
                buffer.clear();
                self.read_block(index, &mut buffer)?;
                kept += squeeze(&mut buffer, row_bytes, &mut keep) as u64;
                let (first, rest) = buffer.split_at(buffer.len().min(block_bytes - last.len()));
                last.extend_from_slice(first);
                if last.len() == block_bytes {
                    spill.append(&last)?;
                    last.clear();
                    last.extend_from_slice(rest);
                }
                callback.check()?;
            }
            // The memory of the last block takes the place of the one before.
            self.chunks.clear();
            self.chunks.push(last);
            self.spare = None;
            self.budget.release(2 * block_bytes as u64);
            self.spill = Some(spill);
        }
        self.rows = kept;
        self.free = self
            .chunks
            .last()
            .map_or(0, |last| (block_bytes - last.len()) / row_bytes);
        self.mark_seen();
        Ok(())
    }

    /// Blocks, the last one perhaps shorter.
    pub(crate) fn blocks(&self) -> u64 {
        self.rows.div_ceil(self.block_rows as u64)
    }

    /// Appends block `index` of a spilled store to `buffer`.
    pub(crate) fn read_block(&mut self, index: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let Some(spill) = &mut self.spill else {
            return Ok(());
        };
        let block_bytes = self.block_rows * self.row_bytes;
        let last = self.chunks.last().filter(|last| !last.is_empty());
        match last {
            Some(last) if index + 1 == self.rows.div_ceil(self.block_rows as u64) => {
                buffer.extend_from_slice(last)
            }
            _ => {
                let start = buffer.len();
                buffer.resize(start + block_bytes, 0);
                spill.read_at(
                    index * block_bytes as u64,
                    buffer.get_mut(start..).unwrap_or_default(),
                )?;
            }
        }
        Ok(())
    }

    /// Row `index` of a store in memory.
    #[inline]
    pub(crate) fn row(&self, index: u32) -> &[u8] {
        let (chunk, row) = (
            index as usize / self.block_rows,
            index as usize % self.block_rows,
        );
        let start = row * self.row_bytes;
        self.chunks
            .get(chunk)
            .and_then(|chunk| chunk.get(start..start + self.row_bytes))
            .unwrap_or_default()
    }

    /// Walks all rows in stored order: `visit` is given whole rows, up to a chunk of them.
    pub(crate) fn for_each(
        &mut self,
        callback: &mut dyn Callback,
        mut visit: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if !self.spilled() {
            for chunk in &self.chunks {
                for rows in chunk.chunks(self.block_rows * self.row_bytes) {
                    visit(rows)?;
                    callback.check()?;
                }
            }
            return Ok(());
        }
        let block_bytes = self.block_rows * self.row_bytes;
        self.budget.reserve(block_bytes as u64, WHAT)?;
        let mut buffer = with_capacity(block_bytes, WHAT)?;
        for index in 0..self.blocks() {
            buffer.clear();
            self.read_block(index, &mut buffer)?;
            visit(&buffer)?;
            callback.check()?;
        }
        self.budget.release(block_bytes as u64);
        Ok(())
    }
}

/// Moves the rows of a block that `keep` wants to its front and cuts off the rest; returns how many stay.
fn squeeze(block: &mut Vec<u8>, row_bytes: usize, mut keep: impl FnMut(&[u8]) -> bool) -> usize {
    let mut end = 0;
    for start in (0..block.len()).step_by(row_bytes) {
        let row = start..start + row_bytes;
        if block.get(row.clone()).is_some_and(&mut keep) {
            block.copy_within(row, end);
            end += row_bytes;
        }
    }
    block.truncate(end);
    end / row_bytes
}

impl Drop for Samples {
    fn drop(&mut self) {
        self.budget.release(self.charged);
    }
}
