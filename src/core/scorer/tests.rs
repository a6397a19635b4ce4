//! What a model answers for each kind of target.

use crate::fixture::{NoCallback, column, integer, quick, train};
use crate::{
    Activation, Column, ColumnType, Dense, ErrorKind, Layer, Loss, ModelFile, Result, Scorer,
    Sequential, TrainOptions, Value,
};
use ColumnType::{Category, Number};

fn scorer(columns: Vec<Column>, options: TrainOptions, labels: &[Value<'_>]) -> Result<Scorer> {
    let rows: Vec<_> = (0..60_usize)
        .map(|row| {
            vec![
                Value::Number((row % labels.len()) as f64),
                labels[row % labels.len()],
            ]
        })
        .collect();
    let file = train(columns, options, &rows)?.file;
    // Through the bytes, as in a database.
    let bytes = file.to_bytes(&mut NoCallback)?;
    let file = ModelFile::from_bytes(&bytes, 64 << 20, &mut NoCallback)?;
    Scorer::new(&file, &mut NoCallback)
}

fn columns(target: ColumnType) -> Vec<Column> {
    vec![column("x", Number), column("y", target)]
}

#[test]
fn two_classes_answer_the_probability_of_the_last() -> Result<()> {
    let options = TrainOptions {
        epochs: Some(60),
        ..TrainOptions::default()
    };
    let scorer = scorer(
        columns(Category),
        options,
        &[Value::Text("no"), Value::Text("yes")],
    )?;
    let mut scratch = scorer.scratch();
    let mut out = vec![7.0; 9];
    assert_eq!(scorer.labels(), ["no", "yes"]);
    for (x, likely, label) in [(0.0, 0.0, "no"), (1.0, 1.0, "yes")] {
        let row = [Value::Number(x)];
        let probability = scorer.predict(&row, &mut scratch)?;
        assert!((probability - likely).abs() < 0.3, "{probability}");
        assert_eq!(scorer.predict_class(&row, &mut scratch)?, label);
        scorer.predict_proba(&row, &mut scratch, &mut out)?;
        assert_eq!(out.len(), 2);
        assert_eq!(f64::from(out[1]), probability);
        assert_eq!(out[0], 1.0 - out[1]);
        scorer.predict_values(&row, &mut scratch, &mut out)?;
        assert_eq!(out.len(), 1);
    }
    Ok(())
}

#[test]
fn a_boolean_is_false_or_true() -> Result<()> {
    let labels = [Value::Boolean(true), Value::Boolean(false)];
    let scorer = scorer(columns(ColumnType::Boolean), quick(), &labels)?;
    assert_eq!(scorer.labels(), ["false", "true"]);
    let mut scratch = scorer.scratch();
    let label = scorer.predict_class(&[Value::Number(0.0)], &mut scratch)?;
    assert!(label == "false" || label == "true");
    Ok(())
}

#[test]
fn two_units_answer_like_one() -> Result<()> {
    let layers = Sequential::new(vec![Layer::Dense(Dense::new(2, Activation::Softmax))]);
    let options = TrainOptions {
        layers: Some(layers),
        ..quick()
    };
    let scorer = scorer(
        columns(Category),
        options,
        &[Value::Text("no"), Value::Text("yes")],
    )?;
    let (mut scratch, mut out) = (scorer.scratch(), Vec::new());
    let row = [Value::Number(0.5)];
    let probability = scorer.predict(&row, &mut scratch)?;
    scorer.predict_proba(&row, &mut scratch, &mut out)?;
    assert_eq!((out.len(), f64::from(out[1])), (2, probability));
    assert!((out[0] + out[1] - 1.0).abs() < 1e-6);
    Ok(())
}

#[test]
fn logits_become_probabilities() -> Result<()> {
    let layers = Sequential::new(vec![Layer::Dense(Dense::new(1, Activation::Linear))]);
    let options = TrainOptions {
        layers: Some(layers),
        loss: Some(Loss::BinaryCrossentropy),
        ..quick()
    };
    let scorer = scorer(
        vec![column("x", Number), integer("y")],
        options,
        &[Value::Number(0.0), Value::Number(1.0)],
    )?;
    let mut scratch = scorer.scratch();
    for x in [-1e6, 0.0, 1e6] {
        let probability = scorer.predict(&[Value::Number(x)], &mut scratch)?;
        assert!((0.0..=1.0).contains(&probability), "{probability}");
    }
    Ok(())
}

#[test]
fn more_classes_have_labels_and_no_single_number() -> Result<()> {
    let labels = [Value::Text("c"), Value::Text("a"), Value::Text("b")];
    let scorer = scorer(columns(Category), quick(), &labels)?;
    let (mut scratch, mut out) = (scorer.scratch(), Vec::new());
    let row = [Value::Null];
    let error = scorer.predict(&row, &mut scratch).expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::WrongTask,
            "target \"y\" has 3 classes, not one number"
        )
    );
    assert!(
        error.hint_text().is_some_and(
            |hint| hint.contains("ml_predict_class") && hint.contains("ml_predict_proba")
        )
    );
    scorer.predict_proba(&row, &mut scratch, &mut out)?;
    assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    let most = out.iter().copied().fold(0.0, f32::max);
    let place = out.iter().position(|&p| p == most).expect("a largest one");
    assert_eq!(
        scorer.predict_class(&row, &mut scratch)?,
        scorer.labels()[place]
    );
    Ok(())
}

#[test]
fn a_regression_has_no_classes() -> Result<()> {
    let scorer = scorer(
        columns(Number),
        quick(),
        &[Value::Number(1000.0), Value::Number(3000.0)],
    )?;
    let (mut scratch, mut out) = (scorer.scratch(), Vec::new());
    let row = [Value::Number(1.0)];
    let value = scorer.predict(&row, &mut scratch)?;
    assert!(
        (-5000.0..9000.0).contains(&value),
        "{value}: not in the target's units"
    );
    scorer.predict_values(&row, &mut scratch, &mut out)?;
    assert_eq!(out, [value as f32]);
    for error in [
        scorer.predict_class(&row, &mut scratch).err(),
        scorer.predict_proba(&row, &mut scratch, &mut out).err(),
    ] {
        let error = error.expect("refused");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (
                ErrorKind::WrongTask,
                "target \"y\" is a number, not a class"
            )
        );
    }
    Ok(())
}

#[test]
fn wrong_rows_are_refused_and_the_next_one_is_answered() -> Result<()> {
    let scorer = scorer(
        columns(Number),
        quick(),
        &[Value::Number(1.0), Value::Number(2.0)],
    )?;
    let mut scratch = scorer.scratch();
    let right = scorer.predict(&[Value::Number(1.0)], &mut scratch)?;
    let mut kind = |row: &[Value<'_>]| {
        scorer
            .predict(row, &mut scratch)
            .expect_err("refused")
            .kind()
    };
    assert_eq!(kind(&[]), ErrorKind::FeatureCount);
    assert_eq!(kind(&[Value::Text("1")]), ErrorKind::TypeMismatch);
    assert_eq!(kind(&[Value::Number(f64::NAN)]), ErrorKind::NotFinite);
    assert_eq!(kind(&[Value::Number(1e300)]), ErrorKind::NotFinite);
    assert_eq!(
        scorer
            .predict(&[Value::Number(1.0)], &mut scratch)?
            .to_bits(),
        right.to_bits()
    );
    assert!(scorer.bytes() > 4 * (32 + 32 * 32));
    Ok(())
}
