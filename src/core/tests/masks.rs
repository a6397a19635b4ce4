//! Embedding with `mask_zero`: steps of index 0 are not there. Keras's numbers are in keras/cases/masks.py; here is what every
//! stack of layers has to do with them.

mod data;
#[path = "data/slopes.rs"]
mod slopes;

use data::{Clock, REGRESSION, Rows, bits, numbers, options, weights_of};
use serde_json::{Value as Json, json};
use tablenet_core::*;

const STEPS: usize = 6;

/// Indices, many of them 0; the first row has nothing else.
fn words(rows: usize, seed: u32) -> Vec<f32> {
    let drawn = numbers(rows * STEPS, seed);
    let word = |(i, x): (usize, f32)| {
        let index = (x * 12.0).max(0.0).floor().min(9.0);
        if i < STEPS { 0.0 } else { index }
    };
    drawn.into_iter().enumerate().map(word).collect()
}

fn rows(count: usize) -> Rows {
    let x = words(count, 5);
    let y = x.chunks(STEPS).map(|x| (x[0] - x[3]) / 9.0).collect();
    Rows::new(x, y, STEPS, 1)
}

fn compile(layers: &Json, optimizer: &str) -> Result<Model> {
    let optimizer = Optimizer::parse(optimizer)?;
    Sequential::from_json(layers)?.compile(STEPS, REGRESSION, optimizer, Loss::MSE, vec![], 1.0)
}

/// `middle` and `end` between an Embedding that masks and one answer.
fn stack(middle: &Json, end: &Json) -> Json {
    json!([
        {"class_name": "Embedding", "config": {"input_dim": 10, "output_dim": 4, "mask_zero": true}},
        middle, end, {"class_name": "Dense", "config": {"units": 1}},
    ])
}

/// Recurrent layers of every kind, with `more` settings.
fn recurrent(more: &Json) -> Vec<Json> {
    let mut all = Vec::new();
    for (class, own) in [
        ("SimpleRNN", json!({})),
        ("LSTM", json!({"unit_forget_bias": false})),
        (
            "LSTM",
            json!({"go_backwards": true, "zero_output_for_mask": true}),
        ),
        ("GRU", json!({"activation": "softsign"})),
        ("GRU", json!({"reset_after": false, "go_backwards": true})),
        (
            "GRU",
            json!({"reset_after": false, "zero_output_for_mask": true}),
        ),
    ] {
        let mut config = json!({"units": 3});
        for part in [own, more.clone()] {
            for (key, value) in part.as_object().unwrap() {
                config[key] = value.clone();
            }
        }
        all.push(json!({"class_name": class, "config": config}));
    }
    let mut forth = all.clone();
    forth.retain(|layer| !layer.to_string().contains("go_backwards"));
    for (layer, mode) in forth.iter().zip(["concat", "sum", "mul", "ave"]) {
        all.push(
            json!({"class_name": "Bidirectional", "config": {"layer": layer, "merge_mode": mode}}),
        );
    }
    all
}

/// Layers that answer for every step and differ in nothing but smooth functions.
fn smooth() -> Vec<Json> {
    let mut all = recurrent(&json!({"return_sequences": true}));
    let dense = json!({"class_name": "Dense", "config": {"units": 4, "activation": "tanh"}});
    all.extend([
        json!({"class_name": "TimeDistributed", "config": {"layer": dense}}),
        dense,
        json!({"class_name": "Activation", "config": {"activation": "softmax"}}),
        json!({"class_name": "LayerNormalization"}),
        json!({"class_name": "Conv1D", "config": {"filters": 3, "kernel_size": 2}}),
        json!({"class_name": "AveragePooling1D", "config": {"pool_size": 2}}),
    ]);
    all
}

/// Layers that answer for every step.
fn middles() -> Vec<Json> {
    let mut all = smooth();
    all.extend(recurrent(
        &json!({"return_sequences": true, "dropout": 0.2, "recurrent_dropout": 0.3}),
    ));
    all.extend([
        json!({"class_name": "Dropout", "config": {"rate": 0.3}}),
        json!({"class_name": "GaussianNoise", "config": {"stddev": 0.1}}),
        json!({"class_name": "BatchNormalization", "config": {"momentum": 0.5}}),
        json!({"class_name": "BatchNormalization", "config": {"trainable": false}}),
        json!({"class_name": "PReLU"}),
        json!({"class_name": "LeakyReLU"}),
        json!({"class_name": "ReLU"}),
        json!({"class_name": "ELU"}),
        json!({"class_name": "MaxPooling1D", "config": {"pool_size": 2}}),
        json!({"class_name": "Reshape", "config": {"target_shape": [3, 8]}}),
    ]);
    all
}

