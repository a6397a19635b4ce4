//! Drift against numbers computed elsewhere, and what else is told of a model's columns.

use super::*;
use crate::encoder::{FeatureInfo, Profile, Transform};
use crate::fixture::{NoCallback, column, quick, train};
use crate::{ColumnType, ErrorKind, Scorer};
use ColumnType::{Boolean, Category, Number};

fn columns() -> Vec<Column> {
    vec![
        column("x", Number),
        column("b", Boolean),
        column("c", Category),
        column("y", Number),
    ]
}

/// A model of a number, a boolean and a text, with the distributions of 100 training rows.
fn file() -> Result<ModelFile> {
    let rows: Vec<Vec<Value<'_>>> = (0..20)
        .map(|i| {
            vec![
                Value::Number(f64::from(i)),
                Value::Boolean(i % 2 == 0),
                Value::Text(if i % 4 == 0 { "a" } else { "b" }),
                Value::Number(f64::from(i)),
            ]
        })
        .collect();
    let mut file = train(columns(), quick(), &rows)?.file;
    let profile = |nulls, distribution| Profile {
        count: 100 - nulls,
        nulls,
        distinct: 2,
        sampled: true,
        distribution,
    };
    let number = Distribution::Number {
        min: 0.0,
        max: 100.0,
        mean: 50.0,
        std: 29.0,
        quantiles: (0..21).map(|i| 5.0 * f64::from(i)).collect(),
    };
    let category = Distribution::Category {
        counts: vec![40, 30],
        other: 10,
    };
    let distributions = [number, Distribution::Boolean { trues: 25 }, category];
    if let Encoding::Number(number) = &mut file.preprocessing.features[0].encoding {
        (number.center, number.divisor) = (10.0, 2.0);
    }
    let features = file.preprocessing.features.iter_mut().zip([10, 0, 20]);
    for ((feature, nulls), distribution) in features.zip(distributions) {
        feature.profile = profile(nulls, distribution);
    }
    file.preprocessing.check().expect("consistent");
    Ok(file)
}

