//! A worker that learns while rows are read changes nothing: not the model, not the errors, not their rows.

use super::*;
use crate::ColumnType::{Boolean, Category, Number};
use crate::fixture::{CancelAt, NoCallback, ToMemory, column, integer, quick};
use crate::{
    Activation, Column, Dense, Dropout, EarlyStopping, Layer, Sequential, TrainOptions, Trained,
    Training,
};

/// Numbers, booleans and texts with NULLs, two columns that are left out, and rows without a target.
fn columns() -> Vec<Column> {
    let single = Column {
        single_precision: true,
        ..column("single", Number)
    };
    vec![
        column("left out", Category),
        single,
        column("number", Number),
        column("flag", Boolean),
        column("colour", Category),
        integer("y"),
        column("out too", Number),
        column("shape", Category),
    ]
}

struct Table(Vec<(u32, String, String)>);

impl Table {
    fn new(rows: u32) -> Self {
        let row = |row: u32| {
            let word = |bits: u32| row.wrapping_mul(2_654_435_761) >> bits;
            let shape = "shape ".repeat(word(29) as usize + 1);
            (word(8), format!("colour {}", word(27)), shape)
        };
        Self((0..rows).map(row).collect())
    }

    fn row(&self, index: usize) -> [Value<'_>; 8] {
        let (word, colour, shape) = &self.0[index];
        let null = |every: u32, value| {
            if word % every == every - 1 {
                Value::Null
            } else {
                value
            }
        };
        let number = f64::from(word % 1000) / 100.0;
        [
            Value::Text("not read"),
            null(7, Value::Number(f64::from((number * 3.0) as f32))),
            Value::Number(number * number),
            null(5, Value::Boolean(word % 3 == 0)),
            null(11, Value::Text(colour)),
            null(13, Value::Number(f64::from(word % 17))),
            Value::Number(f64::NAN),
            Value::Text(shape),
        ]
    }

    fn push_all(&self, training: &mut Training<'_>, callback: &mut dyn Callback) -> Result<()> {
        (0..self.0.len()).try_for_each(|index| training.push(&self.row(index), callback))
    }

    fn train(&self, options: &TrainOptions, threads: usize) -> Result<Trained> {
        let pool = Pool::new(threads)?;
        let options = TrainOptions {
            exclude: vec!["left out".into(), "out too".into()],
            ..options.clone()
        };
        let mut training =
            Training::new(columns(), &["y"], options, Box::new(ToMemory))?.on(&pool)?;
        self.push_all(&mut training, &mut NoCallback)?;
        training.finish(&mut NoCallback, &pool)
    }
}

fn bytes(trained: &Trained) -> Vec<u8> {
    trained.file.to_bytes(&mut NoCallback).expect("a file")
}

/// Model file and history must not depend on the threads.
fn assert_same(table: &Table, options: &TrainOptions) -> Result<()> {
    let one = table.train(options, 1)?;
    for threads in [2, 3, 8] {
        let more = table.train(options, threads)?;
        assert!(bytes(&one) == bytes(&more), "{threads} threads");
        let logs = |trained: &Trained| {
            let epochs = trained.history.epochs.iter();
            let logs = epochs.map(|e| {
                let metrics = (e.metrics.clone(), e.val_metrics.clone());
                (e.loss, e.val_loss, metrics)
            });
            logs.collect::<Vec<_>>()
        };
        assert_eq!(logs(&one), logs(&more));
        assert_eq!((one.rows, &one.notices), (more.rows, &more.notices));
    }
    Ok(())
}

fn small(batch_size: usize) -> TrainOptions {
    let dense = |units, activation| Layer::Dense(Dense::new(units, activation));
    TrainOptions {
        layers: Some(Sequential::new(vec![
            dense(8, Activation::Relu),
            Layer::Dropout(Dropout::new(0.2)),
            dense(1, Activation::Linear),
        ])),
        batch_size: Some(batch_size),
        ..quick()
    }
}

#[test]
fn the_model_does_not_depend_on_the_threads() -> Result<()> {
    let table = Table::new(7000);
    for batch_size in [32, 1000, 1 << 20] {
        assert_same(&table, &small(batch_size))?;
    }
    assert_same(&Table::new(300), &small(1))?;
    assert_same(&Table::new(2), &small(32))?;
    let stopping = EarlyStopping {
        restore_best_weights: true,
        patience: 1,
        ..EarlyStopping::default()
    };
    let options = TrainOptions {
        epochs: Some(6),
        callbacks: Some(vec![stopping.into()]),
        validation_split: Some(0.5),
        ..small(64)
    };
    assert_same(&table, &options)
}

#[test]
fn a_spill_does_not_depend_on_the_threads() -> Result<()> {
    let table = Table::new(40_000);
    for (batch_size, validation_split, shuffle) in
        [(32, 0.1, true), (1000, 0.5, true), (64, 0.3, false)]
    {
        // Rows take 1.3 MB, more than their share; the model, the search for medians and the buffers have to fit too.
        let options = TrainOptions {
            memory_limit: 1_800_000,
            validation_split: Some(validation_split),
            shuffle,
            ..small(batch_size)
        };
        assert_same(&table, &options)?;
    }
    Ok(())
}

