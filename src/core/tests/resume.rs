//! A training that is continued: five epochs and five more are ten, bit for bit.

mod data;

use data::{Clock, REGRESSION, Rows, numbers};
use tablenet_core::*;

const ROWS: usize = 700;

/// Numbers and an index.
fn inputs() -> Inputs {
    Inputs {
        width: 5,
        embeddings: vec![EmbeddingInput {
            input: 2,
            vocabulary: 40,
            dim: 6,
        }],
    }
}

fn rows(seed: u32, count: usize) -> Rows {
    let mut x = numbers(count * 5, seed);
    for x in x.chunks_mut(5) {
        x[2] = ((x[2] + 1.0) * 19.5).floor();
    }
    let y = x.chunks(5).map(|x| x[0] * x[1] + 0.05 * x[2]).collect();
    Rows::new(x, y, 5, 1)
}

fn model(optimizer: &str, width: usize) -> Model {
    let layers = vec![
        Layer::Dense(Dense::new(width, Activation::Relu)),
        Layer::Dropout(Dropout::new(0.3)),
        Layer::Dense(Dense::new(1, Activation::Linear)),
    ];
    let optimizer = Optimizer::parse(optimizer).unwrap();
    let (loss, metrics) = (Loss::MSE, vec![Metric::MAE]);
    let mut model = Sequential::new(layers)
        .compile(inputs(), REGRESSION, optimizer, loss, metrics, 1.0)
        .unwrap();
    model.initialize(3, &mut Clock::new()).unwrap();
    model
}

#[test]
fn five_epochs_and_five_more_are_ten() {
    let bits =
        |model: &Model| -> Vec<u32> { model.weights().iter().map(|w| w.to_bits()).collect() };
    for (optimizer, width, batch_size) in [
        ("adam", 16, 32),
        (r#"{"sgd": {"momentum": 0.9}}"#, 16, 700),
        ("rmsprop", 200, 256),
        ("nadam", 16, 64),
        ("sgd", 8, 7),
    ] {
        let mut seen = Vec::new();
        for threads in [1, 2] {
            let pool = Pool::new(threads).unwrap();
            for parts in [vec![10], vec![5, 5], vec![1, 2, 7]] {
                let mut model = model(optimizer, width);
                let (mut train, mut held_out) = (rows(1, ROWS), rows(2, 50));
                let mut logs = Vec::new();
                for epochs in parts {
                    let options = FitOptions {
                        epochs,
                        batch_size,
                        shuffle: true,
                        seed: 7,
                        callbacks: vec![],
                        max_seconds: None,
                    };
                    let mut clock = Clock::new();
                    let history = model
                        .fit(&mut train, Some(&mut held_out), &options, &mut clock, &pool)
                        .unwrap();
                    logs.extend(history.epochs.into_iter().map(|logs| EpochLogs {
                        seconds: 0.0,
                        ..logs
                    }));
                }
                assert!(logs.iter().map(|logs| logs.epoch).eq(1..=10));
                seen.push((bits(&model), logs));
            }
        }
        assert!(
            seen.windows(2).all(|pair| pair[0] == pair[1]),
            "{optimizer}"
        );
        // New weights begin anew.
        let mut model = model(optimizer, width);
        model.initialize(3, &mut Clock::new()).unwrap();
        let first = data::options(1, batch_size);
        let history = model
            .fit(
                &mut rows(1, ROWS),
                None,
                &first,
                &mut Clock::new(),
                &Pool::new(1).unwrap(),
            )
            .unwrap();
        assert_eq!(history.epochs[0].epoch, 1);
    }
}

#[test]
fn the_place_of_the_unseen_begins_with_zeros() {
    let model = model("adam", 16);
    let table = &model.variables()[0];
    assert_eq!(
        (table.path.as_str(), table.shape.as_slice()),
        ("embedding/embeddings", &[40, 6][..])
    );
    assert!(model.weights()[..6].iter().all(|w| *w == 0.0));
    let rest = &model.weights()[6..240];
    assert!(rest.iter().all(|w| w.abs() < 0.05 && *w != 0.0));
    assert!(rest.iter().any(|w| *w < -0.04) && rest.iter().any(|w| *w > 0.04));
    let lines = model.sequential().summary(model.row()).unwrap();
    assert_eq!(
        (
            lines[0].name.as_str(),
            lines[0].class_name,
            lines[0].output_shape.as_slice(),
            lines[0].parameters
        ),
        ("embedding", "Embedding", &[6][..], 240)
    );
    assert_eq!(lines[1].parameters, 10 * 16 + 16);
    assert_eq!(
        model.parameters() as u64,
        lines.iter().map(|line| line.parameters).sum::<u64>()
    );
}

#[test]
fn an_index_beyond_its_table_is_refused() {
    for wrong in [40.0, -1.0, 0.5, f32::NAN, 1e30] {
        let mut data = rows(1, 10);
        let mut x = data.x.clone();
        x[2 + 5 * 4] = wrong;
        data = Rows::new(x, data.y, 5, 1);
        let error = model("adam", 4)
            .fit(
                &mut data,
                None,
                &data::options(1, 5),
                &mut Clock::new(),
                &Pool::new(1).unwrap(),
            )
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FeatureCount);
        assert_eq!(
            error.to_string(),
            format!("input 2 is {wrong}, no index into the 40 rows of embedding")
        );
    }
}

#[test]
fn embeddings_are_named_around_given_layers_and_checked() {
    let compile = |embeddings: Vec<EmbeddingInput>, stated: Option<usize>| {
        let mut named = Dense::new(1, Activation::Linear);
        named.name = Some("embedding_1".into());
        let mut layers = Sequential::new(vec![Layer::Dense(named)]);
        layers.inputs = stated.map(|width| Shape::new(&[width]).unwrap().into());
        let inputs = Inputs {
            width: 4,
            embeddings,
        };
        layers.compile(
            inputs,
            REGRESSION,
            Optimizer::default(),
            Loss::MSE,
            vec![],
            1.0,
        )
    };
    let embedding = |input, vocabulary, dim| EmbeddingInput {
        input,
        vocabulary,
        dim,
    };
    let model = compile(vec![embedding(0, 3, 2), embedding(3, 4, 5)], Some(9)).unwrap();
    let paths: Vec<&str> = model.variables().iter().map(|v| v.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "embedding/embeddings",
            "embedding_2/embeddings",
            "embedding_1/kernel",
            "embedding_1/bias"
        ]
    );
    assert_eq!((model.inputs(), model.variables()[2].shape[0]), (4, 9));
    for (embeddings, message) in [
        (
            vec![embedding(4, 3, 2)],
            "input 4 cannot be an index: it is out of order",
        ),
        (
            vec![embedding(1, 3, 2), embedding(1, 3, 2)],
            "input 1 cannot be an index: it is out of order",
        ),
        (
            vec![embedding(1, 0, 2)],
            "the vocabulary of an embedding must be from 1 to 16777216, not 0",
        ),
        (
            vec![embedding(1, 3, 0)],
            "dim of an embedding must be from 1 to 4096, not 0",
        ),
        (
            vec![embedding(1, 1 << 24, 4096)],
            "a model cannot have more than 268435456 parameters",
        ),
        (
            vec![embedding(1, usize::MAX, usize::MAX)],
            "a model cannot have more than 16777216 inputs, not 18446744073709551615",
        ),
    ] {
        assert_eq!(compile(embeddings, None).unwrap_err().to_string(), message);
    }
}
