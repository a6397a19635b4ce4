//! What recurrent layers drop while they train: how much, the same of every step, and with the gradient of what is left.

mod data;

use data::{Clock, REGRESSION, Rows, numbers, options};
use serde_json::{Value as Json, json};
use tablenet_core::*;

/// The layer over two steps of `channels`, then a sum.
fn compile(layer: &Json, channels: usize, learning_rate: f64) -> Model {
    let layers = json!([
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 2, channels]}},
        layer,
        {"class_name": "Dense", "config": {"units": 1, "use_bias": false}},
    ]);
    let sgd = json!({"sgd": {"learning_rate": learning_rate}}).to_string();
    let sgd = Optimizer::parse(&sgd).unwrap();
    Sequential::from_json(&layers)
        .and_then(|it| it.compile(2 * channels, REGRESSION, sgd, Loss::MSE, vec![], 1.0))
        .unwrap_or_else(|error| panic!("{layers}: {error}"))
}

/// The loss of the first step from these weights, whose noise is always the same.
fn step(model: &mut Model, weights: &[f32], rows: &mut Rows, batch: usize, seed: u64) -> f64 {
    model
        .set_weights(weights.to_vec(), &mut Clock::new())
        .unwrap();
    let options = FitOptions {
        shuffle: false,
        seed,
        ..options(1, batch)
    };
    let pool = Pool::new(1).unwrap();
    let history = model.fit(rows, None, &options, &mut Clock::new(), &pool);
    history.unwrap().epochs[0].loss
}

/// A unit that adds up its inputs of 1: what the mean of its squares is says which ones were dropped together.
#[test]
fn the_stated_share_is_dropped_of_all_steps_alike() {
    const COUNT: usize = 20_000;
    let adds = |settings: &[(&str, f64)]| {
        let mut config = json!({"units": 1, "activation": "linear", "use_bias": false, "seed": 5});
        for (name, value) in settings {
            config[*name] = json!(value);
        }
        json!({"class_name": "SimpleRNN", "config": config})
    };
    let mean = |layer: &Json, seed: u64| {
        let mut rows = Rows::new(vec![1.0; 2 * COUNT], vec![0.0; COUNT], 2, 1);
        let mut model = compile(layer, 1, 1e-30);
        step(&mut model, &[1.0; 3], &mut rows, COUNT, seed)
    };
    for (settings, exact) in [
        (&[][..], 4.0),
        // (1 + 1) m, with m = 1 / 0.6 in 0.6 of the rows
        (&[("dropout", 0.4)][..], 4.0 / 0.6),
        // 1 + m
        (&[("recurrent_dropout", 0.4)][..], 3.0 + 1.0 / 0.6),
        // n (1 + m)
        (
            &[("dropout", 0.4), ("recurrent_dropout", 0.4)][..],
            (3.0 + 1.0 / 0.6) / 0.6,
        ),
    ] {
        let got = mean(&adds(settings), 1);
        assert!(
            (got / exact - 1.0).abs() < 0.03,
            "{settings:?}: {got} instead of {exact}"
        );
    }
    let some = adds(&[("dropout", 0.4)]);
    assert_eq!(mean(&some, 1), mean(&some, 1));
    assert_ne!(mean(&some, 1), mean(&some, 2));
    let mut other = some.clone();
    other["config"]["seed"] = json!(6);
    assert_ne!(mean(&some, 1), mean(&other, 1));
}

#[test]
fn the_gradient_is_that_of_what_is_left() {
    for class in ["LSTM", "GRU", "SimpleRNN", "before", "both"] {
        let mut config = json!({"units": 3, "dropout": 0.3, "recurrent_dropout": 0.3});
        let layer = match class {
            "before" => {
                config["reset_after"] = json!(false);
                json!({"class_name": "GRU", "config": config})
            }
            "both" => {
                json!({"class_name": "Bidirectional", "config": {"layer": {"class_name": "LSTM", "config": config}}})
            }
            class => json!({"class_name": class, "config": config}),
        };
        let mut model = compile(&layer, 3, 1.0);
        let mut rows = Rows::of(9, 6, |x| x[0] - x[5]);
        let weights: Vec<f32> = numbers(model.parameters(), 4)
            .iter()
            .map(|w| 0.5 * w)
            .collect();
        step(&mut model, &weights, &mut rows, 9, 3);
        let after = model.weights().to_vec();
        let taken: Vec<f32> = weights.iter().zip(&after).map(|(a, b)| a - b).collect();
        assert!(taken.iter().any(|g| g.abs() > 1e-3));
        for (i, got) in taken.iter().enumerate() {
            let mut at = |h: f32| {
                let mut moved = weights.clone();
                moved[i] += h;
                step(&mut model, &moved, &mut rows, 9, 3)
            };
            let slope = (at(4e-3) - at(-4e-3)) / 8e-3;
            assert!(
                (f64::from(*got) - slope).abs() < 2e-3 * (1.0 + slope.abs()),
                "{class}: {got} instead of {slope} for weight {i}"
            );
        }
    }
}

#[test]
fn nothing_is_dropped_when_scoring() {
    let lstm = |dropout: f64| json!({"class_name": "LSTM", "config": {"units": 3, "dropout": dropout, "recurrent_dropout": dropout}});
    let answers = |dropout: f64| {
        let mut model = compile(&lstm(dropout), 3, 1.0);
        let weights = numbers(model.parameters(), 4);
        model.set_weights(weights, &mut Clock::new()).unwrap();
        let pool = Pool::new(1).unwrap();
        let mut rows = Rows::of(9, 6, |x| x[0]);
        let loss = model
            .evaluate(&mut rows, 9, &mut Clock::new(), &pool)
            .unwrap()
            .loss;
        let plan = Plan::new(&model, &mut Clock::new()).unwrap();
        let mut scratch = plan.scratch().unwrap();
        let all: Vec<u32> = rows
            .x
            .chunks(6)
            .map(|x| {
                scratch.input_mut().copy_from_slice(x);
                plan.run(&mut scratch)[0].to_bits()
            })
            .collect();
        (loss.to_bits(), all)
    };
    assert_eq!(answers(0.5), answers(0.0));
}
