use super::*;
use crate::kernels::on_every_level;

/// Every function that has a name, and those of layers.
fn all() -> Vec<Activation> {
    let named = Activation::NAMES.map(|(_, f)| f);
    let ramp = |negative_slope, max_value, threshold| Activation::Ramp {
        negative_slope,
        max_value,
        threshold,
    };
    let of_layers = [
        ramp(0.0, 2.0, 0.0),
        ramp(0.25, f64::INFINITY, 1.0),
        ramp(0.5, 1.5, 0.75),
        ramp(0.5, 0.5, 0.75),
        Activation::Leaky {
            negative_slope: 0.375,
        },
        Activation::ScaledElu { alpha: 0.5 },
        Activation::ScaledElu { alpha: -0.5 },
    ];
    named.into_iter().chain(of_layers).collect()
}

/// The definitions, in f64.
fn exact(f: Activation, row: &[f64], i: usize) -> f64 {
    let x = row[i];
    let exponentials = || row.iter().map(|&v| libm::exp(v)).sum::<f64>();
    let softplus = |x: f64| libm::log1p(libm::exp(x));
    match f {
        Activation::Linear => x,
        Activation::Relu => x.max(0.0),
        Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
        Activation::Tanh => libm::tanh(x),
        Activation::Softmax => libm::exp(x) / exponentials(),
        Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::Elu | Activation::Celu if x > 0.0 => x,
        Activation::Elu | Activation::Celu => libm::expm1(x),
        Activation::Selu if x > 0.0 => 1.0507009873554805 * x,
        Activation::Selu => 1.0507009873554805 * 1.6732632423543772 * libm::expm1(x),
        Activation::Softplus => softplus(x),
        Activation::LeakyRelu if x > 0.0 => x,
        Activation::LeakyRelu => 0.2 * x,
        Activation::Swish => x / (1.0 + libm::exp(-x)),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::Squareplus => (x + (x * x + 4.0).sqrt()) / 2.0,
        Activation::SoftShrink if x.abs() > 0.5 => x - 0.5f64.copysign(x),
        Activation::HardShrink if x.abs() > 0.5 => x,
        Activation::SoftShrink | Activation::HardShrink => 0.0,
        Activation::TanhShrink => x - libm::tanh(x),
        Activation::SparsePlus if x >= 1.0 => x,
        Activation::SparsePlus => 0.25 * (x.max(-1.0) + 1.0) * (x.max(-1.0) + 1.0),
        Activation::SparseSigmoid => 0.5 * (x.clamp(-1.0, 1.0) + 1.0),
        Activation::Exponential => libm::exp(x),
        Activation::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::HardSilu => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::HardTanh => x.clamp(-1.0, 1.0),
        Activation::Mish => x * libm::tanh(softplus(x)),
        Activation::LogSigmoid => -softplus(-x),
        Activation::LogSoftmax => x - libm::log(exponentials()),
        Activation::Sparsemax => {
            // By sorting, as the paper has it.
            let mut sorted = row.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let (mut sum, mut threshold) = (0.0, 0.0);
            for (k, z) in (1..).zip(sorted) {
                sum += z;
                if 1.0 + f64::from(k) * z > sum {
                    threshold = (sum - 1.0) / f64::from(k);
                }
            }
            (x - threshold).max(0.0)
        }
        Activation::Ramp {
            negative_slope,
            threshold,
            ..
        } if x <= threshold => negative_slope * (x - threshold),
        Activation::Ramp { max_value, .. } => x.min(max_value),
        Activation::Leaky { .. } | Activation::ScaledElu { .. } if x > 0.0 => x,
        Activation::Leaky { negative_slope } => negative_slope * x,
        Activation::ScaledElu { alpha } => alpha * libm::expm1(x),
    }
}

#[test]
fn values_and_derivatives_equal_finite_differences() {
    on_every_level(|| {
        for f in all() {
            for width in [1, 5, 17] {
                let z: Vec<f32> = (0..3 * width)
                    .map(|i| (i as f32 * 1.37 + 0.11) % 7.0 - 3.5)
                    .collect();
                let mut y = z.clone();
                forward(f, width, &mut y);
                let weight = |i: usize| 0.3 + (i as f64 * 0.7) % 1.0;
                let mut d: Vec<f32> = (0..z.len()).map(|i| weight(i) as f32).collect();
                backward(f, width, &z, &y, &mut d);
                for (r, row) in z.chunks(width).enumerate() {
                    let row: Vec<f64> = row.iter().map(|&v| f64::from(v)).collect();
                    for i in 0..width {
                        let got = f64::from(y[r * width + i]);
                        assert!(
                            (got - exact(f, &row, i)).abs() < 3e-7 * (1.0 + got.abs()),
                            "{f:?} at {}",
                            row[i]
                        );
                        let total = |row: &[f64]| {
                            (0..width)
                                .map(|j| weight(r * width + j) * exact(f, row, j))
                                .sum::<f64>()
                        };
                        let (mut above, mut below) = (row.clone(), row.clone());
                        above[i] += 1e-5;
                        below[i] -= 1e-5;
                        let slope = (total(&above) - total(&below)) / 2e-5;
                        let got = f64::from(d[r * width + i]);
                        assert!(
                            (got - slope).abs() < 2e-6,
                            "{f:?}' at {}: {got} instead of {slope}",
                            row[i]
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn every_activation_passes_nan_on() {
    for f in all() {
        let mut z = [1.0, f32::NAN, 0.5];
        forward(f, 3, &mut z);
        assert!(z[1].is_nan(), "{f:?}");
    }
}
