//! The numbers of a variable that share a norm, and their way through memory.

use crate::kernels::reduce;
use crate::layer::{Interrupt, Pace};
use crate::{MAX_RANK, Result};

/// Norms that are found side by side.
const LANES: usize = 256;

/// Some of a variable's axes: how long they are, and how far apart their numbers lie.
#[derive(Debug, Clone, Copy)]
struct Walk {
    dims: [usize; MAX_RANK],
    strides: [usize; MAX_RANK],
}

impl Walk {
    const NOWHERE: Self = Self {
        dims: [1; MAX_RANK],
        strides: [0; MAX_RANK],
    };

    fn count(&self) -> usize {
        self.dims.iter().product()
    }

    /// Where the `i`th of [`Walk::count`] numbers lies.
    fn offset(&self, mut i: usize) -> usize {
        let mut offset = 0;
        for (dim, stride) in self.dims.iter().zip(self.strides).rev() {
            offset += i % dim * stride;
            i /= dim;
        }
        offset
    }
}

/// A variable as groups of numbers, with one norm each.
#[derive(Debug)]
pub(super) struct Groups {
    /// The axes that tell groups apart, without the last run.
    kept: Walk,
    /// The axes of a group, without the last run.
    reduced: Walk,
    /// How many numbers lie together: of one group, or of as many groups.
    run: usize,
    /// Whether they are of one.
    together: bool,
}

impl Groups {
    /// Of a variable of this `shape` whose norms go along the axes that are `reduced`.
    pub fn new(shape: &[usize], reduced: [bool; MAX_RANK]) -> Self {
        let mut groups = Self {
            kept: Walk::NOWHERE,
            reduced: Walk::NOWHERE,
            run: 1,
            together: true,
        };
        let (mut stride, mut in_run) = (1, true);
        for (axis, (&dim, along)) in shape.iter().zip(reduced).enumerate().rev() {
            if dim == 1 {
                continue;
            }
            if groups.run == 1 {
                groups.together = along;
            }
            in_run &= along == groups.together;
            if in_run {
                groups.run *= dim;
            } else {
                let walk = if along {
                    &mut groups.reduced
                } else {
                    &mut groups.kept
                };
                (walk.dims[axis], walk.strides[axis]) = (dim, stride);
            }
            stride *= dim;
        }
        groups
    }

    /// Multiplies the numbers of each group with what `factor` makes of their norm.
    pub fn rescale(
        &self,
        w: &mut [f32],
        factor: impl Fn(f64) -> f32,
        interrupt: &mut Interrupt<'_>,
    ) -> Result<()> {
        let mut pace = Pace::default();
        let parts = self.reduced.count();
        let wide = if self.together { Pace::rows(1) } else { LANES };
        let seen = wide.min(self.run);
        for group in 0..self.kept.count() {
            let begin = self.kept.offset(group);
            let tile = |part: usize, from: usize| {
                let at = begin + self.reduced.offset(part) + from;
                at..at + wide.min(self.run - from)
            };
            let tiles = (0..self.run).step_by(wide);
            if self.together {
                let mut squares = 0.0;
                for part in 0..parts {
                    for from in tiles.clone() {
                        squares += reduce::squares(&w[tile(part, from)]);
                        pace.step(seen, interrupt)?;
                    }
                }
                let factor = factor(libm::sqrt(squares));
                for part in 0..parts {
                    for from in tiles.clone() {
                        reduce::scale(&mut w[tile(part, from)], factor);
                        pace.step(seen, interrupt)?;
                    }
                }
                continue;
            }
            for from in tiles {
                let mut squares = [0.0f64; LANES];
                for part in 0..parts {
                    for (squares, w) in squares.iter_mut().zip(&w[tile(part, from)]) {
                        *squares += f64::from(*w) * f64::from(*w);
                    }
                    pace.step(seen, interrupt)?;
                }
                let factors = squares.map(|squares| factor(libm::sqrt(squares)));
                for part in 0..parts {
                    for (w, factor) in w[tile(part, from)].iter_mut().zip(&factors) {
                        *w *= factor;
                    }
                    pace.step(seen, interrupt)?;
                }
            }
        }
        interrupt()
    }
}
