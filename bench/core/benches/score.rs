//! One row through a frozen model: `cargo bench -p tablenet-bench --bench score`.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tablenet_bench::{Idle, network, number};
use tablenet_core::*;

fn plans(criterion: &mut Criterion) {
    for widths in [[64, 64], [256, 256]] {
        let model = network(28, &widths).expect("a network");
        let plan = Plan::new(&model, &mut Idle).expect("a plan");
        let mut scratch = plan.scratch().expect("buffers");
        let row: Vec<f32> = (0..28).map(number).collect();
        let name = format!("score/28-{}-{}-1", widths[0], widths[1]);
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                scratch.input_mut().copy_from_slice(&row);
                black_box(plan.run(&mut scratch)[0])
            });
        });
    }
}

/// Nothing is spilled.
struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::OutOfMemory, "spilled"))
    }
}

/// Four numbers, two columns of 40 labels each and a number to predict.
fn scorer(labels: &[String]) -> Result<Scorer> {
    let column = |name: &str, column_type| Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    };
    let numbers = ["a", "b", "c", "d", "y"].map(|name| column(name, ColumnType::Number));
    let texts = ["s", "t"].map(|name| column(name, ColumnType::Category));
    let columns = texts.into_iter().chain(numbers).collect();
    let options = TrainOptions {
        epochs: Some(1),
        ..TrainOptions::default()
    };
    let mut training = Training::new(columns, &["y"], options, Box::new(NoSpill))?;
    for i in 0..2000 {
        let text = |step: usize| Value::Text(&labels[i * step % labels.len()]);
        let numbers = [0, 1, 2, 3, 4].map(|n| Value::Number(f64::from(number(7 * i + n))));
        let row: Vec<_> = [text(1), text(3)].into_iter().chain(numbers).collect();
        training.push(&row, &mut Idle)?;
    }
    Scorer::new(&training.finish(&mut Idle, &Pool::new(1)?)?.file, &mut Idle)
}

fn one_hot(criterion: &mut Criterion) {
    let labels: Vec<String> = (0..40).map(|i| format!("label {i}")).collect();
    let scorer = scorer(&labels).expect("a scorer");
    let mut scratch = scorer.scratch().expect("buffers");
    let numbers = [0, 1, 2, 3].map(|n| Value::Number(f64::from(number(n))));
    let row: Vec<_> = [Value::Text(&labels[7]), Value::Text(&labels[30])]
        .into_iter()
        .chain(numbers)
        .collect();
    criterion.bench_function("score/4 numbers and 2 labels of 40-64-64-1", |bencher| {
        bencher.iter(|| {
            scorer
                .predict(black_box(&row), &mut scratch)
                .expect("a number")
        });
    });
}

criterion_group!(benches, plans, one_hot);
criterion_main!(benches);
