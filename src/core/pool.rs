//! The threads lent to a training: a private pool, never rayon's global one. Work is lent to them in rayon's scopes;
//! waking them and waiting for them is done here, because a thread that fell asleep between two steps comes tens of
//! microseconds late.

use crate::layer::Interrupt;
use crate::{Callback, Error, ErrorKind, Result};
use rayon::Yield;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A private set of worker threads, joined when dropped.
#[derive(Debug)]
pub struct Pool {
    workers: Option<rayon::ThreadPool>,
    handles: Arc<Mutex<Vec<JoinHandle<()>>>>,
    threads: usize,
    attention: Arc<Attention>,
}

/// Whether workers look out for work instead of falling asleep.
#[derive(Debug, Default)]
struct Attention {
    wanted: AtomicBool,
    /// Workers that look out now.
    paid: AtomicUsize,
}

/// More threads than `fit` has gradient groups would idle.
const MAX_THREADS: usize = 1024;

impl Pool {
    /// `threads` in all, the calling one included; 1 (or 0) starts none.
    pub fn new(threads: usize) -> Result<Pool> {
        let threads = threads.clamp(1, MAX_THREADS);
        let handles = Arc::new(Mutex::new(Vec::new()));
        if threads == 1 {
            return Ok(Pool {
                workers: None,
                handles,
                threads,
                attention: Arc::default(),
            });
        }
        let spawned = Arc::clone(&handles);
        let workers = rayon::ThreadPoolBuilder::new()
            .num_threads(threads - 1)
            .spawn_handler(move |thread| {
                let builder = std::thread::Builder::new().name("tablenet".to_owned());
                let handle = builder.spawn(move || thread.run())?;
                lock(&spawned).push(handle);
                Ok(())
            })
            .build();
        match workers {
            Ok(workers) => Ok(Pool {
                workers: Some(workers),
                handles,
                threads,
                attention: Arc::default(),
            }),
            Err(error) => {
                join(&handles);
                Err(Error::new(
                    ErrorKind::OutOfMemory,
                    format!("could not start {threads} threads"),
                )
                .detail(format!("{error}."))
                .hint("Use fewer threads."))
            }
        }
    }

    /// Threads that work, the calling one included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `job`, which must not panic, on a worker; at once if there is none.
    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        match &self.workers {
            Some(workers) => workers.spawn(job),
            None => job(),
        }
    }

    /// Until the answer is dropped, workers look out for their next work a fraction of a millisecond before they sleep.
    pub(crate) fn attentive(&self) -> Attentive<'_> {
        self.attention.wanted.store(true, Ordering::Relaxed);
        Attentive(self)
    }

    /// Runs `job` on up to `helpers` workers and `own` on the calling thread, which alone sees the callback. Returns
    /// when all have ended; an error of `own` or of the callback stops the others and goes before theirs.
    ///
    /// What `own` does after [`Helpers::wait`] needs no second wait.
    pub(crate) fn share<T>(
        &self,
        helpers: usize,
        job: impl Fn(&mut Interrupt<'_>) -> Result<()> + Sync,
        callback: &mut dyn Callback,
        own: impl FnOnce(&Helpers, &mut dyn Callback) -> Result<T>,
    ) -> Result<T> {
        let helpers = helpers.min(self.threads - 1);
        let shared = Helpers::new(helpers);
        let Some(workers) = self.workers.as_ref().filter(|_| helpers > 0) else {
            return own(&shared, callback);
        };
        let missing = helpers.saturating_sub(self.attention.paid.load(Ordering::Relaxed));
        if self.attention.wanted.load(Ordering::Relaxed) {
            for _ in 0..missing {
                self.attention.paid.fetch_add(1, Ordering::Relaxed);
                let attention = Arc::clone(&self.attention);
                workers.spawn(move || attention.pay());
            }
        }
        let (job, shared) = (&job, &shared);
        let result = workers.in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(move |_| {
                    let done = Done(shared);
                    let mut stopped = || match shared.stop.load(Ordering::Relaxed) {
                        true => Err(stopped()),
                        false => Ok(()),
                    };
                    if let Err(error) = job(&mut stopped) {
                        done.0.fail(error);
                    }
                });
            }
            let result = own(shared, callback);
            if result.is_err() {
                shared.stop();
            }
            let waited = shared.wait(callback);
            result.and_then(|value| waited.and(Ok(value)))
        });
        let error = lock(&shared.failed).take();
        match (result, error) {
            (Ok(_), Some(error)) => Err(error),
            (result, _) => result,
        }
    }
}

/// The error of a worker that was told to stop; the calling thread has the reason.
fn stopped() -> Error {
    Error::new(ErrorKind::Foreign, "stopped")
}

thread_local! {
    static LOOKS_OUT: Cell<bool> = const { Cell::new(false) };
}

