//! What a spec says and what it may not say.

use super::{DeclaredType, Spec};
use crate::{
    ClassWeight, ColumnType, Error, ErrorKind, Huber, Loss, Metric, Optimizer, Preprocess, Result,
};

const LIMIT: u64 = 64 << 20;

fn parse(text: &str) -> Result<Spec> {
    Spec::parse(text, LIMIT)
}

fn refused(text: &str) -> Error {
    parse(text).expect_err(text)
}

#[test]
fn nothing_is_all_defaults() -> Result<()> {
    for text in [
        "",
        " \n",
        "null",
        "{}",
        " { } ",
        r#"{"epochs": null, "target": null}"#,
    ] {
        let spec = parse(text)?;
        let Spec {
            options,
            target,
            features,
            types,
            labels,
        } = spec;
        assert_eq!(
            (options.memory_limit, options.epochs, options.shuffle),
            (LIMIT, None, true)
        );
        assert!(target.is_none() && features.is_none() && types.is_empty() && labels.is_empty());
        assert!(
            options.layers.is_none() && options.metrics.is_none() && options.exclude.is_empty()
        );
    }
    assert_eq!(Spec::parse("", 1)?.options.memory_limit, 1);
    Ok(())
}

#[test]
fn every_key_is_read() -> Result<()> {
    let spec = parse(
        r#"{
        "layers": [{"class_name": "Dense", "config": {"units": 1}}],
        "optimizer": "sgd", "loss": {"huber": {"delta": 2}}, "metrics": ["mae", "r2"],
        "epochs": 7, "batch_size": 64.0, "validation_split": 0.25,
        "callbacks": [{"EarlyStopping": {"patience": 3}}],
        "class_weight": {"yes": 5}, "sample_weight": "my \"weight\"", "preprocess": {"*": {"impute": "mean"}},
        "exclude": ["id", "größe "], "split_column": "part", "shuffle": false, "seed": 18446744073709551615,
        "max_seconds": 1.5, "target": "y", "features": ["a b", "x\"y", "part"],
        "types": {"a b": "real", "x\"y": "text", "y": "number"}, "labels": {"x\"y": ["b", "a", ""]}
        }"#,
    )?;
    let options = spec.options;
    assert_eq!(options.layers.map(|layers| layers.layers.len()), Some(1));
    assert_eq!(options.optimizer, Some(Optimizer::parse("sgd")?));
    assert_eq!(
        (options.loss, options.from_logits),
        (Some(Loss::Huber(Huber { delta: 2.0 })), None)
    );
    assert_eq!(options.metrics, Some(vec![Metric::MAE, Metric::R2]));
    assert_eq!((options.epochs, options.batch_size), (Some(7), Some(64)));
    assert_eq!(
        (options.validation_split, options.max_seconds),
        (Some(0.25), Some(1.5))
    );
    let stopping = crate::EarlyStopping {
        patience: 3,
        ..crate::EarlyStopping::default()
    };
    assert_eq!(options.callbacks, Some(vec![stopping.into()]));
    assert_eq!(
        options.class_weight,
        Some(ClassWeight::Labels(vec![("yes".into(), 5.0)]))
    );
    assert_eq!(options.sample_weight.as_deref(), Some("my \"weight\""));
    assert_eq!(
        options.preprocess,
        Preprocess::parse(r#"{"*": {"impute": "mean"}}"#)?
    );
    assert_eq!(options.exclude, ["id", "größe "]);
    assert_eq!(options.split_column.as_deref(), Some("part"));
    assert_eq!((options.shuffle, options.seed), (false, u64::MAX));
    assert_eq!(spec.target, Some(vec!["y".into()]));
    assert_eq!(spec.features.map(|names| names.len()), Some(3));
    let real = DeclaredType {
        column_type: ColumnType::Number,
        single_precision: true,
    };
    assert_eq!(spec.types.get("a b"), Some(&real));
    assert_eq!(spec.labels.get("x\"y").map(Vec::len), Some(3));
    Ok(())
}

