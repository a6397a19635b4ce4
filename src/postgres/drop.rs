//! ml_drop: a model goes with all its versions, or one version alone.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum};
use tablenet_core::Result;

use crate::catalog::rights::Privilege;
use crate::catalog::{self, ModelName, ModelRow, versions};
use crate::entry::{Call, entry, refuse_if_read_only};
use crate::error;
use crate::fixed::{Fixed, connected};

entry!(tablenet_drop, pg_finfo_tablenet_drop, whole_or_named);
entry!(
    tablenet_drop_version,
    pg_finfo_tablenet_drop_version,
    numbered
);

thread_local! {
    static MODEL: Fixed = const { Fixed::new(
        c"DELETE FROM tablenet.stored_model WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
    static GRANTS: Fixed = const { Fixed::new(
        c"DELETE FROM tablenet.stored_grant WHERE model_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
}

/// "name" is the model, "name@3" its version 3.
fn whole_or_named(call: &Call) -> Result<Datum> {
    let text = call.required_text(0, "model")?;
    let ModelName { name, version } = ModelName::parse(&text)?;
    remove(name, version)
}

fn numbered(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let version = call.required_int4(1, "version")?;
    remove(&name, Some(version))
}

fn remove(name: &str, version: Option<i32>) -> Result<Datum> {
    refuse_if_read_only(c"ml_drop()");
    connected(|| {
        let model = ModelRow::lock(name, Privilege::Own)?;
        if let Some(version) = version {
            return remove_version(&model, version);
        }
        let key = [Some(model.model_id)];
        versions::delete(model.model_id, (i32::MIN, i32::MAX), None)?;
        GRANTS.with(|statement| statement.write(&key))?;
        MODEL.with(|statement| statement.write(&key)).map(drop)
    })?;
    // Returns void.
    Ok(Datum::null())
}

fn remove_version(model: &ModelRow, version: i32) -> Result<()> {
    if model.deployed == Some(version) {
        let report = error::report(
            Code::ERRCODE_OBJECT_IN_USE,
            format!("version {version} of model \"{}\" is deployed", model.name),
        );
        return Err(error::wrap(
            report.set_hint("Deploy another version before, with ml_deploy()."),
        ));
    }
    if !versions::delete(model.model_id, (version, version), None)? {
        return Err(catalog::no_version(&model.name, version));
    }
    Ok(())
}
