//! ml_grant and ml_revoke: others may use a model, too. Both also take away what dropped roles had on it.

use std::ffi::{CStr, c_char};

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Error, ErrorKind, Result};

use crate::catalog::ModelRow;
use crate::catalog::rights::Privilege;
use crate::entry::{Call, entry, refuse_if_read_only};
use crate::fixed::{Fixed, connected};
use crate::{datum, error, owner};

entry!(tablenet_grant, pg_finfo_tablenet_grant, grant);
entry!(tablenet_revoke, pg_finfo_tablenet_revoke, revoke);

thread_local! {
    static GRANT: Fixed = const { Fixed::new(
        c"INSERT INTO tablenet.stored_grant (model_id, grantee, privilege) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[pg_sys::INT8OID, pg_sys::REGROLEOID, pg_sys::TEXTOID],
    ) };
    static REVOKE: Fixed = const { Fixed::new(
        c"DELETE FROM tablenet.stored_grant WHERE model_id OPERATOR(pg_catalog.=) $1 \
             AND grantee OPERATOR(pg_catalog.=) $2 AND ($3 IS NULL OR privilege OPERATOR(pg_catalog.=) $3)",
        &[pg_sys::INT8OID, pg_sys::REGROLEOID, pg_sys::TEXTOID],
    ) };
    static GRANTEES: Fixed = const { Fixed::new(
        c"SELECT DISTINCT grantee FROM tablenet.stored_grant WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
    static NEW_OWNER: Fixed = const { Fixed::new(
        c"UPDATE tablenet.stored_model SET owner = $2 WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID, pg_sys::REGROLEOID],
    ) };
}

fn grant(call: &Call) -> Result<Datum> {
    let (name, role) = (call.required_text(0, "model")?, grantee(call)?);
    let privilege = Privilege::parse(&call.required_text(2, "privilege")?)?;
    if privilege == Privilege::Own && role == Oid::INVALID {
        let message = "privilege \"own\" cannot be granted to public";
        return Err(Error::new(ErrorKind::InvalidParameter, message)
            .hint("Everybody could drop the model. Name a role."));
    }
    refuse_if_read_only(c"ml_grant()");
    connected(|| {
        let model = ModelRow::lock(&name, Privilege::Own)?;
        sweep(&model)?;
        let word = datum::text_datum(privilege.word());
        // A model of a role that was dropped has nobody but superusers: it gets an owner again.
        if privilege == Privilege::Own && !owner::exists(model.owner) {
            return NEW_OWNER
                .with(|statement| statement.write(&[Some(model.model_id), Some(role.into())]))
                .map(drop);
        }
        GRANT
            .with(|statement| {
                statement.write(&[Some(model.model_id), Some(role.into()), Some(word)])
            })
            .map(drop)
    })?;
    // Returns void.
    Ok(Datum::null())
}

/// Without a privilege all of them.
fn revoke(call: &Call) -> Result<Datum> {
    let (name, role) = (call.required_text(0, "model")?, grantee(call)?);
    let privilege = call
        .text(2)?
        .map(|word| Privilege::parse(&word))
        .transpose()?;
    refuse_if_read_only(c"ml_revoke()");
    connected(|| {
        let model = ModelRow::lock(&name, Privilege::Own)?;
        sweep(&model)?;
        let word = privilege.map(|privilege| datum::text_datum(privilege.word()));
        REVOKE
            .with(|statement| statement.write(&[Some(model.model_id), Some(role.into()), word]))
            .map(drop)
    })?;
    // Returns void.
    Ok(Datum::null())
}

/// A role's number comes again some day: what a role had that was dropped must not become another's. Which roles there are
/// is asked as it is now: a snapshot of REPEATABLE READ may be older than a role that this transaction has granted to.
fn sweep(model: &ModelRow) -> Result<()> {
    let rows = GRANTEES.with(|statement| statement.write(&[Some(model.model_id)]))?;
    for row in 0..rows.count() {
        let Some(grantee) = rows.get(row, 0) else {
            continue;
        };
        let role = Oid::from(grantee.value() as u32);
        if role != Oid::INVALID && !owner::exists(role) {
            REVOKE
                .with(|statement| statement.write(&[Some(model.model_id), Some(grantee), None]))?;
        }
    }
    Ok(())
}

/// The role of argument 1, a `name`: the invalid one for public, as PostgreSQL's own tables of rights have it.
fn grantee(call: &Call) -> Result<Oid> {
    let Some(name) = call.datum(1) else {
        return Err(Error::new(
            ErrorKind::NullNotAllowed,
            "role must not be null",
        ));
    };
    // SAFETY: the argument is declared name, which ends with a NUL.
    let (name, role) = unsafe {
        let name: *const c_char = name.cast_mut_ptr();
        (CStr::from_ptr(name), pg_sys::get_role_oid(name, true))
    };
    if name == c"public" || role != Oid::INVALID {
        return Ok(role);
    }
    // SAFETY: the name lives as long as the call.
    let name = unsafe { datum::utf8(name.to_bytes())? };
    Err(error::own(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("role \"{name}\" does not exist"),
    ))
}
