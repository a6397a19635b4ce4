//! Arrays whose length only the rows tell, as features and as a target.

mod data;

use data::Clock;
use tablenet_core::*;

struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::Foreign, "spilled"))
    }
}

fn columns(length: Option<usize>) -> Vec<Column> {
    let column = |name: &str, column_type| Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length,
    };
    vec![
        column("v", ColumnType::Vector),
        column("x", ColumnType::Number),
        column("y", ColumnType::Vector),
    ]
}

/// Rows of v (2), x and y (3); the first ten have no v.
fn rows(count: u32) -> Vec<([f64; 2], f64, [f64; 3])> {
    let noise = |row: u32, factor: u32| {
        f64::from(row.wrapping_add(1).wrapping_mul(factor) >> 8) / f64::from(1 << 24)
    };
    let row = |row| {
        let v = [noise(row, 0x9e37_79b1), noise(row, 0x85eb_ca6b)];
        let x = noise(row, 0xc2b2_ae35);
        (v, x, [1000.0 * v[0], v[1] - x, 3.0])
    };
    (0..count).map(row).collect()
}

fn train(lengths: [Option<usize>; 2], threads: usize, memory_limit: u64) -> Result<Trained> {
    let pool = Pool::new(threads)?;
    let mut clock = Clock::new();
    let mut columns = columns(None);
    (columns[0].length, columns[2].length) = (lengths[0], lengths[1]);
    let options = TrainOptions {
        epochs: Some(20),
        memory_limit,
        ..TrainOptions::default()
    };
    let mut training = Training::new(columns, &["y"], options, Box::new(NoSpill))?.on(&pool)?;
    for (number, (v, x, y)) in rows(600).iter().enumerate() {
        let row = [
            match number {
                0..10 => Value::Null,
                _ => Value::Vector(Vector::Double(v)),
            },
            Value::Number(*x),
            match number {
                3 => Value::Null,
                _ => Value::Vector(Vector::Double(y)),
            },
        ];
        training.push(&row, &mut clock)?;
    }
    training.finish(&mut clock, &pool)
}

#[test]
fn rows_wait_for_the_first_array_and_nothing_depends_on_it() -> Result<()> {
    let bytes = |trained: &Trained| trained.file.to_bytes(&mut Clock::new());
    let known = train([Some(2), Some(3)], 1, 64 << 20)?;
    assert_eq!(known.rows, 599);
    for lengths in [[None, None], [None, Some(3)], [Some(2), None]] {
        for threads in [1, 2] {
            assert!(bytes(&train(lengths, threads, 64 << 20)?)? == bytes(&known)?);
        }
    }
    Ok(())
}

#[test]
fn an_array_is_answered_element_by_element() -> Result<()> {
    let trained = train([None, None], 1, 64 << 20)?;
    assert_eq!(trained.file.task(), Task::Regression { outputs: 3 });
    let scorer = Scorer::new(&trained.file, &mut Clock::new())?;
    let (mut scratch, mut out) = (scorer.scratch()?, Vec::new());
    let row = [
        Value::Vector(Vector::Double(&[0.5, 0.75])),
        Value::Number(0.25),
    ];
    scorer.predict_values(row, &mut scratch, &mut out)?;
    assert!(
        (out[0] - 500.0).abs() < 60.0 && (out[1] - 0.5).abs() < 0.1,
        "{out:?}"
    );
    assert!((out[2] - 3.0).abs() < 0.2, "{out:?}");
    let error = scorer.predict(row, &mut scratch).unwrap_err();
    assert_eq!(error.to_string(), "target \"y\" has 3 numbers, not one");
    let mut evaluation = Evaluation::new(&scorer, &columns(None))?;
    for (v, x, y) in &rows(50) {
        let row = [
            Value::Vector(Vector::Double(v)),
            Value::Number(*x),
            Value::Vector(Vector::Double(y)),
        ];
        evaluation.push(&row, &mut Clock::new())?;
    }
    let row = [
        Value::Vector(Vector::Double(&[0.0; 2])),
        Value::Number(0.0),
        Value::Vector(Vector::Double(&[0.0; 2])),
    ];
    let error = evaluation.push(&row, &mut Clock::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column \"y\" must have 3 elements, not 2"
    );
    let found = evaluation.finish()?;
    assert!(
        found
            .iter()
            .any(|(name, value)| name == "y[1]_mae" && *value < 60.0),
        "{found:?}"
    );
    Ok(())
}

