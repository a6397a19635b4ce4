//! Keras's words in the spec of a training: the same in every engine, and so are the errors about them.

use mysql_server::Table;
use mysql_server::engine::{Answer, Engine};
use mysql_server::table::{Kind, some};

mysql_server::on_every_engine!(
    layers_of_every_kind_train,
    optimizers_schedules_and_callbacks_train,
    losses_of_labels_and_of_shares_train,
    what_is_mistyped_is_told_with_its_layer,
);

/// From -1 to 1 and back in straight lines.
fn wave(at: f64) -> f64 {
    (at % 6.0 - 3.0).abs() / 1.5 - 1.0
}

/// 12 readings of a wave and the one that comes next.
fn waves(name: &'static str) -> Table {
    const READINGS: [&str; 12] = [
        "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
    ];
    let mut columns: Vec<_> = READINGS.iter().map(|&x| (x, Kind::Double)).collect();
    columns.push(("y", Kind::Double));
    Table::new(name, &columns, 200, |row, _| {
        (1..=13)
            .map(|t| some(wave(f64::from(row) * 0.37 + f64::from(t) * 0.6)))
            .collect()
    })
}

/// Each is the middle of a stack over rows of 12 numbers.
const STACKS: [&str; 7] = [
    r#"{"class_name": "Dense", "config": {"units": 6}}, {"class_name": "BatchNormalization"}, {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}},
       {"class_name": "Dense", "config": {"units": 4}}, {"class_name": "LayerNormalization"}, {"class_name": "PReLU"}, {"class_name": "GaussianNoise", "config": {"stddev": 0.1}}"#,
    r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, 12, 1]}},
       {"class_name": "Bidirectional", "config": {"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": "sum"}}"#,
    r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, 6, 2]}},
       {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"units": 3}}}}, {"class_name": "Flatten"}"#,
    r#"{"class_name": "Dense", "config": {"units": 4, "activation": "gelu", "kernel_regularizer": "l2",
            "kernel_initializer": {"class_name": "HeNormal", "config": {"seed": 1}}}},
       {"class_name": "Activation", "config": {"activation": "tanh"}}, {"class_name": "Dropout", "config": {"rate": 0.1}}"#,
    r#"{"class_name": "Reshape", "config": {"target_shape": [12, 1]}},
       {"class_name": "Conv1D", "config": {"filters": 3, "kernel_size": 3, "activation": "relu"}},
       {"class_name": "MaxPooling1D", "config": {"pool_size": 2}}, {"class_name": "Flatten"}"#,
    r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, 6, 2]}},
       {"class_name": "LSTM", "config": {"units": 3, "return_sequences": true}}, {"class_name": "GRU", "config": {"units": 3, "return_sequences": true}},
       {"class_name": "AveragePooling1D", "config": {"pool_size": 2}}, {"class_name": "GlobalMaxPooling1D"}"#,
    r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, 4, 3]}},
       {"class_name": "SimpleRNN", "config": {"units": 3, "return_sequences": true}}, {"class_name": "GlobalAveragePooling1D"}"#,
];

fn layers_of_every_kind_train(engine: &mut dyn Engine) {
    let table = waves("waves");
    engine.load(&table);
    for stack in STACKS {
        let spec = format!(
            r#"{{"layers": [{stack}, {{"class_name": "Dense", "config": {{"units": 1}}}}], "epochs": 3,
                "optimizer": {{"adam": {{"learning_rate": 0.01}}}}}}"#
        );
        let row = engine.train_on("words", &table, "y", &spec);
        let row = row.unwrap_or_else(|error| panic!("{}: {stack}: {error}", engine.name()));
        assert_eq!(row.epochs, 3);
        assert!(row.loss.is_finite(), "{row:?}");
        let names = table.names();
        let predicted = engine.predict("words", &names[..12], "waves");
        let predicted = predicted.unwrap_or_else(|error| panic!("{stack}: {error}"));
        assert!(
            predicted
                .iter()
                .all(|value| value.is_some_and(|value| value.abs() < 5.0)),
            "{stack}: {predicted:?}"
        );
    }
}

