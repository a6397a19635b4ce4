//! Models in the catalog tables: found, stored, read and dropped by fixed statements.

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{IntoDatum, PgSqlErrorCode as Code};
use tablenet_core::{Callback, Error, ErrorKind, Result};

use crate::chunks::{Part, Seal};
use crate::fixed::{Fixed, connected};
use crate::{chunks, datum, error, owner};

thread_local! {
    static FIND: Fixed = const { Fixed::new(
        c"SELECT m.model_id, m.owner, v.version, v.size, v.sha256, v.state_size, v.state_sha256 \
            FROM tablenet.stored_model AS m \
            JOIN tablenet.stored_version AS v \
              ON v.model_id OPERATOR(pg_catalog.=) m.model_id AND v.version OPERATOR(pg_catalog.=) m.deployed \
           WHERE m.name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    static OWNER: Fixed = const { Fixed::new(
        c"SELECT owner FROM tablenet.stored_model WHERE name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    static HISTORY: Fixed = const { Fixed::new(
        c"SELECT history FROM tablenet.stored_version \
           WHERE model_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2",
        &[pg_sys::INT8OID, pg_sys::INT4OID],
    ) };
    static DROP_MODEL: Fixed = const { Fixed::new(
        c"DELETE FROM tablenet.stored_model WHERE name OPERATOR(pg_catalog.=) $1 RETURNING model_id, owner",
        &[pg_sys::TEXTOID],
    ) };
    static DROP_VERSIONS: Fixed = const { Fixed::new(
        c"DELETE FROM tablenet.stored_version \
           WHERE model_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.<) $2",
        &[pg_sys::INT8OID, pg_sys::INT4OID],
    ) };
    // Waits for another training of the same name to commit, then counts on from its version.
    static NEXT_VERSION: Fixed = const { Fixed::new(
        c"INSERT INTO tablenet.stored_model AS m (name, owner, deployed) VALUES ($1, $2, 1) \
          ON CONFLICT (name) DO UPDATE SET deployed = m.deployed OPERATOR(pg_catalog.+) 1 \
          RETURNING m.model_id, m.owner, m.deployed",
        &[pg_sys::TEXTOID, pg_sys::REGROLEOID],
    ) };
    static ADD_VERSION: Fixed = const { Fixed::new(
        c"INSERT INTO tablenet.stored_version (model_id, version, target, task, query, settings, rows, training_rows, \
                 validation_rows, epochs, loss, val_loss, metrics, history, parameters, size, sha256, state_size, state_sha256, seconds, \
                 trained_at, trained_by, library_version) \
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
                 pg_catalog.clock_timestamp(), $21, $22)",
        &[
            pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::TEXTARRAYOID, pg_sys::TEXTOID, pg_sys::TEXTOID, pg_sys::JSONBOID,
            pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::FLOAT8OID, pg_sys::FLOAT8OID,
            pg_sys::JSONBOID, pg_sys::JSONBOID, pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::BYTEAOID, pg_sys::INT8OID,
            pg_sys::BYTEAOID, pg_sys::FLOAT8OID,
            pg_sys::REGROLEOID, pg_sys::TEXTOID,
        ],
    ) };
}

/// The version of a model that this snapshot sees, and that the current user may use.
#[derive(Debug, Clone)]
pub struct StoredModel {
    /// The model's key.
    pub model_id: i64,
    /// Its deployed version.
    pub version: i32,
    /// Its file.
    pub file: Seal,
    /// The state of its training; a model that came from elsewhere has none.
    pub state: Option<Seal>,
}

/// What a training stores.
pub struct NewVersion<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The target columns.
    pub targets: &'a [String],
    /// "regression", "binary" or "multiclass".
    pub task: &'a str,
    /// The query as it was given.
    pub query: &'a str,
    /// Every setting used, defaults included.
    pub settings: &'a serde_json::Value,
    /// Rows used, and how they were split.
    pub rows: u64,
    /// Rows the weights were fitted on.
    pub training_rows: u64,
    /// Rows held out.
    pub validation_rows: u64,
    /// Epochs run.
    pub epochs: u32,
    /// The final training loss.
    pub loss: f64,
    /// The final validation loss.
    pub val_loss: Option<f64>,
    /// The final metrics.
    pub metrics: &'a serde_json::Value,
    /// The logs of every epoch.
    pub history: &'a serde_json::Value,
    /// The number of weights.
    pub parameters: usize,
    /// The model file.
    pub bytes: &'a [u8],
    /// The state that the training ended with.
    pub state: Option<&'a [u8]>,
    /// The version that the training continued from.
    pub continued: Option<i32>,
    /// How long the training took.
    pub seconds: f64,
}

/// The model `name`, if the current user may use it.
///
/// # Errors
/// 42704 if there is none, 42501 if it is another's.
pub fn find(name: &str) -> Result<StoredModel> {
    find_if_any(name)?.ok_or_else(|| unknown(name))
}

/// The model `name`, if there is one.
///
/// # Errors
/// 42501 if it is another's.
pub fn find_if_any(name: &str) -> Result<Option<StoredModel>> {
    match look_up(name)? {
        Some((_, owner)) if !owner::caller_has_rights_of(owner) => Err(denied(name)),
        found => Ok(found.map(|(model, _)| model)),
    }
}

/// Refuses to train `name` if it belongs to somebody else.
pub fn check_may_train(name: &str) -> Result<()> {
    match owner_of(name)? {
        Some(owner) if !owner::caller_has_rights_of(owner) => Err(denied(name)),
        _ => Ok(()),
    }
}

