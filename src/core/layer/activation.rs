//! `Activation`: y = f(x) (Keras: `keras.layers.Activation`), and what all layers do that are no more than that.

use super::{Backward, Forward, Kind};
use crate::config::{Config, invalid};
use crate::kernels::activate;
use crate::predict::{Frozen, PerStep};
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value};

/// An activation as a layer of its own (Keras: `Activation`).
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationLayer {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// The function.
    pub activation: Activation,
}

impl ActivationLayer {
    /// `Activation(activation)`.
    pub fn new(activation: Activation) -> Self {
        Self {
            name: None,
            activation,
        }
    }

    fn function(&self) -> Activation {
        self.activation
    }
}

impl Kind for ActivationLayer {
    fn known_settings() -> &'static [&'static str] {
        &["activation"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let Some(activation) = config.get("activation") else {
            return Err(invalid("Activation needs activation").hint(
                "Write {\"class_name\": \"Activation\", \"config\": {\"activation\": \"relu\"}}.",
            ));
        };
        Ok(Self {
            name,
            activation: Activation::from_json(Some(activation))?,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("activation".to_owned(), self.activation.to_json())])
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    keeps_mask!();

    fn set_linear(&mut self) {
        self.activation = Activation::Linear;
    }

    function!();
}

/// What scoring does in the place of y = f(x).
pub(super) fn freeze<'w>(activation: Activation, input: Shape) -> Frozen<'w> {
    // A softmax is one of the channels of each step.
    if activation.over_rows() && input.leading() > 1 {
        let step = PerStep::activation(activation, input.last());
        return Frozen::Own(Box::new(step));
    }
    Frozen::Activate {
        units: input.width(),
        activation,
    }
}

/// y = f(x)
pub(super) fn forward(activation: Activation, pass: Forward<'_>) -> Result<()> {
    super::copy(pass.x, pass.y, pass.interrupt)?;
    activate::forward_all(activation, pass.output.last(), pass.y, pass.interrupt)
}

/// dx = f'(x) dy
pub(super) fn backward(activation: Activation, pass: Backward<'_>) -> Result<()> {
    if !pass.derived {
        let (width, dy) = (pass.output.last(), &mut *pass.dy);
        activate::backward_all(activation, width, pass.x, pass.y, dy, pass.interrupt)?;
    }
    pass.hand_on()
}
