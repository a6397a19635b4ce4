//! Keras's words through SQL: every layer, loss, optimizer and metric that the core knows trains, is told of, trains on and
//! predicts. The lists are those of the hints, so that a word that is new is tried too.

use postgres::Client;
use server::Server;
use server::training::{number, run};

/// 12 readings of a wave and what comes next; numbers; labels.
const TABLES: &str = "
CREATE TABLE waves AS
SELECT id, ARRAY(SELECT sin(id * 0.37 + t * 0.6) FROM generate_series(1, 12) AS t) AS x, sin(id * 0.37 + 7.8) AS y,
       ARRAY(SELECT id * t % 9 FROM generate_series(1, 5) AS t) AS codes
  FROM generate_series(1, 300) AS id;
CREATE TABLE words AS
SELECT id, a, b, 1 + abs(a + 2 * b) AS size, (a * b + 1) / 2 AS share, a > b AS above, (ARRAY['low', 'middle', 'high'])[1 + id % 3] AS level, id % 7 AS code
  FROM (SELECT id, sin(id * 1.7) AS a, cos(id * 2.9) AS b FROM generate_series(1, 300) AS id) AS raw";

/// Stacks that together have every layer, over waves.x, or over waves.codes where they begin with an Embedding.
const STACKS: &[&str] = &[
    "ml_dense(6), ml_batch_normalization(momentum => 0.9), ml_leaky_relu(), ml_dense(4), ml_layer_normalization(), ml_prelu(), ml_gaussian_noise(0.1), ml_dense(1)",
    "ml_dense(6), ml_relu(max_value => 6), ml_dense(4), ml_elu(), ml_dense(4, trainable => false), ml_softmax(), ml_dense(1)",
    "ml_embedding(9, 3, embeddings_regularizer => 'l2'), ml_global_average_pooling1d(), ml_dense(1)",
    "ml_input('{12,1}'), ml_bidirectional(ml_lstm(2, return_sequences => true)), ml_bidirectional(ml_gru(3, dropout => 0.1), merge_mode => 'ave'), ml_dense(1)",
    "ml_input('{6,2}'), ml_time_distributed(ml_dense(3, 'tanh')), ml_dense(2, trainable => false), ml_flatten(), ml_dense(1)",
    "ml_dense(6, 'tanh', kernel_constraint => 'max_norm', bias_constraint => '{\"MaxNorm\": {\"max_value\": 0.5}}'), ml_dense(1, kernel_constraint => 'non_neg')",
    "ml_input('{NULL,2}'), ml_gru(3, recurrent_constraint => '{\"MinMaxNorm\": {\"min_value\": 0.5, \"axis\": 1}}'), ml_dense(1)",
    "ml_dense(4, 'relu'), ml_activation('tanh'), ml_dropout(0.1), ml_dense(1, kernel_regularizer => 'l2')",
    "ml_reshape('{12,1}'), ml_conv1d(3, 3, activation => 'relu'), ml_max_pooling1d(), ml_flatten(), ml_dense(1)",
    "ml_input('{6,2}'), ml_conv1d(3, 2, padding => 'causal'), ml_average_pooling1d(2), ml_global_max_pooling1d(), ml_dense(1)",
    "ml_input('{12,1}'), ml_lstm(3, return_sequences => true), ml_gru(3, return_sequences => true), ml_global_average_pooling1d(), ml_dense(1)",
    "ml_input(batch_shape => '{NULL,4,3}'), ml_simple_rnn(3, kernel_initializer => 'he_normal', recurrent_regularizer => 'l1'), ml_dense(1)",
];

fn start() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect();
    run(&mut client, TABLES);
    (server, client)
}

/// The list behind "Known ...: " in the hint of the error that `query` gives.
fn known(client: &mut Client, query: &str) -> Vec<String> {
    let error = client.execute(query, &[]).expect_err("an error");
    let hint = error.as_db_error().and_then(|error| error.hint());
    let list = hint.and_then(|hint| hint.split_once("Known ")?.1.split_once(": "));
    let (_, list) = list.unwrap_or_else(|| panic!("{query}: {error:?}"));
    list.trim_end_matches('.')
        .split(", ")
        .map(str::to_owned)
        .collect()
}

/// The error of a statement: its state, message and hint.
fn refusal(client: &mut Client, query: &str) -> (String, String, String) {
    let error = client.execute(query, &[]).expect_err(query);
    let error = error.as_db_error().expect("an error of the server");
    (
        error.code().code().to_owned(),
        error.message().to_owned(),
        error.hint().unwrap_or_default().to_owned(),
    )
}

