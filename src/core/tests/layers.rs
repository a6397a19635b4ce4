//! What Keras's model.to_json() writes of every layer (keras/layers.py wrote keras/layers.json) is read, comes to the same summary,
//! and is written again as Keras wrote it.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use tablenet_core::*;

const MODELS: &str = include_str!("keras/layers.json");

fn models() -> Vec<Value> {
    serde_json::from_str(MODELS).expect("JSON")
}

/// Keras tells these of a model that is built, not of its description.
const BUILT: [&str; 3] = ["build_config", "compile_config", "build_input_shape"];

/// What Keras makes of a setting that is left out.
fn is_default(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => match key {
            "groups" => number.as_u64() == Some(1),
            "dropout" | "recurrent_dropout" => number.as_f64() == Some(0.0),
            "renorm_momentum" => number.as_f64() == Some(0.99),
            _ => false,
        },
        Value::String(word) => key == "data_format" && word == "channels_last",
        _ => false,
    }
}

/// Where `ours` says something else than `keras`.
fn differences(path: &str, ours: &Value, keras: &Value, found: &mut Vec<String>) {
    match (ours, keras) {
        (Value::Object(ours), Value::Object(keras)) => {
            objects(path, ours, keras, found);
        }
        (Value::Array(ours), Value::Array(keras)) if ours.len() == keras.len() => {
            for (i, (ours, keras)) in ours.iter().zip(keras).enumerate() {
                differences(&format!("{path}[{i}]"), ours, keras, found);
            }
        }
        _ => {
            let same = match (ours.as_f64(), keras.as_f64()) {
                (Some(ours), Some(keras)) => ours == keras,
                _ => ours == keras,
            };
            if !same {
                found.push(format!("{path} is {ours} instead of {keras}"));
            }
        }
    }
}

fn objects(
    path: &str,
    ours: &Map<String, Value>,
    keras: &Map<String, Value>,
    found: &mut Vec<String>,
) {
    for (key, value) in ours {
        match keras.get(key) {
            Some(wanted) => differences(&format!("{path}.{key}"), value, wanted, found),
            // Keras 3.15.1 reads the gain of Identity and forgets to write it.
            None if key == "gain" && value.as_f64() == Some(1.0) => {}
            None => found.push(format!(
                "{path}.{key} is {value}; Keras has no such setting"
            )),
        }
    }
    for (key, value) in keras {
        let built = BUILT.contains(&key.as_str());
        if !ours.contains_key(key) && !built && !is_default(key, value) {
            found.push(format!("{path}.{key} is left out instead of {value}"));
        }
    }
}

#[test]
fn what_keras_writes_is_written_again() {
    let mut found = Vec::new();
    for entry in models() {
        let name = entry["name"].as_str().expect("a name");
        let sequential = match Sequential::from_json(&entry["model"]) {
            Ok(sequential) => sequential,
            Err(error) => {
                found.push(format!("{name}: {error}"));
                continue;
            }
        };
        let written = sequential.to_json();
        differences(name, &written, &entry["model"], &mut found);
        let again = Sequential::from_json(&written).map(|again| again.to_json());
        if again.as_ref().ok() != Some(&written) {
            found.push(format!("{name}: read again it is another one"));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Steps where Keras does not say how many there are.
const STEPS: u64 = 5;

/// Nor does it know the shapes of what is made of them.
fn leave_open(lines: &mut Value, keras: &Value) {
    let lines = lines.as_array_mut().expect("lines").iter_mut();
    for (line, keras) in lines.zip(keras.as_array().expect("lines")) {
        let shape = line["shape"].as_array_mut().expect("a shape").iter_mut();
        for (dim, keras) in shape.zip(keras["shape"].as_array().expect("a shape")) {
            if keras.is_null() {
                *dim = Value::Null;
            }
        }
    }
}

#[test]
fn the_summary_is_that_of_keras() {
    let mut found = Vec::new();
    for entry in models() {
        let name = entry["name"].as_str().expect("a name");
        let width: u64 = entry["inputs"]
            .as_array()
            .expect("a shape")
            .iter()
            .map(|n| n.as_u64().unwrap_or(STEPS))
            .product();
        let summary = Sequential::from_json(&entry["model"])
            .and_then(|sequential| sequential.summary(width as usize));
        let summary = match summary {
            Ok(summary) => summary,
            Err(error) => {
                found.push(format!("{name}: {error}"));
                continue;
            }
        };
        let lines: Vec<Value> = summary
            .iter()
            .map(|line| {
                serde_json::json!({"name": line.name, "type": line.class_name, "shape": line.output_shape, "parameters": line.parameters})
            })
            .collect();
        let mut lines = Value::Array(lines);
        leave_open(&mut lines, &entry["summary"]);
        if lines != entry["summary"] {
            found.push(format!(
                "{name}: {lines}\n    instead of {}",
                entry["summary"]
            ));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Every class in `tree` with the settings that it has there, without its name.
fn collect(tree: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match tree {
        Value::Array(list) => list.iter().for_each(|entry| collect(entry, found)),
        Value::Object(map) => {
            if let (Some(class), Some(Value::Object(config))) = (
                map.get("class_name").and_then(Value::as_str),
                map.get("config"),
            ) {
                let mut config = config.clone();
                config.remove("name");
                let settings = found.entry(class.to_owned()).or_default();
                settings.insert(Value::Object(config).to_string());
            }
            map.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}

#[test]
fn no_layer_is_missing() {
    let mut found = BTreeMap::new();
    for entry in models() {
        collect(&entry["model"], &mut found);
    }
    for class in Layer::KNOWN {
        // What has nothing to set is there once.
        let least = if ["Flatten", "Softmax"].contains(class) {
            1
        } else {
            2
        };
        let cases = found.get(*class).map_or(0, BTreeSet::len);
        assert!(
            cases >= least,
            "{class} has {cases} cases in keras/layers.py"
        );
    }
}

/// `make parity` runs this one and hands the file to Keras.
#[test]
#[ignore = "writes the file that TABLENET_WRITTEN names"]
fn writes_what_keras_is_to_read() {
    let path = std::env::var_os("TABLENET_WRITTEN").expect("TABLENET_WRITTEN names a file");
    let written: Vec<Value> = models()
        .iter()
        .map(|entry| {
            Sequential::from_json(&entry["model"])
                .expect("reads")
                .to_json()
        })
        .collect();
    std::fs::write(path, Value::Array(written).to_string()).expect("writes");
}
