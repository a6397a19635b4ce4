//! Models that come and go as files, and as functions of plain SQL.

use postgres::Client;
use server::Server;
use server::page::blocks;
use server::training::{create_houses, digest, failure, number, refusal, run, text};
use std::io::Write;

const PAGE: &str = include_str!("../docs/travel.md");

/// Creates a table of data/.
fn load(client: &mut Client, table: &str, columns: &str) {
    run(client, &format!("CREATE TABLE {table} ({columns})"));
    let path = format!("{}/../data/{table}.csv", env!("CARGO_MANIFEST_DIR"));
    let copy = format!("COPY {table} FROM STDIN (FORMAT csv, HEADER)");
    let mut writer = client.copy_in(&copy).expect("copies");
    let bytes = std::fs::read(path).expect("the data are there");
    writer.write_all(&bytes).expect("copies");
    assert!(writer.finish().expect("copies") > 0);
}

/// Makes the function that a model is as plain SQL.
fn create_function(client: &mut Client, model: &str) {
    let statement = client.query_one("SELECT ml_export_sql($1)", &[&model]);
    let statement: String = statement
        .unwrap_or_else(|error| panic!("{model}: {error:?}"))
        .get(0);
    run(client, &statement);
}

#[test]
fn the_statements_of_the_page_run() {
    let server = Server::start();
    let mut client = server.connect();
    for block in blocks(PAGE) {
        run(&mut client, block);
    }
    for (query, expected) in [
        (
            "SELECT max(abs(ml_predict('copy', h) - ml_predict('price', h))) FROM houses h",
            0.0,
        ),
        ("SELECT ml_predict('tiny', 120)", 17.0),
        ("SELECT ml_predict('tiny', NULL)", -7.0),
    ] {
        assert_eq!(number(&mut client, query), expected, "{query}");
    }
    let off =
        "SELECT max(abs(price(area, rooms, city) / ml_predict('price', h) - 1)) FROM houses h";
    assert!(number(&mut client, off) < 1e-6);
}

/// How far a function of plain SQL is from the model, relative to the larger of the model's answer and the deviation of its
/// answers: what is standardised inside is rounded by the model in units of that.
fn off(client: &mut Client, of_sql: &str, of_model: &str, table: &str) -> f64 {
    let query = format!(
        "SELECT max(abs(a - b) / greatest(abs(b), deviation)) FROM (SELECT {of_sql} AS a, {of_model}::float8 AS b, stddev({of_model}::float8) OVER () AS deviation FROM {table} AS r OFFSET 0) AS both_"
    );
    let off = number(client, &query);
    println!("{of_sql}: off by {off:.1e}");
    off
}

#[test]
fn plain_sql_answers_what_the_model_does_on_real_data() {
    let server = Server::start();
    let mut client = server.connect();
    load(
        &mut client,
        "diamonds",
        "carat float8, cut text, color text, clarity text, depth float8, \"table\" float8, price int, x float8, y float8, z float8",
    );
    load(
        &mut client,
        "penguins",
        "species text, island text, bill_length_mm float8, bill_depth_mm float8, flipper_length_mm float8, body_mass_g float8, sex text",
    );
    run(
        &mut client,
        "CREATE TABLE sample AS SELECT * FROM diamonds TABLESAMPLE SYSTEM (10) REPEATABLE (1);
         SELECT * FROM ml_train('diamonds', 'TABLE sample', 'price', epochs => 5);
         SELECT * FROM ml_train('species', 'TABLE penguins', 'species', epochs => 20);
         SELECT * FROM ml_train('sex', 'SELECT * FROM penguins WHERE sex IS NOT NULL', 'sex', epochs => 20)",
    );
    for model in ["diamonds", "species", "sex"] {
        create_function(&mut client, model);
    }
    let start = std::time::Instant::now();
    let diamonds = off(
        &mut client,
        "diamonds(carat, cut, color, clarity, depth, \"table\", x, y, z)",
        "ml_predict('diamonds', r)",
        "sample",
    );
    let rows = number(&mut client, "SELECT count(*)::float8 FROM sample");
    println!(
        "{:.0} us per row",
        start.elapsed().as_secs_f64() * 1e6 / rows
    );
    let penguin = "bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g";
    let sex = off(
        &mut client,
        &format!("sex(species, island, {penguin})"),
        "ml_predict('sex', r)",
        "penguins",
    );
    let species = [0, 1, 2].map(|place| {
        let label = ["Adelie", "Chinstrap", "Gentoo"][place];
        off(
            &mut client,
            &format!("(species(island, {penguin}, sex) ->> '{label}')::float8"),
            &format!("(ml_predict_values('species', r))[{}]", place + 1),
            "penguins",
        )
    });
    // The rows have NULLs.
    let nulls = "SELECT count(*)::float8 FROM penguins WHERE bill_depth_mm IS NULL OR sex IS NULL";
    assert!(number(&mut client, nulls) > 5.0);
    for off in [diamonds, sex].into_iter().chain(species) {
        assert!(off < 1e-6, "{off}");
    }
}

