//! The layers of a `Sequential`. A new one is a file that implements [`Kind`] and a line in `layers!` below.

/// How a kind of layer keeps its name, and whether it is trained: at these places. A layer without variables needs only the
/// first.
macro_rules! named {
    ($($name:ident).+) => {
        fn name(&self) -> &Option<String> {
            &self.$($name).+
        }

        fn name_mut(&mut self) -> &mut Option<String> {
            &mut self.$($name).+
        }
    };
    ($($name:ident).+, $($trainable:ident).+) => {
        named!($($name).+);

        fn trainable(&self) -> bool {
            self.$($trainable).+
        }

        fn set_trainable(&mut self, trainable: bool) {
            self.$($trainable).+ = trainable;
        }
    };
}

/// What a layer does that leaves the mask of its steps as it is.
macro_rules! keeps_mask {
    () => {
        fn mask(&self, _: $crate::Shape, mask: Option<&[usize]>) -> Result<bool> {
            Ok(mask.is_some())
        }
    };
}

/// What a layer does that is y = f(x) with the activation `self.function()`.
macro_rules! function {
    () => {
        fn activation(&self) -> Option<Activation> {
            Some(self.function())
        }

        fn freeze<'w>(
            &self,
            input: Shape,
            _: &'w [f32],
            _: &mut dyn $crate::Callback,
        ) -> Result<Option<$crate::predict::Frozen<'w>>> {
            Ok(Some(super::activation::freeze(self.function(), input)))
        }

        fn forward(&self, pass: super::Forward<'_>) -> Result<()> {
            super::activation::forward(self.function(), pass)
        }

        fn backward(&self, pass: super::Backward<'_>) -> Result<()> {
            super::activation::backward(self.function(), pass)
        }
    };
}

mod activation;
mod axes;
mod batch_normalization;
mod bidirectional;
mod conv;
mod dense;
mod describe;
mod dropout;
mod elu;
pub(crate) mod embedding;
mod flatten;
pub(crate) mod front;
mod gaussian_noise;
mod layer_normalization;
mod leaky_relu;
mod pace;
mod pooling;
mod prelu;
mod recurrent;
mod relu;
mod reshape;
mod softmax;
mod time_distributed;
mod weight;
mod window_pooling;
mod windows;

pub use activation::ActivationLayer;
pub use batch_normalization::BatchNormalization;
pub use bidirectional::{Bidirectional, Merge};
pub use conv::Conv1D;
pub use dense::Dense;
pub use describe::describe_layer;
pub use dropout::Dropout;
pub use elu::Elu;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use front::{EmbeddingInput, Inputs};
pub use gaussian_noise::GaussianNoise;
pub use layer_normalization::LayerNormalization;
pub use leaky_relu::LeakyRelu;
pub use pooling::{GlobalAveragePooling1D, GlobalMaxPooling1D};
pub use prelu::Prelu;
pub use recurrent::{Gru, Lstm, Recurrence, SimpleRnn};
pub use relu::Relu;
pub use reshape::Reshape;
pub use softmax::Softmax;
pub use time_distributed::TimeDistributed;
pub use weight::Weight;
pub use window_pooling::{AveragePooling1D, MaxPooling1D};

pub(crate) use pace::Pace;

use crate::config::{Config, invalid, unknown};
use crate::initializer::Draw;
use crate::predict::Frozen;
use crate::{
    Activation, Callback, Constraint, Error, ErrorKind, Initializer, Regularizer, Result, Shape,
};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// A variable that a layer asks for.
#[derive(Debug)]
pub(crate) struct VariableSpec {
    /// Keras's name: `kernel`, `lstm_cell/kernel`.
    pub name: Cow<'static, str>,
    /// Its shape; one to three dimensions.
    pub shape: Vec<usize>,
    /// How it begins.
    pub initializer: Initializer,
    /// What it adds to the loss.
    pub regularizer: Option<Regularizer>,
    /// What it is made to be after every step.
    pub constraint: Option<Constraint>,
    /// How it moves while training.
    pub change: Change,
    /// Whether its second quarter begins with ones: an LSTM's bias with `unit_forget_bias`.
    pub unit_forget: bool,
}

/// How a variable moves in every step of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    /// Along its gradient, by the optimizer.
    Optimizer,
    /// Not at all: `trainable` is false. Its gradient means nothing.
    Fixed,
    /// w = momentum w + (1 - momentum) g: the layer leaves the batch's value in place of a gradient. Only layers that see
    /// the whole batch ([`Kind::whole_batch`]) can.
    Moving { momentum: f32 },
}

