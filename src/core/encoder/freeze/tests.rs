//! What the options make of columns.

mod texts;

use super::super::{frozen_encoder, frozen_layout};
use crate::encoder::fixture::{Learned, learn};
use crate::encoder::{Encoding, Null, Part, Preprocessing};
use crate::fixture::column;
use crate::ingest::text_of;
use crate::{Budget, Column, ColumnType, ErrorKind, Preprocess, Result, Value, Vector};
use Value::{Null as NULL, Number, Text};

/// Learns from one column named x.
fn one(column_type: ColumnType, said: &str, values: &[Value<'_>]) -> Result<Learned> {
    let rows: Vec<_> = values.iter().map(|value| vec![*value]).collect();
    let said = format!("{{\"x\": {{{said}}}}}");
    learn(&[column("x", column_type)], &said, &rows, &[])
}

/// The inputs of the training rows.
fn inputs(learned: &Learned) -> Vec<Vec<f32>> {
    let encode = |record: &Vec<u8>| {
        let mut x = vec![0.0; learned.encoder.width()];
        learned.encoder.encode(record, &mut x);
        x
    };
    learned.records.iter().map(encode).collect()
}

fn encoding(learned: &Learned) -> &Encoding {
    let Preprocessing { features, .. } = &learned.preprocessing;
    &features.first().expect("a feature").encoding
}

#[test]
fn numbers_are_imputed_clipped_and_scaled_as_by_scikit_learn() -> Result<()> {
    // scikit-learn 1.7: make_pipeline(SimpleImputer(..), StandardScaler() or MinMaxScaler() or ..).fit_transform, for log1p with
    // FunctionTransformer(lambda v: np.sign(v) * np.log1p(abs(v))) before; np.clip(x, *np.quantile(x, [.1, .8])) or
    // np.clip(x, x.mean() - x.std(), x.mean() + x.std()) of the imputed column between the two.
    let cases: &[(&str, [f64; 7])] = &[
        (
            r#""impute": "mean", "scale": "standard""#,
            [
                -0.6193235, -0.5419081, -0.5419081, -0.2322463, 0.0, 2.399879, -0.4644927,
            ],
        ),
        (
            r#""impute": "mean", "scale": "min_max""#,
            [
                0.0, 0.02564103, 0.02564103, 0.1282051, 0.2051282, 1.0, 0.05128205,
            ],
        ),
        (
            r#""impute": "mean", "scale": "max_abs""#,
            [0.025, 0.05, 0.05, 0.15, 0.225, 1.0, 0.075],
        ),
        (
            r#""impute": "mean", "scale": "robust""#,
            [
                -0.3636364, -0.1818182, -0.1818182, 0.5454545, 1.090909, 6.727273, 0.0,
            ],
        ),
        (
            r#""impute": "mean", "scale": "log1p""#,
            [
                -1.112575, -0.6850808, -0.6850808, 0.208251, 0.5843041, 2.07195, -0.3817689,
            ],
        ),
        (
            r#""impute": "mean", "scale": "none""#,
            [1.0, 2.0, 2.0, 6.0, 9.0, 40.0, 3.0],
        ),
        (
            r#""impute": "median", "scale": "standard""#,
            [
                -0.5391434, -0.4629009, -0.4629009, -0.1579309, -0.4247796, 2.434314, -0.3866584,
            ],
        ),
        (
            r#""impute": "median", "scale": "min_max""#,
            [
                0.0, 0.02564103, 0.02564103, 0.1282051, 0.03846154, 1.0, 0.05128205,
            ],
        ),
        (
            r#""impute": "median", "scale": "max_abs""#,
            [0.025, 0.05, 0.05, 0.15, 0.0625, 1.0, 0.075],
        ),
        (
            r#""impute": "median", "scale": "robust""#,
            [-0.6, -0.2, -0.2, 1.4, 0.0, 15.0, 0.2],
        ),
        (
            r#""impute": "median", "scale": "log1p""#,
            [
                -0.9714893, -0.5363644, -0.5363644, 0.3729135, -0.3709375, 2.26988, -0.2276383,
            ],
        ),
        (
            r#""impute": "median", "scale": "none""#,
            [1.0, 2.0, 2.0, 6.0, 2.5, 40.0, 3.0],
        ),
        (
            r#""impute": "mode", "scale": "standard""#,
            [
                -0.53242, -0.45636, -0.45636, -0.15212, -0.45636, 2.43392, -0.3803,
            ],
        ),
        (
            r#""impute": "mode", "scale": "min_max""#,
            [
                0.0, 0.02564103, 0.02564103, 0.1282051, 0.02564103, 1.0, 0.05128205,
            ],
        ),
        (
            r#""impute": "mode", "scale": "max_abs""#,
            [0.025, 0.05, 0.05, 0.15, 0.05, 1.0, 0.075],
        ),
        (
            r#""impute": "mode", "scale": "robust""#,
            [-0.4, 0.0, 0.0, 1.6, 0.0, 15.2, 0.4],
        ),
        (
            r#""impute": "mode", "scale": "log1p""#,
            [
                -0.9381121, -0.5074606, -0.5074606, 0.3924691, -0.5074606, 2.269933, -0.2019085,
            ],
        ),
        (
            r#""impute": "mode", "scale": "none""#,
            [1.0, 2.0, 2.0, 6.0, 2.0, 40.0, 3.0],
        ),
        (
            r#""impute": {"constant": -3}, "scale": "standard""#,
            [
                -0.4627735,
                -0.3891504,
                -0.3891504,
                -0.09465821,
                -0.7572657,
                2.408526,
                -0.3155274,
            ],
        ),
        (
            r#""impute": {"constant": -3}, "scale": "min_max""#,
            [
                0.09302326, 0.1162791, 0.1162791, 0.2093023, 0.0, 1.0, 0.1395349,
            ],
        ),
        (
            r#""impute": {"constant": -3}, "scale": "max_abs""#,
            [0.025, 0.05, 0.05, 0.15, -0.075, 1.0, 0.075],
        ),
        (
            r#""impute": {"constant": -3}, "scale": "robust""#,
            [
                -0.3333333, 0.0, 0.0, 1.333333, -1.666667, 12.66667, 0.3333333,
            ],
        ),
        (
            r#""impute": {"constant": -3}, "scale": "log1p""#,
            [
                -0.3752519,
                -0.08722821,
                -0.08722821,
                0.5146531,
                -1.852391,
                1.770319,
                0.1171279,
            ],
        ),
        (
            r#""impute": {"constant": -3}, "scale": "none""#,
            [1.0, 2.0, 2.0, 6.0, -3.0, 40.0, 3.0],
        ),
        (
            r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}, "scale": "standard""#,
            [
                -1.023467,
                -0.7556436,
                -0.7556436,
                1.520852,
                -0.4208648,
                1.520852,
                -0.08608598,
            ],
        ),
        (
            r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}, "scale": "min_max""#,
            [0.0, 0.1052632, 0.1052632, 1.0, 0.2368421, 1.0, 0.3684211],
        ),
        (
            r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}, "scale": "max_abs""#,
            [
                0.2962963, 0.3703704, 0.3703704, 1.0, 0.462963, 1.0, 0.5555556,
            ],
        ),
        (
            r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}, "scale": "robust""#,
            [
                -0.4090909, -0.2272727, -0.2272727, 1.318182, 0.0, 1.318182, 0.2272727,
            ],
        ),
        (
            r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}, "scale": "log1p""#,
            [
                -1.186168, -0.7641962, -0.7641962, 1.470045, -0.3096413, 1.470045, 0.08411206,
            ],
        ),
        (
            r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}, "scale": "none""#,
            [1.6, 2.0, 2.0, 5.4, 2.5, 5.4, 3.0],
        ),
        (
            r#""outliers": {"clip": {"stddev": 1}}, "scale": "standard""#,
            [
                -0.6627844, -0.5115992, -0.5115992, 0.09314146, -0.4360067, 2.389262, -0.3604141,
            ],
        ),
        (
            r#""outliers": {"clip": {"stddev": 1}}, "scale": "min_max""#,
            [
                0.0, 0.04953567, 0.04953567, 0.2476784, 0.07430351, 1.0, 0.09907134,
            ],
        ),
        (
            r#""outliers": {"clip": {"stddev": 1}}, "scale": "max_abs""#,
            [
                0.0471977, 0.0943954, 0.0943954, 0.2831862, 0.1179943, 1.0, 0.1415931,
            ],
        ),
        (
            r#""outliers": {"clip": {"stddev": 1}}, "scale": "robust""#,
            [-0.6, -0.2, -0.2, 1.4, 0.0, 7.474989, 0.2],
        ),
        (
            r#""outliers": {"clip": {"stddev": 1}}, "scale": "log1p""#,
            [
                -1.109054, -0.5590157, -0.5590157, 0.5903955, -0.3499009, 2.155348, -0.1687575,
            ],
        ),
        (
            r#""outliers": {"clip": {"stddev": 1}}, "scale": "none""#,
            [1.0, 2.0, 2.0, 6.0, 2.5, 21.18747, 3.0],
        ),
    ];
    let values = [1.0, 2.0, 2.0, 6.0, f64::NAN, 40.0, 3.0].map(|value| {
        if f64::is_nan(value) {
            NULL
        } else {
            Number(value)
        }
    });
    for (said, expected) in cases {
        let said = format!("{said}, \"indicator\": false");
        let learned = one(ColumnType::Number, &said, &values)?;
        for (x, expected) in inputs(&learned).iter().zip(expected) {
            assert_eq!(x.len(), 1);
            assert!(
                (f64::from(x[0]) - expected).abs() < 1e-5,
                "{said}: {x:?} {expected}"
            );
        }
        assert_eq!(learned.preprocessing.check(), Ok(()), "{said}");
        // An array of one element goes the same way.
        let elements: Vec<[f64; 1]> = values
            .iter()
            .map(|value| match value {
                Number(number) => [*number],
                _ => [0.0],
            })
            .collect();
        let vectors: Vec<Vec<Value<'_>>> = values
            .iter()
            .zip(&elements)
            .map(|(value, element)| {
                vec![match value {
                    NULL => NULL,
                    _ => Value::Vector(Vector::Double(element)),
                }]
            })
            .collect();
        let vector = Column {
            length: Some(1),
            ..column("x", ColumnType::Vector)
        };
        // The default of an array is the mean.
        let said = if said.contains("impute") {
            said
        } else {
            format!("{said}, \"impute\": \"median\"")
        };
        let of_vectors = learn(&[vector], &format!("{{\"x\": {{{said}}}}}"), &vectors, &[])?;
        assert_eq!(inputs(&of_vectors), inputs(&learned), "{said}");
        assert_eq!(of_vectors.preprocessing.check(), Ok(()), "{said}");
    }
    Ok(())
}

