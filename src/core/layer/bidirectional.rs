//! `Bidirectional`: a recurrent layer over the steps, and one over the steps from the last to the first
//! (Keras: `keras.layers.Bidirectional`; Schuster and Paliwal 1997).

mod frozen;
mod merge;

pub use merge::Merge;

use super::pooling::steps_and_channels;
use super::{Backward, Forward, Kind, Layer, Pace, Recurrence, VariableSpec, check_steps};
use crate::config::{Config, invalid, unknown};
use crate::predict::Frozen;
use crate::random::hash;
use crate::sequential::snake_case;
use crate::{Callback, Error, ErrorKind, Result, Shape};
use merge::Merged;
use serde_json::{Map, Value, json};

/// Two recurrent layers that walk in opposite directions (Keras: `Bidirectional`).
#[derive(Debug, Clone, PartialEq)]
pub struct Bidirectional {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Whether training moves the weights.
    pub trainable: bool,
    /// How the outputs of both become one.
    pub merge_mode: Merge,
    /// The first: LSTM, GRU or SimpleRNN.
    pub forward: Box<Layer>,
    /// The second, which walks the other way. Its outputs are put in the order of the first one's steps.
    pub backward: Box<Layer>,
}

/// The classes of layers that it takes.
const TAKES: &[&str] = &["LSTM", "GRU", "SimpleRNN"];

impl Bidirectional {
    /// `Bidirectional(layer)` with Keras's defaults.
    ///
    /// # Errors
    /// `InvalidParameter` if the layer is not recurrent.
    pub fn new(layer: Layer) -> Result<Self> {
        Self::of(layer, None, Merge::Concat)
    }

    fn of(mut forward: Layer, backward: Option<Layer>, merge_mode: Merge) -> Result<Self> {
        let base = settings(&forward)?.name.clone();
        let base = base.unwrap_or_else(|| snake_case(forward.class_name()));
        let named = |direction: &str| {
            let base = base.strip_prefix(direction).unwrap_or(&base);
            Some(format!("{direction}{base}"))
        };
        let mut backward = match backward {
            Some(backward) => backward,
            None => {
                let mut copy = forward.clone();
                settings_mut(&mut copy)?.go_backwards = true;
                settings_mut(&mut copy)?.name = named("backward_");
                copy
            }
        };
        settings_mut(&mut forward)?.name = named("forward_");
        let name = &mut settings_mut(&mut backward)?.name;
        name.get_or_insert_with(|| named("backward_").unwrap_or_default());
        // As Keras.
        for layer in [&mut forward, &mut backward] {
            let settings = settings_mut(layer)?;
            settings.zero_output_for_mask = settings.return_sequences;
        }
        Ok(Self {
            name: None,
            trainable: true,
            merge_mode,
            forward: Box::new(forward),
            backward: Box::new(backward),
        })
    }

    /// Both layers with what the variables of each are called.
    fn both(&self) -> [(&Layer, &str); 2] {
        [&self.forward, &self.backward].map(|layer| {
            let name = layer.kind().name().as_deref();
            (&**layer, name.unwrap_or(layer.class_name()))
        })
    }

    /// Widths of what both see and make of a row.
    fn merged(&self, input: Shape) -> Merged {
        let output = self.forward.kind().output(input).unwrap_or(input);
        let returns = settings(&self.forward).is_ok_and(|settings| settings.return_sequences);
        Merged {
            mode: self.merge_mode,
            steps: if returns { input.leading() } else { 1 },
            units: output.last(),
        }
    }

    /// Numbers of a row that the layers keep each, then those that each makes, the gradients of these, and the gradient of
    /// the input.
    fn sizes(&self, input: Shape) -> [usize; 7] {
        let [forward, backward] = self.both().map(|(layer, _)| layer.kind().stash(input));
        let own = self.merged(input).each();
        [forward, backward, own, own, own, own, input.width()]
    }
}

/// The settings of a recurrent layer.
fn settings(layer: &Layer) -> Result<&Recurrence> {
    match layer {
        Layer::LSTM(layer) => Ok(&layer.settings),
        Layer::GRU(layer) => Ok(&layer.settings),
        Layer::SimpleRNN(layer) => Ok(&layer.settings),
        other => Err(unknown(
            "layer of Bidirectional",
            "layers in it",
            other.class_name(),
            TAKES,
        )),
    }
}

