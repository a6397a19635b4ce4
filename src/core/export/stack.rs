//! The layers of a model as another library has them: their settings as Keras writes them, and where their variables lie.

use crate::config::invalid;
use crate::target::{Standard, TargetKind};
use crate::weights::room;
use crate::{Activation, Error, ErrorKind, Model, Result, Shape, Target};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The most values that get a layer to rescale them, whose weights are the square: 64 MB.
const MAX_RESCALED: usize = 1 << 12;

/// A network without its weights.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The whole Sequential, without its layers.
    frame: Value,
    /// The InputLayer.
    input: Value,
    /// The layers, first to last.
    pub(crate) layers: Vec<Item>,
}

/// A layer.
#[derive(Debug)]
pub(crate) struct Item {
    /// Keras's class name.
    pub(crate) class: String,
    /// Its name.
    pub(crate) name: String,
    /// Its settings, as Keras writes them.
    pub(crate) config: Map<String, Value>,
    /// The shape of a row that it takes.
    pub(crate) input: Shape,
    /// Its variables in their order.
    pub(crate) variables: Vec<Held>,
}

/// A variable of a layer.
#[derive(Debug)]
pub(crate) struct Held {
    /// Keras's path below the layer: `kernel`, `lstm_cell/kernel`.
    pub(crate) name: String,
    /// Its shape.
    pub(crate) shape: Vec<usize>,
    /// Where it begins among all weights.
    pub(crate) offset: usize,
}

impl Held {
    /// Numbers in it. The network was compiled, so the product does not overflow.
    pub(crate) fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Stack {
    /// The layers of `model` behind its embeddings: what they take is a row as `ml_transform` shows it.
    pub(crate) fn of(model: &Model) -> Result<Self> {
        let network = &model.network;
        let mut sequential = model.sequential().clone();
        if sequential.inputs.is_none() {
            sequential.inputs = Some(Shape::new(&[network.front.outputs])?.into());
        }
        let mut frame = sequential.to_json();
        let Value::Array(written) = frame["config"]["layers"].take() else {
            return Err(invalid("the layers cannot be written"));
        };
        let mut written = written.into_iter();
        let input = written.next().unwrap_or_default();
        let mut layers = Vec::with_capacity(network.places.len());
        for (place, mut json) in network.places.iter().zip(written) {
            let mut offset = place.offset;
            let variables = place.layer.kind().variables(place.input);
            let variables = variables.into_iter().map(|spec| {
                let held = Held {
                    offset,
                    name: spec.name.to_string(),
                    shape: spec.shape,
                };
                offset += held.size();
                held
            });
            let variables = variables.collect();
            let Value::Object(config) = json["config"].take() else {
                return Err(invalid("a layer cannot be written"));
            };
            let name = config.get("name").and_then(Value::as_str);
            layers.push(Item {
                class: place.layer.class_name().to_owned(),
                name: name.unwrap_or_default().to_owned(),
                input: place.input,
                config,
                variables,
            });
        }
        Ok(Self {
            frame,
            input,
            layers,
        })
    }

    /// The layers of `model` so that they answer what it does: probabilities where it answers these, and the values of
    /// `target` in its own units; with the weights that do so.
    pub(crate) fn answering<'m>(
        model: &'m Model,
        target: &Target,
    ) -> Result<(Self, Cow<'m, [f32]>)> {
        let mut stack = Self::of(model)?;
        stack.answer_probabilities(model.head);
        let mut weights = Cow::Borrowed(model.weights());
        if let TargetKind::Regression { outputs } = &target.kind {
            stack.answer_units(outputs, &mut weights)?;
        }
        Ok((stack, weights))
    }

    /// What `model.to_json()` of Keras writes.
    pub(crate) fn to_json(&self) -> Value {
        let layers = self.layers.iter().map(|item| {
            json!({"module": "keras.layers", "class_name": item.class, "config": item.config, "registered_name": null})
        });
        let layers = std::iter::once(self.input.clone()).chain(layers).collect();
        let mut whole = self.frame.clone();
        whole["config"]["layers"] = Value::Array(layers);
        whole
    }

    /// Logits become probabilities.
    pub(super) fn answer_probabilities(&mut self, head: Activation) {
        if head == Activation::Linear {
            return;
        }
        let Some(last) = self.layers.last_mut() else {
            return;
        };
        let linear = last.text("activation") == Some("linear");
        if linear && matches!(last.class.as_str(), "Dense" | "Activation") {
            last.config.insert("activation".into(), head.name().into());
        }
    }

