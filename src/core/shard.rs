//! How a batch is cut: into shards, the pieces between two looks at the callback, and into gradient groups, the
//! pieces that threads share. Both depend on the model and the batch alone, so the weights do not depend on threads.

use crate::network::Network;
use std::ops::Range;

/// Multiply-adds of a forward pass that a shard should have: enough to be worth a thread, few enough for the cache.
const WANTED: usize = 1 << 23;
/// Floats of a shard's activations: well within the second-level cache, and so many shards that threads end together.
const FLOATS: usize = 5 << 12;
/// Activations, with what is kept for the way back, beyond which one layer takes too long.
pub(crate) const WIDEST: usize = 1 << 22;
/// Rows below which a kernel is read (and transposed) for too little work.
const FEW: usize = 64;
/// Parameters of a large network, whose kernels come from memory for every shard: it has shards of at least so few rows
/// where threads need them, and of up to so many.
const LARGE: usize = 1 << 20;
const FEW_OF_LARGE: usize = 32;
const MANY_OF_LARGE: usize = 128;

/// The cut of every batch of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Rows of the largest shard.
    pub rows: usize,
    /// Rows below which a batch is not cut for the sake of threads.
    few: usize,
    /// Most gradient groups.
    groups: usize,
}

impl Cut {
    pub fn new(network: &Network) -> Cut {
        if network.whole_batch() {
            return Cut {
                rows: usize::MAX,
                few: usize::MAX,
                groups: 1,
            };
        }
        let parameters = network.parameters;
        let multiplied = network.multiplied().max(1);
        let by_work = WANTED / network.work().max(1);
        let width = network.width().max(1);
        let by_cache = FLOATS / width;
        let (few, rows) = if multiplied > LARGE {
            (FEW_OF_LARGE, MANY_OF_LARGE)
        } else {
            let rows = by_work.min(by_cache).max(FEW);
            (rows, rows)
        };
        let widest = (WIDEST / width.saturating_add(network.kept())).max(1);
        // Every group has a gradient of its own: fewer where that is large.
        let groups = if parameters <= LARGE {
            8
        } else if parameters <= 1 << 22 {
            4
        } else {
            2
        };
        Cut {
            rows: rows.min(widest),
            few: few.min(widest),
            groups,
        }
    }

    /// Shards of a batch of `rows`.
    pub fn shards(&self, rows: usize) -> usize {
        let apart = rows.div_ceil(self.few).min(self.groups);
        let shards = rows.div_ceil(self.rows).max(apart);
        if shards > self.groups {
            // Groups of as many shards each take as long as each other.
            shards.next_multiple_of(self.groups).min(rows)
        } else {
            shards
        }
    }

    /// Gradient groups of a batch of `rows`.
    pub fn groups(&self, rows: usize) -> usize {
        self.shards(rows).min(self.groups)
    }

    /// The shards of a group.
    pub fn shards_of(&self, rows: usize, group: usize) -> Range<usize> {
        part(self.shards(rows), self.groups(rows), group)
    }

    /// The rows of a shard.
    pub fn rows_of(&self, rows: usize, shard: usize) -> Range<usize> {
        part(rows, self.shards(rows), shard)
    }

    /// Most rows in one group of batches of up to `rows`.
    pub fn group_rows(&self, rows: usize) -> usize {
        let groups = self.groups(rows).max(1);
        let shards = self.shards(rows).div_ceil(groups);
        shards.saturating_mul(self.rows).min(rows)
    }
}

/// The `i`th of `parts` nearly equal parts of `0..n`.
fn part(n: usize, parts: usize, i: usize) -> Range<usize> {
    let at = |i: usize| (n as u128 * i as u128 / parts as u128) as usize;
    at(i)..at(i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Dense, Layer};

    fn cut(inputs: usize, widths: &[usize]) -> Cut {
        let layers = widths
            .iter()
            .map(|&w| Layer::Dense(Dense::new(w, Activation::Relu)))
            .collect();
        Cut::new(&Network::new(layers, inputs, None).unwrap())
    }

    #[test]
    fn covers_every_row_once() {
        for cut in [
            cut(28, &[64, 64, 1]),
            cut(1, &[1]),
            cut(28, &[2048, 2048, 2048, 1]),
            cut(5000, &[40_000]),
        ] {
            for rows in [1, 2, 31, 32, 1000, 1024, 70_001] {
                let mut next = 0;
                for group in 0..cut.groups(rows) {
                    let mut in_group = 0;
                    for shard in cut.shards_of(rows, group) {
                        let range = cut.rows_of(rows, shard);
                        assert_eq!(range.start, next);
                        assert!(!range.is_empty() && range.len() <= cut.rows);
                        next = range.end;
                        in_group += range.len();
                    }
                    assert!(in_group <= cut.group_rows(rows));
                }
                assert_eq!(next, rows);
            }
        }
    }

    #[test]
    fn large_models_have_short_shards() {
        let large = cut(28, &[2048, 2048, 2048, 1]);
        assert!([32, 64, 256, 512].map(|rows| large.shards(rows)) == [1, 2, 2, 4]);
        assert!(cut(28, &[64, 64, 1]).rows >= 128);
        // Few parameters, but a million activations a row.
        assert!(cut(1, &[1 << 20, 1]).rows <= 4);
    }
}
