//! Learning rate schedules and callbacks through SQL: each does to the weights what Keras says that it does, and trainings go on
//! where it left the learning rate.
//!
//! All rows are one batch here, so a step is an epoch, and by their seed all trainings begin with the same weights.

use postgres::Client;
use server::Server;
use server::training::{digest, failure, number, run};

const QUERY: &str = "SELECT a, b, y FROM curve";

fn start() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect();
    run(
        &mut client,
        "CREATE TABLE curve AS
         SELECT a, b, a * b + a AS y
           FROM (SELECT sin(id * 1.7) AS a, cos(id * 2.9) AS b FROM generate_series(1, 300) AS id) AS raw",
    );
    (server, client)
}

/// The statement that trains `model` for so many epochs.
fn training(model: &str, epochs: u32, optimizer: &str, callbacks: &str) -> String {
    format!(
        "SELECT * FROM ml_train('{model}', '{QUERY}', 'y', epochs => {epochs}, batch_size => 1000, seed => 1,
             layers => ml_sequential(ml_dense(8, 'tanh'), ml_dense(1)), optimizer => '{optimizer}', callbacks => '{callbacks}')"
    )
}

fn train(client: &mut Client, model: &str, epochs: u32, optimizer: &str, callbacks: &str) {
    run(client, &training(model, epochs, optimizer, callbacks));
}

fn go_on(client: &mut Client, model: &str, epochs: u32) {
    let more = format!("SELECT * FROM ml_partial_fit('{model}', '{QUERY}', epochs => {epochs})");
    run(client, &more);
}

/// The column `name` of a model's history, epoch by epoch.
fn history(client: &mut Client, model: &str, name: &str) -> Vec<f64> {
    let query = format!("SELECT {name} FROM ml_history('{model}') ORDER BY epoch");
    let rows = client.query(&query, &[]).expect("a history");
    rows.iter().map(|row| row.get(0)).collect()
}

/// A number that changes with every weight of a model.
fn answers(client: &mut Client, model: &str) -> f64 {
    let query = format!("SELECT sum((1 + b * b) * ml_predict('{model}', c))::float8 FROM curve c");
    number(client, &query)
}

/// Adam, whose learning rate is `schedule`.
fn adam(schedule: &str) -> String {
    format!(r#"{{"adam": {{"learning_rate": {schedule}}}}}"#)
}

#[test]
fn schedules_move_the_learning_rate_and_training_goes_on_with_them() {
    let (_server, mut client) = start();
    // The rate is above 0 for `moving` steps, and for the first `constant` of them it is 0.05.
    for (schedule, constant, moving) in [
        (
            r#"{"PiecewiseConstantDecay": {"boundaries": [2], "values": [0.05, 0]}}"#,
            3,
            3,
        ),
        (
            r#"{"ExponentialDecay": {"initial_learning_rate": 0.05, "decay_steps": 3, "decay_rate": 1e-60, "staircase": true}}"#,
            3,
            3,
        ),
        (
            r#"{"InverseTimeDecay": {"initial_learning_rate": 0.05, "decay_steps": 3, "decay_rate": 1e60, "staircase": true}}"#,
            3,
            3,
        ),
        (
            r#"{"PolynomialDecay": {"initial_learning_rate": 0.05, "decay_steps": 4, "end_learning_rate": 0, "power": 2}}"#,
            1,
            4,
        ),
        (
            r#"{"CosineDecay": {"initial_learning_rate": 0.05, "decay_steps": 4}}"#,
            1,
            4,
        ),
        // Keras's own object.
        (
            r#"{"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {"initial_learning_rate": 0.05,
                "decay_steps": 3, "alpha": 0.0, "name": "CosineDecay", "warmup_target": 0.05, "warmup_steps": 2}, "registered_name": null}"#,
            3,
            5,
        ),
    ] {
        train(&mut client, "plain", 8, &adam("0.05"), "[]");
        let plain = history(&mut client, "plain", "val_loss");
        train(&mut client, "eight", 8, &adam(schedule), "[]");
        let seen = history(&mut client, "eight", "val_loss");
        assert_eq!(seen[..constant], plain[..constant], "{schedule}");
        for epoch in 1..8 {
            assert_eq!(
                seen[epoch] != seen[epoch - 1],
                epoch < moving,
                "{schedule}: {seen:?}"
            );
        }
        assert_ne!(seen[7], plain[7], "{schedule}");
        // In two pieces, the second of which begins where the rate is not yet 0.
        train(&mut client, "four", 2, &adam(schedule), "[]");
        go_on(&mut client, "four", 6);
        assert_eq!(
            digest(&mut client, "four"),
            digest(&mut client, "eight"),
            "{schedule}"
        );
    }
}

