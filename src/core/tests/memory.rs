//! `Model::memory` is an upper bound, and nothing in proportion to the parameters is taken before it can be asked.
//! A counting allocator sees every byte, so the tests of this file run one after the other in one function.
#![allow(unsafe_code)]

mod data;

use data::{Clock, Rows, dense, options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tablenet_core::*;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; the counters beside it are atomic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), SeqCst) + layout.size(), SeqCst);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's promises about `pointer` and `layout` are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes held at once, beyond those held before.
fn peak<T>(f: impl FnOnce() -> T) -> (T, u64) {
    let before = NOW.load(SeqCst);
    PEAK.store(before, SeqCst);
    let result = f();
    (result, (PEAK.load(SeqCst) - before) as u64)
}

fn compile(inputs: usize, widths: &[usize], optimizer: &str) -> Model {
    let mut layers: Vec<Layer> = widths.iter().map(|&w| dense(w, Activation::Gelu)).collect();
    layers.push(dense(1, Activation::Sigmoid));
    let optimizer = Optimizer::parse(optimizer).unwrap();
    let metrics = vec![Metric::ACCURACY, Metric::AUC];
    Sequential::new(layers)
        .compile(inputs, Task::Binary, optimizer, Loss::BINARY, metrics, 1.0)
        .unwrap()
}

/// A spill into a file that has no name any more.
struct Files;

struct OnDisk(std::fs::File, u64);

impl SpillFactory for Files {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, SeqCst));
        let path = std::env::temp_dir().join(format!("tablenet-{process}-{number}"));
        let options = std::fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let file = options.unwrap();
        std::fs::remove_file(path).unwrap();
        Ok(Box::new(OnDisk(file, 0)))
    }
}

impl Spill for OnDisk {
    fn append(&mut self, block: &[u8]) -> Result<()> {
        self.0.write_all_at(block, self.1).unwrap();
        self.1 += block.len() as u64;
        Ok(())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.0.read_exact_at(buffer, offset).unwrap();
        Ok(())
    }
}

/// Trains on 100,000 rows of 12 numbers and 2 texts: 6.5 MB.
fn train(limit: u64, batch_size: usize, pool: &Pool) -> Result<Vec<u8>> {
    let column = |i: usize| Column {
        name: format!("c{i}"),
        column_type: if i < 13 {
            ColumnType::Number
        } else {
            ColumnType::Category
        },
        integer: false,
        single_precision: i.is_multiple_of(2),
        labels: None,
        length: None,
    };
    let options = TrainOptions {
        epochs: Some(1),
        batch_size: Some(batch_size),
        memory_limit: limit,
        ..TrainOptions::default()
    };
    let columns = (0..15).map(column).collect();
    let mut training = Training::new(columns, &["c12"], options, Box::new(Files))?.on(pool)?;
    let texts = ["one", "two", "three and a little more text"];
    let mut clock = Clock::new();
    for row in 0..100_000_usize {
        let number = |i: usize| Value::Number(((row * 7919 + i * 31) % 1013) as f64);
        let values: [Value<'_>; 15] = std::array::from_fn(|i| match i {
            0..13 => number(i),
            _ => Value::Text(texts[(row + i) % 3]),
        });
        training.push(&values, &mut clock)?;
    }
    training.finish(&mut clock, pool)?.file.to_bytes(&mut clock)
}