#[test]
fn every_layer_trains_and_goes_on() {
    let (_server, mut client) = start();
    let layers = known(&mut client, "SELECT tablenet.layer('?', '{}')");
    let mut seen = Vec::new();
    for stack in STACKS {
        let column = if stack.starts_with("ml_embedding") {
            "codes"
        } else {
            "x"
        };
        run(
            &mut client,
            &format!(
                "SELECT * FROM ml_train('stack', 'SELECT {column}, y FROM waves', 'y', epochs => 2, layers => ml_sequential({stack}))"
            ),
        );
        let rows = client.query("SELECT type, parameters FROM ml_summary('stack')", &[]);
        let rows = rows.expect("a summary");
        // An InputLayer is no line of it, and neither is a layer within another.
        let others = ["ml_input(", "ml_bidirectional(", "ml_time_distributed("];
        let others = others.map(|other| stack.matches(other).count());
        let lines = stack.matches("ml_").count() - others.iter().sum::<usize>();
        assert_eq!(rows.len(), lines, "{stack}");
        seen.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        let epochs = number(
            &mut client,
            "SELECT count(loss)::float8 FROM ml_history('stack')",
        );
        assert_eq!(epochs, 2.0, "{stack}");
        let evaluate = format!(
            "SELECT value FROM ml_evaluate('stack', 'SELECT {column}, y FROM waves') WHERE metric = 'loss'"
        );
        let before = number(&mut client, &evaluate);
        run(
            &mut client,
            &format!(
                "SELECT * FROM ml_partial_fit('stack', 'SELECT {column}, y FROM waves', epochs => 3)"
            ),
        );
        let after = number(&mut client, &evaluate);
        assert!(
            after.is_finite() && after != before,
            "{stack}: {before}, {after}"
        );
        let apart = format!(
            "SELECT max(abs(ml_predict('stack', {column}) - ml_predict('stack', to_jsonb(w))))::float8 FROM waves AS w"
        );
        assert_eq!(number(&mut client, &apart), 0.0, "{stack}");
    }
    for layer in layers {
        assert!(
            layer == "InputLayer" || seen.contains(&layer),
            "no stack of this test has {layer}"
        );
    }
}

#[test]
fn every_loss_optimizer_and_metric_is_taken_by_its_name() {
    let (_server, mut client) = start();
    let train = |target: &str, rest: &str| {
        format!(
            "SELECT * FROM ml_train('word', 'SELECT a, b, {target} FROM words', '{target}', epochs => 2, seed => 1, {rest})"
        )
    };
    for (argument, ask) in [
        ("loss", train("size", "loss => '?'")),
        ("optimizer", train("size", "optimizer => '?'")),
        ("metrics", train("size", "metrics => '{?}'")),
    ] {
        let words = known(&mut client, &ask);
        assert!(words.len() > 3, "{words:?}");
        for word in words {
            let given = match (argument, &*word) {
                ("metrics", _) => format!("'{{{word}}}'"),
                // The one that has a setting without a default.
                ("loss", "quantile") => r#"'{"quantile": {"tau": 0.5}}'"#.to_owned(),
                _ => format!("'{word}'"),
            };
            // Some are of numbers or of shares, some of classes.
            let mut taken = Vec::new();
            for target in ["size", "share", "above", "level", "code"] {
                let query = train(target, &format!("{argument} => {given}"));
                match client.execute(&query, &[]) {
                    Ok(_) => taken.push(target),
                    Err(error) => {
                        let error = error.as_db_error().expect("an error of the server");
                        // It is of the other kind, or it needs a target of classes.
                        let code = error.code().code();
                        assert!(["22023", "42804"].contains(&code), "{query}: {error:?}");
                        continue;
                    }
                }
                let loss = "SELECT min(loss)::float8 FROM ml_history('word')";
                assert!(number(&mut client, loss).is_finite(), "{query}");
                run(
                    &mut client,
                    &format!(
                        "SELECT * FROM ml_partial_fit('word', 'SELECT a, b, {target} FROM words')"
                    ),
                );
                let evaluated = format!(
                    "SELECT count(value)::float8 FROM ml_evaluate('word', 'SELECT a, b, {target} FROM words')"
                );
                assert!(number(&mut client, &evaluated) >= 1.0, "{query}");
            }
            assert!(!taken.is_empty(), "{argument} {word} fits no target");
        }
    }
}

