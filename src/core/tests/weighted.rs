//! Rows that count differently, and several outputs, number by number against Keras: keras/weighted.py wrote keras/weighted.json.

mod data;

use data::Clock;
use ndarray::{Array1, Array2};
use serde::Deserialize;
use std::collections::BTreeMap;
use tablenet_core::*;

#[derive(Deserialize)]
struct Run {
    name: String,
    outputs: usize,
    classes: usize,
    model: serde_json::Value,
    loss: String,
    x: Vec<f32>,
    y: Vec<f32>,
    weights: Vec<f32>,
    before: Vec<f32>,
    after: Vec<f32>,
    losses: Vec<f64>,
    evaluated: BTreeMap<String, f64>,
}

const TOLERANCE: f64 = 2e-5;

fn rows(run: &Run, scales: &[f32]) -> Result<Arrays<'static>> {
    let array = |values: &[f32], width: usize| {
        Array2::from_shape_vec((values.len() / width, width), values.to_vec()).unwrap()
    };
    let mut y = array(&run.y, run.outputs);
    for (mut column, scale) in y.columns_mut().into_iter().zip(scales) {
        column /= *scale;
    }
    Arrays::new(array(&run.x, 3), y)?.with_weights(Array1::from(run.weights.clone()))
}

fn model(run: &Run) -> Result<Model> {
    let task = match run.classes {
        0 => Task::Regression {
            outputs: run.outputs,
        },
        2 => Task::Binary,
        classes => Task::Multiclass { classes },
    };
    let metrics = if run.classes == 0 {
        ["mae", "mse", "rmse", "r2"]
            .map(|word| Metric::parse(word).unwrap())
            .to_vec()
    } else {
        vec![]
    };
    let adam = Optimizer::parse(r#"{"adam": {"learning_rate": 0.01}}"#)?;
    let layers = Sequential::from_json(&run.model)?;
    let mut model = layers.compile(3, task, adam, Loss::parse(&run.loss)?, metrics, 1.0)?;
    model.set_weights(run.before.clone(), &mut Clock::new())?;
    Ok(model)
}

fn runs() -> Vec<Run> {
    serde_json::from_str(include_str!("keras/weighted.json")).unwrap()
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < TOLERANCE * (1.0 + b.abs())
}

#[test]
fn rows_count_as_keras_counts_them_on_every_number_of_threads() -> Result<()> {
    for run in runs() {
        for threads in [1, 3] {
            let mut model = model(&run)?;
            let mut data = rows(&run, &[])?;
            let options = FitOptions {
                epochs: 2,
                batch_size: 10,
                shuffle: false,
                seed: 0,
                callbacks: vec![],
                max_seconds: None,
            };
            let pool = Pool::new(threads)?;
            let history = model.fit(&mut data, None, &options, &mut Clock::new(), &pool)?;
            for (logs, loss) in history.epochs.iter().zip(&run.losses) {
                assert!(
                    is_near(logs.loss, *loss),
                    "{}: loss {} instead of {loss}",
                    run.name,
                    logs.loss
                );
            }
            for (got, wanted) in model.weights().iter().zip(&run.after) {
                assert!(
                    is_near(f64::from(*got), f64::from(*wanted)),
                    "{}: a weight is {got} instead of {wanted}",
                    run.name
                );
            }
            let evaluated = model.evaluate(&mut data, 10, &mut Clock::new(), &pool)?;
            assert!(
                is_near(evaluated.loss, run.evaluated["loss"]),
                "{}: {evaluated:?}",
                run.name
            );
            for (name, value) in evaluated.metrics {
                let wanted = run.evaluated[&name];
                assert!(
                    is_near(value, wanted),
                    "{}: {name} is {value} instead of {wanted}",
                    run.name
                );
            }
        }
    }
    Ok(())
}

/// Targets divided by scales of their own, and predictions with them, have Keras's metrics of what they were before.
#[test]
fn metrics_of_several_outputs_are_in_their_own_units() -> Result<()> {
    let is_linear = |run: &Run| {
        let layers = run.model.pointer("/config/layers");
        let last = layers.and_then(|layers| layers.as_array()?.last());
        last.is_some_and(|last| last["config"]["activation"] == "linear")
    };
    for run in runs() {
        if run.outputs == 1 || !is_linear(&run) {
            continue;
        }
        let scales: Vec<f32> = (0..run.outputs).map(|i| [0.5, 4.0, 0.125][i]).collect();
        // The last layer's kernel (8, outputs) and bias follow the first's (3, 8) and 8.
        let mut weights = run.after.clone();
        for (i, weight) in weights[32..].iter_mut().enumerate() {
            *weight /= scales[i % run.outputs];
        }
        let mut model = model(&run)?;
        model.set_weights(weights, &mut Clock::new())?;
        let scales: Vec<f64> = scales.into_iter().map(f64::from).collect();
        let standards = scales.iter().map(|&std| Standard { mean: 0.0, std });
        let model = model.with_target_scales(standards.collect())?;
        let mut data = rows(
            &run,
            &scales.iter().map(|it| *it as f32).collect::<Vec<_>>(),
        )?;
        let evaluated = model.evaluate(&mut data, 10, &mut Clock::new(), &Pool::new(1)?)?;
        for (name, value) in evaluated.metrics {
            let wanted = run.evaluated[&name];
            assert!(
                is_near(value, wanted),
                "{}: {name} {value} {wanted}",
                run.name
            );
        }
        assert!(model.with_target_scales(vec![Standard::PLAIN]).is_err());
    }
    Ok(())
}

#[test]
fn weights_of_one_change_no_bit_and_bad_ones_are_refused() -> Result<()> {
    let options = FitOptions {
        epochs: 2,
        batch_size: 32,
        shuffle: true,
        seed: 7,
        callbacks: vec![],
        max_seconds: None,
    };
    let run = &runs()[0];
    let mut fitted = Vec::new();
    for weights in [None, Some(Array1::ones(100))] {
        let array = |values: &[f32]| Array2::from_shape_vec((100, 3), values.to_vec()).unwrap();
        let mut data = Arrays::new(array(&run.x), array(&run.y))?;
        if let Some(weights) = weights {
            data = data.with_weights(weights)?;
        }
        let mut model = model(run)?;
        model.fit(&mut data, None, &options, &mut Clock::new(), &Pool::new(1)?)?;
        fitted.push(model.weights().to_vec());
    }
    assert!(fitted[0] == fitted[1]);
    let arrays = || Arrays::new(Array2::zeros((2, 1)), Array2::zeros((2, 1)));
    for weights in [[1.0, -1.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
        assert!(
            arrays()?
                .with_weights(Array1::from(weights.to_vec()))
                .is_err()
        );
    }
    assert!(arrays()?.with_weights(Array1::ones(3)).is_err());
    Ok(())
}
