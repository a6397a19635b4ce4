//! The threads lent to `fit`: a private pool, never rayon's global one.

use crate::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A private set of worker threads, joined when dropped.
#[derive(Debug)]
pub struct Pool {
    workers: Option<rayon::ThreadPool>,
    handles: Arc<Mutex<Vec<JoinHandle<()>>>>,
    threads: usize,
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
            });
        }
        let spawned = Arc::clone(&handles);
        let workers = rayon::ThreadPoolBuilder::new()
            .num_threads(threads - 1)
            .spawn_handler(move |thread| {
                let builder = std::thread::Builder::new().name("tablenet".to_owned());
                let handle = builder.spawn(move || thread.run())?;
                spawned
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(handle);
                Ok(())
            })
            .build();
        match workers {
            Ok(workers) => Ok(Pool {
                workers: Some(workers),
                handles,
                threads,
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

    /// The workers beside the calling thread.
    pub(crate) fn workers(&self) -> Option<&rayon::ThreadPool> {
        self.workers.as_ref()
    }
}

fn join(handles: &Mutex<Vec<JoinHandle<()>>>) {
    let handles = std::mem::take(&mut *handles.lock().unwrap_or_else(PoisonError::into_inner));
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
            .workers()
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
        assert!(Pool::new(1).unwrap().workers().is_none());
    }
}
