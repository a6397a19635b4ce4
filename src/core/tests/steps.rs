//! Layers over the steps of a row: hostile settings are refused with a reason, random stacks of them train and score as all
//! others do.

mod data;
#[path = "data/slopes.rs"]
mod slopes;

use data::{Clock, REGRESSION, Rows, bits, options, weights_of};
use serde_json::{Value as Json, json};
use std::time::Instant;
use tablenet_core::*;

fn read(layers: &Json) -> Result<Sequential> {
    Sequential::from_json(layers)
}

fn compile(layers: &Json, inputs: usize) -> Result<Model> {
    read(layers)?.compile(
        inputs,
        REGRESSION,
        Optimizer::default(),
        Loss::MSE,
        vec![],
        1.0,
    )
}

/// One layer on rows of 12 steps of two numbers, behind it what makes one answer of any shape.
fn around(class: &str, config: &Json) -> Json {
    json!([
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 12, 2]}},
        {"class_name": class, "config": config},
        {"class_name": "Flatten"},
        {"class_name": "Dense", "config": {"units": 1}},
    ])
}

/// Trains one batch and scores its rows, where that takes little memory. Indices beyond a table are refused.
fn use_it(model: &mut Model) -> Result<()> {
    const MOST: u64 = 64 << 20;
    if model.memory(5, 0, 1)? > MOST {
        return Ok(());
    }
    model.initialize(1, &mut Clock::new())?;
    let mut rows = Rows::of(5, model.inputs(), |x| x[0]);
    let indices = model.sequential().takes_indices().map(|it| it.input_dim);
    if let Some(vectors) = indices {
        for (i, x) in rows.x.iter_mut().enumerate() {
            *x = (i % vectors.min(1 << 20)) as f32;
        }
    }
    let pool = Pool::new(1)?;
    model.fit(&mut rows, None, &options(1, 5), &mut Clock::new(), &pool)?;
    let plan = Plan::new(model, &mut Clock::new())?;
    let mut scratch = plan.scratch()?;
    for x in rows.x.chunks(rows.inputs) {
        scratch.input_mut().copy_from_slice(x);
        assert!(plan.run(&mut scratch)[0].is_finite());
    }
    Ok(())
}

