//! `BatchNormalization`: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, while training with mean and variance of the
//! batch, later with their moving averages (Keras: `keras.layers.BatchNormalization`; Ioffe and Szegedy 2015).

use super::weight::settings;
use super::{Backward, Change, Forward, Kind, VariableSpec, Weight, axes, check_number, no_mask};
use crate::config::Config;
use crate::kernels::lanes::Line;
use crate::kernels::normalize;
use crate::predict::{Frozen, Step};
use crate::weights::room;
use crate::{Callback, Error, ErrorKind, Initializer, Result, Shape};
use serde_json::{Map, Value, json};

/// Normalises the last dimension over the batch (Keras: `BatchNormalization`).
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNormalization {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Whether training moves it; where not, it has its moving averages even then.
    pub trainable: bool,
    /// The dimension that keeps its mean, the last one: -1, or its number, where the batch is 0.
    pub axis: i64,
    /// How much of the moving averages stays in every step, 0.99.
    pub momentum: f64,
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
    /// How the moving mean begins.
    pub moving_mean_initializer: Initializer,
    /// How the moving variance begins.
    pub moving_variance_initializer: Initializer,
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self {
            name: None,
            trainable: true,
            axis: -1,
            momentum: 0.99,
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta: Weight::new(Initializer::Zeros),
            gamma: Weight::new(Initializer::Ones),
            moving_mean_initializer: Initializer::Zeros,
            moving_variance_initializer: Initializer::Ones,
        }
    }
}

/// What Keras has and this has not.
const REFUSED: &[&str] = &["renorm", "renorm_clipping", "synchronized"];

/// What the layer makes of a number: (x - mean) scale + shift.
struct Folded<'a> {
    scale: &'a mut [f32],
    shift: &'a mut [f32],
}

impl BatchNormalization {
    /// Its variables: gamma and beta, of which those that are not there are empty, and the moving mean and variance.
    fn parts<'a>(&self, weights: &'a [f32], channels: usize) -> [&'a [f32]; 4] {
        let (gamma, rest) = weights.split_at(if self.scale { channels } else { 0 });
        let (beta, rest) = rest.split_at(if self.center { channels } else { 0 });
        let (mean, variance) = rest.split_at(channels);
        [gamma, beta, mean, variance]
    }

    /// As [`BatchNormalization::parts`].
    fn parts_mut<'a>(&self, weights: &'a mut [f32], channels: usize) -> [&'a mut [f32]; 4] {
        let (gamma, rest) = weights.split_at_mut(if self.scale { channels } else { 0 });
        let (beta, rest) = rest.split_at_mut(if self.center { channels } else { 0 });
        let (mean, variance) = rest.split_at_mut(channels);
        [gamma, beta, mean, variance]
    }

    /// Fills in what the variables and a variance make; `inverse` becomes 1 / sqrt(variance + epsilon).
    fn fold(&self, gamma: &[f32], beta: &[f32], variance: &[f32], folded: Folded<'_>) {
        let Folded { scale, shift } = folded;
        self.inverse(variance, scale);
        for (scale, gamma) in scale.iter_mut().zip(gamma) {
            *scale *= gamma;
        }
        shift.fill(0.0);
        shift[..beta.len()].copy_from_slice(beta);
    }

    /// The way back through the moving averages: every number is scaled by itself.
    fn backward_fixed(&self, pass: Backward<'_>) -> Result<()> {
        super::clear(pass.gradient, pass.add, pass.interrupt)?;
        let channels = pass.input.last();
        let [gamma, beta, mean, variance] = self.parts(pass.weights, channels);
        let (scale, rest) = pass.scratch.split_at_mut(channels);
        let none = &mut rest[..channels];
        let shift = &mut *none;
        self.fold(gamma, beta, variance, Folded { scale, shift });
        none.fill(0.0);
        let Some(dx) = pass.dx else {
            return (pass.interrupt)();
        };
        let all = [mean, &*scale, &*none, &*none];
        normalize::input_gradient(all, pass.x, pass.dy, dx, pass.interrupt)
    }

    /// 1 / sqrt(variance + epsilon)
    fn inverse(&self, variance: &[f32], to: &mut [f32]) {
        for (to, variance) in to.iter_mut().zip(variance) {
            *to = 1.0 / (variance + self.epsilon as f32).sqrt();
        }
    }
}

