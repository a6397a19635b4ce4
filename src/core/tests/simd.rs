//! Every instruction set that this CPU has: chosen for the whole process, so this file has one test.

mod data;

use data::{Clock, REGRESSION, Rows};
use tablenet_core::simd::{self, Level};
use tablenet_core::*;

struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::OutOfMemory, "no spill"))
    }
}

fn row(i: usize) -> Vec<Value<'static>> {
    let number = |k: usize| Value::Number(((i * k) as f64 * 0.618) % 7.0);
    let text = ["red", "green", "blue", "a colour with a long name"][i % 4];
    let class = ["x", "y", "z"][(i * i + i / 4) % 3];
    vec![
        number(1),
        Value::Text(text),
        number(3),
        Value::Boolean(i.is_multiple_of(3)),
        number(7),
        Value::Text(class),
    ]
}

fn trained(layers: Vec<Layer>) -> Result<ModelFile> {
    let kinds = [
        ColumnType::Number,
        ColumnType::Category,
        ColumnType::Number,
        ColumnType::Boolean,
        ColumnType::Number,
        ColumnType::Category,
    ];
    let columns = kinds.iter().enumerate().map(|(i, kind)| Column {
        name: format!("c{i}"),
        column_type: *kind,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    });
    let options = TrainOptions {
        layers: Some(Sequential::new(layers)),
        epochs: Some(3),
        ..TrainOptions::default()
    };
    let mut training = Training::new(columns.collect(), &["c5"], options, Box::new(NoSpill))?;
    for i in 0..300 {
        training.push(&row(i), &mut Clock::new())?;
    }
    Ok(training.finish(&mut Clock::new(), &Pool::new(1)?)?.file)
}

fn bits(scorer: &Scorer) -> Result<Vec<u32>> {
    let (mut scratch, mut out, mut all) = (scorer.scratch()?, Vec::new(), Vec::new());
    for i in 0..400 {
        scorer.predict_proba(&row(i)[..5], &mut scratch, &mut out)?;
        all.extend(out.iter().map(|p| p.to_bits()));
    }
    Ok(all)
}

fn all_steps(mut recurrence: Recurrence) -> Recurrence {
    recurrence.return_sequences = true;
    recurrence
}

/// A network of indices, which are its inputs as they are, and the bits of what it answers.
fn embedded() -> Result<(Model, Vec<u32>)> {
    let each = SimpleRnn {
        settings: all_steps(Recurrence::new(11)),
    };
    let layers = vec![
        Layer::Embedding(Embedding::new(23, 19)),
        Layer::Bidirectional(Bidirectional::new(Layer::SimpleRNN(each))?),
        Layer::GlobalAveragePooling1D(GlobalAveragePooling1D::default()),
        Layer::Dense(Dense::new(1, Activation::Linear)),
    ];
    let optimizer = Optimizer::parse("adam")?;
    let mut model =
        Sequential::new(layers).compile(STEPS, REGRESSION, optimizer, Loss::MSE, vec![], 1.0)?;
    model.initialize(3, &mut Clock::new())?;
    let x = indices();
    let y = x.chunks(STEPS).map(|x| x[0] - x[5]).collect();
    let mut rows = Rows::new(x, y, STEPS, 1);
    let options = data::options(3, 32);
    model.fit(&mut rows, None, &options, &mut Clock::new(), &Pool::new(1)?)?;
    let weights = model.weights().iter().map(|w| w.to_bits()).collect();
    Ok((model, weights))
}

/// Steps of a row of indices.
const STEPS: usize = 6;

fn indices() -> Vec<f32> {
    let place = |i: usize| ((i * i + i / 7) % 23) as f32;
    (0..200 * STEPS).map(place).collect()
}

/// Layers that pass over the steps an Embedding masks.
fn masked() -> Result<Plan> {
    let layers = serde_json::json!([
        {"class_name": "Embedding", "config": {"input_dim": 23, "output_dim": 20, "mask_zero": true}},
        {"class_name": "Bidirectional", "config": {"layer": {"class_name": "GRU", "config": {"units": 17, "return_sequences": true}}}},
        {"class_name": "LSTM", "config": {"units": 20, "return_sequences": true, "zero_output_for_mask": true}},
        {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"units": 5, "activation": "gelu"}}}},
        "GlobalAveragePooling1D",
        {"class_name": "Dense", "config": {"units": 1}},
    ]);
    let sequential = Sequential::from_json(&layers)?;
    let mut model = sequential.compile(
        STEPS,
        REGRESSION,
        Optimizer::default(),
        Loss::MSE,
        vec![],
        1.0,
    )?;
    model.initialize(3, &mut Clock::new())?;
    Plan::new(&model, &mut Clock::new())
}

fn bits_of_indices(plan: &Plan, x: &[f32]) -> Result<Vec<u32>> {
    let (mut scratch, mut all) = (plan.scratch()?, Vec::new());
    for x in x.chunks(STEPS) {
        scratch.input_mut().copy_from_slice(x);
        all.extend(plan.run(&mut scratch).iter().map(|y| y.to_bits()));
    }
    Ok(all)
}

