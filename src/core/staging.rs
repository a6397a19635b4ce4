//! A worker that learns from the rows while the calling thread reads more: it profiles each block of records that is
//! full, and looks up the codes of its categories.
//!
//! Records are written where they stay and change hands with their block, so the two threads never write to the same
//! memory in turns: that took longer than the learning itself. One worker is enough, because learning from a row takes
//! less time than any query takes to produce one.

#[cfg(test)]
mod tests;

use crate::budget::with_capacity;
use crate::ingest::{Ingest, Texts, text_of};
use crate::samples::Lent;
use crate::slot::Slot;
use crate::{Callback, Pool, Result, Value};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// What the worker sends back.
pub(crate) struct Digested {
    pub(crate) ingest: Box<Ingest>,
    pub(crate) lent: Lent,
    pub(crate) training: bool,
    /// Whether it could learn from every row.
    pub(crate) result: Result<()>,
    texts: Texts,
}

/// The calling thread's side of the work.
pub(crate) struct Staging<'p> {
    pool: &'p Pool,
    slots: Vec<Slot>,
    /// Most bytes and number of texts between two blocks.
    room: (usize, usize),
    /// Of rows the worker has not seen: those that validate and those that train.
    texts: [Texts; 2],
    resting: Option<Texts>,
    away: Option<Receiver<Result<Digested, Box<dyn Any + Send>>>>,
}

/// The most bytes for texts.
const MOST: u64 = 1 << 20;
/// How long the calling thread sleeps between two looks at the callback.
const WAIT: Duration = Duration::from_millis(2);

/// Bytes charged for texts under a memory `limit`: on one thread too, so that the same rows spill.
pub(crate) fn staging_bytes(limit: u64) -> u64 {
    MOST.min(limit / 32)
}

impl<'p> Staging<'p> {
    /// For rows whose values go to `slots`, the target's last, with `bytes` for their texts.
    pub(crate) fn new(pool: &'p Pool, slots: Vec<Slot>, bytes: u64) -> Result<Self> {
        const WHAT: &str = "texts that are read";
        let texts = || -> Result<Texts> {
            if !slots.iter().any(Slot::takes_text) {
                return Ok(Texts::default());
            }
            // A third each; of a third, a third for the lengths.
            let bytes = (bytes / 9) as usize;
            Ok(Texts {
                bytes: String::from_utf8(with_capacity(2 * bytes, WHAT)?).unwrap_or_default(),
                lengths: with_capacity(bytes / size_of::<u32>(), WHAT)?,
            })
        };
        let resting = texts()?;
        Ok(Self {
            pool,
            room: (resting.bytes.capacity(), resting.lengths.capacity()),
            texts: [texts()?, texts()?],
            resting: Some(resting),
            away: None,
            slots,
        })
    }

    /// Blocks that are worth waking the worker for: of rows with texts one, because the texts need room.
    pub(crate) fn blocks(&self) -> usize {
        if self.has_texts() { 1 } else { 8 }
    }

    /// Whether the worker is given texts.
    pub(crate) fn has_texts(&self) -> bool {
        self.room.1 > 0
    }

    /// Whether the texts of `row` fit in.
    #[inline]
    pub(crate) fn has_room(&self, row: &[Value<'_>], training: bool) -> bool {
        let Some(texts) = self.texts.get(usize::from(training)) else {
            return false;
        };
        if !self.has_texts() {
            return true;
        }
        let (mut bytes, mut count) = (texts.bytes.len(), texts.lengths.len());
        for slot in self.slots.iter().filter(|slot| slot.takes_text()) {
            bytes += row.get(slot.column).and_then(text_of).map_or(0, str::len);
            count += 1;
        }
        bytes <= self.room.0 && count <= self.room.1
    }

    /// Stores `row` in `record`, which is all zeros, and keeps its texts, which fit in. Of a row with an error none are kept.
    #[inline]
    pub(crate) fn write(
        &mut self,
        row: &[Value<'_>],
        training: bool,
        record: &mut [u8],
        number: u64,
    ) -> Result<()> {
        let Some(texts) = self.texts.get_mut(usize::from(training)) else {
            return Ok(());
        };
        let before = (texts.bytes.len(), texts.lengths.len());
        for slot in &self.slots {
            // Of a text nothing is stored but its code, which comes later.
            if let Err(error) = slot.store(row, record, number) {
                texts.bytes.truncate(before.0);
                texts.lengths.truncate(before.1);
                return Err(error);
            }
            if slot.takes_text() {
                let text = row.get(slot.column).and_then(text_of);
                texts.bytes.push_str(text.unwrap_or_default());
                let length = text.map_or(Texts::NULL, |text| text.len() as u32);
                texts.lengths.push(length);
            }
        }
        Ok(())
    }

    /// Lets the worker learn from the rows of a block that it has not seen; the last block must be back.
    pub(crate) fn send(
        &mut self,
        mut ingest: Box<Ingest>,
        mut lent: Lent,
        row_bytes: usize,
        training: bool,
    ) {
        let resting = self.resting.take().unwrap_or_default();
        let Some(texts) = self.texts.get_mut(usize::from(training)) else {
            return;
        };
        let texts = std::mem::replace(texts, resting);
        let (sender, receiver) = sync_channel(1);
        self.pool.spawn(move || {
            let digested = catch_unwind(AssertUnwindSafe(move || {
                let result = ingest.learn(lent.unseen(), row_bytes, &texts, training);
                Digested {
                    ingest,
                    lent,
                    training,
                    result,
                    texts,
                }
            }));
            // Without a receiver the training has ended with an error.
            let _ = sender.send(digested);
        });
        self.away = Some(receiver);
    }

    /// Waits for the worker's block, if it has one.
    ///
    /// # Errors
    /// That of the callback. A panic of the worker goes on here.
    pub(crate) fn receive(&mut self, callback: &mut dyn Callback) -> Result<Option<Digested>> {
        let Some(receiver) = self.away.take() else {
            return Ok(None);
        };
        loop {
            match receiver.recv_timeout(WAIT) {
                Ok(Ok(mut digested)) => {
                    let mut texts = std::mem::take(&mut digested.texts);
                    texts.clear();
                    self.resting = Some(texts);
                    return Ok(Some(digested));
                }
                Ok(Err(panic)) => resume_unwind(panic),
                Err(RecvTimeoutError::Timeout) => callback.check()?,
                // The worker always answers.
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}
