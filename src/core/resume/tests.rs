//! Five epochs and five more are ten, bit for bit; what differs from the training before is refused by name.

use super::*;
use crate::fixture::{NoCallback, ToMemory, column, integer, quick, train};
use crate::{Activation, ClassWeight, Dense, Dropout, Layer, Pool, Preprocess, Trained, Value};

const CITIES: usize = 60;

/// Numbers with and without NULL, a boolean, few texts, many texts, a weight, and the target `y`.
fn columns(target: ColumnType) -> Vec<Column> {
    vec![
        column("a", ColumnType::Number),
        column("b", ColumnType::Number),
        column("c", ColumnType::Boolean),
        column("size", ColumnType::Category),
        column("city", ColumnType::Category),
        column("w", ColumnType::Number),
        column("y", target),
    ]
}

/// Rows of [`columns`], made of `seed`.
fn rows<'n>(
    names: &'n [String],
    target: ColumnType,
    count: usize,
    seed: u64,
) -> Vec<Vec<Value<'n>>> {
    let mut random = crate::random::Random::new(seed, 77);
    let mut unit = || random.below(1 << 20) as f64 / f64::from(1 << 20);
    let row = |_| {
        let (a, b, city) = (unit(), unit(), (unit() * CITIES as f64) as usize);
        let y = a * 3.0 + b + city as f64 * 0.01;
        vec![
            Value::Number(a),
            if unit() < 0.1 {
                Value::Null
            } else {
                Value::Number(b * 1e9)
            },
            Value::Boolean(a > b),
            Value::Text(["S", "M", "L"][(unit() * 3.0) as usize]),
            Value::Text(&names[city]),
            Value::Number(0.5 + unit()),
            match target {
                ColumnType::Category => Value::Text(["lo", "mid", "high"][(y as usize).min(2)]),
                _ => Value::Number(y),
            },
        ]
    };
    (0..count).map(row).collect()
}

fn names() -> Vec<String> {
    (0..CITIES).map(|i| format!("city {i}")).collect()
}

fn options() -> TrainOptions {
    TrainOptions {
        epochs: Some(5),
        ..TrainOptions::default()
    }
}

/// As stored and read again.
fn stored(trained: &Trained) -> Result<(ModelFile, TrainingState)> {
    let (file, state) = (
        trained.file.to_bytes(&mut NoCallback)?,
        trained.state.to_bytes(&mut NoCallback)?,
    );
    Ok((
        ModelFile::from_bytes(&file, 1 << 30, &mut NoCallback)?,
        TrainingState::from_bytes(&state, 1 << 30, &mut NoCallback)?,
    ))
}

fn pushed(mut training: Training<'_>, rows: &[Vec<Value<'_>>], pool: &Pool) -> Result<Trained> {
    for row in rows {
        training.push(row, &mut NoCallback)?;
    }
    training.finish(&mut NoCallback, pool)
}

/// Ten epochs, and five and five.
fn both(
    options: &TrainOptions,
    target: ColumnType,
    count: usize,
    threads: usize,
) -> Result<[Trained; 2]> {
    let (names, pool) = (names(), Pool::new(threads)?);
    let rows = rows(&names, target, count, 1);
    let begin = |epochs| {
        let options = TrainOptions {
            epochs: Some(epochs),
            ..options.clone()
        };
        Training::new(columns(target), &["y"], options, Box::new(ToMemory))?.on(&pool)
    };
    let ten = pushed(begin(10)?, &rows, &pool)?;
    let (file, state) = stored(&pushed(begin(5)?, &rows, &pool)?)?;
    assert_eq!(state.epochs(), 5);
    let told = state.options();
    let again = Training::resume(file, state, columns(target), told, Box::new(ToMemory))?;
    let five = pushed(again.on(&pool)?, &rows, &pool)?;
    Ok([ten, five])
}

