//! Models that come from Keras and PyTorch, and go back. `make parity` runs it, with a Python that has both:
//! TABLENET_PARITY_PYTHON names one.

use postgres::Client;
use server::Server;
use server::training::{create_houses, number, run};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A directory of the test's own, gone at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("tablenet-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a program of round_trips/ on a directory, which has to end well.
fn python(program: &str, directory: &Path, library: &str) {
    let python = env::var("TABLENET_PARITY_PYTHON").expect(
        "TABLENET_PARITY_PYTHON names a Python with Keras and PyTorch: make parity has one",
    );
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("round_trips")
        .join(program);
    let mut command = Command::new(python);
    command
        .arg("-B")
        .arg(&program)
        .args([directory, Path::new(library)])
        .env("CUDA_VISIBLE_DEVICES", "")
        // The networks are small: threads would only wait for each other.
        .env("OMP_NUM_THREADS", "1");
    let status = command.status().expect("Python starts");
    assert!(status.success(), "{}: {status}", program.display());
}

#[test]
fn what_keras_and_pytorch_trained_predicts_here() {
    let place = Place::new("come");
    for library in ["keras", "pytorch"] {
        python("trains.py", &place.0, library);
    }
    let server = Server::start();
    let mut client = server.connect();
    let mut names: Vec<String> = fs::read_dir(&place.0)
        .expect("a directory")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|it| it == "safetensors"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 25, "{names:?}");
    let mut worst = Vec::new();
    for name in &names {
        let read = |extension: &str| {
            fs::read(place.0.join(format!("{name}.{extension}"))).expect("a file")
        };
        let told = String::from_utf8(read("json")).expect("JSON");
        let bytes = read("safetensors");
        let import = "WITH told AS (SELECT $3::text::jsonb AS t)
            SELECT m.version FROM told, ml_import($1, $2, layers => NULLIF(t -> 'layers', 'null'), features => '{x}', columns => NULLIF(t -> 'columns', 'null'),
                classes => CASE WHEN t ->> 'classes' IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(t -> 'classes')) END) AS m";
        let imported = client.query_one(import, &[name, &bytes, &told]);
        imported.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        run(
            &mut client,
            "DROP TABLE IF EXISTS answers; CREATE TABLE answers (x float8[], y float8[])",
        );
        let mut writer = client
            .copy_in("COPY answers FROM STDIN (FORMAT csv)")
            .expect("copies");
        writer.write_all(&read("csv")).expect("copies");
        assert_eq!(writer.finish().expect("copies"), 1000);
        let off = format!(
            "SELECT max(abs(a - b) / greatest(1, abs(b)))::float8
               FROM answers, LATERAL (SELECT ml_predict_values('{name}', x) AS found OFFSET 0) AS here, unnest(found, y) AS both_ (a, b)
              WHERE cardinality(found) = cardinality(y)"
        );
        let off = number(&mut client, &off);
        println!("{name}: 1,000 rows, off by {off:.1e}");
        if off.is_nan() || off > 1e-5 {
            worst.push((name, off));
        }
    }
    assert!(worst.is_empty(), "{worst:?}");
}

/// Trains `model` on a query of features and the column y.
fn train(client: &mut Client, model: &str, query: &str, rest: &str) {
    let query = query.replace('\'', "''");
    run(
        client,
        &format!("SELECT * FROM ml_train('{model}', '{query}', 'y', seed => 3, {rest})"),
    );
}

