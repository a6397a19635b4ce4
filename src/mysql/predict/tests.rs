use super::*;
use crate::fixture::{Call, Given};
use crate::server::hook::raised;
use crate::trained::{self, mixed, predicted, reference, sum};
use tablenet_core::{Value, Vector};

/// The reference of a model that is made ready, which holds until the cache of this process is full.
fn ready(model: &[u8]) -> Given {
    crate::cache::Cache::of_server()
        .and_then(|cache| cache.read(model))
        .expect("a model");
    reference(model).as_slice().into()
}

/// A call whose features have these names.
fn named(model: &Given, given: &[Given], names: &[&str]) -> Result<Option<f64>, String> {
    let all = [std::slice::from_ref(model), given].concat();
    let names = [&["m"], names].concat();
    let mut call = Call::<Predict>::named(&all, &names, false)?;
    call.set(&all);
    call.real().map_err(|()| raised())
}

fn predict(model: &Given, given: &[Given]) -> Result<Option<f64>, String> {
    let names: Vec<_> = (0..given.len())
        .map(|index| format!("expression {index}"))
        .collect();
    named(
        model,
        given,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn of_core(model: &[u8], row: &[Value<'_>]) -> Result<Option<f64>, String> {
    Ok(Some(predicted(model, row)))
}

#[test]
fn every_kind_of_number_gives_the_prediction_of_the_core() {
    let model = sum(1, 8, true);
    let expected = of_core(&model, &[Value::Number(2.5), Value::Number(-3.0)]);
    for model in [&ready(&model), &model.as_slice().into()] {
        for a in [
            Given::Real(2.5),
            Given::Decimal("2.50".into()),
            " 2.5e0".into(),
        ] {
            for b in [Given::Real(-3.0), Given::Integer(-3), "-3".into()] {
                assert_eq!(predict(model, &[a.clone(), b]), expected);
            }
        }
    }
}

#[test]
fn null_is_data_and_a_null_model_is_null() {
    let model = sum(1, 8, true);
    let null = of_core(&model, &[Value::Null, Value::Number(1.0)]);
    let given = ready(&model);
    assert_eq!(predict(&given, &[Given::Null, Given::Real(1.0)]), null);
    assert_eq!(
        predict(&Given::Null, &[Given::Real(1.0), Given::Real(1.0)]),
        Ok(None)
    );

    let mut call = Call::<Predict>::new(&[given.clone(), 1.0.into(), 1.0.into()]).expect("a call");
    call.set(&[given, Given::Null, 1.0.into()]);
    assert_eq!(call.real(), Ok(null.expect("a prediction")));
}

#[test]
fn an_error_ends_with_its_row() {
    let model = ready(&sum(1, 8, true));
    let good = [model.clone(), "1".into(), "2".into()];
    let mut call = Call::<Predict>::new(&good).expect("a call");
    let value = call.real();
    assert!(value.is_ok());
    assert_eq!(call.set(&[model, "x".into(), "2".into()]).real(), Err(()));
    assert_eq!(call.set(&good).real(), value);

    let mut call = Call::<crate::summary::Summary>::new(&["x".into()]).expect("a call");
    assert_eq!(call.text(), Err(()));
    let whole = sum(1, 8, true);
    call.set(&[whole.as_slice().into()]);
    assert!(call.text().is_ok_and(|text| text.is_some()));
}

#[test]
fn a_column_of_every_type_is_read() {
    let model = mixed();
    let given = ready(&model);
    let row = [
        Value::Number(5.0),
        Value::Text("Köln"),
        Value::Number(864_000.0),
        Value::Boolean(true),
        Value::Vector(Vector::Double(&[4.0, 1.5])),
    ];
    let expected = of_core(&model, &row);
    let texts: [Given; 5] = [
        5_i64.into(),
        "Köln".into(),
        "1970-01-11".into(),
        1_i64.into(),
        "[4, 1.5]".into(),
    ];
    assert_eq!(predict(&given, &texts), expected);
    let others: [Given; 5] = [
        "5".into(),
        "Köln".into(),
        "1970-01-11 00:00:00".into(),
        "true".into(),
        "{4,1.5}".into(),
    ];
    assert_eq!(predict(&given, &others), expected);
    let object = r#"{"v": [4, 1.5], "sold": true, "day": "1970-01-11", "city": "K\u00f6ln", "größe": 5, "id": 7}"#;
    assert_eq!(predict(&given, &[object.into()]), expected);
    let nulls = vec![Given::Null; 5];
    assert_eq!(predict(&given, &nulls), of_core(&model, &[Value::Null; 5]));
    // An object that is NULL is no row.
    assert_eq!(predict(&given, &[Given::Null]), Ok(None));
}

#[test]
fn rows_that_alternate_between_models_keep_their_predictions() {
    let models: Vec<_> = (1..8).map(|seed| sum(seed, 8, true)).collect();
    let mut call =
        Call::<Predict>::new(&[ready(&models[0]), 1.0.into(), 2.0.into()]).expect("a call");
    for round in 0..4 {
        for (place, model) in models.iter().enumerate() {
            let (a, b) = (f64::from(round), place as f64);
            let given = if place % 2 == 0 {
                ready(model)
            } else {
                model.as_slice().into()
            };
            call.set(&[given, a.into(), b.into()]);
            assert_eq!(
                call.real(),
                Ok(Some(predicted(
                    model,
                    &[Value::Number(a), Value::Number(b)]
                )))
            );
        }
    }
}

#[test]
fn a_wrong_number_of_values_lists_the_features() {
    let given = ready(&sum(1, 8, true));
    let refused = "ml_predict: model expects 2 values, not 3. In their order they are: a, b. ml_info(model) lists them with their types.";
    assert_eq!(
        predict(&given, &[1.0.into(), 1.0.into(), 1.0.into()]),
        Err(refused.into())
    );
    assert!(predict(&given, &[1.0.into()]).is_err_and(|it| it.contains("expects 2 values, not 1")));
    assert!(
        predict(&given, &["1".into()]).is_err_and(|it| it.contains("expects 2 features, not 1"))
    );
    assert!(Call::<Predict>::new(&[given]).is_err_and(|it| it.contains("called with 1 argument")));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_and_never_becomes_zero() {
    let given = ready(&sum(1, 8, true));
    for text in ["abc", "12.5abc", "", "2024-01-02"] {
        let refused = predict(&given, &[text.into(), 1.0.into()]);
        let expected = format!("ml_predict: cannot read \"{text}\" as a number for feature \"a\".");
        assert!(
            refused.as_ref().is_err_and(|it| it.starts_with(&expected)),
            "{refused:?}"
        );
    }
    let refused = predict(&given, &[f64::NAN.into(), 1.0.into()]);
    assert!(refused.is_err_and(|it| it.contains("column \"a\" is NaN")));

    let given = ready(&mixed());
    let row = |place: usize, value: Given| {
        let mut row: Vec<Given> = vec![
            1.0.into(),
            "Jena".into(),
            "2024-01-02".into(),
            0_i64.into(),
            "[1, 2]".into(),
        ];
        row[place] = value;
        predict(&given, &row).expect_err("refused")
    };
    assert!(row(1, 3_i64.into()).starts_with(
        "ml_predict: argument 3 is a number, but feature 2 \"city\" of the model is text. Write CAST(... AS CHAR)"
    ));
    assert!(
        row(2, 20_240_102_i64.into())
            .contains("feature 3 \"day\" of the model is a date. Pass a DATE")
    );
    assert!(row(2, "soon".into()).contains("cannot read \"soon\" as a date"));
    assert!(row(3, 2_i64.into()).contains("column \"sold\" must be a boolean, not the number 2"));
    assert!(row(4, 1.0.into()).contains("Pass a JSON array such as"));
    assert!(row(4, "[1]".into()).contains("column \"v\" must have 2 elements, not 1"));
    assert!(row(4, "[1, null]".into()).contains("null element"));
    assert!(
        row(1, Given::Bytes(b"K\xf6ln".to_vec()))
            .starts_with("ml_predict: argument 3 (\"city\") is not utf8mb4. Write CONVERT")
    );
}

#[test]
fn columns_in_another_order_than_the_features_are_refused() {
    let given = ready(&sum(1, 8, true));
    let numbers = [Given::Real(1.0), Given::Real(2.0)];
    let swapped = "ml_predict: argument 2 is \"b\", but feature 1 of the model is \"a\". Pass the values in training order; if this one is meant, write it AS the name that belongs there.";
    assert_eq!(named(&given, &numbers, &["b", "a"]), Err(swapped.into()));
    assert_eq!(
        named(&given, &numbers, &["B", "A"])
            .expect_err("swapped")
            .split(',')
            .next(),
        Some("ml_predict: argument 2 is \"B\"")
    );
    assert!(
        named(&given, &numbers, &["a", "a"]).is_err_and(|it| it.contains("argument 3 is \"a\""))
    );
    let expected = named(&given, &numbers, &["a", "b"]);
    assert!(expected.is_ok());
    for names in [["A", "B"], ["x", "y"], ["b + 0", "a + 0"], ["a", "other"]] {
        assert_eq!(named(&given, &numbers, &names), expected);
    }
    // A literal is called like its text, and means nothing by it.
    let all = [given, 1.0.into(), 2.0.into()];
    let mut call = Call::<Predict>::named(&all, &["m", "b", "a"], true).expect("a call");
    assert_eq!(call.real().ok().flatten(), expected.expect("a prediction"));
}

#[test]
fn a_model_without_names_takes_any() {
    let model = sum(1, 8, false);
    let given = ready(&model);
    let numbers = [Given::Real(1.0), Given::Real(2.0)];
    let expected = of_core(&model, &[Value::Number(1.0), Value::Number(2.0)]);
    assert_eq!(named(&given, &numbers, &["f2", "f1"]), expected);
    assert!(
        predict(&given, &["{\"f1\": 1, \"f2\": 2}".into()])
            .is_err_and(|it| it.contains("have no names"))
    );
}

#[test]
fn an_object_lacks_a_feature_or_is_none() {
    let given = ready(&sum(1, 8, true));
    for (object, text) in [
        (r#"{"a": 1}"#, "column \"b\" is missing"),
        ("{}", "column \"a\" is missing"),
        (r#"{"a": 1, "b": "x"}"#, "\"b\""),
        (r#"{"a": 1, "b": 2"#, "JSON"),
        ("[1, 2]", "expects 2 features, not 1"),
    ] {
        let refused = predict(&given, &[object.into()]);
        assert!(
            refused.as_ref().is_err_and(|it| it.contains(text)),
            "{object}: {refused:?}"
        );
    }
}

#[test]
fn a_class_of_two_is_a_probability_and_more_are_refused() {
    let two = trained::classes(&["no", "yes"]);
    let expected = of_core(&two, &[Value::Number(3.0)]);
    assert_eq!(predict(&ready(&two), &[3_i64.into()]), expected);
    let three = trained::classes(&["a", "b", "c"]);
    let refused = predict(&ready(&three), &[3_i64.into()]);
    assert!(
        refused
            .is_err_and(|it| it.contains("has 3 classes, not one number. Use ml_predict_class()"))
    );
    let pair = trained::two_numbers_of_a_text();
    assert!(
        predict(&ready(&pair), &["x".into()])
            .is_err_and(|it| it.contains("Use ml_predict_values()"))
    );
}

#[test]
fn init_asks_for_reals_and_leaves_texts() {
    let given = [
        ready(&sum(1, 8, true)),
        1_i64.into(),
        Given::Decimal("1".into()),
    ];
    let call = Call::<Predict>::new(&given).expect("a call");
    assert_eq!(call.asked().1, [0, 1, 1]);
    assert!(
        Call::<Predict>::new(&[1.0.into(), 1.0.into()])
            .is_err_and(|it| it.contains("argument 1 must be a model"))
    );
}

#[test]
fn everything_fits_the_stack_of_a_connection() {
    // MariaDB gives 296 kB, of which the server's own frames take a part; this build's frames are larger than a release's.
    let models = [mixed(), sum(1, 64, true)];
    let small = std::thread::Builder::new().stack_size(128 << 10);
    let scored = small.spawn(move || {
        let object =
            r#"{"v": [4, 1.5], "sold": true, "day": "1970-01-11", "city": "Jena", "größe": 5}"#;
        let first = predict(&models[0].as_slice().into(), &[object.into()]);
        first.and(predict(
            &models[1].as_slice().into(),
            &[1.0.into(), 2.0.into()],
        ))
    });
    let scored = scored.map(std::thread::JoinHandle::join).expect("a thread");
    assert!(scored.expect("no overflow").is_ok());
}
