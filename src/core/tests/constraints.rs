//! Constrained variables: on any number of threads, and in trainings that go on.

mod data;

use data::{Clock, REGRESSION, Rows, options};
use serde_json::json;
use tablenet_core::*;

fn model(width: usize, optimizer: &str) -> Model {
    let layers = json!([
        {"class_name": "Dense", "config": {"units": width, "activation": "tanh",
            "kernel_constraint": {"MaxNorm": {"max_value": 0.4}}, "bias_constraint": "non_neg"}},
        {"class_name": "Dense", "config": {"units": width, "activation": "tanh",
            "kernel_constraint": {"MinMaxNorm": {"min_value": 0.5, "max_value": 0.6, "axis": 1}}}},
        {"class_name": "Dense", "config": {"units": 1, "kernel_constraint": "non_neg", "trainable": width > 8}}
    ]);
    let optimizer = Optimizer::parse(optimizer).unwrap();
    let mut model = Sequential::from_json(&layers)
        .unwrap()
        .compile(7, REGRESSION, optimizer, Loss::MSE, vec![], 1.0)
        .unwrap();
    model.initialize(3, &mut Clock::new()).unwrap();
    model
}

fn fit(model: &mut Model, threads: usize, epochs: u32) {
    let mut rows = Rows::of(150, 7, |x| x[0] * x[1] + 0.5 * x[2] - x[3]);
    let pool = Pool::new(threads).unwrap();
    let options = options(epochs, 50);
    model
        .fit(&mut rows, None, &options, &mut Clock::new(), &pool)
        .unwrap();
}

fn bits(model: &Model) -> Vec<u32> {
    model.weights().iter().map(|w| w.to_bits()).collect()
}

/// The norms of the columns of a kernel.
fn norms(kernel: &[f32], units: usize) -> Vec<f32> {
    let square = |column: usize| kernel[column..].iter().step_by(units).map(|w| w * w);
    (0..units)
        .map(|column| square(column).sum::<f32>().sqrt())
        .collect()
}

#[test]
fn threads_change_nothing() {
    for optimizer in ["adam", r#"{"sgd": {"clipnorm": 0.5}}"#] {
        let run = |threads| {
            let mut model = model(300, optimizer);
            fit(&mut model, threads, 2);
            bits(&model)
        };
        let one = run(1);
        for threads in [2, 3] {
            assert!(run(threads) == one, "{optimizer}, {threads}");
        }
    }
}

#[test]
fn a_training_that_goes_on_holds_them() {
    let mut at_once = model(8, r#"{"adam": {"learning_rate": 0.05}}"#);
    let last = at_once.weights()[7 * 8 + 8 + 8 * 8 + 8..][..8].to_vec();
    assert!(last.iter().any(|w| *w < 0.0));
    let mut in_parts = model(8, r#"{"adam": {"learning_rate": 0.05}}"#);
    fit(&mut at_once, 1, 5);
    for epochs in [1, 4] {
        fit(&mut in_parts, 1, epochs);
        let w = in_parts.weights();
        for norm in norms(&w[..7 * 8], 8) {
            assert!(norm <= 0.4 + 1e-5, "{norm}");
        }
        assert!(w[7 * 8..][..8].iter().all(|w| *w >= 0.0));
        for row in w[7 * 8 + 8..][..8 * 8].chunks(8) {
            let norm = norms(row, 1)[0];
            assert!((0.5 - 1e-5..=0.6 + 1e-5).contains(&norm), "{norm}");
        }
        // Keras constrains what it trains.
        assert_eq!(w[7 * 8 + 8 + 8 * 8 + 8..][..8], last);
    }
    assert_eq!(bits(&at_once), bits(&in_parts));
}

#[test]
fn axes_that_a_variable_does_not_have_are_refused_with_its_name() {
    let layers = json!([{"class_name": "Dense", "config": {"units": 3, "name": "first",
        "bias_constraint": {"MaxNorm": {"max_value": 0.4, "axis": 1}}}}]);
    let three = Task::Regression { outputs: 3 };
    let error = Sequential::from_json(&layers)
        .unwrap()
        .compile(7, three, Optimizer::default(), Loss::MSE, vec![], 1.0)
        .unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.hint_text()),
        (
            "axis 1 of MaxNorm does not fit bias of first, whose shape is (3)",
            Some("It has axis 0 alone.")
        )
    );
}
