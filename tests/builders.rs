//! ml_dense() and its siblings: one for every layer of the core, with Keras's arguments, and what they make is what `layers` takes.

use postgres::Client;
use serde_json::Value;
use server::Server;
use std::collections::{BTreeMap, BTreeSet};

/// Keras's own, as keras/signatures.py wrote them.
const SIGNATURES: &str = include_str!("../src/core/tests/keras/signatures.json");

/// What a layer cannot be without.
const REQUIRED: [(&str, &str); 12] = [
    ("activation", "'relu'"),
    ("filters", "3"),
    ("input_dim", "5"),
    ("kernel_size", "2"),
    ("layer", ""),
    ("output_dim", "3"),
    ("pool_size", "2"),
    ("rate", "0.5"),
    ("shape", "'{4}'"),
    ("stddev", "0.5"),
    ("target_shape", "'{2, -1}'"),
    ("units", "3"),
];

/// A builder as the catalog has it: its name and its arguments with their defaults.
struct Builder {
    function: String,
    arguments: Vec<(String, Option<Value>)>,
}

/// The list behind `introduction` in the hint of the error that `query` gives.
fn list(client: &mut Client, query: &str, introduction: &str) -> BTreeSet<String> {
    let error = client.execute(query, &[]).expect_err("an error");
    let hint = error.as_db_error().and_then(|error| error.hint());
    let (_, list) = hint
        .and_then(|hint| hint.split_once(introduction))
        .unwrap_or_else(|| panic!("{error:?}"));
    let list = list.trim_end_matches('.').split(", ");
    list.map(str::to_owned).collect()
}

/// What the core makes of one layer.
fn canonical(client: &mut Client, layer: &str) -> String {
    let query = format!("SELECT tablenet.sequential(jsonb_build_array({layer}))::text");
    let row = client.query_one(&query, &[]);
    row.unwrap_or_else(|error| panic!("{layer}: {error:?}"))
        .get(0)
}

/// By the class of the layer that each makes.
fn builders(client: &mut Client) -> BTreeMap<String, Builder> {
    let rows = client
        .query(
            "SELECT substring(pg_get_functiondef(p.oid) FROM $$tablenet\\.layer\\('(\\w+)'$$), p.proname::text, p.proargnames,
                    ARRAY(SELECT pg_get_function_arg_default(p.oid, i) FROM generate_series(1, p.pronargs) AS i ORDER BY i)
               FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_language l ON l.oid = p.prolang
              WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND lanname = 'sql' AND proname <> 'ml_sequential'
                AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tablenet')
                AND prorettype = 'jsonb'::regtype",
            &[],
        )
        .expect("a catalog query");
    let mut builders = BTreeMap::new();
    for row in rows {
        let (class, function): (String, String) = (row.get(0), row.get(1));
        let (names, defaults): (Vec<String>, Vec<Option<String>>) = (row.get(2), row.get(3));
        let defaults = defaults.into_iter().map(|default| {
            let value: Option<Value> = default.map(|expression| {
                let query = format!("SELECT coalesce(to_jsonb({expression}), 'null')::text");
                let text: String = client.query_one(&query, &[]).expect("a default").get(0);
                serde_json::from_str(&text).expect("JSON")
            });
            value
        });
        let arguments = names.into_iter().zip(defaults).collect();
        let builder = Builder {
            function,
            arguments,
        };
        assert!(
            builders.insert(class.clone(), builder).is_none(),
            "two builders of {class}"
        );
    }
    builders
}

