//! The order of every sum, number by number, and at every instruction set.

use super::*;
use crate::fixture::NoCallback;
use crate::kernels::on_every_level;
use crate::kernels::score::{FEW, NARROW, SPARSE, chains};
use crate::{
    ActivationLayer, Dense, Dropout, EmbeddingInput, Inputs, Layer, Loss, Metric, Model, Optimizer,
    Sequential, Task,
};

fn number(i: usize) -> f32 {
    (i as f32 * 0.618_034) % 2.0 - 1.0
}

fn model(inputs: impl Into<Inputs>, layers: Vec<Layer>) -> Result<Model> {
    let task = Task::Regression { outputs: 1 };
    let (loss, metrics) = (Loss::MSE, Vec::<Metric>::new());
    let mut model =
        Sequential::new(layers).compile(inputs, task, Optimizer::default(), loss, metrics, 1.0)?;
    let weights = (0..model.parameters()).map(|i| 0.4 * number(i)).collect();
    model.set_weights(weights, &mut NoCallback)?;
    Ok(model)
}

fn dense(units: usize, activation: Activation) -> Layer {
    Layer::Dense(Dense::new(units, activation))
}

/// relu layers of `widths` on `x`, as kernels/score.rs says, one number after the other.
fn defined(weights: &[f32], widths: &[usize], x: &[f32]) -> Vec<f32> {
    let fma = libm::fmaf;
    let (mut x, mut rest) = (x.to_vec(), weights);
    for (layer, &units) in widths.iter().enumerate() {
        let (kernel, after) = rest.split_at(x.len() * units);
        let (bias, after) = after.split_at(units);
        rest = after;
        let relu = layer + 1 < widths.len();
        let unit = |j: usize| {
            let w = |i: usize| kernel[i * units + j];
            let z = if layer == 0 || units > SPARSE {
                (0..x.len()).fold(bias[j], |z, i| fma(x[i], w(i), z))
            } else if units <= NARROW {
                let mut sums = [[0f32; 16]; 4];
                for (i, &x) in x.iter().enumerate() {
                    let sum = &mut sums[i / 16 % 4][i % 16];
                    *sum = fma(x, w(i), *sum);
                }
                let mut lanes: Vec<f32> = (0..16)
                    .map(|l| (sums[0][l] + sums[2][l]) + (sums[1][l] + sums[3][l]))
                    .collect();
                for half in [8, 4, 2, 1] {
                    lanes = (0..half).map(|l| lanes[l] + lanes[l + half]).collect();
                }
                lanes[0] + bias[j]
            } else {
                let mut sums = vec![0f32; chains(units)];
                sums[0] = bias[j];
                for (i, &x) in x.iter().enumerate() {
                    let sum = &mut sums[i % chains(units)];
                    *sum = fma(x, w(i), *sum);
                }
                while sums.len() > 1 {
                    let half = sums.len() / 2;
                    sums = (0..half).map(|s| sums[s] + sums[s + half]).collect();
                }
                sums[0]
            };
            if relu { z.max(0.0) } else { z }
        };
        x = (0..units).map(unit).collect();
    }
    x
}

#[test]
fn sums_are_as_defined_at_every_level() -> Result<()> {
    let stacks: [(usize, &[usize]); 12] = [
        (1, &[1]),
        (28, &[1]),
        (7, &[3, 2, 1]),
        (28, &[FEW, 5, 1]),
        (28, &[16, 16, 1]),
        (28, &[64, 64, 1]),
        (33, &[20, 33, 17, NARROW, 1]),
        (5, &[100, SPARSE, 31, 1]),
        (3, &[130, 145, 257, 1]),
        (9, &[48, 80, 112, 96, 1]),
        (300, &[6, 64, 7, 1]),
        (50, &[129, 40, 1]),
    ];
    for (inputs, widths) in stacks {
        let last = widths.len() - 1;
        let layers = widths.iter().enumerate().map(|(i, &units)| {
            dense(
                units,
                [Activation::Relu, Activation::Linear][usize::from(i == last)],
            )
        });
        let model = model(inputs, layers.collect())?;
        let plan = Plan::new(&model, &mut NoCallback)?;
        let mut scratch = plan.scratch()?;
        for row in 0..5 {
            let x: Vec<f32> = (0..inputs).map(|i| number(i + 77 * row)).collect();
            let expected = defined(model.weights(), widths, &x);
            on_every_level(|| {
                scratch.input_mut().copy_from_slice(&x);
                let bits = |y: &[f32]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
                let level = crate::simd::level();
                assert_eq!(
                    bits(plan.run(&mut scratch)),
                    bits(&expected),
                    "{widths:?}, {level}"
                );
            });
        }
    }
    Ok(())
}

