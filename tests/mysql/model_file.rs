//! One model file: whichever engine trained it, the bytes are the same, and each scores what another trained with the
//! same bits.

use mysql_server::engine::{Answer, Engine, MySql, PostgreSql};
use mysql_server::samples::{houses, orders, plants};
use mysql_server::table::{Kind, Random, some};
use mysql_server::{Flavour, Server, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

mysql_server::on_both_servers!(
    every_kind_of_column_gives_the_same_file,
    rows_in_a_temporary_file_give_the_same_file,
    every_engine_scores_every_file,
);

/// Trains the same in both; answers the file.
fn same_file(
    postgres: &mut PostgreSql,
    other: &mut MySql,
    model: &str,
    (table, columns): (&str, &[&str]),
    target: &str,
    spec: &str,
) -> Vec<u8> {
    let train = |engine: &mut dyn Engine| {
        let query = engine.select(columns, table);
        let trained = engine.train(model, &query, target, spec);
        let trained = trained.unwrap_or_else(|error| panic!("{}, {model}: {error}", engine.name()));
        (trained, engine.model(model), engine.fingerprint(model))
    };
    let (expected, first, rows) = train(postgres);
    let (found, second, same_rows) = train(other);
    assert_eq!(rows, same_rows, "{model}: the fingerprints of the rows");
    if first != second {
        panic!("{model}: {}", difference(&first, &second));
    }
    assert_eq!(found, expected, "{model}: the row that ml_train answers");
    first
}

/// Where two files differ, as text around it.
fn difference(first: &[u8], second: &[u8]) -> String {
    let at = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    let around = |file: &[u8]| {
        let piece = &file[at.saturating_sub(200)..file.len().min(at + 200)];
        String::from_utf8_lossy(piece).into_owned()
    };
    format!(
        "files of {} and {} bytes differ from byte {at} on:\n{}\n{}",
        first.len(),
        second.len(),
        around(first),
        around(second)
    )
}

fn both(flavour: Flavour, tables: &[&Table]) -> (PostgreSql, MySql) {
    let (mut postgres, mut other) = (PostgreSql::shared(), MySql::shared(flavour));
    for table in tables {
        postgres.load(table);
        other.load(table);
    }
    (postgres, other)
}

fn every_kind_of_column_gives_the_same_file(flavour: Flavour) {
    let houses = houses("file_houses", 700);
    let plants = plants("file_plants", 500);
    let orders = orders("file_orders", 900, false);
    let (mut postgres, mut other) = both(flavour, &[&houses, &plants, &orders]);
    let mut same = |model: &str, table: (&str, &[&str]), target: &str, spec: &str| {
        same_file(&mut postgres, &mut other, model, table, target, spec);
    };
    let (names, plain) = (houses.names(), houses.name);
    same(
        "numbers",
        (plain, &["area", "rooms", "price"]),
        "price",
        r#"{"epochs": 3, "seed": 5}"#,
    );
    same("texts", (plain, &names), "price", r#"{"epochs": 3}"#);
    same("defaults", (plain, &names), "price", "{}");
    same(
        "two targets",
        (plain, &names),
        r#"["price", "area"]"#,
        r#"{"epochs": 2}"#,
    );
    let layers = r#"{"layers": [{"class_name": "Dense", "config": {"units": 16, "activation": "tanh"}},
                                {"class_name": "Dropout", "config": {"rate": 0.2}},
                                {"class_name": "Dense", "config": {"units": 1}}],
                     "optimizer": {"sgd": {"learning_rate": 0.01, "momentum": 0.9}}, "metrics": ["mae", "rmse"],
                     "epochs": 4, "batch_size": 50, "validation_split": 0.3,
                     "preprocess": {"area": {"scale": "min_max"}, "city": {"encode": "ordinal"}}}"#;
    same("layers", (plain, &names), "price", layers);
    for (model, target, more) in [
        ("labels", "species", ""),
        ("zero or one", "tall", ""),
        ("enum", "grade", r#", "class_weight": "balanced""#),
        (
            "integers",
            "kind",
            r#", "loss": "categorical_crossentropy""#,
        ),
    ] {
        let spec = format!(r#"{{"epochs": 3{more}}}"#);
        same(
            model,
            (plants.name, &["length", "width", target]),
            target,
            &spec,
        );
    }
    for column in orders.features("total") {
        let model = format!("orders by {column}");
        same(
            &model,
            (orders.name, &[column, "total"]),
            "total",
            r#"{"epochs": 2}"#,
        );
    }
    same(
        "orders",
        (orders.name, &orders.names()),
        "total",
        r#"{"epochs": 3}"#,
    );
    same(
        "states",
        (orders.name, &orders.names()),
        "state",
        r#"{"epochs": 3}"#,
    );
}

/// Rows beyond `work_mem`, which is 3 MB in both.
fn rows_in_a_temporary_file_give_the_same_file(flavour: Flavour) {
    let names: Vec<&'static str> = (1..=28).map(|i| &*format!("f{i}").leak()).collect();
    let mut columns: Vec<(&'static str, Kind)> =
        names.iter().map(|name| (*name, Kind::Real)).collect();
    columns.push(("y", Kind::Real));
    let table = Table::new("wide", &columns, 30_000, |_, random: &mut Random| {
        (0..29)
            .map(|_| some(random.below(1 << 20) as f64 / 1024.0))
            .collect()
    });
    let server = Server::with(flavour, &[("TABLENET_WORK_MEM", "3M")], &[]);
    let (mut postgres, mut other) = (PostgreSql::shared(), MySql::of(Arc::new(server)));
    postgres.run("SET tablenet.work_mem = '3MB'");
    postgres.load(&table);
    other.load(&table);
    let spec = r#"{"epochs": 2, "batch_size": 100}"#;
    let columns = table.names();
    same_file(
        &mut postgres,
        &mut other,
        "spilled",
        (table.name, &columns),
        "y",
        spec,
    );
}

fn bits(answers: &[Option<f64>]) -> Vec<Option<u64>> {
    answers
        .iter()
        .map(|answer| answer.map(f64::to_bits))
        .collect()
}

/// The probabilities of a text: their order and white space are PostgreSQL's own there.
fn probabilities(text: &Option<String>) -> BTreeMap<String, u64> {
    let text = text.as_deref().expect("no NULL");
    let parsed: BTreeMap<String, f64> = serde_json::from_str(text).expect("an object of numbers");
    parsed
        .into_iter()
        .map(|(label, probability)| (label, probability.to_bits()))
        .collect()
}

/// 10,000 rows with NULLs and categories that no training saw, by a model of each engine in the other.
fn every_engine_scores_every_file(flavour: Flavour) {
    let seen = orders("orders_of_training", 600, false);
    let rows = orders("ten_thousand", 10_000, true);
    let (mut postgres, mut other) = both(flavour, &[&seen, &rows]);
    let columns = seen.names();
    let table = (seen.name, columns.as_slice());
    for (model, target) in [("amount", "total"), ("which", "state")] {
        let file = same_file(
            &mut postgres,
            &mut other,
            model,
            table,
            target,
            r#"{"epochs": 3, "seed": 11}"#,
        );
        let abroad = format!("{model} abroad");
        postgres.put(&abroad, &file);
        other.put(&abroad, &file);
        let features = seen.features(target);
        let mut engines: [&mut dyn Engine; 2] = [&mut postgres, &mut other];
        if target == "total" {
            let mut answers = Vec::new();
            for engine in &mut engines {
                for model in [model, &abroad] {
                    answers.push(bits(
                        &engine
                            .predict(model, &features, rows.name)
                            .expect("predicts"),
                    ));
                }
            }
            assert_eq!(answers[0].len(), 10_000);
            assert!(
                answers.iter().all(|other| *other == answers[0]),
                "the bits differ"
            );
            continue;
        }
        let (mut labels, mut shares) = (Vec::new(), Vec::new());
        for engine in &mut engines {
            for model in [model, &abroad] {
                let describe = |engine: &mut dyn Engine, answer| {
                    engine
                        .describe(answer, model, &features, rows.name)
                        .expect("predicts")
                };
                labels.push(describe(*engine, Answer::Class));
                let texts = describe(*engine, Answer::Probabilities);
                shares.push(texts.iter().map(probabilities).collect::<Vec<_>>());
            }
        }
        assert!(
            labels.iter().all(|other| *other == labels[0]),
            "the labels differ"
        );
        assert!(
            shares.iter().all(|other| *other == shares[0]),
            "the probabilities differ"
        );
    }
}
