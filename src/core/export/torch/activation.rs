//! Activations as modules.

use super::{Module, refused, same};
use crate::Result;
use crate::export::Item;
use serde_json::{Value, json};

/// The module of a function by Keras's name; none for what changes nothing.
pub(super) fn named(item: &Item, name: Option<&str>) -> Result<Vec<Module>> {
    let plain = |class| Ok(vec![Module::new(class, json!({}))]);
    let with = |class, settings: Value| Ok(vec![Module::new(class, settings)]);
    match name.unwrap_or("linear") {
        "linear" => Ok(Vec::new()),
        "relu" => plain("ReLU"),
        "relu6" => plain("ReLU6"),
        "sigmoid" => plain("Sigmoid"),
        "tanh" => plain("Tanh"),
        "softmax" => with("Softmax", json!({"dim": -1})),
        "log_softmax" => with("LogSoftmax", json!({"dim": -1})),
        // Keras's default has the error function, as PyTorch's.
        "gelu" => plain("GELU"),
        "elu" => plain("ELU"),
        "celu" => plain("CELU"),
        "selu" => plain("SELU"),
        "softplus" => plain("Softplus"),
        "softsign" => plain("Softsign"),
        "leaky_relu" => with("LeakyReLU", json!({"negative_slope": 0.2})),
        "silu" | "swish" => plain("SiLU"),
        "mish" => plain("Mish"),
        "hard_sigmoid" => plain("Hardsigmoid"),
        "hard_silu" | "hard_swish" => plain("Hardswish"),
        "hard_tanh" => plain("Hardtanh"),
        "hard_shrink" => plain("Hardshrink"),
        "soft_shrink" => plain("Softshrink"),
        "tanh_shrink" => plain("Tanhshrink"),
        "log_sigmoid" => plain("LogSigmoid"),
        other => Err(refused(
            item,
            &format!("with activation {other} has no module"),
        )),
    }
}

pub(super) fn relu(item: &Item) -> Result<Vec<Module>> {
    let slope = item.number("negative_slope").unwrap_or(0.0);
    let threshold = item.number("threshold").unwrap_or(0.0);
    let module = match item.number("max_value") {
        _ if threshold != 0.0 => return Err(refused(item, "with a threshold has no module")),
        None if slope == 0.0 => Module::new("ReLU", json!({})),
        None => Module::new("LeakyReLU", json!({"negative_slope": slope})),
        Some(most) if slope == 0.0 => {
            Module::new("Hardtanh", json!({"min_val": 0.0, "max_val": most}))
        }
        Some(_) => {
            return Err(refused(
                item,
                "with max_value and negative_slope has no module",
            ));
        }
    };
    Ok(vec![module])
}

pub(super) fn leaky_relu(item: &Item) -> Module {
    let slope = item.number("negative_slope").unwrap_or(0.3);
    Module::new("LeakyReLU", json!({"negative_slope": slope}))
}

pub(super) fn elu(item: &Item) -> Module {
    let alpha = item.number("alpha").unwrap_or(1.0);
    Module::new("ELU", json!({"alpha": alpha}))
}

/// PyTorch has a slope per channel or one for all.
pub(super) fn prelu(item: &Item) -> Result<Vec<Module>> {
    let [alpha] = item.variables.as_slice() else {
        return Err(refused(item, "has no alpha"));
    };
    let (size, rank) = (alpha.size(), item.input.rank());
    if size != 1 && rank > 1 {
        return Err(refused(item, "over steps has no module"));
    }
    let module = Module::new("PReLU", json!({"num_parameters": size}));
    Ok(vec![module.with("weight", &[size], 0, same())])
}

pub(super) fn softmax(item: &Item) -> Result<Vec<Module>> {
    let axis = match item.config.get("axis") {
        Some(Value::Array(axes)) if axes.len() == 1 => axes.first().and_then(Value::as_i64),
        axis => axis.map_or(Some(-1), Value::as_i64),
    };
    match axis {
        Some(axis) => Ok(vec![Module::new("Softmax", json!({"dim": axis}))]),
        None => Err(refused(item, "over several axes has no module")),
    }
}
