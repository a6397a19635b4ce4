//! What leaves comes back: every layer through every format, and refusals by name.

use crate::fixture::NoCallback;
use crate::import::{Import, columns::Columns};
use crate::random::Random;
use crate::target::Standard;
use crate::{
    ErrorKind, Format, Loss, ModelFile, Optimizer, Result, Results, Scorer, Sequential, Task, Value,
};
use serde_json::{Value as Json, json};

const LIMIT: u64 = 64 << 20;

/// A network behind one array, with random weights; `scale` is of its target.
fn network(layers: &Json, width: usize, scale: Standard) -> Result<ModelFile> {
    let sequential = Sequential::from_json(layers)?;
    let told = json!({"x": {"length": width}, "y": {"mean": scale.mean, "std": scale.std}});
    let columns = Columns::new(Some(&told), &["x", "y"])?;
    let preprocessing = columns.preprocessing(&["x"], None, LIMIT)?;
    let target = columns.regression("y", 1)?;
    let task = Task::Regression { outputs: 1 };
    let loss = Loss::parse("mse")?;
    let model = sequential
        .compile(
            preprocessing.inputs(),
            task,
            Optimizer::default(),
            loss,
            vec![],
            1.0,
        )?
        .with_target_scales(target.scales())?;
    let mut file = ModelFile {
        model,
        preprocessing,
        target,
        results: Results::default(),
    };
    let mut random = Random::new(1, 1);
    // Above 0, as variances have to be.
    let mut number = || (random.next() >> 40) as f32 / (1 << 25) as f32 + 0.1;
    let weights = (0..file.parameters()).map(|_| number()).collect();
    file.model.set_weights(weights, &mut NoCallback)?;
    Ok(file)
}

const PLAIN: Standard = Standard {
    mean: 0.0,
    std: 1.0,
};

fn layer(class: &str, config: Json) -> Json {
    json!({"class_name": class, "config": config})
}

/// The file that comes of `bytes`, with what they do not say.
fn back(bytes: &[u8], width: usize) -> Result<ModelFile> {
    let told = Import {
        features: Some(vec!["x".to_owned()]),
        target: Some("y".to_owned()),
        columns: Some(json!({"x": {"length": width}})),
        ..Import::default()
    };
    told.read(bytes, LIMIT, LIMIT, &mut NoCallback)
}

fn predict(file: &ModelFile, row: &[f64]) -> Result<f64> {
    let scorer = Scorer::new(file, &mut NoCallback)?;
    scorer.predict(
        [Value::Vector(crate::Vector::Double(row))],
        &mut scorer.scratch()?,
    )
}

/// Layers that take 12 steps of two channels, up to one answer.
fn stacks() -> Vec<Json> {
    let mut all = vec![json!([
        layer("Dense", json!({"units": 5, "activation": "tanh"})),
        layer("Dropout", json!({"rate": 0.5})),
        layer("Dense", json!({"units": 3, "use_bias": false})),
        layer("Activation", json!({"activation": "relu"})),
        layer("Dense", json!({"units": 1}))
    ])];
    let steps = |middle: Vec<Json>| {
        let first = layer("Reshape", json!({"target_shape": [12, 2]}));
        let last = layer("Dense", json!({"units": 1}));
        Json::Array([first].into_iter().chain(middle).chain([last]).collect())
    };
    for class in ["LSTM", "GRU", "SimpleRNN"] {
        let first = layer(class, json!({"units": 4, "return_sequences": true}));
        all.push(steps(vec![first, layer(class, json!({"units": 3}))]));
        all.push(steps(vec![layer(
            class,
            json!({"units": 4, "use_bias": false}),
        )]));
    }
    for padding in ["valid", "same", "causal"] {
        let conv =
            json!({"filters": 3, "kernel_size": 3, "padding": padding, "activation": "relu"});
        let pool = layer("MaxPooling1D", json!({"pool_size": 2}));
        all.push(steps(vec![
            layer("Conv1D", conv),
            pool,
            layer("Flatten", json!({})),
        ]));
    }
    let strided = json!({"filters": 3, "kernel_size": 4, "strides": 3, "padding": "same"});
    let global = layer("GlobalAveragePooling1D", json!({}));
    all.push(steps(vec![layer("Conv1D", strided), global.clone()]));
    // What a network may end with, too.
    let reshape = layer("Reshape", json!({"target_shape": [12, 2]}));
    let conv = layer("Conv1D", json!({"filters": 1, "kernel_size": 3}));
    all.push(json!([reshape, conv, global]));
    all.push(json!([reshape, layer("LSTM", json!({"units": 1}))]));
    for class in ["PReLU", "BatchNormalization"] {
        let dense = layer("Dense", json!({"units": 1}));
        all.push(json!([dense, layer(class, json!({}))]));
    }
    all
}

