//! What all trainings of this server take together, and the share that one holds until it is dropped.

use crate::config::Config;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use tablenet_core::{Error, ErrorKind, Result};

/// Memory and threads in use.
#[derive(Debug, Default)]
pub struct Account {
    bytes: AtomicU64,
    trainings: AtomicUsize,
    threads: AtomicUsize,
}

/// The account of this process.
#[cfg(not(test))]
pub fn account() -> &'static Account {
    static ACCOUNT: Account = Account {
        bytes: AtomicU64::new(0),
        trainings: AtomicUsize::new(0),
        threads: AtomicUsize::new(0),
    };
    &ACCOUNT
}

/// Tests run side by side, each on its own thread: one account each.
#[cfg(test)]
pub fn account() -> &'static Account {
    thread_local! {
        static ACCOUNT: &'static Account = Box::leak(Box::default());
    }
    ACCOUNT.with(|account| *account)
}

impl Account {
    /// Bytes that are held now.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Threads that are held now.
    #[cfg(test)]
    pub fn threads(&self) -> usize {
        self.threads.load(Relaxed)
    }

    /// The memory of one training.
    ///
    /// # Errors
    /// `OutOfMemory` where the others leave too little.
    pub fn memory(&'static self, config: &Config) -> Result<Memory> {
        let (bytes, limit) = (config.work_mem, config.total_work_mem);
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= limit);
        match self.bytes.fetch_update(Relaxed, Relaxed, fits) {
            Ok(_) => {
                self.trainings.fetch_add(1, Relaxed);
                Ok(Memory {
                    account: self,
                    bytes,
                })
            }
            Err(used) => {
                let trainings = self.trainings.load(Relaxed);
                let message = format!(
                    "a training needs {} of memory, but {} of total_work_mem's {} are in use by {trainings} other training{}",
                    size(bytes),
                    size(used),
                    size(limit),
                    if trainings == 1 { "" } else { "s" },
                );
                Err(Error::new(ErrorKind::OutOfMemory, message)
                    .hint("Try again later, or ask the server's administrator to raise total_work_mem in tablenet's configuration."))
            }
        }
    }

    /// Whether trainings hold more threads than all should, since each has at least one.
    pub fn is_crowded(&self, config: &Config) -> bool {
        self.threads.load(Relaxed) > config.max_threads
    }

    /// As many threads of one training as are left, and at least one.
    pub fn threads_for(&'static self, config: &Config) -> Threads {
        let grant = |used: usize| {
            config
                .max_threads
                .saturating_sub(used)
                .clamp(1, config.threads.max(1))
        };
        let mut granted = 1;
        let _ = self.threads.fetch_update(Relaxed, Relaxed, |used| {
            granted = grant(used);
            used.checked_add(granted)
        });
        Threads {
            account: self,
            count: granted,
        }
    }
}

/// Memory that one training may take.
#[derive(Debug)]
pub struct Memory {
    account: &'static Account,
    bytes: u64,
}

impl Memory {
    /// Keeps only `bytes` of it, for what the training leaves behind.
    pub fn shrink(&mut self, bytes: u64) {
        let kept = bytes.min(self.bytes);
        self.account.bytes.fetch_sub(self.bytes - kept, Relaxed);
        self.bytes = kept;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.shrink(0);
        self.account.trainings.fetch_sub(1, Relaxed);
    }
}

/// Threads that one training may start.
#[derive(Debug)]
pub struct Threads {
    account: &'static Account,
    count: usize,
}

impl Threads {
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.account.threads.fetch_sub(self.count, Relaxed);
    }
}

/// Bytes as the settings write them, rounded up.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} kB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MB", bytes.div_ceil(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Config {
        Config {
            work_mem: 64 << 20,
            total_work_mem: 130 << 20,
            threads: 3,
            max_threads: 5,
            ..Config::default()
        }
    }

    #[test]
    fn memory_is_refused_when_it_is_used_up_and_comes_back() -> Result<()> {
        let (account, config) = (account(), limits());
        let mut one = account.memory(&config)?;
        let two = account.memory(&config)?;
        let refused = account.memory(&config).expect_err("used up");
        assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
        assert_eq!(
            refused.to_string(),
            "a training needs 64 MB of memory, but 128 MB of total_work_mem's 130 MB are in use by 2 other trainings"
        );
        one.shrink(1000);
        one.shrink(2000);
        assert_eq!(account.bytes(), (64 << 20) + 1000);
        account.memory(&config)?;
        drop((one, two));
        assert_eq!(account.bytes(), 0);
        Ok(())
    }

    #[test]
    fn threads_become_fewer_but_never_none() {
        let (account, config) = (account(), limits());
        let granted: Vec<Threads> = (0..4).map(|_| account.threads_for(&config)).collect();
        let counts: Vec<usize> = granted.iter().map(Threads::count).collect();
        assert_eq!(counts, [3, 2, 1, 1]);
        assert_eq!(account.threads(), 7);
        assert!(account.is_crowded(&config));
        drop(granted);
        assert!(!account.is_crowded(&config));
        assert_eq!(account.threads(), 0);
    }
}
