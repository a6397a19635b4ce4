//! Feeds an epoch's batches to the threads: while they work on some rows, the calling thread encodes the next.
//!
//! Batches that are cut into several groups are shared, one after the other. Smaller ones would cost more to hand over
//! than to train on: a worker gets blocks of many and takes all their steps. Either way every batch has the same rows
//! and the batches come in the same order, so nothing depends on the threads.

use crate::epoch::Pass;
use crate::gradient::{Crew, Rows};
use crate::network::Network;
use crate::pool::lock;
use crate::shard::Cut;
use crate::weights::{AT_ONCE, room};
use crate::{Batch, Batches, Callback, Error, ErrorKind, Model, Pool, Result};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Who works on the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The calling thread, batch by batch.
    Alone,
    /// A worker, block by block.
    Relay,
    /// All threads, batch by batch.
    Together,
}

/// How the rows of an epoch reach the threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    way: Way,
    /// Rows encoded at once: one batch or several.
    rows: usize,
    /// Buffers of as many rows.
    blocks: usize,
}

/// Multiply-adds of a forward pass over a block: below a millisecond of training.
const BLOCK: usize = 1 << 23;
/// Floats of a block of several batches.
const FLOATS: usize = 1 << 16;

impl Plan {
    /// For batches of up to `batch_size` rows, `width` floats each with their targets.
    pub fn new(network: &Network, width: usize, batch_size: usize, threads: usize) -> Plan {
        let groups = Cut::new(network).groups(batch_size);
        let (way, blocks) = if threads < 2 {
            (Way::Alone, 1)
        } else if groups > 1 || network.parameters > AT_ONCE {
            (Way::Together, 2)
        } else {
            (Way::Relay, 3)
        };
        let wanted = (BLOCK / network.parameters.max(1)).min(FLOATS / width.max(1));
        let batches = if way == Way::Relay {
            wanted / batch_size.max(1)
        } else {
            1
        };
        Plan {
            way,
            rows: batches.max(1).saturating_mul(batch_size),
            blocks,
        }
    }

    /// Rows in all buffers.
    pub fn rows(&self) -> usize {
        self.rows.saturating_mul(self.blocks)
    }
}

/// The buffers between the calling thread and the others.
pub(crate) struct Feed {
    plan: Plan,
    batch_size: usize,
    helpers: usize,
    inputs: usize,
    targets: usize,
    blocks: Vec<Batch>,
}

impl Feed {
    /// Room for batches of up to `batch_size` rows of `model`.
    pub fn new(model: &Model, batch_size: usize, threads: usize) -> Result<Feed> {
        let (inputs, targets) = (model.inputs(), model.targets());
        let plan = Plan::new(&model.network, inputs + targets, batch_size, threads);
        let mut blocks = Vec::new();
        for _ in 0..plan.blocks {
            blocks.push(Batch {
                x: room(plan.rows.saturating_mul(inputs))?,
                y: room(plan.rows.saturating_mul(targets))?,
                weights: Vec::new(),
                rows: 0,
            });
        }
        Ok(Feed {
            plan,
            batch_size,
            helpers: threads.saturating_sub(1),
            inputs,
            targets,
            blocks,
        })
    }