#[test]
fn inputs_without_weight_are_left_out_and_change_nothing() -> Result<()> {
    for units in [1, 5, 20, 70] {
        let layers = vec![dense(units, Activation::Tanh), dense(1, Activation::Linear)];
        let mut model = model(6, layers)?;
        let mut weights = model.weights().to_vec();
        weights[2 * units..4 * units].fill(-0.0);
        model.set_weights(weights, &mut NoCallback)?;
        let whole = Plan::new(&model, &mut NoCallback)?;
        let (plan, places) = Plan::sparse(&model, &mut NoCallback)?;
        let rows = places.rows;
        assert_eq!(rows, [Some(0), Some(1), None, None, Some(2), Some(3)]);
        assert!(plan.bytes() <= whole.bytes());
        let (mut all, mut few) = (whole.scratch()?, plan.sparse_scratch(4)?);
        let x = [0.5, 0.0, 3.0, -2.0, -0.25, 1e-42];
        all.input_mut().copy_from_slice(&x);
        few.entries_mut().fill(|free| {
            for (x, row) in x.iter().zip(&rows) {
                row.iter().for_each(|row| free.push(*row, *x));
            }
            Some(())
        });
        assert_eq!(
            whole.run(&mut all)[0].to_bits(),
            plan.score(&mut few)[0].to_bits()
        );
    }
    Ok(())
}

/// Two numbers, an index, a number and an index.
fn embedded() -> Inputs {
    let embedding = |input, vocabulary, dim| EmbeddingInput {
        input,
        vocabulary,
        dim,
    };
    Inputs {
        width: 5,
        embeddings: vec![embedding(2, 7, 3), embedding(4, 4, 20)],
    }
}

#[test]
fn an_index_is_its_vector() -> Result<()> {
    for widths in [&[64, 1][..], &[5, 1], &[1]] {
        let layers = |last: usize| {
            let hidden = widths[..last].iter();
            let hidden = hidden.map(|&units| dense(units, Activation::Relu));
            hidden.chain([dense(1, Activation::Linear)]).collect()
        };
        let mut model = model(embedded(), layers(widths.len() - 1))?;
        let mut weights = model.weights().to_vec();
        // A number and a part of a vector that have no weight: only the number's place is left out.
        let (tables, units) = (7 * 3 + 4 * 20, widths[0]);
        weights[tables + units..tables + 3 * units].fill(0.0);
        model.set_weights(weights, &mut NoCallback)?;
        let plan = Plan::new(&model, &mut NoCallback)?;
        let (sparse, places) = Plan::sparse(&model, &mut NoCallback)?;
        assert_eq!(places.rows, [Some(0), None, None, Some(4), None]);
        let [first, second] = &places.tables[..] else {
            panic!("two tables")
        };
        let place = |table: &Table| (table.input(), table.vocabulary(), table.dim(), table.row());
        assert_eq!((place(first), place(second)), ((2, 7, 3, 1), (4, 4, 20, 5)));
        assert_eq!(first.vector(7), None);
        assert_eq!(first.vector(u32::MAX), None);
        let mut scratch = plan.scratch()?;
        let mut few = sparse.sparse_scratch(2 + 23)?;
        for x in [[0.5, -2.0, 6.0, 1.5, 3.0], [-0.25, 1.0, 0.0, 0.0, 0.0]] {
            let (one, two) = (x[2] as usize, x[4] as usize);
            let (one, two) = (
                &model.weights()[3 * one..][..3],
                &model.weights()[21 + 20 * two..][..20],
            );
            let wide = [&x[..2], one, &x[3..4], two].concat();
            let expected = defined(&model.weights()[tables..], widths, &wide)[0].to_bits();
            on_every_level(|| {
                scratch.input_mut().copy_from_slice(&x);
                assert_eq!(plan.run(&mut scratch)[0].to_bits(), expected);
                few.entries_mut().fill(|free| {
                    free.push(0, x[0]);
                    free.push_all(first.row(), first.vector(x[2] as u32)?);
                    free.push(4, x[3]);
                    free.push_all(second.row(), second.vector(x[4] as u32)?);
                    Some(())
                });
                assert_eq!(sparse.score(&mut few)[0].to_bits(), expected);
            });
        }
        for wrong in [7.0, -1.0, 0.5, f32::NAN] {
            scratch
                .input_mut()
                .copy_from_slice(&[0.0, 0.0, wrong, 0.0, 0.0]);
            assert!(plan.run(&mut scratch)[0].is_nan());
        }
    }
    Ok(())
}

