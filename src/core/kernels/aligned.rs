//! Floats that begin at a cache line, so that no vector register straddles two.

use super::lanes::Line;
use crate::weights::{AT_ONCE, out_of_memory};
use crate::{Callback, Result};

/// A buffer of whole lines.
#[derive(Debug)]
pub(crate) struct Aligned(Vec<Line>);

impl Aligned {
    /// Zeros for at least `floats` numbers. Touching fresh pages takes time, so the callback is asked between pieces.
    pub(crate) fn zeros(floats: usize, callback: &mut dyn Callback) -> Result<Aligned> {
        let mut lines = Self::room(floats)?;
        while lines.len() < floats.div_ceil(16) {
            callback.check()?;
            lines.resize(
                floats.div_ceil(16).min(lines.len() + AT_ONCE / 16),
                Line::ZERO,
            );
        }
        Ok(Aligned(lines))
    }

    /// A small buffer of zeros: as [`Aligned::zeros`], without asking.
    pub(crate) fn small(floats: usize) -> Result<Aligned> {
        let mut lines = Self::room(floats)?;
        lines.resize(floats.div_ceil(16), Line::ZERO);
        Ok(Aligned(lines))
    }

    fn room(floats: usize) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(floats.div_ceil(16))
            .map_err(|_| out_of_memory(floats.saturating_mul(4)))?;
        Ok(lines)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Line>()
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.0
    }

    pub(crate) fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.0
    }

    pub(crate) fn floats(&self) -> &[f32] {
        floats(&self.0)
    }

    pub(crate) fn floats_mut(&mut self) -> &mut [f32] {
        floats_mut(&mut self.0)
    }
}

/// The numbers of `lines`.
#[inline(always)]
pub(crate) fn floats(lines: &[Line]) -> &[f32] {
    // SAFETY: a line is sixteen f32 in a row, without padding.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 16) }
}

/// The numbers of `lines`.
#[inline(always)]
pub(crate) fn floats_mut(lines: &mut [Line]) -> &mut [f32] {
    // SAFETY: a line is sixteen f32 in a row, without padding; `lines` is borrowed mutably meanwhile.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 16) }
}