    /// Lets `pass` take every batch of `data` that is still to come. Ends early, with `true`, after the batch in which
    /// `until` (by the callback's clock) passed.
    ///
    /// # Errors
    /// Those of `pass` before those that `data` has with later rows; those of the callback at once.
    pub fn walk(
        &mut self,
        pass: &mut impl Pass,
        data: &mut dyn Batches,
        until: Option<f64>,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<bool> {
        match self.plan.way {
            Way::Alone => self.alone(pass, data, until, callback),
            Way::Relay => self.relay(pass, data, until, callback, pool),
            Way::Together => self.together(pass, data, until, callback, pool),
        }
    }

    fn alone(
        &mut self,
        pass: &mut impl Pass,
        data: &mut dyn Batches,
        until: Option<f64>,
        callback: &mut dyn Callback,
    ) -> Result<bool> {
        let mut block = self.blocks.pop().unwrap_or_default();
        let mut late = false;
        while !late && self.fill(data, &mut block, callback)? {
            pass.batch(all(&block), &mut Crew::Alone(&mut || callback.check()))?;
            late = is_late(until, callback);
        }
        self.blocks.push(block);
        Ok(late)
    }

    fn together(
        &mut self,
        pass: &mut impl Pass,
        data: &mut dyn Batches,
        until: Option<f64>,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<bool> {
        let _attentive = pool.attentive();
        let mut block = self.blocks.pop().unwrap_or_default();
        let mut next = self.blocks.pop().unwrap_or_default();
        let mut late = false;
        let mut more = self.fill(data, &mut block, callback)?;
        while more && !late {
            let mut filled = Ok(false);
            let mut crew = Crew::Together {
                pool,
                helpers: self.helpers,
                callback,
                meanwhile: &mut |callback| {
                    filled = held(self.fill(data, &mut next, callback))?;
                    Ok(())
                },
            };
            pass.batch(all(&block), &mut crew)?;
            late = is_late(until, callback);
            more = late || filled?;
            std::mem::swap(&mut block, &mut next);
        }
        self.blocks.extend([block, next]);
        Ok(late)
    }

    fn relay(
        &mut self,
        pass: &mut impl Pass,
        data: &mut dyn Batches,
        until: Option<f64>,
        callback: &mut dyn Callback,
        pool: &Pool,
    ) -> Result<bool> {
        let _attentive = pool.attentive();
        let (full, blocks) = channel::<Batch>();
        let (back, empty) = channel::<Batch>();
        let (inputs, targets, batch_size) = (self.inputs, self.targets, self.batch_size);
        let (late, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let worker = Mutex::new(Some((pass, blocks, back)));
        let mut spare = std::mem::take(&mut self.blocks);
        if spare.is_empty() {
            // After an error.
            spare.push(Batch::default());
        }
        let mut filled = Ok(true);
        pool.share(
            1,
            |interrupt| {
                let Some((pass, blocks, back)) = lock(&worker).take() else {
                    return Ok(());
                };
                for block in blocks {
                    let x = block.x.chunks(batch_size * inputs);
                    let mut weights = block.weights.chunks(batch_size);
                    for (x, y) in x.zip(block.y.chunks(batch_size * targets)) {
                        let weights = weights.next().unwrap_or_default();
                        if !ended.load(Ordering::Relaxed) {
                            let rows = Rows {
                                x,
                                y,
                                weights,
                                count: y.len() / targets,
                            };
                            pass.batch(rows, &mut Crew::Alone(&mut *interrupt))?;
                            ended.store(late.load(Ordering::Relaxed), Ordering::Relaxed);
                        }
                    }
                    // The calling thread keeps its end until all are back.
                    let _ = back.send(block);
                }
                Ok(())
            },
            callback,
            |_, callback| {
                // They end with this closure: that is how the worker learns that nothing more comes.
                let (full, empty) = (full, empty);
                let look = |callback: &mut dyn Callback| {
                    if is_late(until, callback) {
                        late.store(true, Ordering::Relaxed);
                    }
                    callback.check()
                };
                loop {
                    let block = match spare.pop() {
                        Some(block) => Some(block),
                        None => receive(&empty, &mut || look(callback))?,
                    };
                    // Without one the worker has ended, with an error.
                    let Some(mut block) = block else { break };
                    look(callback)?;
                    filled = held(self.fill(data, &mut block, callback))?;
                    let more = matches!(filled, Ok(true));
                    // The epoch has at least one batch, however late it is.
                    let last = !more || late.load(Ordering::Relaxed);
                    if block.rows == 0 {
                        spare.push(block);
                    } else if full.send(block).is_err() {
                        break;
                    }
                    if last {
                        break;
                    }
                }
                drop(full);
                while let Some(block) = receive(&empty, &mut || look(callback))? {
                    spare.push(block);
                }
                Ok(())
            },
        )?;
        self.blocks = spare;
        filled?;
        Ok(late.into_inner())
    }

    /// Pulls the next rows; false at the epoch's end. After an error `block` has the whole batches before it.
    fn fill(
        &self,
        data: &mut dyn Batches,
        block: &mut Batch,
        callback: &mut dyn Callback,
    ) -> Result<bool> {
        block.rows = 0;
        let pulled = data.next(self.plan.rows, block, callback);
        let Batch {
            x,
            y,
            weights,
            rows,
        } = block;
        if pulled.is_err() {
            *rows -= *rows % self.batch_size;
            x.truncate(*rows * self.inputs);
            y.truncate(*rows * self.targets);
            weights.truncate(*rows);
        }
        pulled?;
        if *rows == 0 {
            return Ok(false);
        }
        if *rows > self.plan.rows
            || x.len() != *rows * self.inputs
            || y.len() != *rows * self.targets
            || ![0, *rows].contains(&weights.len())
        {
            let message = format!(
                "a batch of {rows} rows has {} inputs, {} targets and {} weights",
                x.len(),
                y.len(),
                weights.len()
            );
            return Err(Error::new(ErrorKind::FeatureCount, message));
        }
        Ok(true)
    }
}

fn all(block: &Batch) -> Rows<'_> {
    Rows {
        x: &block.x,
        y: &block.y,
        weights: &block.weights,
        count: block.rows,
    }
}

fn is_late(until: Option<f64>, callback: &mut dyn Callback) -> bool {
    until.is_some_and(|until| callback.elapsed() >= until)
}

/// Keeps back an error of rows that are not due yet; one of the database or of the callback cannot wait.
fn held<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::Foreign => Err(error),
        other => Ok(other),
    }
}

/// The next block that comes back; `None` when the worker has ended. Looks at `look` while it waits.
fn receive(empty: &Receiver<Batch>, look: &mut dyn FnMut() -> Result<()>) -> Result<Option<Batch>> {
    const WAIT: Duration = Duration::from_millis(2);
    loop {
        match empty.recv_timeout(WAIT) {
            Ok(block) => return Ok(Some(block)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => look()?,
        }
    }
}