    /// What is standardised gets its mean and deviation back: in the last layer where that is linear and has a bias, else in
    /// one more.
    fn answer_units(&mut self, outputs: &[Standard], weights: &mut Cow<'_, [f32]>) -> Result<()> {
        let plain = |it: &Standard| it.mean == 0.0 && it.std == 1.0;
        if outputs.iter().all(plain) {
            return Ok(());
        }
        if let Some(Standard { mean, std }) = outputs.iter().find(|it| !held(it)) {
            let message = format!(
                "a target whose mean is {mean} and whose deviation is {std} cannot be answered by weights of 32 bits"
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message)
                .hint("Export it as 'tablenet', or train on the target in other units."));
        }
        let last = self.layers.last();
        let folds = last.is_some_and(|last| {
            last.class == "Dense"
                && last.text("activation") == Some("linear")
                && last.variables.len() == 2
        });
        if !folds {
            self.add_rescaling(outputs.len(), weights)?;
        }
        let Some(last) = self.layers.last() else {
            return Ok(());
        };
        let [kernel, bias] = last.variables.as_slice() else {
            return Ok(());
        };
        let weights = weights.to_mut();
        let all = &mut weights[kernel.offset..kernel.offset + kernel.size()];
        for row in all.chunks_mut(outputs.len()) {
            for (weight, output) in row.iter_mut().zip(outputs) {
                *weight = (f64::from(*weight) * output.std) as f32;
            }
        }
        let all = &mut weights[bias.offset..bias.offset + bias.size()];
        for (weight, output) in all.iter_mut().zip(outputs) {
            *weight = output.invert(*weight) as f32;
        }
        Ok(())
    }

    /// A last layer that answers what it is given.
    fn add_rescaling(&mut self, width: usize, weights: &mut Cow<'_, [f32]>) -> Result<()> {
        if width > MAX_RESCALED {
            let message = format!(
                "{width} values cannot get their units back: that takes a layer of so many weights for each of them, up to {MAX_RESCALED} are written"
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message).hint(
                "Export it as 'tablenet', or let the last layer be a linear Dense with a bias.",
            ));
        }
        let mut name = "target".to_owned();
        while self.layers.iter().any(|item| item.name == name) {
            name.push('_');
        }
        let mut dense = crate::Dense::new(width, Activation::Linear);
        dense.name = Some(name.clone());
        let mut json = crate::Layer::Dense(dense).to_json(&name);
        let Value::Object(config) = json["config"].take() else {
            return Ok(());
        };
        let before = weights.len();
        let mut more = room(before + width * width + width)?;
        more.extend_from_slice(weights);
        more.extend((0..width * width).map(|i| f32::from(i / width == i % width)));
        more.extend((0..width).map(|_| 0.0));
        *weights = Cow::Owned(more);
        let held = |name: &str, shape: Vec<usize>, offset| Held {
            name: name.to_owned(),
            shape,
            offset,
        };
        self.layers.push(Item {
            class: "Dense".to_owned(),
            name,
            config,
            input: Shape::new(&[width])?,
            variables: vec![
                held("kernel", vec![width, width], before),
                held("bias", vec![width], before + width * width),
            ],
        });
        Ok(())
    }
}

/// Whether 32 bits hold mean and deviation, with room for weights of the size that training makes.
fn held(Standard { mean, std }: &Standard) -> bool {
    const ROOM: f64 = 1e6;
    let (least, most) = (f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX));
    mean.abs() < most / ROOM && (least * ROOM..most / ROOM).contains(std)
}

impl Item {
    /// A setting that is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key).and_then(Value::as_str)
    }

    /// Whether its activation is not named but a layer of its own, such as `keras.layers.LeakyReLU(0.1)`.
    pub(crate) fn has_layer_for_activation(&self) -> bool {
        let inner = self.config.get("layer").and_then(|it| it.get("config"));
        let inner = inner.and_then(|config| config.get("activation"));
        let activation = self.config.get("activation").or(inner);
        activation.is_some_and(Value::is_object)
    }

    /// A setting that is a number.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.config.get(key).and_then(Value::as_f64)
    }

    /// A setting that is yes or no; no where it is left out.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.config
            .get(key)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// A setting that is a size, or the first of a list of sizes.
    pub(crate) fn size(&self, key: &str) -> Option<usize> {
        let value = self.config.get(key)?;
        let value = value.as_array().map_or(Some(value), |list| list.first())?;
        value.as_u64().and_then(|size| usize::try_from(size).ok())
    }
}
