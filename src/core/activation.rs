//! Activation functions by their Keras names, with Keras's constants.

use crate::config::{fold, invalid, tagged, unknown};
use crate::{Error, ErrorKind, Layer, Result};
use serde_json::{Value, json};

/// An element-wise function, or one over a row.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// min(max(x, 0), 6)
    Relu6,
    /// x > 0 ? x : e^x - 1
    Celu,
    /// x / (1 + |x|)
    Softsign,
    /// (x + sqrt(x^2 + 4)) / 2
    Squareplus,
    /// |x| > 0.5 ? x - 0.5 sign x : 0
    SoftShrink,
    /// |x| > 0.5 ? x : 0
    HardShrink,
    /// x - tanh x
    TanhShrink,
    /// x <= -1 ? 0 : x < 1 ? (x + 1)^2 / 4 : x
    SparsePlus,
    /// (x + 1) / 2 within 0 and 1
    SparseSigmoid,
    /// e^x
    Exponential,
    /// x / 6 + 1 / 2 within 0 and 1
    HardSigmoid,
    /// x hard_sigmoid(x); Keras also calls it `hard_swish`
    HardSilu,
    /// x within -1 and 1
    HardTanh,
    /// x tanh(ln(1 + e^x))
    Mish,
    /// -ln(1 + e^-x)
    LogSigmoid,
    /// x_i - ln sum_j e^x_j
    LogSoftmax,
    /// max(x_i - t, 0) with the t that makes the row's sum 1 (Martins and Astudillo 2016)
    Sparsemax,
    /// `keras.layers.ReLU`: x <= threshold ? negative_slope (x - threshold) : min(x, max_value)
    Ramp {
        /// Below the threshold.
        negative_slope: f64,
        /// The most; none is infinite.
        max_value: f64,
        /// Where it begins.
        threshold: f64,
    },
    /// `keras.layers.LeakyReLU`: x > 0 ? x : negative_slope x
    Leaky {
        /// Below 0.
        negative_slope: f64,
    },
    /// `keras.layers.ELU`: x > 0 ? x : alpha (e^x - 1)
    ScaledElu {
        /// How far below 0 it goes.
        alpha: f64,
    },
}

impl Activation {
    pub(crate) const NAMES: [(&'static str, Activation); 30] = [
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
        ("relu6", Activation::Relu6),
        ("celu", Activation::Celu),
        ("softsign", Activation::Softsign),
        ("squareplus", Activation::Squareplus),
        ("soft_shrink", Activation::SoftShrink),
        ("hard_shrink", Activation::HardShrink),
        ("tanh_shrink", Activation::TanhShrink),
        ("sparse_plus", Activation::SparsePlus),
        ("sparse_sigmoid", Activation::SparseSigmoid),
        ("exponential", Activation::Exponential),
        ("hard_sigmoid", Activation::HardSigmoid),
        ("hard_silu", Activation::HardSilu),
        ("hard_swish", Activation::HardSilu),
        ("hard_tanh", Activation::HardTanh),
        ("mish", Activation::Mish),
        ("log_sigmoid", Activation::LogSigmoid),
        ("log_softmax", Activation::LogSoftmax),
        ("sparsemax", Activation::Sparsemax),
    ];

    /// The activation of a Keras name; case and underscores do not matter.
    pub fn parse(name: &str) -> Result<Activation> {
        let folded = fold(name);
        if let Some(&(_, activation)) = Self::NAMES.iter().find(|(known, _)| fold(known) == folded)
        {
            return Ok(activation);
        }
        // Keras has them, but one halves the row and the other has no defaults.
        if ["glu", "threshold"].contains(&folded.as_str()) {
            let message = format!("activation {folded} is not supported");
            return Err(Error::new(ErrorKind::NotSupported, message)
                .hint("It is no function of one number with defaults."));
        }
        Err(unknown(
            "activation",
            "activations",
            name,
            &Self::NAMES.map(|(known, _)| known),
        ))
    }

    /// The name Keras writes; of a layer's function that of the function.
    pub fn name(self) -> &'static str {
        let plain = match self {
            Activation::Ramp { .. } => Activation::Relu,
            Activation::Leaky { .. } => Activation::LeakyRelu,
            Activation::ScaledElu { .. } => Activation::Elu,
            plain => plain,
        };
        Self::NAMES
            .iter()
            .find(|(_, a)| *a == plain)
            .map_or("linear", |(name, _)| name)
    }

    /// Whether every output depends on all numbers of the row.
    pub(crate) fn over_rows(self) -> bool {
        matches!(
            self,
            Activation::Softmax | Activation::LogSoftmax | Activation::Sparsemax
        )
    }

