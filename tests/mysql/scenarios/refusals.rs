//! What is refused is refused alike, and says why.

use mysql_server::engine::Engine;
use mysql_server::samples::houses;
use mysql_server::table::{Kind, some};
use mysql_server::{Refusal, Table};

mysql_server::on_every_engine!(
    a_spec_that_cannot_be_is_refused,
    columns_that_are_not_there_are_refused,
    too_few_rows_are_refused,
    a_target_without_a_choice_is_refused,
    features_that_do_not_fit_are_refused,
);

/// Checks SQLSTATE or number, and that the message has all of `words`.
fn check(engine: &dyn Engine, refusal: &Refusal, state: &str, code: u16, words: &[&str]) {
    if engine.name() == "postgresql" {
        assert_eq!(refusal.state, state, "{refusal}");
    } else {
        assert_eq!(refusal.code, code, "{refusal}");
    }
    for word in words {
        assert!(refusal.message.contains(word), "no {word} in: {refusal}");
    }
}

/// Trains a model `x` that must not come to be.
fn refusal(engine: &mut dyn Engine, query: &str, target: &str, spec: &str) -> Refusal {
    let result = engine.train("refused", query, target, spec);
    result.expect_err(spec)
}

fn a_spec_that_cannot_be_is_refused(engine: &mut dyn Engine) {
    let table = houses("houses_spec", 50);
    engine.load(&table);
    let query = engine.select(&table.names(), table.name);
    for (spec, words) in [
        (r#"{"optimizer": "adma"}"#, vec!["adma", "adam"]),
        (r#"{"loss": "msee"}"#, vec!["msee"]),
        (r#"{"metrics": ["acurracy"]}"#, vec!["acurracy", "accuracy"]),
        (r#"{"epochs": 0}"#, vec!["epochs"]),
        (r#"{"batch_size": 0}"#, vec!["batch_size"]),
        (r#"{"validation_split": 1.5}"#, vec!["validation_split"]),
        (r#"{"callbacks": "EarlyStoping"}"#, vec!["EarlyStoping"]),
        (
            r#"{"layers": [{"class_name": "Desne", "config": {}}]}"#,
            vec!["Desne", "Dense"],
        ),
        (
            r#"{"layers": [{"class_name": "Dense", "config": {"units": 8, "activation": "rleu"}}]}"#,
            vec!["rleu"],
        ),
        (
            r#"{"layers": [{"class_name": "Dense", "config": {"units": 4000000000, "activation": "relu"}}]}"#,
            vec!["units"],
        ),
        (
            r#"{"preprocess": {"area": {"imputte": "mean"}}}"#,
            vec!["imputte"],
        ),
        (
            r#"{"preprocess": {"erea": {"impute": "mean"}}}"#,
            vec!["erea"],
        ),
    ] {
        let refusal = refusal(engine, &query, "price", spec);
        // A column of the preprocessing that is not there is told apart.
        if !spec.contains("erea") {
            check(engine, &refusal, "22023", 1105, &words);
        }
        for word in words {
            assert!(refusal.message.contains(word), "no {word} in: {refusal}");
        }
    }
}

fn columns_that_are_not_there_are_refused(engine: &mut dyn Engine) {
    let table = houses("houses_columns", 50);
    engine.load(&table);
    let query = engine.select(&table.names(), table.name);
    let refused = refusal(engine, &query, "prize", "{}");
    // In MySQL a procedure says so.
    check(engine, &refused, "42703", 1644, &["prize"]);
    assert_eq!(refused.state, "42703", "{refused}");
    let refused = refusal(engine, &query, "price", r#"{"exclude": ["aera"]}"#);
    check(engine, &refused, "42703", 1054, &["aera", "area"]);
    let only = engine.select(&["price"], table.name);
    let refused = refusal(engine, &only, "price", "{}");
    check(engine, &refused, "22023", 1105, &[]);
}

fn too_few_rows_are_refused(engine: &mut dyn Engine) {
    let columns = [("x", Kind::Double), ("y", Kind::Double)];
    let table = Table::new("few", &columns, 9, |row, _| vec![some(row), some(2 * row)]);
    engine.load(&table);
    let query = |engine: &dyn Engine, rows: u32| {
        engine
            .select(&["x", "y"], "few")
            .replace(" ORDER BY", &format!(" WHERE id <= {rows} ORDER BY"))
    };
    let none = query(engine, 0);
    let refused = refusal(engine, &none, "y", r#"{"epochs": 1}"#);
    check(engine, &refused, "02000", 1105, &["no rows"]);
    let one = query(engine, 1);
    let refused = refusal(engine, &one, "y", r#"{"epochs": 1}"#);
    check(engine, &refused, "21000", 1105, &[]);
    // Two are enough when none is held out.
    let two = query(engine, 2);
    let trained = engine.train(
        "two_rows",
        &two,
        "y",
        r#"{"epochs": 1, "validation_split": 0}"#,
    );
    assert_eq!(trained.unwrap_or_else(|error| panic!("{error}")).rows, 2);
}

fn a_target_without_a_choice_is_refused(engine: &mut dyn Engine) {
    let columns = [
        ("x", Kind::Double),
        ("same", Kind::Text),
        ("never", Kind::Double),
    ];
    let table = Table::new("choice", &columns, 50, |row, _| {
        vec![some(row), some("all alike"), None]
    });
    engine.load(&table);
    let one = engine.select(&["x", "same"], "choice");
    let refused = refusal(engine, &one, "same", r#"{"epochs": 1}"#);
    check(engine, &refused, "21000", 1105, &["same"]);
    let never = engine.select(&["x", "never"], "choice");
    let refused = refusal(engine, &never, "never", r#"{"epochs": 1}"#);
    check(engine, &refused, "22004", 1105, &["never", "50"]);
}

fn features_that_do_not_fit_are_refused(engine: &mut dyn Engine) {
    let table = houses("houses_fit", 50);
    engine.load(&table);
    engine
        .train_on("fit", &table, "price", r#"{"epochs": 1}"#)
        .expect("trains");
    let predict = |engine: &mut dyn Engine, columns: &[&str]| {
        engine
            .predict("fit", columns, "houses_fit")
            .expect_err("does not fit")
    };
    let refused = predict(engine, &["area", "rooms"]);
    check(engine, &refused, "22000", 1105, &["3", "2"]);
    let refused = predict(engine, &["area", "rooms", "city", "price"]);
    check(engine, &refused, "22000", 1105, &["3", "4"]);
    let refused = predict(engine, &["city", "rooms", "city"]);
    check(engine, &refused, "42804", 1105, &["area"]);
}
