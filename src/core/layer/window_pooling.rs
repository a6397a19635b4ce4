//! Pooling of windows of steps (Keras: `keras.layers.MaxPooling1D`, `keras.layers.AveragePooling1D`). What stands in the padding
//! does not count.

use super::pooling::{average, average_back, largest, largest_back, steps_and_channels};
use super::windows::{Geometry, Padding, Windows};
use super::{Backward, Forward, Kind, Pace};
use crate::config::{Config, invalid};
use crate::kernels::lanes::Line;
use crate::predict::{Frozen, Step};
use crate::{Callback, Result, Shape};
use serde_json::{Map, Value};

/// Defines a layer that pools windows.
macro_rules! windowed {
    ($(#[$meta:meta])* $layer:ident, $pool:path, $back:path) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $layer {
            /// The layer's name; filled in by `compile` and `to_json` when absent.
            pub name: Option<String>,
            /// Keras's pool_size, strides and padding.
            pub geometry: Geometry,
        }

        impl $layer {
            /// Windows of `pool_size` steps side by side.
            pub fn new(pool_size: usize) -> Self {
                Self {
                    name: None,
                    geometry: Geometry {
                        size: pool_size,
                        stride: pool_size,
                        dilation: 1,
                        padding: Padding::Valid,
                    },
                }
            }

            fn windows(&self, input: Shape) -> Result<Windows> {
                let (steps, _) = steps_and_channels(stringify!($layer), input)?;
                self.geometry.over(stringify!($layer), steps)
            }
        }

        impl Kind for $layer {
            fn known_settings() -> &'static [&'static str] {
                &["pool_size", "strides", "padding", "data_format"]
            }

            fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
                config.only("data_format", "channels_last")?;
                let mut layer = Self::new(Geometry::number(config, "pool_size")?.unwrap_or(2));
                layer.name = name;
                if let Some(strides) = Geometry::number(config, "strides")? {
                    layer.geometry.stride = strides;
                }
                layer.geometry.padding = Padding::read(config, false)?;
                Ok(layer)
            }

            fn settings(&self) -> Map<String, Value> {
                let mut map = Map::new();
                self.geometry.write("pool_size", &mut map);
                map
            }

            fn check(&self) -> Result<()> {
                self.geometry.check(stringify!($layer))?;
                if self.geometry.dilation != 1 || self.geometry.padding == Padding::Causal {
                    let layer = stringify!($layer);
                    return Err(invalid(format!(
                        "windows of {layer} can be neither dilated nor causal"
                    )));
                }
                Ok(())
            }

            fn name(&self) -> &Option<String> {
                &self.name
            }

            fn name_mut(&mut self) -> &mut Option<String> {
                &mut self.name
            }

            fn output(&self, input: Shape) -> Result<Shape> {
                Shape::new(&[self.windows(input)?.count, input.last()])
            }

            fn freeze<'w>(
                &self,
                input: Shape,
                _: &'w [f32],
                _: &mut dyn Callback,
            ) -> Result<Option<Frozen<'w>>> {
                Ok(Some(Frozen::Own(Box::new(Pooled {
                    windows: self.windows(input)?,
                    channels: input.last(),
                    pool: $pool,
                }))))
            }

            fn work(&self, input: Shape) -> usize {
                let windows = self.windows(input).map_or(0, |windows| windows.count);
                let longest = self.geometry.size.min(input.leading());
                windows.saturating_mul(longest).saturating_mul(input.last())
            }

            fn scratch(&self, input: Shape) -> Option<usize> {
                let longest = self.geometry.size.min(input.leading());
                longest.checked_mul(input.last())
            }

            fn forward(&self, pass: Forward<'_>) -> Result<()> {
                let (windows, channels) = (self.windows(pass.input)?, pass.input.last());
                let rows = pass.x.chunks_exact(pass.input.width());
                let mut pace = Pace::default();
                for (x, y) in rows.zip(pass.y.chunks_exact_mut(pass.output.width())) {
                    for (i, y) in y.chunks_exact_mut(channels).enumerate() {
                        pool(&windows, i, $pool, x, y);
                        pace.step(windows.longest() * channels, pass.interrupt)?;
                    }
                }
                (pass.interrupt)()
            }

            fn backward(&self, pass: Backward<'_>) -> Result<()> {
                let Some(dx) = pass.dx else {
                    return Ok(());
                };
                let (windows, channels) = (self.windows(pass.input)?, pass.input.last());
                let (width, wide) = (pass.input.width(), pass.output.width());
                super::clear(dx, false, pass.interrupt)?;
                let mut pace = Pace::default();
                for (r, dx) in dx.chunks_exact_mut(width).enumerate() {
                    let x = &pass.x[r * width..][..width];
                    for i in 0..windows.count {
                        let at = r * wide + i * channels;
                        let range = windows.range(i);
                        let range = range.start * channels..range.end * channels;
                        let share = &mut pass.scratch[..range.len()];
                        let (y, dy) = (&pass.y[at..][..channels], &pass.dy[at..][..channels]);
                        $back((&x[range.clone()], y), dy, share);
                        for (dx, share) in dx[range].iter_mut().zip(share) {
                            *dx += *share;
                        }
                        pace.step(windows.longest() * channels, pass.interrupt)?;
                    }
                }
                (pass.interrupt)()
            }
        }
    };
}

windowed!(
    /// The largest number of each window, per channel (Keras: `MaxPooling1D`).
    MaxPooling1D, largest, largest_back
);
windowed!(
    /// The mean of each window, per channel (Keras: `AveragePooling1D`).
    AveragePooling1D, average, average_back
);

/// The `i`th window of a row x to y (channels).
fn pool(windows: &Windows, i: usize, pool: fn(&[f32], &mut [f32]), x: &[f32], y: &mut [f32]) {
    let (range, channels) = (windows.range(i), y.len());
    pool(&x[range.start * channels..range.end * channels], y);
}

/// A pooling of the windows of one row.
#[derive(Debug)]
struct Pooled {
    windows: Windows,
    channels: usize,
    pool: fn(&[f32], &mut [f32]),
}

impl Step for Pooled {
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], _scratch: &mut [Line]) {
        for (i, y) in y.chunks_exact_mut(self.channels).enumerate() {
            pool(&self.windows, i, self.pool, x, y);
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
