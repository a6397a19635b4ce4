//! Rows in memory, clocks and callbacks for the tests of training.
#![allow(dead_code)]

use ndarray::Array2;
use std::time::Instant;
use tablenet_core::*;

/// [`Arrays`] whose numbers a test can look at.
pub struct Rows {
    pub x: Vec<f32>,
    pub y: Vec<f32>,
    pub inputs: usize,
    pub targets: usize,
    arrays: Arrays<'static>,
}

impl Rows {
    pub fn new(x: Vec<f32>, y: Vec<f32>, inputs: usize, targets: usize) -> Rows {
        let array = |v: &Vec<f32>, width: usize| {
            Array2::from_shape_vec((v.len() / width, width), v.clone()).unwrap()
        };
        let arrays = Arrays::new(array(&x, inputs), array(&y, targets)).unwrap();
        Rows {
            x,
            y,
            inputs,
            targets,
            arrays,
        }
    }

    /// y = f(x) for rows of numbers in -1..1.
    pub fn of(rows: usize, inputs: usize, f: impl Fn(&[f32]) -> f32) -> Rows {
        let x = numbers(rows * inputs, 11);
        let y = x.chunks(inputs).map(f).collect();
        Rows::new(x, y, inputs, 1)
    }
}

impl Batches for Rows {
    fn rows(&self) -> u64 {
        self.arrays.rows()
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn targets(&self) -> usize {
        self.targets
    }

    fn start(&mut self, shuffle: Option<u64>, callback: &mut dyn Callback) -> Result<()> {
        self.arrays.start(shuffle, callback)
    }

    fn next(&mut self, size: usize, batch: &mut Batch, callback: &mut dyn Callback) -> Result<()> {
        self.arrays.next(size, batch, callback)
    }
}

/// Numbers in -1..1.
pub fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

/// Weights for a model: numbers in -0.5..0.5, and above 0 where they are variances.
pub fn weights_of(model: &Model, seed: u32) -> Vec<f32> {
    let mut weights = numbers(model.parameters(), seed);
    weights.iter_mut().for_each(|w| *w *= 0.5);
    for variable in model.variables() {
        let size: usize = variable.shape.iter().product();
        if variable.path.ends_with("moving_variance") {
            let own = &mut weights[variable.offset..][..size];
            own.iter_mut().for_each(|w| *w += 1.0);
        }
    }
    weights
}

/// What equals only itself.
pub fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|n| n.to_bits()).collect()
}

/// A clock; counts checks, remembers the longest time between two, and can cancel at one of them.
pub struct Clock {
    begun: Instant,
    last: Instant,
    pub longest: f64,
    pub checks: u64,
    pub cancel_at: Option<u64>,
    pub epochs: Vec<EpochLogs>,
}

impl Clock {
    pub fn new() -> Clock {
        Clock {
            begun: Instant::now(),
            last: Instant::now(),
            longest: 0.0,
            checks: 0,
            cancel_at: None,
            epochs: Vec::new(),
        }
    }

    pub fn cancelling_at(check: u64) -> Clock {
        Clock {
            cancel_at: Some(check),
            ..Clock::new()
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
        self.checks += 1;
        match self.cancel_at {
            Some(at) if self.checks >= at => Err(Error::foreign(Box::new("cancelled by the user"))),
            _ => Ok(()),
        }
    }

    fn on_epoch_end(&mut self, logs: &EpochLogs) -> Result<()> {
        self.epochs.push(logs.clone());
        Ok(())
    }
}

pub fn dense(units: usize, activation: Activation) -> Layer {
    Layer::Dense(Dense::new(units, activation))
}

pub fn options(epochs: u32, batch_size: usize) -> FitOptions {
    FitOptions {
        epochs,
        batch_size,
        shuffle: true,
        seed: 7,
        callbacks: vec![],
        max_seconds: None,
    }
}

pub const REGRESSION: Task = Task::Regression { outputs: 1 };

pub fn regression(inputs: usize, layers: Vec<Layer>, optimizer: &str) -> Model {
    let optimizer = Optimizer::parse(optimizer).unwrap();
    let metrics = vec![Metric::MAE, Metric::R2];
    let mut model = Sequential::new(layers)
        .compile(inputs, REGRESSION, optimizer, Loss::MSE, metrics, 1.0)
        .unwrap();
    model.initialize(3, &mut Clock::new()).unwrap();
    model
}