/// Every optimizer with all that it can remember, and every schedule; steps end within the schedules.
#[test]
fn every_optimizer_and_every_schedule_goes_on_as_if_it_had_not_ended() -> Result<()> {
    let words = [
        r#"{"sgd": {"momentum": 0.5, "global_clipnorm": 0.5}}"#,
        r#"{"adam": {"amsgrad": true, "clipnorm": 0.1}}"#,
        r#"{"adamw": {"amsgrad": true}}"#,
        "nadam",
        r#"{"rmsprop": {"momentum": 0.5, "centered": true}}"#,
        r#"{"adagrad": {"weight_decay": 0.1}}"#,
        "adadelta",
        "adamax",
        "lion",
        r#"{"sgd": {"learning_rate": {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 9, "decay_rate": 0.9}}}}"#,
        r#"{"adam": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.01, "decay_steps": 50}}}}"#,
        r#"{"adam": {"learning_rate": {"PiecewiseConstantDecay": {"boundaries": [17, 23], "values": [0.1, 0.01, 0.001]}}}}"#,
        r#"{"adam": {"learning_rate": {"PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 40}}}}"#,
        r#"{"adam": {"learning_rate": {"InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 1}}}}"#,
    ];
    let scheduler = r#"{"LearningRateScheduler": {"schedule":
        {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5}}}}"#;
    let mut all: Vec<TrainOptions> = Vec::new();
    for word in words {
        all.push(TrainOptions {
            optimizer: Some(Optimizer::parse(word)?),
            ..options()
        });
    }
    all.push(TrainOptions {
        callbacks: Some(crate::FitCallback::parse_list(scheduler)?),
        ..options()
    });
    for options in all {
        let [ten, five] = both(&options, ColumnType::Number, 200, 1)?;
        let (ten, five) = (&ten.file.model, &five.file.model);
        assert_eq!(ten.optimizer(), five.optimizer());
        assert!(ten.weights == five.weights, "{:?}", options.optimizer);
    }
    Ok(())
}

