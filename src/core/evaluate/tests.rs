//! An evaluation says what the scorer's answers say.

use crate::fixture::{CancelAt, NoCallback, column, integer, quick, train};
use crate::{Column, ColumnType, ErrorKind, Evaluation, Result, Scorer, Value};
use ColumnType::{Category, Number};

fn evaluated(
    scorer: &Scorer,
    columns: &[Column],
    rows: &[Vec<Value<'_>>],
) -> Result<Vec<(String, f64)>> {
    let mut evaluation = Evaluation::new(scorer, columns)?;
    for row in rows {
        evaluation.push(row, &mut NoCallback)?;
    }
    evaluation.finish()
}

fn get(found: &[(String, f64)], name: &str) -> f64 {
    found
        .iter()
        .find(|(found, _)| found == name)
        .map_or(f64::NAN, |(_, value)| *value)
}

fn regression() -> Result<Scorer> {
    let rows: Vec<_> = (0..50)
        .map(|row| {
            vec![
                Value::Number(f64::from(row)),
                Value::Number(f64::from(row * 3 + 1000)),
            ]
        })
        .collect();
    Scorer::new(
        &train(
            vec![column("x", Number), column("y", Number)],
            quick(),
            &rows,
        )?
        .file,
        &mut NoCallback,
    )
}

#[test]
fn targets_before_features_are_evaluated_without_names() -> Result<()> {
    let scorer = std::sync::Arc::new(regression()?);
    let rows = || {
        (0..40).map(|row| {
            [
                Value::Number(f64::from(row * 2 + 990)),
                Value::Number(f64::from(row)),
            ]
        })
    };
    let columns = [column("y", Number), column("x", Number)];
    let rows_by_name: Vec<_> = rows().map(Vec::from).collect();
    let mut in_order = Evaluation::in_order(std::sync::Arc::clone(&scorer))?;
    for row in rows() {
        in_order.push(&row, &mut NoCallback)?;
    }
    assert_eq!(
        in_order.finish()?,
        evaluated(&scorer, &columns, &rows_by_name)?
    );
    Ok(())
}

#[test]
fn regression_metrics_are_those_of_the_answers() -> Result<()> {
    let scorer = regression()?;
    // The target stands elsewhere, other columns and rows without a target are there.
    let columns = [
        column("y", Number),
        column("other", Category),
        column("x", Number),
    ];
    let rows: Vec<Vec<Value>> = (0..40)
        .map(|row| {
            let y = if row == 5 {
                Value::Null
            } else {
                Value::Number(f64::from(row * 2 + 990))
            };
            vec![y, Value::Null, Value::Number(f64::from(row))]
        })
        .collect();
    let found = evaluated(&scorer, &columns, &rows)?;
    let mut scratch = scorer.scratch()?;
    let (mut absolute, mut squared, mut count, mut sum) = (0.0, 0.0, 0.0, 0.0);
    let mut values = Vec::new();
    for row in &rows {
        let Value::Number(y) = row[0] else { continue };
        let error = scorer.predict(&row[2..], &mut scratch)? - y;
        (absolute, squared, count, sum) = (
            absolute + error.abs(),
            squared + error * error,
            count + 1.0,
            sum + y,
        );
        values.push(y);
    }
    let total: f64 = values
        .iter()
        .map(|y| (y - sum / count) * (y - sum / count))
        .sum();
    let close = |name: &str, expected: f64| {
        let value = get(&found, name);
        assert!(
            (value - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "{name}: {value} instead of {expected}"
        );
    };
    close("mae", absolute / count);
    close("mse", squared / count);
    close("rmse", (squared / count).sqrt());
    close("r2", 1.0 - squared / total);
    assert_eq!(found[0].0, "loss");
    let std = scorer.target.scales()[0].std;
    let loss = squared / count / (std * std);
    assert!(
        (found[0].1 - loss).abs() < 1e-4 * loss,
        "{} instead of {loss}",
        found[0].1
    );
    Ok(())
}

#[test]
fn class_metrics_are_those_of_the_answers() -> Result<()> {
    let labels = ["b", "a", "c"];
    let rows: Vec<Vec<Value>> = (0..60_usize)
        .map(|row| {
            vec![
                Value::Number((row % 3) as f64),
                Value::Text(labels[row % 3]),
            ]
        })
        .collect();
    let columns = [column("x", Number), column("y", Category)];
    let scorer = Scorer::new(
        &train(columns.to_vec(), quick(), &rows)?.file,
        &mut NoCallback,
    )?;
    let found = evaluated(&scorer, &columns, &rows)?;
    let mut scratch = scorer.scratch()?;
    let mut right = 0.0;
    let (mut loss, mut out) = (0.0, Vec::new());
    for row in &rows {
        right += f64::from(Value::Text(scorer.predict_class(&row[..1], &mut scratch)?) == row[1]);
        scorer.predict_proba(&row[..1], &mut scratch, &mut out)?;
        let class = scorer
            .labels()
            .iter()
            .position(|label| Value::Text(label) == row[1])
            .expect("known");
        loss -= libm::log(f64::from(out[class]));
    }
    assert!((get(&found, "accuracy") - right / 60.0).abs() < 1e-12);
    assert!(
        (get(&found, "loss") - loss / 60.0).abs() < 1e-5,
        "{found:?} {}",
        loss / 60.0
    );
    Ok(())
}

#[test]
fn an_unseen_label_is_refused_with_the_known_ones() -> Result<()> {
    let columns = [column("x", Number), integer("y")];
    let rows: Vec<Vec<Value>> = (0..20)
        .map(|row| {
            vec![
                Value::Number(f64::from(row)),
                Value::Number(f64::from(row % 2)),
            ]
        })
        .collect();
    let scorer = Scorer::new(
        &train(columns.to_vec(), quick(), &rows)?.file,
        &mut NoCallback,
    )?;
    assert!(evaluated(&scorer, &columns, &rows).is_ok());
    let error = evaluated(
        &scorer,
        &columns,
        &[vec![Value::Number(1.0), Value::Number(2.0)]],
    )
    .expect_err("unseen");
    assert_eq!(
        error.to_string(),
        "target \"y\" has the value \"2\", which was not seen in training"
    );
    assert!(
        error
            .hint_text()
            .is_some_and(|hint| hint.ends_with("Known labels: 0, 1."))
    );
    Ok(())
}

#[test]
fn columns_and_rows_must_be_there() -> Result<()> {
    let scorer = regression()?;
    let refused = |columns: &[Column], rows: &[Vec<Value<'_>>]| {
        let error = evaluated(&scorer, columns, rows).expect_err("refused");
        (error.kind(), error.to_string())
    };
    let xy = [column("x", Number), column("y", Number)];
    assert_eq!(refused(&xy[1..], &[]).1, "column \"x\" is missing");
    assert_eq!(refused(&xy[..1], &[]).1, "target column \"y\" is missing");
    assert_eq!(
        refused(&[column("x", Number), column("y", Category)], &[]).0,
        ErrorKind::TypeMismatch
    );
    assert_eq!(refused(&xy, &[]).0, ErrorKind::NoRows);
    assert_eq!(
        refused(&xy, &[vec![Value::Number(1.0), Value::Null]]).0,
        ErrorKind::NullNotAllowed
    );
    let nan = vec![Value::Number(1.0), Value::Number(f64::NAN)];
    assert_eq!(
        refused(&xy, &[nan]),
        (ErrorKind::NotFinite, "column \"y\" is NaN in row 1".into())
    );
    Ok(())
}

#[test]
fn an_evaluation_can_be_cancelled() -> Result<()> {
    let scorer = regression()?;
    let mut evaluation = Evaluation::new(&scorer, &[column("x", Number), column("y", Number)])?;
    let row = [Value::Number(1.0), Value::Number(1.0)];
    let mut callback = CancelAt { left: 2 };
    assert!((0..10_000).any(|_| evaluation.push(&row, &mut callback).is_err()));
    Ok(())
}
