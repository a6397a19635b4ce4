//! The models that are ready in this server, shared by all connections and found by the sha256 of their bytes.
//!
//! An entry can never be stale: other bytes have another name. A model that a statement holds counts like any other and
//! stays, so that cache_size bounds what all models in memory take.

use crate::config::config;
use crate::digest::Digest;
use crate::interrupts::Interrupts;
use crate::ready::{self, Ready};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tablenet_core::{Callback, Error, ErrorKind, ModelFile, Result};

/// How long to wait between two looks whether the connection was killed.
const PATIENCE: Duration = Duration::from_millis(10);

/// Models by digest, the least recently used leaving first.
pub struct Cache {
    limit: u64,
    max_model_size: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    entries: HashMap<Digest, Entry>,
    /// Of all entries.
    bytes: u64,
    clock: u64,
    /// Models that are being read, by the bytes of their files.
    reading: HashMap<Digest, u64>,
}

struct Entry {
    ready: Arc<Ready>,
    bytes: u64,
    used: u64,
}

/// The right to read a model, given back when it is dropped.
struct Reading<'c> {
    cache: &'c Cache,
    digest: Digest,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.cache.lock().reading.remove(&self.digest);
        self.cache.changed.notify_all();
    }
}

impl Cache {
    /// The cache of this server.
    pub fn of_server() -> Result<&'static Self> {
        static CACHE: OnceLock<Cache> = OnceLock::new();
        let config = config()?;
        Ok(CACHE.get_or_init(|| Self::new(config.cache_size, config.max_model_size)))
    }

    /// An empty cache for `limit` bytes of models, each of whose files has at most `max_model_size` bytes.
    pub fn new(limit: u64, max_model_size: u64) -> Self {
        Self {
            limit,
            max_model_size,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Bytes that all models may take.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Nothing below panics while it holds the lock; if it did, the numbers would still be good enough to go on with.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model with this digest, now the most recently used.
    pub fn find(&self, digest: Digest) -> Option<Arc<Ready>> {
        self.lock().find(digest)
    }

    /// The model that `bytes` are, read if it is not here yet: by one connection, while others that need it wait.
    pub fn read(&self, bytes: &[u8]) -> Result<Arc<Ready>> {
        ready::check_size(bytes, self.max_model_size)?;
        let digest = Digest::of(bytes);
        let reading = match self.begin(digest, bytes.len() as u64)? {
            Begun::Found(ready) => return Ok(ready),
            Begun::Reading(reading) => reading,
        };
        let ready = Arc::new(Ready::read(bytes, digest, self.limit)?);
        let kept = self.lock().keep(&ready, self.limit);
        drop(reading);
        kept.map(|()| ready)
    }

    /// What `of_ready` says of the model that `bytes` are, or `of_file` where it is not here: read for this one answer and not
    /// kept.
    pub fn look<T>(
        &self,
        bytes: &[u8],
        of_ready: impl FnOnce(&Ready) -> T,
        of_file: impl FnOnce(&ModelFile) -> Result<T>,
    ) -> Result<T> {
        ready::check_size(bytes, self.max_model_size)?;
        match self.begin(Digest::of(bytes), bytes.len() as u64)? {
            Begun::Found(ready) => Ok(of_ready(&ready)),
            // Together with all others that are being read, within the limit.
            Begun::Reading(_reading) => of_file(&ready::file(bytes, self.limit)?),
        }
    }

    /// Finds the model, or waits for the right to read it: not twice at once, and together not more than the limit.
    fn begin(&self, digest: Digest, bytes: u64) -> Result<Begun<'_>> {
        let mut state = self.lock();
        loop {
            if let Some(ready) = state.find(digest) {
                return Ok(Begun::Found(ready));
            }
            let others: u64 = state.reading.values().sum();
            let fits = state.reading.is_empty() || others.saturating_add(bytes) <= self.limit;
            if fits && !state.reading.contains_key(&digest) {
                state.reading.insert(digest, bytes);
                let cache = self;
                return Ok(Begun::Reading(Reading { cache, digest }));
            }
            state = self
                .changed
                .wait_timeout(state, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            drop(state);
            Interrupts.check()?;
            state = self.lock();
        }
    }
}

enum Begun<'c> {
    Found(Arc<Ready>),
    Reading(Reading<'c>),
}

impl State {
    fn find(&mut self, digest: Digest) -> Option<Arc<Ready>> {
        self.clock += 1;
        let entry = self.entries.get_mut(&digest)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.ready))
    }

    /// Keeps a model, for which others that nobody holds leave.
    fn keep(&mut self, ready: &Arc<Ready>, limit: u64) -> Result<()> {
        let bytes = ready
            .bytes()
            .saturating_add((size_of::<Entry>() + size_of::<Digest>()) as u64);
        if bytes > limit {
            return Err(too_large(bytes, limit));
        }
        self.shrink(limit - bytes);
        if self.bytes > limit - bytes {
            return Err(in_use(bytes, self.bytes, limit));
        }
        self.clock += 1;
        let (ready, used) = (Arc::clone(ready), self.clock);
        let digest = ready.digest();
        let entry = Entry { ready, bytes, used };
        self.bytes += bytes;
        if let Some(before) = self.entries.insert(digest, entry) {
            self.bytes -= before.bytes;
        }
        Ok(())
    }

    /// Drops the least recently used models that nobody holds, until at most `limit` bytes are kept or none is left.
    fn shrink(&mut self, limit: u64) {
        if self.bytes <= limit {
            return;
        }
        // The count is 1 for the cache alone, and only a holder or this lock could raise it.
        let idle = |entry: &Entry| Arc::strong_count(&entry.ready) == 1;
        let mut leaving: Vec<(u64, Digest)> = self
            .entries
            .iter()
            .filter(|(_, entry)| idle(entry))
            .map(|(digest, entry)| (entry.used, *digest))
            .collect();
        leaving.sort_unstable_by_key(|(used, _)| *used);
        for (_, digest) in leaving {
            if self.bytes <= limit {
                return;
            }
            if let Some(dropped) = self.entries.remove(&digest) {
                self.bytes -= dropped.bytes;
            }
        }
    }
}

fn too_large(bytes: u64, limit: u64) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!("the model takes {bytes} bytes of memory, more than the limit of {limit}"),
    )
    .hint("The limit is cache_size in tablenet's configuration, which the server's administrator can raise.")
}

fn in_use(bytes: u64, used: u64, limit: u64) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        format!("the model takes {bytes} bytes of memory, but models in use take {used} of {limit}"),
    )
    .hint("Try again later; the limit is cache_size in tablenet's configuration, which the server's administrator can raise.")
}

#[cfg(test)]
mod tests;
