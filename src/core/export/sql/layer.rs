//! Layers as subqueries, each of which has what the one before answers as an array.

use super::quote::{number, numbers, reals};
use crate::export::Item;
use crate::{Error, ErrorKind, Result};
use std::fmt::Write;

/// Appends the subqueries of `item` and counts them in `layers`; the last is called `l` and this number.
///
/// # Errors
/// NotSupported, naming the layer.
pub(super) fn write(
    item: &Item,
    weights: &[f32],
    layers: &mut usize,
    body: &mut String,
) -> Result<()> {
    let of = |variable: &crate::export::Held| {
        &weights[variable.offset..variable.offset + variable.size()]
    };
    let named = |name: &str| item.variables.iter().find(|it| it.name == name).map(of);
    if item.input.rank() > 1 {
        return Err(refused(item, "on rows of several dimensions"));
    }
    if item.has_layer_for_activation() {
        return Err(refused(item, "with a layer for an activation"));
    }
    let width = item.input.width();
    match item.class.as_str() {
        "Dense" => {
            let Some(kernel) = named("kernel") else {
                return Err(refused(item, "without a kernel"));
            };
            let units = kernel.len() / width;
            let turned =
                (0..units).flat_map(|unit| (0..width).map(move |i| kernel[i * units + unit]));
            let bias = match named("bias") {
                Some(bias) => format!("({})[j] + ", reals(bias.iter().copied())),
                None => String::new(),
            };
            let sum = format!(
                "{bias}(SELECT sum(l{layers}.x[i] * ({})[(j - 1) * {width} + i]) FROM generate_series(1, {width}) AS i)",
                reals(turned)
            );
            let activation = item.text("activation").unwrap_or("linear");
            let function = match activation {
                "softmax" => "z".to_owned(),
                other => function(item, other)?,
            };
            *layers += 1;
            // OFFSET 0 keeps the planner from writing a sum where z is.
            let _ = write!(
                body,
                "\n  CROSS JOIN LATERAL (SELECT array_agg({function} ORDER BY j) AS x\n    FROM (SELECT j, {sum} AS z\n            FROM generate_series(1, {units}) AS j OFFSET 0) AS d OFFSET 0) AS l{layers}"
            );
            if activation == "softmax" {
                softmax(layers, body);
            }
        }
        "Activation" | "Softmax" => {
            let name = match item.class.as_str() {
                "Softmax" => "softmax",
                _ => item.text("activation").unwrap_or("linear"),
            };
            match name {
                "linear" => {}
                "softmax" => softmax(layers, body),
                other => each(&function(item, other)?, layers, body),
            }
        }
        "ReLU" => each(&relu(item), layers, body),
        "LeakyReLU" => {
            let slope = number(item.number("negative_slope").unwrap_or(0.3));
            each(
                &format!("CASE WHEN z > 0 THEN z ELSE {slope} * z END"),
                layers,
                body,
            );
        }
        "ELU" => {
            let alpha = number(item.number("alpha").unwrap_or(1.0));
            each(&elu(&alpha), layers, body);
        }
        "PReLU" => {
            let alpha = named("alpha").unwrap_or_default();
            let alphas = numbers((0..width).map(|i| f64::from(alpha[i % alpha.len().max(1)])));
            let with = format!("({alphas})[j]");
            each(
                &format!("CASE WHEN z > 0 THEN z ELSE {with} * z END"),
                layers,
                body,
            );
        }
        "BatchNormalization" => {
            let (Some(mean), Some(variance)) = (named("moving_mean"), named("moving_variance"))
            else {
                return Err(refused(item, "without moving statistics"));
            };
            let epsilon = item.number("epsilon").unwrap_or(1e-3);
            let (gamma, beta) = (named("gamma"), named("beta"));
            let at = |list: Option<&[f32]>, i: usize, without: f64| {
                list.map_or(without, |list| f64::from(list[i]))
            };
            let scale: Vec<f64> = (0..width)
                .map(|i| at(gamma, i, 1.0) / (f64::from(variance[i]) + epsilon).sqrt())
                .collect();
            let shift = (0..width).map(|i| at(beta, i, 0.0) - f64::from(mean[i]) * scale[i]);
            let shift = numbers(shift);
            let scale = numbers(scale.iter().copied());
            each(&format!("z * ({scale})[j] + ({shift})[j]"), layers, body);
        }
        // They do something while training alone, or to shapes.
        "Dropout" | "GaussianNoise" | "Flatten" => {}
        "Reshape" if item.size("target_shape") == Some(width) => {}
        _ => return Err(refused(item, "")),
    }
    Ok(())
}

