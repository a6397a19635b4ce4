//! A model from elsewhere: layers as Keras describes them, weights as Keras or PyTorch saves them.

mod assign;
pub(crate) mod columns;
mod tensors;
#[cfg(test)]
mod tests;

use crate::budget::exceeded;
use crate::config::invalid;
use crate::encoder::{Encoding, Preprocessing};
use crate::export::{LAYERS, Stack};
use crate::format::check_size;
use crate::loss::Scaling;
use crate::model_size::{check_model_size, weight_bytes};
use crate::target::Standard;
use crate::{
    Callback, Error, ErrorKind, InputShape, Loss, Metric, ModelFile, Optimizer, Result, Results,
    Sequential, Target, Task,
};
use columns::Columns;
use serde_json::{Value, json};
use tensors::Tensors;

/// The longest description of layers.
const MAX_LAYERS: usize = 1 << 20;

/// What is told of a model beside the file of its weights. A model file of tablenet says all of it itself.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The layers; left out where the file has them.
    pub layers: Option<Value>,
    /// The columns that the network takes, in their order.
    pub features: Option<Vec<String>>,
    /// What the model predicts; `target` if it is left out.
    pub target: Option<String>,
    /// The labels in the order of the outputs, of two the positive one last; none for numbers.
    pub classes: Option<Vec<String>>,
    /// The loss; left out, that which fits.
    pub loss: Option<String>,
    /// How columns become inputs, by name.
    pub columns: Option<Value>,
}

impl Import {
    /// Makes a model of the `bytes` of a file, which may be hostile. Checks about every MiB.
    ///
    /// # Errors
    /// InvalidParameter for bytes that cannot be read and for tensors that do not fit the layers, naming them; NotFinite for
    /// a weight that is none; OutOfMemory beyond `memory_limit`; LimitExceeded beyond `max_model_size`.
    pub fn read(
        &self,
        bytes: &[u8],
        memory_limit: u64,
        max_model_size: u64,
        callback: &mut dyn Callback,
    ) -> Result<ModelFile> {
        check_model_size(bytes.len() as u64, max_model_size)?;
        let mut tensors = Tensors::read(bytes, memory_limit)?;
        if tensors.is_model_file() {
            return self.model_file(bytes, memory_limit, callback);
        }
        let need = tensors.memory;
        let mut file = self.describe(&tensors, bytes.len(), memory_limit)?;
        let parameters = file.parameters();
        // The weights as they come, and those of a tensor on its way.
        let need = need.saturating_add(weight_bytes(parameters as u64).saturating_mul(2));
        if need > memory_limit {
            return Err(exceeded("the model", need, memory_limit));
        }
        file.check_description(memory_limit, max_model_size)?;
        let stack = Stack::of(file.model())?;
        let weights = assign::weights(&stack, parameters, &mut tensors, callback)?;
        file.model.set_weights(weights, callback)?;
        Ok(file)
    }

    /// A model file as it is.
    fn model_file(
        &self,
        bytes: &[u8],
        memory_limit: u64,
        callback: &mut dyn Callback,
    ) -> Result<ModelFile> {
        let Self {
            layers,
            features,
            target,
            classes,
            loss,
            columns,
        } = self;
        for (argument, is_given) in [
            ("layers", layers.is_some()),
            ("features", features.is_some()),
            ("target", target.is_some()),
            ("classes", classes.is_some()),
            ("loss", loss.is_some()),
            ("columns", columns.is_some()),
        ] {
            if is_given {
                let message = format!("a model file of tablenet has its own {argument}");
                return Err(invalid(message).hint(format!("Leave {argument} out.")));
            }
        }
        ModelFile::from_bytes(bytes, memory_limit, callback).map_err(|error| match error.kind() {
            // It is no model of this server's that is damaged.
            ErrorKind::Damaged => invalid("the file is no intact model file")
                .detail(error.detail_text().unwrap_or_default()),
            _ => error,
        })
    }