/// Layers that make one answer of all steps.
fn ends() -> Vec<Json> {
    let mut all = recurrent(&json!({}));
    all.extend(["Flatten", "GlobalAveragePooling1D", "GlobalMaxPooling1D"].map(Json::from));
    all
}

fn with_weights(layers: &Json, optimizer: &str, seed: u32) -> Model {
    let mut model = compile(layers, optimizer).unwrap_or_else(|e| panic!("{layers}: {e}"));
    let weights = weights_of(&model, seed);
    model.set_weights(weights, &mut Clock::new()).unwrap();
    model
}

fn answers(model: &Model, x: &[f32]) -> Vec<f32> {
    let plan = Plan::new(model, &mut Clock::new()).unwrap();
    let mut scratch = plan.scratch().unwrap();
    x.chunks(STEPS)
        .map(|x| {
            scratch.input_mut().copy_from_slice(x);
            plan.run(&mut scratch)[0]
        })
        .collect()
}

#[test]
fn all_pairs_of_layers_train_and_score_like_all_others() {
    for (i, middle) in middles().iter().enumerate() {
        for (j, end) in ends().iter().enumerate() {
            let layers = stack(middle, end);
            let json = compile(&layers, "adam").unwrap().sequential().to_json();
            assert_eq!(Sequential::from_json(&json).unwrap().to_json(), json);
            let seed = (100 * i + j) as u32;
            let train = |threads: usize| {
                let mut model = with_weights(&json, "adam", seed);
                let pool = Pool::new(threads).unwrap();
                let fitted = model.fit(
                    &mut rows(150),
                    None,
                    &options(1, 150),
                    &mut Clock::new(),
                    &pool,
                );
                fitted.unwrap_or_else(|error| panic!("{layers}: {error}"));
                model
            };
            let model = train(1);
            assert!(
                bits(model.weights()) == bits(train(2).weights()),
                "{layers}"
            );
            let mut rows = rows(150);
            let pool = Pool::new(1).unwrap();
            let evaluated = model
                .evaluate(&mut rows, 150, &mut Clock::new(), &pool)
                .unwrap();
            let found = answers(&model, &rows.x);
            let apart = found
                .iter()
                .zip(&rows.y)
                .map(|(a, b)| f64::from(a - b) * f64::from(a - b));
            let loss = apart.sum::<f64>() / 150.0;
            assert!(
                (loss - evaluated.loss).abs() < 1e-5 * (1.0 + loss),
                "{layers}: {loss}, {}",
                evaluated.loss
            );
        }
    }
}

/// Central differences of the loss of a few rows, which Keras need not be asked for.
#[test]
fn gradients_equal_differences() {
    for (i, middle) in smooth().iter().enumerate() {
        for (j, end) in ends().iter().enumerate() {
            if end == "GlobalMaxPooling1D" {
                continue;
            }
            let layers = stack(middle, end);
            let sgd = r#"{"sgd": {"learning_rate": 1.0}}"#;
            let mut model = with_weights(&layers, sgd, (100 * i + j) as u32);
            slopes::compare(&mut model, &mut rows(6), 6, 17, &layers.to_string());
        }
    }
}

/// Three words have one meaning wherever the zeros between them stand, and the vector of index 0 none.
#[test]
fn padding_says_nothing_wherever_it_stands() {
    let mut ends = recurrent(&json!({}));
    // This one answers zeros where it ends on a step that is not there.
    ends.retain(|end| !end.to_string().contains("zero_output_for_mask"));
    ends.push("GlobalAveragePooling1D".into());
    let mut middles = recurrent(&json!({"return_sequences": true}));
    // Keras does not turn the mask of what goes backwards.
    middles.retain(|middle| {
        middle["class_name"] == "Bidirectional" || !middle.to_string().contains("go_backwards")
    });
    middles.push(json!({"class_name": "Dense", "config": {"units": 4, "activation": "tanh"}}));
    middles.push(json!({"class_name": "LayerNormalization"}));
    middles.push(json!({"class_name": "BatchNormalization"}));
    let sgd = r#"{"sgd": {"learning_rate": 0.1}}"#;
    for (i, middle) in middles.iter().enumerate() {
        for (j, end) in ends.iter().enumerate() {
            let layers = stack(middle, end);
            let mut model = with_weights(&layers, sgd, (100 * i + j) as u32);
            let spread = [
                [3.0, 7.0, 1.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 3.0, 7.0, 1.0],
                [0.0, 3.0, 0.0, 7.0, 0.0, 1.0],
                [7.0, 3.0, 1.0, 0.0, 0.0, 0.0],
            ];
            let found = answers(&model, &spread.concat());
            assert!(found[0].is_finite(), "{layers}");
            assert!(
                found[..3].iter().all(|y| y.to_bits() == found[0].to_bits()),
                "{layers}: {found:?}"
            );
            let order = end != "GlobalAveragePooling1D" || middle.to_string().contains("units\":3");
            assert_eq!(found[3] != found[0], order, "{layers}: {found:?}");

            let pool = Pool::new(1).unwrap();
            let before = model.weights().to_vec();
            model
                .fit(
                    &mut rows(40),
                    None,
                    &options(2, 20),
                    &mut Clock::new(),
                    &pool,
                )
                .unwrap();
            let after = model.weights();
            assert!(bits(&before[..4]) == bits(&after[..4]), "{layers}");
            assert!(bits(&before[4..40]) != bits(&after[4..40]), "{layers}");
        }
    }
}

