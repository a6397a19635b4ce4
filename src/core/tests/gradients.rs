//! Gradients of whole networks: against finite differences of a reference in f64, and against candle's autograd.
//! Every activation and loss alone is tested so beside its kernel.

mod data;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::Module;
use data::{Clock, REGRESSION, Rows, dense, numbers, options};
use tablenet_core::*;

/// The gradient at `weights`: what one step of plain SGD with learning_rate 1 takes off.
fn gradient(
    model: &mut Model,
    weights: &[f32],
    rows: &mut Rows,
    threads: usize,
) -> (Vec<f64>, f64) {
    model
        .set_weights(weights.to_vec(), &mut Clock::new())
        .unwrap();
    let one = FitOptions {
        shuffle: false,
        ..options(1, usize::try_from(rows.rows()).unwrap())
    };
    let history = model
        .fit(
            rows,
            None,
            &one,
            &mut Clock::new(),
            &Pool::new(threads).unwrap(),
        )
        .unwrap();
    let taken = weights
        .iter()
        .zip(model.weights())
        .map(|(a, b)| f64::from(*a) - f64::from(*b))
        .collect();
    (taken, history.epochs[0].loss)
}

fn compile(inputs: impl Into<Inputs>, layers: Vec<Layer>, task: Task, loss: Loss) -> Model {
    let sgd = Optimizer::parse(r#"{"sgd": {"learning_rate": 1}}"#).unwrap();
    Sequential::new(layers)
        .compile(inputs, task, sgd, loss, vec![], 1.0)
        .unwrap()
}

fn activate(f: Activation, z: &mut [f64]) {
    let total: f64 = z.iter().map(|&v| libm::exp(v)).sum();
    for v in z {
        let x = *v;
        *v = match f {
            Activation::Linear => x,
            Activation::Relu => x.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Activation::Tanh => libm::tanh(x),
            Activation::Softmax => libm::exp(x) / total,
            Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Activation::Elu => {
                if x > 0.0 {
                    x
                } else {
                    libm::expm1(x)
                }
            }
            Activation::Selu => {
                1.0507009873554805
                    * if x > 0.0 {
                        x
                    } else {
                        1.6732632423543772 * libm::expm1(x)
                    }
            }
            Activation::Softplus => libm::log1p(libm::exp(x)),
            Activation::LeakyRelu => {
                if x > 0.0 {
                    x
                } else {
                    0.2 * x
                }
            }
            Activation::Swish => x / (1.0 + libm::exp(-x)),
            other => panic!("{other:?} has no formula here"),
        };
    }
}

/// The mean loss by definition, in f64.
fn reference(layers: &[Layer], loss: Loss, w: &[f64], rows: &Rows) -> f64 {
    let mut total = 0.0;
    for (x, y) in rows.x.chunks(rows.inputs).zip(rows.y.chunks(rows.targets)) {
        let mut x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        let mut at = 0;
        for layer in layers {
            match layer {
                Layer::Dense(d) => {
                    let kernel = &w[at..at + x.len() * d.units];
                    at += kernel.len();
                    let mut z: Vec<f64> = if d.use_bias {
                        w[at..at + d.units].to_vec()
                    } else {
                        vec![0.0; d.units]
                    };
                    at += if d.use_bias { d.units } else { 0 };
                    for (x, row) in x.iter().zip(kernel.chunks(d.units)) {
                        z.iter_mut().zip(row).for_each(|(z, w)| *z += x * w);
                    }
                    activate(d.activation, &mut z);
                    x = z;
                }
                Layer::Activation(a) => activate(a.activation, &mut x),
                Layer::Dropout(_) => {}
                other => panic!("no reference for {}", other.class_name()),
            }
        }
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            x.iter()
                .zip(y)
                .map(|(&p, &y)| f(p, f64::from(y)))
                .sum::<f64>()
                / x.len() as f64
        };
        total += match loss {
            Loss::MSE => mean(&|p, y| (p - y) * (p - y)),
            Loss::MAE => mean(&|p, y| (p - y).abs()),
            Loss::Huber(Huber { delta }) => mean(&|p, y| {
                let a = (p - y).abs();
                if a <= delta {
                    0.5 * a * a
                } else {
                    delta * (a - 0.5 * delta)
                }
            }),
            Loss::BINARY => mean(&|p, y| -(y * libm::log(p) + (1.0 - y) * libm::log(1.0 - p))),
            Loss::CATEGORICAL => -libm::log(x[y[0] as usize]),
            other => panic!("no reference for {}", other.name()),
        };
    }
    total / rows.rows() as f64
}

