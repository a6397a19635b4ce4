//! What a training takes from the weights, beside central differences of the loss.

use super::data::{Clock, Rows, options};
use tablenet_core::*;

/// One step of a model whose optimizer is SGD with a learning rate of 1, on all `count` rows at once, and the slopes at `places`
/// weights or a few more. `told` is what an error says.
pub fn compare(model: &mut Model, rows: &mut Rows, count: usize, places: usize, told: &str) {
    let pool = Pool::new(1).unwrap();
    let weights = model.weights().to_vec();
    let once = options(1, count);
    model
        .fit(rows, None, &once, &mut Clock::new(), &pool)
        .unwrap();
    let pairs = weights.iter().zip(model.weights());
    let taken: Vec<f32> = pairs.map(|(a, b)| a - b).collect();
    let mut at = |i: usize, h: f32| {
        let mut moved = weights.clone();
        moved[i] += h;
        model.set_weights(moved, &mut Clock::new()).unwrap();
        let evaluated = model.evaluate(rows, count, &mut Clock::new(), &pool);
        evaluated.unwrap().loss
    };
    for i in (0..taken.len()).step_by((taken.len() / places).max(1)) {
        let slope = (at(i, 4e-3) - at(i, -4e-3)) / 8e-3;
        let got = f64::from(taken[i]);
        assert!(
            (got - slope).abs() < 2e-3 * (1.0 + slope.abs()),
            "{told}: {got} instead of {slope} for weight {i}"
        );
    }
}