#[test]
fn indicators_follow_nulls_unless_told() -> Result<()> {
    for (said, nulls, width) in [
        ("", false, 1),
        ("", true, 2),
        ("\"indicator\": true", false, 2),
        ("\"indicator\": false", true, 1),
    ] {
        let mut values = vec![Number(1.0), Number(2.0)];
        values.extend(nulls.then_some(NULL));
        let learned = one(ColumnType::Number, said, &values)?;
        assert_eq!(learned.encoder.width(), width, "{said} {nulls}");
    }
    Ok(())
}

#[test]
fn null_is_refused_where_it_was_said() -> Result<()> {
    let learned = one(ColumnType::Number, "\"impute\": \"error\"", &[Number(1.0)])?;
    assert!(matches!(encoding(&learned), Encoding::Number(number) if number.null == Null::Refused));
    let error = one(
        ColumnType::Number,
        "\"impute\": \"error\"",
        &[Number(1.0), NULL],
    );
    let error = error.expect_err("refused");
    assert_eq!(error.to_string(), "column \"x\" is NULL in row 2");
    assert_eq!(error.kind(), ErrorKind::NullNotAllowed);
    Ok(())
}

#[test]
fn rows_with_outliers_are_left_out_and_the_rest_is_learned_again() -> Result<()> {
    let columns = [
        column("x", ColumnType::Number),
        column("c", ColumnType::Category),
    ];
    let rows: Vec<Vec<Value<'_>>> = (0..20)
        .map(|row| match row {
            7 => vec![Number(1000.0), Text("only with it")],
            8 => vec![NULL, Text("a")],
            _ => vec![
                Number(f64::from(row)),
                Text(if row % 2 == 0 { "a" } else { "b" }),
            ],
        })
        .collect();
    let said = r#"{"x": {"outliers": {"drop": {"stddev": 2}}}}"#;
    let learned = learn(&columns, said, &rows, &[])?;
    let rest: Vec<_> = [&rows[..7], &rows[8..]].concat();
    let expected = learn(&columns, "{}", &rest, &[])?;
    assert_eq!(learned.preprocessing, expected.preprocessing);
    assert_eq!(inputs(&learned), inputs(&expected));
    assert_eq!(
        learned.notices,
        ["1 training row with an outlier in \"x\" was left out"]
    );
    let error = learn(
        &columns,
        r#"{"x": {"outliers": {"drop": {"quantiles": [0.49, 0.5]}}}}"#,
        &rows[..3],
        &[],
    );
    assert_eq!(error.expect_err("none is left").kind(), ErrorKind::TooFew);
    Ok(())
}