/// Keras writes 0.0 where SQL has 0.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[test]
fn every_layer_has_a_builder_with_the_arguments_of_keras() {
    let server = Server::start();
    let mut client = server.connect();
    let mut known = list(
        &mut client,
        "SELECT tablenet.layer('?', '{}')",
        "Known layers: ",
    );
    known.insert("InputLayer".to_owned());
    let builders = builders(&mut client);
    let built: BTreeSet<String> = builders.keys().cloned().collect();
    assert_eq!(built, known, "layers with a builder, and those of the core");

    let signatures: Vec<Value> = serde_json::from_str(SIGNATURES).expect("JSON");
    for (class, builder) in &builders {
        let signature = signatures.iter().find(|entry| entry["name"] == **class);
        let signature = signature.unwrap_or_else(|| panic!("no signature of {class}"));
        let mut wanted: Vec<(String, Option<Value>)> = signature["arguments"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|argument| {
                let name = argument["name"].as_str().expect("a name").to_owned();
                (name, argument.get("default").cloned())
            })
            .collect();
        // What Keras takes as further keywords.
        if !wanted.iter().any(|(name, _)| name == "name") {
            wanted.push(("name".to_owned(), Some(Value::Null)));
        }
        if class != "InputLayer" {
            wanted.push(("trainable".to_owned(), Some(Value::Bool(true))));
        }
        let names = |list: &[(String, Option<Value>)]| -> Vec<String> {
            list.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&builder.arguments), names(&wanted), "{class}");
        for ((name, found), (_, wanted)) in builder.arguments.iter().zip(&wanted) {
            let same = match (found, wanted) {
                (Some(found), Some(wanted)) => same(found, wanted),
                (None, None) => true,
                _ => false,
            };
            assert!(same, "{name} of {class}: {found:?} instead of {wanted:?}");
        }

        let settings = list(
            &mut client,
            &format!("SELECT tablenet.layer('{class}', '{{\"?\": 1}}')"),
            "Known settings: ",
        );
        for (name, _) in &builder.arguments {
            assert!(settings.contains(name), "{class} does not know {name}");
        }
    }
}

#[test]
fn their_defaults_are_those_of_the_layers() {
    let server = Server::start();
    let mut client = server.connect();
    for (class, builder) in builders(&mut client) {
        let mut given: Vec<(&str, &str)> = Vec::new();
        for (name, default) in &builder.arguments {
            if default.is_none() || (class == "InputLayer" && name == "shape") {
                let value = REQUIRED.iter().find(|(argument, _)| argument == name);
                let (name, value) = value.unwrap_or_else(|| panic!("{name} of {class}"));
                let inner = if class == "Bidirectional" {
                    "ml_lstm(3)"
                } else {
                    "ml_dense(3)"
                };
                given.push((name, if value.is_empty() { inner } else { value }));
            }
        }
        let arguments: Vec<String> = given.iter().map(|(n, v)| format!("{n} => {v}")).collect();
        let built = format!("{}({})", builder.function, arguments.join(", "));
        let pairs: Vec<String> = given
            .iter()
            .map(|(name, value)| match *name {
                "target_shape" => "'target_shape', '[2, -1]'::jsonb".to_owned(),
                "shape" => "'shape', '[4]'::jsonb".to_owned(),
                _ => format!("'{name}', {value}"),
            })
            .collect();
        let plain = format!(
            "jsonb_build_object('class_name', '{class}', 'config', jsonb_build_object({}))",
            pairs.join(", ")
        );
        // An InputLayer is no model yet.
        let rest = if class == "InputLayer" {
            ", ml_flatten()"
        } else {
            ""
        };
        assert_eq!(
            canonical(&mut client, &format!("{built}{rest}")),
            canonical(&mut client, &format!("{plain}{rest}")),
            "{built}"
        );
    }
}