fn drift(file: &ModelFile, rows: &[Vec<Value<'_>>]) -> Result<Vec<FeatureDrift>> {
    let mut drift = Drift::new(file, &columns())?;
    for row in rows {
        drift.push(row, &mut NoCallback)?;
    }
    drift.finish()
}

fn close(given: Option<f64>, expected: f64) {
    let given = given.expect("known");
    assert!((given - expected).abs() < 1e-9, "{given} is not {expected}");
}

#[test]
fn drift_is_what_numpy_says() -> Result<()> {
    // import numpy as np
    // def psi(t, n): t, n = np.maximum(t, 1e-4), np.maximum(n, 1e-4); return ((n - t) * np.log(n / t)).sum()
    // x = (np.arange(200) * 0.75 + 0.1)[50:]; q = np.arange(21) * 5.0
    // now = np.histogram(x, bins=np.r_[-np.inf, q[2:19:2], np.inf])[0] / len(x)
    // print(psi(np.full(10, 0.1), now), max(abs((x <= v).mean() - i / 20) for i, v in enumerate(q)))
    // print(psi(np.r_[0.75, 0.25], np.r_[0.5, 0.5]), psi(np.r_[0.5, 0.375, 0.125], np.r_[0.25, 0.5, 0.25]))
    let rows: Vec<Vec<Value<'_>>> = (0..200)
        .map(|i| {
            let x = f64::from(i) * 0.75 + 0.1;
            vec![
                if i < 50 {
                    Value::Null
                } else {
                    Value::Number(x)
                },
                Value::Boolean(i % 2 == 0),
                Value::Text(["a", "b", "new", "b"][i as usize % 4]),
                Value::Null,
            ]
        })
        .collect();
    let found = drift(&file()?, &rows)?;
    let [x, b, c] = found.as_slice() else {
        panic!("three features")
    };
    close(x.psi, 2.900_664_804_061_456_4);
    close(x.ks, 0.44);
    assert_eq!((x.null_rate_then, x.null_rate_now), (0.1, 0.25));
    assert_eq!(x.unseen_share, None);
    close(b.psi, 0.274_653_072_167_027_45);
    close(b.ks, 0.25);
    close(c.psi, 0.295_890_451_766_452_07);
    assert_eq!((c.ks, c.unseen_share), (None, Some(0.25)));
    assert_eq!((c.null_rate_then, c.null_rate_now), (0.2, 0.0));
    Ok(())
}

#[test]
fn the_same_rows_have_not_drifted() -> Result<()> {
    let rows: Vec<Vec<Value<'_>>> = (0..1000)
        .map(|i| {
            vec![
                Value::Number(f64::from(i) * 0.1),
                Value::Boolean(i % 4 == 0),
                Value::Text(["a", "a", "a", "a", "b", "b", "b", "z"][i as usize % 8]),
            ]
        })
        .collect();
    for feature in drift(&file()?, &rows)? {
        assert!(feature.psi.is_some_and(|psi| psi < 1e-3), "{feature:?}");
        assert!(feature.ks.is_none_or(|ks| ks < 0.01), "{feature:?}");
    }
    Ok(())
}

#[test]
fn a_column_of_few_numbers_has_bins_of_its_own() {
    let mut quantiles = vec![0.0; 9];
    quantiles.extend([1.0; 12]);
    // 40 % are 0: half of them now.
    let (psi, ks) = numbers(&quantiles, &[0.0, 1.0], &[0.2, 0.8, 0.0]);
    // python3 -c "import math; print((.2 - .4) * math.log(.2 / .4) + (.8 - .6) * math.log(.8 / .6))" -> 0.1961658506023248
    assert!((psi - 0.196_165_850_602_324_8).abs() < 1e-12, "{psi}");
    assert!((ks - 0.2).abs() < 1e-12);
    let (psi, ks) = numbers(&[3.0; 21], &[3.0], &[1.0, 0.0]);
    assert_eq!((psi, ks), (0.0, 0.0));
}

#[test]
fn what_cannot_be_compared_is_refused_or_not_known() -> Result<()> {
    let file = file()?;
    assert_eq!(
        drift(&file, &[]).expect_err("no rows").kind(),
        ErrorKind::NoRows
    );
    let row = |x| vec![x, Value::Null, Value::Null];
    let error = drift(&file, &[row(Value::Number(f64::NAN))]).expect_err("NaN");
    assert_eq!(error.to_string(), "column \"x\" is NaN in row 1");
    let error = drift(&file, &[row(Value::Text("1"))]).expect_err("a text");
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    let found = drift(&file, &[row(Value::Null)])?;
    assert!(found.iter().all(|it| it.psi.is_none() && it.ks.is_none()));
    assert!(found.iter().all(|it| it.null_rate_now == 1.0));
    let error = Drift::new(&file, &columns()[1..]).expect_err("no x");
    assert_eq!(error.to_string(), "column \"x\" is missing");
    Ok(())
}

#[test]
fn a_model_tells_what_it_learned() -> Result<()> {
    let info = file()?.feature_info();
    let roles: Vec<_> = info.iter().map(|it| (it.name.as_str(), it.role)).collect();
    let expected = [
        ("x", "feature"),
        ("b", "feature"),
        ("c", "feature"),
        ("y", "target"),
    ];
    assert_eq!(roles, expected);
    let FeatureInfo {
        encoding,
        scaling,
        inputs,
        ..
    } = &info[0];
    assert_eq!(inputs, &["x"]);
    assert!(encoding.starts_with("number, NULL is "), "{encoding}");
    assert!(
        scaling
            .as_deref()
            .is_some_and(|it| it.starts_with("standard: minus "))
    );
    let x = &info[0];
    assert_eq!(
        (x.min, x.max, x.median),
        (Some(0.0), Some(100.0), Some(50.0))
    );
    assert_eq!((x.distinct, x.nulls, x.sampled), (Some(2), 10, true));
    assert_eq!(info[1].mean, Some(0.25));
    assert_eq!(info[2].inputs, ["c = a", "c = b"]);
    Ok(())
}

#[test]
fn a_transformed_row_is_what_the_network_sees() -> Result<()> {
    let file = file()?;
    let scorer = Scorer::new(&file, &mut NoCallback)?;
    let columns = columns();
    let turned: Vec<Column> = columns.into_iter().rev().collect();
    let mut transform = Transform::new(&scorer, &turned)?;
    assert_eq!(transform.names(), ["x", "b", "c = a", "c = b"]);
    let row = [
        Value::Null,
        Value::Text("b"),
        Value::Boolean(true),
        Value::Number(9.5),
    ];
    assert_eq!(transform.row(&row)?, [-0.25, 1.0, 0.0, 1.0]);
    let error = transform.row(&[Value::Null, Value::Text("b")]);
    assert!(error.is_ok(), "what is not given is NULL");
    Ok(())
}
