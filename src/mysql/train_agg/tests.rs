//! The aggregate as a server calls it.

use super::*;
use crate::config;
use crate::fixture::{Call, Given as Value};
use crate::server::hook::{self, raised};
use crate::spill::Spills;
use std::cell::Cell;
use std::time::{Duration, Instant};
use tablenet_core::{Column, ColumnType, ModelFile, Pool};

thread_local! {
    /// Whether the next training panics.
    pub static PANICS: Cell<bool> = const { Cell::new(false) };
}

type Training = Call<TrainAgg>;

const SPEC: &str = r#"{"epochs": 2, "layers": [{"class_name": "Dense", "config": {"units": 1}}]}"#;

/// A call whose spec and columns are those of `row`, under these names.
fn call(row: &[Value], names: &[&str]) -> Result<Training, String> {
    let mut call = Training::named(row, names, true)?;
    call.clear().expect("nothing to clear");
    Ok(call)
}

fn row(spec: &str, number: i64) -> Vec<Value> {
    vec![
        spec.into(),
        (number as f64 * 2.0).into(),
        number.into(),
        ["a", "b", "c"][number as usize % 3].into(),
    ]
}

const NAMES: [&str; 4] = ["spec", "y", "n", "t"];

/// A call of [`row`]s, which end before `end`.
fn trained(spec: &str, end: i64) -> Result<Vec<u8>, String> {
    let mut call = call(&row(spec, 0), &NAMES)?;
    for number in 0..end {
        call.add(&row(spec, number)).map_err(|()| raised())?;
    }
    call.answer()
        .map(Option::unwrap_or_default)
        .map_err(|()| raised())
}

fn file(model: &[u8]) -> ModelFile {
    ModelFile::from_bytes(model, 64 << 20, &mut Watch::new(0.0)).expect("a model")
}

