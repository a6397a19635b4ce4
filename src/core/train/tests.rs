//! What is refused before and while rows are read, and where the rows go.

use crate::fixture::{CancelAt, NoCallback, NoSpill, ToMemory, column, integer};
use crate::{Column, ColumnType, ErrorKind, Loss, Result, TrainOptions, Training, Value};
use ColumnType::{Boolean, Category, Number};

fn new(columns: Vec<Column>, options: TrainOptions) -> Result<Training<'static>> {
    Training::new(columns, &["y"], options, Box::new(ToMemory))
}

fn refused(columns: Vec<Column>, options: TrainOptions) -> (ErrorKind, String, Option<String>) {
    let error = new(columns, options).err().expect("refused");
    (
        error.kind(),
        error.to_string(),
        error.hint_text().map(String::from),
    )
}

fn excluding(names: &[&str]) -> TrainOptions {
    TrainOptions {
        exclude: names.iter().map(|name| (*name).to_owned()).collect(),
        ..TrainOptions::default()
    }
}

#[test]
fn the_target_must_be_a_column() {
    let columns = vec![column("x", Number), column("prices", Number)];
    let error = Training::new(
        columns,
        &["price"],
        TrainOptions::default(),
        Box::new(NoSpill),
    )
    .err()
    .expect("unknown");
    assert_eq!(error.kind(), ErrorKind::UnknownColumn);
    assert_eq!(
        error.to_string(),
        "target \"price\" is not a column of the query"
    );
    assert_eq!(error.hint_text(), Some("Did you mean \"prices\"?"));
}

#[test]
fn names_are_taken_literally() -> Result<()> {
    for name in [
        "with space",
        "quo\"te",
        "it's",
        "größe",
        "",
        "Y",
        "layer/kernel",
        "\n",
    ] {
        assert!(
            new(
                vec![column(name, Number), column("y", Number)],
                excluding(&[])
            )
            .is_ok(),
            "{name:?}"
        );
    }
    Ok(())
}

#[test]
fn equal_names_are_refused_unless_excluded() -> Result<()> {
    let columns = || {
        vec![
            column("id", Number),
            column("y", Number),
            column("id", Category),
            column("x", Number),
        ]
    };
    let (kind, message, _) = refused(columns(), excluding(&[]));
    assert_eq!(
        (kind, message.as_str()),
        (
            ErrorKind::DuplicateColumn,
            "the query has two columns named \"id\""
        )
    );
    new(columns(), excluding(&["id"]))?;
    let (kind, message, _) = refused(
        vec![column("y", Number), column("y", Number)],
        excluding(&[]),
    );
    assert_eq!(
        (kind, message.as_str()),
        (
            ErrorKind::DuplicateColumn,
            "the query has two columns named \"y\""
        )
    );
    Ok(())
}

#[test]
fn exclude_must_name_columns_and_leave_one() {
    let columns = || vec![column("area", Number), column("y", Number)];
    let (kind, message, hint) = refused(columns(), excluding(&["aera"]));
    assert_eq!(kind, ErrorKind::UnknownColumn);
    assert_eq!(
        message,
        "excluded column \"aera\" is not a column of the query"
    );
    assert_eq!(hint.as_deref(), Some("Did you mean \"area\"?"));
    let (_, message, _) = refused(columns(), excluding(&["y"]));
    assert_eq!(message, "the target \"y\" cannot be excluded");
    let (_, message, _) = refused(columns(), excluding(&["area"]));
    assert_eq!(
        message,
        "the query has no column to learn from besides the target \"y\""
    );
}

#[test]
fn numbers_that_are_not_integers_are_no_classes() {
    let options = TrainOptions {
        loss: Some(Loss::BINARY),
        ..TrainOptions::default()
    };
    let (kind, message, hint) = refused(
        vec![column("x", Number), column("y", Number)],
        options.clone(),
    );
    assert_eq!(kind, ErrorKind::TypeMismatch);
    assert_eq!(
        message,
        "target \"y\" holds numbers that are not integers, but loss binary_crossentropy needs classes"
    );
    assert_eq!(
        hint.as_deref(),
        Some("Cast it to integer or text, or use loss mse.")
    );
    assert!(new(vec![column("x", Number), integer("y")], options).is_ok());
}

#[test]
fn values_must_fit_their_columns() -> Result<()> {
    let mut training = new(
        vec![
            column("x", Number),
            column("b", Boolean),
            column("y", Category),
        ],
        excluding(&[]),
    )?;
    let (x, b, y) = (Value::Number(1.0), Value::Boolean(true), Value::Text("a"));
    training.push(&[x, b, y], &mut NoCallback)?;
    let mut refused = |row: &[Value<'_>]| {
        training
            .push(row, &mut NoCallback)
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        refused(&[Value::Text("1"), b, y]),
        "column \"x\" must be a number, not the text \"1\""
    );
    assert_eq!(
        refused(&[x, x, y]),
        "column \"b\" must be a boolean, not the number 1"
    );
    assert_eq!(
        refused(&[x, b, b]),
        "column \"y\" must be text, not the boolean true"
    );
    assert_eq!(refused(&[x, b]), "a row has 2 values instead of 3");
    Ok(())
}

