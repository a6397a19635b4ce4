//! The memory promise: every large buffer is charged here before it is taken.

use crate::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A limit in bytes and what is charged against it so far. Clones share one account.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    /// An empty account of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Account {
            limit,
            used: AtomicU64::new(0),
        }))
    }

    /// Charges `bytes`, or refuses with `OutOfMemory` naming `what`, the need and the limit; nothing is charged then.
    pub fn reserve(&self, bytes: u64, what: &str) -> Result<()> {
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.0.limit);
        let account = &self.0.used;
        match account.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(used) => Err(exceeded(what, used.saturating_add(bytes), self.0.limit)),
        }
    }

    /// Gives `bytes` back.
    pub fn release(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let account = &self.0.used;
        let _ = account.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Bytes that can still be charged.
    pub fn available(&self) -> u64 {
        self.0.limit.saturating_sub(self.used())
    }

    /// Bytes charged so far.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// The limit in bytes.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }
}

/// The error of a memory limit: `needed` bytes in all for `what`, but only `limit` allowed.
pub(crate) fn exceeded(what: &str, needed: u64, limit: u64) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!(
            "{what} needs {} of memory, more than the limit of {}",
            size(needed),
            size(limit)
        ),
    )
    .hint("Raise the memory limit or make the model or the batch smaller.")
}

/// The error of an allocation that the machine refused.
pub(crate) fn refused(what: &str, bytes: u64) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!("could not get {} of memory for {what}", size(bytes)),
    )
    .hint("Free memory on this machine or lower the memory limit.")
}

/// An empty vector with room for `length` items, taken with `try_reserve` so that a refusal is an error and not an abort.
pub(crate) fn with_capacity<T>(length: usize, what: &str) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    match vector.try_reserve_exact(length) {
        Ok(()) => Ok(vector),
        Err(_) => Err(refused(
            what,
            (length as u64).saturating_mul(size_of::<T>() as u64),
        )),
    }
}

/// Bytes in kB or MB as PostgreSQL writes them, rounded up.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..10_485_760 => format!("{} kB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MB", bytes.div_ceil(1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_and_gives_back() -> Result<()> {
        let budget = Budget::new(100);
        budget.reserve(60, "rows")?;
        assert_eq!(budget.clone().available(), 40);
        budget.release(10);
        assert_eq!(budget.available(), 50);
        Ok(())
    }

    #[test]
    fn refuses_naming_need_and_limit_and_charges_nothing() {
        let budget = Budget::new(64 << 20);
        let error = budget
            .reserve(100 << 20, "the model")
            .expect_err("over the limit");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        assert_eq!(
            error.to_string(),
            "the model needs 100 MB of memory, more than the limit of 64 MB"
        );
        assert_eq!(budget.available(), 64 << 20);
        assert!(budget.reserve(u64::MAX, "the model").is_err());
        budget.reserve(1, "a byte").expect("room");
        assert!(budget.reserve(u64::MAX, "overflow").is_err());
    }

    #[test]
    fn refuses_an_impossible_vector() {
        assert_eq!(
            with_capacity::<f64>(usize::MAX / 4, "rows")
                .expect_err("too large")
                .kind(),
            ErrorKind::OutOfMemory
        );
    }
}
