//! What rows are for: several targets, weights, and the ways to hold rows out.

mod data;
#[path = "data/run.rs"]
mod run;

use ColumnType::{Boolean, Category, Number};
use Value::{Null, Text};
use data::Clock;
use run::{Rows, Run, column};
use tablenet_core::*;

fn number(value: f64) -> Value<'static> {
    Value::Number(value)
}

fn quick() -> TrainOptions {
    TrainOptions {
        epochs: Some(2),
        ..TrainOptions::default()
    }
}

fn bytes(trained: &Trained) -> Vec<u8> {
    trained.file.to_bytes(&mut Clock::new()).unwrap()
}

fn noise(row: u32, factor: u32) -> f64 {
    f64::from(row.wrapping_add(1).wrapping_mul(factor) >> 8) / f64::from(1 << 24)
}

/// x, z and two targets far apart in scale.
fn two_targets(rows: u32) -> Run<'static> {
    let row = |row| {
        let (x, z) = (noise(row, 0x9e37_79b1), noise(row, 0x85eb_ca6b));
        vec![
            number(x),
            number(1e6 * (x + z) + 5e6),
            number(z),
            number(1e-3 * (x - z)),
        ]
    };
    Run {
        columns: ["x", "big", "z", "small"]
            .map(|name| column(name, Number))
            .to_vec(),
        targets: vec!["small", "big"],
        options: TrainOptions {
            epochs: Some(30),
            ..TrainOptions::default()
        },
        rows: (0..rows).map(row).collect(),
        validation: None,
        threads: 1,
    }
}

#[test]
fn several_targets_are_answered_in_their_own_units_and_order() -> Result<()> {
    let run = two_targets(2000);
    let trained = run.train()?;
    assert_eq!(trained.file.task(), Task::Regression { outputs: 2 });
    assert_eq!(trained.file.target_names(), ["small", "big"]);
    let scorer = Scorer::new(&trained.file, &mut Clock::new())?;
    let mut scratch = scorer.scratch()?;
    let mut out = Vec::new();
    scorer.predict_values([number(0.75), number(0.25)], &mut scratch, &mut out)?;
    assert!((f64::from(out[0]) - 0.5e-3).abs() < 1e-4, "{out:?}");
    assert!((f64::from(out[1]) - 6e6).abs() < 1e5, "{out:?}");
    let error = scorer
        .predict([number(0.5), number(0.5)], &mut scratch)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongTask);
    assert_eq!(
        error.to_string(),
        "targets \"small\", \"big\" have 2 numbers, not one"
    );
    assert_eq!(
        error.hint_text(),
        Some("Use ml_predict_values() for all of them.")
    );

    // The file says the same after reading.
    let read = ModelFile::from_bytes(&bytes(&trained), 64 << 20, &mut Clock::new())?;
    assert_eq!(bytes(&trained), read.to_bytes(&mut Clock::new())?);

    // The metrics of an evaluation: averaged, and by target.
    let mut evaluation = Evaluation::new(&scorer, &run.columns)?;
    let (mut small, mut big) = (0.0, 0.0);
    for row in &run.rows {
        evaluation.push(row, &mut Clock::new())?;
        scorer.predict_values([row[0], row[2]], &mut scratch, &mut out)?;
        let error = |at: usize, of: &Value<'_>| match of {
            Value::Number(value) => (f64::from(out[at]) - value).abs() / 2000.0,
            _ => f64::NAN,
        };
        small += error(0, &row[3]);
        big += error(1, &row[1]);
    }
    let found = evaluation.finish()?;
    let of = |name: &str| found.iter().find(|(known, _)| known == name).unwrap().1;
    assert!((of("small_mae") / small - 1.0).abs() < 1e-3);
    assert!((of("big_mae") / big - 1.0).abs() < 1e-3);
    assert!((of("mae") / ((small + big) / 2.0) - 1.0).abs() < 1e-3);
    assert!(of("r2") > 0.99 && of("small_r2") > 0.98 && found.len() == 13);
    Ok(())
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let mut run = two_targets(10);
    run.targets = vec!["big", "big"];
    assert_eq!(
        run.refused(),
        "the target \"big\" is named twice / Name each target once."
    );
    run.targets = vec![];
    assert_eq!(
        run.refused(),
        "no target is named / Name the column to predict."
    );
    run.targets = vec!["big", "smal"];
    assert_eq!(
        run.refused(),
        "target \"smal\" is not a column of the query / Did you mean \"small\"?"
    );
    run.targets = vec!["x", "big", "z", "small"];
    assert_eq!(
        run.refused(),
        "the query has no column to learn from besides the targets \"x\", \"big\", \"z\", \"small\" / Let the query return the feature columns too."
    );
    let mut run = two_targets(10);
    run.options.loss = Some(Loss::BINARY);
    assert_eq!(
        run.refused(),
        "loss binary_crossentropy needs one target of classes, not several numbers / Use loss mse, mae or huber."
    );
    let mut run = two_targets(10);
    run.columns[3] = column("small", Category);
    assert_eq!(
        run.refused(),
        "target \"small\" is text, but several targets must be numbers / Train a model for each, or cast it to a number."
    );
    let mut run = two_targets(10);
    run.options.class_weight = Some(ClassWeight::Balanced);
    assert_eq!(
        run.refused(),
        "class_weight needs a target of classes, not of numbers / Leave it out, or give every row a weight with sample_weight."
    );
}