#[test]
fn plain_sql_does_what_every_encoding_does() {
    let server = Server::start();
    let mut client = server.connect();
    run(
        &mut client,
        r#"CREATE TYPE size AS ENUM ('S', 'M', 'L');
           CREATE TABLE "it's" AS
           SELECT i AS "a""b; --", CASE WHEN i % 5 > 0 THEN (i % 7)::text || E'\\''$tablenet$' END AS "c d", i % 3 = 0 AS "e$1",
                  'street ' || i % 40 AS street, (ARRAY['S', 'M', 'L'])[1 + i % 3] AS size,
                  CASE WHEN i % 11 > 0 THEN date '2019-12-25' + i END AS day, timestamp '2020-01-01 13:45' + i * interval '1 hour 7 minutes' AS stamp,
                  timestamptz '2020-01-01 13:45+02' + i * interval '3 hours' AS moment, time '00:00' + i * interval '7 minutes' AS hour,
                  CASE WHEN i % 13 > 0 THEN i * interval '1 month 2 days 03:04:05' END AS span,
                  CASE WHEN i % 17 > 0 THEN ARRAY[i, i * i, 1.5]::float8[] END AS list, exp(i / 50.0) AS skewed,
                  sin(i / 20.0) * 100 + 1000 AS y
             FROM generate_series(1, 400) AS i;
           SELECT * FROM ml_train(E'm"\\''', 'TABLE "it''s"', 'y', epochs => 3, preprocess => '{
               "a\"b; --": {"outliers": {"clip": {"quantiles": [0.1, 0.9]}}, "scale": "min_max"},
               "size": {"encode": {"ordinal": {"order": ["S", "M", "L"]}}, "on_unseen": "other"}, "skewed": {"scale": "log1p"}, "list": {"scale": "robust"}}')"#,
    );
    create_function(&mut client, "m\"\\'");
    // Values that training had and some that it had not.
    run(
        &mut client,
        r#"CREATE TABLE others AS TABLE "it's";
           INSERT INTO others SELECT -5, 'new', NULL, 'nowhere', 'XXL', NULL, stamp + interval '40 years', moment - interval '90 days', NULL, -span, NULL, 0, 0
             FROM "it's" LIMIT 20"#,
    );
    let off = off(
        &mut client,
        r#""m""\'"("a""b; --", "c d", "e$1", street, size, day, stamp, moment, hour, span, list, skewed)"#,
        r#"ml_predict(E'm"\\''', r)"#,
        "others",
    );
    assert!(off < 1e-6, "{off}");
    // In whatever time zone, whatever strings mean, and where other functions stand before those of PostgreSQL.
    run(
        &mut client,
        "CREATE SCHEMA evil; CREATE FUNCTION evil.tanh(float8) RETURNS float8 LANGUAGE sql AS 'SELECT 1e9';
         SET search_path = evil, public, pg_catalog; SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard';
         SET standard_conforming_strings = off; SET escape_string_warning = off",
    );
    let off = number(
        &mut client,
        r#"SELECT max(abs("m""\'"("a""b; --", "c d", "e$1", street, size, day, stamp, moment, hour, span, list, skewed) / ml_predict(E'm"\\''', r) - 1))
             FROM others AS r"#,
    );
    assert!(off < 1e-6, "{off}");
}