/// A subquery that makes `function` of every z at its place j.
fn each(function: &str, layers: &mut usize, body: &mut String) {
    let before = *layers;
    *layers += 1;
    let _ = write!(
        body,
        "\n  CROSS JOIN LATERAL (SELECT array_agg({function} ORDER BY j) AS x\n    FROM unnest(l{before}.x) WITH ORDINALITY AS d (z, j) OFFSET 0) AS l{layers}"
    );
}

fn softmax(layers: &mut usize, body: &mut String) {
    let before = *layers;
    *layers += 1;
    let exponential = "exp(greatest(z - most, -103))";
    let _ = write!(
        body,
        "\n  CROSS JOIN LATERAL (SELECT array_agg(e / total ORDER BY j) AS x\n    FROM (SELECT j, e, sum(e) OVER () AS total\n            FROM (SELECT j, {exponential} AS e\n                    FROM (SELECT z, j, max(z) OVER () AS most FROM unnest(l{before}.x) WITH ORDINALITY AS d (z, j)) AS m) AS e) AS s OFFSET 0) AS l{layers}"
    );
}

/// exp(z), which PostgreSQL refuses where it would be infinite or 0, as it does a product. So what is infinite to the model is
/// not much more than its own largest number here, which the layers behind may multiply, and what is next to nothing to the
/// model is no smaller than its own smallest number here, and the weights of the next layer may be as small.
const EXP: &str = "exp(greatest(least(z, 100), -103))";
const SIGMOID: &str = "(1 / (1 + exp(greatest(least(-z, 103), -103))))";
const SOFTPLUS: &str = "(greatest(z, 0) + ln(1 + exp(-least(abs(z), 103))))";

fn elu(alpha: &str) -> String {
    format!("CASE WHEN z > 0 THEN z ELSE {alpha} * ({EXP} - 1) END")
}

fn relu(item: &Item) -> String {
    let slope = number(item.number("negative_slope").unwrap_or(0.0));
    let threshold = number(item.number("threshold").unwrap_or(0.0));
    let above = match item.number("max_value") {
        Some(most) => format!("least(z, {})", number(most)),
        None => "z".to_owned(),
    };
    format!("CASE WHEN z >= {threshold} THEN {above} ELSE {slope} * (z - {threshold}) END")
}

/// An activation by Keras's name, of z.
fn function(item: &Item, name: &str) -> Result<String> {
    Ok(match name {
        "linear" => "z".to_owned(),
        "relu" => "greatest(z, 0)".to_owned(),
        "relu6" => "least(greatest(z, 0), 6)".to_owned(),
        "tanh" => "tanh(z)".to_owned(),
        "sigmoid" => SIGMOID.to_owned(),
        "elu" => elu("1"),
        "selu" => format!(
            "1.0507009873554805 * CASE WHEN z > 0 THEN z ELSE 1.6732632423543772 * ({EXP} - 1) END"
        ),
        "leaky_relu" => "CASE WHEN z > 0 THEN z ELSE 0.2 * z END".to_owned(),
        "softplus" => SOFTPLUS.to_owned(),
        "softsign" => "z / (1 + abs(z))".to_owned(),
        "silu" | "swish" => format!("z * {SIGMOID}"),
        "mish" => format!("z * tanh({SOFTPLUS})"),
        "exponential" => EXP.to_owned(),
        "hard_sigmoid" => "least(greatest(z / 6 + 0.5, 0), 1)".to_owned(),
        "hard_silu" | "hard_swish" => "z * least(greatest(z / 6 + 0.5, 0), 1)".to_owned(),
        "hard_tanh" => "least(greatest(z, -1), 1)".to_owned(),
        "gelu" => {
            return Err(refused(
                item,
                "with gelu: PostgreSQL has no erf() before 16",
            ));
        }
        other => return Err(refused(item, &format!("with {other}"))),
    })
}

/// The error of a layer that is not written.
fn refused(item: &Item, why: &str) -> Error {
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(" {why}")
    };
    let message = format!(
        "layer \"{}\" cannot be plain SQL: {}{why}",
        item.name, item.class
    );
    Error::new(ErrorKind::NotSupported, message)
        .hint("ml_export_sql() writes networks of Dense, BatchNormalization and activation layers; ml_export() writes all.")
}
