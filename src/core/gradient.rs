//! The gradient of one batch: shards on one or several threads, added up in an order that depends on neither.

use crate::kernels::reduce;
use crate::layer::{Interrupt, copy};
use crate::model::buffers;
use crate::network::{Noise, Workspace};
use crate::norms::Norms;
use crate::pool::lock;
use crate::shard::Cut;
use crate::weights::{AT_ONCE, zeros};
use crate::{Callback, Model, Pool, Result};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Gets final outputs, targets and their rows, group after group.
pub(crate) type See<'a> = dyn FnMut(&[f32], &[f32], usize, &mut Interrupt<'_>) -> Result<()> + 'a;

/// Encoded rows, as in [`crate::Batch`].
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub x: &'a [f32],
    pub y: &'a [f32],
    pub weights: &'a [f32],
    pub count: usize,
}

impl<'a> Rows<'a> {
    /// Some of the rows, which are `inputs` and `targets` wide.
    fn some(&self, rows: Range<usize>, inputs: usize, targets: usize) -> Rows<'a> {
        Rows {
            x: &self.x[rows.start * inputs..rows.end * inputs],
            y: &self.y[rows.start * targets..rows.end * targets],
            weights: if self.weights.is_empty() {
                self.weights
            } else {
                &self.weights[rows.clone()]
            },
            count: rows.len(),
        }
    }
}

/// The threads that work on a batch.
pub(crate) enum Crew<'a> {
    /// This one, be it the calling thread or a worker.
    Alone(&'a mut Interrupt<'a>),
    /// Helpers of a pool, and the calling thread as soon as it has done what it has to do meanwhile.
    Together {
        pool: &'a Pool,
        helpers: usize,
        callback: &'a mut dyn Callback,
        meanwhile: &'a mut dyn FnMut(&mut dyn Callback) -> Result<()>,
    },
}

impl Crew<'_> {
    /// Looks at the interrupt.
    pub fn check(&mut self) -> Result<()> {
        match self {
            Crew::Alone(interrupt) => interrupt(),
            Crew::Together { callback, .. } => callback.check(),
        }
    }
}

/// What one gradient group produces.
#[derive(Debug)]
pub(crate) struct Group {
    pub gradient: Vec<f32>,
    predictions: Vec<f32>,
    loss: f64,
}

/// The buffers of `fit` and `evaluate`, kept over all batches.
pub(crate) struct Buffers {
    cut: Cut,
    groups: Vec<RwLock<Group>>,
    spaces: Vec<Mutex<Workspace>>,
    /// Groups whose sum is the gradient of the last batch.
    summands: usize,
    /// Where the optimizer clips by norm.
    norms: Option<Norms>,
}

/// A batch and what to do with it.
#[derive(Clone, Copy)]
struct Work<'a> {
    model: &'a Model,
    rows: Rows<'a>,
    cut: Cut,
    /// Present while training.
    noise: Option<Noise>,
}

impl Buffers {
    /// The groups whose sum is the gradient of the last batch, and the buffers for its norms.
    pub fn summed(&mut self) -> (&[RwLock<Group>], Option<&mut Norms>) {
        (&self.groups[..self.summands], self.norms.as_mut())
    }

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
            groups.push(RwLock::new(Group {
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
            summands: 0,
            norms: if trains { Norms::new(model)? } else { None },
        })
    }