#[test]
fn dates_have_parts_and_differences() -> Result<()> {
    let day = 86_400.0;
    let columns = [
        column("begun", ColumnType::Timestamp),
        column("n", ColumnType::Number),
        column("ended", ColumnType::Date),
        column("never", ColumnType::TimestampTz),
    ];
    let rows: Vec<Vec<Value<'_>>> = (0..5)
        .map(|row| {
            let row = f64::from(row);
            let never = if row == 0.0 { Number(0.0) } else { NULL };
            let begun = if row == 0.0 {
                NULL
            } else {
                Number(row * 100.5 * day)
            };
            vec![begun, Number(row), Number(row * 200.0 * day), never]
        })
        .collect();
    let said = r#"{"ended - begun": {"scale": "none"}, "never": {"parts": []}}"#;
    let learned = learn(&columns, said, &rows, &[])?;
    let Preprocessing {
        features,
        differences,
    } = &learned.preprocessing;
    assert!(
        matches!(&features[0].encoding, Encoding::Calendar { parts, .. } if parts.contains(&Part::Hour))
    );
    assert!(matches!(&features[2].encoding, Encoding::Calendar { parts, .. } if parts.len() == 3));
    let names: Vec<&str> = differences.iter().map(|it| it.name.as_str()).collect();
    // never - begun has no value at all.
    assert_eq!(names, ["ended - begun", "never - ended"]);
    assert_eq!((differences[0].from, differences[0].to), (0, 2));
    let place = learned.preprocessing.input_names();
    let place = place
        .iter()
        .position(|name| name == "ended - begun")
        .expect("an input");
    let seconds: Vec<f32> = inputs(&learned).iter().map(|x| x[place]).collect();
    let days = [248.75, 99.5, 199.0, 298.5, 398.0].map(|days| (days * day) as f32);
    assert_eq!(seconds, days, "NULL is the median");
    assert_eq!(learned.preprocessing.check(), Ok(()));
    Ok(())
}

