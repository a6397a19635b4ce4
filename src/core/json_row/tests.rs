//! Objects that are features, and those that are not.

use super::escape::decode;
use super::{JsonRow, scan};
use crate::encoder::{Encoding, Null, Profile};
use crate::{ColumnType, Error, ErrorKind, Feature, Result, Value, Vector};
use ColumnType::{Boolean, Category, Date, Interval, Number, Time, Timestamp, TimestampTz};

fn feature(name: &str, column_type: ColumnType) -> Feature {
    Feature {
        name: name.into(),
        column_type,
        encoding: Encoding::Boolean {
            null: Null::Value(false),
            missing: false,
        },
        profile: Profile::default(),
        unnamed: false,
    }
}

fn features() -> Vec<Feature> {
    vec![
        feature("area", Number),
        feature("my \"city\"", Category),
        feature("größe", Boolean),
    ]
}

/// What `object` has, shown.
fn shown(features: &[Feature], object: &str) -> Result<String> {
    let mut json = JsonRow::new(features);
    let mut row = vec![Value::Null];
    json.read(features, object, &mut row)?;
    Ok(format!("{row:?}"))
}

fn refused(features: &[Feature], object: &str) -> Error {
    shown(features, object).expect_err(object)
}

#[test]
fn finds_features_in_any_order_among_others() -> Result<()> {
    let features = features();
    let mut json = JsonRow::new(&features);
    for object in [
        r#"{"area": 1.5, "my \"city\"": "Köln", "größe": true}"#,
        r#" { "größe":true,"id":{"a":[1,{"area":7}]},"my \u0022city\u0022":"Köln","x":null,"area":1.5e0 } "#,
        "{\n\"my \\\"city\\\"\": \"K\\u00f6ln\",\t\"area\": 15e-1,\r\"gr\\u00f6\\u00DFe\": true, \"\": []}",
    ] {
        for _ in 0..3 {
            let mut row = Vec::new();
            json.read(&features, object, &mut row)?;
            assert_eq!(
                row,
                [
                    Value::Number(1.5),
                    Value::Text("Köln"),
                    Value::Boolean(true)
                ]
            );
        }
    }
    Ok(())
}

#[test]
fn null_is_null_and_of_two_the_last_counts() -> Result<()> {
    let features = features();
    let object =
        r#"{"area": "no number", "my \"city\"": null, "größe": null, "area": 1, "area": -0}"#;
    let mut json = JsonRow::new(&features);
    let mut row = Vec::new();
    json.read(&features, object, &mut row)?;
    assert_eq!(row, [Value::Number(0.0), Value::Null, Value::Null]);
    assert!(matches!(row[0], Value::Number(zero) if zero.is_sign_positive()));
    Ok(())
}

#[test]
fn escapes_become_what_they_stand_for() -> Result<()> {
    let features = [feature("a", Category), feature("b", Category)];
    let object = r#"{"a": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00x", "b": "plain"}"#;
    let mut json = JsonRow::new(&features);
    let mut row = Vec::new();
    json.read(&features, object, &mut row)?;
    assert_eq!(
        row,
        [Value::Text("\"\\/\x08\x0c\n\r\té😀x"), Value::Text("plain")]
    );
    Ok(())
}

#[test]
fn strings_are_read_as_times_and_arrays_as_vectors() -> Result<()> {
    let features = [
        feature("d", Date),
        feature("t", Timestamp),
        feature("z", TimestampTz),
        feature("c", Time),
        feature("i", Interval),
        feature("v", ColumnType::Vector),
        feature("w", ColumnType::Vector),
    ];
    let object = r#"{"d": "1970-01-02", "t": "1970-01-01 00:00:01.5", "z": "1970-01-01T01:00:00\u002b01",
        "c": "00:01", "i": "1 day", "v": [1, -2.5e0 ,3], "w":[7]}"#;
    let mut json = JsonRow::new(&features);
    let mut row = Vec::new();
    json.read(&features, object, &mut row)?;
    let numbers = [86_400.0, 1.5, 0.0, 60.0, 86_400.0].map(Value::Number);
    assert_eq!(row.get(..5), Some(&numbers[..]));
    assert_eq!(row[5], Value::Vector(Vector::Double(&[1.0, -2.5, 3.0])));
    assert_eq!(row[6], Value::Vector(Vector::Double(&[7.0])));
    let error = refused(&features[..1], r#"{"d": "yesterday"}"#);
    assert_eq!(
        error.to_string(),
        "cannot read \"yesterday\" as a date for feature \"d\""
    );
    Ok(())
}

