//! Encoders that no training makes: each is refused with what is wrong with it.

use super::*;
use crate::encoder::Part;
use serde_json::{Value as Json, json};

fn number() -> Json {
    json!({"scale": "standard", "clip": null, "center": 1.0, "divisor": 2.0, "null": {"value": 3.0}, "missing": false})
}

fn vocabulary() -> Json {
    json!({"categories": ["a", "b"], "other": false, "missing": true, "unseen": "other", "null": "missing"})
}

fn elements(length: usize) -> Json {
    let numbers = |number: f64| json!(vec![number; length]);
    json!({"scale": "standard", "center": numbers(1.0), "divisor": numbers(2.0), "clip": null, "null": numbers(1.5)})
}

fn profile() -> Json {
    json!({"count": 10, "nulls": 1, "distinct": 3, "sampled": false, "distribution": "none"})
}

/// A preprocessing with one feature of every encoding and a difference.
fn valid() -> Json {
    let feature = |name: &str, column_type: &str, encoding: Json| json!({"name": name, "type": column_type, "encoding": encoding, "profile": profile()});
    let calendar = json!({"calendar": {"parts": ["month", "hour"], "epoch": number()}});
    json!({
        "features": [
            feature("x", "number", json!({"number": number()})),
            feature("b", "boolean", json!({"boolean": {"null": "refused", "missing": false}})),
            feature("c", "category", json!({"one_hot": vocabulary()})),
            feature("e", "category", json!({"embedding": {"vocabulary": vocabulary(), "dim": 2}})),
            feature("o", "category", json!({"ordinal": {"order": ["a", "b"], "number": number(), "unseen": "error"}})),
            feature("h", "category", json!({"hash": {"buckets": 7, "dim": null, "null": "missing", "missing": true}})),
            feature("t", "timestamptz", calendar.clone()),
            feature("v", "vector", json!({"vector": {"elements": elements(2), "missing": true}})),
            feature("d", "date", calendar),
        ],
        "differences": [{"name": "d - t", "from": 6, "to": 8, "number": number(), "profile": profile()}],
    })
}