#[test]
fn a_row_of_nothing_is_zeros_and_not_nan() {
    for end in ends() {
        let middle =
            json!({"class_name": "LSTM", "config": {"units": 3, "return_sequences": true}});
        for middle in [
            middle,
            json!({"class_name": "Dropout", "config": {"rate": 0.1}}),
        ] {
            if end == "Flatten" || end == "GlobalMaxPooling1D" {
                continue;
            }
            let layers = stack(&middle, &end);
            let model = with_weights(&layers, "adam", 9);
            let bias = model.weights()[model.parameters() - 1];
            assert_eq!(answers(&model, &[0.0; STEPS]), [bias], "{layers}");
        }
    }
}

#[test]
fn what_cannot_take_a_mask_says_so() {
    let lstm = json!({"class_name": "LSTM", "config": {"units": 3}});
    let distributed =
        |layer: Json| json!({"class_name": "TimeDistributed", "config": {"layer": layer}});
    let words = |dims: &[usize], layers: Vec<Json>| {
        let mut all = vec![
            json!({"class_name": "Reshape", "config": {"target_shape": dims}}),
            json!({"class_name": "Embedding", "config": {"input_dim": 10, "output_dim": 4, "mask_zero": true}}),
        ];
        all.extend(layers);
        all.extend([
            json!("Flatten"),
            json!({"class_name": "Dense", "config": {"units": 1}}),
        ]);
        Json::Array(all)
    };
    for (layers, layer, shape) in [
        (words(&[6], vec![json!("Softmax")]), "Softmax", "(6, 4)"),
        (
            words(&[6], vec![distributed(json!("Softmax"))]),
            "Softmax",
            "(4)",
        ),
        (
            words(
                &[2, 3],
                vec![
                    json!("BatchNormalization"),
                    distributed(distributed(json!("Softmax"))),
                ],
            ),
            "Softmax",
            "(4)",
        ),
        (
            words(&[2, 3], vec![distributed(lstm.clone()), lstm.clone()]),
            "LSTM",
            "(2, 3)",
        ),
        (
            words(
                &[2, 3],
                vec![distributed(lstm.clone()), json!("GlobalAveragePooling1D")],
            ),
            "GlobalAveragePooling1D",
            "(2, 3)",
        ),
        (
            words(
                &[2, 3],
                vec![
                    distributed(lstm.clone()),
                    json!({"class_name": "Bidirectional", "config": {"layer": lstm}}),
                ],
            ),
            "Bidirectional",
            "(2, 3)",
        ),
        (
            words(
                &[2, 3],
                vec![distributed(lstm.clone()), json!("BatchNormalization")],
            ),
            "BatchNormalization",
            "(2, 3)",
        ),
    ] {
        let error = compile(&layers, "adam").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{layers}: {error}");
        let wanted = format!(
            "{layer} cannot take rows of shape {shape} of which an Embedding with mask_zero has masked steps"
        );
        assert_eq!(error.to_string(), wanted);
        assert!(error.hint_text().is_some());
    }
    // Those that lose it take any.
    for layers in [
        words(&[2, 3], vec![distributed(lstm.clone())]),
        words(&[6], vec![json!("Flatten"), json!("Softmax")]),
        words(
            &[6],
            vec![
                json!({"class_name": "Conv1D", "config": {"filters": 2, "kernel_size": 2}}),
                json!("Softmax"),
            ],
        ),
        words(
            &[6],
            vec![lstm, json!("BatchNormalization"), json!("Softmax")],
        ),
    ] {
        compile(&layers, "adam").unwrap_or_else(|error| panic!("{layers}: {error}"));
    }
}
