//! ml_evaluate: loss and metrics of a stored model on the rows of a query.

use pgrx::IntoDatum;
use pgrx::pg_sys::Datum;
use tablenet_core::{Binding, Evaluation, Result, Value};

use crate::datum;
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
        // A column that the model does not know may have any type.
        let known = |name: &str| {
            scorer.target_names().contains(&name) || Binding::knows(scorer.features(), name)
        };
        let (columns, decoders) = query.describe(known)?;
        let mut evaluation = Evaluation::new(&*scorer, &columns)?;
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