/// Writes what leaves of `model`, and what it takes and answers on the rows of `query`.
fn export(client: &mut Client, model: &str, query: &str, formats: &[(&str, &str)], place: &Path) {
    for (format, extension) in formats {
        let row = client.query_one("SELECT ml_export($1, $2)", &[&model, format]);
        let bytes: Vec<u8> = row
            .unwrap_or_else(|error| panic!("{model}: {error:?}"))
            .get(0);
        fs::write(place.join(format!("{model}.{extension}")), bytes).expect("writes");
    }
    let rows = format!(
        "SELECT array_to_string(t.inputs, ' ') || ',' || array_to_string(p.found, ' ')
           FROM ml_transform('{model}', $1) AS t
           JOIN (SELECT row_number() OVER () AS row, ml_predict_values('{model}', q) AS found FROM ({query}) AS q) AS p USING (row)"
    );
    let rows = client.query(&rows, &[&query]);
    let rows = rows.unwrap_or_else(|error| panic!("{model}: {error:?}"));
    let lines: String = rows
        .iter()
        .map(|row| row.get::<_, String>(0) + "\n")
        .collect();
    fs::write(place.join(format!("{model}.csv")), lines).expect("writes");
}

/// Layers that take steps, between the shape of the row and the answer.
fn steps(middle: &str) -> String {
    format!(
        r#"layers => '[{{"class_name": "Reshape", "config": {{"target_shape": [12, 2]}}}}, {middle},
            {{"class_name": "Dense", "config": {{"units": 1}}}}]', epochs => 2"#
    )
}

