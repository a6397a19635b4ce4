//! The compiled stack of layers: shapes, offsets into the weight vector, and one shard's way forward and back.

use crate::gradient::Rows;
use crate::kernels::cost::cost;
use crate::layer::front::Front;
use crate::layer::{Backward, Change, Forward, Interrupt, Layer, Pace};
use crate::random::hash;
use crate::sequential::{MAX_PARAMETERS, count_parameters, too_large};
use crate::shape::{MAX_WIDTH, too_wide};
use crate::shard::WIDEST;
use crate::weights::{AT_ONCE, zeros};
use crate::{Activation, Callback, Constraint, Error, ErrorKind, Loss, Regularizer, Result, Shape};
use std::ops::Range;

/// Multiply-adds of a row: scoring one is not interrupted.
const MAX_WORK: usize = 1 << 31;

/// A layer in its place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub layer: Layer,
    pub input: Shape,
    pub output: Shape,
    /// Where its variables begin in the weight vector.
    pub offset: usize,
    pub parameters: usize,
    /// Whether the network's inputs are the mask of its steps: those of 0 are not there.
    pub masked: bool,
}

impl Place {
    /// Floats kept for the way back of so many rows.
    fn stash(&self, rows: usize) -> Option<usize> {
        let kind = self.layer.kind();
        rows.checked_mul(kind.stash(self.input))?
            .checked_add(kind.statistics(self.input))
    }
}

/// Weights that do not simply follow the gradient of the loss.
#[derive(Debug, Clone)]
pub(crate) struct Special {
    /// Where they are in the weight vector.
    pub range: Range<usize>,
    pub regularizer: Option<Regularizer>,
    pub change: Change,
}

/// A variable that is brought back after each step of the optimizer.
#[derive(Debug, Clone)]
pub(crate) struct Constrained {
    /// Where it is in the weight vector.
    pub range: Range<usize>,
    pub shape: Vec<usize>,
    pub constraint: Constraint,
}

/// The layers as they are computed: an activation that the loss takes over is left out.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// The embeddings, whose tables are the first weights.
    pub front: Front,
    pub places: Vec<Place>,
    /// In the order of the weight vector.
    pub special: Vec<Special>,
    /// In the order of the weight vector.
    pub constrained: Vec<Constrained>,
    pub inputs: usize,
    pub outputs: usize,
    pub parameters: usize,
    /// The first layer whose way back is gone: where there are no embeddings, the first one with variables that move.
    first: usize,
}

/// What differs between the passes of one training and those of another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    pub seed: u64,
    pub step: u64,
}

/// The buffers of one thread for shards of up to `rows` rows.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// What the embeddings make of a row.
    front: Vec<f32>,
    outputs: Vec<Vec<f32>>,
    stashes: Vec<Vec<f32>>,
    /// The gradient of a layer's output and of its input, in turns.
    deltas: [Vec<f32>; 2],
    scratch: Vec<f32>,
}

/// The floats of a [`Workspace`], buffer by buffer.
struct Sizes {
    front: usize,
    outputs: Vec<usize>,
    stashes: Vec<usize>,
    delta: usize,
    scratch: usize,
}