#[test]
fn plain_sql_is_null_where_the_model_refuses() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        r#"SELECT * FROM ml_train('strict', 'SELECT area, city, price FROM houses', 'price', epochs => 1,
               preprocess => '{"area": {"impute": "error"}, "city": {"on_unseen": "error"}}');
           SELECT * FROM ml_train('hashed', 'SELECT area, city, price FROM houses', 'price', epochs => 1,
               preprocess => '{"city": {"encode": {"hash": {"buckets": 8}}}}')"#,
    );
    create_function(&mut client, "strict");
    for (row, code) in [("NULL, 'Jena'", "22004"), ("1, 'Rome'", "22023")] {
        assert_eq!(
            refusal(&mut client, &format!("SELECT ml_predict('strict', {row})")),
            code
        );
        let is_null = format!("SELECT (strict({row}) IS NULL)::int::float8");
        assert_eq!(number(&mut client, &is_null), 1.0, "{row}");
    }
    let error = failure(&mut client, "SELECT ml_export_sql('hashed')");
    assert_eq!(
        (error.code().code(), error.message()),
        (
            "0A000",
            "column 'city' cannot be plain SQL: its texts are hashed"
        )
    );
}

#[test]
fn plain_sql_takes_any_number_that_the_model_takes_and_no_other() {
    let server = Server::start();
    let mut client = server.connect();
    run(
        &mut client,
        r#"CREATE TABLE t AS SELECT i / 7.0::float8 AS x, (i % 9)::float8 AS "plain ""x""", exp(i / 9.0) AS skewed, i::float8 AS clipped,
                  CASE WHEN i % 5 > 0 THEN ARRAY[i, i % 3, 5 - i]::float8[] END AS list, ARRAY[i % 4, i % 6]::float8[] AS logs,
                  timestamp '2020-01-01' + i * interval '1 day' AS stamp, sin(i) AS y FROM generate_series(1, 90) AS i;
           SELECT * FROM ml_train('m', 'TABLE t', 'y', epochs => 2, preprocess => '{"plain \"x\"": {"scale": "none"}, "skewed": {"scale": "log1p"},
               "logs": {"scale": "log1p"}, "clipped": {"outliers": {"clip": {"quantiles": [0.1, 0.9]}}}, "x": {"impute": "error"}}');
           CREATE FUNCTION tried(x float8, p float8, s float8, c float8, l float8[], g float8[], t timestamp) RETURNS float8 LANGUAGE plpgsql AS $$
           BEGIN RETURN ml_predict('m', x, p, s, c, l, g, t);
           EXCEPTION WHEN data_exception OR feature_not_supported OR datatype_mismatch THEN RETURN NULL; END $$"#,
    );
    create_function(&mut client, "m");
    // One value at a time is an odd one, the others are those of a row.
    let numbers = "NULL 0 -0 1e-320 4.9e-324 -1e-60 1e-45 1e-40 1e30 -3e38 3.5e38 1e100 -1e300 1.7e308 NaN Infinity -Infinity";
    let arrays = "NULL|{}|{1,2}|{1,2,3}|{1,2,3,4}|{1,NULL,3}|{1,NaN,3}|{Infinity,1}|{1e300,0,0}|{1e300,1}|{1e-320,1e-60,1e-45}|{1e-320,1e-60}|[0:2]={1,2,3}|{{1,2,3}}|{{1},{2},{3}}|{{1,2}}";
    let stamps = "NULL|infinity|-infinity|epoch|290000-01-01|4000-01-01 BC";
    let (mut both, mut neither) = (0, 0);
    for (place, values) in [
        (0, numbers.split(' ').collect::<Vec<_>>()),
        (1, numbers.split(' ').collect()),
        (2, numbers.split(' ').collect()),
        (3, numbers.split(' ').collect()),
        (4, arrays.split('|').collect()),
        (5, arrays.split('|').collect()),
        (6, stamps.split('|').collect()),
    ] {
        for value in values {
            let mut row = [
                "3.5",
                "4",
                "20",
                "40",
                "'{1,2,3}'",
                "'{1,2}'",
                "'2020-03-01'",
            ]
            .map(str::to_owned);
            row[place] = match value {
                "NULL" => value.to_owned(),
                value => format!("'{value}'"),
            };
            let row = row.join(", ");
            let pair = client
                .query_one(&format!("SELECT m({row}), tried({row})"), &[])
                .unwrap_or_else(|error| panic!("{row}: {error:?}"));
            let (of_sql, of_model): (Option<f64>, Option<f64>) = (pair.get(0), pair.get(1));
            match (of_sql, of_model) {
                (Some(a), Some(b)) => {
                    assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{row}: {a} {b}");
                    both += 1;
                }
                (None, None) => neither += 1,
                differ => panic!("{row}: {differ:?}"),
            }
        }
    }
    println!("{both} answers, {neither} refusals");
    assert!(
        both > 40 && neither > 40,
        "{both} answers, {neither} refusals"
    );
}

