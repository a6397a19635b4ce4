use super::*;
use crate::fixture::{Call, Given};
use crate::server::hook::{self, raised};
use crate::trained::{Idle, classes, scorer, sum, train, two_numbers_of_a_text};
use serde_json::Value as Json;
use tablenet_core::ColumnType;

/// The metrics that the core finds for rows of targets and features.
fn of_core(model: &[u8], rows: &[Vec<Value<'_>>]) -> Json {
    let scorer = scorer(model);
    let mut evaluation = Evaluation::in_order(&scorer).expect("small");
    for row in rows {
        evaluation.push(row, &mut Idle).expect("a row");
    }
    let found = evaluation.finish().expect("rows");
    found
        .into_iter()
        .map(|(name, value)| (name, Json::from(value)))
        .collect()
}

fn answer(call: &mut Call<EvaluateAgg>) -> Result<Json, String> {
    let text = call.answer().map_err(|()| raised())?;
    Ok(text.map_or(Json::Null, |text| {
        serde_json::from_slice(&text).expect("JSON")
    }))
}

fn number_row(row: i32) -> [f64; 3] {
    [f64::from(row % 5), f64::from(row % 3), f64::from(row)]
}

#[test]
fn every_group_has_the_metrics_of_the_core() {
    let model = sum(1, 8, true);
    let given = |row: i32| -> [Given; 4] {
        let [y, a, b] = number_row(row);
        [model.as_slice().into(), y.into(), a.into(), b.into()]
    };
    let rows = |rows: std::ops::Range<i32>| -> Vec<Vec<Value<'_>>> {
        rows.map(|row| number_row(row).map(Value::Number).to_vec())
            .collect()
    };
    let mut call = Call::<EvaluateAgg>::new(&given(0)).expect("a call");
    for range in [0..40, 7..50] {
        call.clear().expect("a group");
        call.clear().expect("clear is called several times");
        for row in range.clone() {
            call.add(&given(row)).expect("a row");
        }
        let expected = of_core(&model, &rows(range.clone()));
        assert_eq!(answer(&mut call).as_ref(), Ok(&expected));
        assert_eq!(answer(&mut call), Ok(expected), "asked again");
    }
    // Rows may follow an answer: a window does that.
    call.add(&given(50)).expect("a row");
    assert_eq!(answer(&mut call), Ok(of_core(&model, &rows(7..51))));
}

#[test]
fn no_rows_are_an_error_and_no_model_is_null() {
    let model = sum(1, 8, true);
    let given = [model.as_slice().into(), 1.0.into(), 1.0.into(), 1.0.into()];
    let mut call = Call::<EvaluateAgg>::new(&given).expect("a call");
    call.clear().expect("a group");
    assert_eq!(
        answer(&mut call),
        Err("ml_evaluate_agg: there are no rows to evaluate on".into())
    );
    call.add(&[given[0].clone(), Given::Null, 1.0.into(), 1.0.into()])
        .expect("a row");
    assert!(answer(&mut call).is_err_and(|it| it.contains("is NULL in every row")));
    call.clear().expect("a group");
    call.add(&[Given::Null, 1.0.into(), 1.0.into(), 1.0.into()])
        .expect("a row");
    assert_eq!(answer(&mut call), Ok(Json::Null));
    assert_eq!(call.add(&given), Err(()));
    assert!(raised().contains("the rows of a group have different models"));
    call.clear().expect("a group");
    call.add(&given).expect("a row");
    let other = sum(2, 8, true);
    assert_eq!(
        call.add(&[other.as_slice().into(), 1.0.into(), 1.0.into(), 1.0.into()]),
        Err(())
    );
    // Of one row r2 is not defined.
    call.clear().expect("a group");
    call.add(&given).expect("a row");
    assert_eq!(answer(&mut call).expect("metrics")["r2"], Json::Null);
}