impl Network {
    /// Puts `layers` in their places behind `front`, or behind rows of so many numbers, which are taken as rows of `shape`
    /// where one is stated.
    pub fn new(
        layers: Vec<Layer>,
        front: impl Into<Front>,
        shape: Option<Shape>,
    ) -> Result<Network> {
        let front = front.into();
        let mut input = match shape {
            Some(shape) => shape,
            None => Shape::new(&[front.outputs])?,
        };
        let (mut offset, mut width) = (front.parameters, input.width());
        let mut places = Vec::with_capacity(layers.len());
        let (mut special, mut constrained) = (Vec::new(), Vec::new());
        let mut mask: Option<Shape> = None;
        for layer in layers {
            let parameters = count_parameters(&layer, input)?;
            let output = layer.kind().output(input)?;
            let keeps = layer.kind().mask(input, mask.as_ref().map(Shape::dims))?;
            width = width
                .checked_add(output.width())
                .filter(|&w| w <= MAX_WIDTH)
                .ok_or_else(too_wide)?;
            let end = offset
                .checked_add(parameters)
                .filter(|&p| p <= MAX_PARAMETERS)
                .ok_or_else(too_large)?;
            let mut at = offset;
            for variable in layer.variables(input) {
                let name = layer.kind().name().as_deref();
                variable.check(name.unwrap_or(layer.class_name()))?;
                let range = at..at + variable.size();
                at = range.end;
                if let Some(constraint) = variable.constraint {
                    constrained.push(Constrained {
                        range: range.clone(),
                        shape: variable.shape,
                        constraint,
                    });
                }
                let (regularizer, change) = (variable.regularizer, variable.change);
                if regularizer.is_some() || change != Change::Optimizer {
                    special.push(Special {
                        range,
                        regularizer,
                        change,
                    });
                }
            }
            places.push(Place {
                layer,
                input,
                output,
                offset,
                parameters,
                masked: mask.is_some(),
            });
            // Only an Embedding makes one, and what it takes are the inputs.
            mask = keeps.then(|| mask.unwrap_or(input));
            offset = end;
            input = output;
        }
        let first = if front.is_empty() {
            let moves = |p: &Place| {
                let variables = p.layer.variables(p.input);
                variables.iter().any(|v| v.change != Change::Fixed)
            };
            places.iter().position(moves).unwrap_or(places.len())
        } else {
            0
        };
        let network = Network {
            inputs: front.inputs,
            front,
            places,
            special,
            constrained,
            outputs: input.width(),
            parameters: offset,
            first,
        };
        let work = network.work();
        if work > MAX_WORK {
            let message = format!("a row would take {work} multiply-adds, more than {MAX_WORK}");
            return Err(Error::new(ErrorKind::LimitExceeded, message)
                .hint("Make the layers narrower, or the rows shorter."));
        }
        Ok(network)
    }

    /// What the weights themselves add to the mean loss of every batch.
    pub fn penalty(&self, weights: &[f32], interrupt: &mut Interrupt<'_>) -> Result<f64> {
        let mut sum = 0.0;
        for special in &self.special {
            let Some(regularizer) = special.regularizer else {
                continue;
            };
            for piece in weights[special.range.clone()].chunks(AT_ONCE) {
                sum += regularizer.penalty(piece);
                interrupt()?;
            }
        }
        Ok(sum)
    }

    /// Whether no weight moves.
    pub fn is_fixed(&self) -> bool {
        self.first >= self.places.len()
    }

    /// Whether a layer is told which steps are there.
    pub fn is_masked(&self) -> bool {
        self.places.iter().any(|place| place.masked)
    }

    /// Whether a layer has to see all rows of a batch at once while training.
    pub fn whole_batch(&self) -> bool {
        self.places
            .iter()
            .any(|place| place.layer.kind().whole_batch())
    }

    /// Floats per row that a shard touches: the widths of all layers.
    pub fn width(&self) -> usize {
        self.places
            .iter()
            .fold(self.inputs + self.embedded(), |sum, p| {
                sum.saturating_add(p.output.width())
            })
    }

    /// Floats per row that the layers keep for the way back.
    pub fn kept(&self) -> usize {
        self.places.iter().fold(0, |sum, p| {
            sum.saturating_add(p.layer.kind().stash(p.input))
        })
    }

    /// The shape of a row of output.
    pub fn output(&self) -> Option<Shape> {
        self.places.last().map(|place| place.output)
    }

    /// Weights that every row is multiplied with: all but the tables, of which it takes one vector each.
    pub fn multiplied(&self) -> usize {
        self.parameters - self.front.parameters
    }

    /// Multiply-adds of a row.
    pub fn work(&self) -> usize {
        self.places
            .iter()
            .fold(0, |sum, p| sum.saturating_add(p.layer.kind().work(p.input)))
    }

    /// Width of a row behind the embeddings; 0 where there are none.
    fn embedded(&self) -> usize {
        if self.front.is_empty() {
            0
        } else {
            self.front.outputs
        }
    }

    /// Whether somebody wants the gradient of what the `i`th layer takes.
    fn goes_on(&self, i: usize) -> bool {
        i > self.first || !self.front.is_empty()
    }

    fn sizes(&self, rows: usize) -> Option<Sizes> {
        let mut sizes = Sizes {
            front: rows.checked_mul(self.embedded())?,
            outputs: Vec::new(),
            stashes: Vec::new(),
            delta: 0,
            scratch: 0,
        };
        for (i, p) in self.places.iter().enumerate() {
            sizes.outputs.push(rows.checked_mul(p.output.width())?);
            sizes.stashes.push(p.stash(rows)?);
            let before = if self.goes_on(i) { p.input.width() } else { 0 };
            sizes.delta = sizes
                .delta
                .max(rows.checked_mul(p.output.width().max(before))?);
            sizes.scratch = sizes.scratch.max(p.layer.kind().scratch(p.input)?);
        }
        Some(sizes)
    }