impl Kind for BatchNormalization {
    fn known_settings() -> &'static [&'static str] {
        settings!(
            [
                "axis",
                "momentum",
                "epsilon",
                "center",
                "scale",
                "moving_mean_initializer",
                "moving_variance_initializer",
                // Without renorm it says nothing.
                "renorm_momentum"
            ],
            ["beta", "gamma"],
            ["renorm", "renorm_clipping", "synchronized"]
        )
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(REFUSED)?;
        let new = Self::default();
        let number = |key, default| config.number(key, default, "a number", |_| true);
        let initializer = |key, default| Initializer::from_json(config.get(key), default);
        let layer = Self {
            name,
            trainable: true,
            axis: axes::one(config)?,
            momentum: number("momentum", new.momentum)?,
            epsilon: number("epsilon", new.epsilon)?,
            center: config.flag("center", true)?,
            scale: config.flag("scale", true)?,
            beta: Weight::read(config, "beta", Initializer::Zeros)?,
            gamma: Weight::read(config, "gamma", Initializer::Ones)?,
            moving_mean_initializer: initializer(
                "moving_mean_initializer",
                new.moving_mean_initializer,
            )?,
            moving_variance_initializer: initializer(
                "moving_variance_initializer",
                new.moving_variance_initializer,
            )?,
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
        put("momentum", json!(self.momentum));
        put("epsilon", json!(self.epsilon));
        put("center", json!(self.center));
        put("scale", json!(self.scale));
        put(
            "moving_mean_initializer",
            self.moving_mean_initializer.to_json(),
        );
        put(
            "moving_variance_initializer",
            self.moving_variance_initializer.to_json(),
        );
        put("synchronized", Value::Bool(false));
        map
    }

    fn check(&self) -> Result<()> {
        let what = "BatchNormalization";
        check_number(what, "momentum", self.momentum, "from 0 to 1", |n| {
            (0.0..=1.0).contains(&n)
        })?;
        check_number(what, "epsilon", self.epsilon, "at least 0", |n| n >= 0.0)
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        axes::last("BatchNormalization", &[self.axis], input)?;
        Ok(input)
    }

    /// Mean and variance are those of the steps that are there; all are normalised.
    fn mask(&self, input: Shape, mask: Option<&[usize]>) -> Result<bool> {
        match mask {
            Some(mask) if mask.len() + 1 != input.rank() => {
                Err(no_mask("BatchNormalization", input))
            }
            mask => Ok(mask.is_some()),
        }
    }

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let shape = || vec![input.last()];
        let moving = |name, initializer| VariableSpec {
            change: Change::Moving {
                momentum: self.momentum as f32,
            },
            ..VariableSpec::new(name, shape(), initializer)
        };
        let mut variables = Vec::with_capacity(4);
        if self.scale {
            variables.push(self.gamma.variable("gamma", shape()));
        }
        if self.center {
            variables.push(self.beta.variable("beta", shape()));
        }
        variables.push(moving("moving_mean", self.moving_mean_initializer));
        variables.push(moving("moving_variance", self.moving_variance_initializer));
        variables
    }

    fn work(&self, input: Shape) -> usize {
        input.width()
    }

    fn freeze<'w>(
        &self,
        input: Shape,
        weights: &'w [f32],
        callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        let channels = input.last();
        let [gamma, beta, mean, variance] = self.parts(weights, channels);
        callback.check()?;
        if let Some(at) = variance
            .iter()
            .position(|v| v + (self.epsilon as f32) <= 0.0)
        {
            let name = self.name.as_deref().unwrap_or("BatchNormalization");
            let message = format!("moving_variance {at} of {name} is {}", variance[at]);
            return Err(Error::new(ErrorKind::InvalidParameter, message)
                .hint("With epsilon it must be above 0."));
        }
        let mut all = room(3 * channels)?;
        all.resize(3 * channels, 0.0);
        let (own, rest) = all.split_at_mut(channels);
        let (scale, shift) = rest.split_at_mut(channels);
        own.copy_from_slice(mean);
        self.fold(gamma, beta, variance, Folded { scale, shift });
        callback.check()?;
        Ok(Some(Frozen::Own(Box::new(Normalized { all, channels }))))
    }

    fn whole_batch(&self) -> bool {
        self.trainable
    }

    /// Mean and variance of the batch.
    fn statistics(&self, input: Shape) -> usize {
        2 * input.last()
    }

    fn scratch(&self, input: Shape) -> Option<usize> {
        input.last().checked_mul(5)
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let channels = pass.input.last();
        let [gamma, beta, mean, variance] = self.parts(pass.weights, channels);
        let (scale, rest) = pass.scratch.split_at_mut(channels);
        let (shift, rest) = rest.split_at_mut(channels);
        let (of_batch, variance_of_batch) = pass.stash.split_at_mut(channels);
        let (mean, variance) = if pass.noise.is_some() && self.trainable {
            let sums = &mut rest[..channels];
            let all = [&mut *of_batch, &mut *variance_of_batch, sums];
            match pass.mask {
                Some(mask) => normalize::moments_there(pass.x, mask, all, pass.interrupt)?,
                None => normalize::moments(pass.x, all, pass.interrupt)?,
            }
            (&*of_batch, &*variance_of_batch)
        } else {
            (mean, variance)
        };
        self.fold(gamma, beta, variance, Folded { scale, shift });
        normalize::columns([mean, scale, shift], pass.x, pass.y, pass.interrupt)
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        if !self.trainable {
            return self.backward_fixed(pass);
        }
        let channels = pass.input.last();
        let missing = |mask: &[f32]| mask.iter().filter(|mask| **mask == 0.0).count();
        // Those that mean and variance are of.
        let rows = pass.x.len() / channels - pass.mask.map_or(0, missing);
        let rows = rows.max(1) as f32;
        let [gamma, ..] = self.parts(pass.weights, channels);
        let (mean, variance) = pass.stash.split_at(channels);
        let mut parts = pass.scratch.chunks_exact_mut(channels);
        let mut next = || parts.next().unwrap_or_default();
        let (sum, with_x, inverse, scale, along) = (next(), next(), next(), next(), next());
        let sums = [&mut *sum, &mut *with_x, &mut *scale];
        normalize::gradient_sums(mean, pass.x, pass.dy, sums, pass.interrupt)?;
        self.inverse(variance, inverse);
        let [dgamma, dbeta, moving_mean, moving_variance] = self.parts_mut(pass.gradient, channels);
        for (d, (with_x, inverse)) in dgamma.iter_mut().zip(with_x.iter().zip(&*inverse)) {
            *d = with_x * inverse + if pass.add { *d } else { 0.0 };
        }
        for (d, sum) in dbeta.iter_mut().zip(&*sum) {
            *d = sum + if pass.add { *d } else { 0.0 };
        }
        moving_mean.copy_from_slice(mean);
        moving_variance.copy_from_slice(variance);
        let Some(dx) = pass.dx else {
            return (pass.interrupt)();
        };
        // dx = gamma / deviation (dy - mean of dy - normalised x (mean of normalised x dy))
        scale.copy_from_slice(inverse);
        for (scale, gamma) in scale.iter_mut().zip(gamma) {
            *scale *= gamma;
        }
        for j in 0..channels {
            along[j] = scale[j] * inverse[j] * inverse[j] * with_x[j] / rows;
            sum[j] *= scale[j] / rows;
        }
        let all = [mean, &*scale, &*along, &*sum];
        normalize::input_gradient(all, pass.x, pass.dy, dx, pass.interrupt)?;
        match pass.mask {
            // Those that are not there move neither mean nor variance.
            Some(mask) => normalize::scaled_missing(mask, scale, pass.dy, dx, pass.interrupt),
            None => Ok(()),
        }
    }
}

/// The layer in use: mean, scale and shift of every channel.
#[derive(Debug)]
struct Normalized {
    all: Vec<f32>,
    channels: usize,
}

impl Step for Normalized {
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], _: &mut [Line]) {
        let (mean, rest) = self.all.split_at(self.channels);
        let (scale, shift) = rest.split_at(self.channels);
        normalize::exact_columns(mean, scale, shift, x, y);
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.all.as_slice())
    }
}