    /// Whether it may make a number that is not finite of a small one.
    pub(crate) fn grows(self) -> bool {
        matches!(
            self,
            Activation::Exponential
                | Activation::Ramp { .. }
                | Activation::Leaky { .. }
                | Activation::ScaledElu { .. }
        )
    }

    /// A name, null (linear), Keras's object around a built-in function, or a layer that does nothing else.
    pub(crate) fn from_json(json: Option<&Value>) -> Result<Activation> {
        let Some(json) = json else {
            return Ok(Activation::Linear);
        };
        let only_names = || invalid(format!("an activation is given by its name, not as {json}"));
        match tagged("activation", json)? {
            ("ReLU" | "LeakyReLU" | "ELU" | "Softmax" | "Activation", _) if json.is_object() => {
                Self::of_layer(&Layer::from_json(json)?).ok_or_else(only_names)
            }
            ("PReLU", _) if json.is_object() => {
                let message = "PReLU as an activation is not supported";
                Err(Error::new(ErrorKind::NotSupported, message)
                    .hint("Make it a layer of its own, behind this one."))
            }
            (name, None) => Self::parse(name),
            ("function", Some(Value::String(name))) => Self::parse(name),
            _ => Err(only_names()),
        }
    }

    /// What a layer without weights does to the last axis.
    fn of_layer(layer: &Layer) -> Option<Activation> {
        match layer {
            Layer::Softmax(softmax) if softmax.axis != -1 => None,
            _ => layer.kind().activation(),
        }
    }

    /// As Keras writes it: its name, or the layer whose settings it has.
    pub(crate) fn to_json(self) -> Value {
        let (class, config) = match self {
            Activation::Ramp {
                negative_slope,
                max_value,
                threshold,
            } => {
                let max_value = max_value.is_finite().then_some(max_value);
                let config = json!({"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold});
                ("ReLU", config)
            }
            Activation::Leaky { negative_slope } => {
                ("LeakyReLU", json!({"negative_slope": negative_slope}))
            }
            Activation::ScaledElu { alpha } => ("ELU", json!({"alpha": alpha})),
            plain => return plain.name().into(),
        };
        json!({"module": "keras.layers", "class_name": class, "config": config, "registered_name": null})
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
        let error = Activation::parse("GLU").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported);
    }

    #[test]
    fn reads_layers_in_the_place_of_names() {
        let read = |text: &str| {
            Activation::from_json(Some(&serde_json::from_str(text).unwrap()))
                .map_err(|error| error.to_string())
        };
        // keras.layers.Dense(1, activation=keras.layers.LeakyReLU(0.1)).get_config()["activation"] of Keras 3.15
        let leaky = r#"{"module": "keras.layers", "class_name": "LeakyReLU", "config": {"name": "leaky_re_lu",
            "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"},
            "registered_name": null}, "negative_slope": 0.1}, "registered_name": null}"#;
        let cases = [
            (
                leaky,
                Activation::Leaky {
                    negative_slope: 0.1,
                },
            ),
            (
                r#"{"class_name": "LeakyReLU"}"#,
                Activation::Leaky {
                    negative_slope: 0.3,
                },
            ),
            (
                r#"{"class_name": "ReLU", "config": {"max_value": 3}}"#,
                Activation::Ramp {
                    negative_slope: 0.0,
                    max_value: 3.0,
                    threshold: 0.0,
                },
            ),
            (
                r#"{"ELU": {"alpha": 0.5}}"#,
                Activation::ScaledElu { alpha: 0.5 },
            ),
            (r#"{"class_name": "ReLU"}"#, Activation::Relu),
            (r#"{"class_name": "Softmax"}"#, Activation::Softmax),
            (
                r#"{"class_name": "Activation", "config": {"activation": "mish"}}"#,
                Activation::Mish,
            ),
            (
                r#"{"class_name": "function", "config": "relu6"}"#,
                Activation::Relu6,
            ),
            (r#""LeakyReLU""#, Activation::LeakyRelu),
        ];
        for (text, activation) in cases {
            assert_eq!(read(text), Ok(activation), "{text}");
            let again = Activation::from_json(Some(&activation.to_json())).unwrap();
            assert_eq!(again, activation);
        }
        for text in [
            "3",
            r#"{"class_name": "PReLU"}"#,
            r#"{"class_name": "Softmax", "config": {"axis": 1}}"#,
            r#"{"class_name": "ReLU", "config": {"max_value": -1}}"#,
            r#"{"class_name": "Dense", "config": {"units": 1}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