#[test]
fn labels_booleans_and_several_targets_are_read() {
    let model = classes(&["no", "yes"]);
    let labels = ["yes", "no", "yes"];
    let mut call = Call::<EvaluateAgg>::new(&[model.as_slice().into(), "yes".into(), 1_i64.into()])
        .expect("a call");
    for (row, label) in (0_i64..).zip(labels) {
        call.add(&[model.as_slice().into(), label.into(), row.into()])
            .expect("a row");
    }
    let rows = (0..)
        .zip(labels)
        .map(|(row, label)| vec![Value::Text(label), Value::Number(f64::from(row))]);
    assert_eq!(
        answer(&mut call),
        Ok(of_core(&model, &rows.collect::<Vec<_>>()))
    );
    assert_eq!(
        call.add(&[model.as_slice().into(), "maybe".into(), 1_i64.into()]),
        Err(())
    );
    assert!(raised().contains("maybe"));

    let rows: Vec<_> = (0..40)
        .map(|row| vec![Value::Number(f64::from(row)), Value::Boolean(row % 2 == 0)])
        .collect();
    let columns = [("a", ColumnType::Number), ("b", ColumnType::Boolean)];
    let model = train(&columns, &["b"], &rows, 0, true);
    let mut call = Call::<EvaluateAgg>::new(&[model.as_slice().into(), 1_i64.into(), 1.0.into()])
        .expect("a call");
    let mut expected = Vec::new();
    for row in 0..9_i64 {
        call.add(&[
            model.as_slice().into(),
            (row % 2).into(),
            (row as f64).into(),
        ])
        .expect("a row");
        expected.push(vec![
            Value::Boolean(row % 2 == 1),
            Value::Number(row as f64),
        ]);
    }
    assert_eq!(answer(&mut call), Ok(of_core(&model, &expected)));

    let model = two_numbers_of_a_text();
    let given = |row: f64| {
        [
            model.as_slice().into(),
            row.into(),
            (row + 1.0).into(),
            "x".into(),
        ]
    };
    let mut call = Call::<EvaluateAgg>::new(&given(0.0)).expect("a call");
    call.add(&given(1.0)).expect("a row");
    call.add(&given(5.0)).expect("a row");
    let row = |row: f64| {
        vec![
            Value::Number(row),
            Value::Number(row + 1.0),
            Value::Text("x"),
        ]
    };
    assert_eq!(
        answer(&mut call),
        Ok(of_core(&model, &[row(1.0), row(5.0)]))
    );
}

#[test]
fn columns_in_another_order_are_refused() {
    let model = sum(3, 8, true);
    let given = [model.as_slice().into(), 1.0.into(), 1.0.into(), 1.0.into()];
    for (names, text) in [
        (
            ["m", "a", "y", "b"],
            "argument 2 is \"a\", but the target of the model is \"y\"",
        ),
        (
            ["m", "y", "b", "a"],
            "argument 3 is \"b\", but feature 1 of the model is \"a\"",
        ),
    ] {
        let mut call = Call::<EvaluateAgg>::named(&given, &names, false).expect("a call");
        assert_eq!(call.add(&given), Err(()));
        assert!(raised().contains(text));
    }
    let few = [model.as_slice().into(), 1.0.into(), 1.0.into()];
    let mut call = Call::<EvaluateAgg>::new(&few).expect("a call");
    assert_eq!(call.add(&few), Err(()));
    assert!(raised().contains("model expects 3 values, not 2. In their order they are: y, a, b."));
}

#[test]
fn rows_that_come_once_for_each_level_of_a_rollup_are_refused() {
    let model = sum(4, 8, true);
    let given = |row: i32| -> [Given; 4] {
        let [y, a, b] = number_row(row);
        [model.as_slice().into(), y.into(), a.into(), b.into()]
    };
    let mut call = Call::<EvaluateAgg>::new(&given(0)).expect("a call");
    for row in [0, 0, 1, 1, 2, 2] {
        if row == 0 {
            call.clear().expect("a group");
        }
        call.add(&given(row)).expect("a row");
    }
    assert!(
        answer(&mut call).is_err_and(|it| it.contains("WITH ROLLUP would evaluate on wrong rows"))
    );
}

#[test]
fn a_kill_ends_it() {
    let model = sum(5, 8, true);
    let given = [model.as_slice().into(), 1.0.into(), 1.0.into(), 1.0.into()];
    let mut call = Call::<EvaluateAgg>::new(&given).expect("a call");
    call.add(&given).expect("a row");
    hook::KILLED.set(true);
    let failed = (0..10_000).find(|_| call.add(&given).is_err());
    hook::KILLED.set(false);
    assert!(failed.is_some());
    assert_eq!(raised(), "ml_evaluate_agg: interrupted");
}

#[test]
fn it_fits_the_stack_of_a_connection() {
    let model = sum(6, 64, true);
    let small = std::thread::Builder::new().stack_size(128 << 10);
    let evaluated = small.spawn(move || {
        let given = [model.as_slice().into(), 1.0.into(), 1.0.into(), 1.0.into()];
        let mut call = Call::<EvaluateAgg>::new(&given)?;
        call.add(&given).map_err(|()| raised())?;
        answer(&mut call)
    });
    let evaluated = evaluated
        .map(std::thread::JoinHandle::join)
        .expect("a thread");
    assert!(evaluated.expect("no overflow").is_ok());
}
