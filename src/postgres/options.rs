//! The arguments of ml_train: checked, and turned into the core's options.

use pgrx::PgSqlErrorCode as Code;
use tablenet_core::{
    ClassWeight, Error, ErrorKind, FitCallback, Loss, Metric, Optimizer, Preprocess, Result,
    Sequential, TrainOptions, check_model_name,
};

use crate::catalog::versions::Deploy;
use crate::entry::Call;
use crate::guc::Memory;
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
    /// The memory it may take.
    pub memory: Memory,
    /// What becomes of the new version and of the older ones.
    pub keeping: Keeping,
    /// All the rest.
    pub options: TrainOptions,
}

/// What becomes of a new version and of the older ones.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Whether the new one is put to use.
    pub deploy: Deploy,
    /// How many stay, besides the deployed one.
    pub keep_versions: u32,
}

impl Keeping {
    /// The number of versions that stay by default.
    const VERSIONS: u32 = 10;

    /// Reads the arguments deploy and keep_versions.
    pub fn read(call: &Call, deploy: usize, keep_versions: usize) -> Result<Self> {
        let keep_versions = call
            .int4(keep_versions)
            .map_or(Ok(Self::VERSIONS), |given| {
                let number = u32::try_from(given).ok().filter(|&number| number > 0);
                number.ok_or_else(|| {
                    let message = format!("keep_versions must be at least 1, not {given}");
                    Error::new(ErrorKind::InvalidParameter, message)
                })
            })?;
        let deploy = call.text(deploy)?;
        Ok(Self {
            deploy: deploy.map_or(Ok(Deploy::Always), |word| Deploy::parse(&word))?,
            keep_versions,
        })
    }
}

impl Request {
    /// Reads the arguments in the order of the declaration; `targets` are the third one.
    pub fn read(call: &Call, targets: Vec<String>) -> Result<Self> {
        let model = call.required_text(0, "model")?;
        check_model_name(&model)?;
        let query = call.required_text(1, "query")?;
        refuse_what_is_not_built(call)?;
        let defaults = TrainOptions::default();
        let memory = match call.text(20)? {
            Some(given) => Memory::parse(&given)?,
            None => Memory::of_session(),
        };
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
            from_logits: loss.and_then(|(_, from_logits)| from_logits),
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
                .map(FitCallback::parse_list)
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
            memory_limit: memory.bytes(),
            max_model_size: guc::max_model_size(),
        };
        options.check()?;
        Ok(Self {
            model,
            query,
            targets,
            validation_query: call.text(15)?,
            warm_start: call.boolean(21).unwrap_or(false),
            memory,
            keeping: Keeping::read(call, 23, 24)?,
            options,
        })
    }
}

/// Every argument is declared from the first release on, so that calls stay valid when it is built.
fn refuse_what_is_not_built(call: &Call) -> Result<()> {
    if let Some(given) = call.text(22)?
        && given != "local"
    {
        let message = format!("engine => '{given}' of ml_train() is not supported yet");
        let report = error::report(Code::ERRCODE_FEATURE_NOT_SUPPORTED, message);
        return Err(error::wrap(
            report.set_hint("Leave it out, or use 'local'."),
        ));
    }
    Ok(())
}
