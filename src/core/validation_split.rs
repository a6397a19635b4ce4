//! Which rows are held out for validation, decided while they are read (Keras: `validation_split`, but never the last rows).
//!
//! The rows are cut into strata of 1/split consecutive ones, and a seeded pick from each is held out. So the held-out
//! rows follow the whole table, whatever its order. Rows 0 and 1 always train.

use crate::random::Random;

/// The purpose of the split's random numbers.
const PURPOSE: u64 = 0x7370_6c69;

/// Decides row by row; rows must be asked for in order, each once.
#[derive(Debug)]
pub(crate) struct ValidationSplit {
    split: f64,
    seed: u64,
    row: u64,
    stratum: u64,
    /// The first row of the next stratum.
    end: u64,
    pick: Option<u64>,
}

impl ValidationSplit {
    /// Holds out the fraction `split`, which is in [0, 1).
    pub(crate) fn new(split: f64, seed: u64) -> Self {
        Self {
            split,
            seed,
            row: 0,
            stratum: 0,
            end: 0,
            pick: None,
        }
    }

    /// Whether the next row is held out.
    #[inline]
    pub(crate) fn next(&mut self) -> bool {
        let row = self.row;
        self.row += 1;
        if self.split == 0.0 {
            return false;
        }
        if row >= self.end {
            self.begin_stratum();
        }
        self.pick == Some(row)
    }

    #[cold]
    fn begin_stratum(&mut self) {
        let start = self.end.max(2);
        self.stratum += 1;
        // At least one row each: the split is below 1. Rows beyond 2^53 do not occur.
        self.end = ((self.stratum as f64 / self.split).ceil() as u64).max(self.end + 1);
        let rows = self.end.saturating_sub(start);
        self.pick =
            (rows > 0).then(|| start + Random::new(self.seed ^ PURPOSE, self.stratum).below(rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_out(split: f64, seed: u64, rows: u64) -> Vec<u64> {
        let mut decide = ValidationSplit::new(split, seed);
        (0..rows).filter(|_| decide.next()).collect()
    }

    #[test]
    fn holds_out_the_fraction_from_everywhere() {
        for split in [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 0.9, 0.99] {
            let rows = held_out(split, 3, 100_000);
            let expected = split * 100_000.0;
            assert!(
                (rows.len() as f64 - expected).abs() <= 3.0,
                "{split}: {}",
                rows.len()
            );
            let first_half = rows.iter().filter(|&&row| row < 50_000).count() as f64;
            assert!((first_half - expected / 2.0).abs() <= 3.0);
        }
    }

    #[test]
    fn the_first_two_rows_always_train() {
        for seed in 0..1000 {
            for split in [0.1, 0.5, 0.9, 0.999_999] {
                assert!(held_out(split, seed, 12).iter().all(|&row| row >= 2));
            }
        }
    }

    #[test]
    fn zero_holds_out_nothing_and_seeds_differ() {
        assert!(held_out(0.0, 0, 1000).is_empty());
        assert!(held_out(f64::MIN_POSITIVE, 0, 1000).is_empty());
        assert_eq!(held_out(0.1, 1, 1000), held_out(0.1, 1, 1000));
        assert_ne!(held_out(0.1, 1, 1000), held_out(0.1, 2, 1000));
    }

    #[test]
    fn does_not_follow_the_rows_order() {
        // A pick at the same place of every stratum would always take the same weekday or the same group.
        let places: std::collections::HashSet<u64> = held_out(0.1, 0, 1000)
            .into_iter()
            .map(|row| row % 10)
            .collect();
        assert!(places.len() >= 8, "{places:?}");
    }
}
