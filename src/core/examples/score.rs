//! Prints nanoseconds per scored row on one thread: `cargo run --release -p tablenet-core --example score`.
//! The first figure is the network alone, the second a scorer's `predict`, values to answer; the last is what it takes to
//! find the values in a JSON object.

use std::hint::black_box;
use std::time::Instant;
use tablenet_core::simd::Level;
use tablenet_core::*;

struct Idle;

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
        Err(Error::new(ErrorKind::OutOfMemory, "no spill"))
    }
}

/// The model of one short training on `numbers` numeric and `texts` text columns of 50 categories.
fn file(numbers: usize, texts: usize, widths: &[usize]) -> Result<ModelFile> {
    let column = |name: String, column_type| Column {
        name,
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    };
    let mut columns: Vec<Column> = (0..numbers)
        .map(|i| column(format!("x{i}"), ColumnType::Number))
        .collect();
    columns.extend((0..texts).map(|i| column(format!("t{i}"), ColumnType::Category)));
    columns.push(column("y".into(), ColumnType::Number));
    let mut layers: Vec<Layer> = widths
        .iter()
        .map(|&w| Layer::Dense(Dense::new(w, Activation::Relu)))
        .collect();
    layers.push(Layer::Dense(Dense::new(1, Activation::Linear)));
    let options = TrainOptions {
        layers: Some(Sequential::new(layers)),
        epochs: Some(1),
        memory_limit: 1 << 30,
        ..TrainOptions::default()
    };
    let mut training = Training::new(columns, &["y"], options, Box::new(NoSpill))?;
    for row in 0..500 {
        let labels = labels(row);
        let mut values = values(row, numbers, texts, &labels);
        values.push(Value::Number(row as f64));
        training.push(&values, &mut Idle)?;
    }
    Ok(training.finish(&mut Idle, &Pool::new(1)?)?.file)
}

fn labels(row: usize) -> Vec<String> {
    (0..5)
        .map(|i| format!("category {}", (row * (2 * i + 1) + i) % 50))
        .collect()
}

fn values(row: usize, numbers: usize, texts: usize, labels: &[String]) -> Vec<Value<'_>> {
    let number = |i: usize| Value::Number(((row * 28 + i) as f64 * 0.618_034) % 2.0 - 1.0);
    let texts = labels.iter().take(texts);
    let texts = texts.map(|label| Value::Text(label));
    (0..numbers).map(number).chain(texts).collect()
}

/// The row as a JSON object.
fn object(scorer: &Scorer, row: &[Value<'_>]) -> String {
    let members = scorer.features().iter().zip(row);
    let members = members.map(|(feature, value)| match value {
        Value::Number(number) => format!("\"{}\": {number}", feature.name),
        Value::Text(text) => format!("\"{}\": \"{text}\"", feature.name),
        _ => format!("\"{}\": null", feature.name),
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

fn best(mut row: impl FnMut(usize)) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let begun = Instant::now();
        (0..100_000).for_each(&mut row);
        best = best.min(begun.elapsed().as_secs_f64() / 1e5);
    }
    best * 1e9
}

fn main() -> Result<()> {
    let models: [(usize, usize, &[usize]); 9] = [
        (28, 0, &[64, 64]),
        (28, 0, &[256, 256]),
        (28, 0, &[16]),
        (28, 0, &[]),
        (28, 0, &[64, 32, 16]),
        (28, 0, &[100, 50]),
        (8, 5, &[64, 64]),
        (0, 5, &[64]),
        (0, 5, &[]),
    ];
    for (numbers, texts, widths) in models {
        let file = file(numbers, texts, widths)?;
        let scorer = Scorer::new(&file, &mut Idle)?;
        let plan = Plan::new(file.model(), &mut Idle)?;
        let (mut scratch, mut network) = (scorer.scratch()?, plan.scratch()?);
        let texts_of: Vec<_> = (0..64).map(labels).collect();
        let rows: Vec<_> = (0..64)
            .map(|row| values(row, numbers, texts, &texts_of[row]))
            .collect();
        print!(
            "{numbers} numbers, {texts} texts-{widths:?}-1, {} KiB:",
            scorer.bytes() >> 10
        );
        for level in Level::available() {
            simd::set(level)?;
            let alone = best(|_| {
                black_box(plan.run(black_box(&mut network)));
            });
            let whole = best(|i| {
                black_box(
                    scorer
                        .predict(black_box(&rows[i % 64]), &mut scratch)
                        .is_ok(),
                );
            });
            print!("  {level} {alone:.0} / {whole:.0} ns");
        }
        let objects: Vec<String> = rows.iter().map(|row| object(&scorer, row)).collect();
        let mut json = JsonRow::new(scorer.features());
        let read = best(|i| {
            let object = black_box(&objects[i % 64]);
            black_box(json.values(scorer.features(), object).is_ok());
        });
        println!("  JSON {read:.0} ns");
    }
    Ok(())
}
