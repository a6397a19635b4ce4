//! Fifty steps of training, number by number against Keras: keras/fifty_steps.py wrote keras/fifty_steps.json, keras/steps.py
//! keras/steps.json, and keras/embedding.py keras/embedding.json. How first weights are spread: keras/initializers.py.

mod data;

use data::{Clock, Rows};
use serde::Deserialize;
use tablenet_core::*;

#[derive(Deserialize)]
struct Run {
    name: String,
    #[serde(default)]
    inputs: usize,
    classes: usize,
    #[serde(default)]
    model: serde_json::Value,
    optimizer: serde_json::Value,
    loss: String,
    paths: Vec<String>,
    x: Vec<f32>,
    y: Vec<f32>,
    before: Vec<f32>,
    after: Vec<f32>,
    losses: Vec<f64>,
    evaluated: f64,
    predicted: Vec<f32>,
}

/// A model with embeddings.
#[derive(Deserialize)]
struct Embedded {
    /// For every input `null`, or vocabulary and dim.
    columns: Vec<Option<[usize; 2]>>,
    layers: serde_json::Value,
    #[serde(flatten)]
    run: Run,
}

const TOLERANCE: f64 = 1e-4;

#[test]
fn fifty_steps_end_where_keras_ends() {
    compare(include_str!("keras/fifty_steps.json"), 5);
}

#[test]
fn rows_of_steps_end_where_keras_ends() {
    compare(include_str!("keras/steps.json"), 16);
}

fn compare(text: &str, count: usize) {
    let runs: Vec<Run> = serde_json::from_str(text).unwrap();
    assert_eq!(runs.len(), count);
    for mut run in runs {
        // Keras puts the model's name in front.
        for path in &mut run.paths {
            *path = path.split_once('/').unwrap().1.to_owned();
        }
        check(run.inputs, run);
    }
}

#[test]
fn embeddings_end_where_keras_ends() {
    let runs: Vec<Embedded> = serde_json::from_str(include_str!("keras/embedding.json")).unwrap();
    assert_eq!(runs.len(), 2);
    for Embedded {
        columns,
        layers,
        run,
    } in runs
    {
        let embedding = |(input, column): (usize, &Option<[usize; 2]>)| {
            let [vocabulary, dim] = (*column)?;
            Some(EmbeddingInput {
                input,
                vocabulary,
                dim,
            })
        };
        let inputs = Inputs {
            width: columns.len(),
            embeddings: columns.iter().enumerate().filter_map(embedding).collect(),
        };
        check(
            inputs,
            Run {
                model: layers,
                ..run
            },
        );
    }
}

fn check(inputs: impl Into<Inputs>, run: Run) {
    let task = match run.classes {
        0 => Task::Regression { outputs: 1 },
        2 => Task::Binary,
        classes => Task::Multiclass { classes },
    };
    let optimizer = match &run.optimizer {
        serde_json::Value::String(word) => Optimizer::parse(word).unwrap(),
        json => Optimizer::parse(&json.to_string()).unwrap(),
    };
    let sequential = Sequential::from_json(&run.model).unwrap();
    let inputs = inputs.into();
    let width = inputs.width;
    let mut model = sequential
        .compile(
            inputs,
            task,
            optimizer,
            Loss::parse(&run.loss).unwrap(),
            vec![],
            1.0,
        )
        .unwrap();
    let paths: Vec<&str> = model.variables().iter().map(|v| v.path.as_str()).collect();
    assert_eq!(paths, run.paths, "{}", run.name);
    model
        .set_weights(run.before.clone(), &mut Clock::new())
        .unwrap();
    let mut rows = Rows::new(run.x, run.y, width, 1);
    let options = FitOptions {
        epochs: 5,
        batch_size: 10,
        shuffle: false,
        seed: 0,
        callbacks: vec![],
        max_seconds: None,
    };
    let pool = Pool::new(1).unwrap();
    let history = model
        .fit(&mut rows, None, &options, &mut Clock::new(), &pool)
        .unwrap();
    for (logs, loss) in history.epochs.iter().zip(&run.losses) {
        assert!(
            (logs.loss - loss).abs() < TOLERANCE,
            "{}: loss {} instead of {loss} in epoch {}",
            run.name,
            logs.loss,
            logs.epoch
        );
    }
    let mut worst = 0f64;
    for (got, wanted) in model.weights().iter().zip(&run.after) {
        worst = worst.max(f64::from((got - wanted).abs()));
    }
    let moved = run
        .before
        .iter()
        .zip(&run.after)
        .fold(0f32, |m, (a, b)| m.max((a - b).abs()));
    println!(
        "{}: weights moved by up to {moved}, and are at most {worst:.1e} from Keras's",
        run.name
    );
    assert!(worst < TOLERANCE, "{}: a weight is {worst} away", run.name);
    let evaluated = model
        .evaluate(&mut rows, 10, &mut Clock::new(), &pool)
        .unwrap();
    assert!(
        (evaluated.loss - run.evaluated).abs() < TOLERANCE,
        "{}: {} instead of {}",
        run.name,
        evaluated.loss,
        run.evaluated
    );

    let plan = Plan::new(&model, &mut Clock::new()).unwrap();
    let mut scratch = plan.scratch().unwrap();
    let outputs = plan.outputs();
    let recurrent = run.model.to_string().contains("recurrent_initializer");
    let mut loss = 0.0;
    for (i, x) in rows.x.chunks(width).enumerate() {
        scratch.input_mut().copy_from_slice(x);
        for (got, wanted) in plan
            .run(&mut scratch)
            .iter()
            .zip(&run.predicted[i * outputs..])
        {
            // What is not bounded grows from step to step.
            let relative = if recurrent { 1e-3 * wanted.abs() } else { 0.0 };
            assert!(
                (got - wanted).abs() < 1e-4 + relative,
                "{}: row {i} is {got} instead of {wanted}",
                run.name
            );
        }
        loss += plan.loss(&scratch, &rows.y[i..i + 1]) / 100.0;
    }
    assert!(
        (loss - evaluated.loss).abs() < 1e-5,
        "{}: {loss} instead of {}",
        run.name,
        evaluated.loss
    );
}

