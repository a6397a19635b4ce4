//! Layers as modules of PyTorch: their settings, and which number of a variable is which of a tensor. Writing and reading
//! share it.
//!
//! Rows keep Keras's order, (steps, channels): where PyTorch's module wants channels first or answers a tuple, docs/travel.md
//! has a subclass of it with the same tensors.

mod activation;
mod norm;
mod recurrent;
mod window;

use super::Item;
use crate::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// A module of an `nn.Sequential`.
pub(crate) struct Module {
    /// The name of its class.
    pub(crate) class: &'static str,
    /// The arguments of its class.
    pub(crate) settings: Value,
    /// Its tensors, those it cannot be without.
    pub(crate) tensors: Vec<Tensor>,
}

/// A tensor of a module.
pub(crate) struct Tensor {
    /// Its name in the module.
    pub(crate) name: String,
    /// Its shape; the last dimension is the fastest.
    pub(crate) shape: Vec<usize>,
    /// Where its numbers are in the layer.
    pub(crate) source: Source,
}

/// From a place in a tensor to the place in a variable.
pub(crate) type Places = Box<dyn Fn(usize) -> usize>;

/// Where the numbers of a tensor are in a layer.
pub(crate) enum Source {
    /// In the variable at `place` of the layer.
    Variable { place: usize, at: Places },
    /// Added to a variable that another tensor has already: a second bias. Written as zeros.
    Added { place: usize, at: Places },
    /// Nowhere: every one is this.
    Constant(f32),
}

impl Module {
    fn new(class: &'static str, settings: Value) -> Self {
        Self {
            class,
            settings,
            tensors: Vec::new(),
        }
    }

    /// With a tensor whose numbers are in the variable at `place`.
    fn with(mut self, name: impl Into<String>, shape: &[usize], place: usize, at: Places) -> Self {
        self.tensors.push(Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            source: Source::Variable { place, at },
        });
        self
    }

    /// With a tensor of so many numbers that are all the same.
    fn constant(mut self, name: &str, size: usize, number: f32) -> Self {
        self.tensors.push(Tensor {
            name: name.to_owned(),
            shape: vec![size],
            source: Source::Constant(number),
        });
        self
    }
}

/// In the same order.
fn same() -> Places {
    Box::new(|place| place)
}

/// A matrix of so many rows and columns in the tensor, which the variable has the other way round.
fn transposed(rows: usize, columns: usize) -> Places {
    Box::new(move |place| place % columns * rows + place / columns)
}

/// The modules that do what the layer does.
///
/// # Errors
/// NotSupported, naming the layer, where PyTorch has none.
pub(crate) fn modules(item: &Item) -> Result<Vec<Module>> {
    let one = |module: Module| Ok(vec![module]);
    if item.has_layer_for_activation() {
        return Err(refused(
            item,
            "with a layer for an activation has no module",
        ));
    }
    match item.class.as_str() {
        "Dense" => dense(item, item.text("activation")),
        "Activation" => activation::named(item, item.text("activation")),
        "ReLU" => activation::relu(item),
        "LeakyReLU" => one(activation::leaky_relu(item)),
        "ELU" => one(activation::elu(item)),
        "PReLU" => activation::prelu(item),
        "Softmax" => activation::softmax(item),
        "Dropout" => one(Module::new(
            "Dropout",
            json!({"p": item.number("rate").unwrap_or(0.0)}),
        )),
        // Nothing once it is trained.
        "GaussianNoise" => one(Module::new("Identity", json!({}))),
        "Flatten" => one(Module::new("Flatten", json!({}))),
        "Reshape" => Ok(reshape(item)),
        "BatchNormalization" => norm::batch(item),
        "LayerNormalization" => norm::layer(item),
        "Embedding" => embedding(item),
        "Conv1D" => window::conv(item),
        "MaxPooling1D" => window::pooling(item, "MaxPool1d"),
        "AveragePooling1D" => window::pooling(item, "AvgPool1d"),
        "GlobalMaxPooling1D" => one(window::global(item, "GlobalMaxPool1d")),
        "GlobalAveragePooling1D" => one(window::global(item, "GlobalAvgPool1d")),
        "SimpleRNN" | "LSTM" | "GRU" => recurrent::one(item),
        "Bidirectional" => recurrent::both(item),
        "TimeDistributed" => time_distributed(item),
        _ => Err(refused(item, "has no module in PyTorch")),
    }
}

/// The error of a layer that PyTorch cannot express.
fn refused(item: &Item, why: &str) -> Error {
    Error::new(
        ErrorKind::NotSupported,
        format!(
            "layer \"{}\" cannot be one of PyTorch: {} {why}",
            item.name, item.class
        ),
    )
    .hint("Export it as 'safetensors' for Keras.")
}

/// A Linear module, and its activation.
fn dense(item: &Item, activation: Option<&str>) -> Result<Vec<Module>> {
    let [kernel, bias @ ..] = item.variables.as_slice() else {
        return Err(refused(item, "has no kernel"));
    };
    let [inputs, units] = *kernel.shape.as_slice() else {
        return Err(refused(item, "has a kernel that is no matrix"));
    };
    let settings = json!({"in_features": inputs, "out_features": units, "bias": !bias.is_empty()});
    let linear = Module::new("Linear", settings);
    let mut linear = linear.with("weight", &[units, inputs], 0, transposed(units, inputs));
    if !bias.is_empty() {
        linear = linear.with("bias", &[units], 1, same());
    }
    let mut modules = vec![linear];
    modules.extend(activation::named(item, activation)?);
    Ok(modules)
}

/// The layer inside, which is Dense: a Linear module works on every step as it is.
fn time_distributed(item: &Item) -> Result<Vec<Module>> {
    let inner = item.config.get("layer");
    let of = |key: &str| inner.and_then(|inner| inner.get(key));
    if of("class_name").and_then(Value::as_str) != Some("Dense") {
        return Err(refused(item, "of anything but Dense has no module"));
    }
    let activation = of("config").and_then(|config| config.get("activation"));
    dense(item, activation.and_then(Value::as_str))
}

fn reshape(item: &Item) -> Vec<Module> {
    let shape = item.config.get("target_shape").cloned().unwrap_or_default();
    let unflatten = Module::new("Unflatten", json!({"dim": 1, "unflattened_size": shape}));
    if item.input.rank() > 1 {
        vec![Module::new("Flatten", json!({})), unflatten]
    } else {
        vec![unflatten]
    }
}

fn embedding(item: &Item) -> Result<Vec<Module>> {
    let [table] = item.variables.as_slice() else {
        return Err(refused(item, "has no table"));
    };
    let [places, width] = *table.shape.as_slice() else {
        return Err(refused(item, "has a table that is no matrix"));
    };
    if item.config.get("mask_zero") == Some(&Value::Bool(true)) {
        return Err(refused(
            item,
            "with mask_zero has no module: the layers there pass over no step",
        ));
    }
    let settings = json!({"num_embeddings": places, "embedding_dim": width});
    let module = Module::new("Embedding", settings);
    Ok(vec![module.with("weight", &table.shape, 0, same())])
}

/// Settings and one more.
fn settings(pairs: &[(&str, Value)]) -> Value {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()));
    Value::Object(pairs.collect::<Map<_, _>>())
}
