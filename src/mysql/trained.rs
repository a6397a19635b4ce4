//! Small models for unit tests, trained by the core.

use crate::digest::Digest;
use tablenet_core::{
    Activation, Callback, Column, ColumnType, Dense, Error, ErrorKind, Layer, ModelFile, Pool,
    Result, Scorer, Sequential, Spill, SpillFactory, TrainOptions, Training, Value, Vector,
};

/// A callback that never stops.
pub struct Idle;

impl Callback for Idle {
    fn elapsed(&mut self) -> f64 {
        0.0
    }

    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::OutOfMemory, "spilled"))
    }
}

/// The bytes of a model of `rows`, trained for one epoch with one hidden layer of `units`.
pub fn train(
    columns: &[(&str, ColumnType)],
    targets: &[&str],
    rows: &[Vec<Value<'_>>],
    units: usize,
    named: bool,
) -> Vec<u8> {
    let columns = columns.iter().map(|(name, column_type)| Column {
        name: (*name).to_owned(),
        column_type: *column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    });
    // The head fits the target; without layers the core adds both.
    let options = TrainOptions {
        epochs: Some(1),
        layers: (units > 0).then(|| {
            Sequential::new(vec![
                Layer::Dense(Dense::new(units, Activation::Relu)),
                Layer::Dense(Dense::new(targets.len(), Activation::Linear)),
            ])
        }),
        memory_limit: 1 << 30,
        ..TrainOptions::default()
    };
    let mut training =
        Training::new(columns.collect(), targets, options, Box::new(NoSpill)).expect("columns");
    if !named {
        training = training.unnamed();
    }
    for row in rows {
        training.push(row, &mut Idle).expect("a row");
    }
    let pool = Pool::new(1).expect("one thread");
    let trained = training.finish(&mut Idle, &pool).expect("trained");
    trained.file.to_bytes(&mut Idle).expect("a file")
}

/// `y` of two numbers `a` and `b`; `seed` and `units` make models that differ.
pub fn sum(seed: u32, units: usize, named: bool) -> Vec<u8> {
    let row = |row: u32| {
        let (a, b) = (f64::from(row % 7), f64::from(row % 11));
        let y = a - 2.0 * b + f64::from(seed);
        vec![Value::Number(a), Value::Number(b), Value::Number(y)]
    };
    let rows: Vec<_> = (0..60).map(row).collect();
    let number = ColumnType::Number;
    let columns = [("a", number), ("b", number), ("y", number)];
    train(&columns, &["y"], &rows, units, named)
}

/// `y` of a column of nearly every type: `größe`, `city`, `day`, `sold`, `v`.
pub fn mixed() -> Vec<u8> {
    let vectors: Vec<[f64; 2]> = (0..60).map(|row| [f64::from(row), 1.0]).collect();
    fn row((row, vector): (i32, &[f64; 2])) -> Vec<Value<'_>> {
        vec![
            Value::Number(f64::from(row)),
            Value::Text(["Jena", "Köln"][row as usize % 2]),
            Value::Number(f64::from(row % 30) * 86_400.0),
            Value::Boolean(row % 3 == 0),
            Value::Vector(Vector::Double(vector)),
            Value::Number(f64::from(row * 2)),
        ]
    }
    let rows: Vec<_> = (0..).zip(&vectors).map(row).collect();
    let columns = [
        ("größe", ColumnType::Number),
        ("city", ColumnType::Category),
        ("day", ColumnType::Date),
        ("sold", ColumnType::Boolean),
        ("v", ColumnType::Vector),
        ("y", ColumnType::Number),
    ];
    train(&columns, &["y"], &rows, 4, true)
}

/// The class, one of `labels`, of a number `a`.
pub fn classes(labels: &[&str]) -> Vec<u8> {
    let row = |row: usize| {
        let label = labels[row % labels.len()];
        vec![Value::Number(row as f64), Value::Text(label)]
    };
    let rows: Vec<_> = (0..60).map(row).collect();
    let columns = [("a", ColumnType::Number), ("c", ColumnType::Category)];
    train(&columns, &["c"], &rows, 0, true)
}

/// The numbers `p` and `q` of a text `t`.
pub fn two_numbers_of_a_text() -> Vec<u8> {
    let row = |row: usize| {
        let text = ["x", "{y}", "{\"t\": 1}"][row % 3];
        let (p, q) = (row as f64, row as f64 % 3.0);
        vec![Value::Text(text), Value::Number(p), Value::Number(q)]
    };
    let rows: Vec<_> = (0..60).map(row).collect();
    let columns = [
        ("t", ColumnType::Category),
        ("p", ColumnType::Number),
        ("q", ColumnType::Number),
    ];
    train(&columns, &["p", "q"], &rows, 4, true)
}

/// The scorer of the core for the bytes of a model.
pub fn scorer(model: &[u8]) -> Scorer {
    let file = ModelFile::from_bytes(model, 1 << 30, &mut Idle).expect("a model");
    Scorer::new(&file, &mut Idle).expect("a scorer")
}

/// What the core predicts.
pub fn predicted(model: &[u8], row: &[Value<'_>]) -> f64 {
    let scorer = scorer(model);
    let mut scratch = scorer.scratch().expect("small");
    scorer.predict(row, &mut scratch).expect("a prediction")
}

/// The reference of a model, whether it is ready or not.
pub fn reference(model: &[u8]) -> Vec<u8> {
    Digest::of(model).reference().to_vec()
}
