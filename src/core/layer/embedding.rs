//! `Embedding`: every number of a row, a whole one, becomes its row of a table (Keras: `keras.layers.Embedding`).

use super::front::{MAX_DIM, VARIABLE, index};
use super::weight::settings;
use super::{Backward, Forward, Kind, MAX_UNITS, VariableSpec, Weight};
use crate::config::{Config, invalid};
use crate::kernels::lanes::Line;
use crate::predict::{Frozen, Step};
use crate::weights::{AT_ONCE, room};
use crate::{Callback, Error, ErrorKind, Initializer, MAX_RANK, Result, Shape};
use serde_json::{Map, Value, json};

/// A table of vectors for indices (Keras: `Embedding`).
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// The layer's name; filled in by `compile` and `to_json` when absent.
    pub name: Option<String>,
    /// Whether training moves the vectors.
    pub trainable: bool,
    /// Vectors: indices are 0, 1, .. below this.
    pub input_dim: usize,
    /// Numbers of a vector.
    pub output_dim: usize,
    /// Whether 0 stands for a step that is not there: layers behind it pass over it.
    pub mask_zero: bool,
    /// (input_dim, output_dim)
    pub embeddings: Weight,
}

impl Embedding {
    /// `Embedding(input_dim, output_dim)` with Keras's defaults.
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        Self {
            name: None,
            trainable: true,
            input_dim,
            output_dim,
            mask_zero: false,
            embeddings: Weight::new(Initializer::UNIFORM),
        }
    }

    /// Where the vector of `x` begins and ends in the table.
    fn vector(&self, x: f32) -> Result<std::ops::Range<usize>> {
        match index(x, self.input_dim) {
            Some(index) => Ok(index * self.output_dim..(index + 1) * self.output_dim),
            None => Err(no_index(x, self.input_dim)),
        }
    }
}

/// The error of a number that is no index.
#[cold]
pub(crate) fn no_index(x: f32, input_dim: usize) -> Error {
    let message = format!("{x} is no index of the Embedding, whose input_dim is {input_dim}");
    Error::new(ErrorKind::InvalidParameter, message).hint(format!(
        "Its inputs must be whole numbers from 0 to {}: raise input_dim, or leave such rows out.",
        input_dim.saturating_sub(1)
    ))
}

const REFUSED: &[&str] = &[
    "activity_regularizer",
    "quantization_config",
    "weights",
    "lora_rank",
    "lora_alpha",
];

