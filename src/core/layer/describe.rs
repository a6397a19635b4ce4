//! A layer from its settings one by one, as the builders of SQL hand them over.

use crate::config::word_or_json;
use crate::{Result, Sequential};
use serde_json::{Map, Value, json};

/// The element of `layers` that `class` with `settings` is, checked as far as a layer can be by itself. Where a
/// layer takes an object, a text may hold its JSON.
///
/// An error is the one that the layer gives.
pub fn describe_layer(class: &str, settings: &Map<String, Value>) -> Result<Value> {
    let mut config = Map::new();
    for (key, value) in settings {
        let value = match value {
            Value::String(text) if key != "name" => {
                word_or_json(&format!("{key} of {class}"), text)?
            }
            value => value.clone(),
        };
        config.insert(key.clone(), value);
    }
    let layer = json!({"class_name": class, "config": config});
    let mut stack = vec![layer.clone()];
    if matches!(class, "InputLayer" | "Input") {
        // The shape of rows is no model yet.
        stack.push(json!({"class_name": "Flatten"}));
    }
    Sequential::from_json(&Value::Array(stack))?;
    Ok(layer)
}
