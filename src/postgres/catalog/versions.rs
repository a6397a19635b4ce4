//! Versions of a model: one more, and old ones go.

use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgSqlErrorCode as Code};
use tablenet_core::{Callback, Error, ErrorKind, Result};

use super::model_row::ModelRow;
use super::rights::{self, As, Privilege};
use crate::chunks::{self, Part, Seal};
use crate::fixed::{Fixed, connected};
use crate::{datum, error, owner};

thread_local! {
    static COUNT_ON: Fixed = const { Fixed::new(
        c"UPDATE tablenet.stored_model SET next_version = $2 WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID, pg_sys::INT4OID],
    ) };
    static ADD: Fixed = const { Fixed::new(
        c"INSERT INTO tablenet.stored_version (model_id, version, target, task, query, settings, rows, training_rows, \
                 validation_rows, epochs, loss, val_loss, metrics, history, parameters, size, sha256, state_size, state_sha256, seconds, \
                 trained_at, trained_by, library_version, parent, validation_query, fingerprint, compared_version, compared_loss) \
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
                 pg_catalog.clock_timestamp(), $21, $22, $23, $24, $25, $26, $27)",
        &[
            pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::TEXTARRAYOID, pg_sys::TEXTOID, pg_sys::TEXTOID, pg_sys::JSONBOID,
            pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::FLOAT8OID, pg_sys::FLOAT8OID,
            pg_sys::JSONBOID, pg_sys::JSONBOID, pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::BYTEAOID, pg_sys::INT8OID,
            pg_sys::BYTEAOID, pg_sys::FLOAT8OID,
            pg_sys::REGROLEOID, pg_sys::TEXTOID, pg_sys::INT4OID, pg_sys::TEXTOID, pg_sys::BYTEAOID, pg_sys::INT4OID,
            pg_sys::FLOAT8OID,
        ],
    ) };
    // The newest that does not stay.
    static SURPLUS: Fixed = const { Fixed::new(
        c"SELECT version FROM tablenet.stored_version WHERE model_id OPERATOR(pg_catalog.=) $1 \
           ORDER BY version DESC LIMIT 1 OFFSET $2",
        &[pg_sys::INT8OID, pg_sys::INT8OID],
    ) };
    static DELETE: Fixed = const { Fixed::new(
        c"DELETE FROM tablenet.stored_version WHERE model_id OPERATOR(pg_catalog.=) $1 \
             AND version OPERATOR(pg_catalog.>=) $2 AND version OPERATOR(pg_catalog.<=) $3 \
             AND ($4 IS NULL OR version OPERATOR(pg_catalog.<>) $4) RETURNING version",
        &[pg_sys::INT8OID, pg_sys::INT4OID, pg_sys::INT4OID, pg_sys::INT4OID],
    ) };
}

/// Whether a new version is put to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deploy {
    /// In any case.
    Always,
    /// If its val_loss is lower than that of the deployed version on the same rows, or there is no deployed version.
    IfBetter,
    /// Not before ml_deploy().
    Never,
}

impl Deploy {
    /// Reads its word.
    ///
    /// # Errors
    /// 22023 for any other.
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "always" => Ok(Self::Always),
            "if_better" => Ok(Self::IfBetter),
            "never" => Ok(Self::Never),
            _ => {
                let message = format!("unknown deploy \"{word}\"");
                Err(Error::new(ErrorKind::InvalidParameter, message)
                    .hint("A new version is deployed always, if_better or never."))
            }
        }
    }
}

/// How the deployed version did on the validation rows of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Its number.
    pub version: i32,
    /// Its loss, in the terms of the new version's val_loss.
    pub loss: f64,
}

/// What a training stores.
pub struct NewVersion<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The key that the model had when the training began, if there was one.
    pub model_id: Option<i64>,
    /// Whether it is put to use.
    pub deploy: Deploy,
    /// How many versions stay, besides the deployed one.
    pub keep_versions: u32,
    /// The target columns.
    pub targets: &'a [String],
    /// "regression", "binary" or "multiclass".
    pub task: &'a str,
    /// The query as it was given.
    pub query: &'a str,
    /// The query of the validation rows.
    pub validation_query: Option<&'a str>,
    /// Every setting used, defaults included.
    pub settings: &'a serde_json::Value,
    /// Rows used, and how they were split.
    pub rows: u64,
    /// Rows the weights were fitted on.
    pub training_rows: u64,
    /// Rows held out.
    pub validation_rows: u64,
    /// What tells these rows from others.
    pub fingerprint: Option<&'a [u8]>,
    /// Epochs run.
    pub epochs: u32,
    /// The final training loss.
    pub loss: f64,
    /// The final validation loss.
    pub val_loss: Option<f64>,
    /// How the deployed version did on the same rows, if that was asked.
    pub comparison: Option<Comparison>,
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
    pub parent: Option<i32>,
    /// How long the training took.
    pub seconds: f64,
}

