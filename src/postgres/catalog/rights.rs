//! What the current user may do with a model: the owner everything, others what was granted to them or to PUBLIC.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Error, Result, unknown as unknown_word};

use crate::fixed::{Fixed, Rows};
use crate::{datum, error, owner};

thread_local! {
    static GRANTS: Fixed = const { Fixed::new(
        c"SELECT grantee, privilege FROM tablenet.stored_grant WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
}

/// A privilege on a model; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// To read: predict, evaluate, look at.
    Predict,
    /// To add versions and to deploy them.
    Train,
    /// To rename, drop and grant.
    Own,
}

impl Privilege {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Predict, Self::Train, Self::Own];

    /// Its word in SQL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Train => "train",
            Self::Own => "own",
        }
    }

    /// Reads its word.
    ///
    /// # Errors
    /// 22023 for any other.
    pub fn parse(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|known| known.word() == word);
        found.ok_or_else(|| {
            unknown_word("privilege", "privileges", word, &Self::ALL.map(Self::word))
        })
    }
}

/// How current the grants are that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// As the statement's snapshot sees them.
    Seen,
    /// As they are now, whatever the isolation level: for a change.
    Now,
}

/// Refuses what the current user may not do with the model `name`, within an open connection to SPI.
///
/// # Errors
/// 42704 if the user has no right on it, as if it were not there; 42501 if `needed` is more than there is.
pub fn require(
    name: &str,
    model_id: Datum,
    model_owner: Oid,
    needed: Privilege,
    grants: As,
) -> Result<()> {
    match held(model_id, model_owner, grants)? {
        Some(held) if held >= needed => Ok(()),
        Some(_) => Err(denied(name, needed)),
        None => Err(unknown(name)),
    }
}

/// The highest privilege of the current user, within an open connection to SPI.
pub fn held(model_id: Datum, model_owner: Oid, grants: As) -> Result<Option<Privilege>> {
    if owner::caller_has_rights_of(model_owner) {
        return Ok(Some(Privilege::Own));
    }
    let key = [Some(model_id)];
    let rows = GRANTS.with(|statement| match grants {
        As::Seen => statement.read(&key),
        As::Now => statement.latest(&key),
    })?;
    let mut highest = None;
    for row in 0..rows.count() {
        highest = highest.max(granted(&rows, row)?);
    }
    rows.free();
    Ok(highest)
}

/// What one row of grants gives to the current user.
fn granted(rows: &Rows, row: usize) -> Result<Option<Privilege>> {
    let (Some(grantee), Some(privilege)) = (rows.get(row, 0), rows.get(row, 1)) else {
        return Ok(None);
    };
    let grantee = Oid::from(grantee.value() as u32);
    if grantee != Oid::INVALID && !owner::caller_has_rights_of(grantee) {
        return Ok(None);
    }
    // SAFETY: the column is text.
    let word = unsafe { datum::text(privilege)? };
    Ok(Privilege::ALL
        .into_iter()
        .find(|known| known.word() == word))
}

/// The error for a name that no model has, or none that the current user knows of.
pub fn unknown(name: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("model \"{name}\" does not exist"),
    );
    error::wrap(
        report.set_hint(
            "Train it first with ml_train(); tablenet.models lists the models you may use.",
        ),
    )
}

/// The error for a new name that a model has already.
pub fn taken(name: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_DUPLICATE_OBJECT,
        format!("model \"{name}\" already exists"),
    );
    error::wrap(report.set_hint(
        "Choose another name, or ask the owner of that model for ml_grant(..., 'train').",
    ))
}

/// The error for a model that the current user may use, but not for this.
fn denied(name: &str, needed: Privilege) -> Error {
    let report = error::report(
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for model \"{name}\""),
    );
    let hint = format!(
        "It needs the privilege \"{}\": see ml_grant().",
        needed.word()
    );
    error::wrap(report.set_hint(hint))
}
