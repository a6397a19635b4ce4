//! Models in the catalog tables, as the statement's snapshot sees them: found and read by fixed statements.

mod model_name;
mod model_row;
pub mod name_lock;
pub mod rights;
pub mod versions;

pub use model_name::{ModelName, version_number};
pub use model_row::ModelRow;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Callback, Error, ErrorKind, Result};

use crate::chunks::{self, Part, Seal, damaged};
use crate::fixed::{Fixed, connected};
use crate::{datum, error};
use rights::{As, Privilege};

thread_local! {
    static FIND: Fixed = const { Fixed::new(
        c"SELECT m.model_id, m.owner, m.deployed, v.version, v.size, v.sha256, v.state_size, v.state_sha256 \
            FROM tablenet.stored_model AS m LEFT JOIN tablenet.stored_version AS v \
              ON v.model_id OPERATOR(pg_catalog.=) m.model_id \
             AND v.version OPERATOR(pg_catalog.=) COALESCE($2, m.deployed) \
           WHERE m.name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID, pg_sys::INT4OID],
    ) };
    static OWNER: Fixed = const { Fixed::new(
        c"SELECT model_id, owner FROM tablenet.stored_model WHERE name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    static HISTORY: Fixed = const { Fixed::new(
        c"SELECT history FROM tablenet.stored_version \
           WHERE model_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2",
        &[pg_sys::INT8OID, pg_sys::INT4OID],
    ) };
}

/// A version of a model that this snapshot sees, and that the current user may use.
#[derive(Debug, Clone)]
pub struct StoredModel {
    /// The model's key.
    pub model_id: i64,
    /// Its version: the deployed one, or the one asked for.
    pub version: i32,
    /// Its file.
    pub file: Seal,
    /// The state of its training; a model that came from elsewhere has none.
    pub state: Option<Seal>,
}

/// The model `name`, "name" or "name@3", for which the current user needs a privilege.
///
/// # Errors
/// 42704 if there is none, or none that the user knows of, or no such version; 42501 if the user may only do less;
/// 55000 if no version is deployed; XX001 if the deployed one is missing.
pub fn find(name: &str, needed: Privilege) -> Result<StoredModel> {
    let named = ModelName::parse(name)?;
    look(name, &named, needed)?.ok_or_else(|| not_deployed(named.name))
}

/// The deployed version of `model`, which the current user may train; `None` where there is no model or none is deployed.
///
/// # Errors
/// Those of [`find`].
pub fn find_deployed(model: &str) -> Result<Option<StoredModel>> {
    let named = ModelName {
        name: model,
        version: None,
    };
    match may_train(model)? {
        Some(_) => look(model, &named, Privilege::Train),
        None => Ok(None),
    }
}

/// The version that is named, or the deployed one if there is one.
fn look(name: &str, named: &ModelName<'_>, needed: Privilege) -> Result<Option<StoredModel>> {
    let ModelName {
        name: model,
        version,
    } = *named;
    connected(|| {
        let key = [Some(datum::text_datum(model)), version.map(Datum::from)];
        let rows = FIND.with(|find| find.read(&key))?;
        let (Some(model_id), Some(owner)) = (rows.get(0, 0), rows.get(0, 1)) else {
            return Err(rights::unknown(model));
        };
        let owner = Oid::from(owner.value() as u32);
        rights::require(model, model_id, owner, needed, As::Seen)?;
        let (Some(found), Some(size), Some(sha256)) =
            (rows.get(0, 3), rows.get(0, 4), rows.get(0, 5))
        else {
            return match (version, rows.get(0, 2)) {
                (Some(version), _) => Err(no_version(model, version)),
                (None, None) => Ok(None),
                (None, Some(_)) => Err(damaged(model, "Its deployed version is missing.")),
            };
        };
        // SAFETY: sizes are bigint and digests bytea, alive until the connection closes.
        let (file, state) = unsafe {
            let state = rows.get(0, 6).zip(rows.get(0, 7));
            (
                Seal::stored(name, size, sha256)?,
                state.map(|(size, sha256)| Seal::stored(name, size, sha256)),
            )
        };
        Ok(Some(StoredModel {
            model_id: model_id.value() as i64,
            version: found.value() as i32,
            file,
            state: state.transpose()?,
        }))
    })
}

