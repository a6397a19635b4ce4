//! ml_train: queries in, one stored model and one row out.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgSqlErrorCode as Code};
use tablenet_core::{
    Callback, Error, ErrorKind, Pool, Result, TrainOptions, Trained, Training, Value,
    check_model_size,
};

use crate::catalog::rights::Privilege;
use crate::catalog::versions::{self, Comparison, NewVersion, Stored};
use crate::catalog::{self, name_lock};
use crate::datum;
use crate::entry::{Call, entry, refuse_if_read_only};
use crate::fixed::connected;
use crate::interrupt::Interrupts;
use crate::memory::Returned;
use crate::options::Request;
use crate::progress::Phase;
use crate::query::Query;
use crate::resume::Before;
use crate::rival::{self, Rival};
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
    train(call, vec![target])
}

/// The overload for an array of targets.
fn several_targets(call: &Call) -> Result<Datum> {
    match call.texts(2, "target")? {
        Some(targets) if targets.is_empty() => Err(Error::new(
            ErrorKind::InvalidParameter,
            "target must name at least one column",
        )),
        Some(targets) => train(call, targets),
        None => call.required_text(2, "target").and(Ok(Datum::null())),
    }
}

fn train(call: &Call, targets: Vec<String>) -> Result<Datum> {
    let request = Request::read(call, targets)?;
    let name = request.model.clone();
    // Who is refused waits for nobody's training, and keeps nobody's from beginning.
    catalog::may_train(&name)?;
    alone(c"ml_train()", &name, |mut interrupts| {
        let model_id = catalog::may_train(&name)?;
        let before = match model_id {
            Some(_) if request.warm_start => Some(before(&request, &mut interrupts)?),
            _ => None,
        };
        run(call, request, model_id, before, interrupts)
    })
}

/// The model that a warm start goes on with.
fn before(request: &Request, interrupts: &mut Interrupts) -> Result<Before> {
    let stored = catalog::find(&request.model, Privilege::Train)?;
    let before = Before::of(&request.model, &stored, request.memory, interrupts)
        .map_err(|error| request.memory.explain(error))?;
    if before.targets() != request.targets {
        let message = format!(
            "model \"{}\" has the target {}, not {}",
            request.model,
            before.targets().join(", "),
            request.targets.join(", ")
        );
        return Err(Error::new(ErrorKind::InvalidParameter, message)
            .hint("Leave out warm_start to train it anew, or choose another name."));
    }
    Ok(before)
}

/// Runs a training of `name` when no other one of that name is on its way, with what is committed by then in sight, and
/// starts its clock. A standby and a read-only transaction refuse it.
///
/// # Errors
/// 40P01 if another training of the name has to wait for this transaction, and those of [`name_lock::take`].
pub fn alone<R>(
    function: &CStr,
    name: &str,
    training: impl FnOnce(Interrupts) -> Result<R>,
) -> Result<R> {
    refuse_if_read_only(function);
    let mut interrupts = Interrupts::of_training(name);
    let locked = name_lock::take(name)?;
    // The statement's own snapshot is older than the wait. In REPEATABLE READ this is the transaction's.
    // SAFETY: popped below; after an error the abort pops it.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    // Where this transaction has freed the name, the other training stores into the model that had it.
    if !locked && catalog::is_there(name)? {
        return Err(crossed(name));
    }
    interrupts.begin();
    let answer = training(interrupts)?;
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    Ok(answer)
}

/// The error for a wait in which neither would ever end.
fn crossed(name: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_T_R_DEADLOCK_DETECTED,
        format!("model \"{name}\" is being trained by another session"),
    );
    let report = report.set_detail(
        "This transaction has changed the model already, so that training will wait for it.",
    );
    error::wrap(report.set_hint("Train a model before you change it in the same transaction."))
}

/// Trains, from what there was `before` if anything, stores and answers. Nothing of the training is alive when the notices
/// are sent.
pub fn run(
    call: &Call,
    request: Request,
    model_id: Option<i64>,
    before: Option<Before>,
    mut interrupts: Interrupts,
) -> Result<Datum> {
    let (answer, notices, threads) = {
        let rival = Rival::find(&request.model, request.keeping.deploy)?;
        let deployed = rival.as_ref().and_then(Rival::version);
        let parent = before.as_ref().map(|before| before.version);
        let Request {
            model,
            query,
            targets,
            validation_query,
            options,
            memory,
            keeping,
            ..
        } = request;
        let work = Work {
            query: &query,
            validation_query: validation_query.as_deref(),
            targets: &targets,
            options,
            before,
            rival,
        };
        let mut trained = learn(work, &mut interrupts).map_err(|error| memory.explain(error))?;
        interrupts.enter(Phase::Storing);
        let bytes = trained.file.to_bytes(&mut interrupts)?;
        check_model_size(bytes.len() as u64, guc::max_model_size())?;
        let (task, parameters) = (trained.file.task().name(), trained.file.parameters());
        // The weights are twice in memory, and so would be all that the optimizer has beside them.
        drop(trained.file);
        let state = trained.state.to_bytes(&mut interrupts)?;
        drop(trained.state);
        let new = NewVersion {
            name: &model,
            model_id,
            deploy: keeping.deploy,
            keep_versions: keeping.keep_versions,
            targets: &targets,
            task,
            query: &query,
            validation_query: validation_query.as_deref(),
            settings: &trained.settings,
            rows: trained.rows,
            training_rows: trained.training_rows,
            validation_rows: trained.validation_rows,
            fingerprint: Some(&trained.fingerprint),
            epochs: trained.epochs,
            loss: trained.loss,
            val_loss: trained.val_loss,
            comparison: deployed
                .zip(trained.rival_loss)
                .map(|(version, loss)| Comparison { version, loss }),
            metrics: &trained.metrics,
            history: &serde_json::to_value(&trained.history).unwrap_or_default(),
            parameters,
            bytes: &bytes,
            state: Some(&state),
            parent,
            seconds: interrupts.elapsed(),
        };
        let stored = versions::store(&new, &mut interrupts)?;
        let answer = answer(call, &new, &stored)?;
        trained.notices.extend(rival::notice(&new, &stored));
        let threads = (trained.threads, trained.threads_wanted);
        (answer, trained.notices, threads)
    };
    drop(interrupts);
    tell(notices, threads);
    Ok(answer)
}