#[test]
fn what_takes_options_may_be_text_too() -> Result<()> {
    let direct = parse(
        r#"{"layers": {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}},
        "optimizer": {"adam": {"learning_rate": 0.01}}, "callbacks": {"EarlyStopping": {"patience": 2}},
        "preprocess": {"x": {"scale": "robust"}}, "class_weight": {"a": 2}, "metrics": ["mae"],
        "loss": {"class_name": "BinaryCrossentropy", "config": {"from_logits": true}}}"#,
    )?;
    let text = parse(
        r#"{"layers": "[{\"class_name\": \"Dense\", \"config\": {\"units\": 3}}]",
        "optimizer": "{\"adam\": {\"learning_rate\": 0.01}}", "callbacks": "{\"EarlyStopping\": {\"patience\": 2}}",
        "preprocess": "{\"x\": {\"scale\": \"robust\"}}", "class_weight": "{\"a\": 2}", "metrics": " [\"mae\"]",
        "loss": "{\"class_name\": \"BinaryCrossentropy\", \"config\": {\"from_logits\": true}}"}"#,
    )?;
    let (direct, text) = (direct.options, text.options);
    assert_eq!(direct.layers, text.layers);
    assert_eq!(direct.optimizer, text.optimizer);
    assert_eq!(direct.callbacks, text.callbacks);
    assert_eq!(direct.preprocess, text.preprocess);
    assert_eq!(direct.class_weight, text.class_weight);
    assert_eq!(direct.metrics, text.metrics);
    assert_eq!(
        (direct.from_logits, text.from_logits),
        (Some(true), Some(true))
    );
    let words = parse(
        r#"{"optimizer": "Adam", "callbacks": "EarlyStopping", "class_weight": "balanced", "metrics": "accuracy", "exclude": "[id]"}"#,
    )?
    .options;
    assert_eq!(words.optimizer, Some(Optimizer::default()));
    assert_eq!(words.metrics, Some(vec![Metric::ACCURACY]));
    assert_eq!(words.class_weight, Some(ClassWeight::Balanced));
    assert_eq!(words.exclude, ["[id]"]);
    Ok(())
}