/// A learning rate that a callback has lowered stays so, until another one is given.
#[test]
fn a_lowered_rate_is_stored_with_the_state() -> Result<()> {
    let (names, pool) = (names(), Pool::new(1)?);
    let rows = rows(&names, ColumnType::Number, 100, 1);
    // Nothing improves by so much, so every epoch but the first lowers it.
    let text = r#"{"ReduceLROnPlateau": {"patience": 1, "min_delta": 1e9, "factor": 0.5, "min_lr": 1e-4}}"#;
    let told = TrainOptions {
        epochs: Some(4),
        callbacks: Some(crate::FitCallback::parse_list(text)?),
        ..options()
    };
    let training = Training::new(
        columns(ColumnType::Number),
        &["y"],
        told,
        Box::new(ToMemory),
    )?;
    let trained = pushed(training.on(&pool)?, &rows, &pool)?;
    assert_eq!(trained.file.model.optimizer(), &Optimizer::default());
    let again = |optimizer: Option<&str>| {
        let (file, state) = stored(&trained)?;
        assert_eq!(state.optimizer.rate, Some(0.001 * 0.5 * 0.5 * 0.5));
        let mut told = TrainOptions {
            epochs: Some(1),
            callbacks: None,
            ..state.options()
        };
        if let Some(text) = optimizer {
            told.optimizer = Some(Optimizer::parse(text)?);
        }
        let columns = columns(ColumnType::Number);
        let training = Training::resume(file, state, columns, told, Box::new(ToMemory))?;
        let trained = pushed(training.on(&pool)?, &rows, &pool)?;
        Ok(trained.state.optimizer.rate)
    };
    assert_eq!(again(None)?, Some(0.000_125));
    let other = again(Some(r#"{"adam": {"learning_rate": 0.01}}"#));
    assert_eq!(other?, None);
    Ok(())
}

#[test]
fn five_epochs_and_five_more_are_ten() -> Result<()> {
    let dense = |units, activation| Layer::Dense(Dense::new(units, activation));
    let dropout = Sequential::new(vec![
        dense(16, Activation::Relu),
        Layer::Dropout(Dropout::new(0.2)),
        dense(1, Activation::Linear),
    ]);
    let (number, class) = (ColumnType::Number, ColumnType::Category);
    let base = options;
    let drop = r#"{"a": {"outliers": {"drop": {"quantiles": [0.1, 0.95]}}}, "b": {"outliers": {"drop": {"stddev": 1.5}}}}"#;
    for (options, target, count, spills) in [
        (base(), number, 700, false),
        (
            TrainOptions {
                layers: Some(dropout),
                optimizer: Some(Optimizer::parse(r#"{"sgd": {"momentum": 0.5}}"#)?),
                sample_weight: Some("w".into()),
                seed: 9,
                ..base()
            },
            number,
            700,
            false,
        ),
        (
            TrainOptions {
                class_weight: Some(ClassWeight::Balanced),
                exclude: vec!["w".into()],
                validation_split: Some(0.3),
                ..base()
            },
            class,
            700,
            false,
        ),
        (
            TrainOptions {
                memory_limit: 2 << 20,
                batch_size: Some(512),
                ..base()
            },
            number,
            40_000,
            true,
        ),
        (
            TrainOptions {
                preprocess: Preprocess::parse(drop)?,
                ..base()
            },
            class,
            700,
            false,
        ),
        (
            TrainOptions {
                preprocess: Preprocess::parse(drop)?,
                memory_limit: 2 << 20,
                batch_size: Some(512),
                ..base()
            },
            number,
            40_000,
            true,
        ),
    ] {
        let mut files = Vec::new();
        for threads in [1, 2] {
            let [ten, five] = both(&options, target, count, threads)?;
            assert_eq!((five.state.epochs(), five.epochs), (10, 5));
            assert_eq!(five.history.epochs[0].epoch, 6);
            let logs = |trained: &Trained| {
                let mut logs = trained.history.epochs[trained.history.epochs.len() - 5..].to_vec();
                logs.iter_mut().for_each(|logs| logs.seconds = 0.0);
                logs
            };
            assert_eq!(logs(&ten), logs(&five));
            let optimizer = |trained: &Trained| trained.state.optimizer.clone();
            assert_eq!(optimizer(&ten).slots, optimizer(&five).slots);
            assert_eq!(optimizer(&ten).steps, optimizer(&five).steps);
            assert_eq!(
                (ten.rows, ten.validation_rows),
                (five.rows, five.validation_rows)
            );
            files.push(ten.file.to_bytes(&mut NoCallback)?);
            files.push(five.file.to_bytes(&mut NoCallback)?);
        }
        assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
        let bytes = 40 * count as u64;
        assert_eq!(bytes > options.memory_limit / 5 * 3, spills);
    }
    Ok(())
}

#[test]
fn new_rows_go_where_they_go_in_a_prediction() -> Result<()> {
    let names = names();
    let class = ColumnType::Category;
    let first = train(columns(class), options(), &rows(&names, class, 300, 1))?;
    let (file, state) = stored(&first)?;
    // The columns in another order, and cities, NULLs and numbers never seen.
    let order = [4, 6, 0, 2, 1, 3, 5];
    let here = order.iter().map(|i| columns(class)[*i].clone()).collect();
    let others: Vec<String> = names.iter().map(|name| name.replace('1', "one")).collect();
    let mut rows = rows(&others, class, 200, 2);
    for row in rows.iter_mut().step_by(7) {
        row[2] = Value::Null;
        row[3] = Value::Null;
        row[0] = Value::Number(1e6);
    }
    let told = state.options();
    let mut training = Training::resume(file, state, here, told, Box::new(ToMemory))?;
    for row in &rows {
        let row: Vec<_> = order.iter().map(|i| row[*i]).collect();
        training.push(&row, &mut NoCallback)?;
    }
    let second = training.finish(&mut NoCallback, &Pool::new(1)?)?;
    assert_eq!(second.file.preprocessing, first.file.preprocessing);
    assert_eq!(second.file.target, first.file.target);
    assert_ne!(second.file.model().weights(), first.file.model().weights());
    Ok(())
}

#[test]
fn classes_keep_their_numbers() -> Result<()> {
    let columns = || vec![integer("x"), integer("y")];
    let row = |x: f64, y: f64| vec![Value::Number(x), Value::Number(y)];
    let rows: Vec<_> = (0..40)
        .map(|i| row(f64::from(i), f64::from(i % 3 + 4)))
        .collect();
    let loss = Some(Loss::CATEGORICAL);
    let first = train(columns(), TrainOptions { loss, ..quick() }, &rows)?;
    assert_eq!(first.file.labels(), ["4", "5", "6"]);
    let again = |rows: &[Vec<Value<'_>>]| {
        let (file, state) = stored(&first)?;
        let told = state.options();
        let training = Training::resume(file, state, columns(), told, Box::new(ToMemory))?;
        pushed(training, rows, &Pool::new(1)?)
    };
    let some: Vec<_> = rows
        .iter()
        .filter(|row| row[1] != Value::Number(4.0))
        .cloned()
        .collect();
    assert_eq!(again(&some)?.file.labels(), ["4", "5", "6"]);
    let error = again(&[&rows[..], &[row(1.0, 7.0), row(1.0, 7.0)]].concat());
    assert_eq!(
        error.err().expect("refused").to_string(),
        "target \"y\" has the value \"7\", which was not seen in training"
    );

    // A number stays a number, even if only 0 and 1 come.
    let rows: Vec<_> = (0..40)
        .map(|i| row(f64::from(i), f64::from(i % 7)))
        .collect();
    let first = train(columns(), quick(), &rows)?;
    let (file, state) = stored(&first)?;
    let told = state.options();
    let training = Training::resume(file, state, columns(), told, Box::new(ToMemory))?;
    let ones: Vec<_> = (0..40)
        .map(|i| row(f64::from(i), f64::from(i % 2)))
        .collect();
    let second = pushed(training, &ones, &Pool::new(1)?)?;
    assert_eq!(second.file.target, first.file.target);
    Ok(())
}

#[test]
fn columns_that_differ_are_named() -> Result<()> {
    let (names, number) = (names(), ColumnType::Number);
    let first = train(columns(number), quick(), &rows(&names, number, 100, 1))?;
    let message = |columns: Vec<Column>| -> Result<(ErrorKind, String)> {
        let (file, state) = stored(&first)?;
        let told = state.options();
        let error = Training::resume(file, state, columns, told, Box::new(ToMemory));
        let error = error.err().expect("refused");
        Ok((
            error.kind(),
            format!("{error} | {}", error.hint_text().unwrap_or_default()),
        ))
    };
    let changed = |place: usize, name: &str, column_type| {
        let mut columns = columns(number);
        columns[place] = column(name, column_type);
        message(columns)
    };
    assert_eq!(
        changed(4, "citi", ColumnType::Category)?,
        (
            ErrorKind::UnknownColumn,
            "column \"city\", a feature of the model, is missing in the query | Did you mean \"citi\"?".into()
        )
    );
    assert_eq!(
        changed(0, "a", ColumnType::Category)?.1,
        "column \"a\" is text in the query, but a number in the model | Cast it to the type it had."
    );
    assert_eq!(
        changed(6, "y", ColumnType::Category)?.1,
        "column \"y\" is text in the query, but a number in the model | Cast it to the type it had."
    );
    assert!(
        changed(6, "z", number)?
            .1
            .starts_with("target \"y\" is not a column of the query")
    );
    // Also where no column is left to learn from.
    let only = [
        column("aa", number),
        column("w", number),
        column("y", number),
    ];
    assert_eq!(
        message(only.to_vec())?.1,
        "column \"a\", a feature of the model, is missing in the query | Did you mean \"aa\"?"
    );
    // Columns that nobody asks for are left alone, even two of one name.
    let (file, state) = stored(&first)?;
    let new = || column("new", ColumnType::Category);
    let more = columns(number).into_iter().chain([new(), new()]).collect();
    let told = state.options();
    let again = Training::resume(file, state, more, told, Box::new(ToMemory))?;
    assert!(again.options.exclude.is_empty());
    Ok(())
}

#[test]
fn one_row_and_one_class_are_enough() -> Result<()> {
    let number = |value: f64| vec![Value::Number(value), Value::Number(value % 2.0)];
    let truth = |value: f64| vec![Value::Number(value), Value::Boolean(value % 2.0 == 1.0)];
    let text = |value: f64| {
        let label = ["a", "b", "c"][value as usize % 3];
        vec![Value::Number(value), Value::Text(label)]
    };
    type Row<'a> = &'a dyn Fn(f64) -> Vec<Value<'static>>;
    let targets: [(Column, Row<'_>); 4] = [
        (integer("y"), &number),
        (column("y", ColumnType::Number), &number),
        (column("y", ColumnType::Boolean), &truth),
        (column("y", ColumnType::Category), &text),
    ];
    for (target, row) in targets {
        let columns = || vec![column("x", ColumnType::Number), target.clone()];
        let rows: Vec<_> = (0..60).map(|i| row(f64::from(i))).collect();
        let first = train(columns(), quick(), &rows)?;
        let weights = first.file.model().weights();
        for rows in [vec![row(1.0)], vec![row(7.0), row(1.0), row(1.0)]] {
            let (file, state) = stored(&first)?;
            let told = state.options();
            let training = Training::resume(file, state, columns(), told, Box::new(ToMemory))?;
            let second = pushed(training, &rows, &Pool::new(1)?)?;
            assert_eq!(second.file.target, first.file.target);
            assert_eq!(second.rows, rows.len() as u64);
            assert_ne!(second.file.model().weights(), weights);
        }
    }
    Ok(())
}

#[test]
fn after_a_validation_query_every_row_trains() -> Result<()> {
    let columns = || {
        vec![
            column("x", ColumnType::Number),
            column("y", ColumnType::Number),
        ]
    };
    let row = |i: i32| vec![Value::Number(f64::from(i)), Value::Number(f64::from(i % 7))];
    let pool = Pool::new(1)?;
    let first = |epochs| {
        let options = TrainOptions {
            epochs: Some(epochs),
            validation_split: Some(0.3),
            ..TrainOptions::default()
        };
        let mut training = Training::new(columns(), &["y"], options, Box::new(ToMemory))?;
        training.validate_on(&columns())?;
        for i in 0..100 {
            training.push(&row(i), &mut NoCallback)?;
        }
        for i in 0..9 {
            training.push_validation(&row(i), &mut NoCallback)?;
        }
        training.finish(&mut NoCallback, &pool)
    };
    let (ten, five) = (first(10)?, first(5)?);
    assert!(ten.settings["validation_split"].is_null());
    let (file, state) = stored(&five)?;
    let told = state.options();
    let mut again = Training::resume(file, state, columns(), told, Box::new(ToMemory))?;
    for i in 0..100 {
        again.push(&row(i), &mut NoCallback)?;
    }
    let again = again.finish(&mut NoCallback, &pool)?;
    assert_eq!((again.training_rows, again.validation_rows), (100, 0));
    assert_eq!(again.file.model().weights(), ten.file.model().weights());
    Ok(())
}

#[test]
fn a_state_of_another_model_is_refused() -> Result<()> {
    let (names, number) = (names(), ColumnType::Number);
    let rows = rows(&names, number, 100, 1);
    let first = train(columns(number), quick(), &rows)?;
    let narrow = train(
        columns(number),
        TrainOptions {
            exclude: vec!["a".into()],
            ..quick()
        },
        &rows,
    )?;
    let resume = |options: TrainOptions, state: &Trained| {
        let (file, _) = stored(&first)?;
        let (_, state) = stored(state)?;
        Training::resume(file, state, columns(number), options, Box::new(ToMemory)).map(|_| ())
    };
    let message = |result: Result<()>| result.expect_err("refused").to_string();
    assert_eq!(
        message(resume(quick(), &narrow)),
        "the training state is not that of the model"
    );
    let mae = TrainOptions {
        loss: Some(Loss::MAE),
        ..quick()
    };
    assert_eq!(
        message(resume(mae, &first)),
        "loss \"mae\" is not that of the model, \"mse\""
    );
    let sgd = TrainOptions {
        optimizer: Some(Optimizer::parse("sgd")?),
        ..quick()
    };
    assert_eq!(
        message(resume(sgd, &first)),
        "optimizer sgd is not that of the model, adam"
    );
    // The step size, the batch and the metrics may change.
    let other = TrainOptions {
        optimizer: Some(Optimizer::parse(r#"{"adam": {"learning_rate": 0.1}}"#)?),
        batch_size: Some(7),
        metrics: Some(vec![crate::Metric::MSE]),
        ..quick()
    };
    resume(other, &first)
}

#[test]
fn other_layers_losses_and_optimizers_are_refused_by_name() {
    let message = |result: Result<()>| result.expect_err("refused").to_string();
    let dense = |units, name: Option<&str>| {
        let mut dense = Dense::new(units, Activation::Relu);
        dense.name = name.map(str::to_owned);
        Layer::Dense(dense)
    };
    let model = Sequential::new(vec![dense(8, Some("dense")), dense(1, Some("dense_1"))]);
    let given = |layers| check_layers(&Sequential::new(layers), &model);
    assert!(given(vec![dense(8, None), dense(1, None)]).is_ok());
    assert_eq!(
        message(given(vec![dense(8, None), dense(2, None)])),
        "layer 2 of layers is not that of the model"
    );
    assert_eq!(
        message(given(vec![dense(8, None), dense(1, Some("out"))])),
        "layer 2 of layers is not that of the model"
    );
    assert_eq!(
        message(given(vec![dense(1, None)])),
        "the model has 2 layers, not 1"
    );
    let loss = check_loss(Loss::Huber(crate::Huber { delta: 0.5 }), Loss::MSE);
    assert_eq!(
        message(loss),
        "loss {\"huber\":{\"delta\":0.5}} is not that of the model, \"mse\""
    );
    let parse = |text| Optimizer::parse(text).expect("an optimizer");
    let optimizer = |text| check_optimizer(&parse(text), &Optimizer::default());
    assert!(optimizer(r#"{"adam": {"learning_rate": 0.1}}"#).is_ok());
    assert_eq!(
        message(optimizer("sgd")),
        "optimizer sgd is not that of the model, adam"
    );
    let momentum = parse(r#"{"sgd": {"momentum": 0.9}}"#);
    assert_eq!(
        message(check_optimizer(&parse("sgd"), &momentum)),
        "momentum of optimizer sgd cannot begin or end with a model that is trained"
    );
    // As many vectors, but not the same.
    let centered = parse(r#"{"rmsprop": {"centered": true}}"#);
    let momentum = parse(r#"{"rmsprop": {"momentum": 0.5}}"#);
    assert_eq!(
        message(check_optimizer(&centered, &momentum)),
        "average_gradient of optimizer rmsprop cannot begin or end with a model that is trained"
    );
}
