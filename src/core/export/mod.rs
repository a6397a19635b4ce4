//! A model on its way out: to Keras, to PyTorch, or as SQL.
//!
//! What leaves is the network behind the preprocessing. It takes rows as [`crate::Transform`] makes them and answers what
//! the model does: probabilities, or values in the target's own units.

mod safetensors;
mod sql;
mod stack;
#[cfg(test)]
mod tests;
pub(crate) mod torch;

pub(crate) use stack::{Held, Item, Stack};

use crate::{Callback, ModelFile, Result, unknown};
use safetensors::{Tensor, write};
use serde_json::{Value, json};

/// The metadata that holds the layers as `model.to_json()` of Keras writes them.
pub(crate) const LAYERS: &str = "keras_json";
/// The metadata that holds the modules of an `nn.Sequential`.
const MODULES: &str = "modules";

/// What a model can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The model file itself.
    Tablenet,
    /// A safetensors file of Keras's variables under their paths, with the layers in its metadata.
    Safetensors,
    /// A safetensors file of the `state_dict` of an `nn.Sequential`, with the modules in its metadata.
    Pytorch,
    /// The JSON that `keras.models.model_from_json` reads.
    KerasJson,
}

impl Format {
    const WORDS: [(&'static str, Self); 4] = [
        ("tablenet", Self::Tablenet),
        ("safetensors", Self::Safetensors),
        ("pytorch", Self::Pytorch),
        ("keras_json", Self::KerasJson),
    ];

    /// Reads its word.
    ///
    /// # Errors
    /// InvalidParameter for any other, with the nearest known one.
    pub fn parse(word: &str) -> Result<Self> {
        match Self::WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, format)) => Ok(*format),
            None => Err(unknown(
                "format",
                "formats",
                word,
                &Self::WORDS.map(|it| it.0),
            )),
        }
    }
}

impl ModelFile {
    /// The bytes of the model in `format`. Checks about every MiB.
    ///
    /// # Errors
    /// NotSupported for a layer that the format cannot express, by its name.
    pub fn export(&self, format: Format, callback: &mut dyn Callback) -> Result<Vec<u8>> {
        if format == Format::Tablenet {
            return self.to_bytes(callback);
        }
        let (stack, weights) = Stack::answering(self.model(), &self.target)?;
        let layers = stack.to_json();
        let at = |variable: &Held| {
            let numbers = &weights[variable.offset..variable.offset + variable.size()];
            move |place: usize| numbers.get(place).copied().unwrap_or_default()
        };
        match format {
            Format::Tablenet | Format::KerasJson => Ok(layers.to_string().into_bytes()),
            Format::Safetensors => {
                let tensors = stack.layers.iter().flat_map(|item| {
                    item.variables.iter().map(|variable| Tensor {
                        name: format!("{}/{}", item.name, variable.name),
                        shape: variable.shape.clone(),
                        at: Box::new(at(variable)),
                    })
                });
                let tensors: Vec<_> = tensors.collect();
                write(&tensors, &[(LAYERS, layers.to_string())], callback)
            }
            Format::Pytorch => {
                let mut tensors = Vec::new();
                let mut modules = Vec::new();
                for item in &stack.layers {
                    for module in torch::modules(item)? {
                        let place = modules.len();
                        modules.push(json!([module.class, module.settings]));
                        tensors.extend(module.tensors.into_iter().map(|tensor| Tensor {
                            name: format!("{place}.{}", tensor.name),
                            shape: tensor.shape,
                            at: match tensor.source {
                                torch::Source::Variable { place, at: from } => {
                                    let numbers = at(&item.variables[place]);
                                    Box::new(move |place| numbers(from(place)))
                                }
                                torch::Source::Added { .. } => Box::new(|_| 0.0),
                                torch::Source::Constant(number) => Box::new(move |_| number),
                            },
                        }));
                    }
                }
                let modules = Value::Array(modules).to_string();
                let metadata = [
                    ("format", "pt".to_owned()),
                    (LAYERS, layers.to_string()),
                    (MODULES, modules),
                ];
                write(&tensors, &metadata, callback)
            }
        }
    }
}