#[test]
fn a_row_with_null_in_any_target_is_skipped() -> Result<()> {
    let mut run = two_targets(100);
    run.rows[7][3] = Null;
    run.rows[8][1] = Null;
    let trained = run.train()?;
    assert_eq!(trained.rows, 98);
    assert_eq!(
        trained.notices,
        ["2 rows with NULL in a target were skipped"]
    );
    Ok(())
}

/// A class by text that is rare, with a weight and a part beside.
fn classes(rows: u32) -> Run<'static> {
    let row = |row: u32| {
        let rare = row % 20 == 13;
        let x = noise(row, 0x9e37_79b1) + if rare { 0.4 } else { 0.0 };
        let part = ["train", "TRAIN", "Val", "train", "test"][(row % 5) as usize];
        vec![
            number(x),
            Text(if rare { "rare" } else { "often" }),
            number(f64::from(row % 3)),
            Text(part),
        ]
    };
    Run {
        columns: vec![
            column("x", Number),
            column("y", Category),
            column("w", Number),
            column("part", Category),
        ],
        targets: vec!["y"],
        options: TrainOptions {
            validation_split: Some(0.1),
            ..quick()
        },
        rows: (0..rows).map(row).collect(),
        validation: None,
        threads: 1,
    }
}

fn rare_mean(trained: &Trained) -> Result<f64> {
    let scorer = Scorer::new(&trained.file, &mut Clock::new())?;
    let mut scratch = scorer.scratch()?;
    let mut sum = 0.0;
    for i in 0..10 {
        sum += scorer.predict([number(0.15 * f64::from(i))], &mut scratch)? / 10.0;
    }
    Ok(sum)
}

#[test]
fn balanced_classes_make_the_rare_one_more_probable() -> Result<()> {
    let mut run = classes(2000);
    run.options.exclude = vec!["w".into(), "part".into()];
    let plain = rare_mean(&run.train()?)?;
    run.options.class_weight = Some(ClassWeight::Balanced);
    let balanced = run.train()?;
    // 1 row in 20 is rare: each of them counts as 19.
    let mean = rare_mean(&balanced)?;
    assert!(plain < 0.3 && mean > plain + 0.1, "{plain} {mean}");
    let split = (balanced.training_rows, balanced.validation_rows);
    assert_eq!(split, (1800, 200), "190 of 1900 and 10 of 100");
    assert_eq!(balanced.settings["class_weight"], "balanced");
    let rows = [1900.0 * 0.9, 100.0 * 0.9];
    let weights = rows.map(|rows| 1800.0 / (2.0 * rows));
    let given = vec![("often".into(), weights[0]), ("rare".into(), weights[1])];
    run.options.class_weight = Some(ClassWeight::Labels(given));
    assert!(bytes(&run.train()?) == bytes(&balanced));
    run.options.class_weight = Some(ClassWeight::Labels(vec![("rear".into(), 2.0)]));
    assert_eq!(
        run.refused(),
        "target \"y\" has no label \"rear\", which class_weight names / Did you mean \"rare\"? Known labels: often, rare."
    );
    Ok(())
}

