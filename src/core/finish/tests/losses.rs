//! Trainings with every loss: what it does to the target, and what the model then answers.

use super::{number, refused, xy};
use crate::fixture::{NoCallback, column, integer, train};
use crate::{
    ColumnType, Error, ErrorKind, Evaluation, Loss, Metric, ModelFile, Result, Scorer,
    TrainOptions, Trained, Value,
};

fn with(loss: &str, epochs: u32) -> TrainOptions {
    TrainOptions {
        loss: Some(Loss::parse(loss).expect("a loss")),
        epochs: Some(epochs),
        ..TrainOptions::default()
    }
}

/// x from 0 to 1, and y of it.
fn rows(count: u32, y: impl Fn(f64, u32) -> f64) -> Vec<Vec<Value<'static>>> {
    let x = |row: u32| f64::from(row.wrapping_mul(7919) % count) / f64::from(count);
    (0..count)
        .map(|row| vec![number(x(row)), number(y(x(row), row))])
        .collect()
}

fn scorer(trained: &Trained) -> Result<Scorer> {
    // As it comes back from a file.
    let bytes = trained.file.to_bytes(&mut NoCallback)?;
    let file = ModelFile::from_bytes(&bytes, u64::MAX, &mut NoCallback)?;
    assert_eq!(file.to_bytes(&mut NoCallback)?, bytes);
    Scorer::new(&file, &mut NoCallback)
}

fn predict(scorer: &Scorer, x: f64) -> Result<f64> {
    scorer.predict([number(x)], &mut scorer.scratch()?)
}

fn near(got: f64, wanted: f64, share: f64) {
    assert!(
        (got - wanted).abs() < share * wanted.abs(),
        "{got} instead of {wanted}"
    );
}

#[test]
fn what_sees_ratios_learns_large_numbers() -> Result<()> {
    for loss in ["msle", "mape", "poisson"] {
        let target = |x: f64, _| (300.0 * (1.0 + 2.0 * x)).round();
        let options = TrainOptions {
            epochs: None,
            ..with(loss, 1)
        };
        let trained = train(xy(), options, &rows(500, target))?;
        let scorer = scorer(&trained)?;
        for x in [0.1, 0.5, 0.9] {
            near(predict(&scorer, x)?, target(x, 0), 0.05);
        }
        let mean = scorer.target.scales()[0].mean;
        assert_eq!(mean, 0.0, "{loss}");
    }
    Ok(())
}

#[test]
fn values_that_a_loss_cannot_take_are_refused() {
    for (loss, value, message) in [
        (
            "poisson",
            -2.0,
            "target \"y\" has the value -2, but loss poisson needs values of at least 0",
        ),
        (
            "msle",
            -0.5,
            "target \"y\" has the value -0.5, but loss msle needs values of at least 0",
        ),
        (
            "kl_divergence",
            1.5,
            "target \"y\" has the value 1.5, but loss kl_divergence needs values from 0 to 1",
        ),
    ] {
        let bad = rows(40, |_, row| if row == 7 { value } else { 0.5 });
        let (kind, said) = refused(xy(), with(loss, 1), &bad);
        assert_eq!(
            (kind, said.as_str()),
            (ErrorKind::InvalidParameter, message)
        );
    }
    let labels = [("a", 0.0), ("b", 1.0)].map(|(label, x)| vec![number(x), Value::Text(label)]);
    let columns = vec![
        column("x", ColumnType::Number),
        column("y", ColumnType::Category),
    ];
    let (kind, said) = refused(columns, with("poisson", 1), &labels);
    assert_eq!(kind, ErrorKind::TypeMismatch);
    assert_eq!(said, "target \"y\" is text, but loss poisson needs numbers");
}

#[test]
fn the_loss_says_whether_integers_are_classes() -> Result<()> {
    let columns = || vec![column("x", ColumnType::Number), integer("y")];
    let zero_or_one = rows(60, |_, row| f64::from(row % 2));
    let signs = rows(60, |x, _| if x > 0.5 { 1.0 } else { -1.0 });
    let labels = |loss: &str, rows: &[Vec<Value<'_>>]| -> Result<Vec<String>> {
        Ok(train(columns(), with(loss, 1), rows)?
            .file
            .target
            .labels()
            .to_vec())
    };
    assert!(labels("poisson", &zero_or_one)?.is_empty());
    assert!(labels("mse", &signs)?.is_empty());
    assert_eq!(labels("mse", &zero_or_one)?, ["0", "1"]);
    assert_eq!(labels("hinge", &signs)?, ["-1", "1"]);
    assert_eq!(labels("categorical_hinge", &signs)?, ["-1", "1"]);
    Ok(())
}

