//! ml_deploy: another version of a model is put to use.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum};
use tablenet_core::{Error, ErrorKind, Result};

use crate::catalog::rights::Privilege;
use crate::catalog::{self, ModelRow, version_number};
use crate::entry::{Call, entry, refuse_if_read_only};
use crate::error;
use crate::fixed::{Fixed, connected};

entry!(tablenet_deploy, pg_finfo_tablenet_deploy, by_word);
entry!(
    tablenet_deploy_version,
    pg_finfo_tablenet_deploy_version,
    by_number
);

thread_local! {
    static THERE: Fixed = const { Fixed::new(
        c"SELECT version FROM tablenet.stored_version \
           WHERE model_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2",
        &[pg_sys::INT8OID, pg_sys::INT4OID],
    ) };
    // Equal ones: the newest.
    static BEST: Fixed = const { Fixed::new(
        c"SELECT version FROM tablenet.stored_version \
           WHERE model_id OPERATOR(pg_catalog.=) $1 AND val_loss IS NOT NULL ORDER BY val_loss, version DESC LIMIT 1",
        &[pg_sys::INT8OID],
    ) };
}

/// Which version.
enum Wanted {
    Number(i32),
    Previous,
    Best,
}

/// A number as text, 'previous' or 'best'.
fn by_word(call: &Call) -> Result<Datum> {
    let word = call.required_text(1, "version")?;
    let wanted = match &*word {
        "previous" => Wanted::Previous,
        "best" => Wanted::Best,
        _ => Wanted::Number(version_number(&word).ok_or_else(|| {
            let message = format!("\"{word}\" is not a version");
            Error::new(ErrorKind::InvalidParameter, message)
                .hint("Give a number, 'previous' (in use before) or 'best' (the lowest val_loss).")
        })?),
    };
    deploy(call, &wanted)
}

fn by_number(call: &Call) -> Result<Datum> {
    let version = call.required_int4(1, "version")?;
    deploy(call, &Wanted::Number(version))
}

/// Answers the number of the version that is in use now.
fn deploy(call: &Call, wanted: &Wanted) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    refuse_if_read_only(c"ml_deploy()");
    connected(|| {
        let mut model = ModelRow::lock(&name, Privilege::Train)?;
        let version = match wanted {
            Wanted::Number(version) if is_there(&model, *version)? => *version,
            Wanted::Number(version) => return Err(catalog::no_version(&name, *version)),
            Wanted::Previous => previous(&model)?,
            Wanted::Best => best(&model)?,
        };
        model.deploy(version)?;
        Ok(Datum::from(version))
    })
}

fn is_there(model: &ModelRow, version: i32) -> Result<bool> {
    let key = [Some(model.model_id), Some(Datum::from(version))];
    Ok(THERE.with(|statement| statement.write(&key))?.count() > 0)
}

fn previous(model: &ModelRow) -> Result<i32> {
    match model.previous {
        Some(version) if is_there(model, version)? => Ok(version),
        _ => Err(none(format!(
            "model \"{}\" has no previous version",
            model.name
        ))),
    }
}

fn best(model: &ModelRow) -> Result<i32> {
    let rows = BEST.with(|statement| statement.write(&[Some(model.model_id)]))?;
    rows.get(0, 0)
        .map(|version| version.value() as i32)
        .ok_or_else(|| {
            none(format!(
                "no version of model \"{}\" has a val_loss",
                model.name
            ))
        })
}

fn none(message: String) -> Error {
    let report = error::report(Code::ERRCODE_UNDEFINED_OBJECT, message);
    error::wrap(report.set_hint("tablenet.versions lists the versions there are."))
}