/// A safetensors file of numbers, each a tensor of one row and column.
fn tiny(tensors: &[(&str, f32)]) -> Vec<u8> {
    let entries = tensors.iter().enumerate().map(|(place, (name, _))| {
        let start = 4 * place;
        format!(
            r#""{name}":{{"dtype":"F32","shape":[1,1],"data_offsets":[{start},{}]}}"#,
            start + 4
        )
    });
    let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(tensors.iter().flat_map(|(_, number)| number.to_le_bytes()));
    bytes
}

#[test]
fn plain_sql_has_the_layers_of_activations_and_normalization() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        r#"SELECT * FROM ml_train('layers', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 2, layers => '[
               {"class_name": "Dense", "config": {"units": 8, "use_bias": false}}, {"class_name": "BatchNormalization", "config": {"momentum": 0.5}},
               {"class_name": "PReLU", "config": {"alpha_initializer": "random_normal"}}, {"class_name": "GaussianNoise", "config": {"stddev": 0.1}},
               {"class_name": "Dense", "config": {"units": 8}}, {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}},
               {"class_name": "Dense", "config": {"units": 8}}, {"class_name": "ELU", "config": {"alpha": 0.7}},
               {"class_name": "Dense", "config": {"units": 8}}, {"class_name": "ReLU", "config": {"max_value": 1, "negative_slope": 0.1, "threshold": 0.2}},
               {"class_name": "Dense", "config": {"units": 8}}, {"class_name": "Softmax", "config": {}}, {"class_name": "Dense", "config": {"units": 1}}]')"#,
    );
    create_function(&mut client, "layers");
    let layers = "layers(area, rooms, city)";
    let off = off(&mut client, layers, "ml_predict('layers', r)", "houses");
    assert!(off < 1e-6, "{off}");
    // What is next to nothing, by the smallest weights: PostgreSQL's own product would be an error.
    let bytes = tiny(&[("a/kernel", 1.0), ("b/kernel", 1e-44)]);
    let import = r#"SELECT version FROM ml_import('tiny', $1, '[{"class_name": "Dense", "config": {"name": "a", "units": 1, "use_bias": false, "activation": "sigmoid"}},
        {"class_name": "Dense", "config": {"name": "b", "units": 1, "use_bias": false}}]', '{x}')"#;
    client.query_one(import, &[&bytes]).expect("imports");
    create_function(&mut client, "tiny");
    for x in ["-1e9", "-500", "0", "1e9"] {
        let off = format!("SELECT abs(tiny({x}) - ml_predict('tiny', {x}))");
        assert!(number(&mut client, &off) < 1e-40, "{x}");
    }
}