#[test]
fn every_weight_comes_back() -> Result<()> {
    for layers in stacks() {
        let file = network(&layers, 24, PLAIN)?;
        for format in [Format::Safetensors, Format::Pytorch] {
            let bytes = file.export(format, &mut NoCallback)?;
            safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
            let again = back(&bytes, 24)?;
            assert_eq!(
                again.model().weights(),
                file.model().weights(),
                "{format:?} {layers}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_scale_goes_into_the_last_layer_or_one_more() -> Result<()> {
    let scale = Standard {
        mean: -300.0,
        std: 70.0,
    };
    let row: Vec<f64> = (0..4).map(|i| f64::from(i) * 0.3 - 0.4).collect();
    let one = |config| vec![layer("Dense", config)];
    let behind = |class| vec![layer("Dense", json!({"units": 1})), layer(class, json!({}))];
    for (last, count) in [
        (one(json!({"units": 1})), 2),
        (one(json!({"units": 1, "use_bias": false})), 3),
        (one(json!({"units": 1, "activation": "tanh"})), 3),
        (behind("PReLU"), 4),
        (behind("BatchNormalization"), 4),
    ] {
        let first = layer("Dense", json!({"units": 3, "activation": "relu"}));
        let layers = Json::Array([first].into_iter().chain(last).collect());
        let file = network(&layers, 4, scale)?;
        let wanted = predict(&file, &row)?;
        for format in [Format::Safetensors, Format::Pytorch] {
            let again = back(&file.export(format, &mut NoCallback)?, 4)?;
            assert_eq!(again.model().sequential().layers.len(), count);
            let got = predict(&again, &row)?;
            assert!((got - wanted).abs() < 1e-4, "{got} {wanted}");
        }
    }
    Ok(())
}

#[test]
fn a_scale_beyond_32_bits_is_refused() -> Result<()> {
    let layers = json!([layer("Dense", json!({"units": 1}))]);
    for (mean, std) in [(1e300, 1.0), (0.0, 1e39), (0.0, 1e-42), (-1e37, 1e37)] {
        let file = network(&layers, 2, Standard { mean, std })?;
        for format in [Format::Safetensors, Format::Pytorch] {
            let error = file
                .export(format, &mut NoCallback)
                .expect_err("the weights would be infinite or nothing");
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        }
        assert!(predict(&file, &[1.0, 1.0])?.is_finite());
    }
    let scale = Standard {
        mean: 1e30,
        std: 1e29,
    };
    let file = network(&layers, 2, scale)?;
    let again = back(&file.export(Format::Safetensors, &mut NoCallback)?, 2)?;
    let (got, wanted) = (predict(&again, &[1.0, 2.0])?, predict(&file, &[1.0, 2.0])?);
    assert!((got / wanted - 1.0).abs() < 1e-6, "{got} {wanted}");
    Ok(())
}

#[test]
fn logits_become_probabilities() -> Result<()> {
    let columns = Columns::new(None, &["a", "y"])?;
    let preprocessing = columns.preprocessing(&["a"], None, LIMIT)?;
    for (units, labels, activation) in [(1, 2, "sigmoid"), (3, 3, "softmax")] {
        let labels: Vec<String> = (0..labels).map(|i| format!("label {i}")).collect();
        let target = columns.classes("y", &labels)?;
        let loss = Loss::parse(if units == 1 {
            "binary_crossentropy"
        } else {
            "categorical_crossentropy"
        })?;
        let layers = json!([layer("Dense", json!({"units": units}))]);
        let mut model = Sequential::from_json(&layers)?.compile(
            1,
            target.task(),
            Optimizer::default(),
            loss,
            vec![],
            1.0,
        )?;
        model.initialize(0, &mut NoCallback)?;
        let file = ModelFile {
            model,
            preprocessing: preprocessing.clone(),
            target,
            results: Results::default(),
        };
        let text = file.export(Format::KerasJson, &mut NoCallback)?;
        let json: Json = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(
            json["config"]["layers"][1]["config"]["activation"],
            activation
        );
        assert_eq!(
            json["config"]["layers"][0]["config"]["batch_shape"],
            json!([null, 1])
        );
    }
    Ok(())
}

#[test]
fn what_pytorch_has_not_is_refused_by_its_name() -> Result<()> {
    let masks = layer(
        "Embedding",
        json!({"name": "words", "input_dim": 9, "output_dim": 2, "mask_zero": true}),
    );
    let lstm = layer("LSTM", json!({"units": 2}));
    let layers = json!([masks, lstm, layer("Dense", json!({"units": 1}))]);
    let file = network(&layers, 24, PLAIN)?;
    let text = file.export(Format::KerasJson, &mut NoCallback)?;
    let json: Json = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(json["config"]["layers"][1]["config"]["mask_zero"], true);
    let error = file.export(Format::Pytorch, &mut NoCallback);
    let error = error.expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::NotSupported,
            "layer \"words\" cannot be one of PyTorch: Embedding with mask_zero has no module: the layers there pass over no step"
        )
    );
    let steps = layer("Reshape", json!({"target_shape": [12, 2]}));
    for (class, config, message) in [
        (
            "LSTM",
            json!({"name": "memory", "units": 2, "activation": "sigmoid"}),
            "layer \"memory\" cannot be one of PyTorch: LSTM with activation sigmoid has no module",
        ),
        (
            "GRU",
            json!({"name": "memory", "units": 2, "go_backwards": true}),
            "layer \"memory\" cannot be one of PyTorch: GRU with go_backwards has no module",
        ),
    ] {
        let layers = json!([
            steps,
            layer(class, config),
            layer("Dense", json!({"units": 1}))
        ]);
        let file = network(&layers, 24, PLAIN)?;
        file.export(Format::Safetensors, &mut NoCallback)?;
        let error = file
            .export(Format::Pytorch, &mut NoCallback)
            .expect_err("refused");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::NotSupported, message)
        );
    }
    Ok(())
}