#[test]
fn a_column_without_any_array_is_refused_as_one_without_values() -> Result<()> {
    let pool = Pool::new(1)?;
    let mut clock = Clock::new();
    let new = |limit| {
        let mut columns = columns(None);
        columns[2].column_type = ColumnType::Number;
        let options = TrainOptions {
            memory_limit: limit,
            ..TrainOptions::default()
        };
        Training::new(columns, &["y"], options, Box::new(NoSpill))
    };
    let mut training = new(64 << 20)?;
    let row = [Value::Null, Value::Number(1.0), Value::Number(2.0)];
    for _ in 0..10 {
        training.push(&row, &mut clock)?;
    }
    let error = training.finish(&mut clock, &pool).err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::NullNotAllowed);
    assert_eq!(
        error.to_string(),
        "column \"v\" is NULL in every training row"
    );

    let mut training = new(2 << 20)?;
    let error = (0..100_000).find_map(|_| training.push(&row, &mut clock).err());
    let error = error.expect("too many wait");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(
        error
            .to_string()
            .starts_with("rows read before the first array needs ")
    );

    let error = new(64 << 20)?
        .finish(&mut clock, &pool)
        .err()
        .expect("refused");
    assert_eq!(error.kind(), ErrorKind::NoRows);
    Ok(())
}

#[test]
fn rows_spill_where_those_that_wait_leave_no_memory() -> Result<()> {
    let mut clock = Clock::new();
    let options = TrainOptions {
        memory_limit: 2 << 20,
        ..TrainOptions::default()
    };
    let mut columns = columns(None);
    columns[2].column_type = ColumnType::Number;
    let mut training = Training::new(columns, &["y"], options, Box::new(NoSpill))?;
    let row = |v| [v, Value::Number(1.0), Value::Number(2.0)];
    for _ in 0..8000 {
        training.push(&row(Value::Null), &mut clock)?;
    }
    let first = row(Value::Vector(Vector::Double(&[1.0, 2.0])));
    let error = training.push(&first, &mut clock).expect_err("cannot spill");
    assert_eq!(error.to_string(), "spilled");
    Ok(())
}

/// Rows of 5 words of 20 and what the mean of their worths comes to.
fn words(length: usize, mut word: impl FnMut(usize, usize) -> f64) -> Vec<([f64; 5], f64)> {
    let row = |row: usize| {
        let mut words = [0.0; 5];
        for (place, each) in words.iter_mut().enumerate() {
            *each = word(row, place);
        }
        let worth = |word: &f64| ((word * 7.0) % 20.0 - 10.0) / 5.0;
        (words, words.iter().map(worth).sum::<f64>() / 5.0)
    };
    (0..length).map(row).collect()
}

fn train_words(
    rows: &[([f64; 5], f64)],
    nulls: usize,
    layers: &str,
    preprocess: &str,
) -> Result<Trained> {
    let column = |name: &str, column_type| Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    };
    let columns = vec![
        column("words", ColumnType::Vector),
        column("worth", ColumnType::Number),
    ];
    let options = TrainOptions {
        epochs: Some(30),
        layers: Some(Sequential::from_json(
            &serde_json::from_str(layers).unwrap(),
        )?),
        optimizer: Some(Optimizer::parse(r#"{"adam": {"learning_rate": 0.01}}"#)?),
        preprocess: Preprocess::parse(preprocess)?,
        ..TrainOptions::default()
    };
    let mut clock = Clock::new();
    let pool = Pool::new(1)?;
    let mut training = Training::new(columns, &["worth"], options, Box::new(NoSpill))?;
    for (number, (words, worth)) in rows.iter().enumerate() {
        let words = match number + nulls < rows.len() {
            true => Value::Vector(Vector::Double(words)),
            false => Value::Null,
        };
        training.push(&[words, Value::Number(*worth)], &mut clock)?;
    }
    training.finish(&mut clock, &pool)
}

const MEAN_OF_VECTORS: &str = r#"[
    {"class_name": "Embedding", "config": {"input_dim": 20, "output_dim": 4}},
    {"class_name": "GlobalAveragePooling1D"}, {"class_name": "Dense", "config": {"units": 1}}]"#;

