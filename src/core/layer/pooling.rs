//! Pooling over the steps of a row (steps, channels): one number per channel (Keras: `keras.layers.GlobalAveragePooling1D`,
//! `keras.layers.GlobalMaxPooling1D`).

use super::{Backward, Forward, Kind, Pace, check_steps};
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

/// x (steps, channels), and which steps are there where some may not be, to y (channels).
type Pool = fn(&[f32], Option<&[f32]>, &mut [f32]);
/// The same way back: x and y, the mask, dy, dx.
type Back = fn((&[f32], &[f32]), Option<&[f32]>, &[f32], &mut [f32]);

/// Defines a layer that pools all steps, or those that are there.
macro_rules! global {
    ($(#[$meta:meta])* $layer:ident, $masked:literal, $pool:expr, $back:expr) => {
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

            fn mask(&self, input: Shape, mask: Option<&[usize]>) -> Result<bool> {
                if $masked {
                    check_steps(stringify!($layer), input, mask)?;
                }
                Ok(false)
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
                let pool: Pool = $pool;
                let (channels, steps) = (pass.input.last(), pass.input.leading());
                let rows = pass.x.chunks_exact(pass.input.width());
                let mut pace = Pace::default();
                for (r, (x, y)) in rows.zip(pass.y.chunks_exact_mut(channels)).enumerate() {
                    pool(x, of_row(pass.mask, r, steps), y);
                    pace.step(x.len(), pass.interrupt)?;
                }
                (pass.interrupt)()
            }

            fn backward(&self, pass: Backward<'_>) -> Result<()> {
                let Some(dx) = pass.dx else {
                    return Ok(());
                };
                let back: Back = $back;
                let (channels, width) = (pass.input.last(), pass.input.width());
                let steps = pass.input.leading();
                let rows = pass.x.chunks_exact(width).zip(pass.y.chunks_exact(channels));
                let gradients = pass.dy.chunks_exact(channels).zip(dx.chunks_exact_mut(width));
                let mut pace = Pace::default();
                for (r, ((x, y), (dy, dx))) in rows.zip(gradients).enumerate() {
                    back((x, y), of_row(pass.mask, r, steps), dy, dx);
                    pace.step(x.len(), pass.interrupt)?;
                }
                (pass.interrupt)()
            }
        }
    };
}

global!(
    /// The mean of all steps, or of those that are there, per channel (Keras: `GlobalAveragePooling1D`). That of none is 0,
    /// where Keras's is NaN.
    GlobalAveragePooling1D, true, average_of, average_of_back
);
global!(
    /// The largest of all steps, per channel (Keras: `GlobalMaxPooling1D`, which passes over none).
    GlobalMaxPooling1D, false, |x, _, y| largest(x, y), |xy, _, dy, dx| largest_back(xy, dy, dx)
);

/// The mask of a row.
fn of_row(mask: Option<&[f32]>, row: usize, steps: usize) -> Option<&[f32]> {
    mask.map(|mask| &mask[row * steps..][..steps])
}

fn average_of(x: &[f32], mask: Option<&[f32]>, y: &mut [f32]) {
    let Some(mask) = mask else {
        return average(x, y);
    };
    let steps = x.chunks_exact(y.len()).zip(mask);
    let there = steps.filter(|(_, mask)| **mask != 0.0);
    mean(there.map(|(x, _)| x), y);
}

fn average_of_back(xy: (&[f32], &[f32]), mask: Option<&[f32]>, dy: &[f32], dx: &mut [f32]) {
    let Some(mask) = mask else {
        return average_back(xy, dy, dx);
    };
    let there = mask.iter().filter(|mask| **mask != 0.0).count();
    let share = 1.0 / there as f32;
    for (mask, step) in mask.iter().zip(dx.chunks_exact_mut(dy.len())) {
        for (dx, dy) in step.iter_mut().zip(dy) {
            *dx = if *mask != 0.0 { dy * share } else { 0.0 };
        }
    }
}

/// x (steps, channels) to y (channels). Plain sums in the order of the steps: the same bits on every CPU.
pub(super) fn average(x: &[f32], y: &mut [f32]) {
    mean(x.chunks_exact(y.len()), y);
}

/// The mean of these steps, 0 of none.
fn mean<'x>(steps: impl Iterator<Item = &'x [f32]>, y: &mut [f32]) {
    y.fill(0.0);
    let mut count = 0usize;
    for step in steps {
        for (y, x) in y.iter_mut().zip(step) {
            *y += x;
        }
        count += 1;
    }
    let count = count.max(1) as f32;
    for y in y {
        *y /= count;
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
    pool: Pool,
}

impl Step for Pooled {
    fn run(&self, x: &[f32], mask: Option<&[f32]>, y: &mut [f32], _scratch: &mut [Line]) {
        (self.pool)(x, mask, &mut y[..self.channels]);
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