/// A version that was stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The name that its model has by now.
    pub model: String,
    /// Its number.
    pub version: i32,
    /// Whether it is in use.
    pub deployed: bool,
}

/// Stores a new version of a model, deploys it as asked, and deletes the versions that are too many.
///
/// # Errors
/// 42710 if the name became another's meanwhile, 42501 if the right to train was taken, 42704 if the model was dropped.
pub fn store(new: &NewVersion<'_>, callback: &mut dyn Callback) -> Result<Stored> {
    let file = Seal::of(new.bytes, callback)?;
    let state = new
        .state
        .map(|state| Seal::of(state, callback))
        .transpose()?;
    connected(|| {
        let mut model = lock(new)?;
        let version = model.next_version;
        let Some(next) = version.checked_add(1) else {
            let message = format!("model \"{}\" has no number for another version", new.name);
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        };
        COUNT_ON
            .with(|statement| statement.write(&[Some(model.model_id), Some(Datum::from(next))]))?;
        add(new, &model, version, (&file, state.as_ref()))?;
        let key = (model.model_id, Datum::from(version));
        chunks::store(Part::File, key, new.bytes, callback)?;
        if let Some(state) = new.state {
            chunks::store(Part::State, key, state, callback)?;
        }
        let deployed = deploys(new, model.deployed);
        if deployed {
            model.deploy(version)?;
        }
        let surplus = [
            Some(model.model_id),
            Some(Datum::from(i64::from(new.keep_versions))),
        ];
        let surplus = SURPLUS.with(|statement| statement.write(&surplus))?;
        if let Some(newest) = surplus.get(0, 0) {
            delete(model.model_id, (1, newest.value() as i32), model.deployed)?;
        }
        Ok(Stored {
            model: model.name,
            version,
            deployed,
        })
    })
}

/// The model that gets the version: the one found when the training began, also when it has another name by now.
fn lock(new: &NewVersion<'_>) -> Result<ModelRow> {
    let Some(model_id) = new.model_id else {
        let model = ModelRow::lock_or_add(new.name)?.ok_or_else(changed)?;
        // Another may have come to the name since the training began.
        return match rights::held(model.model_id, model.owner, As::Now)? {
            Some(held) if held >= Privilege::Train => Ok(model),
            _ => Err(rights::taken(new.name)),
        };
    };
    let Some(model) = ModelRow::lock_by_id(model_id)? else {
        let report = error::report(
            Code::ERRCODE_UNDEFINED_OBJECT,
            format!("model \"{}\" was dropped while it was trained", new.name),
        );
        return Err(error::wrap(report));
    };
    let name = &model.name;
    rights::require(name, model.model_id, model.owner, Privilege::Train, As::Now)?;
    Ok(model)
}

/// Whether the new version is put to use where `deployed` is. A version deployed since the comparison stays.
fn deploys(new: &NewVersion<'_>, deployed: Option<i32>) -> bool {
    match (new.deploy, deployed) {
        (Deploy::Always, _) | (Deploy::IfBetter, None) => true,
        (Deploy::Never, _) => false,
        (Deploy::IfBetter, Some(deployed)) => {
            let better = |comparison: Comparison| {
                comparison.version == deployed
                    && new.val_loss.is_some_and(|loss| loss < comparison.loss)
            };
            new.comparison.is_some_and(better)
        }
    }
}

fn add(
    new: &NewVersion<'_>,
    model: &ModelRow,
    version: i32,
    (file, state): (&Seal, Option<&Seal>),
) -> Result<()> {
    let text = |text: &str| Some(datum::text_datum(text));
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).into_datum();
    let values = [
        Some(model.model_id),
        Some(Datum::from(version)),
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
        Some(owner::caller().into()),
        text(env!("CARGO_PKG_VERSION")),
        new.parent.and_then(IntoDatum::into_datum),
        new.validation_query.and_then(text),
        new.fingerprint.and_then(IntoDatum::into_datum),
        new.comparison.and_then(|it| it.version.into_datum()),
        new.comparison.and_then(|it| it.loss.into_datum()),
    ];
    ADD.with(|statement| statement.write(&values)).map(drop)
}

/// Deletes the versions from `first` to `last` but for one; whether there were any. Within an open connection to SPI.
pub fn delete(model_id: Datum, (first, last): (i32, i32), except: Option<i32>) -> Result<bool> {
    let range = [
        Some(model_id),
        Some(Datum::from(first)),
        Some(Datum::from(last)),
        except.map(Datum::from),
    ];
    let gone = DELETE.with(|statement| statement.write(&range))?;
    chunks::delete(&range)?;
    Ok(gone.count() > 0)
}

/// The error for a row that is not there although a statement made or found it.
fn changed() -> Error {
    error::own(
        Code::ERRCODE_T_R_SERIALIZATION_FAILURE,
        "the model changed while it was stored",
    )
}
