//! One training of a name at a time: a lock that a transaction keeps to its end, as LOCK TABLE does. Whoever only reads,
//! or deploys another version, never waits for it.

use std::hash::{DefaultHasher, Hash, Hasher};

use pgrx::pg_sys;
use tablenet_core::Result;

use crate::{error, owner};

/// Waits until no other transaction trains or creates the model `name`.
///
/// It is a lock on the table of models with the name's hash as object, which pg_locks shows; two names with one hash
/// only wait for each other.
///
/// # Errors
/// 40P01, 55P03 and 57014, as for any lock.
pub fn take(name: &str) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let tag = pg_sys::LOCKTAG {
        // SAFETY: a plain variable of the backend.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.into(),
        locktag_field2: owner::table_of_models().into(),
        locktag_field3: hasher.finish() as u32,
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    error::catch(|| {
        // SAFETY: the tag is read; a wait for the lock ends with an error that `catch` takes.
        unsafe {
            pg_sys::LockAcquire(&tag, pg_sys::ShareUpdateExclusiveLock as i32, false, false);
        }
    })
}