impl Attention {
    /// A worker's wait between two pieces of work.
    fn pay(&self) {
        /// Looks at an empty queue before the worker sleeps: about 0.2 ms.
        const LOOKS: u32 = 500;
        /// Looks without leaving the CPU to another thread.
        const EAGER: u32 = 50;
        // One that finds another's job here leaves it to a worker that does not look out yet.
        if !LOOKS_OUT.replace(true) {
            let mut idle = 0;
            while idle < LOOKS && self.wanted.load(Ordering::Relaxed) {
                if rayon::yield_now() == Some(Yield::Executed) {
                    idle = 0;
                } else {
                    idle += 1;
                    pause(idle > EAGER);
                }
            }
            LOOKS_OUT.set(false);
        }
        self.paid.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A moment of waiting, which with `others` lets other threads have the CPU.
fn pause(others: bool) {
    if others {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// Keeps the workers of a pool attentive.
pub(crate) struct Attentive<'a>(&'a Pool);

impl Drop for Attentive<'_> {
    fn drop(&mut self) {
        self.0.attention.wanted.store(false, Ordering::Relaxed);
    }
}

/// The workers that share a piece of work, as the calling thread sees them.
pub(crate) struct Helpers {
    /// Those still at work.
    left: AtomicUsize,
    stop: AtomicBool,
    failed: Mutex<Option<Error>>,
    /// Held while the last one ends, so that its signal is not missed.
    ending: Mutex<()>,
    ended: Condvar,
}

/// How long the calling thread sleeps between two looks at the callback.
const WAIT: Duration = Duration::from_millis(2);

impl Helpers {
    fn new(helpers: usize) -> Helpers {
        Helpers {
            left: AtomicUsize::new(helpers),
            stop: AtomicBool::new(false),
            failed: Mutex::new(None),
            ending: Mutex::new(()),
            ended: Condvar::new(),
        }
    }

    /// Asks all to end at their next look at the interrupt.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Keeps the first error and stops the others.
    fn fail(&self, error: Error) {
        if !self.stop.swap(true, Ordering::Relaxed) {
            *lock(&self.failed) = Some(error);
        }
    }

    /// Waits until all have ended, also after an error of the callback, which stops them.
    pub fn wait(&self, callback: &mut dyn Callback) -> Result<()> {
        /// Looks before the calling thread sleeps: about 0.1 ms.
        const LOOKS: u32 = 250;
        const EAGER: u32 = 100;
        let mut looks = 0;
        let mut result = Ok(());
        while self.left.load(Ordering::Acquire) > 0 {
            looks += 1;
            if looks <= LOOKS {
                pause(looks > EAGER);
                continue;
            }
            let guard = lock(&self.ending);
            if self.left.load(Ordering::Acquire) > 0 {
                let waited = self.ended.wait_timeout(guard, WAIT);
                drop(waited.unwrap_or_else(PoisonError::into_inner).0);
            }
            // The callback may take its time: no lock is held meanwhile.
            if result.is_ok() {
                result = callback.check();
                if result.is_err() {
                    self.stop();
                }
            }
        }
        result
    }
}

/// Counts a worker down, also when it panics.
struct Done<'a>(&'a Helpers);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            drop(lock(&self.0.ending));
            self.0.ended.notify_one();
        }
    }
}

/// What the mutex holds: a panic elsewhere leaves only numbers that are overwritten.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join(handles: &Mutex<Vec<JoinHandle<()>>>) {
    let handles = std::mem::take(&mut *lock(handles));
    for handle in handles {
        // A worker's panic was already passed on by the scope it happened in.
        let _ = handle.join();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Dropping rayon's pool asks the workers to end; only joining makes sure they have.
        self.workers = None;
        join(&self.handles);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn leaves_no_thread_behind() {
        let pool = Pool::new(4).unwrap();
        // "PID/task/TID"
        let tasks = pool
            .workers
            .as_ref()
            .unwrap()
            .broadcast(|_| std::fs::read_link("/proc/thread-self").unwrap());
        let alive = || {
            tasks
                .iter()
                .filter(|task| std::path::Path::new("/proc").join(task).exists())
                .count()
        };
        assert_eq!((pool.threads(), alive()), (4, 3));
        drop(pool);
        // The kernel tells the joiner a moment before it takes the thread off its list.
        for _ in 0..1000 {
            if alive() == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(alive(), 0);
        assert!(Pool::new(1).unwrap().workers.is_none());
    }

    struct Idle;

    impl Callback for Idle {
        fn elapsed(&mut self) -> f64 {
            0.0
        }
        fn check(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_share_the_work_and_the_first_error_counts() {
        for attentive in [false, true] {
            let pool = Pool::new(3).unwrap();
            let _attentive = attentive.then(|| pool.attentive());
            for _ in 0..200 {
                let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
                let take = |interrupt: &mut Interrupt<'_>| {
                    while next.fetch_add(1, Ordering::Relaxed) < 20 {
                        done.fetch_add(1, Ordering::Relaxed);
                        interrupt()?;
                    }
                    Ok(())
                };
                let shared = pool.share(2, take, &mut Idle, |others, callback| {
                    take(&mut || Ok(()))?;
                    others.wait(callback)?;
                    Ok(done.load(Ordering::Relaxed))
                });
                assert_eq!(shared.unwrap(), 20);
            }
            let refuse = |_: &mut Interrupt<'_>| Err(Error::new(ErrorKind::NoRows, "a worker's"));
            let error = pool.share(2, refuse, &mut Idle, |_, _| Ok(())).unwrap_err();
            assert_eq!(error.to_string(), "a worker's");
            let endless = |interrupt: &mut Interrupt<'_>| -> Result<()> {
                loop {
                    interrupt()?;
                }
            };
            let own = |_: &Helpers, _: &mut dyn Callback| -> Result<()> {
                Err(Error::new(ErrorKind::NoRows, "the caller's"))
            };
            let error = pool.share(2, endless, &mut Idle, own).unwrap_err();
            assert_eq!(error.to_string(), "the caller's");
        }
    }

    #[test]
    fn a_panic_comes_back_and_the_pool_works_on() {
        let pool = Pool::new(3).unwrap();
        let shared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let job = |_: &mut Interrupt<'_>| -> Result<()> { panic!("on purpose") };
            pool.share(2, job, &mut Idle, |others, callback| others.wait(callback))
        }));
        assert!(shared.is_err());
        let job = |_: &mut Interrupt<'_>| Ok(());
        assert!(pool.share(2, job, &mut Idle, |_, _| Ok(())).is_ok());
    }
}
