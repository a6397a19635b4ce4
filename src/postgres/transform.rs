//! ml_transform and ml_drift: what a model makes of the rows of a query, and how far these are from those it learned.

use pgrx::IntoDatum;
use pgrx::pg_sys::Datum;
use tablenet_core::{Binding, Callback, Drift, Feature, Result, Transform, Value};

use crate::catalog::rights::Privilege;
use crate::entry::{Call, entry};
use crate::fixed::connected;
use crate::interrupt::Interrupts;
use crate::memory::Scratch;
use crate::query::Query;
use crate::rows::Set;
use crate::{catalog, datum, lookup, read, rows};

entry!(tablenet_transform, pg_finfo_tablenet_transform, transform);
entry!(tablenet_drift, pg_finfo_tablenet_drift, drift);

/// A column that the model does not know may have any type.
fn known(features: &[Feature]) -> impl Fn(&str) -> bool {
    move |name| Binding::knows(features, name)
}

/// One row of inputs per row of the query, which are counted from 1.
fn transform(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let query = call.required_text(1, "query")?;
    let scorer = lookup::model(&name)?;
    let mut interrupts = Interrupts::new();
    let set = Set::new(call)?;
    connected(|| {
        let query = Query::prepare(&query)?;
        let (columns, decoders) = query.describe(known(scorer.features()))?;
        let mut transform = Transform::new(&scorer, &columns)?;
        let scratch = Scratch::new();
        let mut number: i64 = 0;
        read::rows(&query, &decoders, &mut |row: &[Value<'_>]| {
            interrupts.check()?;
            number += 1;
            let inputs = transform.row(row)?;
            scratch.run(|| set.put(&[number.into_datum(), Some(datum::float4_array(inputs))]))
        })
    })?;
    Ok(call.null())
}

/// One row per feature.
fn drift(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let query = call.required_text(1, "query")?;
    let file = lookup::file(&name, &catalog::find(&name, Privilege::Predict)?)?;
    let mut interrupts = Interrupts::new();
    let drifts = connected(|| {
        let query = Query::prepare(&query)?;
        let (columns, decoders) = query.describe(known(file.features()))?;
        let mut drift = Drift::new(&file, &columns)?;
        read::rows(&query, &decoders, &mut |row: &[Value<'_>]| {
            drift.push(row, &mut interrupts)
        })?;
        drift.finish()
    })?;
    rows::many(
        call,
        drifts.iter().map(|drift| {
            vec![
                Some(datum::text_datum(&drift.feature)),
                drift.psi.and_then(IntoDatum::into_datum),
                drift.ks.and_then(IntoDatum::into_datum),
                drift.null_rate_then.into_datum(),
                drift.null_rate_now.into_datum(),
                drift.unseen_share.and_then(IntoDatum::into_datum),
            ]
        }),
    )
}
