//! Names that have to be quoted, and texts of any kind.

use mysql_server::Table;
use mysql_server::engine::{Answer, Engine};
use mysql_server::table::{Kind, some};

mysql_server::on_every_engine!(
    a_column_may_have_any_name,
    a_label_may_be_any_text,
    a_model_may_have_any_name
);

fn a_column_may_have_any_name(engine: &mut dyn Engine) {
    let columns = [
        ("living area", Kind::Double),
        ("select", Kind::Integer),
        ("größe", Kind::Double),
        ("it's", Kind::Double),
        ("say \"so\"", Kind::Double),
        ("back`tick", Kind::Double),
        ("a,b;--c/*", Kind::Double),
        ("50%_", Kind::Double),
        ("日本語", Kind::Text),
        ("Y", Kind::Double),
    ];
    let table = Table::new("any name", &columns, 120, |_, random| {
        let mut row: Vec<_> = (0..8).map(|_| some(random.below(100))).collect();
        row.push(some(random.one_of(&["a", "b"])));
        row.push(some(random.below(1000)));
        row
    });
    engine.load(&table);
    let trained = engine.train_on("any column", &table, "Y", r#"{"epochs": 2}"#);
    assert_eq!(trained.unwrap_or_else(|error| panic!("{error}")).rows, 120);
    let features = table.features("Y");
    let predicted = engine.predict("any column", &features, table.name);
    let predicted = predicted.unwrap_or_else(|error| panic!("{error}"));
    assert!(predicted.iter().all(Option::is_some));

    let spec = r#"{"epochs": 2, "exclude": ["back`tick", "it's", "a,b;--c/*"], "preprocess": {"say \"so\"": {"scale": "none"}}}"#;
    let trained = engine.train_on("fewer columns", &table, "Y", spec);
    trained.unwrap_or_else(|error| panic!("{error}"));
    let fewer = [
        "living area",
        "select",
        "größe",
        "say \"so\"",
        "50%_",
        "日本語",
    ];
    engine
        .predict("fewer columns", &fewer, table.name)
        .unwrap_or_else(|error| panic!("{error}"));
}

fn a_label_may_be_any_text(engine: &mut dyn Engine) {
    let labels = [
        "it's",
        "say \"so\"",
        "😀 größe",
        "back\\slash",
        " x ",
        "NULL",
        "",
    ];
    let columns = [("x", Kind::Double), ("label", Kind::Text)];
    let table = Table::new("any label", &columns, 350, |row, _| {
        let kind = row as usize % labels.len();
        vec![some(kind), some(labels[kind])]
    });
    engine.load(&table);
    let trained = engine.train_on(
        "any label",
        &table,
        "label",
        r#"{"epochs": 80, "batch_size": 8}"#,
    );
    trained.unwrap_or_else(|error| panic!("{error}"));
    let found = engine
        .describe(Answer::Class, "any label", &["x"], table.name)
        .expect("predicts");
    for (found, label) in found.iter().zip(table.column("label")) {
        assert_eq!(found.as_deref(), label);
    }
}

fn a_model_may_have_any_name(engine: &mut dyn Engine) {
    let columns = [("x", Kind::Double), ("y", Kind::Double)];
    let table = Table::new("plain", &columns, 60, |_, random| {
        let x = random.unit();
        vec![some(x), some(x)]
    });
    engine.load(&table);
    for name in [
        "two words",
        "it's",
        "say \"so\"",
        "a`b",
        "back\\slash",
        "😀",
        "100%_",
        "x; DROP TABLE plain",
        "MODEL",
        "model",
    ] {
        let trained = engine.train_on(name, &table, "y", r#"{"epochs": 1}"#);
        let trained = trained.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(trained.version, 1, "{name} is a name of its own");
        let predicted = engine.predict(name, &["x"], table.name);
        assert_eq!(
            predicted
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .len(),
            60
        );
        engine.drop_model(name);
        engine.predict(name, &["x"], table.name).err();
    }
}
