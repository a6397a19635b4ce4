//! Layers that normalise, and their neighbours, at the edges: one row, one number, settings that cannot be, large batches.

mod data;

use data::{Clock, REGRESSION, Rows, options};
use serde_json::{Value as Json, json};
use tablenet_core::*;

fn compile(layers: &Json, inputs: usize) -> Result<Model> {
    let sgd = Optimizer::parse(r#"{"sgd": {"learning_rate": 0.01}}"#)?;
    let loss = Loss::MSE;
    Sequential::from_json(layers)?.compile(inputs, REGRESSION, sgd, loss, vec![], 1.0)
}

fn fitted(layers: &Json, rows: &mut Rows, batch_size: usize, threads: usize) -> Result<Model> {
    let mut model = compile(layers, rows.inputs)?;
    model.initialize(5, &mut Clock::new())?;
    let pool = Pool::new(threads)?;
    let options = options(1, batch_size);
    model.fit(rows, None, &options, &mut Clock::new(), &pool)?;
    Ok(model)
}

fn weights<'m>(model: &'m Model, path: &str) -> &'m [f32] {
    let variables = model.variables();
    let variable = variables.iter().find(|v| v.path == path).unwrap();
    let size: usize = variable.shape.iter().product();
    &model.weights()[variable.offset..][..size]
}

fn scores(model: &Model, rows: &Rows) -> Vec<f32> {
    let plan = Plan::new(model, &mut Clock::new()).unwrap();
    let mut scratch = plan.scratch().unwrap();
    let score = |x: &[f32]| {
        scratch.input_mut().copy_from_slice(x);
        plan.run(&mut scratch)[0]
    };
    rows.x.chunks(rows.inputs).map(score).collect()
}

fn refusal(layers: Json, inputs: usize) -> String {
    compile(&layers, inputs).expect_err("refused").to_string()
}

fn dense(units: usize) -> Json {
    json!({"class_name": "Dense", "config": {"units": units}})
}

#[test]
fn a_batch_of_one_row_has_no_deviation() {
    let normalization = json!({"class_name": "BatchNormalization", "config": {"momentum": 0.75}});
    let layers = json!([normalization, dense(1)]);
    let mut rows = Rows::new(vec![3.0, -8.0], vec![1.0], 2, 1);
    let model = fitted(&layers, &mut rows, 1, 1).unwrap();
    let own = |name: &str| weights(&model, &format!("batch_normalization/{name}"));
    assert_eq!(own("moving_mean"), [0.75, -2.0]);
    assert_eq!(own("moving_variance"), [0.75, 0.75]);
    // Every number is its mean: gamma has no gradient.
    assert_eq!(own("gamma"), [1.0, 1.0]);
    assert_ne!(own("beta"), [0.0, 0.0]);
}

#[test]
fn a_row_of_one_number_is_its_own_mean() {
    let beta = json!({"class_name": "Constant", "config": {"value": 0.5}});
    let layers = json!([
        {"class_name": "LayerNormalization", "config": {"beta_initializer": beta, "epsilon": 1e-7}},
        dense(1),
    ]);
    let mut model = compile(&layers, 1).unwrap();
    model
        .set_weights(vec![1.0, 0.5, 2.0, 0.0], &mut Clock::new())
        .unwrap();
    let rows = Rows::new(vec![3.0, -8e9, 1e-30], vec![1.0; 3], 1, 1);
    assert_eq!(scores(&model, &rows), [1.0; 3]);
    let mut rows = rows;
    let model = fitted(&layers, &mut rows, 2, 1).unwrap();
    assert_eq!(weights(&model, "layer_normalization/gamma"), [1.0]);
}