/// What keras/initializers.py found.
#[derive(Deserialize)]
struct First {
    initializer: serde_json::Value,
    shape: Vec<usize>,
    exact: Option<Vec<f32>>,
    spread: Option<Spread>,
}

#[derive(Deserialize)]
struct Spread {
    mean: f64,
    deviation: f64,
    least: f64,
    most: f64,
}

#[test]
fn first_weights_are_spread_as_in_keras() {
    let all: Vec<First> = serde_json::from_str(include_str!("keras/initializers.json")).unwrap();
    assert_eq!(all.len(), 24);
    for first in all {
        let what = format!("{} of {:?}", first.initializer, first.shape);
        let w = first_weights(&first);
        if let Some(exact) = first.exact {
            assert_eq!(w, exact, "{what}");
            continue;
        }
        let keras = first.spread.unwrap();
        let count = w.len() as f64;
        let mean = w.iter().map(|w| f64::from(*w)).sum::<f64>() / count;
        let away = w.iter().map(|w| f64::from(*w) - mean);
        let squares = away.map(|away| away * away);
        let deviation = (squares.sum::<f64>() / count).sqrt();
        let ends = w.iter().fold((f64::MAX, f64::MIN), |(least, most), &w| {
            (least.min(f64::from(w)), most.max(f64::from(w)))
        });
        // Of 60,000 numbers both means are this close with a chance of 1 - 1e-8.
        assert!(
            (mean - keras.mean).abs() < 8.0 * deviation / count.sqrt(),
            "{what}: {mean}"
        );
        assert!(
            (deviation / keras.deviation - 1.0).abs() < 0.02,
            "{what}: {deviation}"
        );
        // Ends are bounds, or the largest of many normal numbers.
        for (end, known) in [(ends.0, keras.least), (ends.1, keras.most)] {
            assert!((end - known).abs() < 1.6 * deviation, "{what}: {end}");
        }
    }
}

/// The kernel of a layer of this shape.
fn first_weights(first: &First) -> Vec<f32> {
    let kernel = first.initializer.clone();
    let layers = match *first.shape {
        [inputs, units] => serde_json::json!([
            {"class_name": "InputLayer", "config": {"batch_shape": [null, inputs]}},
            {"class_name": "Dense", "config": {"units": units, "kernel_initializer": kernel}},
        ]),
        [size, channels, filters] => serde_json::json!([
            {"class_name": "InputLayer", "config": {"batch_shape": [null, size, channels]}},
            {"class_name": "Conv1D", "config": {"filters": filters, "kernel_size": size, "kernel_initializer": kernel}},
            "GlobalMaxPooling1D", {"class_name": "Activation", "config": {"activation": "relu"}},
        ]),
        _ => panic!("a kernel of shape {:?}", first.shape),
    };
    let width = first.shape.iter().rev().skip(1).product::<usize>();
    let outputs = first.shape[first.shape.len() - 1];
    let sequential = Sequential::from_json(&layers).unwrap();
    let (optimizer, loss) = (Optimizer::default(), Loss::MSE);
    let task = Task::Regression { outputs };
    let mut model = sequential
        .compile(width, task, optimizer, loss, vec![], 1.0)
        .unwrap();
    model.initialize(7, &mut Clock::new()).unwrap();
    model.weights()[..width * outputs].to_vec()
}
