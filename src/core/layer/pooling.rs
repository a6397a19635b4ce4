//! Pooling over the steps of a row (steps, channels): one number per channel (Keras: `keras.layers.GlobalAveragePooling1D`,
//! `keras.layers.GlobalMaxPooling1D`).

use super::{Backward, Forward, Kind, Pace};
use crate::config::{Config, invalid};
use crate::kernels::lanes::Line;
use crate::predict::{Frozen, Step};
use crate::{Callback, Result, Shape};
use serde_json::{Map, Value, json};

/// Rows of (steps, channels), or an error that names the layer.
pub(super) fn steps_and_channels(layer: &str, input: Shape) -> Result<(usize, usize)> {
    match *input.dims() {
        [steps, channels] => Ok((steps, channels)),
        _ => Err(invalid(format!(
            "{layer} takes rows of shape (steps, channels), not {input}"
        ))
        .hint("Put a Reshape before it, or state the shape with an InputLayer: \"batch_shape\": [null, 24, 1].")),
    }
}

/// Defines a layer that pools all steps.
macro_rules! global {
    ($(#[$meta:meta])* $layer:ident, $pool:path, $back:path) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $layer {
            /// The layer's name; filled in by `compile` and `to_json` when absent.
            pub name: Option<String>,
            /// Whether the steps stay as a dimension of 1.
            pub keepdims: bool,
        }

        impl Kind for $layer {
            fn known_settings() -> &'static [&'static str] {
                &["data_format", "keepdims"]
            }

            fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
                config.only("data_format", "channels_last")?;
                Ok(Self {
                    name,
                    keepdims: config.flag("keepdims", false)?,
                })
            }

            fn settings(&self) -> Map<String, Value> {
                Map::from_iter([
                    ("data_format".to_owned(), "channels_last".into()),
                    ("keepdims".to_owned(), json!(self.keepdims)),
                ])
            }

            fn name(&self) -> &Option<String> {
                &self.name
            }

            fn name_mut(&mut self) -> &mut Option<String> {
                &mut self.name
            }

            fn output(&self, input: Shape) -> Result<Shape> {
                let (_, channels) = steps_and_channels(stringify!($layer), input)?;
                if self.keepdims {
                    Shape::new(&[1, channels])
                } else {
                    Shape::new(&[channels])
                }
            }

            fn freeze<'w>(
                &self,
                input: Shape,
                _: &'w [f32],
                _: &mut dyn Callback,
            ) -> Result<Option<Frozen<'w>>> {
                Ok(Some(Frozen::Own(Box::new(Pooled {
                    channels: input.last(),
                    pool: $pool,
                }))))
            }

            fn forward(&self, pass: Forward<'_>) -> Result<()> {
                let channels = pass.input.last();
                let rows = pass.x.chunks_exact(pass.input.width());
                let mut pace = Pace::default();
                for (x, y) in rows.zip(pass.y.chunks_exact_mut(channels)) {
                    $pool(x, y);
                    pace.step(x.len(), pass.interrupt)?;
                }
                (pass.interrupt)()
            }

            fn backward(&self, pass: Backward<'_>) -> Result<()> {
                let Some(dx) = pass.dx else {
                    return Ok(());
                };
                let (channels, width) = (pass.input.last(), pass.input.width());
                let rows = pass.x.chunks_exact(width).zip(pass.y.chunks_exact(channels));
                let gradients = pass.dy.chunks_exact(channels).zip(dx.chunks_exact_mut(width));
                let mut pace = Pace::default();
                for ((x, y), (dy, dx)) in rows.zip(gradients) {
                    $back((x, y), dy, dx);
                    pace.step(x.len(), pass.interrupt)?;
                }
                (pass.interrupt)()
            }
        }
    };
}

global!(
    /// The mean of all steps, per channel (Keras: `GlobalAveragePooling1D`).
    GlobalAveragePooling1D, average, average_back
);
global!(
    /// The largest of all steps, per channel (Keras: `GlobalMaxPooling1D`).
    GlobalMaxPooling1D, largest, largest_back
);

/// x (steps, channels) to y (channels). Plain sums in the order of the steps: the same bits on every CPU.
pub(super) fn average(x: &[f32], y: &mut [f32]) {
    let channels = y.len();
    y.fill(0.0);
    for step in x.chunks_exact(channels) {
        for (y, x) in y.iter_mut().zip(step) {
            *y += x;
        }
    }
    let steps = (x.len() / channels) as f32;
    for y in y {
        *y /= steps;
    }
}

pub(super) fn average_back((x, _): (&[f32], &[f32]), dy: &[f32], dx: &mut [f32]) {
    let share = dy.len() as f32 / x.len() as f32;
    for step in dx.chunks_exact_mut(dy.len()) {
        for (dx, dy) in step.iter_mut().zip(dy) {
            *dx = dy * share;
        }
    }
}

pub(super) fn largest(x: &[f32], y: &mut [f32]) {
    y.fill(f32::NEG_INFINITY);
    for step in x.chunks_exact(y.len()) {
        for (y, x) in y.iter_mut().zip(step) {
            // Unlike f32::max, this keeps NaN, and it is the same on every CPU.
            *y = if *y >= *x || y.is_nan() { *y } else { *x };
        }
    }
}

/// Equal largest ones share the gradient, as in Keras.
pub(super) fn largest_back((x, y): (&[f32], &[f32]), dy: &[f32], dx: &mut [f32]) {
    let channels = dy.len();
    for channel in 0..channels {
        let all = x[channel..].iter().step_by(channels);
        let equal = all.filter(|&&x| x == y[channel]).count().max(1) as f32;
        let steps = x[channel..].iter().step_by(channels);
        for (x, dx) in steps.zip(dx[channel..].iter_mut().step_by(channels)) {
            *dx = if *x == y[channel] {
                dy[channel] / equal
            } else {
                0.0
            };
        }
    }
}

/// A pooling of one row.
#[derive(Debug)]
struct Pooled {
    channels: usize,
    pool: fn(&[f32], &mut [f32]),
}

impl Step for Pooled {
    fn run(&self, x: &[f32], y: &mut [f32], _scratch: &mut [Line]) {
        (self.pool)(x, &mut y[..self.channels]);
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
