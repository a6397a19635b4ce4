//! Whatever a caller hands over, and whatever goes wrong inside, the server lives.

use mysql_server::engine::{Engine, MySql};
use mysql_server::samples::{houses, plants};
use mysql_server::table::Random;
use mysql_server::{Flavour, Server};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

mysql_server::on_both_servers!(
    a_panic_in_any_entry_point_is_an_error,
    any_arguments_are_answered_or_refused,
    specs_beyond_every_limit_are_refused,
);

/// The functions, with a call that succeeds; `m` holds the model and its reference.
const SCALARS: [(&str, &str); 9] = [
    ("ml_version", "ml_version()"),
    ("ml_ref", "ml_ref(m.model)"),
    ("ml_info", "ml_info(m.model)"),
    ("ml_summary", "ml_summary(m.ref)"),
    ("ml_report", "ml_report(m.model)"),
    ("ml_predict", "ml_predict(m.ref, 80, 3)"),
    ("ml_predict_class", "ml_predict_class(m.labels, 0.5, 0.5)"),
    ("ml_predict_proba", "ml_predict_proba(m.labels, 0.5, 0.5)"),
    ("ml_predict_values", "ml_predict_values(m.ref, 80, 3)"),
];
const AGGREGATES: [(&str, &str); 2] = [
    (
        "ml_train_agg",
        "ml_train_agg('{\"epochs\": 1}', h.price, h.area, h.rooms)",
    ),
    (
        "ml_evaluate_agg",
        "ml_evaluate_agg(m.ref, h.price, h.area, h.rooms)",
    ),
];

/// Creates houses `h` and the one row of `m`: two models and the references of both.
fn create_models(engine: &mut MySql, houses_name: &'static str, plants_name: &'static str) {
    engine.load(&houses(houses_name, 60));
    engine.load(&plants(plants_name, 60));
    engine.run(&format!(
        "CREATE TABLE m_{houses_name} AS
         SELECT h.model, ml_ref(h.model) AS ref, p.model AS labels
           FROM (SELECT ml_train_agg('{{\"epochs\": 1}}', price, area, rooms) AS model FROM {houses_name}) h,
                (SELECT ml_train_agg('{{\"epochs\": 1, \"types\": {{\"species\": \"category\"}}}}', species, length, width) AS model
                   FROM {plants_name}) p"
    ));
}

fn a_panic_in_any_entry_point_is_an_error(flavour: Flavour) {
    let library = std::env::var("TABLENET_MYSQL_INJECT");
    let library = library.expect("scripts/test mysql builds a library that panics on demand");
    let servers = std::env::var("TABLENET_SERVERS").expect("scripts/test mysql sets it");
    let wanted =
        PathBuf::from(servers).join(format!("panic-{}-{}", flavour.name(), std::process::id()));
    let inject = |entry: &str| fs::write(&wanted, entry).expect("the directory is ours");
    inject("");
    let path = wanted.display().to_string();
    let server = Server::of_library(
        library.as_ref(),
        flavour,
        &[("TABLENET_INJECT_PANIC", &path)],
        &[],
    );
    let server = Arc::new(server);
    let mut engine = MySql::of(server.clone());
    create_models(&mut engine, "h", "p");
    engine.run("RENAME TABLE m_h TO m");

    let scalars = SCALARS.iter().flat_map(|(name, call)| {
        ["init", "row", "deinit"].map(|entry| (*name, entry, format!("SELECT {call} FROM m")))
    });
    let aggregates = AGGREGATES.iter().flat_map(|(name, call)| {
        ["init", "clear", "add", "answer", "deinit"]
            .map(|entry| (*name, entry, format!("SELECT {call} FROM h, m")))
    });
    // And the thread that trains for the statement.
    let thread = (
        "ml_train_agg",
        "train",
        format!("SELECT {} FROM h, m", AGGREGATES[0].1),
    );
    let mut tried = 0;
    for (name, entry, statement) in scalars.chain(aggregates).chain([thread]) {
        inject(&format!("{name}.{entry}"));
        match engine.client().query(&statement) {
            Err(refusal) => {
                assert_eq!(refusal.code, 1105, "{name}.{entry}: {refusal}");
                assert!(
                    refusal.message.contains("injected"),
                    "{name}.{entry}: {refusal}"
                );
            }
            // The answer was there before.
            Ok(_) => assert_eq!(entry, "deinit", "{name}.{entry} did not fail"),
        }
        inject("");
        assert_eq!(
            engine.client().rows_of(&statement).len(),
            1,
            "{name}.{entry}: works again"
        );
        tried += 1;
    }
    println!("{}: {tried} entry points panicked", flavour.name());
    fs::remove_file(&wanted).expect("the directory is ours");
}