/// What is wrong with `json`, be it that it cannot be read.
fn wrong(json: &Json) -> Option<String> {
    match serde_json::from_str::<Preprocessing>(&json.to_string()) {
        Ok(preprocessing) => preprocessing.check().err(),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn every_encoding_is_read_and_written_alike() -> serde_json::Result<()> {
    assert_eq!(wrong(&valid()), None);
    let preprocessing: Preprocessing = serde_json::from_value(valid())?;
    assert_eq!(serde_json::to_value(&preprocessing)?, valid());
    let widths = preprocessing
        .features
        .iter()
        .map(|feature| feature.encoding.width());
    assert_eq!(widths.collect::<Vec<_>>(), [1, 1, 3, 1, 1, 8, 5, 3, 5]);
    assert_eq!(preprocessing.input_names().len(), preprocessing.width());
    assert_eq!(preprocessing.embeddings().len(), 1);
    assert_eq!(Part::Month.name(), "month");
    Ok(())
}

#[test]
fn contents_that_cannot_be_are_refused() {
    let quantiles = |count: usize| json!({"number": {"min": 0.0, "max": 1.0, "mean": 0.5, "std": 0.1, "quantiles": vec![0.5; count]}});
    let cases: [(&str, Json, &str); 45] = [
        ("/features", json!([]), "no features"),
        ("/features/1/name", json!("x"), "two features"),
        (
            "/features/0/type",
            json!("category"),
            "does not fit its type",
        ),
        ("/features/0/type", json!("date"), "does not fit its type"),
        ("/features/2/type", json!("vector"), "does not fit its type"),
        ("/features/6/type", json!("number"), "does not fit its type"),
        ("/features/0/type", json!("interval"), ""),
        ("/features/0/encoding/number/divisor", json!(0.0), "divisor"),
        (
            "/features/0/encoding/number/divisor",
            json!(-1.0),
            "divisor",
        ),
        (
            "/features/0/encoding/number/divisor",
            json!(1e-320),
            "divisor",
        ),
        (
            "/features/0/encoding/number/divisor",
            Json::Null,
            "invalid type",
        ),
        (
            "/features/0/encoding/number/scale",
            json!("sigma"),
            "unknown variant",
        ),
        (
            "/features/0/encoding/number/clip",
            json!([2.0, 1.0]),
            "limits",
        ),
        (
            "/features/0/encoding/number/clip",
            json!([2.0]),
            "invalid length",
        ),
        (
            "/features/0/encoding/number/null",
            json!({"value": 1e300}),
            "value for NULL",
        ),
        (
            "/features/0/encoding/number/null",
            json!({"valu": 1.0}),
            "unknown variant",
        ),
        (
            "/features/0/encoding/number/extra",
            json!(1),
            "unknown field",
        ),
        (
            "/features/2/encoding/one_hot/categories",
            json!([]),
            "no or too many categories",
        ),
        (
            "/features/2/encoding/one_hot/categories",
            json!(["a", "a"]),
            "twice",
        ),
        (
            "/features/2/encoding/one_hot/null",
            json!({"category": 2}),
            "not there",
        ),
        ("/features/2/encoding/one_hot/unseen", json!("error"), ""),
        ("/features/3/encoding/embedding/dim", json!(0), "length"),
        (
            "/features/3/encoding/embedding/dim",
            json!(1u64 << 40),
            "length",
        ),
        (
            "/features/3/encoding/embedding/vocabulary/null",
            json!({"category": 9}),
            "not there",
        ),
        (
            "/features/4/encoding/ordinal/order",
            json!(["a", "a"]),
            "twice",
        ),
        (
            "/features/4/encoding/ordinal/number/null",
            json!("refused"),
            "",
        ),
        (
            "/features/4/encoding/ordinal/number/scale",
            json!("log1p"),
            "positions",
        ),
        ("/features/5/encoding/hash/buckets", json!(0), "buckets"),
        (
            "/features/5/encoding/hash/buckets",
            json!(u32::MAX),
            "buckets",
        ),
        (
            "/features/5/encoding/hash/buckets",
            json!(-1),
            "invalid value",
        ),
        (
            "/features/5/encoding/hash/null",
            json!({"category": 7}),
            "not there",
        ),
        ("/features/5/encoding/hash/dim", json!(1 << 13), "length"),
        (
            "/features/6/encoding/calendar/parts",
            json!(["month", "month"]),
            "a part twice",
        ),
        (
            "/features/6/encoding/calendar/parts",
            json!(["century"]),
            "unknown variant",
        ),
        (
            "/features/7/encoding/vector/elements",
            elements(0),
            "elements",
        ),
        (
            "/features/7/encoding/vector/elements/divisor",
            json!([2.0]),
            "differ in length",
        ),
        (
            "/features/7/encoding/vector/elements/divisor/1",
            json!(0.0),
            "divisor",
        ),
        ("/differences/0/from", json!(8), "two points in time"),
        ("/differences/0/from", json!(0), "two points in time"),
        ("/differences/0/to", json!(99), "two points in time"),
        ("/differences/0/number/divisor", json!(0.0), "divisor"),
        ("/features/0/profile/distinct", json!(11), "distribution"),
        ("/features/0/profile/nulls", json!(u64::MAX), "distribution"),
        (
            "/features/0/profile/distribution",
            quantiles(20),
            "distribution",
        ),
        ("/features/0/profile/distribution", quantiles(21), ""),
    ];
    for (path, value, expected) in cases {
        let mut json = valid();
        match json.pointer_mut(path) {
            Some(place) => *place = value.clone(),
            None => {
                let (parent, key) = path.rsplit_once('/').expect("a path");
                json.pointer_mut(parent).expect("there")[key] = value.clone();
            }
        }
        match wrong(&json) {
            None => assert_eq!(expected, "", "{path} {value}"),
            Some(what) => {
                assert!(
                    !expected.is_empty() && what.contains(expected),
                    "{path} {value}: {what}"
                );
            }
        }
    }
    let mut refused = valid();
    refused["features"][4]["encoding"]["ordinal"]["number"]["null"] = json!("refused");
    refused["features"][4]["encoding"]["ordinal"]["unseen"] = json!("other");
    assert!(wrong(&refused).is_some_and(|what| what.contains("positions")));
    let mut counted = valid();
    counted["features"][2]["profile"]["distribution"] =
        json!({"category": {"counts": [1], "other": 0}});
    assert!(wrong(&counted).is_some_and(|what| what.contains("distribution")));
}
