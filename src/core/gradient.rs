//! The gradient of one batch: shards on one or several threads, added up in an order that depends on neither.

use crate::kernels::reduce;
use crate::layer::Interrupt;
use crate::model::buffers;
use crate::network::{Noise, Workspace};
use crate::shard::Cut;
use crate::weights::{AT_ONCE, zeros};
use crate::{Batch, Callback, Error, ErrorKind, Model, Pool, Result};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Gets final outputs, targets and their rows, group after group.
pub(crate) type See<'a> = dyn FnMut(&[f32], &[f32], usize, &mut dyn Callback) -> Result<()> + 'a;

/// What one gradient group produces.
#[derive(Debug)]
struct Group {
    gradient: Vec<f32>,
    predictions: Vec<f32>,
    loss: f64,
}

/// The buffers of `fit` and `evaluate`, kept over all batches.
pub(crate) struct Buffers {
    cut: Cut,
    groups: Vec<Mutex<Group>>,
    spaces: Vec<Mutex<Workspace>>,
}

/// A batch and what to do with it.
#[derive(Clone, Copy)]
struct Work<'a> {
    model: &'a Model,
    batch: &'a Batch,
    cut: Cut,
    /// Present while training.
    noise: Option<Noise>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned buffer only holds numbers that the next batch overwrites.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Buffers {
    /// Buffers for batches of up to `batch_size` rows; without gradients when they only evaluate.
    pub fn new(
        model: &Model,
        batch_size: usize,
        threads: usize,
        trains: bool,
        callback: &mut dyn Callback,
    ) -> Result<Buffers> {
        let cut = Cut::new(&model.network);
        let threads = threads.clamp(1, cut.groups(batch_size).max(1));
        let predictions = if model.metrics().is_empty() {
            0
        } else {
            cut.group_rows(batch_size) * model.outputs()
        };
        let gradient = if trains { model.parameters() } else { 0 };
        let mut groups = Vec::new();
        for _ in 0..buffers(&cut, batch_size, threads) {
            let (gradient, predictions) =
                (zeros(gradient, callback)?, zeros(predictions, callback)?);
            groups.push(Mutex::new(Group {
                gradient,
                predictions,
                loss: 0.0,
            }));
        }
        let mut spaces = Vec::new();
        for _ in 0..threads {
            spaces.push(Mutex::new(
                model
                    .network
                    .workspace(cut.rows.min(batch_size), callback)?,
            ));
        }
        Ok(Buffers {
            cut,
            groups,
            spaces,
        })
    }

    /// The gradient of the last batch's mean loss.
    pub fn gradient(&mut self) -> &[f32] {
        &self.groups[0]
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .gradient
    }

    /// The sum of the losses of the batch's rows; leaves the gradient of their mean when `noise` says that this is
    /// training. `see` gets final outputs and targets, group after group.
    pub fn run(
        &mut self,
        model: &Model,
        batch: &Batch,
        noise: Option<Noise>,
        callback: &mut dyn Callback,
        pool: &Pool,
        see: &mut See<'_>,
    ) -> Result<f64> {
        let work = Work {
            model,
            batch,
            cut: self.cut,
            noise,
        };
        let groups = self.cut.groups(batch.rows);
        let targets = model.targets();
        let (mut total, mut next) = (0.0, 0);
        while next < groups {
            // The first buffer collects; later waves use the others.
            let first = usize::from(next > 0);
            let wave = (groups - next).min(self.groups.len() - first);
            let buffers = &self.groups[first..first + wave];
            match pool.workers() {
                Some(workers) if wave > 1 && self.spaces.len() > 1 => {
                    run_on_threads(work, next, buffers, &self.spaces, workers, callback)?;
                }
                _ => {
                    let mut space = lock(&self.spaces[0]);
                    for (i, buffer) in buffers.iter().enumerate() {
                        work.group(next + i, &mut lock(buffer), &mut space, &mut || {
                            callback.check()
                        })?;
                    }
                }
            }
            for i in 0..wave {
                let group = lock(&self.groups[first + i]);
                total += group.loss;
                let shards = self.cut.shards_of(batch.rows, next + i);
                let begin = self.cut.rows_of(batch.rows, shards.start).start;
                let end = self.cut.rows_of(batch.rows, shards.end - 1).end;
                see(
                    &group.predictions,
                    &batch.y[begin * targets..end * targets],
                    end - begin,
                    callback,
                )?;
                if noise.is_some() && next + i > 0 {
                    let mut sum = lock(&self.groups[0]);
                    let pieces = sum
                        .gradient
                        .chunks_mut(AT_ONCE)
                        .zip(group.gradient.chunks(AT_ONCE));
                    for (to, from) in pieces {
                        reduce::add(to, from);
                        callback.check()?;
                    }
                }
            }
            next += wave;
        }
        Ok(total)
    }
}

