//! `Dense`: y = f(x w + b) (Keras: `keras.layers.Dense`).

use super::weight::settings;
use super::{Backward, Forward, Kind, MAX_UNITS, VariableSpec, Weight, check_units};
use crate::config::{Config, invalid};
use crate::kernels::{activate, matmul, reduce};
use crate::predict::{Frozen, PerStep, Product};
use crate::{Activation, Callback, Initializer, Result, Shape};
use serde_json::{Map, Value, json};

/// A fully connected layer (Keras: `Dense`).
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Width of the output.
    pub units: usize,
    /// Applied to the output.
    pub activation: Activation,
    /// Whether a bias is added.
    pub use_bias: bool,
    /// (inputs, units)
    pub kernel: Weight,
    /// (units)
    pub bias: Weight,
    /// Whether training moves them.
    pub trainable: bool,
}

impl Dense {
    /// `Dense(units, activation)` with Keras's defaults.
    pub fn new(units: usize, activation: Activation) -> Self {
        Self {
            name: None,
            units,
            activation,
            use_bias: true,
            kernel: Weight::new(Initializer::GLOROT),
            bias: Weight::new(Initializer::Zeros),
            trainable: true,
        }
    }
}

const REFUSED: &[&str] = &[
    "activity_regularizer",
    "quantization_config",
    "lora_rank",
    "lora_alpha",
];

impl Kind for Dense {
    fn known_settings() -> &'static [&'static str] {
        settings!(
            ["units", "activation", "use_bias"],
            ["kernel", "bias"],
            [
                "activity_regularizer",
                "quantization_config",
                "lora_rank",
                "lora_alpha"
            ]
        )
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(REFUSED)?;
        let Some(units) = config.count("units", 1..=MAX_UNITS as u64)? else {
            return Err(invalid("Dense needs units")
                .hint("Write {\"class_name\": \"Dense\", \"config\": {\"units\": 64}}."));
        };
        Ok(Self {
            name,
            units: units as usize,
            activation: Activation::from_json(config.get("activation"))?,
            use_bias: config.flag("use_bias", true)?,
            kernel: Weight::read(config, "kernel", Initializer::GLOROT)?,
            bias: Weight::read(config, "bias", Initializer::Zeros)?,
            trainable: true,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("units".into(), json!(self.units));
        map.insert("activation".into(), self.activation.to_json());
        map.insert("use_bias".into(), json!(self.use_bias));
        self.kernel.write("kernel", &mut map);
        self.bias.write("bias", &mut map);
        map
    }

    fn check(&self) -> Result<()> {
        check_units(self.units)
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        input.with_last(self.units)
    }

    keeps_mask!();

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let kernel = self
            .kernel
            .variable("kernel", vec![input.last(), self.units]);
        let bias = self.bias.variable("bias", vec![self.units]);
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
        let (kernel, bias) = weights.split_at(input.last() * self.units);
        if input.leading() > 1 {
            let product = Product::new(kernel, self.units, bias, callback)?;
            let step = PerStep::dense(product, self.activation);
            return Ok(Some(Frozen::Own(Box::new(step))));
        }
        Ok(Some(Frozen::Dense {
            units: self.units,
            kernel,
            bias,
            activation: self.activation,
        }))
    }

    fn stash(&self, input: Shape) -> usize {
        if activate::needs_input(self.activation) {
            input.leading() * self.units
        } else {
            0
        }
    }

    fn scratch(&self, input: Shape) -> Option<usize> {
        matmul::scratch(input.last(), self.units)
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let (k, n) = (pass.input.last(), self.units);
        let (w, bias) = pass.weights.split_at(k * n);
        let bias = self.use_bias.then_some(bias);
        let relu = self.activation == Activation::Relu;
        let rows = pass.x.len() / k;
        matmul::forward(
            rows,
            k,
            n,
            pass.x,
            w,
            bias,
            relu,
            pass.y,
            pass.scratch,
            pass.interrupt,
        )?;
        if activate::needs_input(self.activation) {
            super::copy(pass.y, pass.stash, pass.interrupt)?;
        }
        if !relu {
            activate::forward_all(self.activation, n, pass.y, pass.interrupt)?;
        }
        Ok(())
    }

    fn passes_relu(&self) -> bool {
        true
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        let (k, n) = (pass.input.last(), self.units);
        let (w, _) = pass.weights.split_at(k * n);
        let (dw, db) = pass.gradient.split_at_mut(k * n);
        if !pass.derived {
            let (stash, y, dy) = (pass.stash, pass.y, &mut *pass.dy);
            activate::backward_all(self.activation, n, stash, y, dy, pass.interrupt)?;
        }
        let dz = &*pass.dy;
        if self.use_bias {
            reduce::column_sums_all(dz, n, db, pass.add, pass.interrupt)?;
        }
        let (x, add, interrupt) = (pass.x, pass.add, pass.interrupt);
        if n == 1 {
            let relu = pass.through_relu;
            return matmul::column_gradients(k, x, dz, w, dw, add, pass.dx, relu, interrupt);
        }
        let rows = dz.len() / n;
        matmul::weight_gradient(rows, k, n, x, dz, dw, add, pass.scratch, interrupt)?;
        if let Some(dx) = pass.dx {
            let relu = pass.through_relu.then_some(x);
            matmul::input_gradient(rows, k, n, dz, w, relu, dx, pass.scratch, interrupt)?;
        }
        Ok(())
    }
}