#[test]
fn early_stopping_stops_and_gives_back_the_best_weights() {
    let (_server, mut client) = start();
    let adam = adam("0.05");
    // Nothing is better by so much than the first epoch.
    let patience = r#""patience": 2, "min_delta": 1000"#;
    train(&mut client, "one", 1, &adam, "[]");
    train(&mut client, "three", 3, &adam, "[]");
    let one = answers(&mut client, "one");
    let three = answers(&mut client, "three");
    assert_ne!(one, three);
    for (best, expected) in [(false, three), (true, one)] {
        let callbacks = format!(
            r#"[{{"EarlyStopping": {{{patience}, "monitor": "val_loss", "restore_best_weights": {best}}}}}]"#
        );
        train(&mut client, "m", 50, &adam, &callbacks);
        assert_eq!(history(&mut client, "m", "loss").len(), 3);
        assert_eq!(answers(&mut client, "m"), expected);
    }
    let late = r#"[{"EarlyStopping": {"patience": 2, "min_delta": 1000, "start_from_epoch": 4}}]"#;
    train(&mut client, "m", 50, &adam, late);
    assert_eq!(history(&mut client, "m", "loss").len(), 7);
}

#[test]
fn a_plateau_lowers_the_learning_rate_for_good() {
    let (_server, mut client) = start();
    let adam = adam("0.05");
    train(&mut client, "plain", 6, &adam, "[]");
    let plain = history(&mut client, "plain", "val_loss");
    let reduce = r#"[{"ReduceLROnPlateau": {"factor": 1e-60, "patience": 2, "min_delta": 1000}}]"#;
    train(&mut client, "m", 6, &adam, reduce);
    let seen = history(&mut client, "m", "val_loss");
    // The first epoch is the best, and two are no better.
    assert_eq!(seen[..3], plain[..3]);
    assert_eq!(seen[3..], [seen[2]; 3]);
    assert_ne!(seen[3], plain[3]);
    let before = answers(&mut client, "m");
    go_on(&mut client, "m", 2);
    assert_eq!(answers(&mut client, "m"), before);
    // `min_lr` holds it where it is.
    let lowest = r#"[{"ReduceLROnPlateau": {"factor": 1e-60, "patience": 2, "min_delta": 1000, "min_lr": 0.05}}]"#;
    train(&mut client, "m", 6, &adam, lowest);
    assert_eq!(history(&mut client, "m", "val_loss"), plain);
}

#[test]
fn a_scheduler_sets_the_learning_rate_of_each_epoch_also_of_later_trainings() {
    let (_server, mut client) = start();
    let scheduler = r#"[{"LearningRateScheduler": {"schedule": {"PiecewiseConstantDecay": {"boundaries": [1], "values": [0.05, 0]}}}}]"#;
    train(&mut client, "plain", 4, &adam("0.05"), "[]");
    let plain = history(&mut client, "plain", "val_loss");
    // The optimizer's own rate never comes to bear.
    train(&mut client, "m", 4, &adam("0.9"), scheduler);
    let seen = history(&mut client, "m", "val_loss");
    assert_eq!(seen[..2], plain[..2]);
    assert_eq!(seen[2..], [seen[1]; 2]);
    let before = answers(&mut client, "m");
    go_on(&mut client, "m", 3);
    assert_eq!(answers(&mut client, "m"), before);
}