impl VariableSpec {
    /// A variable that the optimizer moves.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        shape: Vec<usize>,
        initializer: Initializer,
    ) -> Self {
        Self {
            name: name.into(),
            shape,
            initializer,
            regularizer: None,
            constraint: None,
            change: Change::Optimizer,
            unit_forget: false,
        }
    }

    /// Refuses an initializer that cannot fill its shape, and a constraint along axes that it does not have.
    pub fn check(&self, layer: &str) -> Result<()> {
        let place = format!("{} of {layer}", self.name);
        if let Some(constraint) = self.constraint {
            constraint.check(&self.shape, &place)?;
        }
        self.initializer.check(&self.shape, &place)
    }

    /// Draws its first numbers.
    pub fn fill(&self, w: &mut [f32], draw: Draw, callback: &mut dyn Callback) -> Result<()> {
        if !self.unit_forget {
            return self.initializer.fill(w, &self.shape, draw, callback);
        }
        // As Keras: the bias of the forget gate stands between two that are drawn by themselves.
        let (before, rest) = w.split_at_mut(w.len() / 4);
        let (forget, behind) = rest.split_at_mut(before.len());
        forget.fill(1.0);
        for part in [before, behind] {
            let shape = [part.len()];
            self.initializer.fill(part, &shape, draw, callback)?;
        }
        Ok(())
    }

    /// The numbers in it, which [`crate::sequential::count_parameters`] has checked.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Asked between pieces of work of a few milliseconds; an `Err` stops the pass.
pub(crate) type Interrupt<'a> = dyn FnMut() -> Result<()> + 'a;

/// What a layer sees on the way forward: rows of shape `input` to as many of shape `output`.
pub(crate) struct Forward<'a> {
    pub input: Shape,
    pub output: Shape,
    /// The layer's variables, one after the other.
    pub weights: &'a [f32],
    /// (rows, input)
    pub x: &'a [f32],
    /// Where steps may be missing, a number for each: 0 for those that are. The rest of its shape is that of x.
    pub mask: Option<&'a [f32]>,
    /// (rows, output), to fill
    pub y: &'a mut [f32],
    /// (rows, [`Kind::stash`]) and [`Kind::statistics`], for the way back
    pub stash: &'a mut [f32],
    /// [`Kind::scratch`] floats
    pub scratch: &'a mut [f32],
    /// A key for noise that differs by layer, step and shard; absent when scoring.
    pub noise: Option<u64>,
    pub interrupt: &'a mut Interrupt<'a>,
}

/// What a layer sees on the way back.
pub(crate) struct Backward<'a> {
    pub input: Shape,
    pub output: Shape,
    pub weights: &'a [f32],
    pub x: &'a [f32],
    /// As on the way forward.
    pub mask: Option<&'a [f32]>,
    pub y: &'a [f32],
    /// The gradient of y, or, where it is `derived`, of what the activation took; the layer may overwrite it.
    pub dy: &'a mut [f32],
    pub derived: bool,
    /// The gradient of x, to fill; absent where nobody wants it.
    pub dx: Option<&'a mut [f32]>,
    /// x is the output of a relu, and `dx` is to become the gradient of what that took ([`Kind::passes_relu`]).
    pub through_relu: bool,
    /// The gradient of the weights: to fill, or to add to.
    pub gradient: &'a mut [f32],
    pub add: bool,
    pub stash: &'a mut [f32],
    pub scratch: &'a mut [f32],
    pub noise: Option<u64>,
    pub interrupt: &'a mut Interrupt<'a>,
}

impl Forward<'_> {
    /// The same numbers out as in.
    fn hand_on(self) -> Result<()> {
        copy(self.x, self.y, self.interrupt)
    }
}

/// to = from, which may be a whole batch.
pub(crate) fn copy(from: &[f32], to: &mut [f32], interrupt: &mut Interrupt<'_>) -> Result<()> {
    for (from, to) in from.chunks(PIECE).zip(to.chunks_mut(PIECE)) {
        to.copy_from_slice(from);
        interrupt()?;
    }
    Ok(())
}

/// Where the gradient of weights is to be filled and not added to, it begins at 0.
fn clear(gradient: &mut [f32], add: bool, interrupt: &mut Interrupt<'_>) -> Result<()> {
    if !add {
        for piece in gradient.chunks_mut(PIECE) {
            piece.fill(0.0);
            interrupt()?;
        }
    }
    Ok(())
}

/// Floats that are copied between two looks at the interrupt.
const PIECE: usize = 1 << 20;

impl Backward<'_> {
    /// The gradient of x is that of y.
    fn hand_on(self) -> Result<()> {
        match self.dx {
            Some(dx) => copy(self.dy, dx, self.interrupt),
            None => (self.interrupt)(),
        }
    }
}

