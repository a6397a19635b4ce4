//! Who reads and writes the catalog tables: their owner, for the length of one fixed statement. Whose rights count
//! for a model: those of the current user.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pgrx::pg_sys::{self, Datum, Oid};

/// Runs `statement` as the owner of a catalog table, who is the owner of the extension.
///
/// Nothing but statements written in this crate may run in it.
pub fn as_owner_of<R>(table: Oid, statement: impl FnOnce() -> R) -> R {
    let owner = owner_of(table);
    let (mut user, mut context) = (Oid::INVALID, 0);
    let restricted =
        (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION) as i32;
    // SAFETY: plain variables of the backend, saved and restored.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(owner, context | restricted);
    }
    let result = catch_unwind(AssertUnwindSafe(statement));
    // SAFETY: as above. An abort would restore them, too; an error on its way needs no abort to be harmless.
    unsafe { pg_sys::SetUserIdAndSecContext(user, context) };
    result.unwrap_or_else(|payload| resume_unwind(payload))
}

/// The user whose rights decide.
pub fn caller() -> Oid {
    // SAFETY: a plain variable of the backend.
    unsafe { pg_sys::GetUserId() }
}

/// Whether the current user has the rights of `owner`: is it, is a member of it, or is a superuser.
pub fn caller_has_rights_of(owner: Oid) -> bool {
    // SAFETY: reads the membership cache.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), owner) }
}

/// Whether this role is still there.
pub fn exists(role: Oid) -> bool {
    // SAFETY: a lookup in the system cache; no tuple is returned.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::AUTHOID as i32;
        pg_sys::SearchSysCacheExists(
            cache,
            role.into(),
            Datum::null(),
            Datum::null(),
            Datum::null(),
        )
    }
}

/// The table of models.
pub fn table_of_models() -> Oid {
    // SAFETY: lookups in the system caches; the names are literals.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"tablenet".as_ptr(), false);
        pg_sys::get_relname_relid(c"stored_model".as_ptr(), schema)
    }
}

fn owner_of(table: Oid) -> Oid {
    // SAFETY: a lookup in the system cache; a tuple found is pinned until it is released.
    unsafe {
        let tuple =
            pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::RELOID as i32, table.into());
        if tuple.is_null() {
            // The statement that follows says that the table does not exist.
            return pg_sys::GetUserId();
        }
        let owner = (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>()).relowner;
        pg_sys::ReleaseSysCache(tuple);
        owner
    }
}