#[test]
fn a_loss_that_is_not_a_number_ends_the_training() {
    let (_server, mut client) = start();
    let explodes = r#"{"sgd": {"learning_rate": {"PiecewiseConstantDecay": {"boundaries": [1], "values": [0.05, 1e300]}}}}"#;
    let error = failure(&mut client, &training("m", 9, explodes, "[]"));
    assert_eq!(error.code().code(), "22003", "{error:?}");
    let error = failure(
        &mut client,
        &training(
            "m",
            9,
            explodes,
            r#"[{"TerminateOnNaN": {"raise_error": true}}]"#,
        ),
    );
    assert_eq!(error.code().code(), "22003", "{error:?}");
    train(&mut client, "m", 9, explodes, r#"["TerminateOnNaN"]"#);
    // Two steps before the one that is too far.
    assert_eq!(history(&mut client, "m", "loss").len(), 2);
    train(&mut client, "before", 2, explodes, "[]");
    assert_eq!(answers(&mut client, "m"), answers(&mut client, "before"));
}

#[test]
fn a_checkpoint_is_the_version() {
    let (_server, mut client) = start();
    // Four good steps, and bad ones.
    let worsens = adam(r#"{"PiecewiseConstantDecay": {"boundaries": [3], "values": [0.05, 0.8]}}"#);
    train(&mut client, "last", 9, &worsens, "[]");
    let losses = history(&mut client, "last", "val_loss");
    let best = (0..9).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
    let best = best.expect("nine epochs") + 1;
    assert!(best < 9, "{losses:?}");
    train(&mut client, "best", best as u32, &worsens, "[]");
    let (last, best) = (answers(&mut client, "last"), answers(&mut client, "best"));
    assert_ne!(last, best);
    for (callbacks, expected) in [
        (r#"["ModelCheckpoint"]"#, last),
        (
            r#"[{"ModelCheckpoint": {"filepath": "best.keras", "save_best_only": true}}]"#,
            best,
        ),
        // The one is restored and the other is the version.
        (
            r#"[{"EarlyStopping": {"patience": 9}}, {"ModelCheckpoint": {"save_best_only": true, "monitor": "val_loss"}}]"#,
            best,
        ),
        (
            r#"[{"ModelCheckpoint": {"save_best_only": true, "initial_value_threshold": 0}}]"#,
            last,
        ),
    ] {
        train(&mut client, "m", 9, &worsens, callbacks);
        assert_eq!(history(&mut client, "m", "val_loss"), losses, "{callbacks}");
        assert_eq!(answers(&mut client, "m"), expected, "{callbacks}");
    }
}

#[test]
fn mistyped_words_are_told_with_the_nearest() {
    let (_server, mut client) = start();
    for (optimizer, callbacks, message, near) in [
        (
            r#"{"adam": {"learning_rate": {"ExponentialDecai": {}}}}"#,
            "[]",
            "unknown learning rate schedule \"ExponentialDecai\"",
            "ExponentialDecay",
        ),
        (
            r#"{"adam": {"learning_rate": {"CosineDecay": {"decay_step": 1}}}}"#,
            "[]",
            "unknown setting \"decay_step\" of CosineDecay",
            "decay_steps",
        ),
        (
            "adam",
            r#"["ReduceLROnPlato"]"#,
            "unknown callback \"ReduceLROnPlato\"",
            "ReduceLROnPlateau",
        ),
        (
            "adam",
            r#"[{"EarlyStopping": {"patients": 3}}]"#,
            "unknown setting \"patients\" of EarlyStopping",
            "patience",
        ),
    ] {
        let error = failure(&mut client, &training("m", 1, optimizer, callbacks));
        assert_eq!((error.code().code(), error.message()), ("22023", message));
        let hint = error.hint().unwrap_or_default();
        assert!(
            hint.starts_with(&format!("Did you mean \"{near}\"?")),
            "{hint}"
        );
    }
}
