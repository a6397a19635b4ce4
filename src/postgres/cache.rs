//! The models that this session keeps ready, found by the sha256 of their bytes.
//!
//! An entry can never be stale: other bytes have another key. Which bytes a name stands for is asked of the catalog
//! by every statement.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tablenet_core::Scorer;

/// The sha256 of a model's bytes.
pub type Digest = [u8; 32];

struct Entry {
    scorer: Rc<Scorer>,
    bytes: usize,
    used: u64,
}

/// Models by digest, the least recently used leaving first.
#[derive(Default)]
pub struct Cache {
    entries: HashMap<Digest, Entry>,
    bytes: usize,
    clock: u64,
}

thread_local! {
    static SESSION: RefCell<Cache> = RefCell::default();
}

impl Cache {
    /// Runs `work` on the cache of this session.
    pub fn session<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        SESSION.with_borrow_mut(work)
    }

    /// The model with this digest, now the most recently used.
    pub fn get(&mut self, digest: &Digest) -> Option<Rc<Scorer>> {
        self.clock += 1;
        let entry = self.entries.get_mut(digest)?;
        entry.used = self.clock;
        Some(Rc::clone(&entry.scorer))
    }

    /// Keeps a model if it fits into `limit` bytes at all, and drops others until everything does.
    pub fn keep(&mut self, digest: Digest, scorer: &Rc<Scorer>, limit: usize) {
        let bytes = scorer
            .bytes()
            .saturating_add(size_of::<Entry>() + size_of::<Digest>());
        if bytes > limit {
            return;
        }
        self.shrink(limit - bytes);
        self.clock += 1;
        let entry = Entry {
            scorer: Rc::clone(scorer),
            bytes,
            used: self.clock,
        };
        self.bytes += bytes;
        if let Some(replaced) = self.entries.insert(digest, entry) {
            self.bytes -= replaced.bytes;
        }
    }

    /// Drops the least recently used models until at most `limit` bytes are kept.
    pub fn shrink(&mut self, limit: usize) {
        while self.bytes > limit {
            let Some(oldest) = self
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(digest, _)| *digest)
            else {
                return;
            };
            if let Some(dropped) = self.entries.remove(&oldest) {
                self.bytes -= dropped.bytes;
            }
        }
    }

    /// How many models are kept.
    #[cfg(any(test, feature = "pg_test"))]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of all models kept.
    #[cfg(any(test, feature = "pg_test"))]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