#[test]
fn layers_before_the_first_dense_one_are_kept() -> Result<()> {
    let x = [0.5, 0.0, -3.0];
    let activation = |activation| Layer::Activation(ActivationLayer::new(activation));
    let run = |layers: Vec<Layer>, x: [f32; 3]| -> Result<u32> {
        let plan = Plan::new(&model(3, layers)?, &mut NoCallback)?;
        let mut scratch = plan.scratch()?;
        scratch.input_mut().copy_from_slice(&x);
        // Twice: what the first row leaves behind must not matter.
        plan.run(&mut scratch);
        Ok(plan.run(&mut scratch)[0].to_bits())
    };
    for units in [1, 40] {
        let rest = || vec![dense(units, Activation::Relu), dense(1, Activation::Linear)];
        let behind = |layer: Layer| std::iter::once(layer).chain(rest()).collect::<Vec<_>>();
        let dropped = run(behind(Layer::Dropout(Dropout::new(0.5))), x)?;
        assert_eq!(dropped, run(rest(), x)?);
        // relu of the inputs, and softplus, which makes something of 0.
        let relu = run(behind(activation(Activation::Relu)), x)?;
        let expected = f32::from_bits(run(rest(), [0.5, 0.0, 0.0])?);
        assert!((f32::from_bits(relu) - expected).abs() < 1e-6);
        let softplus = run(behind(activation(Activation::Softplus)), x)?;
        let f = |x: f64| libm::log1p(libm::exp(x)) as f32;
        let expected = f32::from_bits(run(rest(), [f(0.5), f(0.0), f(-3.0)])?);
        assert!((f32::from_bits(softplus) - expected).abs() < 1e-5);
    }
    Ok(())
}

#[test]
fn a_nan_reaches_the_outputs_and_the_next_row_is_clean() -> Result<()> {
    for widths in [&[64, 64][..], &[5], &[3, 16], &[100, 20, 2]] {
        let layers = widths.iter().map(|&units| dense(units, Activation::Relu));
        let layers = layers.chain([dense(1, Activation::Linear)]).collect();
        let plan = Plan::new(&model(4, layers)?, &mut NoCallback)?;
        let mut scratch = plan.scratch()?;
        on_every_level(|| {
            let mut run = |x: [f32; 4]| {
                scratch.input_mut().copy_from_slice(&x);
                plan.run(&mut scratch)[0]
            };
            let before = run([1.0, 2.0, 3.0, 4.0]);
            assert!(run([1.0, f32::NAN, 3.0, 4.0]).is_nan());
            assert!(!run([1.0, f32::INFINITY, 3.0, 4.0]).is_finite());
            assert_eq!(run([1.0, 2.0, 3.0, 4.0]).to_bits(), before.to_bits());
        });
    }
    Ok(())
}
