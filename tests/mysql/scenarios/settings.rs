//! What can be told to a training: the same words in every engine.

use mysql_server::engine::{Engine, Trained};
use mysql_server::samples::houses;
use mysql_server::table::{Kind, some};
use mysql_server::{Refusal, Table};

mysql_server::on_every_engine!(
    layers_and_optimizers_are_keras_words,
    losses_and_metrics_are_keras_words,
    the_seed_decides,
    early_stopping_ends_a_training,
    rows_can_be_held_out_by_a_column,
    rows_can_count_more_than_others,
);

fn trained(result: Result<Trained, Refusal>) -> Trained {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn layers_and_optimizers_are_keras_words(engine: &mut dyn Engine) {
    let table = houses("houses_layers", 300);
    engine.load(&table);
    let layers = r#"[{"class_name": "Dense", "config": {"units": 8, "activation": "relu"}},
                     {"class_name": "Dropout", "config": {"rate": 0.1}},
                     {"class_name": "Dense", "config": {"units": 1}}]"#;
    for optimizer in [
        r#""sgd""#,
        r#""rmsprop""#,
        r#"{"adam": {"learning_rate": 0.01}}"#,
    ] {
        let spec = format!(
            r#"{{"layers": {layers}, "optimizer": {optimizer}, "loss": "huber", "metrics": ["rmse", "mae"],
                "epochs": 2, "batch_size": 64, "validation_split": 0.25, "shuffle": false}}"#
        );
        let row = trained(engine.train_on("layers", &table, "price", &spec));
        assert_eq!(row.epochs, 2);
        assert_eq!(row.metrics.keys().collect::<Vec<_>>(), ["mae", "rmse"]);
    }
}

fn losses_and_metrics_are_keras_words(engine: &mut dyn Engine) {
    let table = houses("houses_losses", 300);
    engine.load(&table);
    for loss in [
        r#""mape""#,
        r#""msle""#,
        r#""log_cosh""#,
        r#""poisson""#,
        r#"{"quantile": {"tau": 0.9}}"#,
    ] {
        let spec = format!(
            r#"{{"loss": {loss}, "metrics": ["mape", "mae", "{{\"r2\": {{\"name\": \"share\"}}}}"], "epochs": 2}}"#
        );
        let row = trained(engine.train_on("losses", &table, "price", &spec));
        assert_eq!(
            row.metrics.keys().collect::<Vec<_>>(),
            ["mae", "mape", "share"]
        );
        let query = engine.select(&table.names(), table.name);
        let found = engine.evaluate("losses", &query).expect("evaluates");
        assert!(
            found.contains_key("mape") && found.contains_key("share"),
            "{found:?}"
        );
    }
}

fn the_seed_decides(engine: &mut dyn Engine) {
    let table = houses("houses_seed", 200);
    engine.load(&table);
    let file = |engine: &mut dyn Engine, seed: u8| {
        let spec = format!(r#"{{"epochs": 2, "seed": {seed}}}"#);
        trained(engine.train_on("seed", &table, "price", &spec));
        engine.model("seed")
    };
    let first = file(engine, 7);
    assert_ne!(file(engine, 8), first);
    assert_eq!(file(engine, 7), first);
}

fn early_stopping_ends_a_training(engine: &mut dyn Engine) {
    let table = houses("houses_early", 300);
    engine.load(&table);
    let spec = r#"{"epochs": 500, "optimizer": {"adam": {"learning_rate": 0.05}},
                   "callbacks": [{"EarlyStopping": {"patience": 2, "restore_best_weights": true}}]}"#;
    let row = trained(engine.train_on("early", &table, "price", spec));
    assert!(row.epochs < 500, "{row:?}");
}

fn rows_can_be_held_out_by_a_column(engine: &mut dyn Engine) {
    let columns = [
        ("x", Kind::Double),
        ("part", Kind::Text),
        ("y", Kind::Double),
    ];
    let table = Table::new("parts", &columns, 300, |row, random| {
        let x = random.unit();
        let part = ["train", "train", "validation", "test"][row as usize % 4];
        // A model that saw a test row could not miss it.
        let y = if part == "test" { 1e6 } else { 3.0 * x };
        vec![some(x), some(part), some(y)]
    });
    engine.load(&table);
    let row = trained(engine.train_on(
        "parts",
        &table,
        "y",
        r#"{"epochs": 3, "split_column": "part"}"#,
    ));
    assert_eq!(row.rows, 225);
    assert!(row.val_loss.is_some());
    let predicted = engine.predict("parts", &["x"], "parts").expect("predicts");
    assert!(
        predicted
            .iter()
            .all(|value| value.is_some_and(|value| value.abs() < 100.0))
    );
}

fn rows_can_count_more_than_others(engine: &mut dyn Engine) {
    let columns = [
        ("x", Kind::Double),
        ("weight", Kind::Double),
        ("y", Kind::Double),
    ];
    let table = Table::new("weights", &columns, 200, |row, random| {
        // Two answers to the same question: the one that counts wins.
        let (y, weight) = if row % 2 == 0 { (10, 1000) } else { (0, 1) };
        vec![some(random.unit()), some(weight), some(y)]
    });
    engine.load(&table);
    let spec = r#"{"epochs": 20, "sample_weight": "weight", "optimizer": {"adam": {"learning_rate": 0.01}}}"#;
    trained(engine.train_on("weights", &table, "y", spec));
    let predicted = engine
        .predict("weights", &["x"], "weights")
        .expect("predicts");
    assert!(
        predicted
            .iter()
            .all(|value| value.is_some_and(|value| value > 8.0)),
        "{predicted:?}"
    );
}
