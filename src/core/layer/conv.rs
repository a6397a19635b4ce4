//! `Conv1D`: y = f(window w + b) for every window of steps (Keras: `keras.layers.Conv1D`). Windows lie side by side as rows of
//! a matrix, so that a convolution is one product.

use super::pooling::steps_and_channels;
use super::weight::settings;
use super::windows::{Geometry, Padding, Windows};
use super::{Backward, Forward, Kind, MAX_UNITS, VariableSpec, Weight};
use crate::config::{Config, invalid};
use crate::kernels::aligned::floats_mut;
use crate::kernels::lanes::Line;
use crate::kernels::score::apply;
use crate::kernels::{activate, matmul, reduce};
use crate::predict::{Frozen, Product, Step};
use crate::{Activation, Callback, Initializer, Result, Shape};
use serde_json::{Map, Value, json};

/// A convolution over the steps of a row (Keras: `Conv1D`).
#[derive(Debug, Clone, PartialEq)]
pub struct Conv1D {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Channels of the output.
    pub filters: usize,
    /// Keras's kernel_size, strides, dilation_rate and padding.
    pub geometry: Geometry,
    /// Applied to the output.
    pub activation: Activation,
    /// Whether a bias is added.
    pub use_bias: bool,
    /// (kernel_size, channels, filters)
    pub kernel: Weight,
    /// (filters)
    pub bias: Weight,
    /// Whether training moves them.
    pub trainable: bool,
}

impl Conv1D {
    /// `Conv1D(filters, kernel_size, activation)` with Keras's defaults.
    pub fn new(filters: usize, kernel_size: usize, activation: Activation) -> Self {
        Self {
            name: None,
            filters,
            geometry: Geometry {
                size: kernel_size,
                stride: 1,
                dilation: 1,
                padding: Padding::Valid,
            },
            activation,
            use_bias: true,
            kernel: Weight::new(Initializer::GLOROT),
            bias: Weight::new(Initializer::Zeros),
            trainable: true,
        }
    }

    fn windows(&self, input: Shape) -> Result<Windows> {
        let (steps, _) = steps_and_channels("Conv1D", input)?;
        self.geometry.over("Conv1D", steps)
    }

    /// Windows and the numbers in each, of a row that `output` has accepted.
    fn sizes(&self, input: Shape) -> (usize, usize) {
        let windows = self.windows(input).map_or(0, |windows| windows.count);
        (windows, self.geometry.size.saturating_mul(input.last()))
    }

    /// Floats per row of the activation's input.
    fn taken(&self, windows: usize) -> usize {
        if activate::needs_input(self.activation) {
            windows * self.filters
        } else {
            0
        }
    }
}

/// Copies the window at `places` of a row x (steps, channels) side by side.
fn gather(windows: &Windows, i: usize, channels: usize, x: &[f32], to: &mut [f32]) {
    for (to, place) in to.chunks_exact_mut(channels).zip(windows.places(i)) {
        match place {
            Some(step) => to.copy_from_slice(&x[step * channels..][..channels]),
            None => to.fill(0.0),
        }
    }
}