#[test]
fn what_they_make_trains() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            "CREATE TABLE h AS SELECT i % 17 AS a, i % 5 AS b, i % 17 + 2 * (i % 5) AS y FROM generate_series(1, 400) AS i;
             SELECT * FROM ml_train('built', 'TABLE h', 'y', epochs => 2, layers => ml_sequential(
                 ml_dense(8, activation => 'relu', kernel_regularizer => '{\"class_name\": \"L2\", \"config\": {\"l2\": 0.001}}'),
                 ml_dropout(0.1), ml_dense(1)));
             SELECT * FROM ml_train('written', 'TABLE h', 'y', epochs => 2, layers => '[
                 {\"class_name\": \"Dense\", \"config\": {\"units\": 8, \"activation\": \"relu\",
                     \"kernel_regularizer\": {\"class_name\": \"L2\", \"config\": {\"l2\": 0.001}}}},
                 {\"class_name\": \"Dropout\", \"config\": {\"rate\": 0.1}},
                 {\"class_name\": \"Dense\", \"config\": {\"units\": 1}}]');
             SELECT * FROM ml_train('listed', 'TABLE h', 'y', epochs => 2, layers => jsonb_build_array(
                 ml_dense(8, 'relu', true, 'glorot_uniform', 'zeros', '{\"L2\": {\"l2\": 0.001}}'), ml_dropout(0.1), ml_dense(1)))",
        )
        .expect("trains");
    let apart: f64 = client
        .query_one(
            "SELECT max(abs(ml_predict('built', h) - ml_predict('written', h)) + abs(ml_predict('built', h) - ml_predict('listed', h)))
               FROM h",
            &[],
        )
        .expect("predicts")
        .get(0);
    assert_eq!(apart, 0.0);
}

#[test]
fn what_a_layer_refuses_its_builder_refuses() {
    let server = Server::start();
    let mut client = server.connect();
    for (call, code, message, hint) in [
        (
            "ml_dense(0)",
            "22023",
            "units of Dense must be an integer from 1 to 16777216, not 0",
            None,
        ),
        ("ml_dense(NULL)", "22023", "Dense needs units", None),
        (
            "ml_dense(8, 'rellu')",
            "22023",
            "unknown activation \"rellu\" in Dense",
            Some("Did you mean \"relu\"?"),
        ),
        (
            "ml_conv1d(8, 3, padding => 'sam')",
            "22023",
            "unknown padding \"sam\" in Conv1D",
            Some("Did you mean \"same\"?"),
        ),
        (
            "ml_dense(8, kernel_initializer => '{\"class_name\": ')",
            "22023",
            "the kernel_initializer of Dense is not valid JSON",
            None,
        ),
        (
            "ml_dense(8, kernel_constraint => 'maxnorms')",
            "22023",
            "unknown constraint \"maxnorms\" in Dense",
            Some("Did you mean \"max_norm\"?"),
        ),
        (
            "ml_sequential(ml_dense(8, name => 'a'), ml_dense(1, name => 'a'))",
            "22023",
            "two layers are named \"a\"",
            None,
        ),
        (
            "ml_sequential(ml_dense(1), NULL)",
            "22023",
            "the layer must be a name or a JSON object",
            None,
        ),
        (
            "ml_sequential(ml_dense(1), ml_input('{4}'))",
            "22023",
            "an InputLayer must come first",
            None,
        ),
        (
            "tablenet.layer('Dens', '{}')",
            "22023",
            "unknown layer \"Dens\"",
            Some("Did you mean \"Dense\"?"),
        ),
        (
            "tablenet.layer('Dense', '{\"unit\": 8}')",
            "22023",
            "unknown setting \"unit\" of Dense",
            Some("Did you mean \"units\"?"),
        ),
        (
            "tablenet.layer('Dense', '[8]')",
            "22023",
            "the settings of Dense must be a JSON object",
            None,
        ),
    ] {
        let error = client
            .execute(&format!("SELECT {call}"), &[])
            .expect_err(call);
        let error = error.as_db_error().expect("an error of the server");
        assert_eq!(error.message(), message, "{call}");
        assert_eq!(error.code().code(), code, "{call}");
        if let Some(hint) = hint {
            assert!(
                error.hint().is_some_and(|given| given.starts_with(hint)),
                "{call}: {error:?}"
            );
        }
    }
}
