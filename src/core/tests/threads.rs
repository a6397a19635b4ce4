//! What must not depend on the number of threads, beyond the model file of a common training.

mod data;

use data::{Clock, Rows, dense, options, regression};
use tablenet_core::*;

fn target(x: &[f32]) -> f32 {
    x[0] * x[1] + 0.5 * x[2]
}

#[test]
fn large_models_are_the_same_on_any_number_of_threads() {
    let mut rows = Rows::of(150, 7, target);
    let mut run = |threads, optimizer, batch_size| {
        let layers = vec![
            dense(300, Activation::Relu),
            dense(400, Activation::Relu),
            dense(1, Activation::Linear),
        ];
        let mut model = regression(7, layers, optimizer);
        let pool = Pool::new(threads).unwrap();
        model
            .fit(
                &mut rows,
                None,
                &options(2, batch_size),
                &mut Clock::new(),
                &pool,
            )
            .unwrap();
        let bits = model.weights().iter().map(|w| w.to_bits());
        bits.collect::<Vec<_>>()
    };
    for optimizer in ["adam", "sgd", r#"{"sgd": {"momentum": 0.9}}"#] {
        for batch_size in [20, 150] {
            let one = run(1, optimizer, batch_size);
            for threads in [2, 3, 8] {
                assert_eq!(
                    run(threads, optimizer, batch_size),
                    one,
                    "{optimizer}, {threads}"
                );
            }
        }
    }
}

/// Data that ends with an error after some rows.
struct Failing(Rows, usize);

impl Batches for Failing {
    fn rows(&self) -> u64 {
        self.0.rows()
    }
    fn inputs(&self) -> usize {
        self.0.inputs()
    }
    fn targets(&self) -> usize {
        self.0.targets()
    }
    fn start(&mut self, shuffle: Option<u64>, callback: &mut dyn Callback) -> Result<()> {
        self.0.start(shuffle, callback)
    }
    fn next(&mut self, size: usize, batch: &mut Batch, callback: &mut dyn Callback) -> Result<()> {
        self.0.next(size, batch, callback)?;
        let rows = batch.rows;
        batch.rows = rows.min(self.1);
        self.1 -= batch.rows;
        if batch.rows < rows {
            return Err(Error::new(ErrorKind::NotFinite, "a row is too far"));
        }
        Ok(())
    }
}

#[test]
fn errors_come_in_the_order_of_the_rows_on_any_number_of_threads() {
    let run = |threads, batch_size, good, optimizer: &str| {
        let layers = vec![dense(8, Activation::Relu), dense(1, Activation::Linear)];
        let mut model = regression(3, layers, optimizer);
        let mut rows = Failing(Rows::of(5000, 3, target), good);
        let pool = Pool::new(threads).unwrap();
        model
            .fit(
                &mut rows,
                None,
                &options(1, batch_size),
                &mut Clock::new(),
                &pool,
            )
            .unwrap_err()
            .to_string()
    };
    for batch_size in [10, 1000, 2000] {
        for threads in [1, 2, 3] {
            assert_eq!(run(threads, batch_size, 3500, "adam"), "a row is too far");
            let diverges = r#"{"sgd": {"learning_rate": 1e30}}"#;
            let error = run(threads, batch_size, 4000, diverges);
            assert!(error.ends_with(" in epoch 1, batch 2"), "{error}");
        }
    }
}