/// The key of the model `name`, if there is one, which the current user may train. A model whose version is damaged
/// can be trained again.
///
/// # Errors
/// 42710 if it is another's, 42501 if the user may only read it.
pub fn may_train(name: &str) -> Result<Option<i64>> {
    connected(|| {
        let Some((model_id, owner)) = key_and_owner(name, As::Seen)? else {
            return Ok(None);
        };
        if rights::held(model_id, owner, As::Seen)?.is_none() {
            return Err(rights::taken(name));
        }
        rights::require(name, model_id, owner, Privilege::Train, As::Seen)?;
        Ok(Some(model_id.value() as i64))
    })
}

/// Refuses what the current user may not do with the model `name`, if there is one.
///
/// # Errors
/// Those of [`rights::require`].
pub fn may(name: &str, needed: Privilege) -> Result<()> {
    connected(|| {
        let Some((model_id, owner)) = key_and_owner(name, As::Seen)? else {
            return Ok(());
        };
        rights::require(name, model_id, owner, needed, As::Seen)
    })
}

/// Whether there is a model `name`, whoever may use it.
pub fn is_there(name: &str) -> Result<bool> {
    connected(|| Ok(key_and_owner(name, As::Seen)?.is_some()))
}

/// The key and the owner of the model `name`, whoever may use it, within an open connection to SPI. A model whose version
/// is damaged has them, too.
fn key_and_owner(name: &str, current: As) -> Result<Option<(Datum, Oid)>> {
    let key = [Some(datum::text_datum(name))];
    let rows = OWNER.with(|statement| match current {
        As::Seen => statement.read(&key),
        As::Now => statement.write(&key),
    })?;
    let owner = |owner: Datum| Oid::from(owner.value() as u32);
    Ok(rows.get(0, 0).zip(rows.get(0, 1).map(owner)))
}

/// The error for a version that a model does not have.
pub fn no_version(name: &str, version: i32) -> Error {
    let report = error::report(
        Code::ERRCODE_UNDEFINED_OBJECT,
        format!("model \"{name}\" has no version {version}"),
    );
    error::wrap(report.set_hint("tablenet.versions lists the versions there are."))
}

/// The error for a model of which no version is in use.
fn not_deployed(name: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("no version of model \"{name}\" is deployed"),
    );
    error::wrap(report.set_hint("Choose one with ml_deploy(), or name one, as in name@3."))
}

/// The file of `model`, checked against its sha256.
///
/// # Errors
/// Those of [`chunks::read`].
pub fn read(
    name: &str,
    model: &StoredModel,
    limit: u64,
    callback: &mut dyn Callback,
) -> Result<Vec<u8>> {
    let key = (model.model_id, model.version);
    chunks::read(name, Part::File, key, &model.file, limit, callback)
}

/// The state that the training of `model` ended with, checked against its sha256.
///
/// # Errors
/// NotSupported if it has none, those of [`chunks::read`].
pub fn read_state(
    name: &str,
    model: &StoredModel,
    limit: u64,
    callback: &mut dyn Callback,
) -> Result<Vec<u8>> {
    let Some(seal) = &model.state else {
        let message = format!("model \"{name}\" has no training state to continue from");
        return Err(Error::new(ErrorKind::NotSupported, message)
            .hint("Train it with ml_train() without warm_start."));
    };
    let key = (model.model_id, model.version);
    chunks::read(name, Part::State, key, seal, limit, callback)
}

/// The logs of every epoch of `model`, as they were stored.
pub fn history(model: &StoredModel) -> Result<String> {
    connected(|| {
        let key = [
            Some(Datum::from(model.model_id)),
            Some(Datum::from(model.version)),
        ];
        let rows = HISTORY.with(|statement| statement.read(&key))?;
        // SAFETY: the column is a jsonb.
        rows.get(0, 0).map_or_else(
            || Ok("[]".to_string()),
            |history| unsafe { datum::jsonb_text(history) },
        )
    })
}