impl Kind for Conv1D {
    fn known_settings() -> &'static [&'static str] {
        settings!(
            [
                "filters",
                "kernel_size",
                "strides",
                "padding",
                "dilation_rate",
                "activation",
                "use_bias",
                "data_format",
                "groups",
            ],
            ["kernel", "bias"],
            ["activity_regularizer"]
        )
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&["activity_regularizer"])?;
        config.only("data_format", "channels_last")?;
        if config.count("groups", 1..=u64::MAX)?.unwrap_or(1) != 1 {
            return Err(crate::Error::new(
                crate::ErrorKind::NotSupported,
                "groups of Conv1D other than 1 are not supported",
            ));
        }
        let filters = config.count("filters", 1..=MAX_UNITS as u64)?;
        let (Some(filters), Some(kernel_size)) =
            (filters, Geometry::number(config, "kernel_size")?)
        else {
            return Err(invalid("Conv1D needs filters and kernel_size").hint(
                "Write {\"class_name\": \"Conv1D\", \"config\": {\"filters\": 16, \"kernel_size\": 3}}.",
            ));
        };
        let activation = Activation::from_json(config.get("activation"))?;
        let mut layer = Self::new(filters as usize, kernel_size, activation);
        layer.name = name;
        layer.geometry.stride = Geometry::number(config, "strides")?.unwrap_or(1);
        layer.geometry.dilation = Geometry::number(config, "dilation_rate")?.unwrap_or(1);
        layer.geometry.padding = Padding::read(config, true)?;
        layer.use_bias = config.flag("use_bias", true)?;
        layer.kernel = Weight::read(config, "kernel", Initializer::GLOROT)?;
        layer.bias = Weight::read(config, "bias", Initializer::Zeros)?;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("filters".into(), json!(self.filters));
        self.geometry.write("kernel_size", &mut map);
        map.insert("dilation_rate".into(), json!([self.geometry.dilation]));
        map.insert("activation".into(), self.activation.to_json());
        map.insert("use_bias".into(), json!(self.use_bias));
        map.insert("data_format".into(), "channels_last".into());
        map.insert("groups".into(), 1.into());
        self.kernel.write("kernel", &mut map);
        self.bias.write("bias", &mut map);
        map
    }

    fn check(&self) -> Result<()> {
        if self.filters == 0 || self.filters > MAX_UNITS {
            return Err(invalid(format!(
                "filters of Conv1D must be from 1 to {MAX_UNITS}, not {}",
                self.filters
            )));
        }
        self.geometry.check("Conv1D")
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        Shape::new(&[self.windows(input)?.count, self.filters])
    }

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let shape = vec![self.geometry.size, input.last(), self.filters];
        let kernel = self.kernel.variable("kernel", shape);
        let bias = self.bias.variable("bias", vec![self.filters]);
        if self.use_bias {
            vec![kernel, bias]
        } else {
            vec![kernel]
        }
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn set_linear(&mut self) {
        self.activation = Activation::Linear;
    }

    fn freeze<'w>(
        &self,
        input: Shape,
        weights: &'w [f32],
        callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        let (_, size) = self.sizes(input);
        let (kernel, bias) = weights.split_at(size * self.filters);
        Ok(Some(Frozen::Own(Box::new(Convolution {
            windows: self.windows(input)?,
            channels: input.last(),
            product: Product::new(kernel, self.filters, bias, callback)?,
            activation: self.activation,
        }))))
    }

    fn work(&self, input: Shape) -> usize {
        let (windows, size) = self.sizes(input);
        windows.saturating_mul(size).saturating_mul(self.filters)
    }

    fn stash(&self, input: Shape) -> usize {
        let (windows, size) = self.sizes(input);
        windows * size + self.taken(windows)
    }

    fn scratch(&self, input: Shape) -> Option<usize> {
        matmul::scratch(self.sizes(input).1, self.filters)
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let windows = self.windows(pass.input)?;
        let (width, channels) = (pass.input.width(), pass.input.last());
        let (_, size) = self.sizes(pass.input);
        let rows = pass.x.len() / width;
        let count = rows * windows.count;
        let (all, taken) = pass.stash.split_at_mut(count * size);
        for (x, all) in pass
            .x
            .chunks_exact(width)
            .zip(all.chunks_exact_mut(windows.count * size))
        {
            for (i, to) in all.chunks_exact_mut(size).enumerate() {
                gather(&windows, i, channels, x, to);
                if (i * size) >> 20 != ((i + 1) * size) >> 20 {
                    (pass.interrupt)()?;
                }
            }
            (pass.interrupt)()?;
        }
        let (kernel, bias) = pass.weights.split_at(size * self.filters);
        let relu = self.activation == Activation::Relu;
        matmul::forward(
            count,
            size,
            self.filters,
            all,
            kernel,
            self.use_bias.then_some(bias),
            relu,
            pass.y,
            pass.scratch,
            pass.interrupt,
        )?;
        super::copy(pass.y, taken, pass.interrupt)?;
        if !relu {
            activate::forward_all(self.activation, self.filters, pass.y, pass.interrupt)?;
        }
        Ok(())
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        let windows = self.windows(pass.input)?;
        let (width, channels) = (pass.input.width(), pass.input.last());
        let (_, size) = self.sizes(pass.input);
        let count = pass.x.len() / width * windows.count;
        let (all, taken) = pass.stash.split_at_mut(count * size);
        if !pass.derived {
            let (width, dy) = (self.filters, &mut *pass.dy);
            activate::backward_all(self.activation, width, taken, pass.y, dy, pass.interrupt)?;
        }
        let dz = &*pass.dy;
        let (kernel, _) = pass.weights.split_at(size * self.filters);
        let (dw, db) = pass.gradient.split_at_mut(size * self.filters);
        if self.use_bias {
            reduce::column_sums_all(dz, self.filters, db, pass.add, pass.interrupt)?;
        }
        let (add, interrupt) = (pass.add, pass.interrupt);
        matmul::weight_gradient(
            count,
            size,
            self.filters,
            all,
            dz,
            dw,
            add,
            pass.scratch,
            interrupt,
        )?;
        let Some(dx) = pass.dx else {
            return Ok(());
        };
        // The windows have done their part: their gradient takes their place.
        matmul::input_gradient(
            count,
            size,
            self.filters,
            dz,
            kernel,
            None,
            all,
            pass.scratch,
            interrupt,
        )?;
        super::clear(dx, false, interrupt)?;
        for (dx, all) in dx
            .chunks_exact_mut(width)
            .zip(all.chunks_exact(windows.count * size))
        {
            for (i, from) in all.chunks_exact(size).enumerate() {
                for (from, place) in from.chunks_exact(channels).zip(windows.places(i)) {
                    let Some(step) = place else { continue };
                    for (dx, d) in dx[step * channels..][..channels].iter_mut().zip(from) {
                        *dx += d;
                    }
                }
                if (i * size) >> 20 != ((i + 1) * size) >> 20 {
                    interrupt()?;
                }
            }
        }
        interrupt()
    }
}

/// A convolution of one row.
#[derive(Debug)]
struct Convolution {
    windows: Windows,
    channels: usize,
    product: Product,
    activation: Activation,
}

impl Step for Convolution {
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], scratch: &mut [Line]) {
        let (scratch, window) = scratch.split_at_mut(self.product.scratch());
        let window = &mut floats_mut(window)[..self.product.inputs()];
        for (i, y) in y.chunks_exact_mut(self.product.units()).enumerate() {
            gather(&self.windows, i, self.channels, x, window);
            self.product.run(window, y, scratch);
            if self.activation != Activation::Linear {
                apply(self.activation, y);
            }
        }
    }

    fn scratch(&self) -> usize {
        self.product.scratch() + self.product.inputs().div_ceil(16)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.product.bytes()
    }
}
