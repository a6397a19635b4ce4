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

/// Up to 8 words from 1 to 9, zeros behind them, and what the first and the last one are worth.
const MESSAGES: &str = "CREATE TABLE messages AS
SELECT id, words || array_fill(0, ARRAY[8 - cardinality(words)]) AS words,
       (words[1] + 2 * words[cardinality(words)])::float8 AS worth
FROM (SELECT id, ARRAY(SELECT 1 + (id * 31 + p * 57 + id / 7 * 13) % 9 FROM generate_series(1, 1 + id % 8) AS p) AS words
        FROM generate_series(1, 1500) AS id) AS each";

#[test]
fn zeros_fill_up_rows_of_different_lengths() {
    let server = Server::start();
    let mut client = server.connect();
    client.batch_execute(MESSAGES).expect("creates");
    let train = |model: &str, mask: bool| {
        format!(
            "SELECT * FROM ml_train('{model}', 'SELECT words, worth FROM messages WHERE id % 5 <> 0', 'worth', epochs => 30,
                 optimizer => '{{\"adam\": {{\"learning_rate\": 0.01}}}}',
                 layers => ml_sequential(ml_embedding(10, 4, mask_zero => {mask}), ml_gru(16), ml_dense(1)))"
        )
    };
    for (model, mask) in [("masked", true), ("plain", false)] {
        client.batch_execute(&train(model, mask)).expect("trains");
    }
    let r2 = "SELECT value FROM ml_evaluate('masked', 'SELECT words, worth FROM messages WHERE id % 5 = 0') WHERE metric = 'r2'";
    let r2 = number(&mut client, r2);
    assert!(r2 > 0.98, "r2 {r2}");
    // Where the zeros stand says nothing to the one, and something to the other.
    let mut apart = |model: &str| {
        let query = format!(
            "SELECT max(abs(ml_predict('{model}', words) - ml_predict('{model}', zeros || there)))
               FROM messages, LATERAL (SELECT array_remove(words, 0) AS there) AS a,
                    LATERAL (SELECT array_fill(0, ARRAY[8 - cardinality(there)]) AS zeros) AS b"
        );
        number(&mut client, &query)
    };
    assert_eq!(apart("masked"), 0.0);
    assert!(apart("plain") > 0.1);
    let nothing = number(
        &mut client,
        "SELECT ml_predict('masked', array_fill(0, ARRAY[8]))",
    );
    assert!(nothing.is_finite());
    let error = client
        .batch_execute("SELECT ml_export('masked', 'pytorch')")
        .expect_err("no module");
    let error = error.as_db_error().expect("an error of the server");
    assert_eq!(error.code().code(), "0A000", "{error}");
}