#[test]
fn any_64_bits_are_a_seed() -> Result<()> {
    for (text, seed) in [
        ("-1", u64::MAX),
        ("-9223372036854775808", 1 << 63),
        ("9223372036854775808", 1 << 63),
        ("-0", 0),
        ("1e3", 1000),
    ] {
        assert_eq!(
            parse(&format!("{{\"seed\": {text}}}"))?.options.seed,
            seed,
            "{text}"
        );
    }
    assert_eq!(
        refused(r#"{"seed": 18446744073709551616}"#).to_string(),
        "seed must be an integer from -9223372036854775808 to 18446744073709551615, not 18446744073709551616"
    );
    Ok(())
}

#[test]
fn values_out_of_range_or_of_another_kind_are_refused() {
    for (text, message) in [
        (r#"{"epochs": 0}"#, "epochs must be at least 1, not 0"),
        (r#"{"epochs": -5}"#, "epochs must be at least 1, not -5"),
        (
            r#"{"epochs": 5000000000}"#,
            "epochs must be at most 100000, not 5000000000",
        ),
        (r#"{"epochs": 1.5}"#, "epochs must be an integer, not 1.5"),
        (
            r#"{"epochs": 1e400}"#,
            "epochs must be an integer, not 1e400",
        ),
        (r#"{"epochs": "7"}"#, "epochs must be an integer, not \"7\""),
        (r#"{"epochs": true}"#, "epochs must be an integer, not true"),
        (
            r#"{"batch_size": 0}"#,
            "batch_size must be at least 1, not 0",
        ),
        (
            r#"{"batch_size": 16777217}"#,
            "batch_size must be at most 16777216, not 16777217",
        ),
        (r#"{"seed": []}"#, "seed must be an integer, not []"),
        (
            r#"{"validation_split": 1}"#,
            "validation_split must be at least 0 and less than 1, not 1",
        ),
        (
            r#"{"validation_split": "0.1"}"#,
            "validation_split must be a number, not \"0.1\"",
        ),
        (
            r#"{"max_seconds": -1}"#,
            "max_seconds must be greater than 0, not -1",
        ),
        (
            r#"{"max_seconds": 1e999}"#,
            "max_seconds must be a number, not 1e999",
        ),
        (
            r#"{"shuffle": "yes"}"#,
            "shuffle must be true or false, not \"yes\"",
        ),
        (r#"{"shuffle": 2}"#, "shuffle must be true or false, not 2"),
        (
            r#"{"optimizer": 3}"#,
            "optimizer must be a word or a JSON object, not 3",
        ),
        (r#"{"optimizer": ""}"#, "the optimizer must not be empty"),
        (r#"{"optimizer": "adm"}"#, "unknown optimizer \"adm\""),
        (
            r#"{"optimizer": []}"#,
            "the optimizer must be a name or a JSON object",
        ),
        (
            r#"{"metrics": {"mae": 1}}"#,
            "the settings of metric mae must be a JSON object",
        ),
        (
            r#"{"metrics": [1]}"#,
            "metrics must be an array of words or JSON objects, but has 1",
        ),
        (r#"{"metrics": "[1"}"#, "metrics is not valid JSON"),
        (r#"{"metrics": ["maee"]}"#, "unknown metric \"maee\""),
        (r#"{"exclude": [null]}"#, "exclude must not contain a null"),
        (
            r#"{"exclude": {}}"#,
            "exclude must be a name or an array of names, not {}",
        ),
        (
            r#"{"sample_weight": ["w"]}"#,
            "sample_weight must be a string, not [\"w\"]",
        ),
        (r#"{"target": []}"#, "target names no column"),
        (
            r#"{"features": "a"}"#,
            "features must be an array of names, not \"a\"",
        ),
        (
            r#"{"layers": 3}"#,
            "layers must be a JSON array or object, not 3",
        ),
        (r#"{"layers": []}"#, "a model needs at least one layer"),
        (
            r#"{"layers": "Dense"}"#,
            "layers cannot be read: expected value at line 1 column 1",
        ),
        (
            r#"{"class_weight": {"a": -1}}"#,
            "the class_weight of \"a\" must be a number of at least 0, not -1",
        ),
        (
            r#"{"preprocess": {"a": {}, "a": {}}}"#,
            "preprocess names \"a\" twice",
        ),
        (
            r#"{"types": {"a": "int"}}"#,
            "unknown type of column \"a\": \"int\"",
        ),
        (
            r#"{"types": {"a": null}}"#,
            "types of column \"a\" must be a string, not null",
        ),
        (
            r#"{"types": ["a"]}"#,
            "types must be an object by names of columns, not [\"a\"]",
        ),
        (
            r#"{"types": {"a": "text", "a": "text"}}"#,
            "types names \"a\" twice",
        ),
        (
            r#"{"labels": {"a": []}}"#,
            "labels of column \"a\" is empty",
        ),
        (
            r#"{"labels": {"a": ["x", "x"]}}"#,
            "labels of column \"a\" has \"x\" twice",
        ),
        (
            r#"{"labels": {"a": [1]}}"#,
            "labels of column \"a\" must be an array of labels, but has 1",
        ),
        (
            r#"{"labels": {"a": ["x"]}, "types": {"a": "date"}}"#,
            "column \"a\" has labels, but its type is a date",
        ),
        (
            r#"{"target": "y", "features": ["area"], "types": {"aera": "text"}}"#,
            "types of the spec names \"aera\", which is no column",
        ),
        (
            r#"{"epochs": 1, "epochs": 2}"#,
            "the spec has \"epochs\" twice",
        ),
        ("[]", "the spec must be a JSON object, not []"),
        ("adam", "the spec is not valid JSON"),
        (r#"{"epochs": 1} {}"#, "the spec is not valid JSON"),
    ] {
        assert_eq!(refused(text).to_string(), message, "{text}");
    }
}

#[test]
fn keys_read_elsewhere_say_so() {
    let procedure = refused(r#"{"deploy": "never"}"#);
    assert_eq!(procedure.to_string(), "deploy is read by ml_train() alone");
    let not_built = refused(r#"{"warm_start": true}"#);
    assert_eq!(
        (not_built.kind(), not_built.to_string().as_str()),
        (ErrorKind::NotSupported, "warm_start is not supported here")
    );
    let typo = refused(r#"{"epohcs": 3}"#);
    assert_eq!(typo.to_string(), "unknown key \"epohcs\" of the spec");
    let hint = typo.hint_text().expect("a hint");
    assert!(
        hint.starts_with("Did you mean \"epochs\"? Known keys: layers, "),
        "{hint}"
    );
}

#[test]
fn types_and_labels_of_other_columns_are_refused() -> Result<()> {
    let spec = parse(r#"{"types": {"area": "real"}, "labels": {"city": ["a"]}}"#)?;
    assert!(spec.check_columns(&["city", "area", "y"]).is_ok());
    let error = spec.check_columns(&["area", "citi"]).expect_err("no city");
    assert_eq!(error.kind(), ErrorKind::UnknownColumn);
    assert_eq!(
        error.to_string(),
        "labels of the spec names \"city\", which is no column"
    );
    assert_eq!(error.hint_text(), Some("Did you mean \"citi\"?"));
    Ok(())
}

#[test]
fn hostile_texts_are_refused_in_little_memory() {
    let deep = "[".repeat(500_000);
    refused(&deep);
    refused(&format!("{{\"layers\": {deep}"));
    let nested = format!("{{\"layers\": {deep}{}}}", "]".repeat(500_000));
    assert!(
        refused(&nested)
            .to_string()
            .starts_with("layers cannot be read: recursion limit")
    );
    let long = format!("{{\"sample_weight\": \"{}\"}}", "a".repeat(2 << 20));
    assert_eq!(refused(&long).kind(), ErrorKind::LimitExceeded);
    let blank = " ".repeat(3 << 20);
    assert_eq!(refused(&blank).kind(), ErrorKind::LimitExceeded);
    let tight = Spec::parse(r#"{"epochs": 3}"#, 100).expect_err("no memory");
    assert_eq!(tight.kind(), ErrorKind::OutOfMemory);
    let many = format!("{{\"epochs\": 1{}}}", ",\"epochs\": 1".repeat(100_000));
    assert_eq!(refused(&many).to_string(), "the spec has \"epochs\" twice");
    let message = refused(&format!("{{\"epochs\": \"{}\"}}", "é".repeat(1000))).to_string();
    assert!(message.len() < 200, "{message}");
}
