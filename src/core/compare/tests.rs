//! A model and its rival on the same validation rows.

use crate::fixture::{CancelAt, NoCallback, ToMemory, column, integer, quick, train};
use crate::{
    Column, ColumnType, ErrorKind, Evaluation, Loss, Pool, Preprocess, Result, Scorer, Sequential,
    TrainOptions, Trained, Training, Value, Vector,
};
use ColumnType::{Boolean, Category, Number};
use Value::{Null, Text};
use std::rc::Rc;

type Row = Vec<Value<'static>>;

fn scorer(trained: &Trained) -> Rc<Scorer> {
    Rc::new(Scorer::new(&trained.file, &mut NoCallback).expect("a scorer"))
}

/// Trains on `rows`, the last columns being the `targets`, against `rival`.
fn against(
    rival: &Rc<Scorer>,
    columns: Vec<Column>,
    targets: &[&str],
    options: TrainOptions,
    rows: &[Row],
    threads: usize,
) -> Result<Trained> {
    let pool = Pool::new(threads)?;
    let known = columns.clone();
    let mut training = Training::new(columns, targets, options, Box::new(ToMemory))?.on(&pool)?;
    training.compare_with(Rc::clone(rival), &known)?;
    training.require_validation()?;
    for row in rows {
        training.push(row, &mut NoCallback)?;
    }
    training.finish(&mut NoCallback, &pool)
}

fn number(value: f64) -> Value<'static> {
    Value::Number(value)
}

const CITIES: [&str; 3] = ["Jena", "Köln", "Łódź"];
const STREETS: [&str; 4] = ["a", "b", "c", "d"];
const VECTORS: [[f64; 2]; 3] = [[0.0, 1.5], [2.0, -1.0], [0.25, 7.0]];

/// Columns of every kind; `y` is a number, and `shift` moves it.
fn mixed(rows: usize, shift: f64) -> (Vec<Column>, Vec<Row>) {
    let columns = vec![
        column("a", Number),
        column("city", Category),
        column("street", Category),
        column("sold", Boolean),
        Column {
            length: Some(2),
            ..column("v", ColumnType::Vector)
        },
        column("w", Number),
        column("y", Number),
    ];
    let row = |row: usize| {
        let a = (row * 7919 % 1000) as f64 / 100.0;
        let null = row % 11 == 10;
        vec![
            if null { Null } else { number(a) },
            if row % 13 == 12 {
                Null
            } else {
                Text(CITIES[row % 3])
            },
            Text(STREETS[row % 4]),
            Value::Boolean(row.is_multiple_of(2)),
            Value::Vector(Vector::Double(&VECTORS[row % 3])),
            number(0.5 + (row % 5) as f64),
            number(3.0 * a + 40.0 * (row % 3) as f64 + shift),
        ]
    };
    (columns, (0..rows).map(row).collect())
}

