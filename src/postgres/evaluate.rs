//! ml_evaluate: loss and metrics of a stored model on the rows of a query.

use pgrx::IntoDatum;
use pgrx::pg_sys::Datum;
use tablenet_core::{Column, Evaluation, Feature, Result, Value};

use crate::datum::{self, Decoder};
use crate::entry::{Call, entry};
use crate::fixed::connected;
use crate::interrupt::Interrupts;
use crate::query::Query;
use crate::{lookup, read, rows};

entry!(tablenet_evaluate, pg_finfo_tablenet_evaluate, evaluate);

fn evaluate(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    let query = call.required_text(1, "query")?;
    let scorer = lookup::model(&name)?;
    let mut interrupts = Interrupts::new();
    let results = connected(|| {
        let query = Query::prepare(&query)?;
        let (columns, decoders) = describe(&query, scorer.features(), scorer.target_name())?;
        let mut evaluation = Evaluation::new(&scorer, &columns)?;
        read::rows(&query, &decoders, &mut |row: &[Value<'_>]| {
            evaluation.push(row, &mut interrupts)
        })?;
        evaluation.finish()
    })?;
    rows::many(
        call,
        results
            .iter()
            // r2 of one row or of a constant target is undefined: NULL, as in the logs of a training.
            .map(|(metric, value)| {
                let value = (!value.is_nan()).then(|| value.into_datum()).flatten();
                vec![Some(datum::text_datum(metric)), value]
            }),
    )
}

/// The columns and how to read them; one that the model does not know may have any type.
fn describe(
    query: &Query,
    features: &[Feature],
    target: &str,
) -> Result<(Vec<Column>, Vec<Decoder>)> {
    let mut columns = Vec::new();
    let mut decoders = Vec::new();
    for (name, type_oid) in query.columns() {
        let known = name == target || features.iter().any(|feature| feature.name == *name);
        let decoder = if known {
            Decoder::new(name, *type_oid)?
        } else {
            Decoder::ignored()
        };
        columns.push(decoder.column(name));
        decoders.push(decoder);
    }
    Ok((columns, decoders))
}
