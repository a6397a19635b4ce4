//! What `fit` promises: the same bytes on any number of threads, a way out at every check, early stopping, time limits
//! and errors that say where.

mod data;

use data::{Clock, REGRESSION, Rows, dense, options, regression};
use tablenet_core::*;

fn with_dropout() -> Vec<Layer> {
    vec![
        dense(33, Activation::Relu),
        Layer::Dropout(Dropout::new(0.2)),
        dense(64, Activation::Gelu),
        dense(1, Activation::Linear),
    ]
}

fn target(x: &[f32]) -> f32 {
    x[0] * x[1] + 0.5 * x[2]
}

#[test]
fn same_seed_same_bytes_on_any_number_of_threads() {
    let mut rows = Rows::of(3000, 7, target);
    let mut validation = Rows::of(700, 7, target);
    let mut run = |threads, seed, batch_size| {
        let mut model = regression(7, with_dropout(), "adam");
        let options = FitOptions {
            seed,
            ..options(2, batch_size)
        };
        let pool = Pool::new(threads).unwrap();
        let history = model
            .fit(
                &mut rows,
                Some(&mut validation),
                &options,
                &mut Clock::new(),
                &pool,
            )
            .unwrap();
        let logs: Vec<String> = history
            .epochs
            .iter()
            .map(|e| {
                format!(
                    "{} {:?} {:?} {:?}",
                    e.loss, e.val_loss, e.metrics, e.val_metrics
                )
            })
            .collect();
        (
            model
                .weights()
                .iter()
                .map(|w| w.to_bits())
                .collect::<Vec<_>>(),
            logs,
        )
    };
    for batch_size in [1, 32, 100, 999, 1000, 2000, 5000] {
        let one = run(1, 7, batch_size);
        assert_eq!(run(1, 7, batch_size), one);
        for threads in [2, 3, 8] {
            assert_eq!(run(threads, 7, batch_size), one, "{threads}, {batch_size}");
        }
        assert_ne!(run(2, 8, batch_size), one);
    }
}

#[test]
fn learns_what_can_be_learnt() {
    let mut rows = Rows::of(4000, 3, target);
    let mut validation = Rows::of(500, 3, target);
    let mut model = regression(
        3,
        vec![
            dense(64, Activation::Relu),
            dense(64, Activation::Relu),
            dense(1, Activation::Linear),
        ],
        "adam",
    );
    let history = model
        .fit(
            &mut rows,
            Some(&mut validation),
            &options(10, 32),
            &mut Clock::new(),
            &Pool::new(1).unwrap(),
        )
        .unwrap();
    let last = history.epochs.last().unwrap();
    assert!(last.get("val_r2").unwrap() > 0.98, "{last:?}");
    assert_eq!(history.epochs.len(), 10);
    let again: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
    assert!((again.epochs[9].get("val_r2").unwrap() - last.get("val_r2").unwrap()).abs() < 1e-12);
}

#[test]
fn every_check_is_a_way_out() {
    let mut rows = Rows::of(300, 7, target);
    let mut validation = Rows::of(50, 7, target);
    for (threads, batch_size) in [(1, 128), (3, 128), (3, 16)] {
        let pool = Pool::new(threads).unwrap();
        let stopping = EarlyStopping {
            restore_best_weights: true,
            patience: 5,
            ..EarlyStopping::default()
        };
        let options = FitOptions {
            callbacks: vec![stopping.into()],
            ..options(2, batch_size)
        };
        let mut cancelled = 0;
        for at in 1.. {
            let mut model = regression(7, with_dropout(), "adam");
            let mut clock = Clock::cancelling_at(at);
            match model.fit(
                &mut rows,
                Some(&mut validation),
                &options,
                &mut clock,
                &pool,
            ) {
                Ok(_) => break,
                Err(error) => {
                    cancelled += 1;
                    assert_eq!(error.kind(), ErrorKind::Foreign);
                    assert_eq!(
                        error.into_foreign().unwrap().downcast_ref::<&str>(),
                        Some(&"cancelled by the user")
                    );
                }
            }
        }
        assert!(cancelled > 20, "{cancelled}");
    }
    let mut model = regression(7, with_dropout(), "adam");
    assert_eq!(
        model
            .initialize(1, &mut Clock::cancelling_at(2))
            .unwrap_err()
            .kind(),
        ErrorKind::Foreign
    );
    let evaluated = model.evaluate(
        &mut rows,
        64,
        &mut Clock::cancelling_at(3),
        &Pool::new(1).unwrap(),
    );
    assert_eq!(evaluated.unwrap_err().kind(), ErrorKind::Foreign);
}

