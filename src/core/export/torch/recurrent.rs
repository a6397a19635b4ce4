//! Recurrent layers as modules. PyTorch has two biases where Keras has one, and of a GRU the gates r, z, n where Keras has z, r, h.

use super::{Module, Places, Source, Tensor, refused};
use crate::Result;
use crate::export::Item;
use serde_json::{Map, Value, json};

/// The gates of PyTorch's tensors as Keras orders them.
struct Gates {
    class: &'static str,
    order: &'static [usize],
    /// Of the gates; none where there are none.
    recurrent_activation: Option<&'static str>,
}

fn gates(class: &str) -> Option<Gates> {
    let (class, order, recurrent_activation): (_, &'static [usize], _) = match class {
        "SimpleRNN" => ("RNN", &[0], None),
        "LSTM" => ("LSTM", &[0, 1, 2, 3], Some("sigmoid")),
        "GRU" => ("GRU", &[1, 0, 2], Some("sigmoid")),
        _ => return None,
    };
    Some(Gates {
        class,
        order,
        recurrent_activation,
    })
}

/// A layer that goes one way.
pub(super) fn one(item: &Item) -> Result<Vec<Module>> {
    let mut module = described(item, &item.class, &item.config, false)?;
    tensors(item, &item.class, 0..item.variables.len(), "", &mut module)?;
    Ok(vec![module])
}

/// A layer that goes both ways; the backward half is like the forward one.
pub(super) fn both(item: &Item) -> Result<Vec<Module>> {
    let part = |key: &str| {
        let layer = item.config.get(key)?;
        let config = layer.get("config")?.as_object()?;
        Some((
            layer.get("class_name")?.as_str()?.to_owned(),
            config.clone(),
        ))
    };
    let Some((class, config)) = part("layer") else {
        return Err(refused(item, "has no layer"));
    };
    if let Some((other, settings)) = part("backward_layer") {
        let alike = [
            "units",
            "activation",
            "recurrent_activation",
            "use_bias",
            "reset_after",
        ];
        let alike = alike
            .iter()
            .all(|key| settings.get(*key) == config.get(*key));
        if other != class || !alike {
            return Err(refused(item, "with another backward_layer has no module"));
        }
    }
    if item.text("merge_mode") != Some("concat") {
        return Err(refused(
            item,
            "with a merge_mode other than concat has no module",
        ));
    }
    let mut module = described(item, &class, &config, true)?;
    let half = item.variables.len() / 2;
    tensors(item, &class, 0..half, "", &mut module)?;
    tensors(item, &class, half..2 * half, "_reverse", &mut module)?;
    Ok(vec![module])
}

/// The module with its settings; `return_sequences` is for the subclass in docs/travel.md.
fn described(
    item: &Item,
    class: &str,
    config: &Map<String, Value>,
    both_ways: bool,
) -> Result<Module> {
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let flag = |key: &str| config.get(key).and_then(Value::as_bool).unwrap_or(false);
    let Some(gates) = gates(class) else {
        return Err(refused(item, &format!("of {class} has no module")));
    };
    let mut settings = json!({
        "input_size": item.input.last(),
        "hidden_size": config.get("units"),
        "bias": flag("use_bias"),
        "bidirectional": both_ways,
        "return_sequences": flag("return_sequences"),
    });
    match (gates.class, text("activation")) {
        ("RNN", Some(function @ ("tanh" | "relu"))) => settings["nonlinearity"] = json!(function),
        (_, Some("tanh")) => {}
        (_, other) => {
            let other = other.unwrap_or("linear");
            return Err(refused(
                item,
                &format!("with activation {other} has no module"),
            ));
        }
    }
    if let Some(wanted) = gates.recurrent_activation
        && text("recurrent_activation") != Some(wanted)
    {
        let given = text("recurrent_activation").unwrap_or("linear");
        return Err(refused(
            item,
            &format!("with recurrent_activation {given} has no module"),
        ));
    }
    if class == "GRU" && !flag("reset_after") {
        return Err(refused(item, "with reset_after false has no module"));
    }
    if flag("go_backwards") {
        return Err(refused(item, "with go_backwards has no module"));
    }
    Ok(Module::new(gates.class, settings))
}

/// Adds the tensors of one direction, whose variables are at `places`.
fn tensors(
    item: &Item,
    class: &str,
    places: std::ops::Range<usize>,
    suffix: &str,
    module: &mut Module,
) -> Result<()> {
    let (Some(gates), Some([kernel, recurrent, bias @ ..])) =
        (gates(class), item.variables.get(places.clone()))
    else {
        return Err(refused(item, "has other variables than its class"));
    };
    let order = gates.order;
    let wide = recurrent.shape.last().copied().unwrap_or_default();
    let units = wide / order.len();
    for (name, variable, place) in [
        ("weight_ih_l0", kernel, places.start),
        ("weight_hh_l0", recurrent, places.start + 1),
    ] {
        let inputs = variable.size() / wide.max(1);
        module.tensors.push(Tensor {
            name: format!("{name}{suffix}"),
            shape: vec![wide, inputs],
            source: Source::Variable {
                place,
                at: Box::new(move |at| {
                    let row = at / inputs;
                    at % inputs * wide + gate(row, units, order)
                }),
            },
        });
    }
    let Some(bias) = bias.first() else {
        return Ok(());
    };
    let place = places.start + 2;
    let from = move |first: usize| -> Places { Box::new(move |at| first + gate(at, units, order)) };
    let second = if bias.size() == 2 * wide {
        Source::Variable {
            place,
            at: from(wide),
        }
    } else {
        Source::Added { place, at: from(0) }
    };
    for (name, source) in [
        ("bias_ih_l0", Source::Variable { place, at: from(0) }),
        ("bias_hh_l0", second),
    ] {
        module.tensors.push(Tensor {
            name: format!("{name}{suffix}"),
            shape: vec![wide],
            source,
        });
    }
    Ok(())
}

/// Where Keras has the row of PyTorch's.
fn gate(row: usize, units: usize, order: &[usize]) -> usize {
    let units = units.max(1);
    let gate = order.get(row / units).copied().unwrap_or_default();
    gate * units + row % units
}