/// What a spec has beside layers, with the epochs that it comes to.
const REST: [(&str, i64); 12] = [
    (
        r#""optimizer": "nadam", "loss": "mae", "metrics": ["mse", "rmse", "r2"], "epochs": 2"#,
        2,
    ),
    (
        r#""optimizer": {"adagrad": {"clipnorm": 1}}, "loss": {"huber": {"delta": 0.5}}, "epochs": 2"#,
        2,
    ),
    (
        r#""optimizer": {"adadelta": {"weight_decay": 0.001}}, "epochs": 2"#,
        2,
    ),
    (
        r#""optimizer": {"adamax": {"clipvalue": 0.5}}, "epochs": 2"#,
        2,
    ),
    (
        r#""optimizer": {"lion": {"global_clipnorm": 1}}, "epochs": 2"#,
        2,
    ),
    (
        r#""optimizer": {"class_name": "RMSprop", "config": {"centered": true, "momentum": 0.5}}, "epochs": 2"#,
        2,
    ),
    (
        r#""optimizer": {"sgd": {"learning_rate": {"PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 9}}}}, "epochs": 3"#,
        3,
    ),
    (
        r#""optimizer": {"adam": {"amsgrad": true, "learning_rate": {"class_name": "CosineDecay",
            "config": {"initial_learning_rate": 0.01, "decay_steps": 9}}}}, "epochs": 3"#,
        3,
    ),
    (
        r#""callbacks": [{"EarlyStopping": {"patience": 2, "min_delta": 1000}},
            {"ModelCheckpoint": {"save_best_only": true}}, "TerminateOnNaN"], "epochs": 50"#,
        3,
    ),
    (
        r#""callbacks": [{"ReduceLROnPlateau": {"factor": 0.5, "patience": 1}}], "epochs": 4"#,
        4,
    ),
    (
        r#""callbacks": [{"LearningRateScheduler": {"schedule":
            {"ExponentialDecay": {"initial_learning_rate": 0.01, "decay_steps": 2, "decay_rate": 0.5}}}}], "epochs": 4"#,
        4,
    ),
    // The one whose training ends before its weights are too large.
    (
        r#""callbacks": ["TerminateOnNaN"], "epochs": 9, "batch_size": 1000,
            "optimizer": {"sgd": {"learning_rate": {"PiecewiseConstantDecay": {"boundaries": [0], "values": [0.01, 1e300]}}}}"#,
        1,
    ),
];

fn optimizers_schedules_and_callbacks_train(engine: &mut dyn Engine) {
    let table = waves("waves_rest");
    engine.load(&table);
    for (rest, epochs) in REST {
        let spec = format!(
            r#"{{"layers": [{{"class_name": "Dense", "config": {{"units": 4, "activation": "tanh"}}}},
                {{"class_name": "Dense", "config": {{"units": 1}}}}], {rest}}}"#
        );
        let row = engine.train_on("words", &table, "y", &spec);
        let row = row.unwrap_or_else(|error| panic!("{}: {rest}: {error}", engine.name()));
        assert_eq!(row.epochs, epochs, "{}: {rest}", engine.name());
        let names = table.names();
        let predicted = engine.predict("words", &names[..12], "waves_rest");
        let predicted = predicted.unwrap_or_else(|error| panic!("{rest}: {error}"));
        assert!(
            predicted
                .iter()
                .all(|value| value.is_some_and(|value| value.abs() < 5.0)),
            "{rest}: {predicted:?}"
        );
    }
}