#[test]
fn every_level_scores_the_same_bits() -> Result<()> {
    use Activation::*;
    let dense = |units, activation| Layer::Dense(Dense::new(units, activation));
    let all = [
        Linear, Relu, Sigmoid, Tanh, Softmax, Gelu, Elu, Selu, Softplus, LeakyRelu, Swish,
    ];
    let widths = [70, 33, 16, 40, 5, 129, 3, 64, 20, 8, 50];
    let deep = widths
        .iter()
        .zip(all)
        .map(|(&units, activation)| dense(units, activation));
    let columns = || Layer::Reshape(Reshape::new(vec![-1, 1]));
    let recurrent = vec![
        columns(),
        Layer::LSTM(Lstm {
            settings: all_steps(Recurrence::new(17)),
            ..Lstm::new(17)
        }),
        Layer::SimpleRNN(SimpleRnn {
            settings: all_steps(Recurrence::new(1)),
        }),
        dense(6, Softmax),
        Layer::GRU(Gru::new(20)),
        dense(3, Softmax),
    ];
    let both = |merge_mode, layer| -> Result<Layer> {
        Ok(Layer::Bidirectional(Bidirectional {
            merge_mode,
            ..Bidirectional::new(layer)?
        }))
    };
    let wrapped = vec![
        columns(),
        both(
            Merge::Concat,
            Layer::LSTM(Lstm {
                settings: all_steps(Recurrence::new(9)),
                ..Lstm::new(9)
            }),
        )?,
        Layer::TimeDistributed(TimeDistributed::new(dense(7, Gelu))),
        Layer::TimeDistributed(TimeDistributed::new(Layer::LayerNormalization(
            LayerNormalization::default(),
        ))),
        Layer::TimeDistributed(TimeDistributed::new(dense(18, Softmax))),
        both(Merge::Ave, Layer::GRU(Gru::new(21)))?,
        dense(3, Softmax),
    ];
    let windows = vec![
        columns(),
        Layer::Conv1D(Conv1D::new(20, 3, Gelu)),
        Layer::MaxPooling1D(MaxPooling1D::new(2)),
        Layer::Conv1D(Conv1D::new(3, 2, Tanh)),
        Layer::AveragePooling1D(AveragePooling1D::new(1)),
        Layer::GlobalMaxPooling1D(GlobalMaxPooling1D::default()),
        dense(3, Softmax),
    ];
    let others = Activation::parse;
    let named = [
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
        "exponential",
    ];
    // One after the other, and each kept from dying out or exploding.
    let mut normalized = vec![Layer::BatchNormalization(BatchNormalization::default())];
    for (i, name) in named.into_iter().enumerate() {
        normalized.push(dense(5 + 7 * (i % 5), others(name)?));
        normalized.push(if i % 2 == 0 {
            Layer::LayerNormalization(LayerNormalization::default())
        } else {
            Layer::BatchNormalization(BatchNormalization::default())
        });
        normalized.push(match i % 4 {
            0 => Layer::PReLU(Prelu {
                alpha: Weight::new(Initializer::Constant { value: 0.3 }),
                ..Prelu::default()
            }),
            1 => Layer::ELU(tablenet_core::Elu {
                alpha: 0.7,
                ..tablenet_core::Elu::default()
            }),
            2 => Layer::LeakyReLU(tablenet_core::LeakyRelu::default()),
            _ => Layer::ReLU(tablenet_core::Relu {
                max_value: Some(1.5),
                negative_slope: 0.4,
                threshold: 0.1,
                ..tablenet_core::Relu::default()
            }),
        });
    }
    normalized.push(Layer::GaussianNoise(GaussianNoise::new(0.1)));
    normalized.extend([dense(3, Linear), Layer::Softmax(Default::default())]);
    let stacks: [Vec<Layer>; 7] = [
        normalized,
        recurrent,
        wrapped,
        windows,
        deep.chain([dense(3, Softmax)]).collect(),
        vec![dense(64, Relu), dense(64, Relu), dense(3, Softmax)],
        vec![dense(3, Softmax)],
    ];
    let best = simd::level();
    assert_eq!(best, Level::best());
    for layers in stacks {
        let file = trained(layers.clone())?;
        let scorer = Scorer::new(&file, &mut Clock::new())?;
        let expected = bits(&scorer)?;
        assert!(expected.windows(2).any(|two| two[0] != two[1]));
        let bytes = file.to_bytes(&mut Clock::new())?;
        let read = ModelFile::from_bytes(&bytes, u64::MAX, &mut Clock::new())?;
        assert!(bits(&Scorer::new(&read, &mut Clock::new())?)? == expected);
        for level in Level::available() {
            simd::set(level)?;
            assert_eq!(simd::level(), level);
            assert!(
                bits(&scorer)? == expected,
                "{level} scores other bits than {best}"
            );
            // That another path was taken shows in training, where plain rounds twice what the others round once.
            let same = trained(layers.clone())?.to_bytes(&mut Clock::new())? == bytes;
            if level == best {
                assert!(same, "{level} does not repeat itself");
            } else if level == Level::Plain && cfg!(target_arch = "x86_64") {
                assert!(!same, "plain trained as {best}");
            }
        }
        simd::set(best)?;
    }
    let (model, weights) = embedded()?;
    let x = indices();
    // Four steps of every second row are not there.
    let masked_x: Vec<f32> = x
        .iter()
        .enumerate()
        .map(|(i, x)| if i % 12 > 7 { 0.0 } else { *x })
        .collect();
    let plans = [
        (Plan::new(&model, &mut Clock::new())?, x),
        (masked()?, masked_x),
    ];
    let mut expected = Vec::new();
    for (plan, x) in &plans {
        let bits = bits_of_indices(plan, x)?;
        assert!(bits.windows(2).any(|two| two[0] != two[1]));
        expected.push(bits);
    }
    for level in Level::available() {
        simd::set(level)?;
        for ((plan, x), expected) in plans.iter().zip(&expected) {
            assert!(
                bits_of_indices(plan, x)? == *expected,
                "{level} scores other bits of indices than {best}"
            );
        }
        let same = embedded()?.1 == weights;
        if level == best {
            assert!(same, "{level} does not repeat itself");
        } else if level == Level::Plain && cfg!(target_arch = "x86_64") {
            assert!(!same, "plain trained as {best}");
        }
    }
    simd::set(best)?;
    Ok(())
}
