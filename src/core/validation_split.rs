//! Which rows are held out for validation, decided while they are read (Keras: `validation_split`, but never the last rows).
//!
//! The rows of each class are cut into stretches of 1/split consecutive ones, and a seeded pick from each is held out. So the
//! held-out rows follow the whole table, whatever its order, and every class has its share of them. The first rows of
//! each class always train.

use crate::partition::STRATA;
use crate::random::{Random, hash};
use std::collections::HashMap;

/// The purpose of the split's random numbers.
const PURPOSE: u64 = 0x7370_6c69;

/// Rows of a class from which one in ten is enough.
const FEW: u64 = 1000;

/// Decides row by row; rows must be asked for in order, each once.
#[derive(Debug)]
pub(crate) struct ValidationSplit {
    split: Option<f64>,
    seed: u64,
    /// Rows of each class that train before any is held out.
    first: u64,
    /// The place of each class among the strata.
    places: HashMap<u64, usize>,
    strata: Vec<Stratum>,
    /// The class of the last row and its place.
    last: Option<(u64, usize)>,
}

/// The rows of one class so far.
#[derive(Debug)]
struct Stratum {
    seed: u64,
    row: u64,
    stretch: u64,
    /// The first row of the next stretch.
    end: u64,
    pick: Option<u64>,
}

impl ValidationSplit {
    /// Holds out the fraction `split`, which is in [0, 1), of each class; the `first` rows of each train. Without one it is
    /// one row in five of the first 1,000 and one in ten beyond: so many that a small table's validation loss means
    /// something, and a large one loses few.
    pub(crate) fn new(split: Option<f64>, seed: u64, first: u64) -> Self {
        Self {
            split,
            seed,
            first,
            places: HashMap::new(),
            strata: Vec::new(),
            last: None,
        }
    }

    /// The fraction that was asked for.
    pub(crate) fn share(&self) -> Option<f64> {
        self.split
    }

    /// Whether the next row, which is of `class`, is held out.
    #[inline]
    pub(crate) fn next(&mut self, class: u64) -> bool {
        if self.split == Some(0.0) {
            return false;
        }
        let place = match self.last {
            Some((last, place)) if last == class => place,
            _ => self.find(class),
        };
        let Some(stratum) = self.strata.get_mut(place) else {
            return false;
        };
        let row = stratum.row;
        stratum.row += 1;
        if row >= stratum.end {
            stratum.begin_stretch(self.split, self.first);
        }
        stratum.pick == Some(row)
    }

    /// The place of `class`; what comes after too many classes shares the last.
    fn find(&mut self, class: u64) -> usize {
        let new = self.strata.len();
        let place = match self.places.get(&class) {
            Some(place) => *place,
            None if new < STRATA => {
                self.places.insert(class, new);
                let own = if new == 0 { 0 } else { hash(new as u64) };
                self.strata.push(Stratum {
                    seed: self.seed ^ PURPOSE ^ own,
                    row: 0,
                    stretch: 0,
                    end: 0,
                    pick: None,
                });
                new
            }
            None => new - 1,
        };
        self.last = Some((class, place));
        place
    }
}

impl Stratum {
    #[cold]
    fn begin_stretch(&mut self, split: Option<f64>, first: u64) {
        let start = self.end.max(first);
        self.stretch += 1;
        self.end = match split {
            // At least one row each: the split is below 1. Rows beyond 2^53 do not occur.
            Some(split) => ((self.stretch as f64 / split).ceil() as u64).max(self.end + 1),
            None if self.end < FEW => self.end + 5,
            None => self.end + 10,
        };
        let rows = self.end.saturating_sub(start);
        self.pick = (rows > 0).then(|| start + Random::new(self.seed, self.stretch).below(rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_out(split: f64, seed: u64, rows: u64) -> Vec<u64> {
        let mut decide = ValidationSplit::new(Some(split), seed, 2);
        (0..rows).filter(|_| decide.next(0)).collect()
    }

    #[test]
    fn without_a_split_small_tables_give_more() {
        for (rows, expected) in [(100, 20), (1000, 200), (11_000, 1200)] {
            let mut decide = ValidationSplit::new(None, 5, 2);
            let held_out = (0..rows).filter(|_| decide.next(0)).count();
            assert_eq!(held_out, expected, "{rows}");
        }
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

    #[test]
    fn every_class_has_its_share_and_trains_first() {
        // 70 %, 29 % and 1 % of 10,000 rows, in no order.
        let class = |row: u64| match row * 7919 % 100 {
            0 => 2,
            1..30 => 1,
            _ => 0,
        };
        for seed in 0..20 {
            let mut decide = ValidationSplit::new(Some(0.1), seed, 1);
            let (mut held, mut rows) = ([0_u64; 3], [0_u64; 3]);
            for row in 0..10_000 {
                let class = class(row);
                let held_out = decide.next(class);
                assert!(
                    !held_out || rows[class as usize] > 0,
                    "the first row trains"
                );
                held[class as usize] += u64::from(held_out);
                rows[class as usize] += 1;
            }
            assert_eq!((rows, held), ([7000, 2900, 100], [700, 290, 10]));
        }
    }

    #[test]
    fn more_classes_than_are_told_apart_share_a_stratum() {
        let mut decide = ValidationSplit::new(Some(0.5), 0, 1);
        let held = (0..10_000).filter(|row| decide.next(row % 3000)).count();
        assert_eq!(decide.strata.len(), STRATA);
        assert!((4000..=5100).contains(&held), "{held}");
    }
}
