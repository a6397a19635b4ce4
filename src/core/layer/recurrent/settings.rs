//! The settings that all recurrent layers share.

use super::super::{MAX_UNITS, VariableSpec};
use crate::config::{Config, invalid};
use crate::kernels::activate;
use crate::{Activation, Error, ErrorKind, Initializer, Result, Shape};
use serde_json::{Map, Value, json};

/// Recurrence of a recurrent layer with Keras's names and defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrence {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Width of the output.
    pub units: usize,
    /// Of the output, tanh.
    pub activation: Activation,
    /// Of the gates, sigmoid; not used by SimpleRNN.
    pub recurrent_activation: Activation,
    /// Whether biases are added.
    pub use_bias: bool,
    /// How the kernel begins.
    pub kernel_initializer: Initializer,
    /// How the recurrent kernel begins.
    pub recurrent_initializer: Initializer,
    /// How the biases begin.
    pub bias_initializer: Initializer,
    /// Whether every step has an output, or only the last one.
    pub return_sequences: bool,
    /// Whether the last step is the first.
    pub go_backwards: bool,
}

/// The settings of all recurrent layers; the second half is refused unless it is off.
pub(super) const SHARED: [&str; 24] = [
    "units",
    "activation",
    "recurrent_activation",
    "use_bias",
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "return_sequences",
    "go_backwards",
    // They change how Keras computes, not what.
    "unroll",
    "implementation",
    "seed",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "dropout",
    "recurrent_dropout",
    "return_state",
    "stateful",
    "zero_output_for_mask",
];
const REFUSED: usize = 12;

/// The shared settings and one more.
pub(super) const fn shared_and(one: &'static str) -> [&'static str; SHARED.len() + 1] {
    let mut known = [one; SHARED.len() + 1];
    let mut i = 0;
    while i < SHARED.len() {
        known[i] = SHARED[i];
        i += 1;
    }
    known
}

impl Recurrence {
    /// Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            name: None,
            units,
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
            use_bias: true,
            kernel_initializer: Initializer::GlorotUniform,
            recurrent_initializer: Initializer::Orthogonal,
            bias_initializer: Initializer::Zeros,
            return_sequences: false,
            go_backwards: false,
        }
    }

    pub(super) fn read(layer: &str, name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&SHARED[REFUSED..])?;
        let Some(units) = config.count("units", 1..=MAX_UNITS as u64)? else {
            return Err(invalid(format!("{layer} needs units")).hint(format!(
                "Write {{\"class_name\": \"{layer}\", \"config\": {{\"units\": 32}}}}."
            )));
        };
        let mut settings = Self::new(units as usize);
        let activation = |key, default| match config.get(key) {
            None => Ok(default),
            json => Activation::from_json(json),
        };
        settings.name = name;
        settings.activation = activation("activation", Activation::Tanh)?;
        settings.recurrent_activation = activation("recurrent_activation", Activation::Sigmoid)?;
        settings.use_bias = config.flag("use_bias", true)?;
        let initializer = |key, default| Initializer::from_json(config.get(key), default);
        settings.kernel_initializer =
            initializer("kernel_initializer", Initializer::GlorotUniform)?;
        settings.recurrent_initializer =
            initializer("recurrent_initializer", Initializer::Orthogonal)?;
        settings.bias_initializer = initializer("bias_initializer", Initializer::Zeros)?;
        settings.return_sequences = config.flag("return_sequences", false)?;
        settings.go_backwards = config.flag("go_backwards", false)?;
        Ok(settings)
    }

    /// Guards what a caller may have built by hand.
    pub(super) fn check(&self, layer: &str) -> Result<()> {
        if self.units == 0 || self.units > MAX_UNITS {
            return Err(invalid(format!(
                "units of {layer} must be from 1 to {MAX_UNITS}, not {}",
                self.units
            )));
        }
        for f in [self.activation, self.recurrent_activation] {
            // Of these the way back would need more than is kept.
            if activate::needs_input(f) || f == Activation::Softmax {
                return Err(Error::new(
                    ErrorKind::NotSupported,
                    format!("activation {} of {layer} is not supported", f.name()),
                )
                .hint("Use tanh, sigmoid, relu, elu, selu, leaky_relu or linear."));
            }
        }
        Ok(())
    }

    /// As Keras writes them; `gated` layers have a recurrent activation.
    pub(super) fn write(&self, gated: bool) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
        put("units", json!(self.units));
        put("activation", json!(self.activation.name()));
        if gated {
            put(
                "recurrent_activation",
                json!(self.recurrent_activation.name()),
            );
        }
        put("use_bias", json!(self.use_bias));
        put("kernel_initializer", self.kernel_initializer.to_json());
        put(
            "recurrent_initializer",
            self.recurrent_initializer.to_json(),
        );
        put("bias_initializer", self.bias_initializer.to_json());
        put("return_sequences", json!(self.return_sequences));
        put("go_backwards", json!(self.go_backwards));
        map
    }

    /// Which step of the row is the `t`th to be walked.
    pub(super) fn step(&self, t: usize, steps: usize) -> usize {
        if self.go_backwards { steps - 1 - t } else { t }
    }

    /// Kernel and recurrent kernel of so many gates. Keras puts the name of the cell before theirs.
    pub(super) fn kernels(
        &self,
        input: Shape,
        gates: usize,
        [kernel, recurrent]: [&'static str; 2],
    ) -> Vec<VariableSpec> {
        let wide = self.units.saturating_mul(gates);
        vec![
            VariableSpec::new(kernel, vec![input.last(), wide], self.kernel_initializer),
            VariableSpec::new(
                recurrent,
                vec![self.units, wide],
                self.recurrent_initializer,
            ),
        ]
    }
}

/// The derivative of an activation from its output.
pub(super) fn slope(f: Activation) -> fn(f32) -> f32 {
    match f {
        Activation::Relu => |y| if y > 0.0 { 1.0 } else { 0.0 },
        Activation::Sigmoid => sigmoid_slope,
        Activation::Tanh => tanh_slope,
        Activation::Elu => |y| if y > 0.0 { 1.0 } else { y + 1.0 },
        Activation::Selu => |y| {
            if y > 0.0 { 1.050_701 } else { y + 1.758_099_3 }
        },
        Activation::LeakyRelu => |y| if y > 0.0 { 1.0 } else { 0.2 },
        _ => |_| 1.0,
    }
}

pub(super) fn sigmoid_slope(y: f32) -> f32 {
    y * (1.0 - y)
}

pub(super) fn tanh_slope(y: f32) -> f32 {
    1.0 - y * y
}
