//! What a model is, for people: the table of Keras's `model.summary()`, and all else as JSON.

#[cfg(test)]
mod tests;

use crate::{FeatureInfo, LayerSummary, ModelFile, Result};
use serde_json::{Value, json};
use std::fmt::Write;

impl ModelFile {
    /// The table that Keras's `model.summary()` prints, in plain text with a line feed behind each line.
    pub fn summary_text(&self) -> Result<String> {
        let layers = self.summary()?;
        let rows = layers.iter().map(cells).collect::<Vec<_>>();
        let width = |place: usize, least: usize| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            cells
                .map(|cell| cell.chars().count() + 2)
                .fold(least, usize::max)
        };
        // Keras's own widths, or more where a name is long.
        let (first, second) = (width(0, 28), width(1, 26));
        let third = width(2, 11);
        let mut text = format!("Model: \"{}\"\n", "sequential");
        let line = |sign: &str| sign.repeat(first + second + third);
        let row = |[name, shape, parameters]: [&str; 3]| {
            let padded = format!(" {name:first$}{shape:second$}{parameters}");
            format!("{}\n", padded.trim_end())
        };
        text += &format!("{}\n", line("_"));
        text += &row(["Layer (type)", "Output Shape", "Param #"]);
        text += &format!("{}\n", line("="));
        for [name, shape, parameters] in &rows {
            text += &row([name, shape, parameters]);
        }
        text += &format!("{}\n", line("="));
        let total = self.parameters() as u64;
        let size = bytes(4 * total);
        // Writing to a String does not fail.
        let _ = writeln!(text, "Total params: {total} ({size})");
        let _ = writeln!(text, "Trainable params: {total} ({size})");
        let _ = writeln!(text, "Non-trainable params: 0 ({})", bytes(0));
        text += &format!("{}\n", line("_"));
        Ok(text)
    }

    /// What is in the file besides the weights, as one object: `format`, `task`, `target` (a name, or an array of several),
    /// `labels`, `features` (with the differences of two and the targets, each by its `role`), `feature_names`, `layers`,
    /// `parameters`, `optimizer`, `loss` and `results`.
    pub fn info(&self) -> Result<Value> {
        let target = match self.target_names().as_slice() {
            [name] => json!(name),
            names => json!(names),
        };
        let layers = self.summary()?;
        Ok(json!({
            "format": crate::format::FORMAT,
            "task": self.task().name(),
            "target": target,
            "labels": self.labels(),
            "features": self.feature_info().iter().map(feature).collect::<Vec<_>>(),
            "feature_names": self.has_feature_names(),
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
            "parameters": self.parameters(),
            "optimizer": self.model.optimizer().to_json(),
            "loss": self.model.loss().to_json(),
            "results": self.results,
        }))
    }
}

/// `dense (Dense)`, `(None, 8)` and `1856`.
fn cells(layer: &LayerSummary) -> [String; 3] {
    let mut shape = "(None".to_owned();
    for width in &layer.output_shape {
        let _ = write!(shape, ", {width}");
    }
    shape.push(')');
    let name = format!("{} ({})", layer.name, layer.class_name);
    [name, shape, layer.parameters.to_string()]
}

/// Bytes as Keras writes them.
fn bytes(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "Byte");
    for next in ["KB", "MB", "GB"] {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, next);
    }
    format!("{size:.2} {unit}")
}

fn layer(layer: &LayerSummary) -> Value {
    json!({
        "name": layer.name,
        "class_name": layer.class_name,
        "output_shape": layer.output_shape,
        "parameters": layer.parameters,
        "activation": layer.activation,
    })
}

fn feature(info: &FeatureInfo) -> Value {
    json!({
        "name": info.name,
        "type": info.column_type,
        "role": info.role,
        "encoding": info.encoding,
        "scaling": info.scaling,
        "min": info.min,
        "max": info.max,
        "mean": info.mean,
        "median": info.median,
        "stddev": info.stddev,
        "distinct": info.distinct,
        "nulls": info.nulls,
        "sampled": info.sampled,
        "inputs": info.inputs,
    })
}