/// One kind of layer: its Keras configuration, its shapes and its arithmetic.
pub(crate) trait Kind {
    /// The settings Keras writes, beside those of every layer (`name`, `trainable`, `dtype`).
    fn known_settings() -> &'static [&'static str]
    where
        Self: Sized;

    /// Reads the settings; names and shared keys are already checked.
    fn from_config(name: Option<String>, config: &Config) -> Result<Self>
    where
        Self: Sized;

    /// The settings, as Keras writes them.
    fn settings(&self) -> Map<String, Value>;

    /// Guards what a caller may have built by hand.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn name(&self) -> &Option<String>;
    fn name_mut(&mut self) -> &mut Option<String>;

    /// Whether training moves its variables; [`Layer::variables`] sees to it that it does not.
    fn trainable(&self) -> bool {
        true
    }

    fn set_trainable(&mut self, _trainable: bool) {}

    /// The shape of a row of output; an error names the layer where it cannot take such rows.
    fn output(&self, input: Shape) -> Result<Shape>;

    /// Whether what it makes of rows of shape `input` has the mask of what it takes, or one of its own. `mask` has the first
    /// dimensions of `input`; most layers lose it (Keras: `compute_mask`, `supports_masking`). An error names the layer where
    /// it cannot take rows with one.
    fn mask(&self, _input: Shape, _mask: Option<&[usize]>) -> Result<bool> {
        Ok(false)
    }

    fn variables(&self, _input: Shape) -> Vec<VariableSpec> {
        Vec::new()
    }

    /// Multiply-adds of a row.
    fn work(&self, input: Shape) -> usize {
        let sizes = self.variables(input);
        let parameters = sizes.iter().map(VariableSpec::size);
        parameters.sum::<usize>().saturating_mul(input.leading())
    }

    fn activation(&self) -> Option<Activation> {
        None
    }

    /// The same layer without its activation, which the loss takes over.
    fn set_linear(&mut self) {}

    /// What scoring does in this layer's place, if anything.
    /// The callback is asked while much is copied.
    fn freeze<'w>(
        &self,
        _input: Shape,
        _weights: &'w [f32],
        _callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        Ok(None)
    }

    /// Whether what becomes of a row depends on the other rows of its batch while training: then the batch is not cut.
    fn whole_batch(&self) -> bool {
        false
    }

    /// Floats per row kept for the way back.
    fn stash(&self, _input: Shape) -> usize {
        0
    }

    /// Floats kept for the way back whatever the number of rows; they stand behind those of the rows.
    fn statistics(&self, _input: Shape) -> usize {
        0
    }

    /// Floats of scratch; `None` if that overflows.
    fn scratch(&self, _input: Shape) -> Option<usize> {
        Some(0)
    }

    /// Whether the way back can take over the derivative of a relu below, in the pass that writes `dx`.
    fn passes_relu(&self) -> bool {
        false
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()>;
    fn backward(&self, pass: Backward<'_>) -> Result<()>;
}

/// Defines `Layer` and hands every call on to the kind.
macro_rules! layers {
    ($($(#[$meta:meta])* $variant:ident($kind:ty)),* $(,)?) => {
        /// A layer with its configuration; it holds no weights.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Layer {
            $($(#[$meta])* $variant($kind)),*
        }

        impl Layer {
            /// The class names of all kinds.
            pub const KNOWN: &'static [&'static str] = &[$(stringify!($variant)),*];

            /// Keras's class name.
            pub fn class_name(&self) -> &'static str {
                match self { $(Layer::$variant(_) => stringify!($variant)),* }
            }

            fn read(class: &str, json: Option<&Value>) -> Result<Layer> {
                match class {
                    $(stringify!($variant) => {
                        let known: Vec<&str> = SHARED.iter().chain(<$kind>::known_settings()).copied().collect();
                        let config = Config::new(class, json, &known)?;
                        config.check_dtype()?;
                        let layer = <$kind>::from_config(config.name()?, &config);
                        let mut layer = layer.map_err(|error| error.within(class))?;
                        layer.set_trainable(config.flag("trainable", true)?);
                        Ok(Layer::$variant(layer))
                    })*
                    _ => Err(unknown("layer", "layers", class, Self::KNOWN)),
                }
            }

            /// This layer's kind.
            pub(crate) fn kind(&self) -> &dyn Kind {
                match self { $(Layer::$variant(layer) => layer),* }
            }

            pub(crate) fn kind_mut(&mut self) -> &mut dyn Kind {
                match self { $(Layer::$variant(layer) => layer),* }
            }
        }
    };
}

layers! {
    /// `keras.layers.Dense`
    Dense(Dense),
    /// `keras.layers.Activation`
    Activation(ActivationLayer),
    /// `keras.layers.ReLU`
    ReLU(Relu),
    /// `keras.layers.LeakyReLU`
    LeakyReLU(LeakyRelu),
    /// `keras.layers.PReLU`
    PReLU(Prelu),
    /// `keras.layers.ELU`
    ELU(Elu),
    /// `keras.layers.Softmax`
    Softmax(Softmax),
    /// `keras.layers.BatchNormalization`
    BatchNormalization(BatchNormalization),
    /// `keras.layers.LayerNormalization`
    LayerNormalization(LayerNormalization),
    /// `keras.layers.Dropout`
    Dropout(Dropout),
    /// `keras.layers.GaussianNoise`
    GaussianNoise(GaussianNoise),
    /// `keras.layers.Flatten`
    Flatten(Flatten),
    /// `keras.layers.Reshape`
    Reshape(Reshape),
    /// `keras.layers.Conv1D`
    Conv1D(Conv1D),
    /// `keras.layers.MaxPooling1D`
    MaxPooling1D(MaxPooling1D),
    /// `keras.layers.AveragePooling1D`
    AveragePooling1D(AveragePooling1D),
    /// `keras.layers.LSTM`
    LSTM(Lstm),
    /// `keras.layers.GRU`
    GRU(Gru),
    /// `keras.layers.SimpleRNN`
    SimpleRNN(SimpleRnn),
    /// `keras.layers.Bidirectional`
    Bidirectional(Bidirectional),
    /// `keras.layers.TimeDistributed`
    TimeDistributed(TimeDistributed),
    /// `keras.layers.Embedding`
    Embedding(Embedding),
    /// `keras.layers.GlobalAveragePooling1D`
    GlobalAveragePooling1D(GlobalAveragePooling1D),
    /// `keras.layers.GlobalMaxPooling1D`
    GlobalMaxPooling1D(GlobalMaxPooling1D),
}

/// Settings of every layer; the last two are Keras 2's way to state the input.
const SHARED: &[&str] = &[
    "name",
    "trainable",
    "dtype",
    "input_shape",
    "batch_input_shape",
];

impl Layer {
    /// Reads `{"class_name": .., "config": {..}}`.
    pub(crate) fn from_json(json: &Value) -> Result<Layer> {
        let (class, config) = crate::config::tagged("layer", json)?;
        Self::read(class, config)
    }

    /// Whether it hands on the numbers that it takes.
    pub(crate) fn only_reshapes(&self) -> bool {
        matches!(self, Layer::Flatten(_) | Layer::Reshape(_))
    }

    /// Its variables on rows of this shape, as training treats them.
    pub(crate) fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let mut variables = self.kind().variables(input);
        if !self.kind().trainable() {
            for variable in &mut variables {
                // Keras adds the penalties of what it trains, and constrains nothing else.
                variable.regularizer = None;
                variable.constraint = None;
                variable.change = Change::Fixed;
            }
        }
        variables
    }

    /// Keras's object, under `name`.
    pub(crate) fn to_json(&self, name: &str) -> Value {
        let mut config = self.kind().settings();
        config.insert("name".into(), name.into());
        config.insert("trainable".into(), self.kind().trainable().into());
        config.insert("dtype".into(), float32());
        json!({"module": "keras.layers", "class_name": self.class_name(), "config": config, "registered_name": null})
    }
}

/// The error of a layer that cannot take rows of which steps may be missing.
fn no_mask(layer: &str, input: Shape) -> Error {
    let message = format!(
        "{layer} cannot take rows of shape {input} of which an Embedding with mask_zero has masked steps"
    );
    Error::new(ErrorKind::NotSupported, message).hint(
        "Put it behind a layer that ends the mask, such as a recurrent layer without return_sequences, or leave mask_zero out.",
    )
}

/// Refuses a mask that is not one of the steps of rows (steps, channels).
fn check_steps(layer: &str, input: Shape, mask: Option<&[usize]>) -> Result<()> {
    match mask {
        Some([_]) | None => Ok(()),
        Some(_) => Err(no_mask(layer, input)),
    }
}

/// A key for the noise of a layer that has a seed of its own.
fn seeded(key: u64, seed: Option<u64>) -> u64 {
    key ^ seed.unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Guards a number that a caller may have set by hand.
fn check_number(
    layer: &str,
    key: &str,
    number: f64,
    wanted: &str,
    allowed: impl Fn(f64) -> bool,
) -> Result<()> {
    // The arithmetic is in f32.
    if allowed(number) && (number as f32).is_finite() {
        return Ok(());
    }
    Err(invalid(format!(
        "{key} of {layer} must be {wanted}, not {number}"
    )))
}

/// The way Keras 3 writes its default data type.
pub(crate) fn float32() -> Value {
    json!({"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null})
}

/// The named guard of layer widths.
pub(crate) fn check_units(units: usize) -> Result<()> {
    if units == 0 || units > MAX_UNITS {
        return Err(invalid(format!(
            "units of Dense must be from 1 to {MAX_UNITS}, not {units}"
        )));
    }
    Ok(())
}

/// The widest layer.
pub(crate) const MAX_UNITS: usize = 1 << 24;