impl Kind for Embedding {
    fn known_settings() -> &'static [&'static str] {
        settings!(
            ["input_dim", "output_dim", "input_length"],
            ["embeddings"],
            [
                "mask_zero",
                "activity_regularizer",
                "quantization_config",
                "weights",
                "lora_rank",
                "lora_alpha"
            ]
        )
    }

    fn from_config(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(REFUSED)?;
        let input_dim = config.count("input_dim", 1..=MAX_UNITS as u64)?;
        let output_dim = config.count("output_dim", 1..=MAX_DIM as u64)?;
        let (Some(input_dim), Some(output_dim)) = (input_dim, output_dim) else {
            return Err(invalid("Embedding needs input_dim and output_dim").hint(
                "Write {\"class_name\": \"Embedding\", \"config\": {\"input_dim\": 1000, \"output_dim\": 16}}.",
            ));
        };
        Ok(Self {
            name,
            mask_zero: config.flag("mask_zero", false)?,
            embeddings: Weight::read(config, "embeddings", Initializer::UNIFORM)?,
            ..Self::new(input_dim as usize, output_dim as usize)
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("input_dim".into(), json!(self.input_dim));
        map.insert("output_dim".into(), json!(self.output_dim));
        map.insert("mask_zero".into(), self.mask_zero.into());
        map.insert("activity_regularizer".into(), Value::Null);
        self.embeddings.write("embeddings", &mut map);
        map
    }

    fn check(&self) -> Result<()> {
        for (what, number, most) in [
            ("input_dim", self.input_dim, MAX_UNITS),
            ("output_dim", self.output_dim, MAX_DIM),
        ] {
            if number == 0 || number > most {
                return Err(invalid(format!(
                    "{what} of Embedding must be from 1 to {most}, not {number}"
                )));
            }
        }
        Ok(())
    }

    named!(name, trainable);

    fn output(&self, input: Shape) -> Result<Shape> {
        let dims: Vec<usize> = input
            .dims()
            .iter()
            .copied()
            .chain([self.output_dim])
            .collect();
        if dims.len() > MAX_RANK {
            return Err(invalid(format!(
                "Embedding cannot take rows of shape {input}: what it makes has one dimension more"
            ))
            .hint(format!("A row has at most {MAX_RANK} dimensions.")));
        }
        Shape::new(&dims)
    }

    fn mask(&self, _: Shape, _: Option<&[usize]>) -> Result<bool> {
        Ok(self.mask_zero)
    }

    fn variables(&self, _input: Shape) -> Vec<VariableSpec> {
        let shape = vec![self.input_dim, self.output_dim];
        vec![self.embeddings.variable(VARIABLE, shape)]
    }

    /// A vector is copied.
    fn work(&self, input: Shape) -> usize {
        input.width().saturating_mul(self.output_dim)
    }

    fn freeze<'w>(
        &self,
        _input: Shape,
        weights: &'w [f32],
        callback: &mut dyn Callback,
    ) -> Result<Option<Frozen<'w>>> {
        let mut table = room(weights.len())?;
        for piece in weights.chunks(AT_ONCE) {
            table.extend_from_slice(piece);
            callback.check()?;
        }
        Ok(Some(Frozen::Own(Box::new(Lookup {
            layer: self.clone(),
            table,
        }))))
    }

    fn forward(&self, pass: Forward<'_>) -> Result<()> {
        let vectors = pass.y.chunks_exact_mut(self.output_dim);
        for (i, (x, y)) in pass.x.iter().zip(vectors).enumerate() {
            y.copy_from_slice(&pass.weights[self.vector(*x)?]);
            if (i * self.output_dim) >> 20 != ((i + 1) * self.output_dim) >> 20 {
                (pass.interrupt)()?;
            }
        }
        (pass.interrupt)()
    }

    /// Every number adds to the vector that it took. It has no gradient itself.
    fn backward(&self, pass: Backward<'_>) -> Result<()> {
        if !pass.add {
            for piece in pass.gradient.chunks_mut(AT_ONCE) {
                piece.fill(0.0);
                (pass.interrupt)()?;
            }
        }
        let gradients = pass.dy.chunks_exact(self.output_dim);
        for (i, (x, dy)) in pass.x.iter().zip(gradients).enumerate() {
            let sums = &mut pass.gradient[self.vector(*x)?];
            for (sum, dy) in sums.iter_mut().zip(dy) {
                *sum += dy;
            }
            if (i * self.output_dim) >> 20 != ((i + 1) * self.output_dim) >> 20 {
                (pass.interrupt)()?;
            }
        }
        if let Some(dx) = pass.dx {
            super::clear(dx, false, pass.interrupt)?;
        }
        (pass.interrupt)()
    }
}

/// A frozen table.
#[derive(Debug)]
struct Lookup {
    layer: Embedding,
    table: Vec<f32>,
}

impl Step for Lookup {
    /// A number that is no index becomes NaN; who asked has looked before ([`crate::Plan`]).
    fn run(&self, x: &[f32], _: Option<&[f32]>, y: &mut [f32], _scratch: &mut [Line]) {
        let dim = self.layer.output_dim;
        for (x, y) in x.iter().zip(y.chunks_exact_mut(dim)) {
            let vector = index(*x, self.layer.input_dim)
                .and_then(|index| self.table.get(index * dim..(index + 1) * dim));
            match vector {
                Some(vector) => y.copy_from_slice(vector),
                None => y.fill(f32::NAN),
            }
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.table.capacity() * size_of::<f32>()
    }
}