/// The owner alone: a model whose version is damaged can still be trained again and dropped.
fn owner_of(name: &str) -> Result<Option<Oid>> {
    connected(|| {
        let rows = OWNER.with(|owner| owner.read(&[text(name)]))?;
        Ok(rows.get(0, 0).map(|owner| Oid::from(owner.value() as u32)))
    })
}

fn look_up(name: &str) -> Result<Option<(StoredModel, Oid)>> {
    connected(|| {
        let rows = FIND.with(|find| find.read(&[Some(datum::text_datum(name))]))?;
        let (Some(model_id), Some(owner), Some(version), Some(size), Some(sha256)) = (
            rows.get(0, 0),
            rows.get(0, 1),
            rows.get(0, 2),
            rows.get(0, 3),
            rows.get(0, 4),
        ) else {
            return Ok(None);
        };
        // SAFETY: sizes are bigint and digests bytea, alive until the connection closes.
        let (file, state) = unsafe {
            let state = rows.get(0, 5).zip(rows.get(0, 6));
            (
                Seal::stored(name, size, sha256)?,
                state.map(|(size, sha256)| Seal::stored(name, size, sha256)),
            )
        };
        let model = StoredModel {
            model_id: model_id.value() as i64,
            version: version.value() as i32,
            file,
            state: state.transpose()?,
        };
        Ok(Some((model, Oid::from(owner.value() as u32))))
    })
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

/// Stores a new version of a model and deploys it; its number. An existing model keeps its owner, and its older
/// versions go.
pub fn store(new: &NewVersion<'_>, callback: &mut dyn Callback) -> Result<i32> {
    let file = Seal::of(new.bytes, callback)?;
    let state = new
        .state
        .map(|state| Seal::of(state, callback))
        .transpose()?;
    let caller = owner::caller();
    connected(|| {
        let rows = NEXT_VERSION
            .with(|statement| statement.write(&[text(new.name), Some(caller.into())]))?;
        let (Some(model_id), Some(owner), Some(version)) =
            (rows.get(0, 0), rows.get(0, 1), rows.get(0, 2))
        else {
            return Err(error::own(
                Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
                "the model changed while it was stored",
            ));
        };
        // Another role may have created the name since the check before the training.
        if !owner::caller_has_rights_of(Oid::from(owner.value() as u32)) {
            return Err(denied(new.name));
        }
        if let Some(before) = new.continued
            && before.checked_add(1) != Some(version.value() as i32)
        {
            return Err(overtaken(new.name, before));
        }
        drop_older(model_id, version)?;
        let values = [
            Some(model_id),
            Some(version),
            Some(datum::text_array(new.targets)),
            text(new.task),
            text(new.query),
            Some(datum::jsonb(new.settings)),
            count(new.rows),
            count(new.training_rows),
            count(new.validation_rows),
            (new.epochs as i32).into_datum(),
            new.loss.into_datum(),
            new.val_loss.and_then(IntoDatum::into_datum),
            Some(datum::jsonb(new.metrics)),
            Some(datum::jsonb(new.history)),
            count(new.parameters as u64),
            count(file.size),
            file.sha256.as_slice().into_datum(),
            state.and_then(|state| count(state.size)),
            state.and_then(|state| state.sha256.as_slice().into_datum()),
            new.seconds.into_datum(),
            Some(caller.into()),
            text(env!("CARGO_PKG_VERSION")),
        ];
        ADD_VERSION.with(|statement| statement.write(&values))?;
        chunks::store(Part::File, model_id, version, new.bytes, callback)?;
        if let Some(state) = new.state {
            chunks::store(Part::State, model_id, version, state, callback)?;
        }
        Ok(version.value() as i32)
    })
}

/// Deletes the model `name` with all its versions.
///
/// # Errors
/// 42704 if there is none, 42501 if it is another's.
pub fn drop_model(name: &str) -> Result<()> {
    match owner_of(name)? {
        Some(owner) if !owner::caller_has_rights_of(owner) => return Err(denied(name)),
        Some(_) => {}
        None => return Err(unknown(name)),
    }
    connected(|| {
        let rows = DROP_MODEL.with(|statement| statement.write(&[text(name)]))?;
        // It was there a moment ago: somebody else dropped it, or dropped it and made another.
        let (Some(model_id), Some(owner)) = (rows.get(0, 0), rows.get(0, 1)) else {
            return Err(unknown(name));
        };
        if !owner::caller_has_rights_of(Oid::from(owner.value() as u32)) {
            return Err(denied(name));
        }
        drop_older(model_id, Datum::from(i32::MAX))
    })
}

fn drop_older(model_id: Datum, version: Datum) -> Result<()> {
    let key = [Some(model_id), Some(version)];
    DROP_VERSIONS.with(|statement| statement.write(&key))?;
    chunks::drop_older(model_id, version)
}

fn text(text: &str) -> Option<Datum> {
    Some(datum::text_datum(text))
}

fn count(count: u64) -> Option<Datum> {
    i64::try_from(count).unwrap_or(i64::MAX).into_datum()
}

/// The error for a name that no model has.
fn unknown(name: &str) -> Error {
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

/// The error for a training that continued from a version which is no longer the last.
fn overtaken(name: &str, before: i32) -> Error {
    let report = error::report(
        Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        format!("model \"{name}\" was trained by another session since version {before}"),
    );
    error::wrap(report.set_hint("Run the statement again: it continues from the new version."))
}

/// The error for a model of somebody else.
fn denied(name: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for model \"{name}\""),
    );
    error::wrap(report.set_hint("Only its owner, members of that role and superusers may use it."))
}
