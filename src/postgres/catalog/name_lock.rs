//! One training of a name at a time: a lock that a transaction keeps to its end, as LOCK TABLE does. Whoever only reads,
//! or deploys another version, never waits for it.
//!
//! A training holds the name first and the model's row last. A transaction that has changed the row must not wait for the
//! name then, or the two would wait for each other.

use std::cell::RefCell;

use pgrx::pg_sys;
use tablenet_core::Result;

use crate::{error, owner};

thread_local! {
    /// The models that a transaction has changed: under which name, and the id of the (sub)transaction that did it.
    static CHANGED: RefCell<(u64, Vec<(pg_sys::TransactionId, String)>)> = const { RefCell::new((0, Vec::new())) };
}

/// Remembers that this transaction holds the row of the model `name`.
pub fn changed(name: &str) {
    // SAFETY: plain variables of the backend. Who has changed a row has an id.
    let (transaction, part) = unsafe {
        (
            pg_sys::GetTopFullTransactionIdIfAny().value,
            pg_sys::GetCurrentTransactionIdIfAny(),
        )
    };
    CHANGED.with_borrow_mut(|(of, names)| {
        if *of != transaction {
            *of = transaction;
            names.clear();
        }
        if !names.iter().any(|known| known.0 == part && known.1 == name) {
            names.push((part, name.to_string()));
        }
    });
}

/// Whether this transaction holds the row of a model that had this name; not where a savepoint has taken it back. A
/// savepoint that was released, as at the end of a block with EXCEPTION in PL/pgSQL, leaves it to the transaction.
fn is_changed(name: &str) -> bool {
    // SAFETY: a plain variable of the backend.
    let transaction = unsafe { pg_sys::GetTopFullTransactionIdIfAny().value };
    CHANGED.with_borrow(|(of, names)| {
        *of == transaction
            && names.iter().any(|(part, known)| {
                // SAFETY: looks through this transaction and those of its parts that were not taken back.
                known == name && unsafe { pg_sys::TransactionIdIsCurrentTransactionId(*part) }
            })
    })
}

/// Waits until no other transaction trains or creates the model `name`. `false` if another does and this one has
/// changed the model, for which that one waits sooner or later: the name is not locked then.
///
/// It is a lock on the table of models with the name's hash as object, which pg_locks shows; two names with one hash
/// only wait for each other. Whoever calls it has looked whether the user may have the name: a stranger holds nobody up.
///
/// # Errors
/// 40P01, 55P03 and 57014, as for any lock.
pub fn take(name: &str) -> Result<bool> {
    // The server's own hash: libraries of two releases that are loaded at once have to agree.
    // SAFETY: reads that many bytes; a name is short.
    let hash = unsafe { pg_sys::hash_bytes_extended(name.as_ptr(), name.len() as i32, 0) };
    let tag = pg_sys::LOCKTAG {
        // SAFETY: a plain variable of the backend.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.into(),
        locktag_field2: owner::table_of_models().into(),
        // As many bits as there are: other names of the same hash are not come upon by chance.
        locktag_field3: hash as u32,
        locktag_field4: (hash >> 32) as u16,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let wait = !is_changed(name);
    error::catch(|| {
        // SAFETY: the tag is read; a wait for the lock ends with an error that `catch` takes.
        let taken = unsafe {
            pg_sys::LockAcquire(&tag, pg_sys::ShareUpdateExclusiveLock as i32, false, !wait)
        };
        taken != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
    })
}
