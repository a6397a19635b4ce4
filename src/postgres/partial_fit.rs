//! ml_partial_fit: some epochs more, on the rows of another query, from where the training of a model ended.

use pgrx::pg_sys::Datum;
use tablenet_core::{Result, TrainOptions};

use crate::catalog::rights::Privilege;
use crate::catalog::{self, ModelName};
use crate::entry::{Call, entry};
use crate::guc::Memory;
use crate::options::{Keeping, Request};
use crate::resume::Before;
use crate::train;

entry!(
    tablenet_partial_fit,
    pg_finfo_tablenet_partial_fit,
    partial_fit
);

fn partial_fit(call: &Call) -> Result<Datum> {
    let named = call.required_text(0, "model")?;
    let query = call.required_text(1, "query")?;
    let epochs = TrainOptions::check_epochs(call.required_int4(2, "epochs")?.into())?;
    let keeping = Keeping::read(call, 3, 4)?;
    let model = ModelName::parse(&named)?.name.to_string();
    // As in ml_train: who is refused waits for nobody.
    catalog::may(&model, Privilege::Train)?;
    let memory = Memory::of_session();
    train::alone(c"ml_partial_fit()", &model, |mut interrupts| {
        let stored = catalog::find(&named, Privilege::Train)?;
        let before = Before::of(&named, &stored, memory, &mut interrupts)?;
        let request = Request {
            model: model.clone(),
            query,
            targets: before.targets(),
            validation_query: None,
            warm_start: true,
            memory,
            keeping,
            options: before.options(epochs, memory),
        };
        train::run(
            call,
            request,
            Some(stored.model_id),
            Some(before),
            interrupts,
        )
    })
}
