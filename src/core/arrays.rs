//! Rows that are arrays in memory, as NumPy users hold them.

use crate::budget::with_capacity;
use crate::class_weight::is_weight;
use crate::config::invalid;
use crate::random::Random;
use crate::weights::AT_ONCE;
use crate::{Batch, Batches, Callback, Error, ErrorKind, Result};
use ndarray::{ArrayView1, CowArray, Ix1, Ix2};

/// [`Batches`] over two arrays, owned or borrowed: `x` of shape (rows, inputs) and `y` of shape (rows, targets).
#[derive(Debug)]
pub struct Arrays<'a> {
    x: CowArray<'a, f32, Ix2>,
    y: CowArray<'a, f32, Ix2>,
    weights: Option<CowArray<'a, f32, Ix1>>,
    order: Vec<usize>,
    next: usize,
}

impl<'a> Arrays<'a> {
    /// Takes views or arrays; `FeatureCount` unless both have the same number of rows.
    pub fn new(
        x: impl Into<CowArray<'a, f32, Ix2>>,
        y: impl Into<CowArray<'a, f32, Ix2>>,
    ) -> Result<Self> {
        let (x, y) = (x.into(), y.into());
        if x.nrows() != y.nrows() {
            let message = format!("x has {} rows, but y has {}", x.nrows(), y.nrows());
            return Err(Error::new(ErrorKind::FeatureCount, message));
        }
        let mut order = with_capacity(x.nrows(), "the order of the rows")?;
        order.extend(0..x.nrows());
        Ok(Self {
            x,
            y,
            weights: None,
            order,
            next: 0,
        })
    }

    /// Lets every row count in the loss as `weights` says (Keras: `sample_weight`), of shape (rows).
    ///
    /// `FeatureCount` for another number of weights, `InvalidParameter` for one that is negative or not finite.
    pub fn with_weights(mut self, weights: impl Into<CowArray<'a, f32, Ix1>>) -> Result<Self> {
        let weights = weights.into();
        if weights.len() != self.x.nrows() {
            let message = format!(
                "x has {} rows, but {} weights",
                self.x.nrows(),
                weights.len()
            );
            return Err(Error::new(ErrorKind::FeatureCount, message));
        }
        if let Some(weight) = weights
            .iter()
            .find(|weight| !is_weight(f64::from(**weight)))
        {
            return Err(invalid(format!(
                "a weight must be at least 0, not {weight}"
            )));
        }
        self.weights = Some(weights);
        Ok(self)
    }
}

impl Batches for Arrays<'_> {
    fn rows(&self) -> u64 {
        self.order.len() as u64
    }

    fn inputs(&self) -> usize {
        self.x.ncols()
    }

    fn targets(&self) -> usize {
        self.y.ncols()
    }

    fn weighted(&self) -> bool {
        self.weights.is_some()
    }

    fn start(&mut self, shuffle: Option<u64>, callback: &mut dyn Callback) -> Result<()> {
        self.next = 0;
        self.order
            .iter_mut()
            .enumerate()
            .for_each(|(row, at)| *at = row);
        callback.check()?;
        let Some(seed) = shuffle else { return Ok(()) };
        let mut random = Random::new(seed, 0);
        for i in (1..self.order.len()).rev() {
            random.exchange(&mut self.order, i);
            if i.is_multiple_of(AT_ONCE) {
                callback.check()?;
            }
        }
        Ok(())
    }

    fn next(
        &mut self,
        batch_size: usize,
        batch: &mut Batch,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        batch.x.clear();
        batch.y.clear();
        batch.weights.clear();
        let end = self.next.saturating_add(batch_size).min(self.order.len());
        let rows = self.order.get(self.next..end).unwrap_or_default();
        for piece in rows.chunks((AT_ONCE / self.x.ncols().max(1)).max(1)) {
            for &row in piece {
                append(&mut batch.x, self.x.row(row));
                append(&mut batch.y, self.y.row(row));
            }
            if let Some(weights) = &self.weights {
                let weights = piece.iter().filter_map(|row| weights.get(*row));
                batch.weights.extend(weights);
            }
            callback.check()?;
        }
        batch.rows = rows.len();
        self.next = end;
        Ok(())
    }
}

/// An iterator over a row goes number by number: six times slower than a copy of those that lie side by side.
fn append(to: &mut Vec<f32>, row: ArrayView1<'_, f32>) {
    match row.to_slice() {
        Some(row) => to.extend_from_slice(row),
        None => to.extend(row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{CancelAt, NoCallback};
    use ndarray::{Array2, s};

    fn epoch(data: &mut Arrays<'_>, shuffle: Option<u64>) -> Result<(Vec<f32>, Vec<f32>)> {
        let (mut batch, mut x, mut y) = (Batch::default(), vec![], vec![]);
        data.start(shuffle, &mut NoCallback)?;
        loop {
            data.next(3, &mut batch, &mut NoCallback)?;
            if batch.rows == 0 {
                return Ok((x, y));
            }
            x.extend(&batch.x);
            y.extend(&batch.y);
        }
    }

    #[test]
    fn every_row_comes_once_with_its_target() -> Result<()> {
        let all = Array2::from_shape_fn((10, 3), |(row, column)| (3 * row + column) as f32);
        // Views need not be contiguous.
        let mut data = Arrays::new(all.slice(s![.., ..2]), all.slice(s![.., 2..]))?;
        assert_eq!((data.rows(), data.inputs(), data.targets()), (10, 2, 1));
        let (x, y) = epoch(&mut data, None)?;
        assert!(x.chunks(2).zip(&y).all(|(x, y)| x[1] + 1.0 == *y) && y.is_sorted());
        let (x, mut shuffled) = epoch(&mut data, Some(1))?;
        assert!(x.chunks(2).zip(&shuffled).all(|(x, y)| x[1] + 1.0 == *y));
        assert!(shuffled != y && shuffled != epoch(&mut data, Some(2))?.1);
        shuffled.sort_by(f32::total_cmp);
        assert_eq!(shuffled, y);
        assert_eq!(epoch(&mut data, None)?.1, y);
        Ok(())
    }

    #[test]
    fn different_heights_are_refused_and_copying_can_be_cancelled() -> Result<()> {
        let (x, y) = (Array2::zeros((200_000, 2)), Array2::zeros((200_000, 1)));
        assert!(Arrays::new(x.view(), y.slice(s![1.., ..])).is_err());
        let mut data = Arrays::new(x, y)?;
        assert!(data.start(Some(1), &mut CancelAt { left: 1 }).is_err());
        let mut batch = Batch::default();
        assert!(
            data.next(200_000, &mut batch, &mut CancelAt { left: 1 })
                .is_err()
        );
        Ok(())
    }
}
