//! `TimeDistributed`: the same layer on every step of a row (Keras: `keras.layers.TimeDistributed`). To it every step is a
//! row.

use super::{Backward, Forward, Kind, Layer, VariableSpec, no_mask};
use crate::config::{Config, invalid};
use crate::kernels::lanes::Line;
use crate::predict::{Frozen, PerStep, Product, Step};
use crate::sequential::snake_case;
use crate::{Activation, Callback, Error, ErrorKind, Result, Shape};
use serde_json::{Map, Value};

/// A layer that works on every step by itself (Keras: `TimeDistributed`).
#[derive(Debug, Clone, PartialEq)]
pub struct TimeDistributed {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Whether training moves the weights.
    pub trainable: bool,
    /// What works on every step.
    pub layer: Box<Layer>,
}

impl TimeDistributed {
    /// `TimeDistributed(layer)`.
    pub fn new(mut layer: Layer) -> Self {
        let class = layer.class_name();
        let name = layer.kind_mut().name_mut();
        name.get_or_insert_with(|| snake_case(class));
        Self {
            name: None,
            trainable: true,
            layer: Box::new(layer),
        }
    }

    /// How many steps a row has, and the shape of one.
    fn step(input: Shape) -> Result<(usize, Shape)> {
        match input.dims() {
            [steps, step @ ..] if !step.is_empty() => Ok((*steps, Shape::new(step)?)),
            _ => Err(invalid(format!(
                "TimeDistributed takes rows of shape (steps, ..), not {input}"
            ))
            .hint("Put a Reshape before it, or state the shape with an InputLayer: \"batch_shape\": [null, 24, 1].")),
        }
    }

    /// As [`TimeDistributed::step`], of rows that `output` has accepted.
    fn steps(input: Shape) -> (usize, Shape) {
        Self::step(input).unwrap_or((1, input))
    }

    fn word(&self) -> &str {
        let name = self.layer.kind().name().as_deref();
        name.unwrap_or(self.layer.class_name())
    }
}

impl Kind for TimeDistributed {
    fn known_settings() -> &'static [&'static str] {
        &["layer"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        let Some(layer) = config.get("layer") else {
            return Err(invalid("TimeDistributed needs layer").hint(
                "Write {\"class_name\": \"TimeDistributed\", \"config\": {\"layer\": {\"class_name\": \"Dense\", \"config\": {\"units\": 8}}}}.",
            ));
        };
        Ok(Self {
            name,
            ..Self::new(Layer::from_json(layer)?)
        })
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("layer".to_owned(), self.layer.to_json(self.word()))])
    }

    fn check(&self) -> Result<()> {
        if matches!(*self.layer, Layer::Embedding(_)) {
            let message = "Embedding in TimeDistributed is not supported";
            return Err(Error::new(ErrorKind::NotSupported, message)
                .hint("An Embedding works on every index already."));
        }
        if matches!(*self.layer, Layer::BatchNormalization(_)) {
            let message = "BatchNormalization in TimeDistributed is not supported";
            return Err(Error::new(ErrorKind::NotSupported, message)
                .hint("By itself it normalises the channels over all steps."));
        }
        self.layer.kind().check()
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        let (steps, step) = Self::step(input)?;
        let output = self.layer.kind().output(step)?;
        let dims: Vec<usize> = std::iter::once(steps)
            .chain(output.dims().iter().copied())
            .collect();
        Shape::new(&dims)
    }

    /// Every step has one of what is left of its dimensions.
    fn mask(&self, input: Shape, mask: Option<&[usize]>) -> Result<bool> {
        if let Some([_, inner @ ..]) = mask {
            let step = Self::steps(input).1;
            self.layer.kind().mask(step, Some(inner))?;
        } else if mask.is_some() {
            return Err(no_mask("TimeDistributed", input));
        }
        Ok(mask.is_some())
    }

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let variables = self.layer.variables(Self::steps(input).1);
        let named = variables.into_iter().map(|mut variable| {
            variable.name = format!("{}/{}", self.word(), variable.name).into();
            variable
        });
        named.collect()
    }

    fn work(&self, input: Shape) -> usize {
        let (steps, step) = Self::steps(input);
        self.layer.kind().work(step).saturating_mul(steps)
    }

    fn activation(&self) -> Option<Activation> {
        self.layer.kind().activation()
    }

    fn set_linear(&mut self) {
        self.layer.kind_mut().set_linear();
    }

    fn freeze<'w>(
        &self,
        input: Shape,
        weights: &'w [f32],
        callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        let (_, step) = Self::steps(input);
        let outputs = self.layer.kind().output(step)?.width();
        let frozen = self.layer.kind().freeze(step, weights, callback)?;
        let step: Box<dyn Step> = match frozen {
            None => return Ok(None),
            Some(Frozen::Dense {
                units,
                kernel,
                bias,
                activation,
            }) => {
                let product = Product::new(kernel, units, bias, callback)?;
                Box::new(PerStep::dense(product, activation))
            }
            Some(Frozen::Activate { units, activation }) => {
                Box::new(PerStep::activation(activation, units))
            }
            Some(Frozen::Own(layer)) => Box::new(Each {
                layer,
                inputs: step.width(),
                outputs,
            }),
        };
        Ok(Some(Frozen::Own(step)))
    }

    fn whole_batch(&self) -> bool {
        self.layer.kind().whole_batch()
    }

    fn stash(&self, input: Shape) -> usize {
        let (steps, step) = Self::steps(input);
        self.layer.kind().stash(step).saturating_mul(steps)
    }

    fn statistics(&self, input: Shape) -> usize {
        self.layer.kind().statistics(Self::steps(input).1)
    }

    fn scratch(&self, input: Shape) -> Option<usize> {
        self.layer.kind().scratch(Self::steps(input).1)
    }

    fn passes_relu(&self) -> bool {
        self.layer.kind().passes_relu()
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let (_, input) = Self::step(pass.input)?;
        let (_, output) = Self::step(pass.output)?;
        self.layer.kind().forward(Forward {
            input,
            output,
            ..pass
        })
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        let (_, input) = Self::step(pass.input)?;
        let (_, output) = Self::step(pass.output)?;
        self.layer.kind().backward(Backward {
            input,
            output,
            ..pass
        })
    }
}

/// A frozen layer for every step of a row.
#[derive(Debug)]
struct Each {
    layer: Box<dyn Step>,
    inputs: usize,
    outputs: usize,
}

impl Step for Each {
    fn run(&self, x: &[f32], mask: Option<&[f32]>, y: &mut [f32], scratch: &mut [Line]) {
        let steps = x.chunks_exact(self.inputs);
        // A mask of the steps themselves says nothing of what is in one.
        let inner = mask.map_or(0, |mask| mask.len() / steps.len());
        for (t, (x, y)) in steps.zip(y.chunks_exact_mut(self.outputs)).enumerate() {
            let mask = mask.map(|mask| &mask[t * inner..][..inner]);
            self.layer.run(x, mask, y, scratch);
        }
    }

    fn scratch(&self) -> usize {
        self.layer.scratch()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.layer.bytes()
    }
}
