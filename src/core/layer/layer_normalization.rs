//! `LayerNormalization`: y = gamma (x - mean) / sqrt(variance + epsilon) + beta with mean and variance of the row itself
//! (Keras: `keras.layers.LayerNormalization`; Ba, Kiros and Hinton 2016).

use super::weight::settings;
use super::{Backward, Forward, Kind, VariableSpec, Weight, axes, check_number};
use crate::config::Config;
use crate::kernels::lanes::Line;
use crate::kernels::normalize;
use crate::predict::{Frozen, Step};
use crate::weights::room;
use crate::{Callback, Initializer, Result, Shape};
use serde_json::{Map, Value, json};

/// Normalises the last dimension, or several of the last ones, of each row by itself (Keras: `LayerNormalization`).
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNormalization {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Whether training moves its weights.
    pub trainable: bool,
    /// The dimensions that share a mean, the last ones: [-1], or their numbers, where the batch is 0.
    pub axis: Vec<i64>,
    /// Added to the variance, 0.001.
    pub epsilon: f64,
    /// Whether beta is added.
    pub center: bool,
    /// Whether it is multiplied with gamma.
    pub scale: bool,
    /// What is added.
    pub beta: Weight,
    /// What it is multiplied with.
    pub gamma: Weight,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self {
            name: None,
            trainable: true,
            axis: vec![-1],
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta: Weight::new(Initializer::Zeros),
            gamma: Weight::new(Initializer::Ones),
        }
    }
}

/// Numbers between two looks at the interrupt.
const PIECE: usize = 1 << 17;

impl LayerNormalization {
    /// The dimensions that are normalised together.
    fn dims(&self, input: &Shape) -> Vec<usize> {
        let dims = input.dims();
        dims[dims.len().saturating_sub(self.axis.len())..].to_vec()
    }

    /// Numbers that are normalised together.
    fn width(&self, input: Shape) -> usize {
        self.dims(&input).iter().product()
    }

    /// Gamma and beta, of which those that are not there are empty.
    fn parts<'a>(&self, weights: &'a [f32], width: usize) -> [&'a [f32]; 2] {
        weights.split_at(if self.scale { width } else { 0 }).into()
    }

    /// Whole rows of about [`PIECE`] numbers.
    fn piece(width: usize) -> usize {
        (PIECE / width).max(1) * width
    }
}

impl Kind for LayerNormalization {
    fn known_settings() -> &'static [&'static str] {
        settings!(
            ["axis", "epsilon", "center", "scale"],
            ["beta", "gamma"],
            ["rms_scaling"]
        )
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&["rms_scaling"])?;
        let new = Self::default();
        let layer = Self {
            name,
            trainable: true,
            axis: axes::read(config)?,
            epsilon: config.number("epsilon", new.epsilon, "a number", |_| true)?,
            center: config.flag("center", true)?,
            scale: config.flag("scale", true)?,
            beta: Weight::read(config, "beta", Initializer::Zeros)?,
            gamma: Weight::read(config, "gamma", Initializer::Ones)?,
        };
        layer.check()?;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        let mut map = Map::new();
        self.beta.write("beta", &mut map);
        self.gamma.write("gamma", &mut map);
        let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
        put("axis", json!(self.axis));
        put("epsilon", json!(self.epsilon));
        put("center", json!(self.center));
        put("scale", json!(self.scale));
        put("rms_scaling", Value::Bool(false));
        map
    }

    fn check(&self) -> Result<()> {
        let what = "LayerNormalization";
        check_number(what, "epsilon", self.epsilon, "at least 0", |n| n >= 0.0)
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        axes::last("LayerNormalization", &self.axis, input)?;
        Ok(input)
    }

    keeps_mask!();

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let mut variables = Vec::with_capacity(2);
        if self.scale {
            variables.push(self.gamma.variable("gamma", self.dims(&input)));
        }
        if self.center {
            variables.push(self.beta.variable("beta", self.dims(&input)));
        }
        variables
    }

    fn work(&self, input: Shape) -> usize {
        input.width().saturating_mul(2)
    }

    fn freeze<'w>(
        &self,
        input: Shape,
        weights: &'w [f32],
        callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        callback.check()?;
        let width = self.width(input);
        let mut own = room(weights.len())?;
        own.extend_from_slice(weights);
        callback.check()?;
        Ok(Some(Frozen::Own(Box::new(Normalized {
            epsilon: self.epsilon as f32,
            width,
            gamma: if self.scale { width } else { 0 },
            weights: own,
        }))))
    }

    /// Mean and inverse deviation of everything that is normalised together.
    fn stash(&self, input: Shape) -> usize {
        2 * (input.width() / self.width(input).max(1))
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let width = self.width(pass.input);
        let [gamma, beta] = self.parts(pass.weights, width);
        let (epsilon, piece) = (self.epsilon as f32, Self::piece(width));
        let all = pass.x.chunks(piece).zip(pass.y.chunks_mut(piece));
        let kept = pass.stash.chunks_mut(2 * (piece / width));
        for ((x, y), kept) in all.zip(kept) {
            normalize::rows(epsilon, width, gamma, beta, x, y, kept);
            (pass.interrupt)()?;
        }
        Ok(())
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        let width = self.width(pass.input);
        let [gamma, _] = self.parts(pass.weights, width);
        super::clear(pass.gradient, pass.add, pass.interrupt)?;
        let (dgamma, dbeta) = pass.gradient.split_at_mut(gamma.len());
        let piece = Self::piece(width);
        let mut dx = pass.dx.map(|dx| dx.chunks_mut(piece));
        let all = pass.x.chunks(piece).zip(pass.dy.chunks(piece));
        for ((x, dy), kept) in all.zip(pass.stash.chunks(2 * (piece / width))) {
            let dx = dx.as_mut().and_then(Iterator::next).unwrap_or_default();
            normalize::rows_back(width, gamma, x, kept, dy, dgamma, dbeta, dx);
            (pass.interrupt)()?;
        }
        Ok(())
    }
}

/// The layer in use.
#[derive(Debug)]
struct Normalized {
    epsilon: f32,
    width: usize,
    /// Numbers of gamma, which stand before those of beta.
    gamma: usize,
    weights: Vec<f32>,
}

impl Step for Normalized {
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], _: &mut [Line]) {
        let (gamma, beta) = self.weights.split_at(self.gamma);
        normalize::exact_rows(self.epsilon, self.width, gamma, beta, x, y);
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.weights.as_slice())
    }
}
