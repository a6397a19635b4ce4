//! Losses and metrics by their Keras names: what a training is told, what it logs, and what the model answers.

use postgres::Client;
use server::Server;
use server::training::{create_houses, failure, number, text};

/// SQLSTATE and message of what a statement is refused with.
fn refusal(client: &mut Client, statement: &str) -> (String, String) {
    let error = failure(client, statement);
    (error.code().code().to_owned(), error.message().to_owned())
}

#[test]
fn counts_are_learned_as_they_are() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            "CREATE TABLE visits AS SELECT day % 7 AS weekday, 100 + 50 * (day % 7) + day % 3 AS visitors FROM generate_series(1, 700) AS day;
             SELECT * FROM ml_train('visits', 'SELECT * FROM visits', 'visitors', loss => 'poisson', metrics => '{mape,poisson}')",
        )
        .expect("trains");
    let off = "SELECT max(abs(ml_predict('visits', v) / visitors - 1)) FROM visits v";
    assert!(number(&mut client, off) < 0.1);
    let mape =
        "SELECT value FROM ml_evaluate('visits', 'SELECT * FROM visits') WHERE metric = 'mape'";
    assert!(number(&mut client, mape) < 10.0);
    // In the target's own units, the loss and the metric are one number.
    let both = "SELECT abs(max(value) - min(value)) FROM ml_evaluate('visits', 'SELECT * FROM visits') WHERE metric IN ('loss', 'poisson')";
    assert!(number(&mut client, both) < 1e-3);
    let (code, message) = refusal(
        &mut client,
        "SELECT * FROM ml_train('visits', 'SELECT weekday, visitors - 200 AS visitors FROM visits', 'visitors', loss => 'poisson')",
    );
    assert_eq!(code, "22023");
    assert!(
        message.contains("but loss poisson needs values of at least 0"),
        "{message}"
    );
}

#[test]
fn a_quantile_is_above_its_share_of_the_rows() {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    client
        .batch_execute(
            "CREATE TABLE delays AS SELECT i % 10 AS hour, (i % 10) * 10 + (i * 7919 % 1000) / 10.0 AS minutes FROM generate_series(1, 3000) AS i;
             SELECT * FROM ml_train('late', 'SELECT * FROM delays', 'minutes', loss => '{\"quantile\": {\"tau\": 0.9}}')",
        )
        .expect("trains");
    let share = "SELECT avg((minutes <= ml_predict('late', d))::int)::float8 FROM delays d";
    let share = number(&mut client, share);
    assert!((share - 0.9).abs() < 0.04, "{share}");
    let (code, message) = refusal(
        &mut client,
        "SELECT * FROM ml_train('late', 'SELECT * FROM delays', 'minutes', loss => 'quantile')",
    );
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("22023", "loss quantile needs tau")
    );
}

#[test]
fn a_hinge_answers_labels_and_margins() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            "CREATE TABLE points AS SELECT i / 100.0 AS x, CASE WHEN i > 50 THEN 1 ELSE -1 END AS side FROM generate_series(1, 100) AS i;
             SELECT * FROM ml_train('side', 'SELECT * FROM points', 'side', loss => 'hinge', epochs => 60)",
        )
        .expect("trains");
    let right = "SELECT avg((ml_predict_class('side', p) = side::text AND sign(ml_predict('side', p)) = side)::int)::float8 FROM points p";
    assert!(number(&mut client, right) > 0.95);
    let accuracy =
        "SELECT value FROM ml_evaluate('side', 'SELECT * FROM points') WHERE metric = 'accuracy'";
    assert!(number(&mut client, accuracy) > 0.95);
    let (code, message) = refusal(
        &mut client,
        "SELECT ml_predict_proba('side', p) FROM points p",
    );
    assert_eq!(code, "42809");
    assert!(
        message.contains("which gives no probabilities"),
        "{message}"
    );
    let (code, message) = refusal(
        &mut client,
        "SELECT * FROM ml_train('side', 'SELECT * FROM points', 'side', loss => 'hinge', metrics => '{auc}')",
    );
    assert_eq!(code, "22023");
    assert!(message.contains("trained with hinge"), "{message}");
}

#[test]
fn metrics_with_settings_stay_apart() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            r#"CREATE TABLE points AS SELECT i / 500.0 AS x, i % 3 AS k, i > 300 OR i % 10 = 0 AS yes FROM generate_series(1, 500) AS i;
               SELECT * FROM ml_train('points', 'SELECT * FROM points', 'yes', epochs => 3,
                   loss => '{"class_name": "BinaryCrossentropy", "config": {"from_logits": false, "label_smoothing": 0.1}}',
                   metrics => ARRAY['auc', '{"auc": {"curve": "PR"}}', '{"class_name": "Precision", "config": {"name": "sure", "thresholds": 0.8}}', 'f1'],
                   callbacks => '{"EarlyStopping": {"monitor": "val_sure", "patience": 9}}')"#,
        )
        .expect("trains");
    let keys = |what: &str| format!("SELECT string_agg(key, ' ' ORDER BY key) FROM {what}");
    let last = "(SELECT val_metrics FROM ml_history('points') ORDER BY epoch LIMIT 1)";
    let logged = text(
        &mut client,
        &keys(&format!("jsonb_object_keys({last}) AS key")),
    );
    assert_eq!(logged, "auc auc_1 f1 sure");
    let evaluated =
        keys("(SELECT metric FROM ml_evaluate('points', 'SELECT * FROM points')) AS of(key)");
    assert_eq!(
        text(&mut client, &evaluated),
        "accuracy auc auc_1 f1 loss sure"
    );
    client
        .batch_execute(
            "SELECT * FROM ml_partial_fit('points', 'SELECT * FROM points', epochs => 2)",
        )
        .expect("goes on");
    for (metrics, wanted) in [
        (
            "{mae}",
            "metric mae cannot be taken of a target of two classes",
        ),
        ("{auk}", "unknown metric \"auk\""),
        (
            "{\"{\\\"precision\\\": {\\\"threshold\\\": 1}}\"}",
            "unknown setting \"threshold\" of metric precision",
        ),
    ] {
        let query = format!(
            "SELECT * FROM ml_train('points', 'SELECT * FROM points', 'yes', metrics => '{metrics}')"
        );
        assert_eq!(
            refusal(&mut client, &query),
            ("22023".to_owned(), wanted.to_owned())
        );
    }
}
