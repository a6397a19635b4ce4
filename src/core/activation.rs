//! Activation functions by their Keras names, with Keras's constants.

use crate::Result;
use crate::config::{fold, invalid, tagged, unknown};
use serde_json::Value;

/// An element-wise function, or softmax over a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x
    Linear,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// tanh x
    Tanh,
    /// e^x_i / sum_j e^x_j
    Softmax,
    /// x (1 + erf(x / sqrt 2)) / 2
    Gelu,
    /// x > 0 ? x : e^x - 1
    Elu,
    /// 1.0507 (x > 0 ? x : 1.6733 (e^x - 1))
    Selu,
    /// ln(1 + e^x)
    Softplus,
    /// x > 0 ? x : 0.2 x
    LeakyRelu,
    /// x sigmoid(x); Keras also calls it `silu`
    Swish,
}

impl Activation {
    const NAMES: [(&'static str, Activation); 12] = [
        ("linear", Activation::Linear),
        ("relu", Activation::Relu),
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
        ("softmax", Activation::Softmax),
        ("gelu", Activation::Gelu),
        ("elu", Activation::Elu),
        ("selu", Activation::Selu),
        ("softplus", Activation::Softplus),
        ("leaky_relu", Activation::LeakyRelu),
        ("silu", Activation::Swish),
        ("swish", Activation::Swish),
    ];

    /// The activation of a Keras name; case and underscores do not matter.
    pub fn parse(name: &str) -> Result<Activation> {
        let folded = fold(name);
        match Self::NAMES.iter().find(|(known, _)| fold(known) == folded) {
            Some(&(_, activation)) => Ok(activation),
            None => Err(unknown(
                "activation",
                "activations",
                name,
                &Self::NAMES.map(|(known, _)| known),
            )),
        }
    }

    /// The name Keras writes.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, a)| *a == self)
            .map_or("linear", |(name, _)| name)
    }

    /// A name, null (linear), or Keras's object around a built-in function.
    pub(crate) fn from_json(json: Option<&Value>) -> Result<Activation> {
        let Some(json) = json else {
            return Ok(Activation::Linear);
        };
        match tagged("activation", json)? {
            (name, None) => Self::parse(name),
            ("function", Some(Value::String(name))) => Self::parse(name),
            _ => Err(invalid(format!(
                "an activation is given by its name, not as {json}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_keras_names() {
        for (name, activation) in Activation::NAMES {
            assert_eq!(Activation::parse(name).unwrap(), activation);
            assert_eq!(Activation::parse(activation.name()).unwrap(), activation);
        }
        assert_eq!(
            Activation::parse("LeakyReLU").unwrap(),
            Activation::LeakyRelu
        );
        let error = Activation::parse("rleu").unwrap_err();
        assert_eq!(error.to_string(), "unknown activation \"rleu\"");
        assert!(
            error
                .hint_text()
                .unwrap()
                .starts_with("Did you mean \"relu\"?")
        );
    }
}
