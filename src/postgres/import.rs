//! ml_import: a model that was trained elsewhere becomes a version of one here.

use pgrx::IntoDatum;
use pgrx::pg_sys::Datum;
use serde_json::{Value, json};
use tablenet_core::{
    Error, ErrorKind, Import, ModelFile, Result, check_model_name, check_model_size,
};

use crate::catalog::versions::{self, Deploy, NewVersion, Stored};
use crate::entry::{Call, entry};
use crate::guc::Memory;
use crate::interrupt::Interrupts;
use crate::memory::Returned;
use crate::options::Keeping;
use crate::progress::Phase;
use crate::train::alone;
use crate::{catalog, datum, guc, rows};

entry!(tablenet_import, pg_finfo_tablenet_import, import);

fn import(call: &Call) -> Result<Datum> {
    let name = call.required_text(0, "model")?;
    check_model_name(&name)?;
    let bytes = call.required_bytes(1, "bytes")?;
    let told = Import {
        layers: call.json(2, "layers")?,
        features: call.texts(3, "features")?,
        target: call.text(4)?,
        classes: call.texts(5, "classes")?,
        loss: call.text(6)?,
        columns: call.json(7, "columns")?,
    };
    let keeping = Keeping::read(call, 8, 9)?;
    if keeping.deploy == Deploy::IfBetter {
        let message = "deploy if_better needs rows to compare on, which an import has not";
        return Err(Error::new(ErrorKind::InvalidParameter, message).hint(
            "Import it with deploy => 'never', and see what ml_evaluate() says of name@version.",
        ));
    }
    // As in ml_train: who is refused waits for nobody.
    catalog::may_train(&name)?;
    let memory = Memory::of_session();
    alone(c"ml_import()", &name, |mut interrupts| {
        let _returned = Returned;
        let model_id = catalog::may_train(&name)?;
        let most = guc::max_model_size();
        let file = told
            .read(bytes, memory.bytes(), most, &mut interrupts)
            .map_err(|error| memory.explain(error))?;
        let file = Imported {
            name: &name,
            model_id,
            keeping,
            settings: settings(&told),
            file,
        };
        file.store(call, &mut interrupts)
    })
}

/// What was told, as it is kept beside the version.
fn settings(told: &Import) -> Value {
    json!({
        "import": {
            "features": told.features, "target": told.target, "classes": told.classes, "loss": told.loss,
            "columns": told.columns,
        }
    })
}

struct Imported<'n> {
    name: &'n str,
    model_id: Option<i64>,
    keeping: Keeping,
    settings: Value,
    file: ModelFile,
}

impl Imported<'_> {
    fn store(self, call: &Call, interrupts: &mut Interrupts) -> Result<Datum> {
        interrupts.enter(Phase::Storing);
        let bytes = self.file.to_bytes(interrupts)?;
        check_model_size(bytes.len() as u64, guc::max_model_size())?;
        let targets: Vec<String> = self
            .file
            .target_names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let (task, parameters) = (self.file.task().name(), self.file.parameters());
        drop(self.file);
        let new = NewVersion {
            name: self.name,
            model_id: self.model_id,
            deploy: self.keeping.deploy,
            keep_versions: self.keeping.keep_versions,
            targets: &targets,
            task,
            query: "",
            validation_query: None,
            settings: &self.settings,
            rows: 0,
            training_rows: 0,
            validation_rows: 0,
            fingerprint: None,
            epochs: 0,
            // Nobody here knows it.
            loss: f64::NAN,
            val_loss: None,
            comparison: None,
            metrics: &json!({}),
            history: &json!({"epochs": []}),
            parameters,
            bytes: &bytes,
            state: None,
            parent: None,
            seconds: tablenet_core::Callback::elapsed(interrupts),
        };
        let Stored {
            model,
            version,
            deployed,
        } = versions::store(&new, interrupts)?;
        rows::one(
            call,
            &[
                Some(datum::text_datum(&model)),
                version.into_datum(),
                i64::try_from(parameters)
                    .ok()
                    .and_then(IntoDatum::into_datum),
                deployed.into_datum(),
            ],
        )
    }
}