#[test]
fn scores_are_those_of_training_without_a_batch() {
    let layers = json!([
        dense(5), {"class_name": "BatchNormalization", "config": {"momentum": 0.5}}, "PReLU",
        {"class_name": "GaussianNoise", "config": {"stddev": 0.5}}, "LayerNormalization", dense(1),
    ]);
    let mut rows = Rows::of(64, 3, |x| x[0] - 2.0 * x[1]);
    let model = fitted(&layers, &mut rows, 16, 1).unwrap();
    let scores = scores(&model, &rows);
    let loss = scores.iter().zip(&rows.y);
    let loss: f64 = loss.map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>() / 64.0;
    let pool = Pool::new(1).unwrap();
    for batch_size in [1, 7, 64] {
        let evaluated = model
            .evaluate(&mut rows, batch_size, &mut Clock::new(), &pool)
            .unwrap();
        assert!(
            (evaluated.loss - loss).abs() < 1e-6,
            "{} {loss}",
            evaluated.loss
        );
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let layers = json!([
        dense(40), "BatchNormalization", "ReLU", {"class_name": "Dropout", "config": {"rate": 0.2}},
        {"class_name": "GaussianNoise", "config": {"stddev": 0.2}}, dense(30), "PReLU", "LayerNormalization", dense(1),
    ]);
    let mut rows = Rows::of(1500, 6, |x| x[0] * x[1]);
    for batch_size in [1, 32, 1000] {
        let one = fitted(&layers, &mut rows, batch_size, 1).unwrap();
        for threads in [2, 3] {
            let other = fitted(&layers, &mut rows, batch_size, threads).unwrap();
            assert!(one.weights() == other.weights(), "{batch_size}, {threads}");
        }
    }
}

#[test]
fn noise_comes_while_training_only_and_by_the_seed() {
    let layers = |stddev: f64, seed: Option<u64>| json!([{"class_name": "GaussianNoise", "config": {"stddev": stddev, "seed": seed}}, dense(1)]);
    let mut rows = Rows::of(256, 3, |x| x[0]);
    let mut trained = |stddev, seed| {
        let model = fitted(&layers(stddev, seed), &mut rows, 32, 1).unwrap();
        model.weights().to_vec()
    };
    assert_eq!(trained(0.0, None), trained(0.0, Some(3)));
    assert_eq!(trained(0.5, Some(3)), trained(0.5, Some(3)));
    let several = [
        trained(0.0, None),
        trained(0.5, None),
        trained(0.5, Some(3)),
        trained(0.4, None),
    ];
    for (i, a) in several.iter().enumerate() {
        assert!(several[..i].iter().all(|b| a != b));
    }
}

#[test]
fn slopes_have_the_shapes_of_keras() {
    let shape = |axes: Json| {
        let layers = json!([
            {"class_name": "Reshape", "config": {"target_shape": [2, 3, 4]}},
            {"class_name": "PReLU", "config": {"shared_axes": axes}}, "Flatten", dense(1),
        ]);
        compile(&layers, 24).map(|model| model.variables()[0].shape.clone())
    };
    for (axes, dims) in [
        (json!(null), [2, 3, 4]),
        (json!([1]), [1, 3, 4]),
        (json!(2), [2, 1, 4]),
        (json!([3, 1]), [1, 3, 1]),
        (json!([1, 2, 3]), [1, 1, 1]),
    ] {
        assert_eq!(shape(axes).unwrap(), dims);
    }
    assert_eq!(
        shape(json!([4])).unwrap_err().to_string(),
        "shared axis 4 of PReLU is none of a row of shape (2, 3, 4)"
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let one =
        |class: &str, config: Json| json!([{"class_name": class, "config": config}, dense(1)]);
    for (class, config, message) in [
        (
            "ReLU",
            json!({"max_value": -1}),
            "max_value of ReLU must be at least 0, not -1",
        ),
        (
            "ReLU",
            json!({"threshold": 1e39}),
            "threshold of ReLU must be at least 0, not 1000000000000000000000000000000000000000",
        ),
        (
            "LeakyReLU",
            json!({"negative_slope": -0.1}),
            "negative_slope of LeakyReLU must be at least 0, not -0.1",
        ),
        (
            "LeakyReLU",
            json!({"slope": 1}),
            "unknown setting \"slope\" of LeakyReLU",
        ),
        ("GaussianNoise", json!({}), "GaussianNoise needs stddev"),
        (
            "GaussianNoise",
            json!({"stddev": 1.5}),
            "stddev of GaussianNoise must be from 0 to 1, not 1.5",
        ),
        (
            "Softmax",
            json!({"axis": 2}),
            "axis 2 of Softmax is not supported on rows of shape (4)",
        ),
        (
            "Softmax",
            json!({"axis": "last"}),
            "axis of Softmax must be a number or a list of numbers, not \"last\"",
        ),
        (
            "BatchNormalization",
            json!({"axis": 0}),
            "axis 0 of BatchNormalization is not supported on rows of shape (4)",
        ),
        (
            "BatchNormalization",
            json!({"axis": [1, 2]}),
            "BatchNormalization takes one axis, not 2",
        ),
        (
            "BatchNormalization",
            json!({"momentum": 1.1}),
            "momentum of BatchNormalization must be from 0 to 1, not 1.1",
        ),
        (
            "BatchNormalization",
            json!({"epsilon": -1e-3}),
            "epsilon of BatchNormalization must be at least 0, not -0.001",
        ),
        (
            "BatchNormalization",
            json!({"renorm": true}),
            "renorm of BatchNormalization is not supported",
        ),
        (
            "BatchNormalization",
            json!({"gamma_constraint": "NonNegative"}),
            "unknown constraint \"NonNegative\" in BatchNormalization",
        ),
        (
            "LayerNormalization",
            json!({"rms_scaling": true}),
            "rms_scaling of LayerNormalization is not supported",
        ),
        (
            "LayerNormalization",
            json!({"axis": [1, 1]}),
            "axis 1, 1 of LayerNormalization is not supported on rows of shape (4)",
        ),
        (
            "PReLU",
            json!({"shared_axes": [0]}),
            "shared_axes of PReLU must be a list of dimensions from 1 on, not 0",
        ),
        (
            "Activation",
            json!({"activation": "glu"}),
            "activation glu is not supported in Activation",
        ),
    ] {
        assert_eq!(refusal(one(class, config), 4), message);
    }
    let error = compile(&json!([{"class_name": "BatchNormalisation"}, dense(1)]), 4).unwrap_err();
    assert!(
        error
            .hint_text()
            .unwrap()
            .starts_with("Did you mean \"BatchNormalization\"?")
    );
}

#[test]
fn a_variance_below_zero_is_no_variance() {
    let mut model = compile(&json!(["BatchNormalization", dense(1)]), 2).unwrap();
    let weights = vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -0.5, 1.0, 1.0, 0.0];
    model.set_weights(weights, &mut Clock::new()).unwrap();
    let error = Plan::new(&model, &mut Clock::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "moving_variance 1 of batch_normalization is -0.5"
    );
}

#[test]
fn a_large_batch_asks_for_interrupts_on_its_way() {
    const ROWS: usize = 60_000;
    let layers = json!([
        dense(32), "BatchNormalization", "ReLU", {"class_name": "Dropout", "config": {"rate": 0.2}},
        {"class_name": "GaussianNoise", "config": {"stddev": 0.2}}, "PReLU", "LayerNormalization", dense(1),
    ]);
    let mut rows = Rows::of(ROWS, 4, |x| x[0]);
    let mut model = compile(&layers, 4).unwrap();
    model.initialize(1, &mut Clock::new()).unwrap();
    let (pool, mut clock) = (Pool::new(1).unwrap(), Clock::new());
    model
        .fit(&mut rows, None, &options(1, ROWS), &mut clock, &pool)
        .unwrap();
    println!(
        "{} checks, {:.4} s at the longest",
        clock.checks, clock.longest
    );
    // Two million numbers a layer.
    assert!(clock.checks > 250, "{}", clock.checks);
    let mut clock = Clock::cancelling_at(clock.checks / 2);
    let cancelled = model.fit(&mut rows, None, &options(1, ROWS), &mut clock, &pool);
    assert!(cancelled.is_err());
}
