//! Whole trainings of small made-up tables.

mod losses;

use crate::fixture::{CancelAt, NoCallback, NoSpill, ToMemory, column, integer, quick, train};
use crate::{
    Activation, Column, ColumnType, Dense, Error, ErrorKind, Layer, Loss, Metric, ModelFile,
    Optimizer, Pool, Result, Scorer, Sequential, Spill, SpillFactory, Task, TrainOptions, Trained,
    Training, Value,
};
use ColumnType::{Boolean, Category, Number};
use Value::{Null, Text};
use std::cell::Cell;
use std::rc::Rc;

/// Spills to memory and counts the files.
struct Counting(Rc<Cell<u32>>);

impl SpillFactory for Counting {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        self.0.set(self.0.get() + 1);
        ToMemory.create()
    }
}

fn number(value: f64) -> Value<'static> {
    Value::Number(value)
}

fn xy() -> Vec<Column> {
    vec![column("x", Number), column("y", Number)]
}

/// Rows of `y = 3 x + 100` with some missing x.
fn line(rows: u32) -> Vec<Vec<Value<'static>>> {
    let x = |row: u32| f64::from(row.wrapping_mul(7919) % rows) / f64::from(rows);
    let row = |row| {
        vec![
            if row % 10 == 9 { Null } else { number(x(row)) },
            number(3.0 * x(row) + 100.0),
        ]
    };
    (0..rows).map(row).collect()
}