    /// The model without its weights, which cannot be more than a file of `length` bytes has.
    fn describe(
        &self,
        tensors: &Tensors<'_>,
        length: usize,
        memory_limit: u64,
    ) -> Result<ModelFile> {
        let layers = self.layers(tensors)?;
        let sequential = Sequential::from_json(&layers)?;
        check_size(&sequential)?;
        let features = self.features.as_deref().ok_or_else(|| {
            invalid("features must name the columns that the network takes")
                .hint("Write features => '{area,rooms}', in the order of the inputs.")
        })?;
        let target = self.target.as_deref().unwrap_or("target");
        let names: Vec<&str> = features.iter().map(String::as_str).collect();
        if names.contains(&target) {
            return Err(invalid(format!("\"{target}\" is a feature and the target"))
                .hint("Give the target another name with target => '...'."));
        }
        let known: Vec<&str> = names.iter().copied().chain([target]).collect();
        let columns = Columns::new(self.columns.as_ref(), &known)?;
        let stated = sequential.inputs.and_then(InputShape::known);
        let stated = stated.map(|shape| shape.width());
        let preprocessing = columns.preprocessing(&names, stated, memory_limit)?;
        let inputs = preprocessing.inputs();
        check_open(&sequential, &preprocessing)?;
        if let Some(stated) = stated
            && stated != inputs.width
        {
            let message = format!(
                "the network takes {stated} inputs, the features give {}",
                inputs.width
            );
            return Err(invalid(message).hint("Name one feature per input, or say in columns which is an array: {\"readings\": {\"length\": 24}}."));
        }
        let layers = sequential.summary(inputs.clone())?;
        let needed = layers.iter().map(|layer| layer.parameters);
        let needed = weight_bytes(needed.fold(0, u64::saturating_add));
        if needed > length as u64 {
            let message =
                format!("the layers need {needed} bytes of weights, the file has {length} in all");
            return Err(
                invalid(message).hint("The layers must be those of the model that was saved.")
            );
        }
        let outputs = layers
            .last()
            .map_or(1, |layer| layer.output_shape.iter().product());
        let target = match self.classes.as_deref() {
            Some(labels) => columns.classes(target, labels)?,
            None => columns.regression(target, outputs)?,
        };
        target
            .check()
            .map_err(|what| invalid(format!("{} {what}", target.words())))?;
        let (loss, metrics) = self.loss(&target, outputs)?;
        let model = sequential
            .compile(
                inputs,
                target.task(),
                Optimizer::default(),
                loss,
                metrics,
                1.0,
            )
            .map_err(|error| self.explained(error))?
            .with_target_scales(target.scales())?;
        Ok(ModelFile {
            model,
            preprocessing,
            target,
            results: Results::default(),
        })
    }

    /// The layers that are given, else those in the file.
    fn layers(&self, tensors: &Tensors<'_>) -> Result<Value> {
        if let Some(layers) = &self.layers {
            return Ok(layers.clone());
        }
        let Some(text) = tensors.metadata.get(LAYERS) else {
            return Err(invalid("layers must be given: the file has weights alone")
                .hint("Write layers => '...', with what model.to_json() of Keras prints."));
        };
        if text.len() > MAX_LAYERS {
            let message = "the layers in the file are longer than 1 MB";
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        serde_json::from_str(text)
            .map_err(|cause| invalid(format!("the layers in the file cannot be read: {cause}")))
    }

    fn loss(&self, target: &Target, outputs: usize) -> Result<(Loss, Vec<Metric>)> {
        let task = target.task();
        let usual = match task {
            Task::Regression { .. } => "mse",
            Task::Binary if outputs == 1 => "binary_crossentropy",
            Task::Binary | Task::Multiclass { .. } => "categorical_crossentropy",
        };
        let loss = match &self.loss {
            Some(given) => Loss::parse_with_logits(given)?.0,
            None => Loss::parse(usual)?,
        };
        let fits = |scale: &Standard| match loss.scaling() {
            Scaling::Standard => true,
            Scaling::Factor => scale.mean == 0.0,
            Scaling::Own(..) => *scale == Standard::PLAIN,
        };
        if !target.scales().iter().all(fits) {
            let message = format!(
                "{} has a mean and std, which loss {} does not allow",
                target.words(),
                loss.name()
            );
            return Err(invalid(message).hint(
                "It is of values as they are: a network that answers standardised ones has another loss, such as mse.",
            ));
        }
        let metrics = match task {
            Task::Regression { .. } => vec![Metric::MAE, Metric::R2],
            _ => Metric::usual(task, loss),
        };
        Ok((loss, metrics))
    }

    /// Adds what to do where probabilities come without labels.
    fn explained(&self, error: Error) -> Error {
        if self.classes.is_none() && self.loss.is_none() && error.to_string().contains("softmax") {
            return error.hint("Name the labels of the outputs: classes => '{no,yes}'.");
        }
        error
    }
}

/// Layers that take arrays of any length do not say how long one is.
fn check_open(layers: &Sequential, preprocessing: &Preprocessing) -> Result<()> {
    let open = |stated: &InputShape| {
        let array = layers.takes_indices().is_some() || !stated.is_any_row();
        array && stated.known().is_none()
    };
    let Some(stated) = layers.inputs.filter(open) else {
        return Ok(());
    };
    let [alone] = preprocessing.features.as_slice() else {
        return Ok(());
    };
    if !matches!(alone.encoding, Encoding::Number(_)) {
        return Ok(());
    }
    let name = &alone.name;
    let message = format!(
        "how many numbers \"{name}\" has is not known: the network takes rows of shape {stated}"
    );
    Err(invalid(message).hint(format!(
        "Say so in columns: {}.",
        json!({name: {"length": 24}})
    )))
}
