//! The table and the object of a small model.

use crate::fixture::{NoCallback, ToMemory, column, quick, train};
use crate::{
    ColumnType, ErrorKind, Evaluation, JsonRow, ModelFile, Pool, Preprocess, Result, Scorer,
    Sequential, TrainOptions, Trained, Training, Value,
};
use ColumnType::{Category, Number};
use serde_json::json;

fn rows() -> Vec<Vec<Value<'static>>> {
    let row = |row: usize| {
        let text = ["a", "b", "c \"d\""][row % 3];
        vec![
            Value::Number(row as f64),
            Value::Text(text),
            Value::Text(["no", "y\"es"][row % 2]),
        ]
    };
    (0..40).map(row).collect()
}

fn options() -> Result<TrainOptions> {
    let layers = json!([{"class_name": "Dense", "config": {"units": 8, "activation": "relu"}}, {"class_name": "Dense", "config": {"units": 1, "activation": "sigmoid"}}]);
    Ok(TrainOptions {
        layers: Some(Sequential::from_json(&layers)?),
        preprocess: Preprocess::parse(r#"{"t": {"encode": {"embedding": {"dim": 2}}}}"#)?,
        ..quick()
    })
}

fn columns() -> Vec<crate::Column> {
    vec![
        column("x", Number),
        column("t", Category),
        column("y", Category),
    ]
}

fn file() -> Result<ModelFile> {
    Ok(train(columns(), options()?, &rows())?.file)
}

fn unnamed() -> Result<Trained> {
    let mut training = Training::new(columns(), &["y"], options()?, Box::new(ToMemory))?.unnamed();
    for row in rows() {
        training.push(&row, &mut NoCallback)?;
    }
    training.finish(&mut NoCallback, &Pool::new(1)?)
}

#[test]
fn the_table_is_that_of_keras() -> Result<()> {
    let text = file()?.summary_text()?;
    let expected = "\
Model: \"sequential\"
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 embedding (Embedding)       (None, 2)                 8
 dense (Dense)               (None, 8)                 32
 dense_1 (Dense)             (None, 1)                 9
=================================================================
Total params: 49 (196.00 Byte)
Trainable params: 49 (196.00 Byte)
Non-trainable params: 0 (0.00 Byte)
_________________________________________________________________
";
    assert_eq!(text, expected);
    assert_eq!(super::bytes(7424), "7.25 KB");
    assert_eq!(super::bytes(1 << 30), "1.00 GB");
    Ok(())
}

#[test]
fn long_names_widen_the_table() -> Result<()> {
    let name = "a_layer_with_a_long_name_of_more_than_28_letters";
    let layers = json!([{"class_name": "Dense", "config": {"units": 1, "name": name}}]);
    let options = TrainOptions {
        layers: Some(Sequential::from_json(&layers)?),
        ..quick()
    };
    let text = train(columns(), options, &rows())?.file.summary_text()?;
    let line = text
        .lines()
        .find(|line| line.contains(name))
        .expect("the layer");
    assert!(
        line.contains(&format!("{name} (Dense)  (None, 1)")),
        "{line}"
    );
    Ok(())
}

#[test]
fn the_object_says_what_is_in_the_file() -> Result<()> {
    let info = file()?.info()?;
    assert_eq!(info["format"], 1);
    assert_eq!(info["task"], "binary");
    assert_eq!(info["target"], "y");
    assert_eq!(info["labels"], json!(["no", "y\"es"]));
    assert_eq!(info["feature_names"], true);
    assert_eq!(info["parameters"], 49);
    assert_eq!(info["loss"], "binary_crossentropy");
    assert_eq!(
        info["layers"][1],
        json!({"name": "dense", "class_name": "Dense", "output_shape": [8], "parameters": 32, "activation": "relu"})
    );
    let roles = |place: usize| {
        (
            info["features"][place]["name"].as_str(),
            info["features"][place]["role"].as_str(),
        )
    };
    assert_eq!(
        (roles(0), roles(1), roles(2)),
        (
            (Some("x"), Some("feature")),
            (Some("t"), Some("feature")),
            (Some("y"), Some("target"))
        )
    );
    assert_eq!(info["features"][0]["type"], "number");
    assert!(info["optimizer"]["adam"]["learning_rate"].is_number());
    assert!(
        info["results"]["loss"].is_number() && info["results"]["metrics"]["accuracy"].is_number()
    );
    Ok(())
}

#[test]
fn made_up_names_are_recorded_and_bind_nothing() -> Result<()> {
    let (named, trained) = (file()?, unnamed()?);
    let unnamed = trained.file;
    let bytes = unnamed.to_bytes(&mut NoCallback)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&bytes).matches("unnamed").count(), 2);
    assert_eq!(
        text(&named.to_bytes(&mut NoCallback)?)
            .matches("unnamed")
            .count(),
        0
    );
    let again = ModelFile::from_bytes(&bytes, 64 << 20, &mut NoCallback)?;
    assert_eq!(
        (named.has_feature_names(), again.has_feature_names()),
        (true, false)
    );
    assert_eq!(again.info()?["feature_names"], false);
    let scorer = Scorer::new(&again, &mut NoCallback)?;
    assert!(!scorer.has_feature_names());
    let by_name = Evaluation::new(&scorer, &columns()).expect_err("no names");
    assert_eq!(
        by_name.to_string(),
        "the features of the model have no names"
    );
    let object = r#"{"x": 1, "t": "a"}"#;
    assert!(
        JsonRow::new(scorer.features())
            .values(scorer.features(), object)
            .is_err()
    );
    let resumed = Training::resume(again, trained.state, columns(), quick(), Box::new(ToMemory));
    assert!(resumed.is_err_and(|error| error.kind() == ErrorKind::UnknownColumn));
    // In training order it answers as ever.
    assert!(Evaluation::in_order(&scorer).is_ok());
    let named = Scorer::new(&named, &mut NoCallback)?;
    let row = [Value::Number(3.0), Value::Text("b")];
    assert_eq!(
        scorer.predict(&row, &mut scorer.scratch()?)?,
        named.predict(&row, &mut named.scratch()?)?
    );
    Ok(())
}