    /// Bytes of a [`Workspace`].
    pub fn workspace_bytes(&self, rows: usize) -> Option<u64> {
        let sizes = self.sizes(rows)?;
        let shared = [sizes.front, sizes.delta, sizes.delta, sizes.scratch];
        let mut all = sizes.outputs.iter().chain(&sizes.stashes).chain(&shared);
        let floats = all.try_fold(0u64, |sum, &n| sum.checked_add(n as u64))?;
        floats
            .checked_mul(4)?
            .checked_add(96 * self.places.len() as u64 + 1024)
    }

    /// Buffers for shards of up to `rows` rows.
    pub fn workspace(&self, rows: usize, callback: &mut dyn Callback) -> Result<Workspace> {
        let sizes = self.sizes(rows).ok_or_else(too_large)?;
        Ok(Workspace {
            front: zeros(sizes.front, callback)?,
            outputs: sizes
                .outputs
                .into_iter()
                .map(|n| zeros(n, callback))
                .collect::<Result<_>>()?,
            stashes: sizes
                .stashes
                .into_iter()
                .map(|n| zeros(n, callback))
                .collect::<Result<_>>()?,
            deltas: [zeros(sizes.delta, callback)?, zeros(sizes.delta, callback)?],
            scratch: zeros(sizes.scratch, callback)?,
        })
    }

    /// x (rows, inputs) through all layers; `noise` and `shard` key the dropout masks while training.
    pub fn forward<'w>(
        &self,
        weights: &[f32],
        x: &[f32],
        rows: usize,
        noise: Option<(Noise, u64)>,
        space: &'w mut Workspace,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<&'w mut [f32]> {
        let inputs = x;
        let x = if self.front.is_empty() {
            x
        } else {
            let z = &mut space.front[..rows * self.front.outputs];
            self.front.forward(weights, x, z, interrupt)?;
            z
        };
        for (i, p) in self.places.iter().enumerate() {
            let (before, here) = space.outputs.split_at_mut(i);
            let x = before.last().map_or(x, |y| &y[..rows * p.input.width()]);
            p.layer.kind().forward(Forward {
                input: p.input,
                output: p.output,
                weights: &weights[p.offset..p.offset + p.parameters],
                x,
                mask: p.masked.then_some(inputs),
                y: &mut here[0][..rows * p.output.width()],
                stash: part(&mut space.stashes[i], p.stash(rows)),
                scratch: &mut space.scratch,
                noise: noise.map(|(noise, shard)| key(noise, shard, i)),
                interrupt: &mut *interrupt,
            })?;
        }
        let last = self.places.len() - 1;
        Ok(&mut space.outputs[last][..rows * self.outputs])
    }