#[test]
fn a_quantile_leaves_its_share_below() -> Result<()> {
    // Uniform noise from 0 to 100, whatever x.
    let noise = |_: f64, row: u32| f64::from(row.wrapping_mul(2_654_435_761) >> 8) / 167_772.16;
    let data = rows(2000, noise);
    for tau in [0.1, 0.9] {
        let loss = format!(r#"{{"quantile": {{"tau": {tau}}}}}"#);
        let trained = train(xy(), with(&loss, 30), &data)?;
        let answer = predict(&scorer(&trained)?, 0.5)?;
        assert!((answer - 100.0 * tau).abs() < 12.0, "{answer} for {tau}");
    }
    Ok(())
}

#[test]
fn a_hinge_answers_margins() -> Result<()> {
    let columns = || vec![column("x", ColumnType::Number), integer("y")];
    let data = rows(400, |x, _| if x > 0.5 { 1.0 } else { -1.0 });
    for loss in ["hinge", "squared_hinge", "categorical_hinge"] {
        let trained = train(columns(), with(loss, 40), &data)?;
        let scorer = scorer(&trained)?;
        let mut scratch = scorer.scratch()?;
        assert!(predict(&scorer, 0.1)? < 0.0 && predict(&scorer, 0.9)? > 0.0);
        assert_eq!(scorer.predict_class([number(0.1)], &mut scratch)?, "-1");
        assert_eq!(scorer.predict_class([number(0.9)], &mut scratch)?, "1");
        let error = scorer
            .predict_proba([number(0.1)], &mut scratch, &mut Vec::new())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongTask);
        assert_eq!(
            error.to_string(),
            format!("target \"y\" was learned with loss {loss}, which gives no probabilities")
        );
        let mut evaluation = Evaluation::in_order(&scorer)?;
        for row in &data {
            evaluation.push(&[row[1], row[0]], &mut NoCallback)?;
        }
        let found = evaluation.finish()?;
        assert_eq!(found[1].0, "accuracy");
        assert!(found[1].1 > 0.95, "{found:?}");
        let mut scratch = scorer.scratch()?;
        let mut sum = 0.0;
        for row in &data {
            let class = f32::from(row[1] == number(1.0));
            scorer.predict([row[0]], &mut scratch)?;
            sum += scorer.loss(&scratch, &[class]);
        }
        assert!((found[0].1 - sum / 400.0).abs() < 1e-9);
    }
    Ok(())
}

#[test]
fn shares_add_up() -> Result<()> {
    let columns = vec![
        column("x", ColumnType::Number),
        column("a", ColumnType::Number),
        column("b", ColumnType::Number),
    ];
    let data: Vec<_> = rows(300, |_, _| 0.0)
        .into_iter()
        .map(|row| match row[0] {
            Value::Number(x) => vec![row[0], number(0.2 + 0.6 * x), number(0.8 - 0.6 * x)],
            _ => row,
        })
        .collect();
    let trained = crate::fixture::train_on(columns, &["a", "b"], with("kl_divergence", 60), &data)?;
    let scorer = scorer(&trained)?;
    let mut values = Vec::new();
    scorer.predict_values([number(0.25)], &mut scorer.scratch()?, &mut values)?;
    assert!((values[0] + values[1] - 1.0).abs() < 1e-6);
    assert!((values[0] - 0.35).abs() < 0.03, "{values:?}");
    Ok(())
}

#[test]
fn metrics_keep_their_names_and_settings() -> Result<()> {
    let metrics = [
        "auc",
        r#"{"auc": {"curve": "PR"}}"#,
        r#"{"precision": {"thresholds": 0.3, "name": "careless"}}"#,
        "f1",
    ];
    let options = TrainOptions {
        metrics: Some(
            metrics
                .iter()
                .map(|text| Metric::parse(text))
                .collect::<Result<_>>()?,
        ),
        validation_split: Some(0.2),
        callbacks: Some(crate::FitCallback::parse_list(
            r#"{"EarlyStopping": {"monitor": "val_careless", "patience": 50}}"#,
        )?),
        ..with("binary_crossentropy", 4)
    };
    let columns = vec![column("x", ColumnType::Number), integer("y")];
    let data = rows(300, |x, _| f64::from(u8::from(x > 0.6)));
    let trained = train(columns, options, &data)?;
    let names: Vec<&str> = trained.history.epochs[0]
        .val_metrics
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["auc", "auc_1", "careless", "f1"]);
    let scorer = scorer(&trained)?;
    let mut evaluation = Evaluation::in_order(&scorer)?;
    for row in &data {
        evaluation.push(&[row[1], row[0]], &mut NoCallback)?;
    }
    let found: Vec<String> = evaluation
        .finish()?
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        found,
        ["loss", "accuracy", "auc", "auc_1", "careless", "f1"]
    );
    // The state too reads what it wrote.
    let state = trained.state.to_bytes(&mut NoCallback)?;
    let again = crate::TrainingState::from_bytes(&state, u64::MAX, &mut NoCallback)?;
    assert_eq!(again.to_bytes(&mut NoCallback)?, state);
    Ok(())
}

#[test]
fn a_last_layer_that_cannot_fit_is_refused() -> Result<()> {
    let layers = |last: &str| -> Result<TrainOptions> {
        let json = format!(
            r#"[{{"class_name": "Dense", "config": {{"units": 1, "activation": "{last}"}}}}]"#
        );
        let layers = crate::Sequential::from_json(&serde_json::from_str(&json).expect("JSON"))?;
        Ok(TrainOptions {
            layers: Some(layers),
            ..with("poisson", 1)
        })
    };
    let counts = rows(40, |_, row| f64::from(row % 5));
    train(xy(), layers("softplus")?, &counts)?;
    let error: Error = train(xy(), layers("linear")?, &counts)
        .err()
        .expect("refused");
    assert_eq!(
        error.to_string(),
        "the last layer's linear does not fit loss poisson"
    );
    assert!(
        error
            .hint_text()
            .is_some_and(|hint| hint.contains("softplus"))
    );
    Ok(())
}