/// Every layer with the settings it needs.
fn layers() -> Vec<(&'static str, Json, &'static [&'static str])> {
    const WINDOWS: &[&str] = &["pool_size", "strides", "padding", "data_format"];
    const CONVOLUTION: &[&str] = &[
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "dilation_rate",
        "activation",
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "data_format",
        "groups",
        "kernel_regularizer",
        "activity_regularizer",
        "bias_constraint",
    ];
    const RECURRENT: &[&str] = &[
        "units",
        "activation",
        "recurrent_activation",
        "use_bias",
        "kernel_initializer",
        "recurrent_initializer",
        "bias_initializer",
        "return_sequences",
        "return_state",
        "go_backwards",
        "stateful",
        "unroll",
        "dropout",
        "recurrent_dropout",
        "seed",
        "reset_after",
        "unit_forget_bias",
        "kernel_regularizer",
        "recurrent_constraint",
        "implementation",
        "trainable",
    ];
    const GLOBAL: &[&str] = &["data_format", "keepdims"];
    const DENSE: &[&str] = &[
        "units",
        "activation",
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "lora_rank",
    ];
    const BATCH: &[&str] = &[
        "axis",
        "momentum",
        "epsilon",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "moving_mean_initializer",
        "moving_variance_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "synchronized",
        "renorm",
        "renorm_clipping",
        "renorm_momentum",
    ];
    const ROW: &[&str] = &[
        "axis",
        "epsilon",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "gamma_constraint",
        "rms_scaling",
    ];
    const SLOPES: &[&str] = &[
        "alpha_initializer",
        "alpha_regularizer",
        "alpha_constraint",
        "shared_axes",
    ];
    let units = json!({"units": 3});
    vec![
        (
            "ReLU",
            json!({}),
            &["max_value", "negative_slope", "threshold"],
        ),
        ("LeakyReLU", json!({}), &["negative_slope", "alpha"]),
        ("PReLU", json!({}), SLOPES),
        ("ELU", json!({}), &["alpha"]),
        ("Softmax", json!({}), &["axis"]),
        ("GaussianNoise", json!({"stddev": 0.1}), &["stddev", "seed"]),
        ("BatchNormalization", json!({}), BATCH),
        ("LayerNormalization", json!({}), ROW),
        ("Dense", units.clone(), DENSE),
        ("Activation", json!({"activation": "relu"}), &["activation"]),
        (
            "Dropout",
            json!({"rate": 0.5}),
            &["rate", "seed", "noise_shape"],
        ),
        ("Flatten", json!({}), &["data_format"]),
        (
            "Reshape",
            json!({"target_shape": [8, 3]}),
            &["target_shape"],
        ),
        (
            "Conv1D",
            json!({"filters": 3, "kernel_size": 2}),
            CONVOLUTION,
        ),
        ("MaxPooling1D", json!({}), WINDOWS),
        ("AveragePooling1D", json!({}), WINDOWS),
        ("LSTM", units.clone(), RECURRENT),
        ("GRU", units.clone(), RECURRENT),
        ("SimpleRNN", units.clone(), RECURRENT),
        (
            "Bidirectional",
            json!({"layer": {"class_name": "LSTM", "config": units}}),
            &[
                "layer",
                "backward_layer",
                "merge_mode",
                "weights",
                "trainable",
            ],
        ),
        (
            "TimeDistributed",
            json!({"layer": {"class_name": "Dense", "config": {"units": 3}}}),
            &["layer", "trainable"],
        ),
        (
            "Embedding",
            json!({"input_dim": 9, "output_dim": 3}),
            &[
                "input_dim",
                "output_dim",
                "input_length",
                "mask_zero",
                "embeddings_initializer",
                "embeddings_regularizer",
                "embeddings_constraint",
                "trainable",
            ],
        ),
        ("GlobalAveragePooling1D", json!({}), GLOBAL),
        ("GlobalMaxPooling1D", json!({}), GLOBAL),
    ]
}

#[test]
fn every_setting_of_every_layer_takes_anything_or_says_why_not() {
    let hostile = [
        json!(0),
        json!(1),
        json!(-1),
        json!(2),
        json!(13),
        json!(0.5),
        json!(1e300),
        json!(1 << 20),
        json!(1 << 24),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(null),
        json!(true),
        json!(""),
        json!("same"),
        json!("causal"),
        json!("softmax"),
        json!("gelu"),
        json!("orthogonal"),
        json!("glorot_uniform"),
        json!("x\u{0}y"),
        json!([]),
        json!([2]),
        json!([2, 2]),
        json!([-1, -1]),
        json!([-1]),
        json!([-1, 1]),
        json!([[2]]),
        json!([0]),
        json!([1_i64 << 62, 4]),
        json!([1, 1, 1, 1, 24]),
        json!({}),
        json!({"class_name": "Orthogonal", "config": {"gain": 2}}),
        json!({"class_name": "Identity", "config": {"gain": -2}}),
        json!({"class_name": "RandomNormal", "config": {"mean": 1e31, "stddev": 0.1}}),
        json!({"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.1}}),
        json!({"class_name": "GRU", "config": {"units": 3, "go_backwards": true}}),
        json!({"class_name": "LSTM", "config": {"units": 1 << 24}}),
        json!({"class_name": "Embedding", "config": {"input_dim": 1, "output_dim": 1}}),
        json!({"class_name": "Bidirectional", "config": {"layer": "LSTM"}}),
        json!("concat"),
        json!("mul"),
        json!({"class_name": 3}),
        json!({"a": 1, "b": 2}),
    ];
    let (mut taken, mut refused) = (0, 0);
    for (class, needed, settings) in layers() {
        for setting in settings {
            for value in &hostile {
                let mut config = needed.clone();
                config[*setting] = value.clone();
                let begun = Instant::now();
                let result =
                    compile(&around(class, &config), 24).and_then(|mut model| use_it(&mut model));
                match result {
                    Ok(()) => taken += 1,
                    Err(error) => {
                        refused += 1;
                        let kinds = [
                            ErrorKind::InvalidParameter,
                            ErrorKind::NotSupported,
                            ErrorKind::LimitExceeded,
                        ];
                        // A slope may be steeper than a loss can be large.
                        let steep = error.kind() == ErrorKind::NotFinite && class.ends_with("LU");
                        assert!(
                            kinds.contains(&error.kind()) || steep,
                            "{class} {config}: {error}"
                        );
                    }
                }
                assert!(begun.elapsed().as_secs_f64() < 10.0, "{class} {config}");
            }
        }
    }
    assert!(
        taken > 300 && refused > 2000,
        "{taken} taken, {refused} refused"
    );
}

fn refusal(layers: Json, inputs: usize) -> String {
    let error = compile(&layers, inputs).expect_err("refused");
    format!("{error} / {}", error.hint_text().unwrap_or_default())
}

#[test]
fn a_wrong_shape_is_told_with_the_layer_and_the_way_out() {
    let one = |class: &str, config: Json| json!([{"class_name": class, "config": config}, {"class_name": "Dense", "config": {"units": 1}}]);
    let rows = "Put a Reshape before it, or state the shape with an InputLayer: \"batch_shape\": [null, 24, 1].";
    for (class, config) in [
        ("LSTM", json!({"units": 4})),
        ("GRU", json!({"units": 4})),
        ("SimpleRNN", json!({"units": 4})),
        (
            "Bidirectional",
            json!({"layer": {"class_name": "LSTM", "config": {"units": 4}}}),
        ),
        ("Conv1D", json!({"filters": 4, "kernel_size": 2})),
        ("MaxPooling1D", json!({})),
        ("AveragePooling1D", json!({})),
        ("GlobalMaxPooling1D", json!({})),
        ("GlobalAveragePooling1D", json!({})),
    ] {
        let told = format!("{class} takes rows of shape (steps, channels), not (24) / {rows}");
        assert_eq!(refusal(one(class, config), 24), told);
    }
    let steps = |layers: &[Json]| {
        let mut all = vec![json!({"class_name": "Reshape", "config": {"target_shape": [12, 2]}})];
        all.extend_from_slice(layers);
        Json::Array(all)
    };
    let dense = json!({"class_name": "Dense", "config": {"units": 1}});
    let flat = "Put Flatten, GlobalAveragePooling1D, GlobalMaxPooling1D or a recurrent layer without return_sequences before it.";
    assert_eq!(
        refusal(steps(std::slice::from_ref(&dense)), 24),
        format!("the last layer, Dense, gives a row of shape (12, 1), not one answer / {flat}")
    );
    let sequences = json!({"class_name": "LSTM", "config": {"units": 3, "return_sequences": true}});
    let softmax = json!({"class_name": "Activation", "config": {"activation": "relu"}});
    assert_eq!(
        refusal(steps(&[sequences, dense.clone(), softmax]), 24),
        format!(
            "the last layer, Activation, gives a row of shape (12, 1), not one answer / {flat}"
        )
    );
    assert_eq!(
        refusal(one("Reshape", json!({"target_shape": [5, -1]})), 24),
        "Reshape cannot make [5, -1] of a row of shape (24) / A row has 24 numbers before and after it."
    );
    assert_eq!(
        refusal(
            one("Reshape", json!({"target_shape": [1, 1, 1, 1, 24]})),
            24
        ),
        "Reshape cannot make rows of 5 dimensions / A row has at most 4 dimensions."
    );
    let lstm = |settings: Json| json!({"class_name": "LSTM", "config": settings});
    let both = |config: Json| refusal(one("Bidirectional", config), 24);
    for (config, told) in [
        (
            json!({}),
            "Bidirectional needs layer / Write {\"class_name\": \"Bidirectional\", \"config\": {\"layer\": {\"class_name\": \"LSTM\", \"config\": {\"units\": 32}}}}.",
        ),
        (
            json!({"layer": {"class_name": "LSTMM", "config": {"units": 3}}}),
            "unknown layer \"LSTMM\" in Bidirectional / Did you mean \"LSTM\"?",
        ),
        (
            json!({"layer": dense}),
            "unknown layer of Bidirectional \"Dense\" / Known layers in it: LSTM, GRU, SimpleRNN.",
        ),
        (
            json!({"layer": lstm(json!({"units": 3})), "merge_mode": null}),
            "merge_mode null of Bidirectional is not supported / It would answer twice: use \"concat\", \"sum\", \"mul\" or \"ave\".",
        ),
        (
            json!({"layer": lstm(json!({"units": 3})), "merge_mode": "summ"}),
            "unknown merge_mode of Bidirectional \"summ\" / Did you mean \"sum\"?",
        ),
        (
            json!({"layer": lstm(json!({"units": 3})), "backward_layer": lstm(json!({"units": 3}))}),
            "the layers of Bidirectional must have different go_backwards",
        ),
        (
            json!({"layer": lstm(json!({"units": 3})), "backward_layer": lstm(json!({"units": 4, "go_backwards": true}))}),
            "the layers of Bidirectional must have the same units / They have 3 and 4.",
        ),
    ] {
        let got = both(config);
        assert!(got.starts_with(told), "{got}");
    }
    let every = json!({"layer": {"class_name": "Dense", "config": {"units": 3}}});
    assert_eq!(
        refusal(one("TimeDistributed", every), 24),
        format!("TimeDistributed takes rows of shape (steps, ..), not (24) / {rows}")
    );
    let words = json!({"class_name": "Embedding", "config": {"input_dim": 9, "output_dim": 3}});
    assert_eq!(
        refusal(
            steps(&[
                lstm(json!({"units": 3})),
                words,
                json!("Flatten"),
                dense.clone()
            ]),
            24
        ),
        "an Embedding cannot stand behind LSTM / It takes indices: put it first."
    );
    assert_eq!(
        refusal(one("Embedding", json!({"input_dim": 9})), 24),
        "Embedding needs input_dim and output_dim / Write {\"class_name\": \"Embedding\", \"config\": {\"input_dim\": 1000, \"output_dim\": 16}}."
    );
    let identity = json!({"units": 3, "bias_initializer": "identity"});
    assert_eq!(
        refusal(one("Dense", identity), 24),
        "initializer identity cannot begin bias of dense, which has the shape [3] / identity takes a matrix."
    );
    let wide = json!({"class_name": "Conv1D", "config": {"filters": 1, "kernel_size": 13}});
    assert_eq!(
        refusal(steps(&[wide, json!("Flatten"), dense]), 24),
        "a window of Conv1D is 13 steps long, and a row has 12 / Make it shorter, or pad the row: \"padding\": \"same\"."
    );
}

#[test]
fn what_would_take_too_long_or_too_much_is_refused_before() {
    let begun = Instant::now();
    let long = |layers: &[Json]| {
        let mut all = vec![json!({"class_name": "Reshape", "config": {"target_shape": [-1, 1]}})];
        all.extend_from_slice(layers);
        all.push(json!("GlobalMaxPooling1D"));
        all.push(json!({"class_name": "Dense", "config": {"units": 1}}));
        refusal(Json::Array(all), 1 << 22)
    };
    let narrower = "Make the layers narrower, or the rows shorter.";
    // Every window passes over a million steps.
    for class in ["MaxPooling1D", "AveragePooling1D"] {
        let windows = json!({"class_name": class, "config": {"pool_size": 1 << 20, "strides": 1, "padding": "same"}});
        let told = long(&[windows]);
        assert!(
            told.starts_with("a row would take 4398046511") && told.ends_with(narrower),
            "{told}"
        );
    }
    let walk = |units: usize| json!({"class_name": "LSTM", "config": {"units": units, "return_sequences": true}});
    assert!(long(&[walk(300)]).starts_with("a row cannot have more than 1073741824 numbers"));
    assert!(long(&[walk(20)]).starts_with("a row would take "));
    assert!(
        long(&[walk(1 << 24)]).starts_with("a model cannot have more than 268435456 parameters")
    );
    // The memory of a batch is told, not taken.
    let kernel = json!({"class_name": "Conv1D", "config": {"filters": 1, "kernel_size": 256, "padding": "same"}});
    let layers = json!([
        {"class_name": "Reshape", "config": {"target_shape": [-1, 1]}}, kernel, "GlobalMaxPooling1D",
        {"class_name": "Dense", "config": {"units": 1}},
    ]);
    let model = compile(&layers, 1 << 22).unwrap();
    let said = model.memory(1, 0, 1).unwrap();
    assert!(said > 4 << 30, "{said}");
    assert!(begun.elapsed().as_secs_f64() < 1.0);
}

/// Numbers in a fixed order.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}

const FUNCTIONS: [&str; 27] = [
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "gelu",
    "elu",
    "selu",
    "softplus",
    "leaky_relu",
    "silu",
    "relu6",
    "celu",
    "softsign",
    "squareplus",
    "soft_shrink",
    "hard_shrink",
    "tanh_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "mish",
    "log_sigmoid",
    "log_softmax",
    "sparsemax",
];

/// A layer over steps, which need not fit.
fn any(random: &mut Random) -> Json {
    let units = [1, 2, 3, 5, 16, 17][random.below(6)];
    let function = random.of(&FUNCTIONS);
    let (flag, other) = (random.below(2) == 0, random.below(2) == 0);
    let (size, stride) = (1 + random.below(4), 1 + random.below(3));
    let (class, config) = match random.below(21) {
        0 => (
            "Dense",
            json!({"units": units, "activation": function, "use_bias": flag}),
        ),
        1 => ("Activation", json!({"activation": function})),
        2 => ("Dropout", json!({"rate": 0.3})),
        3 => ("Reshape", json!({"target_shape": [-1, size]})),
        4 => (
            "Conv1D",
            json!({"filters": units, "kernel_size": size, "strides": stride, "activation": function,
            "padding": random.of(&["valid", "same", "causal"]), "use_bias": flag}),
        ),
        5 => (
            "Conv1D",
            json!({"filters": units, "kernel_size": size, "dilation_rate": stride, "padding": "causal"}),
        ),
        6 => (
            "MaxPooling1D",
            json!({"pool_size": size, "strides": stride, "padding": random.of(&["valid", "same"])}),
        ),
        7 => (
            "AveragePooling1D",
            json!({"pool_size": size, "strides": stride, "padding": random.of(&["valid", "same"])}),
        ),
        8 => (
            random.of(&["GlobalMaxPooling1D", "GlobalAveragePooling1D"]),
            json!({"keepdims": true}),
        ),
        9 => (
            "LayerNormalization",
            json!({"axis": if flag { json!(-1) } else { json!([1, 2]) }, "center": other, "epsilon": 0.01}),
        ),
        10 => (
            "BatchNormalization",
            json!({"momentum": 0.5, "scale": flag, "center": other}),
        ),
        11 => ("GaussianNoise", json!({"stddev": 0.1})),
        12 => {
            let axes = [json!(null), json!([1]), json!([2]), json!([1, 2])];
            ("PReLU", json!({"shared_axes": axes[random.below(4)]}))
        }
        13 => (
            random.of(&["ReLU", "LeakyReLU", "ELU", "Softmax"]),
            json!({}),
        ),
        17 => (
            "TimeDistributed",
            match flag {
                true => {
                    json!({"layer": {"class_name": "Dense", "config": {"units": units, "activation": function}}})
                }
                false => {
                    json!({"layer": {"class_name": "Activation", "config": {"activation": function}}})
                }
            },
        ),
        18 => (
            "GRU",
            json!({"units": units, "reset_after": false, "return_sequences": true, "use_bias": other, "go_backwards": flag}),
        ),
        19 | 20 => {
            let inner = random.of(&["LSTM", "GRU", "SimpleRNN"]);
            let inner =
                json!({"class_name": inner, "config": {"units": units, "return_sequences": other}});
            let modes = ["concat", "sum", "mul", "ave"];
            (
                "Bidirectional",
                json!({"layer": inner, "merge_mode": random.of(&modes), "trainable": flag || other}),
            )
        }
        kind => (
            ["LSTM", "GRU", "SimpleRNN"][kind - 14],
            json!({
                "units": units, "return_sequences": true, "go_backwards": flag, "use_bias": other,
                "activation": random.of(&["tanh", "linear", "sigmoid", "softsign", "hard_tanh", "log_sigmoid"]),
            }),
        ),
    };
    json!({"class_name": class, "config": config})
}

#[test]
fn random_stacks_train_and_score_like_all_others() {
    let mut random = Random(7);
    let mut count = 0;
    for case in 0..600 {
        let steps = 1 + random.below(7);
        let inputs = 2 * steps;
        let mut layers =
            vec![json!({"class_name": "InputLayer", "config": {"batch_shape": [null, steps, 2]}})];
        for _ in 0..1 + random.below(4) {
            layers.push(any(&mut random));
        }
        let end = ["Flatten", "GlobalMaxPooling1D", "GlobalAveragePooling1D"];
        layers.push(match random.below(4) {
            3 => json!({"class_name": "GRU", "config": {"units": 2}}),
            i => json!(end[i]),
        });
        layers.push(json!({"class_name": "Dense", "config": {"units": 1}}));
        let layers = Json::Array(layers);
        let model = match compile(&layers, inputs) {
            Ok(model) => model,
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    ErrorKind::InvalidParameter,
                    "{layers}: {error}"
                );
                continue;
            }
        };
        count += 1;
        let json = model.sequential().to_json();
        let again = read(&json).unwrap();
        assert_eq!(again.to_json(), json, "{layers}");
        let weights = weights_of(&model, case);
        let rows = || Rows::of(150, inputs, |x| x[0]);
        let train = |batch_size: usize, threads: usize| {
            let mut model = compile(&json, inputs).unwrap();
            model
                .set_weights(weights.clone(), &mut Clock::new())
                .unwrap();
            let pool = Pool::new(threads).unwrap();
            let fitted = model.fit(
                &mut rows(),
                None,
                &options(1, batch_size),
                &mut Clock::new(),
                &pool,
            );
            fitted.unwrap_or_else(|error| panic!("{layers}: {error}"));
            model
        };
        // 150 rows are several shards.
        let model = train(150, 1);
        assert!(
            bits(model.weights()) == bits(train(150, 2).weights()),
            "{layers}"
        );
        assert!(
            bits(train(1, 1).weights()) == bits(train(1, 2).weights()),
            "{layers}"
        );

        let mut rows = rows();
        let pool = Pool::new(1).unwrap();
        let evaluated = model
            .evaluate(&mut rows, 150, &mut Clock::new(), &pool)
            .unwrap();
        let plan = Plan::new(&model, &mut Clock::new()).unwrap();
        let mut scratch = plan.scratch().unwrap();
        let mut loss = 0.0;
        for (x, y) in rows.x.chunks(inputs).zip(rows.y.chunks(1)) {
            scratch.input_mut().copy_from_slice(x);
            plan.run(&mut scratch);
            loss += plan.loss(&scratch, y) / 150.0;
        }
        assert!(
            (loss - evaluated.loss).abs() < 1e-5 * (1.0 + loss),
            "{layers}: {loss}, {}",
            evaluated.loss
        );
        scratch.input_mut().fill(f32::NAN);
        assert!(plan.run(&mut scratch)[0].is_nan(), "{layers}");
    }
    assert!(count > 200, "{count} of them fit");
}

/// Central differences of the loss of a few rows, which Keras need not be asked for.
#[test]
fn gradients_of_random_stacks_equal_differences() {
    let mut random = Random(3);
    let mut count = 0;
    for case in 0..400 {
        let layers = json!([
            {"class_name": "InputLayer", "config": {"batch_shape": [null, 6, 2]}},
            any(&mut random), any(&mut random), "Flatten", {"class_name": "Dense", "config": {"units": 1}},
        ]);
        let text = layers.to_string();
        // Steps that are not smooth have no differences; noise has no loss; what stays has no gradient.
        // What is normalised over the batch is not when it is evaluated.
        let unlike = [
            "relu",
            "elu",
            "LU",
            "MaxPooling",
            "Dropout",
            "hard",
            "shrink",
            "sparse",
            "Noise",
            "BatchNormalization",
            "\"trainable\":false",
        ];
        if unlike.iter().any(|word| text.contains(word)) {
            continue;
        }
        let sgd = Optimizer::parse(r#"{"sgd": {"learning_rate": 1.0}}"#).unwrap();
        let compiled =
            read(&layers).and_then(|s| s.compile(12, REGRESSION, sgd, Loss::MSE, vec![], 1.0));
        let Ok(mut model) = compiled else { continue };
        count += 1;
        let weights = weights_of(&model, case);
        model.set_weights(weights, &mut Clock::new()).unwrap();
        let mut rows = Rows::of(3, 12, |x| x[0] - x[5]);
        slopes::compare(&mut model, &mut rows, 3, 23, &text);
    }
    assert!(count > 50, "{count} of them fit");
}

#[test]
fn a_long_row_asks_for_interrupts() {
    let tall = |middle: Json| {
        json!([
            {"class_name": "Reshape", "config": {"target_shape": [-1, 1]}}, middle, "GlobalMaxPooling1D",
            {"class_name": "Dense", "config": {"units": 1}},
        ])
    };
    for middle in [
        json!({"class_name": "Dense", "config": {"units": 8, "activation": "gelu"}}),
        json!({"class_name": "Conv1D", "config": {"filters": 1, "kernel_size": 64, "padding": "same"}}),
        json!({"class_name": "MaxPooling1D", "config": {"pool_size": 200, "strides": 2}}),
        json!({"class_name": "SimpleRNN", "config": {"units": 1, "return_sequences": true}}),
        json!({"class_name": "Bidirectional", "config": {"layer": {"class_name": "GRU", "config": {
            "units": 1, "return_sequences": true, "reset_after": false, "recurrent_dropout": 0.1}}}}),
        json!({"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"units": 8, "activation": "gelu"}}}}),
        json!({"class_name": "BatchNormalization"}),
        json!({"class_name": "LayerNormalization"}),
        json!({"class_name": "PReLU", "config": {"shared_axes": [2]}}),
        json!({"class_name": "GaussianNoise", "config": {"stddev": 0.5}}),
    ] {
        let mut model = compile(&tall(middle.clone()), 1 << 18).unwrap();
        model.initialize(1, &mut Clock::new()).unwrap();
        let mut rows = Rows::of(2, 1 << 18, |x| x[0]);
        let pool = Pool::new(1).unwrap();
        let mut clock = Clock::new();
        model
            .fit(&mut rows, None, &options(1, 2), &mut clock, &pool)
            .unwrap();
        println!(
            "{middle}: {} checks, {:.3} s at the longest",
            clock.checks, clock.longest
        );
        assert!(clock.checks > 20, "{middle}: {} checks", clock.checks);
        // A cancelled one stops.
        let mut clock = Clock::cancelling_at(clock.checks / 2);
        assert!(
            model
                .fit(&mut rows, None, &options(1, 2), &mut clock, &pool)
                .is_err()
        );
    }
}

#[test]
fn a_kernel_begins_orthonormal_and_asks_on_the_way() {
    let layers = json!([
        {"class_name": "Reshape", "config": {"target_shape": [-1, 1]}}, {"class_name": "GRU", "config": {"units": 96}},
        {"class_name": "Dense", "config": {"units": 1}},
    ]);
    let mut model = compile(&layers, 4).unwrap();
    let mut clock = Clock::new();
    model.initialize(1, &mut clock).unwrap();
    assert!(clock.checks > 200, "{}", clock.checks);
    let kernel = &model.weights()[288..][..96 * 288];
    for (i, a) in kernel.chunks(288).enumerate() {
        for (j, b) in kernel.chunks(288).enumerate() {
            let product: f64 = a
                .iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum();
            assert!(
                (product - f64::from(u8::from(i == j))).abs() < 1e-6,
                "{i}, {j}: {product}"
            );
        }
    }
}