#[test]
fn what_is_trained_here_predicts_in_keras_and_pytorch() {
    let place = Place::new("go");
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        "CREATE TABLE streets AS SELECT id, 'street ' || id % 50 AS street, area, CASE WHEN id % 9 > 0 THEN rooms END AS rooms,
                price AS y, city, date '2020-01-01' + id AS sold FROM houses;
         CREATE TABLE waves AS SELECT id, ARRAY(SELECT sin(id * 0.37 + t * 0.6) FROM generate_series(1, 24) AS t) AS x, sin(id * 0.37 + 15) AS y
           FROM generate_series(1, 1200) AS id;
         CREATE TABLE codes AS SELECT id, ARRAY(SELECT ((id * 7 + t * t * 3) % 20)::int FROM generate_series(1, 12) AS t) AS x, sin(id) AS y
           FROM generate_series(1, 1200) AS id",
    );
    let both = [("safetensors", "keras"), ("pytorch", "pytorch")];
    let one = &both[..1];
    let houses = "SELECT street, area, rooms, sold, city, y FROM streets ORDER BY id LIMIT 1500";
    let cities = "SELECT area, rooms, street, city AS y FROM streets ORDER BY id LIMIT 1500";
    let berlin = "SELECT area, rooms, city = 'Berlin' AS y FROM streets ORDER BY id LIMIT 1500";
    let waves = "SELECT x, y FROM waves ORDER BY id";
    let logits = r#"layers => '[{"class_name": "Dense", "config": {"units": 8, "activation": "relu"}},
                                {"class_name": "Dense", "config": {"units": 1}}]', epochs => 2"#;
    let without_bias = r#"layers => '[{"class_name": "Dense", "config": {"units": 8, "activation": "tanh"}},
                                      {"class_name": "Dense", "config": {"units": 1, "use_bias": false}}]', epochs => 2"#;
    let lstm = steps(
        r#"{"class_name": "LSTM", "config": {"units": 6, "return_sequences": true}}, {"class_name": "LSTM", "config": {"units": 4}}"#,
    );
    let gru = steps(r#"{"class_name": "GRU", "config": {"units": 6}}"#);
    let backwards = steps(r#"{"class_name": "GRU", "config": {"units": 6, "go_backwards": true}}"#);
    let both_ways = steps(
        r#"{"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"units": 3, "activation": "tanh"}}}},
           {"class_name": "Bidirectional", "config": {"layer": {"class_name": "GRU", "config": {"units": 5, "return_sequences": true}}}},
           {"class_name": "Bidirectional", "config": {"layer": {"class_name": "LSTM", "config": {"units": 4}}}}"#,
    );
    let embedding = r#"layers => '[{"class_name": "Embedding", "config": {"input_dim": 20, "output_dim": 4}}, {"class_name": "Flatten", "config": {}},
                                   {"class_name": "Dense", "config": {"units": 1}}]', epochs => 2"#;
    let masked = r#"layers => '[{"class_name": "Embedding", "config": {"input_dim": 20, "output_dim": 4, "mask_zero": true}},
                                {"class_name": "Bidirectional", "config": {"layer": {"class_name": "GRU", "config": {"units": 3, "return_sequences": true}}}},
                                {"class_name": "LSTM", "config": {"units": 4}}, {"class_name": "Dense", "config": {"units": 1}}]', epochs => 2"#;
    let norm = r#"layers => '[{"class_name": "Dense", "config": {"units": 12, "use_bias": false}}, {"class_name": "BatchNormalization", "config": {"momentum": 0.5}},
                              {"class_name": "ReLU", "config": {}}, {"class_name": "Dense", "config": {"units": 8}}, {"class_name": "LayerNormalization", "config": {}},
                              {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}, {"class_name": "Dense", "config": {"units": 1}}]', epochs => 3"#;
    let slopes = r#"layers => '[{"class_name": "Dense", "config": {"units": 12}}, {"class_name": "PReLU", "config": {"alpha_initializer": "random_normal"}},
                                {"class_name": "GaussianNoise", "config": {"stddev": 0.1}}, {"class_name": "Dense", "config": {"units": 8}}, {"class_name": "ELU", "config": {"alpha": 0.7}},
                                {"class_name": "Dense", "config": {"units": 3}}, {"class_name": "Softmax", "config": {}}]', epochs => 3"#;
    let norm_steps = steps(
        r#"{"class_name": "Conv1D", "config": {"filters": 6, "kernel_size": 3}}, {"class_name": "BatchNormalization", "config": {"scale": false, "epsilon": 0.01}},
           {"class_name": "ReLU", "config": {}}, {"class_name": "LayerNormalization", "config": {"center": false}},
           {"class_name": "PReLU", "config": {"alpha_initializer": "random_normal", "shared_axes": [1, 2]}}, {"class_name": "Softmax", "config": {}},
           {"class_name": "Flatten", "config": {}}"#,
    );
    let bounded = r#"layers => '[{"class_name": "Dense", "config": {"units": 12}}, {"class_name": "ReLU", "config": {"max_value": 2, "negative_slope": 0.1, "threshold": 0.2}},
                                 {"class_name": "Dense", "config": {"units": 1}}]', epochs => 2"#;
    let rnn = steps(r#"{"class_name": "SimpleRNN", "config": {"units": 6}}"#);
    let conv = steps(
        r#"{"class_name": "Conv1D", "config": {"filters": 6, "kernel_size": 4, "strides": 2, "padding": "same", "activation": "relu"}},
           {"class_name": "MaxPooling1D", "config": {"pool_size": 2}}, {"class_name": "Flatten", "config": {}}"#,
    );
    let causal = steps(
        r#"{"class_name": "Conv1D", "config": {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}},
           {"class_name": "AveragePooling1D", "config": {"pool_size": 2}}, {"class_name": "GlobalMaxPooling1D", "config": {}}"#,
    );
    for (model, query, rest, formats) in [
        ("houses", houses, "epochs => 3", &both[..]),
        ("cities", cities, "epochs => 3", &both),
        ("berlin", berlin, logits, &both),
        ("without_bias", waves, without_bias, &both),
        ("lstm", waves, &lstm, &both),
        ("gru", waves, &gru, &both),
        ("backwards", waves, &backwards, one),
        ("rnn", waves, &rnn, &both),
        ("both_ways", waves, &both_ways, &both),
        ("norm", waves, norm, &both),
        ("slopes", cities, slopes, &both),
        ("norm_steps", waves, &norm_steps, &both),
        ("bounded", waves, bounded, one),
        (
            "embedding",
            "SELECT x, y FROM codes ORDER BY id",
            embedding,
            &both,
        ),
        ("masked", "SELECT x, y FROM codes ORDER BY id", masked, one),
        ("conv", waves, &conv, &both),
        ("causal", waves, &causal, &both),
    ] {
        train(&mut client, model, query, rest);
        export(&mut client, model, query, formats, &place.0);
    }
    for library in ["keras", "pytorch"] {
        python("predicts.py", &place.0, library);
    }
}
