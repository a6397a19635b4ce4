//! The thread that trains for a statement. Connection threads have small stacks and answer a KILL only where they look for
//! one: they hand over rows, then wait and look. The thread starts with the first group and serves those that follow.

use crate::batch::Batch;
use crate::config::Config;
use crate::error::interrupted;
use crate::share::{Threads, account};
use crate::training::{Order, Trained, train};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tablenet_core::{Error, ErrorKind, Pool, Result};

/// Batches of a statement: one that is filled, one that is read, one on its way.
const BATCHES: usize = 3;
/// How long the connection's thread sleeps between two looks at whether it was killed.
const WAIT: Duration = Duration::from_millis(5);
/// Groups of fewer rows are trained by one thread. Their steps are so small that waking another takes as long: 40 groups of 50
/// rows took 2.9 s on one thread and 5.2 s on two of a busy machine, a group of 1,000 rows 0.8 and 0.75 s.
const SMALL: usize = 1000;
/// The core's recursion is bounded; this is more than it takes.
const STACK: usize = 16 << 20;

/// Rows of a group: of a new one with an order, of the one before without.
struct Job {
    order: Option<Box<Order>>,
    batch: Batch,
    last: bool,
}

/// The thread, as the connection's sees it. Dropping it ends and joins it, at once where the training was told to stop. After an
/// error of a group it is of no more use: rows that were on their way are lost.
pub struct Worker {
    jobs: Option<Sender<Job>>,
    free: Receiver<Batch>,
    outcomes: Receiver<Result<Trained>>,
    thread: Option<JoinHandle<()>>,
    /// Batches that exist.
    batches: usize,
    /// One that was not sent.
    spare: Option<Batch>,
    /// Held as long as the threads exist.
    _threads: Threads,
}

impl Worker {
    /// Starts the thread, with as many to help it as the limits leave.
    pub fn start(config: &Config) -> Result<Self> {
        let threads = account().threads_for(config);
        let (jobs, todo) = channel();
        let (give_back, free) = channel();
        let (answer, outcomes) = channel();
        let count = threads.count();
        let thread = std::thread::Builder::new()
            .name("tablenet".to_owned())
            .stack_size(STACK)
            .spawn(move || serve(count, &todo, &give_back, &answer))
            .map_err(|error| {
                Error::new(ErrorKind::OutOfMemory, "could not start a thread")
                    .detail(format!("{error}."))
            })?;
        Ok(Self {
            jobs: Some(jobs),
            free,
            outcomes,
            thread: Some(thread),
            batches: 0,
            spare: None,
            _threads: threads,
        })
    }

    /// An empty batch of about `bytes` bytes for rows of `width` values, which may be long in coming: `check` is asked
    /// meanwhile.
    pub fn batch(
        &mut self,
        bytes: usize,
        width: usize,
        mut check: impl FnMut() -> Result<()>,
    ) -> Result<Batch> {
        if let Some(batch) = self.spare.take() {
            return Ok(batch);
        }
        loop {
            let freed = match self.free.try_recv() {
                Err(TryRecvError::Empty) if self.batches < BATCHES => {
                    let batch = Batch::new(bytes, width)?;
                    self.batches += 1;
                    return Ok(batch);
                }
                Err(TryRecvError::Empty) => self.free.recv_timeout(WAIT),
                Ok(batch) => Ok(batch),
                Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            };
            match freed {
                Ok(mut batch) => {
                    batch.clear();
                    return Ok(batch);
                }
                Err(RecvTimeoutError::Timeout) => {
                    check()?;
                    // A group that has failed gives no batch back.
                    if let Some(outcome) = self.outcome() {
                        return Err(outcome.err().unwrap_or_else(lost));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(lost()),
            }
        }
    }

    /// Takes back a batch that was not sent.
    pub fn put_back(&mut self, mut batch: Batch) {
        batch.clear();
        self.spare = Some(batch);
    }

    /// Sends rows: of a new group with an order, and the last ones of it.
    pub fn send(&self, order: Option<Box<Order>>, batch: Batch, last: bool) -> Result<()> {
        let job = Job { order, batch, last };
        let jobs = self.jobs.as_ref().ok_or_else(lost)?;
        jobs.send(job).map_err(|_| lost())
    }

    /// What became of the group that was sent, if that is known already.
    pub fn outcome(&self) -> Option<Result<Trained>> {
        match self.outcomes.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(lost())),
        }
    }

    /// Waits for what becomes of the group that was sent, with a call of `look` now and then.
    pub fn wait(&self, mut look: impl FnMut()) -> Result<Trained> {
        loop {
            match self.outcomes.recv_timeout(WAIT) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Timeout) => look(),
                Err(RecvTimeoutError::Disconnected) => return Err(lost()),
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Whoever waits for rows waits no longer.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It catches its panics.
            let _ = thread.join();
        }
    }
}

/// Where the thread has ended, which it only does when it is told to.
#[cold]
fn lost() -> Error {
    Error::foreign(Box::new("the training thread has ended"))
}

/// The thread: trains group after group until nobody sends any.
fn serve(
    threads: usize,
    jobs: &Receiver<Job>,
    free: &Sender<Batch>,
    outcomes: &Sender<Result<Trained>>,
) {
    let (mut alone, mut helped) = (None, None);
    while let Ok(Job { order, batch, last }) = jobs.recv() {
        let Some(order) = order else {
            // Of a group that has failed, after which nobody asks for a batch.
            continue;
        };
        let body = || {
            let small = last && batch.rows() < SMALL;
            let pool = match if small { &mut alone } else { &mut helped } {
                Some(pool) => pool,
                none => none.insert(start(if small { 1 } else { threads })?),
            };
            let mut first = Some((batch, last));
            let mut ended = false;
            let next = || {
                let (batch, last) = match first.take() {
                    Some(first) => first,
                    None if ended => return Ok(None),
                    None => match jobs.recv() {
                        Ok(Job { batch, last, .. }) => (batch, last),
                        Err(_) => return Err(interrupted()),
                    },
                };
                ended = last;
                Ok(Some(batch))
            };
            train(*order, pool, next, |batch| {
                let _ = free.send(batch);
            })
        };
        // What a panic leaves half changed is dropped with the training.
        let outcome = catch_unwind(AssertUnwindSafe(body))
            .unwrap_or_else(|payload| Err(Error::foreign(payload)));
        if outcomes.send(outcome).is_err() {
            break;
        }
    }
}

/// A pool of `threads`; of one where no more can be started.
fn start(threads: usize) -> Result<Pool> {
    Pool::new(threads).or_else(|_| Pool::new(1))
}
