//! Points in time.

use super::*;

#[test]
fn dates_are_waves_and_an_epoch() -> Result<()> {
    let calendar = |column_type, parts: &[Part], missing| {
        let epoch = Number {
            center: 0.0,
            divisor: 86_400.0,
            null: Null::Value(86_400.0),
            missing,
            ..NUMBER
        };
        let parts = parts.to_vec();
        feature("d", column_type, Encoding::Calendar { parts, epoch })
    };
    let parts = [Part::Month, Part::Day, Part::Weekday, Part::Hour];
    // From Python's datetime, its day of the year, day, weekday and seconds, and math.sin and cos, as np.float32.
    let leap: &[f32] = &[
        0.84945047,
        0.52766836,
        -0.5712682,
        0.82076347,
        0.43388373,
        -0.90096885,
        -0.38268343,
        -0.9238795,
        19782.562,
        0.0,
    ];
    let names = [
        "d month sin",
        "d month cos",
        "d day sin",
        "d day cos",
        "d weekday sin",
        "d weekday cos",
        "d hour sin",
        "d hour cos",
        "d epoch",
        "d is missing",
    ];
    let null = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
    let cases: [(Value<'_>, &[f32]); 3] = [
        (Value::Number(1_709_213_400.0), leap),
        (
            Value::Number(-0.5),
            &[
                -0.021501373,
                0.9997688,
                -0.20129852,
                0.9795299,
                0.9749279,
                -0.22252093,
                -3.6361027e-05,
                1.0,
                -5.787037e-06,
                0.0,
            ],
        ),
        (Value::Null, &null),
    ];
    let timestamp = calendar(ColumnType::TimestampTz, &parts, true);
    check_both_ways(timestamp, &names, &cases)?;
    let cases: [(Value<'_>, &[f32]); 1] = [(Value::Number(21_600.0), &[1.0, 0.0, 0.25])];
    let time = calendar(ColumnType::Time, &[Part::Hour], false);
    let x = scored(&one(time.clone()), &[cases[0].0])?;
    assert_eq!(x, batched(&one(time), &[cases[0].0])?);
    assert!(x.iter().zip(cases[0].1).all(|(x, y)| (x - y).abs() < 1e-6));
    Ok(())
}

#[test]
fn every_day_of_eight_centuries_follows_the_one_before() {
    use crate::encoder::Date;
    let mut expected = Date {
        year: 1599,
        month: 12,
        day: 31,
    };
    let (first, years) = (expected.days() + 1, 800 * 365);
    for days in first..first + years {
        expected = if expected.day < expected.month_days() {
            let day = expected.day + 1;
            Date { day, ..expected }
        } else if expected.month < 12 {
            let month = expected.month + 1;
            Date {
                month,
                day: 1,
                ..expected
            }
        } else {
            let year = expected.year + 1;
            Date {
                year,
                month: 1,
                day: 1,
            }
        };
        assert_eq!((Date::of_days(days), expected.days()), (expected, days));
    }
    // python3 -c "import datetime as d; print(d.date(1, 1, 1).toordinal() - d.date(1970, 1, 1).toordinal())"
    assert_eq!(
        Date::of_days(-719_162),
        Date {
            year: 1,
            month: 1,
            day: 1
        }
    );
}

#[test]
fn points_in_time_have_differences() -> Result<()> {
    let preprocessing = two_dates();
    preprocessing.check().expect("consistent");
    let names = preprocessing.input_names();
    assert_eq!(
        &names[names.len() - 2..],
        ["to - from", "to - from is missing"]
    );
    let (x, known) = (Value::Number(0.0), Value::Number(86_400.0 * 3.0));
    for (to, from, expected) in [
        (known, Value::Number(86_400.0), [86_398.5, 0.0]),
        (Value::Null, known, [2.0, 1.0]),
        (known, Value::Null, [2.0, 1.0]),
    ] {
        for inputs in [
            batched(&preprocessing, &[to, x, from])?,
            scored(&preprocessing, &[to, x, from])?,
        ] {
            assert_eq!(inputs[inputs.len() - 2..], expected);
        }
    }
    let mut refused = preprocessing;
    refused.differences[0].number.null = Null::Refused;
    let error = scored(&refused, &[known, x, Value::Null]).expect_err("refused");
    assert_eq!(error.to_string(), "column \"to - from\" is NULL");
    let error = batched(&refused, &[known, x, Value::Null]).expect_err("refused");
    assert_eq!(error.to_string(), "column \"to - from\" is NULL");
    Ok(())
}
