//! Rows on their way into the stores: past a worker that learns from them, and into spills where memory is short.

use super::{Training, gone};
use crate::ingest::{Ingest, Texts};
use crate::samples::Samples;
use crate::staging::Staging;
use crate::{Callback, Result, Value};

impl Training<'_> {
    /// Stores a row for the worker to learn from, which gets it with the other rows of its block.
    pub(super) fn take_staged(
        &mut self,
        row: &[Value<'_>],
        training: bool,
        number: u64,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let has_room = |staging: &Option<Staging<'_>>| {
            let staging = staging.as_ref();
            staging.is_some_and(|staging| staging.has_room(row, training))
        };
        if !has_room(&self.staging) {
            self.learn_rest(callback)?;
        }
        let alone = !has_room(&self.staging);
        if self.samples(training).lacks_block() {
            self.collect(callback)?;
        }
        self.make_room(training, callback)?;
        let samples = if training {
            &mut self.train
        } else {
            &mut self.validation
        };
        let record = samples.append()?;
        if let Some(slot) = &self.weight {
            slot.write(row.get(slot.column).unwrap_or(&Value::Null), record);
        }
        if let (false, Some(rival)) = (training, &mut self.rival) {
            rival.score(row, record, callback)?;
        }
        let written = match (&mut self.staging, &mut self.ingest) {
            // Texts too long to wait: the worker has nothing to do.
            (_, Some(ingest)) if alone => ingest.take(row, training, record, number),
            (Some(staging), _) => staging.write(row, training, record, number),
            (None, _) => Err(gone()),
        };
        if let Err(error) = written {
            samples.unappend();
            return self.refuse(error, callback);
        }
        if alone {
            samples.mark_seen();
        }
        let enough = self.staging.as_ref().map_or(1, Staging::blocks);
        if samples.is_full() && (samples.spilled() || samples.unseen_blocks() >= enough) {
            self.hand_over(training, callback)?;
        }
        Ok(())
    }

    fn samples(&mut self, training: bool) -> &mut Samples {
        if training {
            &mut self.train
        } else {
            &mut self.validation
        }
    }

    /// Gives the worker the last blocks of a store, once it has brought back those before.
    fn hand_over(&mut self, training: bool, callback: &mut dyn Callback) -> Result<()> {
        self.collect(callback)?;
        let samples = if training {
            &mut self.train
        } else {
            &mut self.validation
        };
        let row_bytes = samples.row_bytes();
        if let Some(staging) = &mut self.staging
            && let Some(mut lent) = samples.lend()
        {
            let mut ingest = self.ingest.take().ok_or_else(gone)?;
            if samples.spilled() && !staging.has_texts() {
                // Numbers of one block, which a spill must have back at once: waking the worker would take longer.
                let texts = Texts::default();
                ingest.learn(lent.unseen(), row_bytes, &texts, training)?;
                self.ingest = Some(ingest);
                return samples.settle(lent);
            }
            staging.send(ingest, lent, row_bytes, training);
        }
        Ok(())
    }

    /// Waits for the worker and takes its blocks back.
    fn collect(&mut self, callback: &mut dyn Callback) -> Result<()> {
        let Some(staging) = &mut self.staging else {
            return Ok(());
        };
        let Some(digested) = staging.receive(callback)? else {
            return Ok(());
        };
        self.ingest = Some(digested.ingest);
        self.samples(digested.training).settle(digested.lent)?;
        digested.result
    }

    /// Lets the worker learn from all rows so far and waits for it.
    pub(super) fn learn_rest(&mut self, callback: &mut dyn Callback) -> Result<()> {
        self.hand_over(true, callback)?;
        self.hand_over(false, callback)?;
        self.collect(callback)
    }

    /// Ends the reading: everything learned is here, and from now on only its memory is charged.
    pub(crate) fn end_reading(&mut self, callback: &mut dyn Callback) -> Result<Ingest> {
        // Without one array there is none to learn from: whoever learns says so.
        self.admit(callback)?;
        self.learn_rest(callback)?;
        self.staging = None;
        let ingest = self.ingest.take().ok_or_else(gone)?;
        self.budget.release(self.reading);
        self.reading = 0;
        if let Some(continued) = &self.continued {
            // It is charged again with all that fitting it takes.
            self.budget.release(continued.bytes());
        }
        self.budget
            .reserve(ingest.tables.used(), "the table of categories")?;
        Ok(*ingest)
    }

    /// Spills when the next row would take the stores beyond their share of the limit.
    #[inline]
    pub(super) fn make_room(&mut self, training: bool, callback: &mut dyn Callback) -> Result<()> {
        let need = self.samples(training).next_need();
        if need == 0 {
            Ok(())
        } else {
            self.spill_for(need, callback)
        }
    }

    #[cold]
    fn spill_for(&mut self, need: u64, callback: &mut dyn Callback) -> Result<()> {
        let share = self.share;
        while self.train.charged() + self.validation.charged() + need > share {
            // No row is written before it was learned from.
            self.learn_rest(callback)?;
            if !self.spill_one(callback)? {
                break;
            }
        }
        Ok(())
    }

    /// Moves the larger store that is still in memory into a file; false if none is.
    pub(crate) fn spill_one(&mut self, callback: &mut dyn Callback) -> Result<bool> {
        let (train, validation) = (&mut self.train, &mut self.validation);
        let store = match (train.spilled(), validation.spilled()) {
            (true, true) => return Ok(false),
            (true, false) => validation,
            (false, true) => train,
            (false, false) if validation.charged() > train.charged() => validation,
            (false, false) => train,
        };
        store.spill(self.spills.as_mut(), callback)?;
        Ok(true)
    }
}