impl Work<'_> {
    /// Runs the shards of one group, one after the other.
    fn group(
        &self,
        number: usize,
        group: &mut Group,
        space: &mut Workspace,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        let Work {
            model,
            batch,
            cut,
            noise,
        } = *self;
        let network = &model.network;
        let (inputs, outputs, targets) = (network.inputs, network.outputs, model.targets());
        let share = 1.0 / batch.rows as f32;
        let shards = cut.shards_of(batch.rows, number);
        let begin = cut.rows_of(batch.rows, shards.start).start;
        group.loss = 0.0;
        for (i, shard) in shards.enumerate() {
            let rows = cut.rows_of(batch.rows, shard);
            let n = rows.len();
            let x = &batch.x[rows.start * inputs..rows.end * inputs];
            let y = &batch.y[rows.start * targets..rows.end * targets];
            group.loss += match noise {
                Some(noise) => {
                    let gradient = (group.gradient.as_mut_slice(), i > 0);
                    network.train(
                        model.loss(),
                        &model.weights,
                        (x, y, n),
                        share,
                        (noise, shard as u64),
                        gradient,
                        space,
                        interrupt,
                    )?
                }
                None => {
                    network.forward(&model.weights, x, n, None, space, interrupt)?;
                    network.cost(model.loss(), y, n, share, space)
                }
            };
            if !group.predictions.is_empty() {
                let at = (rows.start - begin) * outputs;
                group.predictions[at..at + n * outputs]
                    .copy_from_slice(network.predictions(space, n));
            }
            interrupt()?;
        }
        Ok(())
    }
}

/// How long the calling thread waits for workers between two looks at the callback.
const WAIT: Duration = Duration::from_millis(2);

/// Counts workers down, also when one panics.
struct Done<'a>(&'a (Mutex<usize>, Condvar));

impl Drop for Done<'_> {
    fn drop(&mut self) {
        *lock(&self.0.0) -= 1;
        self.0.1.notify_one();
    }
}

/// Shares the groups of a wave between the calling thread and the workers. Only the calling thread sees the callback.
fn run_on_threads(
    work: Work<'_>,
    first: usize,
    buffers: &[Mutex<Group>],
    spaces: &[Mutex<Workspace>],
    workers: &rayon::ThreadPool,
    callback: &mut dyn Callback,
) -> Result<()> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let helpers = (spaces.len() - 1).min(buffers.len() - 1);
    let active = (Mutex::new(helpers), Condvar::new());
    let (next, stop, active) = (&next, &stop, &active);
    let take = move |space: &Mutex<Workspace>, interrupt: &mut Interrupt<'_>| {
        let mut space = lock(space);
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(buffer) = buffers.get(i) else {
                return Ok(());
            };
            work.group(first + i, &mut lock(buffer), &mut space, interrupt)?;
        }
    };
    workers.in_place_scope(|scope| {
        for space in &spaces[1..=helpers] {
            scope.spawn(move |_| {
                let _done = Done(active);
                let mut stopped = || match stop.load(Ordering::Relaxed) {
                    true => Err(Error::new(ErrorKind::Foreign, "stopped")),
                    false => Ok(()),
                };
                // A worker only ends early because the calling thread stopped it, and that one has the error.
                let _ = take(space, &mut stopped);
            });
        }
        let mut result = take(&spaces[0], &mut || callback.check());
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        let mut left = lock(&active.0);
        while *left > 0 {
            left = active
                .1
                .wait_timeout(left, WAIT)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if *left > 0 && result.is_ok() {
                // The callback may take its time: workers must be able to count down meanwhile.
                drop(left);
                result = callback.check();
                stop.store(result.is_err(), Ordering::Relaxed);
                left = lock(&active.0);
            }
        }
        result
    })
}