fn losses_of_labels_and_of_shares_train(engine: &mut dyn Engine) {
    let columns = [
        ("x", Kind::Double),
        ("side", Kind::Integer),
        ("left", Kind::Double),
        ("right", Kind::Double),
    ];
    let table = Table::new("sides", &columns, 200, |row, _| {
        let x = f64::from(row % 100) / 50.0 - 1.0;
        let right = 0.5 + 0.4 * x;
        vec![
            some(x),
            some(i32::from(x > 0.0)),
            some(1.0 - right),
            some(right),
        ]
    });
    engine.load(&table);
    let rest = r#""epochs": 60, "batch_size": 20, "optimizer": {"adam": {"learning_rate": 0.01}}"#;
    let query = engine.select(&["x", "side"], table.name);
    for loss in [
        r#""hinge""#,
        r#""squared_hinge""#,
        r#""categorical_hinge""#,
        r#"{"binary_crossentropy": {"label_smoothing": 0.1}}"#,
    ] {
        let spec = format!(r#"{{"loss": {loss}, "metrics": ["binary_accuracy"], {rest}}}"#);
        let row = engine.train("sides", &query, "side", &spec);
        let row = row.unwrap_or_else(|error| panic!("{}: {loss}: {error}", engine.name()));
        assert!(row.metrics["binary_accuracy"] > 0.9, "{loss}: {row:?}");
        let labels = engine.describe(Answer::Class, "sides", &["x"], table.name);
        let labels = labels.expect("labels");
        let right = labels.iter().zip(table.column("side"));
        let right = right.filter(|(label, side)| label.as_deref() == *side);
        assert!(right.count() > 190, "{loss}");
    }
    let query = engine.select(&["x", "left", "right"], table.name);
    let spec = format!(r#"{{"loss": "kl_divergence", "metrics": ["cosine_similarity"], {rest}}}"#);
    let row = engine.train("shares", &query, r#"["left", "right"]"#, &spec);
    let row = row.unwrap_or_else(|error| panic!("{}: {error}", engine.name()));
    assert!(row.metrics["cosine_similarity"] > 0.98, "{row:?}");
    let shares = engine.describe(Answer::Values, "shares", &["x"], table.name);
    for share in shares.expect("shares") {
        let share = share.expect("no NULL");
        let values: Vec<f64> = serde_json::from_str(&share).expect(&share);
        assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{share}");
    }
}

fn what_is_mistyped_is_told_with_its_layer(engine: &mut dyn Engine) {
    let table = waves("waves_mistyped");
    engine.load(&table);
    for (layer, message) in [
        (
            r#"{"class_name": "LTSM", "config": {"units": 3}}"#,
            "unknown layer \"LTSM\"",
        ),
        (
            r#"{"class_name": "LSTM", "config": {"unit": 3}}"#,
            "unknown setting \"unit\" of LSTM",
        ),
        (
            r#"{"class_name": "Dense", "config": {"units": 3, "activation": "rellu"}}"#,
            "unknown activation \"rellu\" in Dense",
        ),
        (
            r#"{"class_name": "Reshape", "config": {"target_shape": [5, -1]}}"#,
            "Reshape cannot make [5, -1] of a row of shape (12)",
        ),
    ] {
        let spec = format!(
            r#"{{"layers": [{layer}, {{"class_name": "Dense", "config": {{"units": 1}}}}]}}"#
        );
        let refusal = engine.train_on("words", &table, "y", &spec);
        let refusal = refusal.expect_err(layer).to_string();
        assert!(refusal.contains(message), "{}: {refusal}", engine.name());
    }
    for (word, message) in [
        (r#""loss": "msee""#, "unknown loss \"msee\""),
        (r#""metrics": ["maee"]"#, "unknown metric \"maee\""),
        (r#""optimizer": "lyon""#, "unknown optimizer \"lyon\""),
        (
            r#""optimizer": {"lion": {"beta1": 0.9}}"#,
            "unknown setting \"beta1\" of optimizer lion",
        ),
        (
            r#""optimizer": {"sgd": {"learning_rate": {"CosinDecay": {}}}}"#,
            "unknown learning rate schedule \"CosinDecay\"",
        ),
        (
            r#""optimizer": {"sgd": {"learning_rate": {"CosineDecay": {"decay_step": 1}}}}"#,
            "unknown setting \"decay_step\" of CosineDecay",
        ),
        (
            r#""callbacks": ["ReduceLROnPlato"]"#,
            "unknown callback \"ReduceLROnPlato\"",
        ),
        (
            r#""callbacks": [{"EarlyStopping": {"patients": 3}}]"#,
            "unknown setting \"patients\" of EarlyStopping",
        ),
    ] {
        let refusal = engine.train_on("words", &table, "y", &format!("{{{word}}}"));
        let refusal = refusal.expect_err(word).to_string();
        assert!(refusal.contains(message), "{}: {refusal}", engine.name());
    }
}
