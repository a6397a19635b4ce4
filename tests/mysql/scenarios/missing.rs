//! NULL, and values that the training did not see.

use mysql_server::Table;
use mysql_server::engine::Engine;
use mysql_server::samples::orders;
use mysql_server::table::{Kind, some};

mysql_server::on_every_engine!(
    null_is_data,
    rows_without_a_target_are_left_out,
    a_column_of_nulls_is_refused,
    null_can_be_an_error,
);

fn null_is_data(engine: &mut dyn Engine) {
    let table = orders("orders_seen", 400, false);
    let unseen = orders("orders_unseen", 100, true);
    engine.load(&table);
    engine.load(&unseen);
    let trained = engine.train_on("orders", &table, "total", r#"{"epochs": 10}"#);
    assert_eq!(trained.unwrap_or_else(|error| panic!("{error}")).rows, 400);
    let features = table.features("total");
    let predicted = engine.predict("orders", &features, unseen.name);
    let predicted = predicted.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(predicted.len(), 100);
    assert!(
        predicted
            .iter()
            .all(|value| value.is_some_and(f64::is_finite)),
        "{predicted:?}"
    );
}

fn rows_without_a_target_are_left_out(engine: &mut dyn Engine) {
    let columns = [("x", Kind::Double), ("y", Kind::Double)];
    let table = Table::new("without", &columns, 200, |row, random| {
        let x = random.unit();
        vec![some(x), (row % 4 != 0).then(|| (3.0 * x).to_string())]
    });
    engine.load(&table);
    let trained = engine.train_on("without", &table, "y", r#"{"epochs": 2}"#);
    assert_eq!(trained.expect("trains").rows, 150);
}

fn a_column_of_nulls_is_refused(engine: &mut dyn Engine) {
    let columns = [
        ("x", Kind::Double),
        ("never", Kind::Double),
        ("nobody", Kind::Text),
        ("y", Kind::Double),
    ];
    let table = Table::new("nulls", &columns, 100, |_, random| {
        let x = random.unit();
        vec![some(x), None, None, some(3.0 * x)]
    });
    engine.load(&table);
    let refusal = engine.train_on("nulls", &table, "y", r#"{"epochs": 2}"#);
    let refusal = refusal.expect_err("nothing can be learned of it");
    assert!(refusal.message.contains("\"never\" is NULL"), "{refusal}");
    assert!(refusal.message.contains("exclude"), "{refusal}");
    let spec = r#"{"epochs": 2, "exclude": ["never", "nobody"]}"#;
    let trained = engine.train_on("nulls", &table, "y", spec);
    trained.unwrap_or_else(|error| panic!("{error}"));
}

fn null_can_be_an_error(engine: &mut dyn Engine) {
    let columns = [("x", Kind::Double), ("y", Kind::Double)];
    let table = Table::new("strict", &columns, 100, |_, random| {
        let x = random.unit();
        vec![some(x), some(3.0 * x)]
    });
    engine.load(&table);
    let hole = Table::new("hole", &columns, 1, |_, _| vec![None, some(1)]);
    engine.load(&hole);
    let spec = r#"{"epochs": 1, "preprocess": {"x": {"impute": "error"}}}"#;
    engine
        .train_on("strict", &table, "y", spec)
        .unwrap_or_else(|error| panic!("{error}"));
    let refusal = engine
        .predict("strict", &["x"], "hole")
        .expect_err("x is NULL");
    assert!(refusal.message.contains("\"x\""), "{refusal}");
}