#[test]
fn other_kinds_are_refused_by_name() {
    let array = ColumnType::Vector;
    for (column_type, value, message) in [
        (
            Number,
            "\"1\"",
            "feature \"x\" is a number, but the object has a string",
        ),
        (
            Number,
            "true",
            "feature \"x\" is a number, but the object has a boolean",
        ),
        (
            Boolean,
            "1",
            "feature \"x\" is a boolean, but the object has a number",
        ),
        (
            Category,
            "1",
            "feature \"x\" is a text, but the object has a number",
        ),
        (
            Category,
            "[]",
            "feature \"x\" is a text, but the object has an object or array",
        ),
        (
            Date,
            "5",
            "feature \"x\" is a date, but the object has a number",
        ),
        (
            array,
            "{}",
            "feature \"x\" is an array of numbers, but the object has an object or array",
        ),
        (
            array,
            "3",
            "feature \"x\" is an array of numbers, but the object has a number",
        ),
        (
            array,
            "[1, null]",
            "feature \"x\" is an array of numbers, but the array in the object has a null",
        ),
        (
            array,
            "[[1]]",
            "feature \"x\" is an array of numbers, but the array in the object has an object or array",
        ),
    ] {
        let error = refused(&[feature("x", column_type)], &format!("{{\"x\": {value}}}"));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::TypeMismatch, message)
        );
    }
    let empty = refused(&[feature("x", array)], r#"{"x": [ ]}"#);
    assert_eq!(
        (empty.kind(), empty.to_string().as_str()),
        (ErrorKind::FeatureCount, "feature \"x\" has an empty array")
    );
    let huge = refused(&[feature("x", Number)], r#"{"x": -1e400}"#);
    assert_eq!(
        (huge.kind(), huge.to_string().as_str()),
        (
            ErrorKind::NotFinite,
            "feature \"x\" is -1e400, out of the range of a double"
        )
    );
    for (text, found) in [
        ("[1]", "an array"),
        ("3", "a single value"),
        ("\"{}\"", "a single value"),
        ("null", "a single value"),
    ] {
        let error = refused(&features(), text);
        assert_eq!(
            error.to_string(),
            format!("features as JSON must be an object, not {found}")
        );
    }
}

#[test]
fn what_is_missing_is_named_with_the_nearest_key() {
    let error = refused(
        &features(),
        r#"{"areas": 1, "my \"city\"": "a", "größe": true}"#,
    );
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::UnknownColumn, "column \"area\" is missing")
    );
    assert_eq!(
        error.hint_text(),
        Some("The model needs it by this name; did you mean \"areas\"?")
    );
    let error = refused(&features(), "{}");
    assert_eq!(
        error.hint_text(),
        Some("The model needs it by this name; give a column that name with AS.")
    );
    let unnamed = Feature {
        unnamed: true,
        ..feature("f1", Number)
    };
    let error = refused(&[unnamed], r#"{"f1": 1}"#);
    assert_eq!(error.to_string(), "the features of the model have no names");
    assert_eq!(error.hint_text(), Some("Hand them over in training order."));
}

#[test]
fn what_is_no_json_is_refused_wherever_it_stands() {
    for value in [
        "",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "nul",
        "truee",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u00g0\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ude00\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{\"a\":1]",
        "[",
        "{",
        "1 1",
        "1,",
        "1}",
    ] {
        for object in [
            format!("{{\"area\": {value}}}"),
            format!("{{\"x\": {value}, \"area\": 1}}"),
        ] {
            let error = refused(&features()[..1], &object);
            assert_eq!(error.kind(), ErrorKind::InvalidText, "{object}: {error}");
            assert!(
                serde_json::from_str::<serde_json::Value>(&object).is_err()
                    || value.contains("\\u0000"),
                "{object}"
            );
        }
    }
    for object in [
        "",
        " ",
        "{",
        "{\"area\": 1",
        "{\"area\": 1}}",
        "{\"area\": 1} x",
        "{\"area\"",
        "}",
        "\u{feff}{}",
        "{\"area\": 1,}",
    ] {
        let error = refused(&features()[..1], object);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::InvalidText, "the features are not valid JSON"),
            "{object}"
        );
    }
    let error = refused(&features(), "{\"area\": x}");
    assert_eq!(
        error.detail_text(),
        Some("It goes wrong after 9 of 11 bytes.")
    );
}