#[test]
fn every_class_is_held_out_alike_with_a_worker_and_without() -> Result<()> {
    let mut run = classes(4000);
    run.options.exclude = vec!["w".into(), "part".into()];
    let one = run.train()?;
    run.threads = 2;
    let two = run.train()?;
    assert_eq!((one.training_rows, one.validation_rows), (3600, 400));
    assert!(bytes(&one) == bytes(&two));
    Ok(())
}

#[test]
fn a_row_of_weight_two_counts_as_two_rows() -> Result<()> {
    // In one batch of all rows: mean w l over 3 n rows is what n rows with weights 0, 1, 2 have, but for 1/rows.
    let mut run = classes(300);
    run.options = TrainOptions {
        sample_weight: Some("w".into()),
        exclude: vec!["part".into()],
        validation_split: Some(0.0),
        batch_size: Some(1000),
        shuffle: false,
        optimizer: Some(Optimizer::parse(r#"{"sgd": {"learning_rate": 0.1}}"#)?),
        ..quick()
    };
    let weighted = run.train()?;
    let mut repeated = classes(300);
    repeated.options = TrainOptions {
        sample_weight: None,
        exclude: vec!["part".into(), "w".into()],
        ..run.options.clone()
    };
    // Means of the features see every row once, so all of them come once more, and count nothing.
    let loss = |trained: &Trained| trained.history.epochs[0].loss;
    repeated.rows = Vec::new();
    for row in &run.rows {
        if let Value::Number(weight) = row[2] {
            repeated
                .rows
                .extend((0..weight as u32).map(|_| row.clone()));
        }
    }
    let (weighted, repeated) = (loss(&weighted), loss(&repeated.train()?));
    // 300 rows of weight 1 on average; the inputs differ a little by their scaling.
    assert!(
        (weighted / repeated - 1.0).abs() < 0.05,
        "{weighted} {repeated}"
    );
    Ok(())
}

#[test]
fn weights_are_no_feature_and_bad_ones_name_their_row() -> Result<()> {
    let mut run = classes(100);
    run.options.sample_weight = Some("w".into());
    run.options.split_column = Some("part".into());
    let trained = run.train()?;
    let names: Vec<&str> = trained
        .file
        .features()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["x"]);
    run.rows[4][2] = number(-1.0);
    // Row 5 is a test row: nothing of it is looked at.
    assert!(bytes(&run.train()?) == bytes(&trained));
    for (value, message) in [
        (
            number(-0.5),
            "sample_weight \"w\" is -0.5 in row 6, but must be at least 0 and finite / A row that does not count has the weight 0; leave out those without a weight.",
        ),
        (
            number(f64::NAN),
            "sample_weight \"w\" is NaN in row 6, but must be at least 0 and finite / A row that does not count has the weight 0; leave out those without a weight.",
        ),
        (
            Null,
            "sample_weight \"w\" is NULL in row 6 / A row that counts like the others has the weight 1, one that does not count 0.",
        ),
    ] {
        run.rows[5][2] = value;
        assert_eq!(run.refused(), message);
    }
    let mut zero = classes(100);
    zero.options.sample_weight = Some("w".into());
    zero.rows.iter_mut().for_each(|row| row[2] = number(0.0));
    assert_eq!(
        zero.refused(),
        "the sample_weight of every training row is 0 / Give the rows that count a weight above 0."
    );
    zero.columns[2] = column("w", Boolean);
    assert_eq!(
        zero.refused(),
        "sample_weight \"w\" must be a number, not a boolean / It says how much each row counts; cast it if it holds numbers."
    );
    zero.options.sample_weight = Some("y".into());
    assert_eq!(
        zero.refused(),
        "sample_weight \"y\" has another role too / Target, sample_weight and split_column must be different columns."
    );
    Ok(())
}

#[test]
fn a_column_says_which_rows_train_validate_and_wait() -> Result<()> {
    let mut run = classes(1000);
    run.options.exclude = vec!["w".into()];
    run.options.split_column = Some("part".into());
    let trained = run.train()?;
    assert_eq!((trained.training_rows, trained.validation_rows), (600, 200));
    assert!(trained.notices.is_empty());
    // What test rows hold does not matter, be it a category, a class or NaN.
    for row in run.rows.iter_mut().skip(4).step_by(5) {
        row[0] = number(f64::NAN);
        row[1] = Text("never seen");
    }
    assert!(bytes(&run.train()?) == bytes(&trained));
    // Validation rows move nothing that is learned, only what is measured.
    for row in run.rows.iter_mut().skip(2).step_by(5) {
        row[0] = number(-1e6);
    }
    let moved = run.train()?;
    let learned = |trained: &Trained| {
        let text = String::from_utf8_lossy(&bytes(trained)).into_owned();
        let begin = text.find("preprocessing").expect("preprocessing");
        text[begin..].split("results").next().map(str::to_owned)
    };
    assert_eq!(learned(&moved), learned(&trained));
    assert_eq!(moved.file.model().weights(), trained.file.model().weights());
    for (value, message) in [
        (
            Text("trian"),
            "split_column \"part\" has the value \"trian\" in row 3",
        ),
        (Null, "split_column \"part\" is NULL in row 3"),
    ] {
        run.rows[2][3] = value;
        assert_eq!(
            run.refused(),
            message.to_owned()
                + " / Its values are train, validation and test; of a boolean, true means validation."
        );
    }
    Ok(())
}

#[test]
fn a_boolean_may_split_and_a_number_may_not() -> Result<()> {
    let mut run = two_targets(100);
    run.columns.push(column("held out", Boolean));
    for (i, row) in run.rows.iter_mut().enumerate() {
        row.push(Value::Boolean(i % 4 == 0));
    }
    run.options.split_column = Some("held out".into());
    let trained = run.train()?;
    assert_eq!((trained.training_rows, trained.validation_rows), (75, 25));
    run.options.split_column = Some("x".into());
    assert!(
        run.refused()
            .starts_with("split_column \"x\" must be text or boolean, not a number / ")
    );
    Ok(())
}

#[test]
fn a_class_that_only_validation_rows_have_is_refused() {
    let mut run = classes(100);
    run.options.split_column = Some("part".into());
    run.rows[2][1] = Text("new");
    assert_eq!(
        run.refused(),
        "target \"y\" has the value \"new\", which was not seen in training / Leave such rows out of the query. Known labels: often, rare."
    );
}

#[test]
fn another_query_may_give_the_rows_to_validate_on() -> Result<()> {
    let mut run = two_targets(200);
    let by = |order: [usize; 4], rows: &Rows<'static>| -> Rows<'static> {
        let row = |row: &Vec<Value<'static>>| {
            let mut values: Vec<_> = order.iter().map(|at| row[*at]).collect();
            values.push(Text("of no use"));
            values
        };
        rows.iter().map(row).collect()
    };
    let held_out = two_targets(60);
    let order = [3, 1, 0, 2];
    let mut columns: Vec<_> = order.iter().map(|at| run.columns[*at].clone()).collect();
    columns.push(column("more", Category));
    run.validation = Some((columns.clone(), by(order, &held_out.rows)));
    let trained = run.train()?;
    assert_eq!((trained.training_rows, trained.validation_rows), (200, 60));
    run.threads = 2;
    assert!(bytes(&run.train()?) == bytes(&trained));

    // The same rows, held out by a column.
    let mut split = two_targets(200);
    split.rows.extend(held_out.rows.iter().cloned());
    split.columns.push(column("part", Category));
    for (i, row) in split.rows.iter_mut().enumerate() {
        row.push(Text(if i < 200 { "train" } else { "val" }));
    }
    split.options.split_column = Some("part".into());
    assert!(bytes(&split.train()?) == bytes(&trained));

    let (mut missing, mut wrong) = (columns.clone(), columns.clone());
    missing[0].name = "smalls".into();
    wrong[0].column_type = Category;
    for (columns, message) in [
        (
            missing,
            "column \"small\" is missing in the validation query / Did you mean \"smalls\"?",
        ),
        (
            wrong,
            "column \"small\" is text in the validation query, but a number in the training query / Cast one of them to the type of the other.",
        ),
    ] {
        run.validation = Some((columns, Vec::new()));
        assert_eq!(run.refused(), message);
    }
    let mut rows = by(order, &held_out.rows);
    rows[5][2] = number(f64::INFINITY);
    run.validation = Some((columns, rows));
    assert_eq!(
        run.train().err().unwrap().to_string(),
        "column \"x\" is Infinity in row 6"
    );
    split.validation = run.validation.clone();
    assert_eq!(
        split.refused(),
        "a validation query and split_column cannot be given together / Leave one of them out: each says which rows validate."
    );
    Ok(())
}
