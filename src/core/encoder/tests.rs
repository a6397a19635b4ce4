//! The encoder as a whole: what is learned, and that batches and single rows become the same inputs.

use super::fixture::learn;
use super::*;
use crate::fixture::column;
use crate::predict::{Entries, Places};
use crate::{Column, ColumnType, ErrorKind, Feature, Result, Value};
use ColumnType::{Boolean, Category, Number};

/// Learns one column from its training values; gives the feature, its field's records and the encoder of them.
fn learned(column: Column, values: &[Value<'_>]) -> Result<(Feature, RecordEncoder, Vec<Vec<u8>>)> {
    let rows: Vec<_> = values.iter().map(|value| vec![*value]).collect();
    let mut learned = learn(&[column], "{}", &rows, &[])?;
    Ok((
        learned.preprocessing.features.remove(0),
        learned.encoder,
        learned.records,
    ))
}

/// The preprocessing of `features` alone.
fn of(features: Vec<Feature>) -> Preprocessing {
    Preprocessing {
        features,
        differences: Vec::new(),
    }
}

/// The inputs of `value` while scoring.
fn scored(feature: &Feature, value: Value<'_>) -> Result<Vec<f32>> {
    expanded(std::slice::from_ref(feature), &[value])
}

/// The inputs of `row` while scoring, those that are 0 too.
fn expanded(features: &[Feature], row: &[Value<'_>]) -> Result<Vec<f32>> {
    let preprocessing = of(features.to_vec());
    let width = preprocessing.width();
    let rows: Vec<_> = (0..).map(Some).take(width).collect();
    let tables = Vec::new();
    let encoder = RowEncoder::new(preprocessing, Places { rows, tables })?;
    let mut entries = Entries::new(encoder.most())?;
    encoder.encode(row.iter(), &mut entries, &mut [])?;
    let mut x = vec![0.0; width];
    for entry in entries.all() {
        x[entry.row as usize] = entry.x;
    }
    assert!(entries.all().is_sorted_by_key(|entry| entry.row));
    Ok(x)
}

/// The inputs of training value `i` in a batch.
fn batched(encoder: &RecordEncoder, record: &[u8]) -> Vec<f32> {
    let mut x = vec![0.0; encoder.width()];
    encoder.encode(record, &mut x);
    x
}

fn check_both_ways(column: Column, values: &[Value<'_>], expected: &[&[f32]]) -> Result<()> {
    let (feature, encoder, records) = learned(column, values)?;
    for ((value, record), expected) in values.iter().zip(&records).zip(expected) {
        assert_eq!(batched(&encoder, record), *expected, "batch, {value:?}");
        assert_eq!(scored(&feature, *value)?, *expected, "row, {value:?}");
    }
    assert_eq!(of(vec![feature]).check(), Ok(()));
    Ok(())
}

#[test]
fn numbers_are_scaled_and_nulls_imputed() -> Result<()> {
    // python3 -c "
    // import numpy as np; from sklearn.pipeline import make_pipeline
    // from sklearn.impute import SimpleImputer; from sklearn.preprocessing import StandardScaler
    // p = make_pipeline(SimpleImputer(strategy='median'), StandardScaler()); a = np.array([[1.], [2], [3], [6], [np.nan]])
    // print(p.fit_transform(a[:4]).astype('f4').ravel(), p.transform(a[4:]).astype('f4'), p.fit_transform(a).astype('f4').ravel())"
    // [-1.069045   -0.5345225   0.          1.6035675 ] [[-0.26726124]]
    // [-1.1274426  -0.5340518   0.05933908  1.8395115  -0.23735633]
    let values = [
        Value::Number(1.0),
        Value::Number(2.0),
        Value::Number(3.0),
        Value::Number(6.0),
    ];
    let expected: [&[f32]; 4] = [&[-1.069_045], &[-0.534_522_5], &[0.0], &[1.603_567_5]];
    check_both_ways(column("x", Number), &values, &expected)?;
    let single = Column {
        single_precision: true,
        ..column("x", Number)
    };
    check_both_ways(single, &values, &expected)?;
    let (feature, ..) = learned(column("x", Number), &values)?;
    assert_eq!(
        scored(&feature, Value::Null)?,
        [-0.267_261_24],
        "no NULL was seen: the median alone"
    );

    let with_null = [&values[..], &[Value::Null]].concat();
    let expected: [&[f32]; 5] = [
        &[-1.127_442_6, 0.0],
        &[-0.534_051_8, 0.0],
        &[0.059_339_084, 0.0],
        &[1.839_511_5, 0.0],
        &[-0.237_356_33, 1.0],
    ];
    check_both_ways(column("x", Number), &with_null, &expected)
}

#[test]
fn booleans_are_zero_and_one() -> Result<()> {
    let (no, yes) = (Value::Boolean(false), Value::Boolean(true));
    check_both_ways(column("b", Boolean), &[no, yes], &[&[0.0], &[1.0]])?;
    let expected: [&[f32]; 4] = [&[0.0, 0.0], &[1.0, 0.0], &[1.0, 0.0], &[1.0, 1.0]];
    check_both_ways(
        column("b", Boolean),
        &[no, yes, yes, Value::Null],
        &expected,
    )?;
    let (feature, ..) = learned(column("b", Boolean), &[no, yes, yes])?;
    assert_eq!(scored(&feature, Value::Null)?, [1.0]);
    assert_eq!(
        scored(&feature, Value::Number(0.0))?,
        [0.0],
        "a server without booleans"
    );
    assert!(scored(&feature, Value::Number(2.0)).is_err());
    Ok(())
}

#[test]
fn categories_are_one_hot_in_the_order_of_their_bytes() -> Result<()> {
    // sklearn.preprocessing.OneHotEncoder(handle_unknown='ignore') gives the same four columns, and all zeros for 'z'.
    let text = Value::Text;
    let values = [text("b"), text("ä"), text("it's"), text("a"), text("b")];
    let expected: [&[f32]; 5] = [
        &[0.0, 1.0, 0.0, 0.0],
        &[0.0, 0.0, 0.0, 1.0],
        &[0.0, 0.0, 1.0, 0.0],
        &[1.0, 0.0, 0.0, 0.0],
        &[0.0, 1.0, 0.0, 0.0],
    ];
    check_both_ways(column("c", Category), &values, &expected)?;
    let (feature, ..) = learned(column("c", Category), &values)?;
    assert_eq!(scored(&feature, text("z"))?, [0.0; 4], "never seen");
    assert_eq!(
        scored(&feature, Value::Null)?,
        [0.0; 4],
        "NULL was never seen"
    );
    check_both_ways(
        column("c", Category),
        &[text("b"), Value::Null],
        &[&[1.0, 0.0], &[0.0, 1.0]],
    )
}

#[test]
fn an_enum_keeps_its_order_and_finds_its_labels() -> Result<()> {
    let labels = ["small", "medium", "large", "huge"]
        .map(String::from)
        .to_vec();
    let size = Column {
        labels: Some(labels),
        ..column("size", Category)
    };
    let values = [
        Value::Text("large"),
        Value::Text("small"),
        Value::Text("medium"),
    ];
    check_both_ways(
        size,
        &values,
        &[&[0.0, 0.0, 1.0], &[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0]],
    )
}

#[test]
fn values_only_of_validation_rows_have_no_input() -> Result<()> {
    let rows = |texts: &[&'static str]| -> Vec<Vec<Value<'static>>> {
        texts.iter().map(|text| vec![Value::Text(text)]).collect()
    };
    let columns = [column("c", Category)];
    let learned = learn(
        &columns,
        "{}",
        &rows(&["a"]),
        &rows(&["only validated", "a"]),
    )?;
    assert_eq!(batched(&learned.encoder, &learned.validation[0]), [0.0]);
    assert_eq!(batched(&learned.encoder, &learned.validation[1]), [1.0]);
    Ok(())
}

#[test]
fn nan_and_infinity_are_refused_with_column_and_row() {
    for (value, shown) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        let error =
            learned(column("my \"x\"", Number), &[Value::Number(value)]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            format!("column \"my \"x\"\" is {shown} in row 1")
        );
        assert_eq!(error.kind(), ErrorKind::NotFinite);
    }
}

#[test]
fn scoring_refuses_what_has_no_finite_input() -> Result<()> {
    let (feature, ..) = learned(
        column("x", Number),
        &[Value::Number(1.0), Value::Number(2.0)],
    )?;
    let message = |value| {
        scored(&feature, Value::Number(value))
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(message(f64::NAN), "column \"x\" is NaN");
    assert_eq!(
        message(1e300),
        "value 1e300 of column \"x\" is too far from the training values"
    );
    let error = scored(&feature, Value::Text("1")).expect_err("text");
    assert_eq!(
        error.to_string(),
        "column \"x\" must be a number, not the text \"1\""
    );
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    Ok(())
}

#[test]
fn a_column_of_nulls_is_refused() {
    for kind in [Number, Boolean, Category] {
        let error = learned(column("x", kind), &[Value::Null, Value::Null]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "column \"x\" is NULL in every training row"
        );
        assert_eq!(error.kind(), ErrorKind::NullNotAllowed);
    }
}

#[test]
fn runs_of_numbers_give_the_bits_of_single_rows() -> Result<()> {
    let mut random = crate::random::Random::new(7, 7);
    let columns: Vec<Column> = (0..20)
        .map(|i| Column {
            single_precision: i % 5 < 3,
            ..column(&format!("x{i}"), Number)
        })
        .collect();
    let mut number = |row: usize, column: usize| {
        if column == 4 && row.is_multiple_of(3) {
            Value::Null
        } else {
            Value::Number(f64::from((random.next() >> 40) as f32) * 0.37_f32 as f64)
        }
    };
    let rows: Vec<Vec<Value>> = (0..200)
        .map(|row| (0..20).map(|column| number(row, column)).collect())
        .collect();
    let rows: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| {
            // Single-precision columns hold only what an f32 holds.
            row.iter()
                .map(|value| {
                    if let Value::Number(v) = value {
                        Value::Number(f64::from(*v as f32))
                    } else {
                        *value
                    }
                })
                .collect()
        })
        .collect();
    let learned = learn(&columns, "{}", &rows, &[])?;
    let batch = &learned.encoder;
    assert_eq!(batch.width(), 21);
    for (row, record) in rows.iter().zip(&learned.records) {
        let features = &learned.preprocessing.features;
        assert_eq!(batched(batch, record), expanded(features, row)?);
    }
    Ok(())
}

#[test]
fn rows_of_another_width_are_refused() -> Result<()> {
    let (feature, ..) = learned(column("x", Number), &[Value::Number(1.0)])?;
    let error = expanded(&[feature], &[Value::Null, Value::Null]).expect_err("too many");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::FeatureCount, "model expects 1 feature, not 2")
    );
    Ok(())
}