fn refused(
    columns: Vec<Column>,
    options: TrainOptions,
    rows: &[Vec<Value<'_>>],
) -> (ErrorKind, String) {
    let error = train(columns, options, rows).err().expect("refused");
    (error.kind(), error.to_string())
}

fn bytes(trained: &Trained) -> Vec<u8> {
    trained.file.to_bytes(&mut NoCallback).expect("a file")
}

#[test]
fn too_few_rows_say_why() {
    assert_eq!(
        refused(xy(), quick(), &[]),
        (
            ErrorKind::NoRows,
            "the training query returned no rows".into()
        )
    );
    let null = vec![number(1.0), Null];
    assert_eq!(
        refused(xy(), quick(), &[null.clone(), null.clone()]),
        (
            ErrorKind::NullNotAllowed,
            "target \"y\" is NULL in all 2 rows".into()
        )
    );
    let one = vec![number(1.0), number(1.0)];
    assert_eq!(
        refused(xy(), quick(), &[one.clone(), null]),
        (ErrorKind::TooFew, "cannot train on one row".into())
    );
}

#[test]
fn two_rows_train() -> Result<()> {
    let trained = train(
        xy(),
        quick(),
        &[
            vec![number(1.0), number(1.0)],
            vec![number(2.0), number(2.0)],
        ],
    )?;
    assert_eq!(
        (
            trained.rows,
            trained.training_rows,
            trained.validation_rows,
            trained.epochs
        ),
        (2, 2, 0, 1)
    );
    assert_eq!(trained.val_loss, None);
    Ok(())
}

#[test]
fn one_class_is_too_few() {
    let rows = |value| {
        vec![
            vec![number(1.0), value],
            vec![number(2.0), value],
            vec![number(3.0), value],
        ]
    };
    let target = |kind| vec![column("x", Number), column("y", kind)];
    let expected = |label: &str| {
        (
            ErrorKind::TooFew,
            format!("target \"y\" has only one class, \"{label}\""),
        )
    };
    assert_eq!(
        refused(target(Category), quick(), &rows(Text("a"))),
        expected("a")
    );
    assert_eq!(
        refused(target(Boolean), quick(), &rows(Value::Boolean(true))),
        expected("true")
    );
    let options = TrainOptions {
        loss: Some(Loss::BINARY),
        ..quick()
    };
    assert_eq!(
        refused(
            vec![column("x", Number), integer("y")],
            options,
            &rows(number(7.0))
        ),
        expected("7")
    );
}

#[test]
fn columns_of_nulls_are_named() {
    let rows = vec![vec![Null, number(1.0)], vec![Null, number(2.0)]];
    let (kind, message) = refused(xy(), quick(), &rows);
    assert_eq!(
        (kind, message.as_str()),
        (
            ErrorKind::NullNotAllowed,
            "column \"x\" is NULL in every training row"
        )
    );
}

#[test]
fn a_line_is_learned_in_its_own_units() -> Result<()> {
    let trained = train(xy(), TrainOptions::default(), &line(500))?;
    assert_eq!(trained.rows, 500);
    assert_eq!(trained.validation_rows, 100);
    assert!(trained.epochs > 1 && trained.epochs <= 1000);
    let scorer = Scorer::new(&trained.file, &mut NoCallback)?;
    let mut scratch = scorer.scratch()?;
    let predicted = scorer.predict(&[number(0.5)], &mut scratch)?;
    assert!((predicted - 101.5).abs() < 0.2, "{predicted}");
    assert!(
        trained.metrics["r2"].as_f64().is_some_and(|r2| r2 > 0.8),
        "{}",
        trained.metrics
    );
    assert!(trained.metrics["mae"].is_number());
    assert_eq!(trained.settings["loss"], "mse");
    assert_eq!(trained.settings["epochs"], 1000);
    assert_eq!(
        trained.settings["callbacks"].as_array().map(Vec::len),
        Some(1)
    );
    assert!(trained.notices.is_empty());
    Ok(())
}

#[test]
fn defaults_follow_target_and_rows() -> Result<()> {
    let units = |trained: &Trained| -> Vec<usize> {
        trained
            .file
            .summary()
            .expect("layers")
            .iter()
            .map(|layer| layer.output_shape[0])
            .collect()
    };
    assert_eq!(units(&train(xy(), quick(), &line(100))?), [128, 64, 1]);
    assert_eq!(units(&train(xy(), quick(), &line(1200))?), [128, 64, 1]);
    let labels = ["c", "a", "b"];
    let rows: Vec<_> = (0..60)
        .map(|row| vec![number(f64::from(row % 3)), Text(labels[row as usize % 3])])
        .collect();
    let trained = train(
        vec![column("x", Number), column("y", Category)],
        quick(),
        &rows,
    )?;
    assert_eq!(units(&trained), [128, 64, 3]);
    assert_eq!(trained.file.task(), Task::Multiclass { classes: 3 });
    assert_eq!(trained.file.labels(), ["a", "b", "c"]);
    assert_eq!(trained.settings["loss"], "categorical_crossentropy");
    assert_eq!(trained.settings["metrics"], serde_json::json!(["accuracy"]));
    assert_eq!(
        trained.settings["callbacks"],
        serde_json::json!([]),
        "epochs were given"
    );
    assert_eq!(trained.epochs, 1);
    Ok(())
}

#[test]
fn an_integer_of_zeros_and_ones_is_a_class_target_with_a_notice() -> Result<()> {
    let rows = |top: i32| -> Vec<_> {
        (0..40)
            .map(|row| vec![number(f64::from(row)), number(f64::from(row % top))])
            .collect()
    };
    let columns = || vec![column("x", Number), integer("y")];
    let trained = train(columns(), quick(), &rows(2))?;
    assert_eq!(trained.file.task(), Task::Binary);
    assert_eq!(trained.file.labels(), ["0", "1"]);
    assert_eq!(trained.notices.len(), 1);
    assert!(trained.notices[0].contains("holds only 0 and 1"));
    assert_eq!(
        train(columns(), quick(), &rows(3))?.file.task(),
        Task::Regression { outputs: 1 }
    );
    assert_eq!(
        train(xy(), quick(), &rows(2))?.file.task(),
        Task::Regression { outputs: 1 },
        "not an integer"
    );
    let options = TrainOptions {
        loss: Some(Loss::CATEGORICAL),
        ..quick()
    };
    let trained = train(columns(), options, &rows(11))?;
    assert_eq!(
        trained.file.labels()[9..],
        ["9", "10"],
        "by value, not as text"
    );
    Ok(())
}

#[test]
fn rows_without_a_target_are_counted() -> Result<()> {
    let mut rows = line(50);
    rows[3][1] = Null;
    rows[4][1] = Null;
    let trained = train(xy(), quick(), &rows)?;
    assert_eq!(trained.rows, 48);
    assert_eq!(
        trained.notices,
        ["2 rows whose target \"y\" is NULL were skipped"]
    );
    Ok(())
}

#[test]
fn a_wrong_last_layer_is_told_what_is_needed() {
    let layers = Sequential::new(vec![Layer::Dense(Dense::new(2, Activation::Softmax))]);
    let rows: Vec<_> = (0..30)
        .map(|row| {
            vec![
                number(f64::from(row)),
                Text(["a", "b", "c"][row as usize % 3]),
            ]
        })
        .collect();
    let options = TrainOptions {
        layers: Some(layers),
        ..quick()
    };
    let error = train(
        vec![column("x", Number), column("y", Category)],
        options,
        &rows,
    )
    .err()
    .expect("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    let text = format!("{error} {:?}", error.hint_text());
    assert!(text.contains('3'), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() -> Result<()> {
    let with = |seed| train(xy(), TrainOptions { seed, ..quick() }, &line(300));
    let first = bytes(&with(1)?);
    assert!(first == bytes(&with(1)?));
    assert!(first != bytes(&with(2)?));
    let mut training = Training::new(
        xy(),
        &["y"],
        TrainOptions { seed: 1, ..quick() },
        Box::new(NoSpill),
    )?;
    for row in line(300) {
        training.push(&row, &mut NoCallback)?;
    }
    let threaded = training.finish(&mut NoCallback, &Pool::new(3)?)?;
    assert!(first == bytes(&threaded), "three threads");
    Ok(())
}

#[test]
fn threads_change_nothing_where_memory_is_short() -> Result<()> {
    let rows = line(20_000);
    let layers = vec![
        Layer::Dense(Dense::new(200, Activation::Relu)),
        Layer::Dense(Dense::new(200, Activation::Relu)),
        Layer::Dense(Dense::new(1, Activation::Linear)),
    ];
    let run = |memory_limit, threads| {
        let options = TrainOptions {
            layers: Some(Sequential::new(layers.clone())),
            batch_size: Some(2000),
            memory_limit,
            ..quick()
        };
        let mut training = Training::new(xy(), &["y"], options, Box::new(ToMemory))?;
        for row in &rows {
            training.push(row, &mut NoCallback)?;
        }
        training.finish(&mut NoCallback, &Pool::new(threads)?)
    };
    // Four threads want megabytes more than one: rows would spill earlier, and in another order.
    let mut limits = (10..40).map(|eighths| eighths << 17);
    let first = limits.by_ref().find(|&limit| run(limit, 1).is_ok());
    let mut fewer = 0;
    for limit in first.into_iter().chain(limits.step_by(5)) {
        let (one, four) = (run(limit, 1)?, run(limit, 4)?);
        assert!(bytes(&one) == bytes(&four), "{limit}");
        fewer += usize::from(four.threads < four.threads_wanted);
    }
    assert!(fewer > 0, "no limit was too small for four threads");
    Ok(())
}

#[test]
fn a_spill_learns_the_same_preprocessing() -> Result<()> {
    const MEMORY: u64 = 64 << 20;
    let rows = line(40_000);
    let layers = vec![
        Layer::Dense(Dense::new(4, Activation::Tanh)),
        Layer::Dense(Dense::new(1, Activation::Linear)),
    ];
    let run = |memory_limit, shuffle| {
        let options = TrainOptions {
            layers: Some(Sequential::new(layers.clone())),
            optimizer: Some(Optimizer::parse("{\"adam\": {\"learning_rate\": 0.02}}")?),
            batch_size: Some(256),
            memory_limit,
            shuffle,
            ..quick()
        };
        let files = Rc::new(Cell::new(0));
        let mut training = Training::new(xy(), &["y"], options, Box::new(Counting(files.clone())))?;
        for row in &rows {
            training.push(row, &mut NoCallback)?;
        }
        let trained = training.finish(&mut NoCallback, &Pool::new(1)?)?;
        assert_eq!(
            files.get() == 0,
            memory_limit == MEMORY,
            "{memory_limit}: {} files",
            files.get()
        );
        Ok::<Trained, Error>(trained)
    };
    // The smallest limit that serves is one at which the rows have to go.
    let spill = (2..256)
        .map(|eighths| eighths << 17)
        .find(|&limit| run(limit, true).is_ok());
    let spill = spill.expect("a limit that serves");
    let (memory, spilled) = (run(MEMORY, true)?, run(spill, true)?);
    assert!(spilled.file.preprocessing == memory.file.preprocessing);
    assert!(spilled.file.target == memory.file.target);
    assert!(bytes(&spilled) == bytes(&run(spill, true)?));
    for trained in [memory, spilled] {
        let r2 = trained.metrics["r2"].as_f64();
        assert!(r2.is_some_and(|r2| r2 > 0.8), "{r2:?}");
    }
    // Without shuffling nothing differs at all.
    assert!(bytes(&run(spill, false)?) == bytes(&run(MEMORY, false)?));
    Ok(())
}

#[test]
fn a_model_beyond_the_limit_is_refused_before_it_is_taken() -> Result<()> {
    let layers = Sequential::new(vec![
        Layer::Dense(Dense::new(10_000, Activation::Relu)),
        Layer::Dense(Dense::new(10_000, Activation::Relu)),
        Layer::Dense(Dense::new(1, Activation::Linear)),
    ]);
    let options = TrainOptions {
        layers: Some(layers),
        memory_limit: 64 << 20,
        ..quick()
    };
    let mut training = Training::new(xy(), &["y"], options, Box::new(NoSpill))?;
    for row in line(20) {
        training.push(&row, &mut NoCallback)?;
    }
    let error = training
        .finish(&mut NoCallback, &Pool::new(1)?)
        .err()
        .expect("refused");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().starts_with("the model needs "), "{error}");
    assert!(
        error
            .to_string()
            .ends_with(" of memory, more than the limit of 64 MB"),
        "{error}"
    );
    Ok(())
}

#[test]
fn categories_too_long_for_a_file_are_refused_before_fitting() -> Result<()> {
    let texts: Vec<String> = (0..20)
        .map(|i| format!("{i}{}", "x".repeat(1 << 20)))
        .collect();
    let row = |i: usize| vec![Text(&texts[i % 20]), number(i as f64)];
    let rows: Vec<_> = (0..60).map(row).collect();
    let columns = vec![column("x", Category), column("y", Number)];
    for (memory_limit, rows, kind) in [
        (1 << 30, &rows[..], ErrorKind::LimitExceeded),
        (48 << 20, &rows[..7], ErrorKind::OutOfMemory),
    ] {
        let options = TrainOptions {
            memory_limit,
            ..quick()
        };
        assert_eq!(refused(columns.clone(), options, rows).0, kind);
    }
    Ok(())
}

#[test]
fn every_check_can_cancel_and_the_error_comes_back_unchanged() -> Result<()> {
    let rows = line(64);
    let run = |callback: &mut CancelAt| {
        let mut training = Training::new(xy(), &["y"], quick(), Box::new(ToMemory))?;
        for row in &rows {
            training.push(row, callback)?;
        }
        training
            .finish(callback, &Pool::new(1)?)?
            .file
            .to_bytes(callback)
    };
    let mut all = CancelAt { left: u64::MAX };
    let whole = run(&mut all)?;
    let checks = u64::MAX - all.left;
    assert!(checks > 5, "{checks}");
    for left in 0..checks {
        let error = run(&mut CancelAt { left }).expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Foreign);
        let payload = error
            .into_foreign()
            .and_then(|payload| payload.downcast::<&str>().ok());
        assert_eq!(payload.as_deref(), Some(&"cancelled"));
    }
    assert!(run(&mut CancelAt { left: checks })? == whole);
    Ok(())
}

#[test]
fn metrics_can_be_chosen_and_undefined_ones_are_null() -> Result<()> {
    let options = TrainOptions {
        metrics: Some(vec![Metric::RMSE, Metric::R2]),
        validation_split: Some(0.0),
        ..quick()
    };
    let constant: Vec<_> = (0..20)
        .map(|row| vec![number(f64::from(row)), number(5.0)])
        .collect();
    let trained = train(xy(), options, &constant)?;
    assert!(
        trained.metrics["rmse"].is_number() && trained.metrics["r2"].is_null(),
        "{}",
        trained.metrics
    );
    let file = ModelFile::from_bytes(&bytes(&trained), 64 << 20, &mut NoCallback)?;
    assert!(bytes(&trained) == file.to_bytes(&mut NoCallback)?);
    Ok(())
}