    /// The sum of the losses of the rows; leaves the gradient of their mean when `noise` says that this is training.
    /// `see` gets final outputs and targets, group after group.
    pub fn run(
        &mut self,
        model: &Model,
        rows: Rows<'_>,
        noise: Option<Noise>,
        crew: &mut Crew<'_>,
        see: &mut See<'_>,
    ) -> Result<f64> {
        let work = Work {
            model,
            rows,
            cut: self.cut,
            noise,
        };
        let groups = self.cut.groups(rows.count);
        self.summands = groups.min(self.groups.len());
        match crew {
            Crew::Alone(interrupt) => {
                let mut space = lock(&self.spaces[0]);
                let mut total = 0.0;
                for number in 0..groups {
                    // Where there are fewer buffers than groups, the first collects what the last one had.
                    let last = self.groups.len() - 1;
                    if number > last && noise.is_some() {
                        let (mut sum, group) = (write(&self.groups[0]), read(&self.groups[last]));
                        add(&mut sum.gradient, &group.gradient, interrupt)?;
                    }
                    let mut group = write(&self.groups[number.min(last)]);
                    work.group(number, &mut group, &mut space, interrupt)?;
                    total += group.loss;
                    work.show(number, &group, see, interrupt)?;
                }
                Ok(total)
            }
            Crew::Together {
                pool,
                helpers,
                callback,
                meanwhile,
            } => {
                let (buffers, spaces) = (&self.groups[..groups], &self.spaces);
                let (next, seat) = (AtomicUsize::new(0), AtomicUsize::new(1));
                let take = |space: usize, interrupt: &mut Interrupt<'_>| {
                    let mut space = lock(&spaces[space]);
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let Some(buffer) = buffers.get(i) else {
                            return Ok(());
                        };
                        work.group(i, &mut write(buffer), &mut space, interrupt)?;
                    }
                };
                let job = |interrupt: &mut Interrupt<'_>| {
                    take(seat.fetch_add(1, Ordering::Relaxed), interrupt)
                };
                let helpers = (*helpers).min(groups).min(spaces.len() - 1);
                pool.share(helpers, job, &mut **callback, |others, callback| {
                    meanwhile(callback)?;
                    take(0, &mut || callback.check())?;
                    others.wait(callback)?;
                    let mut total = 0.0;
                    for (number, group) in buffers.iter().enumerate() {
                        let group = read(group);
                        total += group.loss;
                        work.show(number, &group, see, &mut || callback.check())?;
                    }
                    Ok(total)
                })
            }
        }
    }
}

pub(crate) fn read(group: &RwLock<Group>) -> RwLockReadGuard<'_, Group> {
    // A poisoned buffer only holds numbers that the next batch overwrites.
    group.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write(group: &RwLock<Group>) -> RwLockWriteGuard<'_, Group> {
    group.write().unwrap_or_else(PoisonError::into_inner)
}

/// to += from, piece by piece.
fn add(to: &mut [f32], from: &[f32], interrupt: &mut Interrupt<'_>) -> Result<()> {
    for (to, from) in to.chunks_mut(AT_ONCE).zip(from.chunks(AT_ONCE)) {
        reduce::add(to, from);
        interrupt()?;
    }
    Ok(())
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
            rows: all,
            cut,
            noise,
        } = *self;
        let network = &model.network;
        let (inputs, outputs, targets) = (network.inputs, network.outputs, model.targets());
        let share = 1.0 / all.count as f32;
        let shards = cut.shards_of(all.count, number);
        let begin = cut.rows_of(all.count, shards.start).start;
        group.loss = 0.0;
        for (i, shard) in shards.enumerate() {
            let range = cut.rows_of(all.count, shard);
            let (at, n) = ((range.start - begin) * outputs, range.len());
            let rows = all.some(range, inputs, targets);
            group.loss += match noise {
                Some(noise) => {
                    let gradient = (group.gradient.as_mut_slice(), i > 0);
                    network.train(
                        model.loss(),
                        &model.weights,
                        rows,
                        share,
                        (noise, shard as u64),
                        gradient,
                        space,
                        interrupt,
                    )?
                }
                None => {
                    network.forward(&model.weights, rows.x, n, None, space, interrupt)?;
                    network.cost(model.loss(), rows, share, space, interrupt)?
                }
            };
            if !group.predictions.is_empty() {
                let kept = &mut group.predictions[at..at + n * outputs];
                copy(network.predictions(space, n), kept, interrupt)?;
            }
            interrupt()?;
        }
        Ok(())
    }

    /// Gives `see` the outputs of a group that is done.
    fn show(
        &self,
        number: usize,
        group: &Group,
        see: &mut See<'_>,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        let Rows { y, count: all, .. } = self.rows;
        let shards = self.cut.shards_of(all, number);
        let begin = self.cut.rows_of(all, shards.start).start;
        let end = self.cut.rows_of(all, shards.end - 1).end;
        let targets = self.model.targets();
        see(
            &group.predictions,
            &y[begin * targets..end * targets],
            end - begin,
            interrupt,
        )
    }
}