#[test]
fn the_row_of_a_nan_is_named() -> Result<()> {
    let mut training = new(
        vec![column("x", Number), column("y", Number)],
        excluding(&[]),
    )?;
    training.push(&[Value::Number(f64::NAN), Value::Null], &mut NoCallback)?;
    training.push(&[Value::Number(1.0), Value::Number(1.0)], &mut NoCallback)?;
    let error = training
        .push(
            &[Value::Number(1.0), Value::Number(f64::INFINITY)],
            &mut NoCallback,
        )
        .expect_err("refused");
    assert_eq!(error.to_string(), "column \"y\" is Infinity in row 3");
    let error = training
        .push(
            &[Value::Number(f64::NAN), Value::Number(1.0)],
            &mut NoCallback,
        )
        .expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFinite, "column \"x\" is NaN in row 4")
    );
    Ok(())
}

#[test]
fn excluded_columns_may_hold_anything() -> Result<()> {
    let mut training = new(
        vec![
            column("x", Number),
            column("id", Number),
            column("y", Number),
        ],
        excluding(&["id"]),
    )?;
    training.push(
        &[
            Value::Number(1.0),
            Value::Number(f64::NAN),
            Value::Number(1.0),
        ],
        &mut NoCallback,
    )
}

#[test]
fn rows_spill_at_their_share_of_the_limit_and_not_before() -> Result<()> {
    let options = TrainOptions {
        memory_limit: 2 << 20,
        ..TrainOptions::default()
    };
    let mut training = new(vec![column("x", Number), column("y", Number)], options)?;
    let row = [Value::Number(1.0), Value::Number(2.0)];
    let mut spilled_at = 0;
    for pushed in 0..200_000_u32 {
        training.push(&row, &mut NoCallback)?;
        assert!(training.train.charged() + training.validation.charged() <= (2 << 20) / 5 * 3);
        if training.train.spilled() && spilled_at == 0 {
            spilled_at = pushed;
        }
    }
    // 60 % of 2 MB in rows of 16 bytes is 78,643 rows, less the chunks begun.
    assert!((60_000..79_000).contains(&spilled_at), "{spilled_at}");
    assert_eq!(training.train.rows() + training.validation.rows(), 200_000);
    // One in five of the first thousand, one in ten of the others.
    assert!((20_090..20_110).contains(&training.validation.rows()));
    Ok(())
}

#[test]
fn a_table_of_categories_stays_within_its_share() -> Result<()> {
    let options = TrainOptions {
        memory_limit: 300_000,
        ..TrainOptions::default()
    };
    let mut training = new(vec![column("c", Category), column("y", Number)], options)?;
    for i in 0..500 {
        let text = format!("{i:01000}");
        training.push(&[Value::Text(&text), Value::Number(1.0)], &mut NoCallback)?;
        let used = training.ingest.as_ref().map(|ingest| ingest.tables.used());
        assert!(used <= Some(60_000), "{used:?}");
    }
    Ok(())
}

#[test]
fn reading_can_be_cancelled() -> Result<()> {
    let mut training = new(
        vec![column("x", Number), column("y", Number)],
        excluding(&[]),
    )?;
    let row = [Value::Number(1.0), Value::Number(2.0)];
    let mut callback = CancelAt { left: 1 };
    let pushed = (0..1_000_000)
        .take_while(|_| training.push(&row, &mut callback).is_ok())
        .count();
    assert_eq!(pushed, 65_535, "two checks of 65,536 values each");
    Ok(())
}

#[test]
fn too_many_classes_are_refused() -> Result<()> {
    let options = || TrainOptions {
        loss: Some(Loss::CATEGORICAL),
        ..TrainOptions::default()
    };
    let push_all = |target: Column, values: &[Value<'_>]| {
        let mut training = new(vec![column("x", Number), target], options())?;
        let x = Value::Number(0.0);
        values
            .iter()
            .try_for_each(|y| training.push(&[x, *y], &mut NoCallback))
    };
    let numbers: Vec<Value> = (0..1001).map(|i| Value::Number(f64::from(i))).collect();
    let texts: Vec<String> = (0..1001).map(|i| i.to_string()).collect();
    let texts: Vec<Value> = texts.iter().map(|text| Value::Text(text)).collect();
    for (target, values) in [(integer("y"), &numbers), (column("y", Category), &texts)] {
        push_all(target.clone(), &values[..1000])?;
        let error = push_all(target, values).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.to_string(), "target \"y\" has more than 1000 classes");
    }
    let huge = push_all(integer("y"), &[Value::Number(9_007_199_254_740_994.0)]);
    assert_eq!(huge.expect_err("refused").kind(), ErrorKind::LimitExceeded);
    Ok(())
}