#[test]
fn a_false_mark_is_damage() -> Result<()> {
    // One spelling: what is not marked has no key.
    let bytes = unnamed()?.file.to_bytes(&mut NoCallback)?;
    let at = bytes
        .windows(15)
        .position(|it| it == br#"unnamed\":true}"#)
        .expect("a mark");
    let mut damaged = bytes.clone();
    damaged[at + 10..at + 15].copy_from_slice(b"null}");
    let error = ModelFile::from_bytes(&damaged, 64 << 20, &mut NoCallback).expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Damaged);
    Ok(())
}

#[test]
fn answers_are_written_as_json() -> Result<()> {
    let scorer = Scorer::new(&file()?, &mut NoCallback)?;
    let mut out = b"before".to_vec();
    scorer.write_proba(&[0.75, 0.25], &mut out);
    assert_eq!(out, br#"{"no":0.75,"y\"es":0.25}"#);
    scorer.write_values(&[1.5, -2.0, 1e-7], &mut out);
    assert_eq!(out, b"[1.5,-2.0,1e-7]");
    scorer.write_values(&[], &mut out);
    assert_eq!(out, b"[]");
    Ok(())
}

#[test]
fn threads_share_a_scorer() -> Result<()> {
    const fn shared<T: Send + Sync>() {}
    const { shared::<Scorer>() };
    let scorer = Scorer::new(&file()?, &mut NoCallback)?;
    let answers = || -> Result<Vec<f64>> {
        let mut scratch = scorer.scratch()?;
        let rows = rows();
        let answers = rows
            .iter()
            .map(|row| scorer.predict(&row[..2], &mut scratch));
        answers.collect()
    };
    let expected = answers()?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(answers)).collect();
        for thread in threads {
            let found = thread.join().expect("no panic").expect("answers");
            assert_eq!(found, expected);
        }
    });
    Ok(())
}