fn any_arguments_are_answered_or_refused(flavour: Flavour) {
    let server = Server::shared(flavour);
    let mut engine = MySql::of(server.clone());
    create_models(&mut engine, "argument_h", "argument_p");
    engine.run("SET @unset = NULL, @text = 'Jena'");
    let values = [
        "NULL",
        "1",
        "-1",
        "0.5",
        "1.5e300",
        "-1e-320",
        "18446744073709551615",
        "''",
        "'x'",
        "'{}'",
        "'[]'",
        "'[1, 2'",
        "'mlref:'",
        "CONCAT('mlref:', REPEAT('0', 64))",
        "CONCAT('mlref:', REPEAT('é', 64))",
        "X'00FF00'",
        "_latin1 X'E9'",
        "REPEAT('a', 100000)",
        "REPEAT('[', 100000)",
        "REPEAT('{\"a\":', 10000)",
        "DATE '2024-02-29'",
        "TIME '12:30:00'",
        "NOW(6)",
        "@unset",
        "@text",
        "(SELECT 1)",
        "(SELECT NULL)",
        "h.price",
        "h.city",
        "h.area",
        "h.rooms",
        "h.id",
        "m.model",
        "m.labels",
        "m.ref",
        "LEFT(m.model, 100)",
        "CONCAT(m.model, 'x')",
        "JSON_OBJECT('area', 1, 'rooms', 2)",
        "JSON_OBJECT('area', h.area, 'rooms', NULL)",
        "'{\"epochs\": 1}'",
        "'{\"epochs\": 1, \"features\": [\"a\"]}'",
        "'{\"area\": 1e999, \"rooms\": 1}'",
        "TRUE",
        "POINT(1, 2)",
        "CAST('1.25' AS DECIMAL(30, 20))",
        "UUID()",
        "RAND()",
    ];
    let mut random = Random(7);
    let (mut answered, mut refused) = (0, 0);
    for (name, _) in SCALARS.iter().chain(&AGGREGATES) {
        for count in 0..=6 {
            for _ in 0..30 {
                let arguments: Vec<&str> = (0..count).map(|_| random.one_of(&values)).collect();
                let statement = format!(
                    "SELECT {name}({}) FROM argument_h h, m_argument_h m LIMIT 3",
                    arguments.join(", ")
                );
                match engine.client().query(&statement) {
                    Ok(_) => answered += 1,
                    Err(refusal) => {
                        assert_ne!(refusal.code, 0, "{statement}: {refusal}");
                        assert!(!refusal.message.is_empty(), "{statement}");
                        assert!(
                            !refusal.message.contains("internal error"),
                            "{statement}: {refusal}"
                        );
                        refused += 1;
                    }
                }
            }
        }
    }
    println!(
        "{}: {answered} calls answered, {refused} refused",
        flavour.name()
    );
    assert!(
        answered > 30 && refused > 300,
        "{answered} answered, {refused} refused"
    );
}

fn specs_beyond_every_limit_are_refused(flavour: Flavour) {
    let server = Server::shared(flavour);
    let mut engine = MySql::of(server);
    engine.load(&houses("limit_houses", 60));
    let dense = |units: &str| {
        format!(
            r#"{{"class_name": "Dense", "config": {{"units": {units}, "activation": "relu"}}}}"#
        )
    };
    let layers =
        |layers: &[String]| format!(r#"{{"layers": [{}], "epochs": 1}}"#, layers.join(","));
    let end = dense("1");
    let specs = [
        layers(&[dense("4294967296"), end.clone()]),
        layers(&[dense("18446744073709551615"), end.clone()]),
        layers(&[dense("1e308"), end.clone()]),
        layers(&[dense("-1"), end.clone()]),
        layers(&[dense("65536"), dense("65536"), end.clone()]),
        layers(&vec![dense("4096"); 60]),
        layers(&vec![end.clone(); 20_000]),
        layers(&[]),
        format!(
            r#"{{"layers": {}1{}}}"#,
            "[".repeat(50_000),
            "]".repeat(50_000)
        ),
        format!(r#"{{"epochs": 1{}}}"#, " ".repeat(30_000_000)),
        format!(r#"{{"exclude": [{}"x"]}}"#, "\"a\",".repeat(2_000_000)),
        format!(r#"{{"{}": 1}}"#, "x".repeat(1_000_000)),
        r#"{"epochs": 18446744073709551616}"#.into(),
        r#"{"epochs": -1}"#.into(),
        r#"{"epochs": 1.5}"#.into(),
        r#"{"epochs": "1"}"#.into(),
        r#"{"epochs": 1, "batch_size": 1e30}"#.into(),
        r#"{"epochs": 1, "validation_split": 1e999}"#.into(),
        r#"{"epochs": 1, "validation_split": 1}"#.into(),
        r#"{"epochs": 1, "seed": 1e30}"#.into(),
        r#"{"epochs": 1, "max_seconds": -1}"#.into(),
        r#"{"epochs": 1, "preprocess": {"city": {"encode": {"hash": 4294967295}}}}"#.into(),
        r#"{"epochs": 1, "preprocess": {"city": {"encode": {"embedding": 4294967295}}}}"#.into(),
        r#"{"epochs": 1, "optimizer": {"adam": {"learning_rate": -1e999}}}"#.into(),
        r#"{"epochs": 1, "work_mem": "1T"}"#.into(),
        r#"{"epochs": 1, "threads": 1000000}"#.into(),
        r#"{"epochs": 1, "tmpdir": "/etc"}"#.into(),
    ];
    let mut longest = Duration::ZERO;
    for spec in &specs {
        let start = Instant::now();
        let statement =
            format!("SELECT ml_train_agg('{spec}', price, area, rooms, city) FROM limit_houses");
        let refusal = engine.client().refusal(&statement);
        let shown = &spec[..spec.len().min(100)];
        assert!(
            [1105, 1038, 1054].contains(&refusal.code),
            "{shown}: {refusal}"
        );
        assert!(
            !refusal.message.contains("internal error"),
            "{shown}: {refusal}"
        );
        longest = longest.max(start.elapsed());
    }
    println!(
        "{}: the longest refusal of a spec took {longest:.1?}",
        flavour.name()
    );
    assert!(longest < Duration::from_secs(5), "{longest:?}");
}