/// Timed, so only where the kernels are optimised: `cargo test --release -- --ignored`.
#[test]
#[cfg_attr(debug_assertions, ignore)]
fn checks_are_less_than_50_ms_apart_in_a_large_model() {
    let layers = vec![
        dense(2048, Activation::Relu),
        dense(2048, Activation::Relu),
        dense(2048, Activation::Relu),
        dense(1, Activation::Linear),
    ];
    let mut rows = Rows::of(256, 28, target);
    for threads in [1, 2] {
        // Other processes take the CPU too: the best of a few runs is ours.
        let mut longest = f64::INFINITY;
        for _ in 0..4 {
            let mut clock = Clock::new();
            let mut model = regression(28, layers.clone(), "adam");
            let once = options(1, 65_536);
            let pool = Pool::new(threads).unwrap();
            model
                .fit(&mut rows, None, &once, &mut clock, &pool)
                .unwrap();
            longest = longest.min(clock.longest);
        }
        println!(
            "{threads} thread(s): at most {:.1} ms between two checks",
            longest * 1e3
        );
        assert!(longest < 0.05, "{longest} s between two checks");
    }
}

#[test]
fn cuts_go_on_from_the_best_weights_and_leave_the_optimizer() {
    let layers = || vec![dense(8, Activation::Tanh), dense(1, Activation::Linear)];
    // Far too high: only a lower learning rate gets further.
    let mut model = regression(3, layers(), r#"{"adam": {"learning_rate": 0.1}}"#);
    let (given, first) = (model.optimizer().clone(), model.weights().to_vec());
    let mut run = |learning_rate_cuts| {
        let options = FitOptions {
            callbacks: vec![
                EarlyStopping {
                    restore_best_weights: true,
                    patience: 4,
                    learning_rate_cuts,
                    ..EarlyStopping::default()
                }
                .into(),
            ],
            ..options(500, 16)
        };
        model.set_weights(first.clone(), &mut Clock::new()).unwrap();
        let (mut rows, mut validation) = (Rows::of(60, 3, target), Rows::of(40, 3, target));
        let held_out: Option<&mut dyn Batches> = Some(&mut validation);
        let pool = Pool::new(1).unwrap();
        let history = model.fit(&mut rows, held_out, &options, &mut Clock::new(), &pool);
        let history = history.unwrap();
        assert_eq!(history.stopped, Stopped::EarlyStopping);
        assert_eq!(*model.optimizer(), given);
        let best = history.best_epoch.unwrap() as usize - 1;
        (
            history
                .epochs
                .iter()
                .map(|logs| logs.val_loss.unwrap())
                .collect::<Vec<_>>(),
            history.epochs[best].val_loss.unwrap(),
        )
    };
    let (without, best) = run(0);
    let (with, lower) = run(2);
    assert_eq!(with[..without.len()], without[..], "until the first cut");
    // The first epoch after a cut starts at the best weights: it is nearer to them than the last before it.
    let after = with[without.len()];
    assert!(after < *without.last().unwrap(), "{after}");
    assert!(lower < best, "{lower} {best}");
}

#[test]
fn early_stopping_restores_the_best_weights() {
    // A learning rate that is far too high makes the validation loss jump about.
    let mut rows = Rows::of(60, 3, target);
    let mut validation = Rows::of(40, 3, |x| target(x) + x[2]);
    let mut model = regression(
        3,
        vec![dense(8, Activation::Tanh), dense(1, Activation::Linear)],
        r#"{"adam": {"learning_rate": 0.1}}"#,
    );
    let stopping = EarlyStopping {
        restore_best_weights: true,
        patience: 4,
        ..EarlyStopping::default()
    };
    let options = FitOptions {
        callbacks: vec![stopping.into()],
        ..options(500, 16)
    };
    let pool = Pool::new(1).unwrap();
    let history = model
        .fit(
            &mut rows,
            Some(&mut validation),
            &options,
            &mut Clock::new(),
            &pool,
        )
        .unwrap();
    assert_eq!(history.stopped, Stopped::EarlyStopping);
    let best = history
        .epochs
        .iter()
        .min_by(|a, b| a.val_loss.unwrap().total_cmp(&b.val_loss.unwrap()))
        .unwrap();
    assert_eq!(history.best_epoch, Some(best.epoch));
    assert_eq!(history.epochs.len() as u32, best.epoch + 4);
    let now = model
        .evaluate(&mut validation, 16, &mut Clock::new(), &pool)
        .unwrap();
    assert_eq!(now.loss, best.val_loss.unwrap());
    assert_eq!(now.metrics, best.val_metrics);
}

#[test]
fn max_seconds_ends_the_epoch_and_keeps_the_model() {
    /// A second passes with every look at the clock.
    struct Fast(f64);
    impl Callback for Fast {
        fn elapsed(&mut self) -> f64 {
            self.0 += 1.0;
            self.0
        }
        fn check(&mut self) -> Result<()> {
            Ok(())
        }
    }
    let mut rows = Rows::of(1000, 3, target);
    for threads in [1, 2] {
        for (seconds, batch_size) in [(10.0, 10), (1.0, 10), (3.0, 1000), (1.0, 1000)] {
            let mut model = regression(3, vec![dense(1, Activation::Linear)], "adam");
            let options = FitOptions {
                max_seconds: Some(seconds),
                ..options(100, batch_size)
            };
            let pool = Pool::new(threads).unwrap();
            let history = model
                .fit(&mut rows, None, &options, &mut Fast(0.0), &pool)
                .unwrap();
            assert_eq!(history.stopped, Stopped::MaxSeconds);
            assert!(history.epochs.len() < 5);
            assert!(history.epochs[0].loss.is_finite());
        }
    }
}

#[test]
fn a_loss_that_is_not_finite_names_epoch_and_batch() {
    let mut rows = Rows::of(100, 3, target);
    let mut model = regression(
        3,
        vec![dense(8, Activation::Relu), dense(1, Activation::Linear)],
        r#"{"sgd": {"learning_rate": 1e30}}"#,
    );
    let error = model
        .fit(
            &mut rows,
            None,
            &options(5, 10),
            &mut Clock::new(),
            &Pool::new(1).unwrap(),
        )
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    assert!(
        error.to_string().starts_with("loss became ")
            && error.to_string().ends_with(" in epoch 1, batch 2"),
        "{error}"
    );
    assert!(error.hint_text().unwrap().contains("learning_rate"));
    // The last step of all cannot show in a loss any more.
    let mut model = regression(
        3,
        vec![dense(1, Activation::Linear)],
        r#"{"sgd": {"learning_rate": 1e200}}"#,
    );
    let error = model
        .fit(
            &mut rows,
            None,
            &options(1, 100),
            &mut Clock::new(),
            &Pool::new(1).unwrap(),
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "weights became NaN or infinite in epoch 1"
    );
}

#[test]
fn plan_and_network_agree_on_every_width() {
    for width in [1, 2, 7, 16, 17, 33, 64, 100] {
        let mut rows = Rows::of(20, width, |x| x[0]);
        let layers = vec![
            dense(width, Activation::Softplus),
            Layer::Dropout(Dropout::new(0.5)),
            Layer::Activation(ActivationLayer::new(Activation::Softmax)),
            dense(1, Activation::Linear),
        ];
        let mut model = regression(width, layers, "adam");
        model
            .fit(
                &mut rows,
                None,
                &options(2, 3),
                &mut Clock::new(),
                &Pool::new(1).unwrap(),
            )
            .unwrap();
        let evaluated = model
            .evaluate(&mut rows, 20, &mut Clock::new(), &Pool::new(1).unwrap())
            .unwrap();
        let plan = Plan::new(&model, &mut Clock::new()).unwrap();
        let mut scratch = plan.scratch().unwrap();
        let mut loss = 0.0;
        for (x, y) in rows.x.chunks(width).zip(&rows.y) {
            scratch.input_mut().copy_from_slice(x);
            let p = plan.run(&mut scratch)[0];
            loss += f64::from((p - y) * (p - y)) / 20.0;
        }
        assert!(
            (loss - evaluated.loss).abs() < 1e-6,
            "{loss} instead of {}",
            evaluated.loss
        );
    }
}

#[test]
fn options_and_data_are_checked() {
    let mut model = regression(3, vec![dense(1, Activation::Linear)], "adam");
    let pool = Pool::new(1).unwrap();
    let mut fit = |rows: &mut Rows, options: FitOptions| {
        model
            .fit(rows, None, &options, &mut Clock::new(), &pool)
            .unwrap_err()
    };
    let mut rows = Rows::of(10, 3, target);
    assert_eq!(
        fit(&mut rows, options(0, 1)).to_string(),
        "epochs must be at least 1, not 0"
    );
    assert_eq!(
        fit(&mut rows, options(1, 0)).to_string(),
        "batch_size must be at least 1, not 0"
    );
    assert_eq!(
        fit(&mut Rows::of(0, 3, target), options(1, 1)).kind(),
        ErrorKind::NoRows
    );
    assert_eq!(
        fit(&mut Rows::of(4, 5, target), options(1, 1)).kind(),
        ErrorKind::FeatureCount
    );
    let stopping = EarlyStopping {
        monitor: Some("val_mae".into()),
        ..EarlyStopping::default()
    };
    assert_eq!(
        fit(
            &mut rows,
            FitOptions {
                callbacks: vec![stopping.into()],
                ..options(1, 1)
            }
        )
        .kind(),
        ErrorKind::InvalidParameter
    );
    assert!(model.set_weights(vec![0.0; 3], &mut Clock::new()).is_err());
    assert_eq!(
        model
            .set_weights(vec![f32::NAN; 4], &mut Clock::new())
            .unwrap_err()
            .kind(),
        ErrorKind::NotFinite
    );
    let bare = Sequential::new(vec![dense(1, Activation::Linear)])
        .compile(3, REGRESSION, Optimizer::default(), Loss::MSE, vec![], 1.0)
        .unwrap();
    assert!(Plan::new(&bare, &mut Clock::new()).is_err());
}

#[test]
fn copying_weights_can_be_cancelled() {
    let mut model = regression(
        300,
        vec![dense(300, Activation::Linear), dense(1, Activation::Linear)],
        "adam",
    );
    let weights = model.weights().to_vec();
    for at in [1, 2] {
        let cancelled = |error: Error| error.into_foreign().is_some();
        let set = model.set_weights(weights.clone(), &mut Clock::cancelling_at(at));
        assert!(set.is_err_and(cancelled));
        assert!(Plan::new(&model, &mut Clock::cancelling_at(at)).is_err_and(cancelled));
    }
}

#[test]
fn metrics_of_large_batches_are_taken_in_pieces() {
    let mut rows = Rows::of(300_000, 1, |x| x[0]);
    let checks = |metrics: Vec<Metric>, rows: &mut Rows| {
        let (optimizer, loss) = (Optimizer::default(), Loss::MSE);
        let mut model = Sequential::new(vec![dense(1, Activation::Linear)])
            .compile(1, REGRESSION, optimizer, loss, metrics, 1.0)
            .unwrap();
        model.initialize(1, &mut Clock::new()).unwrap();
        let mut clock = Clock::new();
        let pool = Pool::new(1).unwrap();
        model.evaluate(rows, 300_000, &mut clock, &pool).unwrap();
        clock.checks
    };
    let more = checks(
        vec![Metric::MAE, Metric::MSE, Metric::RMSE, Metric::R2],
        &mut rows,
    ) - checks(vec![], &mut rows);
    assert!(more >= 12, "{more}");
}

#[test]
fn clipped_gradients_do_not_depend_on_the_threads() {
    // Larger than what one thread takes at once, with a penalty, in several gradient groups.
    let layers = || {
        let mut wide = Dense::new(400, Activation::Relu);
        wide.kernel.regularizer = Some(Regularizer { l1: 0.0, l2: 0.01 });
        vec![
            dense(300, Activation::Tanh),
            Layer::Dense(wide),
            dense(1, Activation::Linear),
        ]
    };
    for optimizer in [
        r#"{"adam": {"clipnorm": 0.01, "amsgrad": true}}"#,
        r#"{"sgd": {"learning_rate": 0.1, "global_clipnorm": 0.1}}"#,
        r#"{"lion": {"clipvalue": 0.001, "weight_decay": 0.1}}"#,
    ] {
        let fit = |threads: usize| {
            let mut model = regression(40, layers(), optimizer);
            let mut rows = Rows::of(600, 40, target);
            let pool = Pool::new(threads).unwrap();
            model
                .fit(&mut rows, None, &options(2, 600), &mut Clock::new(), &pool)
                .unwrap();
            model.weights().to_vec()
        };
        let alone = fit(1);
        for threads in [2, 4] {
            assert!(alone == fit(threads), "{optimizer}, {threads} threads");
        }
    }
}
