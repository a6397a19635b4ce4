//! What preprocessing costs per row, in thousands of rows: taking rows of 28 reals in (checked, learned from and stored), with and
//! without a text column of 12 values, and the encoding of such rows for the network: `cargo bench -p tablenet-bench --bench encode`.
//!
//! docs/benchmarks.md says what reading such a row from PostgreSQL costs.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tablenet_bench::{Idle, number};
use tablenet_core::*;

const ROWS: usize = 50_000;
/// Rows that come again and again.
const MADE: usize = 997;

/// Nothing is spilled.
struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::OutOfMemory, "spilled"))
    }
}

fn columns(texts: usize) -> Vec<Column> {
    let column = |name: String, column_type| Column {
        name,
        column_type,
        integer: false,
        single_precision: column_type == ColumnType::Number,
        labels: None,
        length: None,
    };
    let numbers = (0..28).map(|i| column(format!("x{i}"), ColumnType::Number));
    let texts = (0..texts).map(|i| column(format!("t{i}"), ColumnType::Category));
    let target = column("y".into(), ColumnType::Number);
    numbers.chain(texts).chain([target]).collect()
}

fn rows(labels: &[String], texts: usize) -> Vec<Vec<Value<'_>>> {
    let value = |i: usize| Value::Number(f64::from(number(i)));
    (0..MADE)
        .map(|row| {
            let numbers = (0..28).map(|i| value(29 * row + i));
            let texts = (0..texts).map(|_| Value::Text(&labels[row * row % labels.len()]));
            numbers.chain(texts).chain([value(row)]).collect()
        })
        .collect()
}

fn training(texts: usize) -> Result<Training<'static>> {
    let options = TrainOptions {
        epochs: Some(1),
        batch_size: Some(1024),
        memory_limit: 1 << 30,
        ..TrainOptions::default()
    };
    Training::new(columns(texts), &["y"], options, Box::new(NoSpill))
}

fn take(rows: &[Vec<Value<'_>>], texts: usize) -> Result<Training<'static>> {
    let mut training = training(texts)?;
    for row in rows.iter().cycle().take(ROWS) {
        training.push(row, &mut Idle)?;
    }
    Ok(training)
}

fn preprocessing(criterion: &mut Criterion) {
    let labels: Vec<String> = (0..12).map(|i| format!("label {i}")).collect();
    for texts in [0, 1] {
        let rows = rows(&labels, texts);
        let what = ["28 reals", "28 reals and a text of 12 values"][texts];
        let mut group = criterion.benchmark_group(what);
        group.throughput(Throughput::Elements(ROWS as u64));
        group.sample_size(20);
        group.bench_function("take in", |bencher| {
            bencher.iter(|| black_box(take(&rows, texts).expect("rows")));
        });
        let pool = Pool::new(1).expect("a thread");
        let trained = take(&rows, texts)
            .and_then(|training| training.finish(&mut Idle, &pool))
            .expect("a model");
        let scorer = Scorer::new(&trained.file, &mut Idle).expect("a scorer");
        let mut features = columns(texts);
        features.pop();
        let mut transform = Transform::new(&scorer, &features).expect("columns");
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                for row in rows.iter().cycle().take(ROWS) {
                    black_box(transform.row(&row[..28 + texts]).expect("a row"));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, preprocessing);
criterion_main!(benches);
