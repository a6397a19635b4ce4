//! Prints seconds from the first row to the model file, phase by phase, of a table of float4 columns:
//! `cargo run --release -p tablenet-core --example table -- [rows] [columns] [batch size] [threads] [memory in MB] [text columns]`.

use std::time::Instant;
use tablenet_core::*;

/// A clock without a way out.
struct Clock(Instant);

impl Callback for Clock {
    fn elapsed(&mut self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A spill that is a vector.
struct Memory;

struct File(Vec<u8>);

impl SpillFactory for Memory {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Ok(Box::new(File(Vec::new())))
    }
}

impl Spill for File {
    fn append(&mut self, block: &[u8]) -> Result<()> {
        self.0.extend_from_slice(block);
        Ok(())
    }
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        buffer.copy_from_slice(&self.0[offset as usize..][..buffer.len()]);
        Ok(())
    }
}

fn main() -> Result<()> {
    let arguments: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse().expect("a number"))
        .collect();
    let given = |i: usize, default| arguments.get(i).copied().unwrap_or(default);
    let (rows, width, batch_size, threads, memory) = (
        given(0, 1_000_000),
        given(1, 28),
        given(2, 1024),
        given(3, 1),
        given(4, 1024),
    );
    let column = |name: String| Column {
        name,
        column_type: ColumnType::Number,
        integer: false,
        single_precision: true,
        labels: None,
        length: None,
    };
    let mut columns: Vec<_> = (0..width).map(|i| column(format!("x{i}"))).collect();
    let texts = given(5, 0);
    columns.extend((0..texts).map(|i| Column {
        column_type: ColumnType::Category,
        single_precision: false,
        ..column(format!("t{i}"))
    }));
    columns.push(column("y".into()));
    let options = TrainOptions {
        epochs: Some(1),
        batch_size: Some(batch_size),
        validation_split: Some(0.0),
        memory_limit: (memory as u64) << 20,
        ..TrainOptions::default()
    };
    // A few thousand rows again and again: made up beforehand, so that only the training is timed.
    let number = |i: usize| f64::from((i as f32 * 0.618_034) % 2.0 - 1.0);
    let made: Vec<Vec<Value<'static>>> = (0..4099)
        .map(|row| {
            (0..=width)
                .map(|i| Value::Number(number(row * (width + 1) + i)))
                .collect()
        })
        .collect();
    let labels: Vec<String> = (0..20).map(|i| format!("category {i}")).collect();
    let made: Vec<Vec<Value<'_>>> = made
        .into_iter()
        .enumerate()
        .map(|(row, mut values)| {
            let label = |i: usize| Value::Text(&labels[(row * 7 + i * row) % labels.len()]);
            values.splice(width..width, (0..texts).map(label));
            values
        })
        .collect();
    let mut clock = Clock(Instant::now());
    let pool = Pool::new(threads)?;
    let mut training = Training::new(columns, &["y"], options, Box::new(Memory))?.on(&pool)?;
    for row in 0..rows {
        training.push(&made[row % made.len()], &mut clock)?;
    }
    let read = clock.elapsed();
    let trained = training.finish(&mut clock, &pool)?;
    let fitted = clock.elapsed();
    let bytes = trained.file.to_bytes(&mut clock)?;
    println!(
        "{rows} rows of {width}, batch {batch_size}, {threads} thread(s): read {read:.3} s, prepare {:.3} s, fit {:.3} s, all {:.3} s; {} bytes, loss {:.9}",
        fitted - read - trained.history.epochs[0].seconds,
        trained.history.epochs[0].seconds,
        clock.elapsed(),
        bytes.len(),
        trained.loss,
    );
    Ok(())
}