#[test]
fn fit_stays_within_what_memory_says() {
    let pools = [Pool::new(1).unwrap(), Pool::new(4).unwrap()];
    for (inputs, widths, optimizer, rows, batch_size) in [
        (28, &[64, 64][..], "adam", 5000, 32),
        (28, &[64, 64], "rmsprop", 5000, 4096),
        (
            28,
            &[64, 64],
            r#"{"adam": {"amsgrad": true, "clipnorm": 1}}"#,
            5000,
            32,
        ),
        (
            300,
            &[700, 500],
            r#"{"rmsprop": {"centered": true, "momentum": 0.5, "global_clipnorm": 1}}"#,
            400,
            400,
        ),
        (28, &[64, 64], "sgd", 100, 1_000_000),
        (300, &[700, 500], "adamw", 400, 400),
        (3, &[1], "adam", 70_000, 70_000),
    ] {
        let mut train = Rows::of(rows, inputs, |x| f32::from(x[0] > 0.0));
        let mut validation = Rows::of(200, inputs, |x| f32::from(x[1] > 0.0));
        for pool in &pools {
            for keep_best in [false, true] {
                let ((model, said), taken) = peak(|| {
                    let model = compile(inputs, widths, optimizer);
                    let said = model
                        .memory(batch_size.min(rows), usize::from(keep_best), pool.threads())
                        .unwrap();
                    (model, said)
                });
                assert!(taken < 100_000, "compile took {taken} bytes");
                let mut model = model;
                let stopping = EarlyStopping {
                    restore_best_weights: keep_best,
                    patience: 10,
                    ..EarlyStopping::default()
                };
                let options = FitOptions {
                    callbacks: vec![stopping.into()],
                    ..options(2, batch_size)
                };
                let (_, taken) = peak(|| {
                    model.initialize(1, &mut Clock::new()).unwrap();
                    model
                        .fit(
                            &mut train,
                            Some(&mut validation),
                            &options,
                            &mut Clock::new(),
                            pool,
                        )
                        .unwrap();
                });
                println!(
                    "{inputs}-{widths:?}-1 {optimizer}, batch {batch_size}, {} thread(s): said {said}, took {taken}",
                    pool.threads()
                );
                assert!(taken <= said, "took {taken} bytes, said {said}");
            }
        }
    }

    // What layers over steps keep for the way back, and what their first weights take.
    let recurrent = Layer::LSTM(Lstm::new(40));
    let wide = Layer::GRU(Gru::new(600));
    let convolution = Layer::Conv1D(Conv1D::new(24, 5, Activation::Gelu));
    for (layer, rows, batch_size, optimizer) in [
        (recurrent.clone(), 500, 32, "adam"),
        (recurrent, 500, 500, "adam"),
        (wide, 2, 1, "sgd"),
        (convolution.clone(), 500, 32, "sgd"),
        (convolution, 500, 500, "adam"),
        (
            Layer::BatchNormalization(BatchNormalization::default()),
            2000,
            2000,
            "adam",
        ),
        (
            Layer::LayerNormalization(LayerNormalization::default()),
            500,
            100,
            "adam",
        ),
        (Layer::PReLU(Prelu::default()), 500, 500, "adam"),
    ] {
        let mut train = Rows::of(rows, 48, |x| x[0]);
        for pool in &pools {
            let mut layers = vec![
                Layer::Reshape(Reshape::new(vec![24, 2])),
                layer.clone(),
                dense(1, Activation::Linear),
            ];
            if !matches!(layer, Layer::LSTM(_) | Layer::GRU(_)) {
                layers.insert(2, Layer::Flatten(Flatten::default()));
            }
            let optimizer = Optimizer::parse(optimizer).unwrap();
            let (task, loss) = (Task::Regression { outputs: 1 }, Loss::MSE);
            let mut model = Sequential::new(layers)
                .compile(48, task, optimizer, loss, vec![Metric::MAE], 1.0)
                .unwrap();
            let said = model
                .memory(batch_size.min(rows), 0, pool.threads())
                .unwrap();
            let (_, taken) = peak(|| {
                let mut clock = Clock::new();
                model.initialize(1, &mut clock).unwrap();
                model
                    .fit(&mut train, None, &options(1, batch_size), &mut clock, pool)
                    .unwrap();
            });
            println!(
                "{}, batch {batch_size}, {} thread(s): said {said}, took {taken}",
                layer.class_name(),
                pool.threads()
            );
            assert!(taken <= said, "took {taken} bytes, said {said}");
        }
    }

    // A whole training, in memory and from a spill, with rows on their way to a worker.
    for batch_size in [32, 1000] {
        for limit in [3 << 20, 5 << 20, 16 << 20] {
            let mut files = Vec::new();
            for pool in &pools {
                let (file, taken) = peak(|| train(limit, batch_size, pool));
                println!(
                    "limit {limit}, batch {batch_size}, {} thread(s): took {taken}",
                    pool.threads()
                );
                // The descriptions of columns and blocks are not charged.
                assert!(taken <= limit + (16 << 10), "took {taken} of {limit}");
                files.push(file.unwrap());
            }
            assert!(files[0] == files[1]);
        }
    }

    // 2^27 parameters: asked, and only then refused.
    let (said, taken) = peak(|| {
        compile(1 << 14, &[1 << 13], "adam")
            .memory(32, 1, 2)
            .unwrap()
    });
    assert!(
        said > 5 << 29 && taken < 100_000,
        "said {said}, took {taken}"
    );
}
