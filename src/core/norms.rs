//! The norms of the gradient, by which an optimizer may shorten it (Keras: `clipnorm`, `global_clipnorm`). Sums are made
//! piece by piece, and the pieces depend on the model alone: threads change nothing.

use crate::gradient::{Crew, Group, read, write};
use crate::kernels::reduce;
use crate::layer::{Change, Interrupt};
use crate::network::Network;
use crate::optimizer::Clip;
use crate::pool::lock;
use crate::update::{SUMMED, share};
use crate::weights::{AT_ONCE, room};
use crate::{Model, Regularizer, Result, Variable};
use std::ops::Range;
use std::sync::{Mutex, RwLock};

/// A piece of one variable's gradient.
#[derive(Debug, Clone)]
struct Piece {
    range: Range<usize>,
    variable: usize,
    regularizer: Option<Regularizer>,
}

/// The buffers for norms, kept over all batches.
#[derive(Debug)]
pub(crate) struct Norms {
    pieces: Vec<Piece>,
    /// The sum of squares of each piece.
    squares: Vec<f64>,
    /// Of each variable, where it is in the weight vector and what its gradient is multiplied with.
    factors: Vec<(Range<usize>, f32)>,
    most: f64,
    global: bool,
}

/// Pieces of a model at the most.
fn pieces(parameters: usize, variables: usize) -> usize {
    parameters / AT_ONCE + 2 * variables
}

impl Norms {
    /// Bytes that norms take, if they are wanted.
    pub fn bytes(clip: Option<Clip>, parameters: usize, variables: usize) -> u64 {
        match clip {
            Some(Clip::Norm(_) | Clip::GlobalNorm(_)) => {
                let piece = size_of::<Piece>() + size_of::<f64>();
                let all = pieces(parameters, variables).saturating_mul(piece);
                all.saturating_add(variables * size_of::<(Range<usize>, f32)>()) as u64
            }
            _ => 0,
        }
    }

    /// Buffers for the gradient of `model`, if its optimizer wants norms.
    pub fn new(model: &Model) -> Result<Option<Norms>> {
        let (most, global) = match model.optimizer().clip() {
            Some(Clip::Norm(most)) => (most, false),
            Some(Clip::GlobalNorm(most)) => (most, true),
            _ => return Ok(None),
        };
        let (network, variables) = (&model.network, model.variables());
        let count = pieces(network.parameters, variables.len());
        let mut norms = Norms {
            pieces: room(count)?,
            squares: room(count)?,
            factors: room(variables.len())?,
            most,
            global,
        };
        for variable in variables {
            norms.add(network, variable);
        }
        norms.squares.resize(norms.pieces.len(), 0.0);
        Ok(Some(norms))
    }

    /// Cuts a variable that the optimizer moves into pieces.
    fn add(&mut self, network: &Network, variable: &Variable) {
        let end = variable.offset + variable.shape.iter().product::<usize>();
        let mut special = network.special.iter();
        let special = special.find(|special| special.range.contains(&variable.offset));
        if special.is_some_and(|special| special.change != Change::Optimizer) {
            return;
        }
        for at in (variable.offset..end).step_by(AT_ONCE) {
            self.pieces.push(Piece {
                range: at..end.min(at + AT_ONCE),
                variable: self.factors.len(),
                regularizer: special.and_then(|special| special.regularizer),
            });
        }
        self.factors.push((variable.offset..end, 1.0));
    }

    /// Leaves the whole gradient, that of the penalties included, in the first of `groups`, and finds by how much to
    /// shorten it.
    pub fn measure(
        &mut self,
        groups: &[RwLock<Group>],
        model: &Model,
        crew: &mut Crew<'_>,
    ) -> Result<()> {
        let [first, others @ ..] = groups else {
            return Ok(());
        };
        let mut first = write(first);
        let (mut rest, mut at) = (first.gradient.as_mut_slice(), 0);
        let all = self.pieces.iter().zip(&mut self.squares);
        let all = Mutex::new(all.map(move |(piece, square)| {
            let (_, from) = std::mem::take(&mut rest).split_at_mut(piece.range.start - at);
            let (gradient, from) = from.split_at_mut(piece.range.len());
            (rest, at) = (from, piece.range.end);
            (piece, gradient, square)
        }));
        let take = |interrupt: &mut Interrupt<'_>| {
            loop {
                let Some((piece, gradient, square)) = lock(&all).next() else {
                    return Ok(());
                };
                *square = 0.0;
                for (i, part) in gradient.chunks_mut(SUMMED).enumerate() {
                    let from = piece.range.start + i * SUMMED;
                    let range = from..from + part.len();
                    for group in others {
                        reduce::add(part, &read(group).gradient[range.clone()]);
                    }
                    if let Some(regularizer) = piece.regularizer {
                        regularizer.add_gradient(&model.weights[range], part);
                    }
                    *square += reduce::squares(part);
                }
                interrupt()?;
            }
        };
        share(crew, model.parameters(), take)?;
        self.find_factors();
        Ok(())
    }

    /// most / max(norm, most); NaN where the norm is not finite, as in Keras.
    fn find_factors(&mut self) {
        let most = self.most;
        let factor = |squares: f64| {
            let norm = libm::sqrt(squares);
            (most / norm.max(most) + norm * 0.0) as f32
        };
        if self.global {
            let factor = factor(self.squares.iter().sum());
            self.factors.iter_mut().for_each(|(_, it)| *it = factor);
            return;
        }
        let mut pieces = self.pieces.iter().zip(&self.squares).peekable();
        for (variable, (_, it)) in self.factors.iter_mut().enumerate() {
            let mut sum = 0.0;
            while let Some((_, square)) = pieces.next_if(|(piece, _)| piece.variable == variable) {
                sum += square;
            }
            *it = factor(sum);
        }
    }

    /// Shortens the gradient of the weights from `at` on.
    pub fn shorten(&self, at: usize, gradient: &mut [f32]) {
        let end = at + gradient.len();
        let first = self.factors.partition_point(|(range, _)| range.end <= at);
        for (range, factor) in &self.factors[first..] {
            if range.start >= end {
                break;
            }
            let inside = range.start.max(at) - at..range.end.min(end) - at;
            reduce::scale(&mut gradient[inside], *factor);
        }
    }
}
