//! `Sequential`: a stack of layers as an inspectable description. It holds no weights.

use crate::config::{Config, invalid};
use crate::layer::float32;
use crate::layer::front::{self, Front};
use crate::{Embedding, Error, ErrorKind, InputShape, Inputs, Layer, Result, Shape};
use serde_json::{Value, json};
use std::collections::HashSet;

/// A stack of layers (Keras: `keras.Sequential`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sequential {
    /// The layers, first to last, without the input layer.
    pub layers: Vec<Layer>,
    /// The shape of a row that an `InputLayer` promised; `compile` compares its width with the data, and fills in what is open.
    pub inputs: Option<InputShape>,
}

/// One line of `model.summary()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The layer's name: `dense_1`.
    pub name: String,
    /// Keras's class name: `Dense`.
    pub class_name: &'static str,
    /// The shape of one row's output.
    pub output_shape: Vec<usize>,
    /// Trainable numbers.
    pub parameters: u64,
    /// Keras's name of the activation, where the layer has one.
    pub activation: Option<String>,
}

/// More layers than any network on table rows has.
pub(crate) const MAX_LAYERS: usize = 256;
/// The largest model.
pub(crate) const MAX_PARAMETERS: usize = 1 << 28;

impl Sequential {
    /// A stack of `layers`.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self {
            layers,
            inputs: None,
        }
    }

    /// Reads a list of Keras layer objects, or a whole `model.to_json()` of Keras 3.
    ///
    /// A `compile_config` in it is passed over: optimizer and loss are arguments of their own.
    pub fn from_json(json: &Value) -> Result<Self> {
        let (list, stated) = match json {
            Value::Array(list) => (list, None),
            Value::Object(_) => whole(json)?,
            _ => {
                return Err(invalid(
                    "layers must be a JSON array of layers or a Keras Sequential object",
                ));
            }
        };
        let mut sequential = Sequential {
            layers: Vec::new(),
            inputs: stated,
        };
        if list.len() > MAX_LAYERS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("a model cannot have more than {MAX_LAYERS} layers"),
            ));
        }
        for (i, json) in list.iter().enumerate() {
            let (class, config) = crate::config::tagged("layer", json)?;
            if class == "InputLayer" || class == "Input" {
                if i > 0 {
                    return Err(invalid("an InputLayer must come first"));
                }
                sequential.state_inputs(read_input(config)?)?;
                continue;
            }
            if i == 0 {
                for key in ["input_shape", "batch_input_shape"] {
                    let shape = config.and_then(|c| c.get(key)).filter(|v| !v.is_null());
                    sequential.state_inputs(
                        shape
                            .map(|v| InputShape::from_json(v, key == "batch_input_shape"))
                            .transpose()?,
                    )?;
                }
            }
            sequential.layers.push(Layer::from_json(json)?);
        }
        if sequential.layers.is_empty() {
            return Err(invalid("a model needs at least one layer"));
        }
        sequential.names()?;
        Ok(sequential)
    }

    fn state_inputs(&mut self, stated: Option<InputShape>) -> Result<()> {
        let Some(stated) = stated else {
            return Ok(());
        };
        let before = self.inputs.unwrap_or(stated);
        let both = before.and(stated).ok_or_else(|| {
            invalid(format!(
                "the model states inputs of shape {before} and {stated}"
            ))
        })?;
        self.inputs = Some(both);
        Ok(())
    }

    /// Writes the whole Keras 3 object, names filled in; the same description gives the same text.
    pub fn to_json(&self) -> Value {
        // Duplicate names cannot be written; `compile` and `from_json` refuse them.
        let names = self.names().unwrap_or_else(|_| {
            (0..self.layers.len())
                .map(|i| format!("layer_{i}"))
                .collect()
        });
        let mut layers: Vec<Value> = self
            .layers
            .iter()
            .zip(&names)
            .map(|(layer, name)| layer.to_json(name))
            .collect();
        if let Some(inputs) = self.inputs {
            let config = json!({
                "batch_shape": inputs.to_json(), "dtype": "float32", "sparse": false, "ragged": false,
                "name": "input_layer", "optional": false,
            });
            layers.insert(0, json!({"module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": null}));
        }
        let config =
            json!({"name": "sequential", "trainable": true, "dtype": float32(), "layers": layers});
        json!({"module": "keras", "class_name": "Sequential", "config": config, "registered_name": null})
    }

    /// What every layer makes of rows of `inputs`, beginning with the embeddings in front of them.
    pub fn summary(&self, inputs: impl Into<Inputs>) -> Result<Vec<LayerSummary>> {
        let names = self.names()?;
        let inputs = inputs.into();
        inputs.check()?;
        let front = Front::new(&inputs, self.embedding_names(inputs.embeddings.len())?)?;
        let mut shape = match self.inputs {
            Some(stated) if stated.known().is_none_or(|it| it.width() == front.outputs) => {
                stated.of(front.outputs)?
            }
            _ => Shape::new(&[front.outputs])?,
        };
        let mut lines = Vec::with_capacity(front.tables.len() + self.layers.len());
        lines.extend(front.tables.iter().map(|table| LayerSummary {
            name: table.name.clone(),
            class_name: front::CLASS,
            output_shape: vec![table.dim],
            parameters: table.parameters() as u64,
            activation: None,
        }));
        for (layer, name) in self.layers.iter().zip(names) {
            layer.kind().check()?;
            let parameters = count_parameters(layer, shape)?;
            shape = layer.kind().output(shape)?;
            lines.push(LayerSummary {
                name,
                class_name: layer.class_name(),
                output_shape: shape.dims().to_vec(),
                parameters: parameters as u64,
                activation: layer.kind().activation().map(|a| a.name().to_owned()),
            });
        }
        Ok(lines)
    }

    /// The Embedding that takes the inputs themselves, if there is one: then all of them are indices.
    pub fn takes_indices(&self) -> Option<&Embedding> {
        let mut layers = self.layers.iter();
        match layers.find(|layer| !layer.only_reshapes()) {
            Some(Layer::Embedding(embedding)) => Some(embedding),
            _ => None,
        }
    }

    /// Every layer's name; absent ones are numbered as Keras does: `dense`, `dense_1`.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let mut taken = HashSet::new();
        for name in self.layers.iter().filter_map(|l| l.kind().name().as_ref()) {
            if !taken.insert(name.clone()) {
                return Err(invalid(format!("two layers are named {name:?}"))
                    .hint("Give each layer its own name, or none."));
            }
        }
        let name = |layer: &Layer| {
            if let Some(name) = layer.kind().name() {
                return name.clone();
            }
            let base = snake_case(layer.class_name());
            let free = (0..)
                .map(|i| numbered(&base, i))
                .find(|n| !taken.contains(n));
            let name = free.unwrap_or(base);
            taken.insert(name.clone());
            name
        };
        Ok(self.layers.iter().map(name).collect())
    }

    /// Names for so many embeddings in front of the layers, numbered as Keras does around the names that are taken.
    pub(crate) fn embedding_names(&self, count: usize) -> Result<Vec<String>> {
        let taken: HashSet<String> = self.names()?.into_iter().collect();
        let base = front::CLASS.to_lowercase();
        let names = (0..).map(|i| numbered(&base, i));
        Ok(names
            .filter(|name| !taken.contains(name))
            .take(count)
            .collect())
    }
}

