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
    let mut scratch = scorer.scratch()?;
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
    let mut scratch = scorer.scratch()?;
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
    let (mut scratch, mut out) = (scorer.scratch()?, Vec::new());
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
        loss: Some(Loss::BINARY),
        ..quick()
    };
    let scorer = scorer(
        vec![column("x", Number), integer("y")],
        options,
        &[Value::Number(0.0), Value::Number(1.0)],
    )?;
    let mut scratch = scorer.scratch()?;
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
    let (mut scratch, mut out) = (scorer.scratch()?, Vec::new());
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
    let (mut scratch, mut out) = (scorer.scratch()?, Vec::new());
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
    let mut scratch = scorer.scratch()?;
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

/// The network's outputs of rows, once through the scorer and once with every input written out.
#[test]
fn one_hot_inputs_left_out_change_no_bit() -> Result<()> {
    let text = |i: usize| ["a", "bb", "ccc", "\u{e9}t\u{e9}", ""][i % 5];
    let row = |i: usize| {
        let null = |every: usize, value| if i % every == 1 { Value::Null } else { value };
        vec![
            null(7, Value::Number(i as f64 * 0.37)),
            null(3, Value::Text(text(i))),
            Value::Number((i * i % 11) as f64),
            null(4, Value::Boolean(i.is_multiple_of(3))),
            Value::Text(text(i / 5)),
            Value::Number(i as f64 % 2.0),
            Value::Number((i % 13) as f64),
        ]
    };
    let columns = [
        Number,
        Category,
        Number,
        ColumnType::Boolean,
        Category,
        Number,
    ];
    let activation = |activation| Layer::Activation(crate::ActivationLayer::new(activation));
    let dense = |units, activation| Layer::Dense(Dense::new(units, activation));
    for (first, units) in [
        (None, 1),
        (None, 3),
        (None, 8),
        (None, 20),
        (None, 64),
        (None, 200),
        (Some(Layer::Dropout(crate::Dropout::new(0.2))), 64),
        (Some(activation(Activation::Tanh)), 64),
        (Some(activation(Activation::Softplus)), 3),
    ] {
        let mut layers: Vec<Layer> = first.into_iter().collect();
        layers.extend([dense(units, Activation::Relu), dense(1, Activation::Linear)]);
        let options = TrainOptions {
            layers: Some(Sequential::new(layers)),
            ..quick()
        };
        let named = (0..)
            .zip(columns)
            .map(|(i, kind)| column(&format!("c{i}"), kind));
        let named = named.chain([column("y", Number)]).collect();
        let rows: Vec<_> = (0..60).map(row).collect();
        let file = train(named, options, &rows)?.file;
        let scorer = Scorer::new(&file, &mut NoCallback)?;
        let plan = crate::Plan::new(file.model(), &mut NoCallback)?;
        let (mut scratch, mut written) = (scorer.scratch()?, plan.scratch()?);
        let unseen = vec![
            Value::Null,
            Value::Text("never"),
            Value::Number(-3.0),
            Value::Null,
            Value::Null,
            Value::Boolean(true),
        ];
        for mut row in rows.into_iter().chain([unseen]) {
            row.truncate(6);
            crate::kernels::on_every_level(|| {
                let outputs = scorer.outputs(row.iter(), &mut scratch).expect("scored");
                let output = outputs[0].to_bits();
                let x = written.input_mut();
                x.fill(0.0);
                for entry in scratch.plan.entries_mut().all() {
                    x[entry.row as usize] = entry.x;
                }
                assert_eq!(
                    plan.run(&mut written)[0].to_bits(),
                    output,
                    "{units}: {row:?}"
                );
            });
        }
    }
    Ok(())
}