fn told(result: Result<Trained>) -> String {
    let Err(error) = result else {
        panic!("it was taken");
    };
    format!("{error} / {}", error.hint_text().unwrap_or_default())
}

#[test]
fn arrays_of_indices_reach_an_embedding_as_they_are() -> Result<()> {
    let rows = words(1500, |row, place| {
        ((row * 31 + place * 57 + row / 7 * 13) % 20) as f64
    });
    let trained = train_words(&rows, 0, MEAN_OF_VECTORS, "{}")?;
    assert!(
        trained.metrics["r2"].as_f64().unwrap() > 0.99,
        "{}",
        trained.metrics
    );
    let bytes = trained.file.to_bytes(&mut Clock::new())?;
    let file = ModelFile::from_bytes(&bytes, 64 << 20, &mut Clock::new())?;
    assert!(file.to_bytes(&mut Clock::new())? == bytes);
    let scorer = Scorer::new(&file, &mut Clock::new())?;
    let mut scratch = scorer.scratch()?;
    for (words, worth) in &rows[..50] {
        let row = [Value::Vector(Vector::Double(words))];
        assert!((scorer.predict(row, &mut scratch)? - worth).abs() < 0.5);
    }
    for (wrong, shown) in [
        (20.0, "20"),
        (-1.0, "-1"),
        (2.5, "2.5"),
        (1e9, "1000000000"),
    ] {
        let row = [0.0, 1.0, wrong, 3.0, 4.0];
        let row = [Value::Vector(Vector::Double(&row))];
        let error = scorer.predict(row, &mut scratch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameter);
        assert_eq!(
            error.to_string(),
            format!("{shown} is no index of the Embedding, whose input_dim is 20")
        );
        assert_eq!(error.detail_text(), Some("It is in column \"words\"."));
    }
    let error = scorer.predict([Value::Null], &mut scratch).unwrap_err();
    assert_eq!(error.to_string(), "column \"words\" is NULL");
    Ok(())
}

#[test]
fn what_is_no_index_is_refused_with_what_to_write() {
    let rows = words(200, |row, place| ((row + place) % 20) as f64);
    let train = |nulls, preprocess| train_words(&rows, nulls, MEAN_OF_VECTORS, preprocess);
    assert!(
        told(train(1, "{}"))
            .starts_with("column \"words\" is NULL in row 200 / Its impute is error")
    );
    // NULL may be an index.
    for chosen in [
        r#"{"words": {"impute": {"constant": 0}}}"#,
        r#"{"*": {"impute": "drop_row", "scale": "none"}}"#,
    ] {
        assert!(train(3, chosen).is_ok(), "{chosen}");
    }
    for (preprocess, message) in [
        (
            r#"{"words": {"scale": "standard"}}"#,
            "scale does not fit column \"words\", whose numbers are indices of an Embedding layer / Leave it out, or write \"scale\": \"none\".",
        ),
        (
            r#"{"words": {"impute": "median"}}"#,
            "impute median does not fit column \"words\", whose numbers are indices of an Embedding layer / Use mode, constant, error or drop_row.",
        ),
        (
            r#"{"words": {"indicator": true}}"#,
            "indicator does not fit column \"words\", whose numbers are indices of an Embedding layer / Choose an index that stands for NULL: \"impute\": {\"constant\": 0}.",
        ),
        (
            r#"{"words": {"outliers": {"clip": {"stddev": 3}}}}"#,
            "outliers does not fit column \"words\", whose numbers are indices of an Embedding layer / Indices beyond input_dim are errors.",
        ),
    ] {
        assert_eq!(told(train(0, preprocess)), message);
    }
    let short = MEAN_OF_VECTORS.replace("20", "19");
    assert_eq!(
        told(train_words(&rows, 0, &short, "{}")),
        "19 is no index of the Embedding, whose input_dim is 19 / Its inputs must be whole numbers from 0 to 18: raise input_dim, or leave such rows out."
    );
}