/// The name that Keras makes of a class's: `batch_normalization`, `leaky_re_lu`, `conv1d`
/// (keras/src/utils/naming.py: before an upper case letter with lower case ones behind it, or behind a lower case one).
pub(crate) fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let lower = |at: Option<usize>| {
            let letter = at.and_then(|at| letters.get(at));
            letter.is_some_and(char::is_ascii_lowercase)
        };
        let begins = lower(Some(i + 1)) || lower(i.checked_sub(1));
        if i > 0 && letter.is_ascii_uppercase() && begins {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Keras's `i`th name of a kind: `dense`, `dense_1`.
fn numbered(base: &str, i: usize) -> String {
    if i == 0 {
        base.to_owned()
    } else {
        format!("{base}_{i}")
    }
}

/// Numbers in the variables of a layer on rows of shape `input`.
pub(crate) fn count_parameters(layer: &Layer, input: Shape) -> Result<usize> {
    let mut total = 0usize;
    for variable in layer.kind().variables(input) {
        let size = variable
            .shape
            .iter()
            .try_fold(1usize, |size, &n| size.checked_mul(n));
        total = size
            .and_then(|size| total.checked_add(size))
            .filter(|&t| t <= MAX_PARAMETERS)
            .ok_or_else(too_large)?;
    }
    Ok(total)
}

/// The parameter limit.
pub(crate) fn too_large() -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("a model cannot have more than {MAX_PARAMETERS} parameters"),
    )
    .hint("Make the layers narrower.")
}

