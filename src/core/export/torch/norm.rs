//! Normalizations as modules.

use super::{Module, refused, same};
use crate::Result;
use crate::export::Item;
use serde_json::{Value, json};

/// Where the layer's variable of this name is.
fn place(item: &Item, name: &str) -> Option<usize> {
    item.variables.iter().position(|it| it.name == name)
}

/// A tensor of the variable, or of a constant where the layer does without it.
fn part(
    module: Module,
    item: &Item,
    tensor: &str,
    name: &str,
    size: usize,
    without: f32,
) -> Module {
    match place(item, name) {
        Some(place) => module.with(tensor, &[size], place, same()),
        None => module.constant(tensor, size, without),
    }
}

/// PyTorch's momentum is the share of the new.
pub(super) fn batch(item: &Item) -> Result<Vec<Module>> {
    let size = item.input.last();
    let (scale, center) = (place(item, "gamma"), place(item, "beta"));
    let affine = scale.is_some() || center.is_some();
    let settings = json!({
        "num_features": size,
        "eps": item.number("epsilon").unwrap_or(1e-3),
        "momentum": 1.0 - item.number("momentum").unwrap_or(0.99),
        "affine": affine,
    });
    let mut module = Module::new("BatchNorm1d", settings);
    if affine {
        module = part(module, item, "weight", "gamma", size, 1.0);
        module = part(module, item, "bias", "beta", size, 0.0);
    }
    for (tensor, name) in [
        ("running_mean", "moving_mean"),
        ("running_var", "moving_variance"),
    ] {
        let Some(place) = place(item, name) else {
            return Err(refused(item, "has no moving statistics"));
        };
        module = module.with(tensor, &[size], place, same());
    }
    Ok(vec![module])
}

pub(super) fn layer(item: &Item) -> Result<Vec<Module>> {
    let axes = item.config.get("axis").and_then(Value::as_array);
    if axes.is_some_and(|axes| axes.len() > 1) {
        return Err(refused(item, "over several axes has no module"));
    }
    let size = item.input.last();
    let affine = place(item, "gamma").is_some() || place(item, "beta").is_some();
    let settings = json!({
        "normalized_shape": [size],
        "eps": item.number("epsilon").unwrap_or(1e-3),
        "elementwise_affine": affine,
    });
    let mut module = Module::new("LayerNorm", settings);
    if affine {
        module = part(module, item, "weight", "gamma", size, 1.0);
        module = part(module, item, "bias", "beta", size, 0.0);
    }
    Ok(vec![module])
}