#[test]
fn hostile_objects_end_in_errors() {
    let one = &features()[..1];
    for bracket in ["[", "{\"a\":", "[{\"a\":"] {
        let deep = format!("{{\"x\": {}", bracket.repeat(16 << 20 >> 3));
        assert_eq!(refused(one, &deep).kind(), ErrorKind::LimitExceeded);
    }
    let nested = |depth: usize| {
        format!(
            "{{\"x\": {}{}, \"area\": 1}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(shown(one, &nested(128)).is_ok());
    assert_eq!(refused(one, &nested(129)).kind(), ErrorKind::LimitExceeded);
    let digits = format!("{{\"area\": 0.{}}}", "1".repeat(16 << 20));
    assert_eq!(
        shown(one, &digits).expect("a number"),
        "[Number(0.1111111111111111)]"
    );
    let keys = "\"areaa\":1,".repeat(1 << 20);
    assert_eq!(
        refused(one, &format!("{{{keys}\"b\":2}}")).kind(),
        ErrorKind::UnknownColumn
    );
    let text = format!("{{\"my \\\"city\\\"\": \"{}\"}}", "\\n".repeat(4 << 20));
    let mut json = JsonRow::new(&features()[1..2]);
    let mut row = Vec::new();
    json.read(&features()[1..2], &text, &mut row)
        .expect("a long text");
    assert!(matches!(row[0], Value::Text(text) if text.len() == 4 << 20));
}

/// Every text is JSON for the scanner if and only if it is for serde_json (which allows \u0000 besides), and has the same values.
#[test]
fn agrees_with_serde_json_about_random_texts() {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "\n",
        "0",
        "-1",
        "1.5",
        "e3",
        "E-2",
        "true",
        "false",
        "null",
        "\"a\"",
        "\"x\":",
        "\\u00e9",
        "\\n",
        "\\ud83d\\ude00",
        "\\ud83d",
        "é",
        "{}",
        "[]",
        "[1,2]",
        "\"a\":1",
        ",\"b\":",
        "\t",
        "9",
    ];
    let mut random = crate::random::Random::new(7, 0);
    let mut valid = 0;
    for _ in 0..200_000 {
        let count = random.next() % 8;
        let inside: String = (0..count)
            .map(|_| pieces[random.next() as usize % pieces.len()])
            .collect();
        let object = format!("{{\"a\":{inside}}}");
        let expected = serde_json::from_str::<serde_json::Value>(&object);
        let mut scan = scan::Scan::new(&object);
        let scanned = (|| {
            let mut members = scan.members()?;
            let mut last = None;
            while let Some((key, value)) = members.next(&mut scan)? {
                let mut name = String::new();
                decode(&object[key.range], &mut name);
                if name == "a" {
                    last = Some(value);
                }
            }
            Ok::<_, Error>(last)
        })();
        match (&expected, scanned) {
            (Ok(expected), Ok(token)) => {
                valid += 1;
                let token = token.expect("a key");
                if let serde_json::Value::String(text) = &expected["a"] {
                    let mut decoded = String::new();
                    decode(&object[token.range], &mut decoded);
                    assert_eq!(&decoded, text, "{object}");
                } else {
                    let again: serde_json::Value =
                        serde_json::from_str(&object[token.range]).expect("JSON");
                    assert_eq!(again, expected["a"], "{object}");
                }
            }
            (Err(_), Err(_)) => {}
            (expected, scanned) => panic!("{object}: {expected:?} {scanned:?}"),
        }
    }
    assert!(valid > 5_000, "{valid}");
}