#[test]
fn a_hinge_is_plain_sql_for_two_classes() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        r#"SELECT * FROM ml_train('margin', 'SELECT area, rooms, area > 100 AS dear FROM houses', 'dear', epochs => 2, loss => 'hinge');
           SELECT * FROM ml_train('margins', 'SELECT area, rooms, area > 100 AS dear FROM houses', 'dear', epochs => 2, loss => 'categorical_hinge');
           SELECT * FROM ml_train('cities', 'SELECT area, rooms, city FROM houses', 'city', epochs => 1, loss => 'categorical_hinge')"#,
    );
    for model in ["margin", "margins"] {
        create_function(&mut client, model);
        let function = format!("{model}(area, rooms)");
        let predict = format!("ml_predict('{model}', r)");
        let outside =
            format!("SELECT count(*)::float8 FROM houses AS r WHERE {predict} NOT BETWEEN 0 AND 1");
        assert!(number(&mut client, &outside) > 0.0);
        let off = off(&mut client, &function, &predict, "houses");
        assert!(off < 1e-6, "{off}");
    }
    let error = failure(&mut client, "SELECT ml_export_sql('cities')");
    assert_eq!(
        (error.code().code(), error.message()),
        (
            "0A000",
            "target \"city\" cannot be plain SQL: loss categorical_hinge gives no probabilities"
        )
    );
    // A network that was trained so elsewhere.
    let bytes = tiny(&[("d/kernel", 2.0)]);
    let import = r#"SELECT version FROM ml_import('elsewhere', $1, '[{"class_name": "Dense", "config": {"name": "d", "units": 1, "use_bias": false}}]', '{x}',
        classes => '{no,yes}', loss => 'hinge')"#;
    client.query_one(import, &[&bytes]).expect("imports");
    assert_eq!(
        number(&mut client, "SELECT ml_predict('elsewhere', -3)"),
        -6.0
    );
    assert_eq!(
        text(&mut client, "SELECT ml_predict_class('elsewhere', -3)"),
        "no"
    );
}

#[test]
fn a_model_file_comes_back_as_it_went() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        "SELECT * FROM ml_train('price', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 2);
         SELECT * FROM ml_train('price', 'SELECT area, rooms, city, price FROM houses', 'price', epochs => 3, deploy => 'never');
         SELECT * FROM ml_import('copy', ml_export('price'));
         SELECT * FROM ml_import('copy', ml_export('price@2'), deploy => 'never')",
    );
    assert_eq!(digest(&mut client, "copy"), digest(&mut client, "price"));
    for version in [1, 2] {
        let off = format!(
            "SELECT max(abs(ml_predict('copy@{version}', h) - ml_predict('price@{version}', h))) FROM houses h"
        );
        assert_eq!(number(&mut client, &off), 0.0);
    }
    let row = "SELECT concat_ws(' ', model, version, deployed, rows, loss, val_loss) FROM tablenet.versions WHERE model = 'copy' AND version = 2";
    assert_eq!(text(&mut client, row), "copy 2 f 0 NaN");
    let summary = "SELECT string_agg(layer, ' ') FROM ml_summary('copy')";
    assert_eq!(text(&mut client, summary), "dense dense_1 dense_2");
    assert_eq!(
        refusal(
            &mut client,
            "SELECT * FROM ml_partial_fit('copy', 'TABLE houses')"
        ),
        "0A000"
    );
    let evaluate = "SELECT value FROM ml_evaluate('copy', 'TABLE houses') WHERE metric = 'mae'";
    assert!(number(&mut client, evaluate) > 0.0);
    assert_eq!(
        number(
            &mut client,
            "SELECT count(*)::float8 FROM ml_history('copy')"
        ),
        0.0
    );
}