#[test]
fn arrays_that_are_null_say_what_they_do_to_the_shape() {
    let (_server, mut client) = start();
    run(
        &mut client,
        "UPDATE waves SET x = NULL WHERE id % 10 = 0; CREATE TABLE holes AS TABLE waves; UPDATE holes SET x[3] = NULL WHERE id % 10 = 1",
    );
    let train = |table: &str, layers: &str, rest: &str| {
        format!(
            "SELECT * FROM ml_train('null', 'SELECT x, y FROM {table}', 'y', epochs => 1, layers => ml_sequential({layers}){rest})"
        )
    };
    let hint = "Arrays that are NULL have an input of their own, \"x is missing\": \
                preprocess => '{\"x\":{\"indicator\":false}}' leaves it out.";
    for (layers, message) in [
        (
            "ml_input('{12,1}'), ml_lstm(2), ml_dense(1)",
            "the layers state 12 inputs, the data has 13",
        ),
        (
            "ml_reshape('{12,1}'), ml_lstm(2), ml_dense(1)",
            "Reshape cannot make [12, 1] of a row of shape (13)",
        ),
    ] {
        assert_eq!(
            refusal(&mut client, &train("waves", layers, "")),
            ("22023".to_owned(), message.to_owned(), hint.to_owned())
        );
        let rest = ", preprocess => '{\"x\": {\"indicator\": false}}'";
        run(&mut client, &train("waves", layers, rest));
        let predicted = "SELECT count(ml_predict('null', x))::float8 FROM waves";
        assert_eq!(number(&mut client, predicted), 300.0);
        // An element is another thing: which one is missing would have to be told of each.
        let (code, message, _) = refusal(&mut client, &train("holes", layers, rest));
        assert_eq!(
            (&*code, &*message),
            ("22004", "column \"x\" has an array with a null element")
        );
    }
    // Where any number of steps is taken, what says that it is missing would be one.
    let any = "ml_input('{NULL,1}'), ml_lstm(2), ml_dense(1)";
    let (code, message, told) = refusal(&mut client, &train("waves", any, ""));
    assert_eq!(
        (&*code, &*message),
        (
            "22023",
            "input \"x is missing\" has no place in rows of shape (null, 1)"
        )
    );
    assert!(
        told.ends_with("preprocess => '{\"x\":{\"indicator\":false}}' leaves it out."),
        "{told}"
    );
    let rest = ", preprocess => '{\"x\": {\"indicator\": false}}'";
    run(&mut client, &train("waves", any, rest));
    // A width that is wrong for another reason is told as it is.
    let layers = "ml_input('{11,1}'), ml_lstm(2), ml_dense(1)";
    let (_, message, told) = refusal(&mut client, &train("waves", layers, ""));
    assert_eq!(message, "the layers state 11 inputs, the data has 13");
    assert_ne!(told, hint);
}

#[test]
fn what_is_mistyped_is_told_with_its_layer_and_the_nearest_word() {
    let (_server, mut client) = start();
    for (argument, message, near) in [
        (
            r#"layers => '[{"class_name": "LTSM", "config": {"units": 3}}]'"#,
            "unknown layer \"LTSM\"",
            "LSTM",
        ),
        (
            r#"layers => '[{"class_name": "LSTM", "config": {"unit": 3}}]'"#,
            "unknown setting \"unit\" of LSTM",
            "units",
        ),
        (
            r#"layers => '[{"class_name": "Dense", "config": {"units": 3, "activation": "rellu"}}]'"#,
            "unknown activation \"rellu\" in Dense",
            "relu",
        ),
        (
            r#"layers => '[{"class_name": "Dense", "config": {"units": 3, "kernel_initializer": "he_norml"}}]'"#,
            "unknown initializer \"he_norml\" in Dense",
            "he_normal",
        ),
        (
            r#"layers => '[{"class_name": "Conv1D", "config": {"filters": 3, "kernel_size": 2, "padding": "casual"}}]'"#,
            "unknown padding \"casual\" in Conv1D",
            "causal",
        ),
        ("loss => 'msee'", "unknown loss \"msee\"", "mse"),
        ("optimizer => 'adm'", "unknown optimizer \"adm\"", "adam"),
        ("metrics => '{maee}'", "unknown metric \"maee\"", "mae"),
    ] {
        let query =
            format!("SELECT * FROM ml_train('m', 'SELECT x, y FROM waves', 'y', {argument})");
        let (code, told, hint) = refusal(&mut client, &query);
        assert_eq!((&*code, &*told), ("22023", message), "{query}");
        assert!(
            hint.starts_with(&format!("Did you mean \"{near}\"?")),
            "{query}: {hint}"
        );
    }
    // Shapes that do not fit name the layer that they do not fit.
    for (layers, layer) in [
        ("ml_lstm(3), ml_dense(1)", "LSTM"),
        ("ml_reshape('{5,-1}'), ml_lstm(3), ml_dense(1)", "Reshape"),
        (
            "ml_input('{12,1}'), ml_conv1d(2, 13), ml_flatten(), ml_dense(1)",
            "Conv1D",
        ),
        (
            "ml_input('{12,1}'), ml_max_pooling1d(13), ml_flatten(), ml_dense(1)",
            "MaxPooling1D",
        ),
    ] {
        let query = format!(
            "SELECT * FROM ml_train('m', 'SELECT x, y FROM waves', 'y', layers => ml_sequential({layers}))"
        );
        let (code, told, _) = refusal(&mut client, &query);
        assert_eq!(code, "22023", "{query}: {told}");
        assert!(told.contains(layer), "{query}: {told}");
    }
}
