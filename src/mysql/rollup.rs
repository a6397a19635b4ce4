//! Recognises WITH ROLLUP on MariaDB, which lets the levels of a rollup share one state: every row is added once for each
//! level, and each model would be trained on the wrong rows without anybody noticing.
//!
//! The first row of all is cleared and added again for each level, every other one of its group is added as many times in
//! turn. Groups that nobody asks for (HAVING) begin alike where single rows are equal, but do not go on like that.

/// What was seen so far.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rollup {
    /// The fingerprint of a row, and how many times it was added.
    row: u64,
    copies: u64,
    /// Whether a group is read that is still like one of a rollup.
    alike: bool,
}

impl Rollup {
    /// A group was left after its only row.
    pub fn left(&mut self, row: u64) {
        let copies = if self.row == row { self.copies } else { 0 };
        *self = Self {
            row,
            copies: copies + 1,
            alike: false,
        };
    }

    /// Whether the first row of a group has to be looked at.
    #[inline]
    pub fn is_possible(&self) -> bool {
        self.copies > 0
    }

    /// The row of this number, from 1, came into a group, while [`Self::is_possible`].
    #[cold]
    pub fn row(&mut self, number: u64, row: u64) {
        // The first row was left `copies` times, and is here once more.
        let levels = self.copies + 1;
        let same = self.row == row;
        self.alike = match number {
            1 => same,
            _ => self.alike && (same || (number - 2).is_multiple_of(levels)),
        };
        self.row = row;
        if !self.alike {
            *self = Self::default();
        }
    }

    /// Whether the group that ends with so many rows came from a rollup.
    pub fn is_certain(&self, rows: u64) -> bool {
        self.alike && rows > 1 && (rows - 1).is_multiple_of(self.copies + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the rows of a group are those of a rollup, when these were left before one by one.
    fn certain(left: &[u64], rows: &[u64]) -> bool {
        let mut rollup = Rollup::default();
        left.iter().for_each(|row| rollup.left(*row));
        for (number, row) in (1..).zip(rows) {
            if rollup.is_possible() {
                rollup.row(number, *row);
            }
        }
        rollup.is_certain(rows.len() as u64)
    }

    #[test]
    fn every_row_comes_once_for_each_level() {
        assert!(certain(&[7], &[7, 8, 8, 9, 9]));
        assert!(certain(&[7, 7], &[7, 8, 8, 8, 9, 9, 9]));
        assert!(certain(&[5, 7], &[7, 8, 8]));
    }

    #[test]
    fn groups_that_are_left_are_none() {
        assert!(!certain(&[], &[7, 8, 8, 9, 9]));
        assert!(!certain(&[6], &[7, 8, 8, 9, 9]));
        assert!(!certain(&[7], &[7, 8, 8, 9, 10]));
        assert!(!certain(&[7], &[7, 8, 8, 9]));
        assert!(!certain(&[7], &[7]));
        assert!(!certain(&[7, 7], &[7, 8, 8, 9, 9]));
    }
}