    /// One shard of a training step: the sum of its rows' losses; adds (or writes) the gradient of `share` times that sum.
    /// The final outputs (probabilities under a crossentropy) stay in the workspace.
    #[allow(clippy::too_many_arguments)]
    pub fn train(
        &self,
        loss: Loss,
        weights: &[f32],
        all: Rows<'_>,
        share: f32,
        (noise, shard): (Noise, u64),
        (gradient, add): (&mut [f32], bool),
        space: &mut Workspace,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<f64> {
        let Rows { x, count: rows, .. } = all;
        self.forward(weights, x, rows, Some((noise, shard)), space, interrupt)?;
        let sum = self.cost(loss, all, share, space, interrupt)?;
        let [mut d, mut other] = space.deltas.each_mut().map(Vec::as_mut_slice);
        let relu = Some(Activation::Relu);
        let mut derived = false;
        let z = if self.front.is_empty() {
            x
        } else {
            &space.front[..rows * self.front.outputs]
        };
        for (i, p) in self.places.iter().enumerate().skip(self.first).rev() {
            let (before, here) = space.outputs.split_at(i);
            let through_relu = i > self.first
                && p.layer.kind().passes_relu()
                && self.places[i - 1].layer.kind().activation() == relu;
            p.layer.kind().backward(Backward {
                input: p.input,
                output: p.output,
                weights: &weights[p.offset..p.offset + p.parameters],
                x: before.last().map_or(z, |y| &y[..rows * p.input.width()]),
                mask: p.masked.then_some(x),
                y: &here[0][..rows * p.output.width()],
                dy: &mut d[..rows * p.output.width()],
                derived,
                dx: self
                    .goes_on(i)
                    .then(|| &mut other[..rows * p.input.width()]),
                through_relu,
                gradient: &mut gradient[p.offset..p.offset + p.parameters],
                add,
                stash: part(&mut space.stashes[i], p.stash(rows)),
                scratch: &mut space.scratch,
                noise: Some(key(noise, shard, i)),
                interrupt: &mut *interrupt,
            })?;
            derived = through_relu;
            std::mem::swap(&mut d, &mut other);
        }
        if !self.front.is_empty() {
            let dz = &d[..rows * self.front.outputs];
            self.front.backward(x, dz, gradient, add, interrupt)?;
        }
        Ok(sum)
    }

    /// The sum of the losses of the rows last sent forward; their outputs become probabilities under a crossentropy.
    pub fn cost(
        &self,
        loss: Loss,
        all: Rows<'_>,
        share: f32,
        space: &mut Workspace,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<f64> {
        let (rows, width) = (all.count, self.outputs);
        let (last, targets) = (self.places.len() - 1, all.y.len() / rows.max(1));
        let out = &mut space.outputs[last][..rows * width];
        let d = &mut space.deltas[0][..rows * width];
        // A shard is one piece, unless it is a whole batch of more than any other has.
        let piece = if rows * width <= WIDEST {
            rows.max(1)
        } else {
            Pace::rows(width)
        };
        let (mut sum, mut at) = (0.0, 0);
        for (out, d) in out
            .chunks_mut(piece * width)
            .zip(d.chunks_mut(piece * width))
        {
            let to = at + out.len() / width;
            let weights = if all.weights.is_empty() {
                all.weights
            } else {
                &all.weights[at..to]
            };
            let y = &all.y[at * targets..to * targets];
            sum += cost(loss, width, share, out, y, weights, d);
            at = to;
            interrupt()?;
        }
        Ok(sum)
    }

    /// The outputs of the rows last seen, after [`Network::train`] or [`Network::cost`].
    pub fn predictions<'w>(&self, space: &'w Workspace, rows: usize) -> &'w [f32] {
        &space.outputs[self.places.len() - 1][..rows * self.outputs]
    }
}

/// The front of a buffer that [`Network::workspace`] has made long enough.
fn part(buffer: &mut [f32], floats: Option<usize>) -> &mut [f32] {
    let floats = floats.unwrap_or(buffer.len());
    &mut buffer[..floats]
}

/// Noise of its own for every layer, step and shard.
fn key(noise: Noise, shard: u64, layer: usize) -> u64 {
    let words = [noise.step, shard, layer as u64 + 1];
    words
        .into_iter()
        .fold(noise.seed, |key, word| hash(key ^ word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::NoCallback;
    use crate::{BatchNormalization, Dense};

    #[test]
    fn the_loss_of_a_whole_batch_is_that_of_its_pieces() -> Result<()> {
        let (width, rows) = (700, 6001);
        let layers = vec![
            Layer::Dense(Dense::new(width, Activation::Linear)),
            Layer::BatchNormalization(BatchNormalization::default()),
        ];
        let network = Network::new(layers, 1, None)?;
        assert!(network.whole_batch() && rows * width > WIDEST);
        let mut space = network.workspace(rows, &mut NoCallback)?;
        let number = |i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0;
        let out: Vec<f32> = (0..rows * width).map(number).collect();
        let y: Vec<f32> = (0..rows * width).map(|i| number(i + 1)).collect();
        let weights: Vec<f32> = (0..rows).map(|i| number(i) + 2.0).collect();
        for weights in [&[][..], &weights] {
            let last = space.outputs.len() - 1;
            space.outputs[last].copy_from_slice(&out);
            let all = Rows {
                x: &[],
                y: &y,
                weights,
                count: rows,
            };
            let mut asked = 0;
            let mut interrupt = || {
                asked += 1;
                Ok(())
            };
            let sum = network.cost(Loss::MSE, all, 0.5, &mut space, &mut interrupt)?;
            assert!(asked > 10, "{asked}");
            let (mut whole, mut d) = (out.clone(), vec![0.0; rows * width]);
            let at_once = cost(Loss::MSE, width, 0.5, &mut whole, &y, weights, &mut d);
            assert!((sum / at_once - 1.0).abs() < 1e-6, "{sum} {at_once}");
            assert!(space.deltas[0] == d);
        }
        Ok(())
    }
}