#[test]
fn sql_is_refused_with_a_reason() -> Result<()> {
    let layers = json!([
        layer("Reshape", json!({"target_shape": [12, 2]})),
        layer("LSTM", json!({"name": "memory", "units": 2})),
        layer("Dense", json!({"units": 1}))
    ]);
    let file = network(&layers, 24, PLAIN)?;
    let error = file.export_sql("m", &mut NoCallback).expect_err("refused");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::NotSupported,
            "layer \"reshape\" cannot be plain SQL: Reshape"
        )
    );
    let gelu = network(
        &json!([layer("Dense", json!({"units": 1, "activation": "gelu"}))]),
        2,
        PLAIN,
    )?;
    let error = gelu.export_sql("m", &mut NoCallback).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "layer \"dense\" cannot be plain SQL: Dense with gelu: PostgreSQL has no erf() before 16"
    );
    Ok(())
}

#[test]
fn an_unknown_format_has_a_nearest_known_one() {
    let error = Format::parse("torch").expect_err("unknown");
    assert_eq!(error.to_string(), "unknown format \"torch\"");
    assert_eq!(
        error.hint_text(),
        Some(
            "Did you mean \"pytorch\"? Known formats: tablenet, safetensors, pytorch, keras_json."
        )
    );
}

#[test]
fn a_layer_for_an_activation_is_not_passed_over() -> Result<()> {
    let leaky = layer("LeakyReLU", json!({"negative_slope": 0.5}));
    let dense = layer("Dense", json!({"units": 1, "activation": leaky}));
    let file = network(&json!([dense]), 2, PLAIN)?;
    let (row, came) = (
        [-3.0, -5.0],
        back(&file.export(Format::Safetensors, &mut NoCallback)?, 2)?,
    );
    let exact = predict(&file, &row)?;
    assert!(exact < 0.0 && predict(&came, &row)? == exact);
    let torch = file.export(Format::Pytorch, &mut NoCallback);
    assert_eq!(
        torch.expect_err("refused").to_string(),
        "layer \"dense\" cannot be one of PyTorch: Dense with a layer for an activation has no module"
    );
    let sql = file.export_sql("m", &mut NoCallback);
    assert_eq!(
        sql.expect_err("refused").to_string(),
        "layer \"dense\" cannot be plain SQL: Dense with a layer for an activation"
    );
    Ok(())
}
