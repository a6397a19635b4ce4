//! Prints microseconds per training step on one and two threads and per scored row on one: `cargo run --release -p tablenet-core --example step`.

use ndarray::Array2;
use std::time::Instant;
use tablenet_core::*;

/// A clock, and the longest time between two checks.
struct Clock {
    begun: Instant,
    last: Instant,
    longest: f64,
}

impl Clock {
    fn new() -> Self {
        Clock {
            begun: Instant::now(),
            last: Instant::now(),
            longest: 0.0,
        }
    }
}

impl Callback for Clock {
    fn elapsed(&mut self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
    fn check(&mut self) -> Result<()> {
        self.longest = self.longest.max(self.last.elapsed().as_secs_f64());
        self.last = Instant::now();
        Ok(())
    }
}

fn model(inputs: impl Into<Inputs>, widths: &[usize]) -> Result<Model> {
    let mut layers: Vec<Layer> = widths
        .iter()
        .map(|&w| Layer::Dense(Dense::new(w, Activation::Relu)))
        .collect();
    layers.push(Layer::Dense(Dense::new(1, Activation::Linear)));
    let task = Task::Regression { outputs: 1 };
    let mut model = Sequential::new(layers).compile(
        inputs,
        task,
        Optimizer::default(),
        Loss::MSE,
        vec![],
        1.0,
    )?;
    model.initialize(1, &mut Clock::new())?;
    Ok(model)
}

/// Rows of 28 numbers and an index into a table of 16 numbers for each of so many.
fn embedded(vocabulary: usize) -> Inputs {
    let embedding = EmbeddingInput {
        input: 28,
        vocabulary,
        dim: 16,
    };
    Inputs {
        width: 29,
        embeddings: vec![embedding],
    }
}

fn step(
    inputs: impl Into<Inputs>,
    widths: &[usize],
    rows: usize,
    steps: usize,
    threads: usize,
) -> Result<()> {
    let inputs = inputs.into();
    let tables: Vec<EmbeddingInput> = inputs.embeddings.clone();
    let mut model = model(inputs, widths)?;
    let inputs = model.inputs();
    let table = model
        .embeddings()
        .map(|it| it.vocabulary * it.dim)
        .sum::<usize>();
    let number = |i: usize| (i as f32 * 0.618_034) % 2.0 - 1.0;
    let all = rows * steps;
    let x = Array2::from_shape_fn((all, inputs), |(row, i)| {
        let x = number(row * inputs + i);
        match tables.iter().find(|table| table.input == i) {
            Some(table) => ((x + 1.0) / 2.0 * table.vocabulary as f32).floor(),
            None => x,
        }
    });
    let y = Array2::from_shape_fn((all, 1), |(row, _)| number(row));
    let mut data = Arrays::new(x, y)?;
    let options = FitOptions {
        epochs: if inputs * widths[0] > 10_000 { 8 } else { 400 },
        batch_size: rows,
        shuffle: false,
        seed: 0,
        callbacks: vec![],
        max_seconds: None,
    };
    let mut clock = Clock::new();
    let history = model.fit(&mut data, None, &options, &mut clock, &Pool::new(threads)?)?;
    let best = history
        .epochs
        .iter()
        .map(|e| e.seconds)
        .fold(f64::INFINITY, f64::min)
        / steps as f64;
    // Forward and both gradients; nobody wants that of the first layer's inputs.
    let flops = (6 * (model.parameters() - table) - 2 * inputs * widths[0]) as f64 * rows as f64;
    println!(
        "{inputs}{}-{widths:?}-1, batch {rows:>5}, {threads} thread(s): {:>10.1} us per step, {:>6.1} GFLOP/s, longest {:.1} ms between checks",
        if table == 0 {
            String::new()
        } else {
            format!(" with a table of {table}")
        },
        best * 1e6,
        flops / best / 1e9,
        clock.longest * 1e3
    );
    Ok(())
}

fn main() -> Result<()> {
    for threads in [1, 2] {
        for (rows, steps) in [(32, 100), (256, 20), (1024, 5), (4096, 2)] {
            step(28, &[64, 64], rows, steps, threads)?;
        }
        for (rows, steps) in [(32, 100), (256, 20), (1024, 5)] {
            step(44, &[64, 64], rows, steps, threads)?;
            for vocabulary in [2, 1000, 100_000] {
                step(embedded(vocabulary), &[64, 64], rows, steps, threads)?;
            }
        }
        step(28, &[256, 256], 256, 3, threads)?;
        step(28, &[2048, 2048, 2048], 64, 1, threads)?;
    }
    for widths in [&[64, 64][..], &[256, 256]] {
        let plan = Plan::new(&model(28, widths)?, &mut Clock::new())?;
        let mut scratch = plan.scratch()?;
        let row: Vec<f32> = (0..28).map(|i| i as f32 / 28.0).collect();
        let (mut sum, rows) = (0.0, 300_000);
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let begun = Instant::now();
            for _ in 0..rows {
                scratch.input_mut().copy_from_slice(&row);
                sum += plan.run(&mut scratch)[0];
            }
            best = best.min(begun.elapsed().as_secs_f64() / f64::from(rows));
        }
        println!(
            "28-{widths:?}-1: {:.3} us per scored row ({sum})",
            best * 1e6
        );
    }
    Ok(())
}
