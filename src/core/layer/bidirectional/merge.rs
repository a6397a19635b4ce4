//! How the outputs of two directions become one.

use crate::Result;
use crate::config::unknown;

/// `merge_mode` of `Bidirectional`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Side by side.
    Concat,
    /// a + b
    Sum,
    /// a b
    Mul,
    /// (a + b) / 2
    Ave,
}

impl Merge {
    const NAMES: [(&'static str, Merge); 4] = [
        ("concat", Merge::Concat),
        ("sum", Merge::Sum),
        ("mul", Merge::Mul),
        ("ave", Merge::Ave),
    ];

    /// The mode of a word, `concat` without one.
    pub(super) fn read(word: Option<&str>) -> Result<Self> {
        let Some(word) = word else {
            return Ok(Merge::Concat);
        };
        let found = Self::NAMES.iter().find(|(name, _)| *name == word);
        let known = Self::NAMES.map(|(name, _)| name);
        found
            .map(|(_, mode)| *mode)
            .ok_or_else(|| unknown("merge_mode of Bidirectional", "modes", word, &known))
    }

    /// Keras's word.
    pub(super) fn word(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, mode)| *mode == self);
        found.map_or("concat", |(name, _)| name)
    }
}

/// What two layers make of one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merged {
    pub mode: Merge,
    /// Steps with an output.
    pub steps: usize,
    pub units: usize,
}

impl Merged {
    /// Numbers that each of both makes.
    pub fn each(&self) -> usize {
        self.steps * self.units
    }

    /// Numbers of both together.
    pub fn width(&self) -> usize {
        match self.mode {
            Merge::Concat => 2 * self.each(),
            _ => self.each(),
        }
    }

    /// Where the output of step `t` begins in each, and in y: the second layer has walked the other way.
    fn places(&self) -> impl Iterator<Item = [usize; 3]> {
        let Self { steps, units, .. } = *self;
        let wide = self.width() / steps;
        (0..steps).map(move |t| [t * units, (steps - 1 - t) * units, t * wide])
    }

    /// y from the outputs `a` and `b` of both.
    pub fn join(&self, a: &[f32], b: &[f32], y: &mut [f32]) {
        let units = self.units;
        for [from_a, from_b, to] in self.places() {
            let (a, b) = (&a[from_a..][..units], &b[from_b..][..units]);
            let y = &mut y[to..];
            if self.mode == Merge::Concat {
                y[..units].copy_from_slice(a);
                y[units..2 * units].copy_from_slice(b);
                continue;
            }
            for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                *y = match self.mode {
                    Merge::Mul => a * b,
                    Merge::Ave => (a + b) * 0.5,
                    _ => a + b,
                };
            }
        }
    }

    /// The gradients of both outputs from that of y.
    pub fn part(&self, dy: &[f32], a: &[f32], b: &[f32], da: &mut [f32], db: &mut [f32]) {
        let units = self.units;
        for [at_a, at_b, from] in self.places() {
            let dy = &dy[from..];
            let (a, b) = (&a[at_a..][..units], &b[at_b..][..units]);
            let (da, db) = (&mut da[at_a..][..units], &mut db[at_b..][..units]);
            for j in 0..units {
                (da[j], db[j]) = match self.mode {
                    Merge::Concat => (dy[j], dy[units + j]),
                    Merge::Sum => (dy[j], dy[j]),
                    Merge::Mul => (dy[j] * b[j], dy[j] * a[j]),
                    Merge::Ave => (dy[j] * 0.5, dy[j] * 0.5),
                };
            }
        }
    }
}
