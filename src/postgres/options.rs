//! The arguments of ml_train: checked, and turned into the core's options.

use pgrx::PgSqlErrorCode as Code;
use tablenet_core::{
    ClassWeight, EarlyStopping, Loss, Metric, Optimizer, Preprocess, Result, Sequential,
    TrainOptions, check_model_name,
};

use crate::entry::Call;
use crate::{error, guc};

/// What one call of ml_train asks for.
pub struct Request {
    /// The model's name.
    pub model: String,
    /// The query that returns the rows.
    pub query: String,
    /// The columns to learn.
    pub targets: Vec<String>,
    /// The query that returns the rows to validate on.
    pub validation_query: Option<String>,
    /// Whether the model of this name, if there is one, is trained on.
    pub warm_start: bool,
    /// All the rest.
    pub options: TrainOptions,
}

impl Request {
    /// Reads the arguments in the order of the declaration; `targets` are the third one.
    pub fn read(call: &Call, targets: Vec<String>) -> Result<Self> {
        let model = call.required_text(0, "model")?;
        check_model_name(&model)?;
        let query = call.required_text(1, "query")?;
        refuse_what_is_not_built(call)?;
        let defaults = TrainOptions::default();
        let loss = call.text(5)?;
        let loss = loss.as_deref().map(Loss::parse_with_logits).transpose()?;
        let options = TrainOptions {
            layers: call
                .json(3, "layers")?
                .as_ref()
                .map(Sequential::from_json)
                .transpose()?,
            optimizer: call.text(4)?.as_deref().map(Optimizer::parse).transpose()?,
            loss: loss.map(|(loss, _)| loss),
            from_logits: loss.is_some_and(|(_, from_logits)| from_logits),
            metrics: call
                .texts(6, "metrics")?
                .map(|names| names.iter().map(|name| Metric::parse(name)).collect())
                .transpose()?,
            epochs: call
                .int4(7)
                .map(|epochs| TrainOptions::check_epochs(epochs.into()))
                .transpose()?,
            batch_size: call
                .int4(8)
                .map(|rows| TrainOptions::check_batch_size(rows.into()))
                .transpose()?,
            validation_split: call.float8(9),
            callbacks: call
                .text(10)?
                .as_deref()
                .map(EarlyStopping::parse_list)
                .transpose()?,
            preprocess: call
                .text(13)?
                .as_deref()
                .map(Preprocess::parse)
                .transpose()?
                .unwrap_or_default(),
            class_weight: call
                .text(11)?
                .as_deref()
                .map(ClassWeight::parse)
                .transpose()?,
            sample_weight: call.text(12)?,
            exclude: call.texts(14, "exclude")?.unwrap_or_default(),
            split_column: call.text(16)?,
            shuffle: call.boolean(17).unwrap_or(defaults.shuffle),
            // Any bigint is a seed; a negative one is its two's complement.
            seed: call.int8(18).map_or(defaults.seed, |seed| seed as u64),
            max_seconds: call.float8(19),
            memory_limit: guc::work_mem(),
        };
        options.check()?;
        Ok(Self {
            model,
            query,
            targets,
            validation_query: call.text(15)?,
            warm_start: call.boolean(21).unwrap_or(false),
            options,
        })
    }
}

/// Every argument is declared from the first release on, so that calls stay valid when it is built.
fn refuse_what_is_not_built(call: &Call) -> Result<()> {
    let later = [(20, "max_memory"), (24, "keep_versions")];
    for (index, name) in later {
        if call.datum(index).is_some() {
            let message = format!("argument {name} of ml_train() is not supported yet");
            let report = error::report(Code::ERRCODE_FEATURE_NOT_SUPPORTED, message);
            let hint = match name {
                "max_memory" => "Set tablenet.work_mem instead.",
                _ => "Leave it out.",
            };
            return Err(error::wrap(report.set_hint(hint)));
        }
    }
    for (index, name, only) in [(22, "engine", "local"), (23, "deploy", "always")] {
        if let Some(given) = call.text(index)?
            && given != only
        {
            let message = format!("{name} => '{given}' of ml_train() is not supported yet");
            let report = error::report(Code::ERRCODE_FEATURE_NOT_SUPPORTED, message);
            return Err(error::wrap(
                report.set_hint(format!("Leave it out, or use '{only}'.")),
            ));
        }
    }
    Ok(())
}