#[test]
fn frozen_learners_code_by_what_is_known() -> Result<()> {
    let columns = [
        column("n", ColumnType::Number),
        column("c", ColumnType::Category),
        column("h", ColumnType::Category),
        column("d", ColumnType::Date),
        column("e", ColumnType::Date),
    ];
    let row = |n: f64, text: &'static str| {
        vec![
            Number(n),
            Text(text),
            Text(text),
            Number(n * 86_400.0),
            Number(0.0),
        ]
    };
    let said = r#"{"h": {"encode": {"hash": {"buckets": 3}}}, "n": {"impute": "error"}}"#;
    let rows = [row(1.0, "b"), row(2.0, "a"), row(4.0, "b")];
    let learned = learn(&columns, said, &rows, &[])?;
    let preprocess = Preprocess::parse(said)?;
    let indexed = columns.iter().cloned().enumerate().collect();
    let (mut learners, bytes) = frozen_layout(indexed, &learned.preprocessing, &preprocess)?;
    let encoder = frozen_encoder(&learners, &learned.preprocessing);
    let budget = Budget::new(1 << 20);
    let mut store = |row: &[Value<'_>]| -> Result<Vec<f32>> {
        let mut record = vec![0; bytes];
        for learner in &mut learners {
            assert!(!learner.is_number(), "nothing is learned");
            learner.slot.store(row, &mut record, 1)?;
            let text = row.get(learner.slot.column).and_then(text_of);
            if learner.is_single() {
                learner.learn(text, true, &mut record, &budget)?;
            }
        }
        let mut x = vec![0.0; encoder.width()];
        encoder.encode(&record, &mut x);
        Ok(x)
    };
    for (row, x) in rows.iter().zip(inputs(&learned)) {
        assert_eq!(store(row)?, x);
    }
    let unseen = store(&row(2.0, "never seen"))?;
    assert_eq!(unseen[1..3], [0.0, 0.0]);
    let null = [NULL, Text("a"), NULL, NULL, NULL];
    assert_eq!(
        store(&null).expect_err("refused").kind(),
        ErrorKind::NullNotAllowed
    );
    Ok(())
}