#[test]
fn imports_are_told_what_they_need_and_refused_otherwise() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    run(
        &mut client,
        "SELECT * FROM ml_train('city', 'SELECT area, rooms, city FROM houses', 'city', epochs => 2,
             preprocess => '{\"*\": {\"scale\": \"none\"}}');
         CREATE TABLE files AS SELECT ml_export('city', 'safetensors') AS keras, ml_export('city', 'pytorch') AS pytorch",
    );
    // The metadata has the layers, so only names are told.
    for format in ["keras", "pytorch"] {
        run(
            &mut client,
            &format!(
                "SELECT m.* FROM files, ml_import('again', {format}, features => '{{area,rooms}}', target => 'city', classes => '{{Berlin,Jena,Wismar}}') AS m"
            ),
        );
        let off = "SELECT max(abs(a - b))::float8 FROM houses h,
                       unnest(ml_predict_values('again', area, rooms), ml_predict_values('city', area, rooms)) AS both_ (a, b)";
        assert!(number(&mut client, off) < 1e-6);
        let same = "SELECT count(*)::float8 FROM houses h WHERE ml_predict_class('again', h) <> ml_predict_class('city', h)";
        assert_eq!(number(&mut client, same), 0.0);
    }
    let accuracy =
        "SELECT value FROM ml_evaluate('again', 'TABLE houses') WHERE metric = 'accuracy'";
    assert!(number(&mut client, accuracy) > 0.2);
    for (arguments, code, message) in [
        ("'x', NULL", "22004", "bytes must not be null"),
        (
            "'x', '\\x00'",
            "22023",
            "the file is shorter than eight bytes",
        ),
        ("'x@1', keras", "22023", "model name must not contain \"@\""),
        (
            "'x', keras",
            "22023",
            "features must name the columns that the network takes",
        ),
        (
            "'x', keras, features => '{area,rooms,id}'",
            "22023",
            "the network takes 2 inputs, the features give 3",
        ),
        (
            "'x', keras, features => '{area,rooms}'",
            "22023",
            "the last layer's softmax does not fit loss mse",
        ),
        (
            "'x', keras, features => '{area,rooms}', classes => '{a,b,c}', deploy => 'if_better'",
            "22023",
            "deploy if_better needs rows to compare on, which an import has not",
        ),
        (
            "'x', substr(keras, 1, length(keras) - 4), features => '{area,rooms}', classes => '{a,b,c}'",
            "22023",
            "",
        ),
        (
            "'x', keras, columns => '[]', features => '{area,rooms}'",
            "22023",
            "columns must be a JSON object",
        ),
    ] {
        let error = failure(
            &mut client,
            &format!("SELECT m.* FROM files, ml_import({arguments}) AS m"),
        );
        assert_eq!(
            error.code().code(),
            code,
            "{arguments}: {}",
            error.message()
        );
        assert!(
            message.is_empty() || error.message() == message,
            "{arguments}: {}",
            error.message()
        );
    }
    for (statement, code) in [
        ("SELECT ml_export('city', 'onnx')", "22023"),
        ("SELECT ml_export(NULL)", "22004"),
        ("SELECT ml_export('nobody')", "42704"),
        (
            "BEGIN READ ONLY; SELECT m.* FROM files, ml_import('x', keras, features => '{area,rooms}') AS m",
            "25006",
        ),
    ] {
        assert_eq!(refusal(&mut client, statement), code, "{statement}");
        run(&mut client, "ROLLBACK");
    }
    run(&mut client, "SET tablenet.work_mem = '64kB'");
    let large = "SELECT m.* FROM files, ml_import('x', keras, features => '{area,rooms}', classes => '{a,b,c}') AS m";
    let error = failure(&mut client, large);
    assert_eq!(error.code().code(), "53200");
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("tablenet.work_mem"))
    );
}
