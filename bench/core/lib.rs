//! What the measurements of the core share: a network as in the README's table of speeds, and batches that cost nothing.

use tablenet_core::*;

/// A callback that never stops and whose clock stands still.
pub struct Idle;

impl Callback for Idle {
    fn elapsed(&mut self) -> f64 {
        0.0
    }

    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A number between -1 and 1 for every index.
pub fn number(index: usize) -> f32 {
    (index as f32 * 0.618_034) % 2.0 - 1.0
}

/// `inputs`-`widths`-1 with relu between, mse and Adam; its first weights are drawn.
pub fn network(inputs: usize, widths: &[usize]) -> Result<Model> {
    let hidden = widths
        .iter()
        .map(|&units| Layer::Dense(Dense::new(units, Activation::Relu)));
    let layers = hidden
        .chain([Layer::Dense(Dense::new(1, Activation::Linear))])
        .collect();
    let mut model = Sequential::new(layers).compile(
        inputs,
        Task::Regression { outputs: 1 },
        Optimizer::default(),
        Loss::MSE,
        vec![],
        1.0,
    )?;
    model.initialize(1, &mut Idle)?;
    Ok(model)
}

/// The same batch again and again: a training step without its reading.
struct Again {
    batch: Batch,
    inputs: usize,
    steps: u64,
    left: u64,
}

impl Batches for Again {
    fn rows(&self) -> u64 {
        self.steps * self.batch.rows as u64
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn targets(&self) -> usize {
        1
    }

    fn start(&mut self, _shuffle: Option<u64>, _callback: &mut dyn Callback) -> Result<()> {
        self.left = self.steps;
        Ok(())
    }

    fn next(
        &mut self,
        _rows: usize,
        batch: &mut Batch,
        _callback: &mut dyn Callback,
    ) -> Result<()> {
        batch.rows = 0;
        batch.x.clear();
        batch.y.clear();
        if self.left > 0 {
            self.left -= 1;
            batch.x.extend_from_slice(&self.batch.x);
            batch.y.extend_from_slice(&self.batch.y);
            batch.rows = self.batch.rows;
        }
        Ok(())
    }
}

/// Takes `steps` training steps over batches of `rows`, on this thread.
pub fn train(model: &mut Model, rows: usize, steps: u64) -> Result<()> {
    let inputs = model.inputs();
    let batch = Batch {
        x: (0..rows * inputs).map(number).collect(),
        y: (0..rows).map(number).collect(),
        weights: Vec::new(),
        rows,
    };
    let mut data = Again {
        batch,
        inputs,
        steps,
        left: 0,
    };
    let options = FitOptions {
        epochs: 1,
        batch_size: rows,
        shuffle: false,
        seed: 0,
        callbacks: vec![],
        max_seconds: None,
    };
    model.fit(&mut data, None, &options, &mut Idle, &Pool::new(1)?)?;
    Ok(())
}