#[test]
fn errors_name_the_same_rows_as_on_one_thread() -> Result<()> {
    type Change<'a> = &'a dyn Fn(usize, &mut Vec<Value<'a>>);
    let table = Table::new(5000);
    let long = "x".repeat(MOST as usize);
    let changes: [(&str, Change<'_>); 6] = [
        ("Infinity", &|row, values| {
            if row == 3210 {
                values[1] = Value::Number(f64::INFINITY);
            }
        }),
        ("NaN", &|row, values| {
            if row >= 4999 {
                values[2] = Value::Number(f64::NAN);
            }
        }),
        ("-Infinity", &|row, values| {
            if row == 2 {
                values[5] = Value::Number(f64::NEG_INFINITY);
            }
        }),
        ("must be a boolean", &|row, values| {
            if row == 1234 {
                values[3] = Value::Number(1.0);
            }
            if row == 1236 {
                values[2] = Value::Number(f64::NAN);
            }
        }),
        ("values instead of 8", &|row, values| {
            if row == 2000 {
                values.pop();
            }
        }),
        // The first error counts, although the worker meets the second one first.
        ("is NaN in row 1301", &|row, values| {
            if row == 1300 {
                values[2] = Value::Number(f64::NAN);
            }
            if row == 1302 {
                values[7] = Value::Text(&long);
                values[2] = Value::Number(f64::INFINITY);
            }
        }),
    ];
    for (expected, change) in changes {
        let error = |threads| {
            let pool = Pool::new(threads).expect("threads");
            let mut training = Training::new(
                columns(),
                &["y"],
                TrainOptions {
                    exclude: vec!["left out".into(), "out too".into()],
                    ..small(32)
                },
                Box::new(ToMemory),
            )
            .and_then(|training| training.on(&pool))
            .expect("valid");
            let pushed = (0..table.0.len()).try_for_each(|row| {
                let mut values = table.row(row).to_vec();
                change(row, &mut values);
                training.push(&values, &mut NoCallback)
            });
            let finished = pushed.and_then(|()| training.finish(&mut NoCallback, &pool));
            finished.err().expect("refused").to_string()
        };
        let one = error(1);
        assert!(one.contains(expected), "{one}");
        assert_eq!(error(2), one);
        assert_eq!(error(3), one);
    }
    Ok(())
}

#[test]
fn texts_too_long_for_a_block_are_taken_in_their_turn() -> Result<()> {
    let texts: Vec<String> = (0..6)
        .map(|i| i.to_string().repeat(1 + (i % 2) * 300_000))
        .collect();
    let train = |threads| {
        let pool = Pool::new(threads)?;
        let columns = vec![column("text", Category), column("y", Number)];
        let mut training =
            Training::new(columns, &["y"], quick(), Box::new(ToMemory))?.on(&pool)?;
        for row in 0..50_u32 {
            let text = Value::Text(&texts[row as usize * 7 % 6]);
            training.push(&[text, Value::Number(f64::from(row))], &mut NoCallback)?;
        }
        training.finish(&mut NoCallback, &pool)
    };
    assert!(bytes(&train(1)?) == bytes(&train(2)?));
    Ok(())
}

#[test]
fn every_check_can_cancel() -> Result<()> {
    let table = Table::new(30_000);
    let run = |left| {
        let pool = Pool::new(3)?;
        let options = TrainOptions {
            exclude: vec!["left out".into(), "out too".into()],
            memory_limit: 1_800_000,
            ..small(1000)
        };
        let mut callback = CancelAt { left };
        let mut training =
            Training::new(columns(), &["y"], options, Box::new(ToMemory))?.on(&pool)?;
        table.push_all(&mut training, &mut callback)?;
        training.finish(&mut callback, &pool).map(drop)
    };
    let mut cancelled = 0;
    for left in (0..).step_by(13) {
        match run(left) {
            Ok(()) => break,
            Err(error) => {
                let payload = error.into_foreign().and_then(|p| p.downcast::<&str>().ok());
                assert_eq!(payload.as_deref(), Some(&"cancelled"));
                cancelled += 1;
            }
        }
    }
    assert!(cancelled > 20, "{cancelled}");
    Ok(())
}

#[test]
fn a_panic_of_the_worker_goes_on_in_the_caller() -> Result<()> {
    let pool = Pool::new(2)?;
    let mut staging = Staging::new(&pool, Vec::new(), 0)?;
    let (sender, receiver) = sync_channel(1);
    pool.spawn(move || {
        let panicked = catch_unwind(|| -> Digested { panic!("on purpose") });
        let _ = sender.send(panicked);
    });
    staging.away = Some(receiver);
    let gone_on = catch_unwind(AssertUnwindSafe(|| {
        staging.receive(&mut NoCallback).is_ok()
    }));
    let payload = gone_on.expect_err("a panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    Ok(())
}
