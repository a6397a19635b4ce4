//! `PReLU`: y = x > 0 ? x : alpha x, with an alpha that is learned (Keras: `keras.layers.PReLU`).

use super::weight::settings;
use super::{Backward, Forward, Kind, Pace, VariableSpec, Weight};
use crate::config::{Config, invalid};
use crate::kernels::lanes::Line;
use crate::kernels::prelu;
use crate::predict::{Frozen, Step};
use crate::shape::MAX_RANK;
use crate::weights::room;
use crate::{Callback, Initializer, Result, Shape};
use serde_json::{Map, Value, json};
use std::ops::Range;

/// A ramp with a learned slope below 0 (Keras: `PReLU`).
#[derive(Debug, Clone, PartialEq)]
pub struct Prelu {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Whether training moves its weights.
    pub trainable: bool,
    /// The slopes.
    pub alpha: Weight,
    /// The dimensions along which a slope is shared, from 1 on: 1 are the steps of a row (steps, channels).
    pub shared_axes: Option<Vec<u64>>,
}

impl Default for Prelu {
    fn default() -> Self {
        Self {
            name: None,
            trainable: true,
            alpha: Weight::new(Initializer::Zeros),
            shared_axes: None,
        }
    }
}

impl Prelu {
    /// The shape of the slopes.
    fn slopes(&self, input: Shape) -> Vec<usize> {
        let shared = self.shared_axes.as_deref().unwrap_or_default();
        let dims = (1..).zip(input.dims());
        let one = |(axis, &n)| if shared.contains(&axis) { 1 } else { n };
        dims.map(one).collect()
    }

    /// Which slopes the numbers of a row take.
    fn runs(&self, input: Shape) -> Runs {
        let (dims, slopes) = (input.dims(), self.slopes(input));
        let mut runs = Runs {
            dims: [1; MAX_RANK],
            strides: [0; MAX_RANK],
            length: 1,
            own: 1,
        };
        let (mut stride, mut in_run) = (1, true);
        for axis in (0..dims.len()).rev() {
            let (n, own) = (dims[axis], slopes[axis]);
            if n == 1 {
                continue;
            }
            // A run goes on as long as all of it shares a slope, or nothing does.
            in_run &= runs.length == 1 || (runs.own == 1) == (own == 1);
            if in_run {
                runs.length *= n;
                runs.own *= own;
            } else {
                runs.dims[axis] = n;
                runs.strides[axis] = if own == 1 { 0 } else { stride };
            }
            stride *= own;
        }
        runs
    }
}

/// The slopes of a row, run by run of what lies together in memory.
#[derive(Debug, Clone, Copy)]
struct Runs {
    /// How often a run occurs, and the distance of its slopes from the last time.
    dims: [usize; MAX_RANK],
    strides: [usize; MAX_RANK],
    /// Numbers of a run.
    length: usize,
    /// Slopes of a run: as many as numbers, or one for all of them.
    own: usize,
}

impl Runs {
    /// The slopes of the `i`th run of a row.
    fn slopes(&self, mut i: usize) -> Range<usize> {
        let mut begin = 0;
        for (n, stride) in self.dims.iter().zip(self.strides).rev() {
            begin += i % n * stride;
            i /= n;
        }
        begin..begin + self.own
    }

    /// Runs of a row.
    fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

impl Kind for Prelu {
    fn known_settings() -> &'static [&'static str] {
        settings!(["shared_axes"], ["alpha"], [])
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let wrong = |value: &Value| {
            invalid(format!(
                "shared_axes of PReLU must be a list of dimensions from 1 on, not {value}"
            ))
        };
        let axis = |value: &Value| {
            value
                .as_u64()
                .filter(|&n| n > 0)
                .ok_or_else(|| wrong(value))
        };
        let shared_axes = match config.get("shared_axes") {
            None => None,
            Some(Value::Array(axes)) => Some(axes.iter().map(axis).collect::<Result<_>>()?),
            Some(one) => Some(vec![axis(one)?]),
        };
        Ok(Self {
            name,
            trainable: true,
            alpha: Weight::read(config, "alpha", Initializer::Zeros)?,
            shared_axes,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let mut map = Map::new();
        self.alpha.write("alpha", &mut map);
        map.insert("shared_axes".to_owned(), json!(self.shared_axes));
        map
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        let axes = self.shared_axes.iter().flatten();
        for axis in axes {
            if *axis == 0 || *axis > input.rank() as u64 {
                return Err(invalid(format!(
                    "shared axis {axis} of PReLU is none of a row of shape {input}"
                ))
                .hint(format!("Its dimensions are 1 to {}.", input.rank())));
            }
        }
        Ok(input)
    }

    keeps_mask!();

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        vec![self.alpha.variable("alpha", self.slopes(input))]
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
        callback.check()?;
        let mut alpha = room(weights.len())?;
        alpha.extend_from_slice(weights);
        let runs = self.runs(input);
        Ok(Some(Frozen::Own(Box::new(Slopes { alpha, runs }))))
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let runs = self.runs(pass.input);
        let (length, count) = (runs.length, runs.count());
        let all = pass
            .x
            .chunks_exact(length)
            .zip(pass.y.chunks_exact_mut(length));
        let mut pace = Pace::default();
        for (i, (x, y)) in all.enumerate() {
            prelu::forward(&pass.weights[runs.slopes(i % count)], x, y);
            pace.step(length, pass.interrupt)?;
        }
        (pass.interrupt)()
    }

    fn backward(&self, mut pass: Backward<'_>) -> Result<()> {
        let runs = self.runs(pass.input);
        let (length, count) = (runs.length, runs.count());
        super::clear(pass.gradient, pass.add, pass.interrupt)?;
        let mut pace = Pace::default();
        for (i, x) in pass.x.chunks_exact(length).enumerate() {
            let own = runs.slopes(i % count);
            let (alpha, gradient) = (&pass.weights[own.clone()], &mut pass.gradient[own]);
            let here = i * length..(i + 1) * length;
            let dx = pass.dx.as_deref_mut().map(|dx| &mut dx[here.clone()]);
            prelu::backward(alpha, x, &pass.dy[here], gradient, dx);
            pace.step(length, pass.interrupt)?;
        }
        (pass.interrupt)()
    }
}

/// The slopes of a trained layer.
#[derive(Debug)]
struct Slopes {
    alpha: Vec<f32>,
    runs: Runs,
}

impl Step for Slopes {
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], _: &mut [Line]) {
        let length = self.runs.length;
        let all = x.chunks_exact(length).zip(y.chunks_exact_mut(length));
        for (i, (x, y)) in all.enumerate() {
            prelu::forward(&self.alpha[self.runs.slopes(i)], x, y);
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.alpha.as_slice())
    }
}