fn mixed_options() -> TrainOptions {
    TrainOptions {
        sample_weight: Some("w".into()),
        preprocess: Preprocess::parse(r#"{"street": {"encode": {"hash": {"buckets": 3}}}}"#)
            .expect("valid"),
        validation_split: Some(0.3),
        epochs: Some(3),
        ..quick()
    }
}

#[test]
fn a_model_is_no_better_than_itself() -> Result<()> {
    let (columns, rows) = mixed(600, 0.0);
    for loss in ["mse", "mae", r#"{"huber": {"delta": 0.5}}"#] {
        let options = || TrainOptions {
            loss: Loss::parse(loss).ok(),
            ..mixed_options()
        };
        let first = train(columns.clone(), options(), &rows)?;
        assert_eq!(first.rival_loss, None);
        for threads in [1, 2] {
            let again = against(
                &scorer(&first),
                columns.clone(),
                &["y"],
                options(),
                &rows,
                threads,
            )?;
            assert_eq!(again.val_loss, first.val_loss);
            assert_eq!(again.rival_loss, again.val_loss, "{loss}");
            let bytes = |trained: &Trained| trained.file.to_bytes(&mut NoCallback);
            assert!(
                bytes(&again)? == bytes(&first)?,
                "the rival changes the model"
            );
        }
    }
    Ok(())
}

#[test]
fn rows_that_spill_are_compared_all_the_same() -> Result<()> {
    let (columns, rows) = mixed(30_000, 0.0);
    let options = |memory| TrainOptions {
        memory_limit: memory,
        batch_size: Some(256),
        epochs: Some(1),
        ..mixed_options()
    };
    let rival = train(columns.clone(), options(1 << 30), &rows[..900])?;
    let rival = scorer(&rival);
    let mut found = Vec::new();
    for (memory, threads) in [(1 << 30, 1), (1_200_000, 1), (1_200_000, 2)] {
        let trained = against(
            &rival,
            columns.clone(),
            &["y"],
            options(memory),
            &rows,
            threads,
        )?;
        found.push(trained.rival_loss.expect("compared"));
    }
    // What spilled is trained in another order: each difference is added to another val_loss, and rounded there.
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * b;
    assert!(
        near(found[1], found[0]) && found[1] == found[2],
        "{found:?}"
    );
    Ok(())
}

#[test]
fn the_rival_is_scored_in_the_terms_of_the_new_model() -> Result<()> {
    let (columns, old) = mixed(600, 0.0);
    // Another mean and another deviation.
    let (_, mut new) = mixed(500, 1000.0);
    for row in &mut new {
        if let Some(Value::Number(y)) = row.last_mut() {
            *y *= 3.0;
        }
    }
    let plain = TrainOptions {
        split_column: Some("sold".into()),
        epochs: Some(2),
        ..quick()
    };
    let without = || vec![column("a", Number), column("city", Category)];
    let narrow = |rows: &[Row]| -> Vec<Row> {
        let keep = |row: &Row| vec![row[0], row[1], row[3], row[6]];
        rows.iter().map(keep).collect()
    };
    let mut columns_here = without();
    columns_here.extend([column("sold", Boolean), columns[6].clone()]);
    let rival = train(columns_here.clone(), plain.clone(), &narrow(&old))?;
    let rival = scorer(&rival);
    let new = narrow(&new);
    let trained = against(&rival, columns_here.clone(), &["y"], plain, &new, 1)?;
    // Evaluation says the mse in the units of the target: standardised as the new model's, it is the loss.
    let mut evaluation = Evaluation::new(&*rival, &columns_here)?;
    let of = |row: &Row| match row[3] {
        Value::Number(y) => y,
        _ => f64::NAN,
    };
    let validates = |row: &&Row| row[2] == Value::Boolean(true);
    for row in new.iter().filter(validates) {
        evaluation.push(row, &mut NoCallback)?;
    }
    let mse = evaluation.finish()?;
    let mse = mse.iter().find(|(name, _)| name == "mse").expect("mse").1;
    let trains: Vec<f64> = new.iter().filter(|row| !validates(row)).map(of).collect();
    let mean = trains.iter().sum::<f64>() / trains.len() as f64;
    let variance =
        trains.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / trains.len() as f64;
    let (found, expected) = (trained.rival_loss.expect("compared"), mse / variance);
    assert!(
        (found - expected).abs() < 1e-5 * expected,
        "{found} {expected}"
    );
    assert!(trained.val_loss.expect("validated") < found);
    Ok(())
}

#[test]
fn several_targets_are_found_by_their_names() -> Result<()> {
    let columns = |names: [&str; 3]| names.map(|name| column(name, Number)).to_vec();
    let rows = |swap: bool| -> Vec<Row> {
        let row = |row: i32| {
            let x = f64::from(row * 37 % 100) / 10.0;
            let (p, q) = (number(5.0 * x), number(90.0 - x * x));
            let [p, q] = if swap { [q, p] } else { [p, q] };
            vec![number(x), p, q]
        };
        (0..300).map(row).collect()
    };
    let first = {
        let pool = Pool::new(1)?;
        let mut training = Training::new(
            columns(["x", "p", "q"]),
            &["p", "q"],
            quick(),
            Box::new(ToMemory),
        )?;
        for row in rows(false) {
            training.push(&row, &mut NoCallback)?;
        }
        training.finish(&mut NoCallback, &pool)?
    };
    let rival = scorer(&first);
    let same = against(
        &rival,
        columns(["x", "p", "q"]),
        &["p", "q"],
        quick(),
        &rows(false),
        1,
    )?;
    assert_eq!(same.rival_loss, same.val_loss);
    let swapped = against(
        &rival,
        columns(["x", "q", "p"]),
        &["q", "p"],
        quick(),
        &rows(true),
        1,
    )?;
    let (a, b) = (swapped.rival_loss, same.rival_loss);
    let (a, b) = (a.expect("compared"), b.expect("compared"));
    assert!((a - b).abs() < 1e-6 * b, "{a} {b}");
    let error = against(
        &rival,
        columns(["x", "p", "r"]),
        &["p", "r"],
        quick(),
        &[],
        1,
    );
    let message = error.err().expect("refused").to_string();
    assert!(message.ends_with("it does not predict \"r\""), "{message}");
    Ok(())
}

/// Rows of three classes, the last of them only from the 300th on where it is `new`.
fn classes(kind: ColumnType, names: [Value<'static>; 3], new: bool) -> (Vec<Column>, Vec<Row>) {
    let mut y = column("y", kind);
    y.integer = kind == Number;
    let row = |row: usize| {
        let third = if new {
            row.is_multiple_of(4)
        } else {
            row % 3 == 2
        };
        let class = if third { 2 } else { row % 2 };
        let x = class as f64 * 2.0 + (row * 31 % 17) as f64 / 10.0;
        vec![number(x), names[class]]
    };
    let rows = (0..400).map(row).collect();
    (vec![column("x", Number), y], rows)
}

#[test]
fn classes_are_compared_by_their_labels() -> Result<()> {
    let texts = [Text("a"), Text("b"), Text("c")];
    let numbers = [number(1.0), number(2.0), number(7.0)];
    for (kind, names) in [(Category, texts), (Number, numbers)] {
        let options = || TrainOptions {
            loss: Loss::parse("categorical_crossentropy").ok(),
            ..quick()
        };
        let (columns, rows) = classes(kind, names, false);
        let first = train(columns.clone(), options(), &rows)?;
        let same = against(&scorer(&first), columns, &["y"], options(), &rows, 1)?;
        assert_eq!(same.rival_loss, same.val_loss);
        // A label that the rival does not know: -ln 1e-7 for each of its rows.
        let known: Vec<Row> = rows
            .iter()
            .filter(|row| row[1] != names[2])
            .cloned()
            .collect();
        let (columns, rows) = classes(kind, names, true);
        let two = train(columns.clone(), options(), &known)?;
        assert_eq!(two.file.task().name(), "binary");
        let third = against(&scorer(&two), columns.clone(), &["y"], options(), &rows, 1)?;
        let loss = third.rival_loss.expect("compared");
        assert!((16.118 * 0.2..16.118).contains(&loss), "{loss}");
        // The other way round every label is known.
        let back = against(&scorer(&third), columns, &["y"], options(), &known, 1)?;
        assert!(back.rival_loss.expect("compared") < 2.0);
    }
    Ok(())
}

#[test]
fn two_classes_under_any_loss() -> Result<()> {
    let rows: Vec<Row> = (0..300)
        .map(|row| {
            let x = f64::from(row % 29);
            vec![number(x), Value::Boolean(row % 29 + row % 3 > 15)]
        })
        .collect();
    let columns = || vec![column("x", Number), column("y", Boolean)];
    let layers = Sequential::from_json(&serde_json::json!([
        {"class_name": "Dense", "config": {"units": 1}}
    ]))?;
    let of = |loss, layers: Option<&Sequential>| TrainOptions {
        loss: Loss::parse(loss).ok(),
        layers: layers.cloned(),
        ..quick()
    };
    for (loss, layers) in [
        ("binary_crossentropy", None),
        ("mse", Some(&layers)),
        ("mae", Some(&layers)),
    ] {
        let first = train(columns(), of(loss, layers), &rows)?;
        let same = against(
            &scorer(&first),
            columns(),
            &["y"],
            of(loss, layers),
            &rows,
            1,
        )?;
        assert_eq!(same.rival_loss, same.val_loss, "{loss}");
        let other = of("binary_crossentropy", None);
        let other = against(&scorer(&first), columns(), &["y"], other, &rows, 1)?;
        assert!(other.rival_loss.is_some_and(f64::is_finite), "{loss}");
    }
    Ok(())
}

#[test]
fn a_rival_that_refuses_a_row_is_worse() -> Result<()> {
    let strict = TrainOptions {
        preprocess: Preprocess::parse(r#"{"city": {"on_unseen": "error"}}"#)?,
        ..quick()
    };
    let columns = || {
        vec![
            column("x", Number),
            column("city", Category),
            column("y", Number),
        ]
    };
    let rows = |cities: usize| -> Vec<Row> {
        let row = |row: usize| {
            let x = number((row % 50) as f64);
            vec![x, Text(CITIES[row % cities]), x]
        };
        (0..300).map(row).collect()
    };
    let first = train(columns(), strict, &rows(2))?;
    let trained = against(&scorer(&first), columns(), &["y"], quick(), &rows(3), 2)?;
    assert_eq!(trained.rival_loss, Some(f64::INFINITY));
    let notice = trained.notices.iter().find(|it| it.contains("deployed"));
    let notice = notice.expect("a notice");
    assert!(
        notice.starts_with("the deployed version cannot be scored on ")
            && notice.contains("validation rows and counts as worse: column \"city\" has"),
        "{notice}"
    );
    Ok(())
}

#[test]
fn a_validation_query_and_excluded_columns_are_bound_by_name() -> Result<()> {
    let rows: Vec<Row> = (0..300)
        .map(|row| {
            let x = f64::from(row % 30);
            vec![number(x), number(x * 2.0), number(x * 3.0)]
        })
        .collect();
    let columns = || ["x", "z", "y"].map(|name| column(name, Number)).to_vec();
    let first = train(columns(), quick(), &rows)?;
    let rival = scorer(&first);
    let without = || TrainOptions {
        exclude: vec!["z".into()],
        ..quick()
    };
    let pool = Pool::new(1)?;
    let mut training = Training::new(columns(), &["y"], without(), Box::new(ToMemory))?;
    training.compare_with(Rc::clone(&rival), &columns())?;
    let missing = training.validate_on(&[column("y", Number), column("x", Number)]);
    let missing = missing.expect_err("z is missing");
    assert_eq!(
        (missing.kind(), missing.to_string().as_str()),
        (
            ErrorKind::InvalidParameter,
            "the deployed version cannot be compared with a new one: column \"z\" is missing"
        )
    );
    let turned = ["y", "z", "x"].map(|name| column(name, Number));
    training.validate_on(&turned)?;
    training.require_validation()?;
    for row in &rows {
        training.push(row, &mut NoCallback)?;
    }
    let mut evaluation = Evaluation::new(&*rival, &columns())?;
    for row in &rows[..20] {
        training.push_validation(&[row[2], row[1], row[0]], &mut NoCallback)?;
        evaluation.push(row, &mut NoCallback)?;
    }
    let trained = training.finish(&mut NoCallback, &pool)?;
    // The rows are the same, and so are mean and deviation but for the rows that validated before.
    let (loss, found) = (
        evaluation.finish()?[0].1,
        trained.rival_loss.expect("compared"),
    );
    assert!((found / loss - 1.0).abs() < 0.1, "{found} {loss}");
    Ok(())
}

#[test]
fn what_cannot_be_compared_is_said_before_the_first_row() -> Result<()> {
    let rows: Vec<Row> = (0..60)
        .map(|row| vec![number(f64::from(row)), number(f64::from(row % 2))])
        .collect();
    let columns = |x, y: Column| vec![column(x, Number), y];
    let numbers = scorer(&train(columns("x", column("y", Number)), quick(), &rows)?);
    let classes = scorer(&train(columns("x", integer("y")), quick(), &rows)?);
    let refused = |rival: &Rc<Scorer>, columns: Vec<Column>, rows: &[Row]| {
        let error = against(rival, columns, &["y"], quick(), rows, 1).err();
        let error = error.expect("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidParameter);
        assert!(
            error
                .hint_text()
                .is_some_and(|hint| hint.contains("deploy => 'always'"))
        );
        let message = error.to_string();
        let said = "the deployed version cannot be compared with a new one: ";
        message.strip_prefix(said).map(str::to_owned).expect("said")
    };
    let y = || column("y", Number);
    assert_eq!(
        refused(&numbers, columns("z", y()), &[]),
        "column \"x\" is missing"
    );
    let text = vec![column("x", Category), y()];
    assert_eq!(
        refused(&numbers, text, &[]),
        "column \"x\" must be a number, not text"
    );
    assert_eq!(
        refused(&classes, columns("x", y()), &[]),
        "it predicts classes, not numbers"
    );
    assert_eq!(
        refused(&numbers, columns("x", column("y", Category)), &[]),
        "it predicts a number, but target \"y\" is text"
    );
    // Whether 0 and 1 are classes is known at the end.
    assert_eq!(
        refused(&numbers, columns("x", integer("y")), &rows),
        "it predicts numbers, not classes"
    );
    let several = ["x", "y", "z"].map(|name| column(name, Number)).to_vec();
    let error = against(&numbers, several, &["y", "z"], quick(), &[], 1).err();
    let message = error.expect("refused").to_string();
    assert!(
        message.ends_with("it predicts 1 number, not 2"),
        "{message}"
    );
    Ok(())
}

#[test]
fn without_validation_rows_nothing_is_compared() -> Result<()> {
    let columns = || {
        vec![
            column("x", Number),
            column("part", Boolean),
            column("y", Number),
        ]
    };
    let none = "deploy => 'if_better' needs validation rows";
    let new = |options| Training::new(columns(), &["y"], options, Box::new(ToMemory));
    let mut training = new(TrainOptions {
        validation_split: Some(0.0),
        ..quick()
    })?;
    let error = training.require_validation().expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::InvalidParameter, none)
    );
    // There could have been some, but there are none.
    let mut training = new(TrainOptions {
        split_column: Some("part".into()),
        ..quick()
    })?;
    training.require_validation()?;
    for row in 0..20 {
        let x = number(f64::from(row));
        training.push(&[x, Value::Boolean(false), x], &mut NoCallback)?;
    }
    let error = training.finish(&mut NoCallback, &Pool::new(1)?).err();
    assert_eq!(error.expect("refused").to_string(), none);
    Ok(())
}

#[test]
fn a_cancel_is_seen_while_rows_are_compared() -> Result<()> {
    let (columns, rows) = mixed(2000, 0.0);
    let options = || TrainOptions {
        validation_split: Some(0.9),
        ..mixed_options()
    };
    let first = scorer(&train(columns.clone(), options(), &rows)?);
    let pool = Pool::new(1)?;
    let checks = |left: u64| {
        let mut callback = CancelAt { left };
        let known = columns.clone();
        let mut training = Training::new(known, &["y"], options(), Box::new(ToMemory))?;
        training.compare_with(Rc::clone(&first), &columns)?;
        for row in &rows {
            training.push(row, &mut callback)?;
        }
        training.finish(&mut callback, &pool)?;
        Ok(left - callback.left)
    };
    let all = checks(u64::MAX)?;
    // The last ones are those of the comparison.
    for left in [all - 1, all - 5, all / 2] {
        let cancelled: Result<u64> = checks(left);
        assert_eq!(
            cancelled.err().map(|it| it.kind()),
            Some(ErrorKind::Foreign)
        );
    }
    Ok(())
}
