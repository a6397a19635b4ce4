//! `Activation`: y = f(x) (Keras: `keras.layers.Activation`).

use super::{Backward, Forward, Kind};
use crate::config::{Config, invalid};
use crate::kernels::activate;
use crate::predict::{Frozen, PerStep};
use crate::{Activation, Callback, Result, Shape};
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
        Map::from_iter([("activation".to_owned(), Value::from(self.activation.name()))])
    }

    named!(name);

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
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
        _: &'w [f32],
        _: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        let activation = self.activation;
        // A softmax is one of the channels of each step.
        if activation == Activation::Softmax && input.leading() > 1 {
            let step = PerStep::activation(activation, input.last());
            return Ok(Some(Frozen::Own(Box::new(step))));
        }
        Ok(Some(Frozen::Activate {
            units: input.width(),
            activation,
        }))
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        pass.y.copy_from_slice(pass.x);
        activate::forward_all(self.activation, pass.output.last(), pass.y, pass.interrupt)
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        if !pass.derived {
            let (width, dy) = (pass.output.last(), &mut *pass.dy);
            activate::backward_all(self.activation, width, pass.x, pass.y, dy, pass.interrupt)?;
        }
        pass.hand_on()
    }
}
