//! A number to predict.

use mysql_server::Table;
use mysql_server::engine::{Answer, Engine};
use mysql_server::samples::houses;
use mysql_server::table::{Kind, some};

mysql_server::on_every_engine!(
    a_price_is_answered_in_its_own_units,
    a_query_and_a_target_are_enough,
    several_targets_are_answered_together,
);

fn a_price_is_answered_in_its_own_units(engine: &mut dyn Engine) {
    let table = houses("houses_units", 1200);
    engine.load(&table);
    let trained = engine.train_on("units", &table, "price", r#"{"epochs": 30}"#);
    let trained = trained.expect("trains");
    assert_eq!(
        (trained.version, trained.rows, trained.epochs),
        (1, 1200, 30)
    );
    assert!(trained.deployed);
    assert!(
        trained.loss < 0.05,
        "of the standardised target: {trained:?}"
    );
    assert!(
        trained.val_loss.is_some_and(|loss| loss < 0.05),
        "{trained:?}"
    );
    assert!(trained.metrics["r2"] > 0.95, "{trained:?}");

    let predicted = engine.predict("units", &table.features("price"), table.name);
    let predicted = predicted.expect("predicts");
    let mut off: f64 = 0.0;
    for (predicted, price) in predicted.iter().zip(table.column("price")) {
        let price: f64 = price.expect("no NULL").parse().expect("a number");
        off = off.max((predicted.expect("no NULL") - price).abs());
    }
    assert!(off < 40_000.0, "at most {off} off");
    let query = engine.select(&table.names(), table.name);
    let measured = engine.evaluate("units", &query).expect("evaluates");
    assert!(measured["r2"] > 0.95, "{measured:?}");
    let words: Vec<&str> = measured.keys().map(String::as_str).collect();
    assert_eq!(words, ["loss", "mae", "mse", "r2", "rmse"]);
}

/// Nothing given but a query and a target.
fn a_query_and_a_target_are_enough(engine: &mut dyn Engine) {
    let table = houses("houses_default", 300);
    engine.load(&table);
    let trained = engine
        .train_on("default", &table, "price", "{}")
        .expect("trains");
    assert_eq!(trained.rows, 300);
    // The held-out rows say when it is enough: a number of epochs that depends on every bit of the training.
    assert!((10..=1000).contains(&trained.epochs), "{trained:?}");
    println!("{}: {trained:?}", engine.name());
}

fn several_targets_are_answered_together(engine: &mut dyn Engine) {
    let columns = [
        ("x", Kind::Double),
        ("twice", Kind::Double),
        ("less", Kind::Double),
    ];
    let table = Table::new("several", &columns, 300, |_, random| {
        let x = random.unit();
        vec![some(x), some(2.0 * x), some(10.0 - x)]
    });
    engine.load(&table);
    let trained = engine.train_on(
        "several",
        &table,
        r#"["twice", "less"]"#,
        r#"{"epochs": 60}"#,
    );
    assert_eq!(trained.expect("trains").rows, 300);
    let answers = engine.describe(Answer::Values, "several", &["x"], "several");
    let xs = table.column("x");
    for (answer, x) in answers.expect("answers").iter().zip(xs) {
        let values: Vec<f64> =
            serde_json::from_str(answer.as_deref().expect("no NULL")).expect("an array");
        let x: f64 = x.expect("no NULL").parse().expect("a number");
        assert!(
            (values[0] - 2.0 * x).abs() < 0.3 && (values[1] - 10.0 + x).abs() < 0.2,
            "{x}: {values:?}"
        );
    }
    let refusal = engine
        .predict("several", &["x"], "several")
        .expect_err("has two answers");
    assert!(refusal.message.contains("ml_predict_values"), "{refusal}");
}
