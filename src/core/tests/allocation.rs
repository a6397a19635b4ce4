//! Nothing is allocated in the steady state: per step of a training, per scored row.
//! A counting allocator sees every thread, so this file has one test.
#![allow(unsafe_code)]

mod data;

use data::{Clock, Rows, dense, options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tablenet_core::*;

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; the counter beside it is atomic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, SeqCst);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, SeqCst);
        // SAFETY: the caller's promises about `pointer`, `layout` and `size` are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises about `pointer` and `layout` are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted(f: impl FnOnce()) -> usize {
    let before = COUNT.load(SeqCst);
    f();
    COUNT.load(SeqCst) - before
}

/// Allocations of a fit over this many steps of `batch` rows.
fn fit(
    layers: &[Layer],
    optimizer: &str,
    steps: usize,
    batch: usize,
    epochs: u32,
    threads: usize,
) -> usize {
    let mut model = Sequential::new(layers.to_vec())
        .compile(
            28,
            Task::Binary,
            Optimizer::parse(optimizer).unwrap(),
            Loss::BINARY,
            vec![Metric::ACCURACY, Metric::AUC],
            1.0,
        )
        .unwrap();
    model.initialize(1, &mut Clock::new()).unwrap();
    let mut train = Rows::of(steps * batch, 28, |x| f32::from(x[0] > 0.0));
    let (pool, options) = (Pool::new(threads).unwrap(), options(epochs, batch));
    let mut clock = Clock::new();
    counted(|| {
        model
            .fit(&mut train, None, &options, &mut clock, &pool)
            .unwrap();
    })
}

fn row(i: usize) -> [Value<'static>; 5] {
    let text = ["red", "green", "blue", "never seen"][i % 4];
    [
        Value::Number(i as f64),
        Value::Text(text),
        if i.is_multiple_of(5) {
            Value::Null
        } else {
            Value::Number(1.0)
        },
        Value::Boolean(i.is_multiple_of(3)),
        Value::Number((i % 7) as f64),
    ]
}

fn scorer() -> Scorer {
    use ColumnType::{Boolean, Category, Number};
    let columns = [Number, Category, Number, Boolean, Number]
        .iter()
        .enumerate();
    let columns = columns.map(|(i, kind)| Column {
        name: format!("c{i}"),
        column_type: *kind,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    });
    struct NoSpill;
    impl SpillFactory for NoSpill {
        fn create(&mut self) -> Result<Box<dyn Spill>> {
            Err(Error::new(ErrorKind::OutOfMemory, "no spill"))
        }
    }
    let mut training = Training::new(
        columns.collect(),
        &["c4"],
        TrainOptions::default(),
        Box::new(NoSpill),
    )
    .unwrap();
    for i in 0..300 {
        training.push(&row(i), &mut Clock::new()).unwrap();
    }
    let trained = training
        .finish(&mut Clock::new(), &Pool::new(1).unwrap())
        .unwrap();
    Scorer::new(&trained.file, &mut Clock::new()).unwrap()
}

#[test]
fn steady_states_allocate_nothing() {
    let gelu = [
        dense(64, Activation::Gelu),
        dense(64, Activation::Relu),
        dense(1, Activation::Sigmoid),
    ];
    let dropout = [
        dense(50, Activation::Tanh),
        Layer::Dropout(Dropout::new(0.3)),
        dense(2, Activation::Linear),
        Layer::Activation(ActivationLayer::new(Activation::Swish)),
        dense(1, Activation::Sigmoid),
    ];
    let wide = [
        dense(600, Activation::Relu),
        dense(300, Activation::Relu),
        dense(1, Activation::Sigmoid),
    ];
    // What the process sets up once.
    fit(&gelu, "adam", 5, 32, 1, 2);
    for threads in [1, 2] {
        for (layers, optimizer, batch) in [
            (&gelu[..], "adam", 32),
            (&gelu, "rmsprop", 1024),
            (&dropout, "sgd", 100),
            (&wide, "adamw", 64),
        ] {
            let few = fit(layers, optimizer, 5, batch, 1, threads);
            let many = fit(layers, optimizer, 50, batch, 1, threads);
            let what = format!("{optimizer}, batch {batch}, {threads} thread(s)");
            if threads == 1 {
                assert_eq!(few, many, "{what}");
            } else {
                // A job lent to a worker is a small box of rayon's, and so is now and then a piece of its queue.
                assert!(many <= few + 3 * 45, "{few} and {many}, {what}");
            }
            // An epoch writes down its metrics, however many steps it has.
            let epochs =
                fit(layers, optimizer, 5, batch, 11, 1) - fit(layers, optimizer, 5, batch, 1, 1);
            assert!(epochs <= 10 * 10, "{epochs} in ten epochs, {what}");
        }
    }

    let scorer = scorer();
    let mut scratch = scorer.scratch().unwrap();
    let rows: Vec<_> = (0..100).map(row).collect();
    let mut sum = 0.0;
    let mut out = Vec::with_capacity(1);
    let taken = counted(|| {
        for row in &rows {
            sum += scorer.predict(&row[..4], &mut scratch).unwrap();
            scorer
                .predict_values(&row[..4], &mut scratch, &mut out)
                .unwrap();
        }
    });
    assert_eq!(taken, 0, "{sum}");
}
