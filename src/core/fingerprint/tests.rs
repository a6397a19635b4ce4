//! Which rows have one fingerprint, and which have not.

use crate::fixture::{NoCallback, ToMemory, column, quick};
use crate::{Column, ColumnType, Pool, Preprocess, Result, TrainOptions, Training, Value, Vector};
use ColumnType::{Boolean, Category, Date, Number};
use Value::{Null, Text};

type Row = Vec<Value<'static>>;

fn columns() -> Vec<Column> {
    vec![
        column("a", Number),
        column("city", Category),
        column("street", Category),
        column("sold", Boolean),
        column("day", Date),
        Column {
            length: Some(2),
            ..column("v", ColumnType::Vector)
        },
        column("y", Number),
        column("w", Number),
    ]
}

fn options() -> TrainOptions {
    TrainOptions {
        sample_weight: Some("w".into()),
        preprocess: Preprocess::parse(r#"{"street": {"encode": {"hash": {"buckets": 3}}}}"#)
            .expect("valid"),
        ..quick()
    }
}

const VECTORS: [[f64; 2]; 3] = [[0.0, 1.5], [2.0, -1.0], [0.25, 7.0]];
const STREETS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn row(row: usize) -> Row {
    let city = ["Jena", "Köln", "Łódź"][row % 3];
    vec![
        Value::Number(row as f64 / 3.0),
        if row % 7 == 6 { Null } else { Text(city) },
        Text(STREETS[row % 5]),
        Value::Boolean(row.is_multiple_of(2)),
        Value::Number((row % 40) as f64 * 86_400.0),
        Value::Vector(Vector::Double(&VECTORS[row % 3])),
        Value::Number((row * 7 % 11) as f64),
        Value::Number(1.0 + (row % 4) as f64 / 2.0),
    ]
}

fn rows(count: usize) -> Vec<Row> {
    (0..count).map(row).collect()
}

fn print_of(
    columns: Vec<Column>,
    options: TrainOptions,
    rows: &[Row],
    threads: usize,
) -> Result<[u8; 32]> {
    let pool = Pool::new(threads)?;
    let mut training = Training::new(columns, &["y"], options, Box::new(ToMemory))?.on(&pool)?;
    for row in rows {
        training.push(row, &mut NoCallback)?;
    }
    Ok(training.finish(&mut NoCallback, &pool)?.fingerprint)
}

fn print(rows: &[Row]) -> [u8; 32] {
    print_of(columns(), options(), rows, 1).expect("trained")
}

#[test]
fn neither_order_nor_settings_nor_threads_matter() -> Result<()> {
    let mut all = rows(200);
    let first = print(&all);
    all.reverse();
    assert_eq!(print(&all), first);
    all.rotate_left(77);
    all.swap(3, 50);
    for threads in [1, 2, 4] {
        let other = TrainOptions {
            seed: 7,
            validation_split: Some(0.3),
            batch_size: Some(8),
            ..options()
        };
        assert_eq!(print_of(columns(), other, &all, threads)?, first);
    }
    Ok(())
}

#[test]
fn the_way_rows_are_stored_does_not_matter() -> Result<()> {
    let many = rows(40_000);
    let first = print(&many);
    for threads in [1, 2] {
        let small = TrainOptions {
            memory_limit: 2 << 20,
            ..options()
        };
        assert_eq!(print_of(columns(), small, &many, threads)?, first);
    }
    // In halves, so that every number fits an f32.
    let numbers = |single| {
        let columns = ["a", "b", "y"].map(|name| Column {
            single_precision: single,
            integer: single && name == "a",
            ..column(name, Number)
        });
        let row = |row: i32| vec![Value::Number(f64::from(row) / 2.0); 3];
        print_of(
            columns.into(),
            quick(),
            &(-50..50).map(row).collect::<Vec<_>>(),
            1,
        )
    };
    assert_eq!(numbers(true)?, numbers(false)?);
    Ok(())
}

#[test]
fn every_value_matters() {
    let all = rows(60);
    let first = print(&all);
    let mut seen = vec![first];
    let changes: [(usize, Value<'static>); 15] = [
        (
            0,
            Value::Number(f64::from_bits((5.0_f64 / 3.0).to_bits() + 1)),
        ),
        (0, Null),
        (0, Value::Number(0.0)),
        (1, Text("Jena ")),
        (1, Text("")),
        (1, Null),
        (2, Text("f")),
        (2, Null),
        (3, Value::Boolean(true)),
        (3, Null),
        (4, Value::Number(86_400.0)),
        (5, Value::Vector(Vector::Double(&[0.25, 8.0]))),
        (5, Null),
        (6, Value::Number(4.0)),
        (7, Value::Number(2.0)),
    ];
    for (place, value) in changes {
        let mut changed = all.clone();
        assert_ne!(changed[5][place], value);
        changed[5][place] = value;
        seen.push(print(&changed));
    }
    // Values that change places within a row or within a column.
    let mut swapped = all.clone();
    (swapped[5][1], swapped[5][2]) = (all[5][2], all[5][1]);
    seen.push(print(&swapped));
    let mut swapped = all.clone();
    (swapped[5][0], swapped[9][0]) = (all[9][0], all[5][0]);
    seen.push(print(&swapped));
    seen.push(print(&all[1..]));
    let mut twice = all.clone();
    twice.push(all[9].clone());
    seen.push(print(&twice));
    twice[0] = all[9].clone();
    seen.push(print(&twice[..60]));
    let different: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(different.len(), seen.len());
    // What is the same value stays it: 0 and -0, rows that are not used.
    let mut same = all.clone();
    same[0][0] = Value::Number(-0.0);
    let mut skipped = all[7].clone();
    skipped[6] = Null;
    same.push(skipped);
    assert_eq!(print(&same), first);
}

#[test]
fn names_types_and_roles_matter() -> Result<()> {
    let rows: Vec<Row> = (0..40)
        .map(|row| vec![Value::Number(f64::from(row)); 3])
        .collect();
    let with = |names: [&str; 3], second, weight: Option<&str>| {
        let [a, b, y] = names;
        let columns = vec![column(a, Number), column(b, second), column(y, Number)];
        let options = TrainOptions {
            sample_weight: weight.map(str::to_owned),
            ..quick()
        };
        print_of(columns, options, &rows, 1)
    };
    let prints = [
        with(["a", "b", "y"], Number, None)?,
        with(["a", "c", "y"], Number, None)?,
        with(["b", "a", "y"], Number, None)?,
        with(["a", "b", "y"], Date, None)?,
        with(["a", "b", "y"], Number, Some("b"))?,
    ];
    let different: std::collections::HashSet<_> = prints.iter().collect();
    assert_eq!(different.len(), prints.len());
    // A column that is left out is no part of it.
    let mut columns = vec![
        column("a", Number),
        column("id", Number),
        column("b", Number),
    ];
    columns.push(column("y", Number));
    let options = TrainOptions {
        exclude: vec!["id".into()],
        ..quick()
    };
    let longer: Vec<Row> = (0..40)
        .map(|row| {
            let mut values = vec![Value::Number(f64::from(row)); 4];
            values[1] = Value::Number(-7.0 * f64::from(row));
            values
        })
        .collect();
    assert_eq!(print_of(columns, options, &longer, 1)?, prints[0]);
    Ok(())
}

#[test]
fn which_rows_validate_matters_where_the_rows_say_it() -> Result<()> {
    let columns = || {
        vec![
            column("a", Number),
            column("part", Boolean),
            column("y", Number),
        ]
    };
    let rows = |validates: fn(u32) -> bool| {
        let row = |row: u32| {
            let number = Value::Number(f64::from(row));
            vec![number, Value::Boolean(validates(row)), number]
        };
        (0..50).map(row).collect::<Vec<Row>>()
    };
    let options = || TrainOptions {
        split_column: Some("part".into()),
        ..quick()
    };
    let of = |validates| print_of(columns(), options(), &rows(validates), 2);
    let first = of(|row| row % 5 == 0)?;
    assert_ne!(of(|row| row % 5 == 1)?, first);
    // A query of their own says the same.
    let pool = Pool::new(1)?;
    let pair = || vec![column("a", Number), column("y", Number)];
    let mut training = Training::new(pair(), &["y"], quick(), Box::new(ToMemory))?;
    training.validate_on(&pair())?;
    let (validating, training_rows): (Vec<_>, Vec<_>) = (0..50).partition(|row| row % 5 == 0);
    for row in training_rows {
        training.push(&[Value::Number(f64::from(row)); 2], &mut NoCallback)?;
    }
    for row in validating {
        training.push_validation(&[Value::Number(f64::from(row)); 2], &mut NoCallback)?;
    }
    assert_eq!(training.finish(&mut NoCallback, &pool)?.fingerprint, first);
    Ok(())
}

#[test]
fn is_the_same_in_every_release() {
    let hex: String = print(&rows(50))
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    // What this test printed first.
    assert_eq!(
        hex,
        "8fe593f641d483f21876784347cc17bc239770674ca7caacb4bd585ff15af775"
    );
}