fn settings_mut(layer: &mut Layer) -> Result<&mut Recurrence> {
    match layer {
        Layer::LSTM(layer) => Ok(&mut layer.settings),
        Layer::GRU(layer) => Ok(&mut layer.settings),
        Layer::SimpleRNN(layer) => Ok(&mut layer.settings),
        other => settings(other)
            .map(|_| ())
            .and(Err(invalid("not recurrent"))),
    }
}

/// The noise of one of both.
fn noise(key: Option<u64>, direction: u64) -> Option<u64> {
    key.map(|key| hash(key ^ direction))
}

/// Takes a stash apart.
fn split<const N: usize>(stash: &mut [f32], sizes: [usize; N]) -> [&mut [f32]; N] {
    let mut rest = stash;
    sizes.map(|size| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
        rest = after;
        part
    })
}

impl Kind for Bidirectional {
    fn known_settings() -> &'static [&'static str] {
        &["merge_mode", "layer", "backward_layer", "weights"]
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&["weights"])?;
        let Some(forward) = config.get("layer") else {
            return Err(invalid("Bidirectional needs layer").hint(
                "Write {\"class_name\": \"Bidirectional\", \"config\": {\"layer\": {\"class_name\": \"LSTM\", \"config\": {\"units\": 32}}}}.",
            ));
        };
        if config.is_null("merge_mode") {
            let message = "merge_mode null of Bidirectional is not supported";
            return Err(Error::new(ErrorKind::NotSupported, message)
                .hint("It would answer twice: use \"concat\", \"sum\", \"mul\" or \"ave\"."));
        }
        let backward = config.get("backward_layer").map(Layer::from_json);
        let merge_mode = Merge::read(config.string("merge_mode")?)?;
        let mut layer = Self::of(
            Layer::from_json(forward)?,
            backward.transpose()?,
            merge_mode,
        )?;
        layer.name = name;
        Ok(layer)
    }

    fn settings(&self) -> Map<String, Value> {
        let [forward, backward] = self.both().map(|(layer, name)| layer.to_json(name));
        Map::from_iter([
            ("merge_mode".to_owned(), json!(self.merge_mode.word())),
            ("layer".to_owned(), forward),
            ("backward_layer".to_owned(), backward),
        ])
    }

    fn check(&self) -> Result<()> {
        let (forward, backward) = (settings(&self.forward)?, settings(&self.backward)?);
        self.forward.kind().check()?;
        self.backward.kind().check()?;
        let differ = |what: &str, hint: &str| {
            let message = format!("the layers of Bidirectional must have {what}");
            Err(invalid(message).hint(hint))
        };
        if forward.go_backwards == backward.go_backwards {
            return differ(
                "different go_backwards",
                "The backward_layer goes backwards; without one it is made of the layer.",
            );
        }
        if forward.return_sequences != backward.return_sequences {
            return differ("the same return_sequences", "Set it in both.");
        }
        if forward.units != backward.units {
            let hint = format!("They have {} and {}.", forward.units, backward.units);
            return differ("the same units", &hint);
        }
        if forward.name == backward.name {
            return differ("names of their own", "Leave the names out.");
        }
        Ok(())
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        steps_and_channels("Bidirectional", input)?;
        let one = self.forward.kind().output(input)?;
        match self.merge_mode {
            Merge::Concat => one.with_last(one.last().saturating_mul(2)),
            _ => Ok(one),
        }
    }

    fn mask(&self, input: Shape, mask: Option<&[usize]>) -> Result<bool> {
        check_steps("Bidirectional", input, mask)?;
        self.forward.kind().mask(input, mask)
    }

    fn variables(&self, input: Shape) -> Vec<VariableSpec> {
        let mut all = Vec::new();
        for (layer, name) in self.both() {
            all.extend(layer.variables(input).into_iter().map(|mut variable| {
                variable.name = format!("{name}/{}", variable.name).into();
                variable
            }));
        }
        all
    }

    fn work(&self, input: Shape) -> usize {
        let works = self.both().map(|(layer, _)| layer.kind().work(input));
        works[0].saturating_add(works[1])
    }

    fn freeze<'w>(
        &self,
        input: Shape,
        weights: &'w [f32],
        callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        let (first, second) = weights.split_at(self.weights(input));
        let step = frozen::freeze(self, self.merged(input), input, [first, second], callback)?;
        Ok(Some(Frozen::Own(step)))
    }

    fn stash(&self, input: Shape) -> usize {
        let sizes = self.sizes(input);
        sizes.iter().fold(0, |sum, &n| sum.saturating_add(n))
    }

    fn scratch(&self, input: Shape) -> Option<usize> {
        let [forward, backward] = self.both().map(|(layer, _)| layer.kind().scratch(input));
        Some(forward?.max(backward?))
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let rows = pass.x.len() / pass.input.width();
        let merged = self.merged(pass.input);
        let output = self.forward.kind().output(pass.input)?;
        let [first, second, mut y_first, mut y_second, ..] =
            split(pass.stash, self.sizes(pass.input).map(|size| size * rows));
        let weights = pass.weights.split_at(self.weights(pass.input));
        for (direction, layer, weights, y, stash) in [
            (1, &self.forward, weights.0, &mut y_first, first),
            (2, &self.backward, weights.1, &mut y_second, second),
        ] {
            layer.kind().forward(Forward {
                input: pass.input,
                output,
                weights,
                x: pass.x,
                mask: pass.mask,
                y,
                stash,
                scratch: &mut *pass.scratch,
                noise: noise(pass.noise, direction),
                interrupt: &mut *pass.interrupt,
            })?;
        }
        let each = merged.each();
        let makes = y_first.chunks_exact(each).zip(y_second.chunks_exact(each));
        let mut pace = Pace::default();
        for ((a, b), y) in makes.zip(pass.y.chunks_exact_mut(merged.width())) {
            merged.join(a, b, y);
            pace.step(each, pass.interrupt)?;
        }
        (pass.interrupt)()
    }

    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        let rows = pass.x.len() / pass.input.width();
        let merged = self.merged(pass.input);
        let output = self.forward.kind().output(pass.input)?;
        let [
            first,
            second,
            y_first,
            y_second,
            d_first,
            d_second,
            dx_second,
        ] = split(pass.stash, self.sizes(pass.input).map(|size| size * rows));
        let each = merged.each();
        let makes = y_first.chunks_exact(each).zip(y_second.chunks_exact(each));
        let gradients = d_first
            .chunks_exact_mut(each)
            .zip(d_second.chunks_exact_mut(each));
        let mut pace = Pace::default();
        for (((a, b), (da, db)), dy) in makes
            .zip(gradients)
            .zip(pass.dy.chunks_exact(merged.width()))
        {
            merged.part(dy, a, b, da, db);
            pace.step(each, pass.interrupt)?;
        }
        (pass.interrupt)()?;
        let own = self.weights(pass.input);
        let weights = pass.weights.split_at(own);
        let gradient = pass.gradient.split_at_mut(own);
        let mut dx = pass.dx;
        let dx_second = dx.is_some().then_some(dx_second);
        let (dx_first, mut dx_second) = (dx.as_deref_mut(), dx_second);
        for (direction, layer, weights, gradient, y, dy, dx, stash) in [
            (
                1,
                &self.forward,
                weights.0,
                gradient.0,
                y_first,
                d_first,
                dx_first,
                first,
            ),
            (
                2,
                &self.backward,
                weights.1,
                gradient.1,
                y_second,
                d_second,
                dx_second.as_deref_mut(),
                second,
            ),
        ] {
            layer.kind().backward(Backward {
                input: pass.input,
                output,
                weights,
                x: pass.x,
                mask: pass.mask,
                y,
                dy,
                derived: false,
                dx,
                through_relu: false,
                gradient,
                add: pass.add,
                stash,
                scratch: &mut *pass.scratch,
                noise: noise(pass.noise, direction),
                interrupt: &mut *pass.interrupt,
            })?;
        }
        if let (Some(dx), Some(other)) = (dx, dx_second) {
            let width = pass.input.width();
            for (dx, other) in dx.chunks_mut(width).zip(other.chunks(width)) {
                for (dx, other) in dx.iter_mut().zip(other) {
                    *dx += *other;
                }
                pace.step(width, pass.interrupt)?;
            }
        }
        (pass.interrupt)()
    }
}

impl Bidirectional {
    /// Numbers in the variables of the first layer.
    fn weights(&self, input: Shape) -> usize {
        let variables = self.forward.kind().variables(input);
        variables.iter().map(VariableSpec::size).sum()
    }
}
