//! What may be said, what is refused, and which column it is about.

use super::*;
use crate::encoder::{Part, Scale, Unseen};
use crate::{ColumnType, Error, ErrorKind};
use ColumnType::{Boolean, Category, Date, Number, Time, Timestamp, Vector};

const COLUMNS: [(&str, ColumnType); 6] = [
    ("price", Number),
    ("price net", Number),
    ("city", Category),
    ("sold", Timestamp),
    ("paid", Boolean),
    ("pixels", Vector),
];

fn resolved(text: &str) -> Result<Vec<ColumnOptions>> {
    Preprocess::parse(text)?.resolve(&COLUMNS)
}

fn refused(text: &str) -> Error {
    resolved(text).expect_err(text)
}

#[test]
fn every_option_is_read() -> Result<()> {
    let options = resolved(
        r#"{"price": {"impute": {"constant": -1}, "indicator": false, "scale": "min_max",
                      "outliers": {"clip": {"quantiles": [0.01, 0.99]}}},
            "price net": {"outliers": {"drop": {"stddev": 3}}, "scale": "auto", "impute": "drop_row"},
            "city": {"encode": {"embedding": {"dim": 8}}, "max_categories": 20, "on_unseen": "error"},
            "sold": {"parts": ["month", "hour"], "impute": "mean"},
            "paid": {"impute": {"constant": true}},
            "pixels": {"impute": {"constant": [1, 2.5]}, "scale": "max_abs"}}"#,
    )?;
    let [price, net, city, sold, paid, pixels] = options.try_into().expect("six");
    assert_eq!(price.impute, Some(Impute::Constant(Constant::Number(-1.0))));
    assert_eq!(price.indicator, Some(false));
    assert_eq!(price.scale, Some(ScaleChoice::As(Scale::MinMax)));
    let clip = Outliers::Clip(Bounds::Quantiles([0.01, 0.99]));
    assert_eq!(price.outliers, Some(clip));
    assert_eq!(net.outliers, Some(Outliers::Drop(Bounds::Stddev(3.0))));
    assert_eq!(net.scale, Some(ScaleChoice::Auto));
    assert_eq!(net.impute, Some(Impute::DropRow));
    assert_eq!(city.encode, Some(Encode::Embedding { dim: Some(8) }));
    assert_eq!(
        (city.max_categories, city.on_unseen),
        (Some(20), Some(Unseen::Error))
    );
    assert_eq!(sold.parts, Some(vec![Part::Month, Part::Hour]));
    assert_eq!(paid.impute, Some(Impute::Constant(Constant::Boolean(true))));
    let constant = Constant::Numbers(vec![1.0, 2.5]);
    assert_eq!(pixels.impute, Some(Impute::Constant(constant)));
    for (json, expected) in [
        (r#""one_hot""#, Encode::OneHot),
        (r#""embedding""#, Encode::Embedding { dim: None }),
        (r#""ordinal""#, Encode::Ordinal { order: None }),
        (
            r#"{"ordinal": {"order": ["b", "a"]}}"#,
            Encode::Ordinal {
                order: Some(vec!["b".into(), "a".into()]),
            },
        ),
        (
            r#"{"hash": {"buckets": 64, "dim": 4}}"#,
            Encode::Hash {
                buckets: 64,
                dim: Some(4),
            },
        ),
    ] {
        let options = resolved(&format!(r#"{{"city": {{"encode": {json}}}}}"#))?;
        assert_eq!(options[2].encode, Some(expected), "{json}");
    }
    Ok(())
}

#[test]
fn later_rules_override_key_by_key() -> Result<()> {
    let options = resolved(
        r#"{"price*": {"impute": "mode"}, "price": {"scale": "none"}, "*": {"impute": "mean", "scale": "robust"},
            "p*": {"impute": "median"}}"#,
    )?;
    assert_eq!(options[0].impute, Some(Impute::Mode));
    assert_eq!(options[0].scale, Some(ScaleChoice::As(Scale::None)));
    assert_eq!(options[1].scale, Some(ScaleChoice::As(Scale::Robust)));
    assert_eq!(options[5].impute, Some(Impute::Median));
    assert_eq!(options[3].impute, Some(Impute::Mean));
    // What does not fit is passed over under a pattern.
    assert_eq!(options[2], ColumnOptions::default());
    assert_eq!(options[4].impute, None);
    Ok(())
}

#[test]
fn says_back_what_was_said() -> Result<()> {
    let text = r#"{"*":{"impute":"mean"},"city":{"encode":{"hash":{"buckets":9}}}}"#;
    let said = Preprocess::parse(text)?;
    assert_eq!(said.to_json().to_string(), text);
    assert_eq!(Preprocess::parse(&said.to_json().to_string())?, said);
    assert!(Preprocess::parse("{}")?.is_empty() && Preprocess::default().is_empty());
    Ok(())
}

#[test]
fn unknown_words_are_refused_with_the_nearest() {
    for (text, message, hint) in [
        (
            r#"{"price": {"scael": "none"}}"#,
            "unknown setting \"scael\" of preprocess \"price\"",
            "scale",
        ),
        (
            r#"{"price": {"scale": "robst"}}"#,
            "unknown scale \"robst\"",
            "robust",
        ),
        (
            r#"{"price": {"impute": "medain"}}"#,
            "unknown impute \"medain\"",
            "median",
        ),
        (
            r#"{"price": {"outliers": "kep"}}"#,
            "unknown outliers \"kep\"",
            "keep",
        ),
        (
            r#"{"city": {"encode": "onehot"}}"#,
            "unknown encode \"onehot\"",
            "one_hot",
        ),
        (
            r#"{"city": {"on_unseen": "eror"}}"#,
            "unknown on_unseen \"eror\"",
            "error",
        ),
        (
            r#"{"sold": {"parts": ["moth"]}}"#,
            "unknown part \"moth\"",
            "month",
        ),
        (
            r#"{"city": {"encode": {"embedding": {"dims": 8}}}}"#,
            "unknown setting \"dims\" of encode embedding",
            "dim",
        ),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::InvalidParameter, message)
        );
        let expected = format!("Did you mean \"{hint}\"?");
        assert!(
            error.hint_text().unwrap_or_default().contains(&expected),
            "{error:?}"
        );
    }
    for (text, message) in [
        (
            r#"{"prcie": {}}"#,
            "preprocess names \"prcie\", which is no feature",
        ),
        (
            r#"{"prcie*": {}}"#,
            "preprocess pattern \"prcie*\" matches no feature",
        ),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::UnknownColumn, message)
        );
        assert_eq!(error.hint_text(), Some("Did you mean \"price\"?"));
    }
}