fn check(what: &str, layers: Vec<Layer>, task: Task, loss: Loss, rows: &mut Rows) {
    let mut model = compile(rows.inputs, layers.clone(), task, loss);
    let weights: Vec<f32> = numbers(model.parameters(), 5)
        .iter()
        .map(|w| 0.7 * w)
        .collect();
    let (got, value) = gradient(&mut model, &weights, rows, 1);
    let exact: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
    let wanted = reference(&layers, loss, &exact, rows);
    assert!(
        (value - wanted).abs() < 2e-6 * (1.0 + wanted),
        "{what}: loss {value} instead of {wanted}"
    );
    for i in 0..exact.len() {
        let at = |h: f64| {
            let mut w = exact.clone();
            w[i] += h;
            reference(&layers, loss, &w, rows)
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!(
            (got[i] - slope).abs() < 3e-6 * (1.0 + slope.abs()),
            "{what}: {} instead of {slope} for weight {i}",
            got[i]
        );
    }
}

#[test]
fn every_activation_and_layer_equals_finite_differences() {
    use Activation::*;
    for f in [
        Linear, Relu, Sigmoid, Tanh, Softmax, Gelu, Elu, Selu, Softplus, LeakyRelu, Swish,
    ] {
        let mut rows = Rows::of(9, 3, |x| x[0] - 2.0 * x[1]);
        check(
            &format!("{f:?} in Dense"),
            vec![dense(5, f), dense(4, f), dense(1, Linear)],
            REGRESSION,
            Loss::MSE,
            &mut rows,
        );
        let layers = vec![
            dense(5, Linear),
            Layer::Activation(ActivationLayer::new(f)),
            dense(1, Linear),
        ];
        check(
            &format!("{f:?} as a layer"),
            layers,
            REGRESSION,
            Loss::MSE,
            &mut rows,
        );
    }
    let mut no_bias = Dense::new(4, Tanh);
    no_bias.use_bias = false;
    let mut rows = Rows::of(5, 3, |x| x[0]);
    check(
        "no bias",
        vec![Layer::Dense(no_bias), dense(1, Linear)],
        REGRESSION,
        Loss::MSE,
        &mut rows,
    );
}

#[test]
fn every_loss_equals_finite_differences() {
    use Activation::*;
    for loss in [Loss::MSE, Loss::MAE, Loss::Huber(Huber { delta: 0.3 })] {
        let y = numbers(14, 2);
        let mut rows = Rows::new(numbers(21, 1), y, 3, 2);
        check(
            &format!("{loss:?}"),
            vec![dense(4, Tanh), dense(2, Linear)],
            Task::Regression { outputs: 2 },
            loss,
            &mut rows,
        );
    }
    let mut rows = Rows::of(11, 3, |x| f32::from(x[0] > 0.1));
    check(
        "bce",
        vec![dense(4, Tanh), dense(1, Sigmoid)],
        Task::Binary,
        Loss::BINARY,
        &mut rows,
    );
    check(
        "mse of sigmoid",
        vec![dense(4, Tanh), dense(1, Sigmoid)],
        Task::Binary,
        Loss::MSE,
        &mut rows,
    );
    check(
        "cce of two",
        vec![dense(4, Tanh), dense(2, Softmax)],
        Task::Binary,
        Loss::CATEGORICAL,
        &mut rows,
    );
    let mut rows = Rows::of(11, 3, |x| {
        if x[0] > 0.3 {
            2.0
        } else {
            f32::from(x[1] > 0.0)
        }
    });
    let layers = vec![
        dense(4, Tanh),
        dense(3, Linear),
        Layer::Activation(ActivationLayer::new(Softmax)),
    ];
    check(
        "cce",
        layers,
        Task::Multiclass { classes: 3 },
        Loss::CATEGORICAL,
        &mut rows,
    );
}

#[test]
fn edge_widths_and_tiny_batches_equal_finite_differences() {
    for (rows, widths) in [
        (1, [1, 7]),
        (2, [17, 1]),
        (3, [33, 17]),
        (2, [7, 33]),
        (1, [16, 32]),
    ] {
        let mut data = Rows::of(rows, 7, |x| x[3]);
        let layers = vec![
            dense(widths[0], Activation::Tanh),
            dense(widths[1], Activation::Gelu),
            dense(1, Activation::Linear),
        ];
        check(
            &format!("{rows} rows, {widths:?}"),
            layers,
            REGRESSION,
            Loss::MSE,
            &mut data,
        );
    }
}

/// The loss is a parabola in every single weight of a linear network, so wide differences are exact; the mask of a
/// step is the same whenever step and seed are.
#[test]
fn dropout_equals_finite_differences_under_the_same_mask() {
    let layers = vec![
        dense(6, Activation::Linear),
        Layer::Dropout(Dropout::new(0.4)),
        dense(1, Activation::Linear),
    ];
    let mut rows = Rows::of(40, 3, |x| x[0] + x[2]);
    let mut model = compile(3, layers, REGRESSION, Loss::MSE);
    let weights = numbers(model.parameters(), 9);
    let (got, _) = gradient(&mut model, &weights, &mut rows, 1);
    for i in 0..weights.len() {
        let mut at = |h: f32| {
            let mut w = weights.clone();
            w[i] += h;
            gradient(&mut model, &w, &mut rows, 1).1
        };
        let slope = (at(0.5) - at(-0.5)) / 1.0;
        assert!(
            (got[i] - slope).abs() < 1e-5,
            "{} instead of {slope} for weight {i}",
            got[i]
        );
    }
}

#[test]
fn a_dense_stack_equals_candles_autograd() {
    let (inputs, rows) = (28, 700);
    let widths = [64, 33, 1];
    let mut data = Rows::of(rows, inputs, |x| x[0] * x[1] + x[2]);
    let layers = vec![
        dense(64, Activation::Relu),
        dense(33, Activation::Tanh),
        dense(1, Activation::Linear),
    ];
    let mut model = compile(inputs, layers, REGRESSION, Loss::MSE);
    let weights: Vec<f32> = numbers(model.parameters(), 4)
        .iter()
        .map(|w| 0.2 * w)
        .collect();
    let variables = variables(&model, &weights);
    let mut h = Tensor::from_vec(data.x.clone(), (rows, inputs), &Device::Cpu).unwrap();
    for (i, pair) in variables.chunks(2).enumerate() {
        h = h.matmul(&pair[0]).unwrap().broadcast_add(&pair[1]).unwrap();
        h = match i {
            0 => h.relu().unwrap(),
            1 => h.tanh().unwrap(),
            _ => h,
        };
    }
    let y = Tensor::from_vec(data.y.clone(), (rows, widths[2]), &Device::Cpu).unwrap();
    let loss = (h - y).unwrap().sqr().unwrap().mean_all().unwrap();
    agree(&mut model, &weights, &mut data, &variables, &loss);
}

/// The model's variables as candle's.
fn variables(model: &Model, weights: &[f32]) -> Vec<Var> {
    let variable = |v: &Variable| {
        let size = v.shape.iter().product::<usize>();
        let slice = weights[v.offset..v.offset + size].to_vec();
        Var::from_tensor(&Tensor::from_vec(slice, v.shape.as_slice(), &Device::Cpu).unwrap())
    };
    model
        .variables()
        .iter()
        .map(|v| variable(v).unwrap())
        .collect()
}

/// Compares value and gradient with those of candle's `loss`.
fn agree(model: &mut Model, weights: &[f32], data: &mut Rows, variables: &[Var], loss: &Tensor) {
    let gradients = loss.backward().unwrap();
    for threads in [1, 3] {
        let (got, value) = gradient(model, weights, data, threads);
        assert!((value - f64::from(loss.to_scalar::<f32>().unwrap())).abs() < 1e-6);
        for (v, var) in model.variables().iter().zip(variables) {
            let wanted = gradients.get(var).unwrap().flatten_all().unwrap();
            for (i, wanted) in wanted.to_vec1::<f32>().unwrap().iter().enumerate() {
                let got = got[v.offset + i];
                assert!(
                    (got - f64::from(*wanted)).abs() < 1e-6,
                    "{}[{i}]: {got} instead of {wanted}",
                    v.path
                );
            }
        }
    }
}

#[test]
fn crossentropies_equal_those_of_candle_nn() {
    let (inputs, rows) = (7, 600);
    for (task, loss, units, head) in [
        (Task::Binary, Loss::BINARY, 1, Activation::Sigmoid),
        (
            Task::Multiclass { classes: 4 },
            Loss::CATEGORICAL,
            4,
            Activation::Softmax,
        ),
    ] {
        let class = |x: &[f32]| f32::from(x[0] > 0.0) + f32::from(units > 1 && x[1] > 0.3) * 2.0;
        let mut data = Rows::of(rows, inputs, class);
        let layers = vec![dense(20, Activation::Swish), dense(units, head)];
        let mut model = compile(inputs, layers, task, loss);
        let weights = numbers(model.parameters(), 6);
        let variables = variables(&model, &weights);
        let x = Tensor::from_vec(data.x.clone(), (rows, inputs), &Device::Cpu).unwrap();
        let linear = |x: &Tensor, i: usize| {
            let kernel = variables[i].t().unwrap();
            candle_nn::Linear::new(kernel, Some(variables[i + 1].as_tensor().clone()))
                .forward(x)
                .unwrap()
        };
        let logits = linear(&candle_nn::ops::silu(&linear(&x, 0)).unwrap(), 2);
        let y = Tensor::from_vec(data.y.clone(), (rows, 1), &Device::Cpu).unwrap();
        let value = if units == 1 {
            candle_nn::loss::binary_cross_entropy_with_logit(&logits, &y)
        } else {
            let y = y.squeeze(1).unwrap().to_dtype(DType::U32).unwrap();
            candle_nn::loss::cross_entropy(&logits, &y)
        };
        agree(&mut model, &weights, &mut data, &variables, &value.unwrap());
    }
}

/// Numbers and three indices; one table is used by few rows, and one of its vectors by none.
#[test]
fn embeddings_equal_candles_autograd() {
    let rows = 700;
    let embedding = |input, vocabulary, dim| EmbeddingInput {
        input,
        vocabulary,
        dim,
    };
    let tables = vec![
        embedding(0, 9, 5),
        embedding(3, 300, 16),
        embedding(4, 2, 1),
    ];
    let inputs = Inputs {
        width: 7,
        embeddings: tables.clone(),
    };
    for widths in [&[64, 33, 1][..], &[1]] {
        let mut x = numbers(rows * 7, 11);
        for x in x.chunks_mut(7) {
            for table in &tables {
                let share = (x[table.input] + 1.0) / 2.0 * (table.vocabulary - 1) as f32;
                x[table.input] = share.floor();
            }
        }
        let y = x.chunks(7).map(|x| x[1] + 0.1 * x[0]).collect();
        let mut data = Rows::new(x, y, 7, 1);
        let layers = widths.iter().map(|&w| match w {
            1 => dense(1, Activation::Linear),
            _ => dense(w, Activation::Relu),
        });
        let mut model = compile(inputs.clone(), layers.collect(), REGRESSION, Loss::MSE);
        assert_eq!(model.variables()[1].path, "embedding_1/embeddings");
        assert_eq!(model.variables()[1].shape, [300, 16]);
        let weights: Vec<f32> = numbers(model.parameters(), 4)
            .iter()
            .map(|w| 0.2 * w)
            .collect();
        let variables = variables(&model, &weights);
        let x = Tensor::from_vec(data.x.clone(), (rows, 7), &Device::Cpu).unwrap();
        let mut pieces = Vec::new();
        for input in 0..7 {
            let column = x.narrow(1, input, 1).unwrap();
            match tables.iter().position(|table| table.input == input) {
                None => pieces.push(column),
                Some(i) => {
                    let index = column.squeeze(1).unwrap().to_dtype(DType::U32).unwrap();
                    pieces.push(variables[i].index_select(&index, 0).unwrap());
                }
            }
        }
        let mut h = Tensor::cat(&pieces, 1).unwrap();
        let layers = variables[tables.len()..].chunks(2);
        let last = layers.len() - 1;
        for (i, pair) in layers.enumerate() {
            h = h.matmul(&pair[0]).unwrap().broadcast_add(&pair[1]).unwrap();
            if i < last {
                h = h.relu().unwrap();
            }
        }
        let y = Tensor::from_vec(data.y.clone(), (rows, 1), &Device::Cpu).unwrap();
        let loss = (h - y).unwrap().sqr().unwrap().mean_all().unwrap();
        agree(&mut model, &weights, &mut data, &variables, &loss);
    }
}