#[test]
fn rows_become_a_model_and_a_report() {
    let model = trained(SPEC, 100).expect("trained");
    let file = file(&model);
    assert_eq!(file.target_names(), ["y"]);
    let features: Vec<_> = file
        .features()
        .iter()
        .map(|it| (it.name.as_str(), it.column_type))
        .collect();
    assert_eq!(
        features,
        [("n", ColumnType::Number), ("t", ColumnType::Category)]
    );
    assert_eq!(trained(SPEC, 100), Ok(model.clone()), "the same again");
    let report = crate::report::find(&model).expect("kept");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["rows"], 100);
    assert_eq!(report["epochs"], 2);
    assert_eq!(
        report["history"]["epochs"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(account().bytes(), 0);
    assert_eq!(account().threads(), 0);
}

#[test]
fn the_model_is_the_one_of_a_query_with_the_same_rows() -> tablenet_core::Result<()> {
    // As the adapter for PostgreSQL calls the core; there the target may stand anywhere.
    let column = |name: &str, column_type, integer| Column {
        name: name.to_owned(),
        column_type,
        integer,
        single_precision: false,
        labels: None,
        length: None,
    };
    let columns = vec![
        column("n", ColumnType::Number, true),
        column("t", ColumnType::Category, false),
        column("y", ColumnType::Number, false),
    ];
    let options = TrainOptions {
        memory_limit: 64 << 20,
        ..TrainOptions::default()
    };
    let (mut watch, pool) = (Watch::new(0.0), Pool::new(2)?);
    let spills = Box::new(Spills::new(std::env::temp_dir()));
    let mut training = tablenet_core::Training::new(columns, &["y"], options, spills)?.on(&pool)?;
    for number in 0..2500 {
        use tablenet_core::Value::{Null, Number, Text};
        let text = match number % 5 {
            0 => Null,
            _ => Text(["a", "b", "c"][number % 3]),
        };
        let number = number as f64;
        training.push(&[Number(number), text, Number(number * 2.0)], &mut watch)?;
    }
    let expected = training
        .finish(&mut watch, &pool)?
        .file
        .to_bytes(&mut watch)?;
    let mut call = call(&row("", 0), &NAMES).expect("valid");
    for number in 0..2500 {
        let mut row = row("", number);
        if number % 5 == 0 {
            row[3] = Value::Null;
        }
        call.add(&row).expect("taken");
    }
    assert_eq!(call.answer(), Ok(Some(expected)));
    Ok(())
}

#[test]
fn too_few_rows_are_errors() {
    assert_eq!(
        trained(SPEC, 0),
        Err("ml_train_agg: there are no rows to learn from. Let the query return rows.".into())
    );
    assert!(
        trained(SPEC, 1)
            .is_err_and(|text| text.starts_with("ml_train_agg: cannot train on one row"))
    );
    assert!(trained(SPEC, 2).is_ok());
    let nothing = [SPEC.into(), Value::Real(0.0), Value::Integer(0)];
    let mut call = call(&nothing, &["spec", "y", "n"]).expect("valid");
    for _ in 0..3 {
        call.add(&[SPEC.into(), Value::Null, Value::Null])
            .expect("taken");
    }
    assert_eq!(call.answer(), Err(()));
    assert!(
        raised().starts_with("ml_train_agg: target \"y\" is NULL in all 3 rows"),
        "{}",
        raised()
    );
}

#[test]
fn threads_that_only_wait_for_a_group_make_room_for_others() {
    config::hook::set(Config {
        threads: 1,
        max_threads: 1,
        ..Config::default()
    });
    let train = |call: &mut Training| {
        call.clear().expect("cleared");
        for number in 0..30 {
            call.add(&row(SPEC, number)).expect("taken");
        }
        call.answer().expect("trained")
    };
    let mut calls: Vec<_> = (0..4)
        .map(|_| call(&row(SPEC, 0), &NAMES).expect("valid"))
        .collect();
    let alone = train(&mut calls[0]);
    assert_eq!(account().threads(), 1);
    for call in &mut calls {
        assert_eq!(train(call), alone);
        assert_eq!(train(call), alone);
    }
    assert_eq!(account().threads(), 1);
}

#[test]
fn groups_follow_each_other() {
    let alone: Vec<_> = [30, 60]
        .map(|end| trained(SPEC, end).expect("trained"))
        .into();
    let mut call = call(&row(SPEC, 0), &NAMES).expect("valid");
    for _ in 0..3 {
        for (end, alone) in [30, 60].into_iter().zip(&alone) {
            call.clear().expect("cleared");
            call.clear().expect("cleared twice");
            for number in 0..end {
                call.add(&row(SPEC, number)).expect("taken");
            }
            assert_eq!(call.answer().expect("trained").as_ref(), Some(alone));
            assert_eq!(call.answer().expect("asked twice").as_ref(), Some(alone));
            assert_eq!(account().bytes(), alone.len() as u64);
        }
    }
    assert!(account().threads() > 0);
    call.add(&row(SPEC, 0)).expect_err("grows");
    assert_eq!(
        raised(),
        "ml_train_agg: a model that is trained cannot take more rows. Train with GROUP BY without ROLLUP, or OVER (PARTITION BY ...) without ORDER BY."
    );
    drop(call);
    assert_eq!(account().threads(), 0);
}

#[test]
fn a_group_that_is_left_leaves_nothing_behind() {
    let mut call = call(&row(SPEC, 0), &NAMES).expect("valid");
    for _ in 0..10 {
        for number in 0..100 {
            call.add(&row(SPEC, number)).expect("taken");
        }
        call.clear().expect("left before it was sent");
        assert_eq!(account().bytes(), 0);
    }
    for number in 0..50_000 {
        call.add(&row(SPEC, number)).expect("taken");
    }
    call.clear().expect("left");
    assert_eq!((account().bytes(), account().threads()), (0, 0));
    for number in 0..30 {
        call.add(&row(SPEC, number)).expect("taken");
    }
    assert_eq!(call.answer(), Ok(Some(trained(SPEC, 30).expect("trained"))));
}

#[test]
fn a_rollup_is_refused_rather_than_trained_on_rows_that_come_twice() {
    let mut call = call(&row(SPEC, 0), &NAMES).expect("valid");
    call.add(&row(SPEC, 0)).expect("taken");
    call.clear().expect("for the second level");
    call.add(&row(SPEC, 0)).expect("taken");
    for number in 1..10 {
        call.add(&row(SPEC, number)).expect("taken");
        call.add(&row(SPEC, number)).expect("taken");
    }
    assert_eq!(call.answer(), Err(()));
    assert!(raised().starts_with("ml_train_agg: WITH ROLLUP would train on wrong rows."));
}

#[test]
fn a_spec_that_is_not_constant_is_read_with_the_first_row() {
    let rows: Vec<_> = (0..20).map(|number| row(SPEC, number)).collect();
    let mut call = Training::named(&rows[0], &NAMES, false).expect("valid");
    for row in &rows {
        call.add(row).expect("taken");
    }
    let model = trained(SPEC, 20).expect("trained");
    assert_eq!(call.answer(), Ok(Some(model)));
    let mut call = Training::named(&rows[0], &NAMES, false).expect("valid");
    call.add(&row(r#"{"epohcs": 2}"#, 0)).expect_err("a typo");
    assert!(
        raised().contains("Did you mean \"epochs\"?"),
        "{}",
        raised()
    );
    call.add(&rows[1]).expect("the error was raised before");
    assert_eq!(call.answer(), Err(()));
    call.clear().expect("cleared");
    call.add(&rows[0]).expect("taken");
    call.add(&row("{}", 0)).expect_err("another spec");
    assert_eq!(
        raised(),
        "ml_train_agg: the spec differs in row 2. All rows of a group share one spec."
    );
}

#[test]
fn wrong_calls_are_refused_before_any_row() {
    let refused = |given: &[Value], names: &[&str]| call(given, names).err().unwrap_or_default();
    let real = || Value::Real(1.0);
    assert_eq!(
        refused(&["{}".into(), real()], &["s", "y"]),
        "ml_train_agg: called with 2 arguments. Call it as ml_train_agg(spec, target, feature, ...)."
    );
    assert_eq!(
        refused(&[real(), real(), real()], &["y", "a", "b"]),
        "ml_train_agg: the spec is a number, but must be JSON text or NULL. Call it as ml_train_agg(spec, target, feature, ...)."
    );
    assert!(
        refused(
            &["{}".into(), real(), real(), real()],
            &["s", "y", "id", "id"]
        )
        .starts_with(
            "ml_train_agg: two columns are named \"id\". Give each argument its own name with AS"
        )
    );
    assert!(refused(&["{".into(), real(), real()], &["s", "y", "x"]).starts_with("ml_train_agg: "));
    let large = r#"{"layers": [{"class_name": "Dense", "config": {"units": 10000}}, {"class_name": "Dense", "config": {"units": 10000}}]}"#;
    assert!(
        refused(&[large.into(), real(), real()], &["s", "y", "x"])
            .starts_with("ml_train_agg: the model takes 382 MB, more than the limit of 64 MB.")
    );
    // NULL is no constant that could be read, and no wrong spec either.
    let nothing = call(&[Value::Null, real(), real()], &["s", "y", "x"]);
    assert!(nothing.is_ok());
}

#[test]
fn values_of_another_type_are_refused_by_name_and_row() {
    let refuses = |spec: &str, rows: &[Value], expected: &str| {
        let first = [spec.into(), Value::Real(0.0), rows[0].clone()];
        let mut call = call(&first, &["s", "y", "c"]).expect("valid");
        for value in rows {
            let _ = call.add(&[spec.into(), 1.0.into(), value.clone()]);
        }
        assert_eq!(call.answer(), Err(()), "{expected}");
        let raised = hook::RAISED.with_borrow(|raised| raised[raised.len() - 1].1.clone());
        assert_eq!(raised, format!("ml_train_agg: {expected}"));
    };
    refuses(
        "",
        &["x".into(), "caf\u{e9}".into(), (&b"caf\xe9"[..]).into()],
        "the text of column \"c\" in row 3 is not utf8mb4. Write CONVERT(... USING utf8mb4) around a text in another character set.",
    );
    refuses(
        "",
        &["2024-05-17".into()],
        "column \"c\" looks like a date: \"2024-05-17\" in row 1. Say so in the spec: \"types\": {\"c\": \"date\"}, or \"text\" to learn each value by itself.",
    );
    refuses(
        r#"{"types": {"c": "boolean"}}"#,
        &[1.into(), 0.into(), 2.into()],
        "column \"c\" is 2 in row 3, which is no boolean. A boolean is 0 or 1.",
    );
}

#[test]
fn declared_types_reach_the_model() {
    let spec = r#"{"epochs": 1, "layers": [{"class_name": "Dense", "config": {"units": 1}}],
        "types": {"d": "date", "v": "vector", "b": "boolean"}, "labels": {"e": ["lo", "hi"]}}"#;
    let rows: Vec<Vec<Value>> = (1..=28)
        .map(|day| {
            vec![
                spec.into(),
                Value::Decimal(format!("{day}.5")),
                format!("2024-02-{day:02}").as_str().into(),
                format!("[{day}, 1.5]").as_str().into(),
                (day % 2).into(),
                if day % 3 == 0 { "hi" } else { "lo" }.into(),
                i64::MAX.into(),
            ]
        })
        .collect();
    let mut call = call(&rows[0], &["s", "y", "d", "v", "b", "e", "n"]).expect("valid");
    for row in &rows {
        call.add(row).expect("taken");
    }
    let model = call.answer().unwrap_or_else(|()| panic!("{}", raised()));
    let file = file(&model.unwrap_or_default());
    let types: Vec<_> = file.features().iter().map(|it| it.column_type).collect();
    let expected = [
        ColumnType::Date,
        ColumnType::Vector,
        ColumnType::Boolean,
        ColumnType::Category,
        ColumnType::Number,
    ];
    assert_eq!(types, expected);
}

#[test]
fn a_panic_of_the_training_is_an_error_of_the_statement() {
    PANICS.set(true);
    let mut call = call(&row(SPEC, 0), &NAMES).expect("valid");
    for number in 0..3 {
        call.add(&row(SPEC, number)).expect("taken");
    }
    assert_eq!(call.answer(), Err(()));
    assert_eq!(raised(), "ml_train_agg: internal error: deliberate");
    call.clear().expect("cleared");
    let failed = (0..1_000_000).find(|number| call.add(&row(SPEC, *number)).is_err());
    assert!(failed.is_some(), "an error comes before the last row");
    assert_eq!(raised(), "ml_train_agg: internal error: deliberate");
    PANICS.set(false);
    drop(call);
    assert_eq!((account().bytes(), account().threads()), (0, 0));
}

#[test]
fn a_kill_ends_it_at_once() {
    let spec = r#"{"epochs": 100000}"#;
    let mut call = call(&row(spec, 0), &NAMES).expect("valid");
    for number in 0..10_000 {
        call.add(&row(spec, number)).expect("taken");
    }
    hook::KILLED.set(true);
    let start = Instant::now();
    assert_eq!(call.answer(), Err(()));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(
        hook::RAISED.with_borrow(|raised| raised.last().cloned()),
        Some((1317, "ml_train_agg: interrupted".into()))
    );
    assert_eq!((account().bytes(), account().threads()), (0, 0));
}

#[test]
fn a_training_that_is_dropped_while_it_works_ends() {
    let spec = r#"{"epochs": 100000}"#;
    let mut call = call(&row(spec, 0), &NAMES).expect("valid");
    for number in 0..100_000 {
        call.add(&row(spec, number)).expect("taken");
    }
    drop(call);
    assert_eq!((account().bytes(), account().threads()), (0, 0));
}

#[test]
fn limits_of_the_administrator_hold() {
    let limited = |change: fn(&mut Config)| {
        let mut config = Config {
            work_mem: 8 << 20,
            total_work_mem: 8 << 20,
            threads: 2,
            ..Config::default()
        };
        change(&mut config);
        config::hook::set(config);
    };
    limited(|_| ());
    let mut other = call(&row(SPEC, 0), &NAMES).expect("valid");
    other.add(&row(SPEC, 0)).expect("taken");
    let refused = trained(SPEC, 10).expect_err("used up");
    assert!(
        refused.starts_with("ml_train_agg: a training needs 8192 kB of memory, but 8192 kB of total_work_mem's 8192 kB are in use by 1 other training. Try again later"),
        "{refused}"
    );
    drop(other);
    assert!(trained(SPEC, 10).is_ok());
    limited(|config| config.max_model_size = 1000);
    let refused = trained(SPEC, 10).expect_err("too large");
    assert!(
        refused.contains("more than the limit of 1000 bytes"),
        "{refused}"
    );
    limited(|config| config.max_seconds = 0.05);
    let refused = trained(r#"{"epochs": 10000}"#, 5000).expect_err("too long");
    assert!(
        refused.starts_with(
            "ml_train_agg: the training took longer than 0.05 seconds. That is max_seconds"
        ),
        "{refused}"
    );
    limited(|config| config.max_seconds = 60.0);
    assert!(trained(r#"{"epochs": 10000, "max_seconds": 0.02}"#, 100).is_ok());
    limited(|config| config.tmpdir = Some("/nonexistent".into()));
    let refused = trained(SPEC, 400_000).expect_err("no directory");
    assert!(
        refused.starts_with("ml_train_agg: could not create a temporary file in /nonexistent: "),
        "{refused}"
    );
}

#[test]
fn rows_beyond_the_memory_are_spilled() {
    config::hook::set(Config {
        work_mem: 4 << 20,
        total_work_mem: 4 << 20,
        threads: 2,
        ..Config::default()
    });
    let model = trained(r#"{"epochs": 1}"#, 400_000).expect("trained");
    assert_eq!(file(&model).features().len(), 2);
}