#[test]
fn what_does_not_fit_a_named_column_is_refused() {
    for (text, message) in [
        (
            r#"{"city": {"scale": "none"}}"#,
            "scale does not fit column \"city\", which is text",
        ),
        (
            r#"{"city": {"impute": "median"}}"#,
            "impute median does not fit column \"city\", which is text",
        ),
        (
            r#"{"price": {"encode": "one_hot"}}"#,
            "encode does not fit column \"price\", which is a number",
        ),
        (
            r#"{"price": {"impute": "missing"}}"#,
            "impute missing does not fit column \"price\", which is a number",
        ),
        (
            r#"{"price": {"impute": {"constant": "x"}}}"#,
            "impute constant does not fit column \"price\", which is a number",
        ),
        (
            r#"{"paid": {"scale": "none"}}"#,
            "scale does not fit column \"paid\", which is a boolean",
        ),
        (
            r#"{"price": {"parts": ["day"]}}"#,
            "parts does not fit column \"price\", which is a number",
        ),
        (
            r#"{"city": {"encode": "ordinal", "max_categories": 3}}"#,
            "max_categories does not fit column \"city\", which is text",
        ),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::InvalidParameter, message)
        );
        assert!(error.hint_text().is_some());
    }
    let times = [("day", Date), ("hour", Time)];
    for (text, fits) in [
        (r#"{"day": {"parts": ["month"]}}"#, true),
        (r#"{"day": {"parts": ["hour"]}}"#, false),
        (r#"{"hour": {"parts": ["hour"]}}"#, true),
        (r#"{"hour": {"parts": ["day"]}}"#, false),
    ] {
        let resolved = Preprocess::parse(text).expect("valid").resolve(&times);
        assert_eq!(resolved.is_ok(), fits, "{text}");
    }
    assert!(
        resolved(r#"{"city": {"encode": "ordinal", "scale": "none", "impute": "median"}}"#).is_ok()
    );
}

#[test]
fn what_is_no_value_is_refused() {
    for text in [
        "",
        "[]",
        "{",
        "7",
        r#"{"price": 7}"#,
        r#"{"price": {"scale": 7}}"#,
        r#"{"price": {}, "price": {}}"#,
        r#"{"price": {"impute": "constant"}}"#,
        r#"{"price": {"impute": {"constant": {}}}}"#,
        r#"{"price": {"impute": {"constant": [1, "a"]}}}"#,
        r#"{"price": {"impute": {"mean": 3}}}"#,
        r#"{"price": {"indicator": "yes"}}"#,
        r#"{"price": {"outliers": "clip"}}"#,
        r#"{"price": {"outliers": {"clip": {}}}}"#,
        r#"{"price": {"outliers": {"clip": {"quantiles": [0.9, 0.1]}}}}"#,
        r#"{"price": {"outliers": {"clip": {"quantiles": [0.1, 1.1]}}}}"#,
        r#"{"price": {"outliers": {"clip": {"quantiles": [0.1]}}}}"#,
        r#"{"price": {"outliers": {"drop": {"stddev": 0}}}}"#,
        r#"{"price": {"outliers": {"drop": {"stddev": 1, "quantiles": [0, 1]}}}}"#,
        r#"{"city": {"max_categories": 0}}"#,
        r#"{"city": {"encode": {"hash": {"buckets": 0}}}}"#,
        r#"{"city": {"encode": {"ordinal": {"order": ["a", "a"]}}}}"#,
        r#"{"city": {"encode": {"ordinal": {"order": []}}}}"#,
        r#"{"sold": {"parts": ["day", "day"]}}"#,
        r#"{"sold": {"parts": "day"}}"#,
    ] {
        let error = Preprocess::parse(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{text}: {error}");
    }
}
