//! Series in an array column, or in as many columns: LSTM and Conv1D learn what a row of them comes to.

use server::Server;
use server::training::number;
use std::time::Instant;

/// 24 readings of a sine of unknown frequency and phase, and the reading that comes next; 24 numbers without order, and the
/// largest sum of three of them in a row.
const TABLES: &str = "
CREATE TABLE waves AS
SELECT id, ARRAY(SELECT sin(w * t + p) FROM generate_series(1, 24) AS t) AS readings, sin(w * 25 + p) AS next
FROM (SELECT id, 0.3 + 0.5 * (id * 0.6180339887 % 1)::float8 AS w, 6.2832 * (id * 0.7548776662 % 1)::float8 AS p
        FROM generate_series(1, 3000) AS id) AS each;
CREATE TABLE noise AS
SELECT id, readings, (SELECT max(readings[t] + readings[t + 1] + readings[t + 2]) FROM generate_series(1, 22) AS t) AS peak
FROM (SELECT id, ARRAY(SELECT (abs(sin(id * 12.9898 + t * 78.233) * 43758.5453)::numeric % 1)::float8
                         FROM generate_series(1, 24) AS t) AS readings
        FROM generate_series(1, 3000) AS id) AS each";

const LSTM: &str = r#"[{"class_name": "Reshape", "config": {"target_shape": [24, 1]}},
    {"class_name": "LSTM", "config": {"units": 16}}, {"class_name": "Dense", "config": {"units": 1}}]"#;
const CONV1D: &str = r#"[{"class_name": "Reshape", "config": {"target_shape": [24, 1]}},
    {"class_name": "Conv1D", "config": {"filters": 8, "kernel_size": 3, "activation": "relu"}},
    {"class_name": "GlobalMaxPooling1D", "config": {}}, {"class_name": "Dense", "config": {"units": 1}}]"#;

#[test]
fn what_comes_next_and_how_high_it_went_is_learnt() {
    let server = Server::start();
    let mut client = server.connect();
    client.batch_execute(TABLES).expect("creates");
    // The same series as one array and as 24 columns.
    let columns: Vec<String> = (1..=24)
        .map(|t| format!("readings[{t}]::float8 AS r{t}"))
        .collect();
    for (model, table, features, target, layers, epochs, least) in [
        (
            "next",
            "waves",
            "readings".to_owned(),
            "next",
            LSTM,
            15,
            0.98,
        ),
        (
            "peak",
            "noise",
            "readings".to_owned(),
            "peak",
            CONV1D,
            30,
            0.9,
        ),
        (
            "columns",
            "noise",
            columns.join(", "),
            "peak",
            CONV1D,
            30,
            0.9,
        ),
    ] {
        let start = Instant::now();
        let train = format!(
            "SELECT * FROM ml_train('{model}', 'SELECT {features}, {target} FROM {table} WHERE id % 5 <> 0', '{target}',
                 layers => '{layers}', epochs => {epochs}, optimizer => '{{\"adam\": {{\"learning_rate\": 0.01}}}}')"
        );
        client.batch_execute(&train).expect("trains");
        let r2 = format!(
            "SELECT value FROM ml_evaluate('{model}', 'SELECT {features}, {target} FROM {table} WHERE id % 5 = 0') WHERE metric = 'r2'"
        );
        let r2 = number(&mut client, &r2);
        println!(
            "{model}: {:.1} s, r2 {r2:.4} on 600 others",
            start.elapsed().as_secs_f64()
        );
        // Predicting the mean has an r2 of 0.
        assert!(r2 > least, "{model}: r2 {r2}");
    }

    // Every form of a row gives the same number.
    for (one, other, table) in [
        (
            "ml_predict('next', s)",
            "ml_predict('next', readings)",
            "waves",
        ),
        (
            "ml_predict('next', s)",
            "ml_predict('next', to_jsonb(s))",
            "waves",
        ),
        (
            "ml_predict('peak', s)",
            "ml_predict('peak', readings)",
            "noise",
        ),
        (
            "ml_predict('columns', VARIADIC readings)",
            "ml_predict('peak', readings)",
            "noise",
        ),
    ] {
        let off = format!("SELECT max(abs({one} - {other}))::float8 FROM {table} AS s");
        assert_eq!(number(&mut client, &off), 0.0, "{one}, {other}");
    }
}

/// Notes of five words each, as numbers, and the mean of what the words are worth.
const NOTES: &str = "
CREATE TABLE notes AS
SELECT id, words, (SELECT avg((w * 7) % 20)::float8 FROM unnest(words) AS w) AS worth
FROM (SELECT id, ARRAY(SELECT (id * 31 + p * 57 + id / 7 * 13) % 20 FROM generate_series(1, 5) AS p) AS words
        FROM generate_series(1, 1500) AS id) AS each";

#[test]
fn arrays_of_words_feed_an_embedding() {
    let server = Server::start();
    let mut client = server.connect();
    client.batch_execute(NOTES).expect("creates");
    let train = |model: &str, features: &str, vectors: u32| {
        format!(
            r#"SELECT * FROM ml_train('{model}', 'SELECT {features}, worth FROM notes WHERE id % 5 <> 0', 'worth', epochs => 20,
                 optimizer => '{{"adam": {{"learning_rate": 0.01}}}}', layers => '[
                     {{"class_name": "Embedding", "config": {{"input_dim": {vectors}, "output_dim": 4}}}},
                     {{"class_name": "GlobalAveragePooling1D"}}, {{"class_name": "Dense", "config": {{"units": 1}}}}]')"#
        )
    };
    client
        .batch_execute(&train("worth", "words", 20))
        .expect("trains");
    let r2 = "SELECT value FROM ml_evaluate('worth', 'SELECT words, worth FROM notes WHERE id % 5 = 0') WHERE metric = 'r2'";
    let r2 = number(&mut client, r2);
    assert!(r2 > 0.98, "r2 {r2}");
    // The network sees the numbers as they are.
    let seen = "SELECT max(abs(i - w))::float8 FROM notes n,
        LATERAL (SELECT inputs FROM ml_transform('worth', 'SELECT words, worth FROM notes WHERE id = 7')) AS t,
        LATERAL unnest(inputs, words) AS each(i, w) WHERE id = 7";
    assert_eq!(number(&mut client, seen), 0.0);
    // So do columns of integers, one after the other.
    client
        .batch_execute(&train("each", "words[1] AS a, words[2] AS b", 20))
        .expect("trains");
    for (query, message, detail) in [
        (
            "SELECT ml_predict('worth', '{1,2,3,4,20}'::int[])".to_owned(),
            "20 is no index of the Embedding, whose input_dim is 20",
            Some("It is in column \"words\"."),
        ),
        (
            "SELECT ml_predict('each', 3, -1)".to_owned(),
            "-1 is no index of the Embedding, whose input_dim is 20",
            Some("It is in column \"b\"."),
        ),
        (
            train("short", "words", 19),
            "19 is no index of the Embedding, whose input_dim is 19",
            None,
        ),
    ] {
        let error = client.batch_execute(&query).expect_err("an index beyond");
        let error = error.as_db_error().expect("an error of the server");
        assert_eq!(
            (error.code().code(), error.message(), error.detail()),
            ("22023", message, detail)
        );
    }
}
