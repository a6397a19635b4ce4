//! The settings that all recurrent layers share.

use super::super::weight::settings;
use super::super::{MAX_UNITS, VariableSpec, Weight, dropout};
use crate::config::{Config, invalid};
use crate::kernels::slope::of_output;
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
    /// (channels, gates)
    pub kernel: Weight,
    /// (units, gates)
    pub recurrent: Weight,
    /// (gates)
    pub bias: Weight,
    /// The share of inputs that is set to zero while training, the same ones in every step.
    pub dropout: f64,
    /// The share of what goes from step to step that is set to zero, the same ones in every step and for every gate.
    pub recurrent_dropout: f64,
    /// An own seed of these, beside the seed of `fit`.
    pub seed: Option<u64>,
    /// Whether training moves the weights.
    pub trainable: bool,
    /// Whether every step has an output, or only the last one.
    pub return_sequences: bool,
    /// Whether the last step is the first.
    pub go_backwards: bool,
    /// Whether a masked step answers zeros, and not what the step before did.
    pub zero_output_for_mask: bool,
}

/// The settings of all recurrent layers.
pub(super) const SHARED: [&str; 26] = *settings!(
    [
        "units",
        "activation",
        "recurrent_activation",
        "use_bias",
        "return_sequences",
        "go_backwards",
        "dropout",
        "recurrent_dropout",
        "seed",
        "zero_output_for_mask",
        // They change how Keras computes, not what.
        "unroll",
        "implementation",
        "use_cudnn",
    ],
    ["kernel", "recurrent", "bias"],
    [
        "activity_regularizer",
        "return_state",
        "stateful",
        "time_major"
    ]
);

/// Those that are refused unless they are off.
const REFUSED: &[&str] = &[
    "activity_regularizer",
    "return_state",
    "stateful",
    // Of Keras 2.
    "time_major",
];

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
            kernel: Weight::new(Initializer::GLOROT),
            recurrent: Weight::new(Initializer::ORTHOGONAL),
            bias: Weight::new(Initializer::Zeros),
            dropout: 0.0,
            recurrent_dropout: 0.0,
            seed: None,
            trainable: true,
            return_sequences: false,
            go_backwards: false,
            zero_output_for_mask: false,
        }
    }

    pub(super) fn read(layer: &str, name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(REFUSED)?;
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
        settings.kernel = Weight::read(config, "kernel", Initializer::GLOROT)?;
        settings.recurrent = Weight::read(config, "recurrent", Initializer::ORTHOGONAL)?;
        settings.bias = Weight::read(config, "bias", Initializer::Zeros)?;
        settings.dropout = dropout::rate(config, "dropout")?;
        settings.recurrent_dropout = dropout::rate(config, "recurrent_dropout")?;
        settings.seed = config.count("seed", 0..=u64::MAX)?;
        settings.return_sequences = config.flag("return_sequences", false)?;
        settings.go_backwards = config.flag("go_backwards", false)?;
        settings.zero_output_for_mask = config.flag("zero_output_for_mask", false)?;
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
        dropout::check_rate(self.dropout, &format!("dropout of {layer}"))?;
        let what = format!("recurrent_dropout of {layer}");
        dropout::check_rate(self.recurrent_dropout, &what)?;
        for f in [self.activation, self.recurrent_activation] {
            // Of these the way back would need more than is kept.
            if of_output(f).is_none() {
                return Err(Error::new(
                    ErrorKind::NotSupported,
                    format!("activation {} of {layer} is not supported", f.name()),
                )
                .hint("Use tanh, sigmoid, hard_sigmoid, hard_tanh, softsign, relu, relu6, elu, selu, leaky_relu, exponential or linear."));
            }
        }
        Ok(())
    }

    /// As Keras writes them; `gated` layers have a recurrent activation.
    pub(super) fn write(&self, gated: bool) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
        put("units", json!(self.units));
        put("activation", self.activation.to_json());
        if gated {
            put("recurrent_activation", self.recurrent_activation.to_json());
        }
        put("use_bias", json!(self.use_bias));
        put("return_sequences", json!(self.return_sequences));
        put("go_backwards", json!(self.go_backwards));
        put("dropout", json!(self.dropout));
        put("recurrent_dropout", json!(self.recurrent_dropout));
        if gated || self.seed.is_some() {
            put("seed", json!(self.seed));
        }
        for off in ["return_state", "stateful", "unroll"] {
            put(off, false.into());
        }
        put("zero_output_for_mask", self.zero_output_for_mask.into());
        put("activity_regularizer", Value::Null);
        self.kernel.write("kernel", &mut map);
        self.recurrent.write("recurrent", &mut map);
        self.bias.write("bias", &mut map);
        map
    }

    /// Which step of the row is the `t`th to be walked.
    pub(super) fn step(&self, t: usize, steps: usize) -> usize {
        if self.go_backwards { steps - 1 - t } else { t }
    }

    /// Whether the `t`th step to be walked of the `row`th row is not there; `mask` is (rows, steps).
    pub(super) fn misses(&self, mask: Option<&[f32]>, row: usize, t: usize, steps: usize) -> bool {
        mask.is_some_and(|mask| mask[row * steps + self.step(t, steps)] == 0.0)
    }

    /// The variables of a layer of so many gates, with `biases` times one bias. Keras puts the name of the cell before theirs.
    pub(super) fn variables(
        &self,
        cell: &str,
        input: Shape,
        gates: usize,
        biases: usize,
    ) -> Vec<VariableSpec> {
        let wide = self.units.saturating_mul(gates);
        let name = |variable: &str| format!("{cell}/{variable}");
        let kernel = vec![input.last(), wide];
        let recurrent = vec![self.units, wide];
        let mut variables = vec![
            self.kernel.variable(name("kernel"), kernel),
            self.recurrent.variable(name("recurrent_kernel"), recurrent),
        ];
        if self.use_bias {
            let bias = if biases == 1 {
                vec![wide]
            } else {
                vec![biases, wide]
            };
            variables.push(self.bias.variable(name("bias"), bias));
        }
        variables
    }
}

/// The derivative of an activation from its output; [`Recurrence::check`] has refused those without.
pub(super) fn slope(f: Activation) -> fn(f32) -> f32 {
    of_output(f).unwrap_or(|_| 1.0)
}
