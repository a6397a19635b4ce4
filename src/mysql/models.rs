//! The models that one call in a statement uses: the one of the row before, and a bounded number of others.
//!
//! They are held until the statement ends, so that a reference which ml_ref answered stays good in it.

use crate::cache::Cache;
use crate::digest::Digest;
use crate::error::invalid;
use crate::ready::{Ready, not_ready};
use std::collections::HashMap;
use std::sync::Arc;
use tablenet_core::{ErrorKind, Result};

/// The most models that are set aside.
const MOST: usize = 1024;
/// Bytes at the end of a model that are looked at first: its last weights, or most of a reference.
const TAIL: usize = 64;

/// Models, each with the `B` that was made for it.
pub struct Models<B> {
    cache: &'static Cache,
    current: Option<Slot<B>>,
    others: HashMap<Sample, Vec<Slot<B>>>,
    /// How many.
    count: usize,
    /// Bytes that the others hold.
    held: u64,
}

/// A model as it is called in this statement.
pub struct Slot<B> {
    /// The bytes that stand for it: a reference, or the whole model, of which all statements share one copy.
    given: Arc<Vec<u8>>,
    /// The model.
    pub ready: Arc<Ready>,
    /// What the call made for it.
    pub bound: B,
}

/// A cheap key, good enough to find what is compared in full afterwards.
type Sample = (usize, [u8; TAIL]);

impl<B> Models<B> {
    /// None yet.
    pub fn new() -> Result<Self> {
        Ok(Self::of(Cache::of_server()?))
    }

    /// The same for another cache.
    pub fn of(cache: &'static Cache) -> Self {
        Self {
            cache,
            current: None,
            others: HashMap::new(),
            count: 0,
            held: 0,
        }
    }

    /// The model that `given` is or refers to; `bind` makes what the call needs of a model it has not met.
    #[inline]
    pub fn get(
        &mut self,
        given: &[u8],
        bind: impl FnOnce(&Arc<Ready>) -> Result<B>,
    ) -> Result<&mut Slot<B>> {
        if !matches!(&self.current, Some(slot) if *slot.given == given) {
            self.change(given, bind)?;
        }
        // What `change` has just put there.
        self.current
            .as_mut()
            .ok_or_else(|| invalid("no model is bound"))
    }

    #[cold]
    fn change(&mut self, given: &[u8], bind: impl FnOnce(&Arc<Ready>) -> Result<B>) -> Result<()> {
        if let Some(before) = self.current.take() {
            self.set_aside(before);
        }
        if let Some(alike) = self.others.get_mut(&sample(given))
            && let Some(place) = alike.iter().position(|slot| *slot.given == given)
        {
            let slot = alike.swap_remove(place);
            self.count -= 1;
            self.held = self.held.saturating_sub(slot.bytes());
            self.current = Some(slot);
            return Ok(());
        }
        let ready = match self.find(given) {
            // What this very call holds may be what is in the way.
            Err(error) if error.kind() == ErrorKind::OutOfMemory && self.count > 0 => {
                self.forget();
                self.find(given)?
            }
            found => found?,
        };
        let bound = bind(&ready)?;
        let given = if Digest::is_reference(given) {
            Arc::new(given.to_vec())
        } else {
            ready.copy(given)?
        };
        self.current = Some(Slot {
            given,
            ready,
            bound,
        });
        Ok(())
    }

    fn find(&self, given: &[u8]) -> Result<Arc<Ready>> {
        if Digest::is_reference(given) {
            Digest::of_reference(given)
                .and_then(|digest| self.cache.find(digest))
                .ok_or_else(|| not_ready(given))
        } else {
            self.cache.read(given)
        }
    }

    /// Keeps a model for later rows, of all together at most a quarter of what the cache may take.
    fn set_aside(&mut self, slot: Slot<B>) {
        let bytes = slot.bytes();
        let full = self.held.saturating_add(bytes) > self.cache.limit() / 4;
        if full || self.count >= MOST {
            self.forget();
        }
        self.count += 1;
        self.held = self.held.saturating_add(bytes);
        self.others
            .entry(sample(&slot.given))
            .or_default()
            .push(slot);
    }

    fn forget(&mut self) {
        self.others.clear();
        (self.count, self.held) = (0, 0);
    }
}

impl<B> Slot<B> {
    fn bytes(&self) -> u64 {
        self.ready.bytes().saturating_add(self.given.len() as u64)
    }
}

/// The length and the last bytes.
fn sample(given: &[u8]) -> Sample {
    let mut tail = [0; TAIL];
    let from = given.len().saturating_sub(TAIL);
    for (to, byte) in tail.iter_mut().zip(given.iter().skip(from)) {
        *to = *byte;
    }
    (given.len(), tail)
}

#[cfg(test)]
mod tests;
