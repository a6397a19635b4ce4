//! Callbacks against Keras: tests/keras/callbacks.py trained the same networks on the same rows and wrote what became of
//! them. And what Keras cannot say: trainings that end in NaN.

mod data;

use data::{Clock, Rows, dense, options};
use serde::Deserialize;
use serde_json::Value;
use tablenet_core::*;

/// What callbacks.py wrote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    inputs: usize,
    optimizer: Value,
    callbacks: Value,
    /// Epochs of each `fit`.
    fits: Vec<u32>,
    x: Vec<f32>,
    y: Vec<f32>,
    val_x: Vec<f32>,
    val_y: Vec<f32>,
    before: Vec<Vec<f32>>,
    losses: Vec<f64>,
    val_losses: Vec<f64>,
    after: Vec<Vec<f32>>,
}

fn network(inputs: usize, optimizer: &str) -> Model {
    let layers = vec![dense(6, Activation::Tanh), dense(1, Activation::Linear)];
    let task = Task::Regression { outputs: 1 };
    let optimizer = Optimizer::parse(optimizer).unwrap();
    Sequential::new(layers)
        .compile(inputs, task, optimizer, Loss::MSE, vec![Metric::MAE], 1.0)
        .unwrap()
}

/// Within what the large steps of these cases make of rounding; another decision of a callback is far beyond it.
fn near(what: &str, got: f64, wanted: f64) {
    let bound = 1e-4 + 1e-3 * wanted.abs();
    assert!((got - wanted).abs() <= bound, "{what}: {got}, not {wanted}");
}

#[test]
fn callbacks_do_what_keras_ones_do() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("keras/callbacks.json")).unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        let name = &case.name;
        let mut model = network(case.inputs, &case.optimizer.to_string());
        let weights = case.before.concat();
        model.set_weights(weights, &mut Clock::new()).unwrap();
        let mut train = Rows::new(case.x, case.y, case.inputs, 1);
        let mut validation = Rows::new(case.val_x, case.val_y, case.inputs, 1);
        let callbacks = FitCallback::parse_list(&case.callbacks.to_string()).unwrap();
        let pool = Pool::new(1).unwrap();
        let mut epochs = Vec::new();
        for fit in case.fits {
            let options = FitOptions {
                shuffle: false,
                callbacks: callbacks.clone(),
                ..options(fit, 8)
            };
            let held_out: Option<&mut dyn Batches> = Some(&mut validation);
            let history = model.fit(&mut train, held_out, &options, &mut Clock::new(), &pool);
            epochs.extend(history.unwrap().epochs);
        }
        assert_eq!(epochs.len(), case.losses.len(), "epochs: {name}");
        for (i, logs) in epochs.iter().enumerate() {
            let what = format!("{name}, epoch {}", i + 1);
            near(&what, logs.loss, case.losses[i]);
            near(&what, logs.val_loss.unwrap(), case.val_losses[i]);
        }
        for (got, wanted) in model.weights().iter().zip(case.after.concat()) {
            near(name, f64::from(*got), f64::from(wanted));
        }
    }
}

/// Diverges within a few epochs.
const DIVERGES: &str = r#"{"sgd": {"learning_rate": 2, "momentum": 0.9}}"#;

fn diverge(callbacks: &str, epochs: u32) -> (Model, Result<History>) {
    let mut model = network(3, DIVERGES);
    model.initialize(3, &mut Clock::new()).unwrap();
    let mut rows = Rows::of(60, 3, |x| 3.0 * x[0] - x[1]);
    let mut validation = Rows::of(20, 3, |x| 3.0 * x[0] - x[1]);
    let options = FitOptions {
        callbacks: FitCallback::parse_list(callbacks).unwrap(),
        ..options(epochs, 8)
    };
    let held_out: Option<&mut dyn Batches> = Some(&mut validation);
    let pool = Pool::new(2).unwrap();
    let history = model.fit(&mut rows, held_out, &options, &mut Clock::new(), &pool);
    (model, history)
}

#[test]
fn what_is_no_number_ends_a_training_with_the_last_one_that_was() {
    let kind = |callbacks: &str| diverge(callbacks, 500).1.unwrap_err().kind();
    assert_eq!(kind("[]"), ErrorKind::NotFinite);
    assert_eq!(
        kind(r#"{"TerminateOnNaN": {"raise_error": true}}"#),
        ErrorKind::NotFinite
    );

    let (model, history) = diverge("TerminateOnNaN", 500);
    let history = history.unwrap();
    let last = history.epochs.last().unwrap().epoch;
    assert_eq!(history.stopped, Stopped::NotFinite);
    assert_eq!(history.best_epoch, Some(last));
    assert!(last < 500 && model.weights().iter().all(|w| w.is_finite()));
    // The weights are those of a training that ended in time.
    let (in_time, _) = diverge("[]", last);
    assert!(model.weights() == in_time.weights());

    // What another callback holds to be the best goes first.
    let both = r#"["TerminateOnNaN", {"ModelCheckpoint": {"save_best_only": true}}]"#;
    let (_, history) = diverge(both, 500);
    let history = history.unwrap();
    let best = history.epochs.iter();
    let best = best.min_by(|a, b| a.val_loss.unwrap().total_cmp(&b.val_loss.unwrap()));
    assert_eq!(history.best_epoch, Some(best.unwrap().epoch));
}

#[test]
fn a_training_goes_on_behind_nan() {
    let (mut model, _) = diverge("TerminateOnNaN", 500);
    let mut rows = Rows::of(60, 3, |x| 3.0 * x[0] - x[1]);
    let calm = FitOptions {
        callbacks: FitCallback::parse_list(
            r#"{"LearningRateScheduler": {"schedule": {"CosineDecay": {"initial_learning_rate": 1e-9, "decay_steps": 1}}}}"#,
        )
        .unwrap(),
        ..options(1, 8)
    };
    let pool = Pool::new(1).unwrap();
    // Nothing that is left of the steps before moves the weights.
    let before = model.weights().to_vec();
    model
        .fit(&mut rows, None, &calm, &mut Clock::new(), &pool)
        .unwrap();
    assert!(model.weights() == before);
}
