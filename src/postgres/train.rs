//! ml_train: one query in, one stored model and one row out.

use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgSqlErrorCode as Code};
use tablenet_core::{Callback, Result, Task, Trained, Training, Value};

use crate::catalog::{self, NewVersion};
use crate::datum;
use crate::entry::{Call, entry};
use crate::fixed::connected;
use crate::interrupt::Interrupts;
use crate::memory::Returned;
use crate::options::Request;
use crate::query::Query;
use crate::spill::Spills;
use crate::{error, guc, read, rows, threads};

entry!(tablenet_train, pg_finfo_tablenet_train, one_target);
entry!(
    tablenet_train_targets,
    pg_finfo_tablenet_train_targets,
    several_targets
);

fn one_target(call: &Call) -> Result<Datum> {
    let target = call.required_text(2, "target")?;
    train(call, target)
}

/// The overload for an array of targets: of one so far.
fn several_targets(call: &Call) -> Result<Datum> {
    let targets = call.texts(2, "target")?;
    match targets.as_deref() {
        Some([target]) => train(call, target.clone()),
        Some(targets) => {
            let message = format!("training on {} targets is not supported yet", targets.len());
            let report = error::report(Code::ERRCODE_FEATURE_NOT_SUPPORTED, message);
            Err(error::wrap(report.set_hint("Train one model per target.")))
        }
        None => call.required_text(2, "target").and(Ok(Datum::null())),
    }
}

/// Trains, stores and answers. Nothing of the training is alive when the notices are sent.
fn train(call: &Call, target: String) -> Result<Datum> {
    let mut interrupts = Interrupts::new();
    let request = Request::read(call, target)?;
    // SAFETY: the name is a literal. A standby is always read-only.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"ml_train()".as_ptr()) };
    catalog::check_may_train(&request.model)?;
    let (answer, notices, fewer) = {
        let Request {
            model,
            query,
            target,
            options,
        } = request;
        let trained = learn(&query, &target, options, &mut interrupts)?;
        let bytes = trained.file.to_bytes(&mut interrupts)?;
        let new = NewVersion {
            name: &model,
            target: &target,
            task: task_name(trained.file.task()),
            query: &query,
            settings: &trained.settings,
            rows: trained.rows,
            training_rows: trained.training_rows,
            validation_rows: trained.validation_rows,
            epochs: trained.epochs,
            loss: trained.loss,
            val_loss: trained.val_loss,
            metrics: &trained.metrics,
            history: &serde_json::to_value(&trained.history).unwrap_or_default(),
            parameters: trained.file.parameters(),
            bytes: &bytes,
            seconds: interrupts.elapsed(),
        };
        let version = catalog::store(&new, &mut interrupts)?;
        let (used, wanted) = (trained.threads, trained.threads_wanted);
        let fewer = (used < wanted).then(|| {
            format!("memory suffices for {used} of {wanted} threads; the result is the same")
        });
        (answer(call, &new, version)?, trained.notices, fewer)
    };
    for notice in notices {
        pgrx::notice!("{}", error::printable(&notice));
    }
    match fewer {
        Some(message) if guc::asked_for_threads() => pgrx::notice!("{message}"),
        // Whoever left the number to us need not know.
        Some(message) => pgrx::debug1!("{message}"),
        None => {}
    }
    Ok(answer)
}

/// Reads the query once and fits the model.
fn learn(
    query: &str,
    target: &str,
    options: tablenet_core::TrainOptions,
    interrupts: &mut Interrupts,
) -> Result<Trained> {
    // Declared first: it goes last, also after an error.
    let _returned = Returned;
    let spills = Spills::new();
    // Before the query: its workers learn from the rows while more are read.
    let pool = threads::pool()?;
    let training = connected(|| {
        let query = Query::prepare(query)?;
        // An excluded column may have any type.
        let excluded = |name: &str| options.exclude.iter().any(|exclude| exclude == name);
        let (columns, decoders) = query.describe(|name| !excluded(name))?;
        let mut training =
            Training::new(columns, &[target], options, Box::new(spills))?.on(&pool)?;
        read::rows(&query, &decoders, &mut |row: &[Value<'_>]| {
            training.push(row, interrupts)
        })?;
        Ok(training)
    })?;
    training.finish(interrupts, &pool)
}

/// The row of the result, in the order of the declaration.
fn answer(call: &Call, new: &NewVersion<'_>, version: i32) -> Result<Datum> {
    rows::one(
        call,
        &[
            Some(datum::text_datum(new.name)),
            version.into_datum(),
            (new.rows as i64).into_datum(),
            (new.epochs as i32).into_datum(),
            new.loss.into_datum(),
            new.val_loss.and_then(IntoDatum::into_datum),
            Some(datum::jsonb(new.metrics)),
            new.seconds.into_datum(),
            true.into_datum(),
        ],
    )
}

fn task_name(task: Task) -> &'static str {
    match task {
        Task::Regression { .. } => "regression",
        Task::Binary => "binary",
        Task::Multiclass { .. } => "multiclass",
    }
}
