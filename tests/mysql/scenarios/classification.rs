//! Labels to predict.

use mysql_server::Table;
use mysql_server::engine::{Answer, Engine};
use mysql_server::samples::plants;
use std::collections::BTreeMap;

mysql_server::on_every_engine!(
    texts_are_labels,
    zero_and_one_are_two_classes,
    the_labels_of_an_enum_keep_their_order,
    integers_are_labels_when_the_loss_says_so,
    balanced_weights_count_a_rare_class,
);

const FEATURES: [&str; 2] = ["length", "width"];

/// Trains `model` on the two measures and `target`.
fn trained(engine: &mut dyn Engine, model: &'static str, target: &str, spec: &str) -> Table {
    let table = plants(model, 600);
    engine.load(&table);
    let query = engine.select(&[FEATURES[0], FEATURES[1], target], table.name);
    let trained = engine.train(model, &query, target, spec);
    assert_eq!(trained.unwrap_or_else(|error| panic!("{error}")).rows, 600);
    table
}

/// The share of rows whose label `ml_predict_class` finds.
fn accuracy(engine: &mut dyn Engine, table: &Table, target: &str) -> f64 {
    let labels = engine.describe(Answer::Class, table.name, &FEATURES, table.name);
    let labels = labels.expect("predicts");
    let right = labels.iter().zip(table.column(target));
    let right = right
        .filter(|(label, target)| label.as_deref() == *target)
        .count();
    right as f64 / labels.len() as f64
}

fn probabilities(engine: &mut dyn Engine, model: &str) -> Vec<BTreeMap<String, f64>> {
    let texts = engine.describe(Answer::Probabilities, model, &FEATURES, model);
    let parse = |text: &Option<String>| {
        let text = text.as_deref().expect("no NULL");
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    texts.expect("predicts").iter().map(parse).collect()
}

fn texts_are_labels(engine: &mut dyn Engine) {
    let table = trained(engine, "species", "species", r#"{"epochs": 60}"#);
    assert!(accuracy(engine, &table, "species") > 0.9);
    for row in probabilities(engine, "species") {
        assert_eq!(row.keys().collect::<Vec<_>>(), ["Rose", "rose", "Ähre"]);
        assert!((row.values().sum::<f64>() - 1.0).abs() < 1e-5, "{row:?}");
    }
    let refusal = engine
        .predict("species", &FEATURES, "species")
        .expect_err("has three answers");
    assert!(refusal.message.contains("ml_predict_class"), "{refusal}");
}

fn zero_and_one_are_two_classes(engine: &mut dyn Engine) {
    let table = trained(engine, "tall", "tall", r#"{"epochs": 40}"#);
    assert!(accuracy(engine, &table, "tall") > 0.9);
    let second = engine.predict("tall", &FEATURES, "tall").expect("predicts");
    let all = probabilities(engine, "tall");
    for (second, all) in second.iter().zip(&all) {
        let second = second.expect("no NULL");
        assert!((0.0..=1.0).contains(&second));
        assert!((all["1"] - second).abs() < 1e-6, "{all:?}, {second}");
        assert!(
            (all["0"] - (1.0 - second)).abs() < 1e-6,
            "{all:?}, {second}"
        );
    }
}

fn the_labels_of_an_enum_keep_their_order(engine: &mut dyn Engine) {
    let table = trained(engine, "grade", "grade", r#"{"epochs": 40}"#);
    assert!(accuracy(engine, &table, "grade") > 0.9);
    // "good" comes second where it was declared, though first in the alphabet.
    let second = engine
        .predict("grade", &FEATURES, "grade")
        .expect("predicts");
    let all = probabilities(engine, "grade");
    for (second, all) in second.iter().zip(&all) {
        assert!(
            (all["good"] - second.expect("no NULL")).abs() < 1e-6,
            "{all:?}, {second:?}"
        );
    }
}

fn integers_are_labels_when_the_loss_says_so(engine: &mut dyn Engine) {
    let spec = r#"{"epochs": 60, "loss": "categorical_crossentropy", "metrics": ["accuracy"]}"#;
    let table = trained(engine, "kinds", "kind", spec);
    assert!(accuracy(engine, &table, "kind") > 0.9);
    assert_eq!(
        probabilities(engine, "kinds")[0].keys().collect::<Vec<_>>(),
        ["0", "1", "2"]
    );
}

fn balanced_weights_count_a_rare_class(engine: &mut dyn Engine) {
    let spec = |weight: &str| format!(r#"{{"epochs": 3{weight}, "seed": 3}}"#);
    trained(engine, "alike", "species", &spec(""));
    trained(
        engine,
        "balanced",
        "species",
        &spec(r#", "class_weight": "balanced""#),
    );
    trained(
        engine,
        "weighted",
        "species",
        &spec(r#", "class_weight": {"Rose": 9, "rose": 1, "Ähre": 1}"#),
    );
    let first = |engine: &mut dyn Engine, model| probabilities(engine, model)[0]["Rose"];
    assert_ne!(first(engine, "alike"), first(engine, "balanced"));
    assert!(first(engine, "weighted") > first(engine, "alike"));
}