/// Takes a whole `to_json()` apart: its layers and the shape of the rows it was built with.
fn whole(json: &Value) -> Result<(&Vec<Value>, Option<InputShape>)> {
    let (class, config) = crate::config::tagged("model", json)?;
    if class != "Sequential" {
        return Err(invalid(format!("the model must be a Sequential, not {class:?}"))
            .hint("Give a JSON array of layers, or what model.to_json() of a keras.Sequential writes."));
    }
    let config = Config::new(
        "Sequential",
        config,
        &["name", "trainable", "dtype", "layers", "build_input_shape"],
    )?;
    config.check_dtype_and_trainable()?;
    let Some(Value::Array(list)) = config.get("layers") else {
        return Err(invalid("the Sequential needs an array of layers"));
    };
    let built = config
        .get("build_input_shape")
        .map(|v| InputShape::from_json(v, true))
        .transpose()?;
    Ok((list, built))
}

/// Keras's integer types.
const INTEGERS: [&str; 8] = [
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
];

/// The shape an InputLayer states, if it does.
fn read_input(config: Option<&Value>) -> Result<Option<InputShape>> {
    let known = [
        "batch_shape",
        "batch_input_shape",
        "shape",
        "input_shape",
        "dtype",
        "sparse",
        "ragged",
        "name",
        "optional",
        "batch_size",
    ];
    let config = Config::new("InputLayer", config, &known)?;
    config.refuse(&["sparse", "ragged", "optional"])?;
    // Whole numbers are numbers.
    if config.dtype().is_none_or(|dtype| {
        let name = dtype.as_str().unwrap_or_default();
        !INTEGERS.contains(&name)
    }) {
        config.check_dtype()?;
    }
    for (key, batch) in [
        ("batch_shape", true),
        ("batch_input_shape", true),
        ("shape", false),
        ("input_shape", false),
    ] {
        let Some(shape) = config.get(key) else {
            continue;
        };
        return InputShape::from_json(shape, batch).map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, ActivationLayer, Dense, Dropout, Initializer};

    #[test]
    fn numbers_names_as_keras_does() {
        let mut named = Dense::new(1, Activation::Linear);
        named.name = Some("dense_1".into());
        let model = Sequential::new(vec![
            Layer::Dense(Dense::new(8, Activation::Relu)),
            Layer::Dense(named.clone()),
            Layer::Dropout(Dropout::new(0.5)),
            Layer::Dense(Dense::new(1, Activation::Linear)),
        ]);
        assert_eq!(
            model.names().unwrap(),
            ["dense", "dense_1", "dropout", "dense_2"]
        );
        let twice = Sequential::new(vec![Layer::Dense(named.clone()), Layer::Dense(named)]);
        assert_eq!(
            twice.names().unwrap_err().to_string(),
            "two layers are named \"dense_1\""
        );
    }

    #[test]
    fn an_input_is_stated_in_every_spelling() {
        let stated = |input: &str| {
            let text = format!(r#"[{input}, {{"class_name": "LSTM", "config": {{"units": 1}}}}]"#);
            Sequential::from_json(&serde_json::from_str(&text).unwrap())
                .map(|sequential| sequential.inputs.map(|shape| shape.to_string()))
                .map_err(|error| error.to_string())
        };
        for input in [
            // Keras 3, Keras 2, and by hand
            r#"{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 24, 1], "dtype": "float32", "sparse": false, "ragged": false, "name": "input_layer", "optional": false}, "registered_name": null}"#,
            r#"{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 24, 1], "dtype": "float32", "sparse": false, "ragged": false, "name": "lstm_input"}}"#,
            r#"{"class_name": "InputLayer", "config": {"batch_shape": [32, 24, 1], "dtype": "int32"}}"#,
            r#"{"class_name": "Input", "config": {"shape": [24, 1]}}"#,
            r#"{"Input": {"shape": [24, 1], "batch_size": null, "name": "days"}}"#,
            r#"{"InputLayer": {"input_shape": [24, 1]}}"#,
        ] {
            assert_eq!(stated(input), Ok(Some("(24, 1)".to_owned())), "{input}");
        }
        assert_eq!(stated(r#""Input""#), Ok(None));
        for input in [
            r#"{"Input": {"shape": [null]}}"#,
            r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, null], "dtype": "int64"}}"#,
        ] {
            assert_eq!(stated(input), Ok(Some("(null)".to_owned())), "{input}");
        }
        for input in [
            r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, null, 1]}}"#,
            r#"{"Input": {"shape": [null, 1]}}"#,
        ] {
            assert_eq!(stated(input), Ok(Some("(null, 1)".to_owned())), "{input}");
        }
        let open = r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, null, null]}}"#;
        assert_eq!(
            stated(open),
            Err("the input must be rows of known dimensions, but for one that may be null, not of shape [null,null,null]".to_owned())
        );
        let text = r#"{"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "dtype": "string"}}"#;
        assert_eq!(
            stated(text),
            Err("a dtype other than float32 of InputLayer is not supported".to_owned())
        );
    }

    #[test]
    fn makes_the_names_of_keras() {
        // keras.src.utils.naming.to_snake_case of Keras 3.15
        for (class, name) in [
            ("Dense", "dense"),
            ("Conv1D", "conv1d"),
            ("LSTM", "lstm"),
            ("ELU", "elu"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("SimpleRNN", "simple_rnn"),
            ("GaussianNoise", "gaussian_noise"),
            ("TimeDistributed", "time_distributed"),
            ("BatchNormalization", "batch_normalization"),
            ("GlobalMaxPooling1D", "global_max_pooling1d"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }

    #[test]
    fn writes_what_it_reads() {
        let mut he = Dense::new(3, Activation::Gelu);
        he.kernel.initializer = Initializer::HeNormal(None);
        he.use_bias = false;
        let mut model = Sequential::new(vec![
            Layer::Dense(he),
            Layer::Activation(ActivationLayer::new(Activation::Swish)),
            Layer::Dropout(Dropout {
                name: None,
                rate: 0.25,
                seed: Some(7),
            }),
        ]);
        model.inputs = Some(Shape::new(&[28]).unwrap().into());
        let json = model.to_json();
        let again = Sequential::from_json(&json).unwrap();
        assert_eq!(again.to_json().to_string(), json.to_string());
        assert_eq!(again.inputs, model.inputs);
        let lines = again.summary(28).unwrap();
        assert_eq!(
            (
                lines[0].parameters,
                lines[0].name.as_str(),
                lines[2].output_shape.as_slice()
            ),
            (84, "dense", &[3][..])
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let read =
            |text: &str| Sequential::from_json(&serde_json::from_str(text).unwrap()).unwrap_err();
        let layer = read(r#"[{"class_name": "Dens", "config": {"units": 1}}]"#);
        assert_eq!(layer.to_string(), "unknown layer \"Dens\"");
        assert!(
            layer
                .hint_text()
                .unwrap()
                .starts_with("Did you mean \"Dense\"? Known layers: Dense, ")
        );
        let key = read(r#"[{"class_name": "Dense", "config": {"unit": 1}}]"#);
        assert_eq!(key.to_string(), "unknown setting \"unit\" of Dense");
        let constraint = read(
            r#"[{"class_name": "Dense", "config": {"units": 1, "kernel_constraint": {"class_name": "MaxNrm"}}}]"#,
        );
        assert_eq!(
            (constraint.kind(), constraint.to_string().as_str()),
            (
                ErrorKind::InvalidParameter,
                "unknown constraint \"MaxNrm\" in Dense"
            )
        );
        for bad in [
            "[]",
            "3",
            "[3]",
            r#"[{"class_name": "Dense"}]"#,
            r#"[{"class_name": "Dense", "config": {"units": 0}}]"#,
            r#"[{"class_name": "Dense", "config": {"units": 1e99}}]"#,
            r#"{"class_name": "Functional"}"#,
            r#"[{"class_name": "Dense", "config": {"units": 1}}, {"class_name": "InputLayer", "config": {}}]"#,
            r#"[{"class_name": "InputLayer", "config": {"batch_shape": [null, null, 3]}}]"#,
            r#"[{"class_name": "InputLayer", "config": {"batch_shape": [null, null, null]}}, {"class_name": "LSTM", "config": {"units": 1}}]"#,
        ] {
            read(bad);
        }
    }
}