/// Tells the user what a training has to say, and that it ran on fewer threads than `wanted`, once nothing of it is alive.
pub fn tell(notices: Vec<String>, (used, wanted): (usize, usize)) {
    for notice in notices {
        pgrx::notice!("{}", error::printable(&notice));
    }
    if used >= wanted {
        return;
    }
    let message = format!("memory suffices for {used} of {wanted} threads; the result is the same");
    if guc::asked_for_threads() {
        pgrx::notice!("{message}");
    } else {
        // Whoever left the number to us need not know.
        pgrx::debug1!("{message}");
    }
}

/// What a training reads, and how.
struct Work<'r> {
    query: &'r str,
    validation_query: Option<&'r str>,
    targets: &'r [String],
    options: TrainOptions,
    /// What it goes on with.
    before: Option<Before>,
    /// What it is compared with.
    rival: Option<Rival>,
}

/// Reads the queries once and fits the model.
fn learn(work: Work<'_>, interrupts: &mut Interrupts) -> Result<Trained> {
    // Declared first: it goes last, also after an error.
    let _returned = Returned;
    // Files outlive the connection to SPI.
    let spills = Spills::new();
    // Before the query: its workers learn from the rows while more are read.
    let pool = threads::pool()?;
    let training = connected(|| read_rows(work, interrupts, (spills, &pool)))?;
    training.finish(interrupts, &pool)
}

/// The first half: rows in.
fn read_rows<'a>(
    work: Work<'_>,
    interrupts: &mut Interrupts,
    (spills, pool): (Spills, &'a Pool),
) -> Result<Training<'a>> {
    let Work {
        query,
        validation_query,
        targets,
        options,
        before,
        rival,
    } = work;
    let query = Query::prepare(query)?;
    let validation = validation_query.map(Query::prepare).transpose()?;
    // A column that is not read may have any type.
    let exclude = options.exclude.clone();
    let compared = |name: &str| rival.as_ref().is_some_and(|rival| rival.reads(name));
    let wanted = |name: &str| {
        compared(name)
            || match &before {
                Some(before) => before.reads(name, &options),
                None => !exclude.iter().any(|excluded| excluded == name),
            }
    };
    let (columns, decoders) = query.describe(wanted)?;
    let validated = validation
        .as_ref()
        .map(|query| {
            let known = |name: &str| columns.iter().any(|column| column.name == name);
            query.describe(|name| known(name) && wanted(name))
        })
        .transpose()?;
    let known = rival.is_some().then(|| columns.clone());
    let mut training = match before {
        Some(before) => before.resume(columns, options, Box::new(spills)),
        None => {
            let targets = targets.iter().map(String::as_str).collect::<Vec<_>>();
            Training::new(columns, &targets, options, Box::new(spills))
        }
    }?
    .on(pool)?;
    let must_validate = rival.is_some();
    if let (Some(rival), Some(columns)) = (rival, known) {
        rival.join(&mut training, &columns)?;
    }
    if let Some((columns, _)) = &validated {
        training.validate_on(columns)?;
    }
    if must_validate {
        training.require_validation()?;
    }
    read::rows(&query, &decoders, &mut |row: &[Value<'_>]| {
        interrupts.row();
        training.push(row, interrupts)
    })?;
    if let (Some(query), Some((_, decoders))) = (&validation, &validated) {
        read::rows(query, decoders, &mut |row: &[Value<'_>]| {
            interrupts.row();
            training.push_validation(row, interrupts)
        })?;
    }
    Ok(training)
}

/// The row of the result, in the order of the declaration.
fn answer(call: &Call, new: &NewVersion<'_>, stored: &Stored) -> Result<Datum> {
    rows::one(
        call,
        &[
            Some(datum::text_datum(&stored.model)),
            stored.version.into_datum(),
            (new.rows as i64).into_datum(),
            (new.epochs as i32).into_datum(),
            new.loss.into_datum(),
            new.val_loss.and_then(IntoDatum::into_datum),
            Some(datum::jsonb(new.metrics)),
            new.seconds.into_datum(),
            stored.deployed.into_datum(),
        ],
    )
}
