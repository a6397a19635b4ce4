//! When to ask the interrupt on the way through rows that may be a whole batch.

use super::Interrupt;
use crate::Result;

/// Numbers between two looks at the interrupt: less than a millisecond, even of exponentials.
const PIECE: usize = 1 << 18;

/// Counts the numbers that are done.
#[derive(Debug, Default)]
pub(crate) struct Pace(usize);

impl Pace {
    /// So many numbers more are done: asks where it is time to.
    #[inline]
    pub fn step(&mut self, numbers: usize, interrupt: &mut Interrupt<'_>) -> Result<()> {
        self.0 += numbers;
        if self.0 < PIECE {
            return Ok(());
        }
        self.0 = 0;
        interrupt()
    }

    /// How many rows of such a width may be done at once.
    pub fn rows(width: usize) -> usize {
        (PIECE / width.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::{Backward, Forward, GlobalAveragePooling1D, GlobalMaxPooling1D, Kind};
    use crate::{Result, Shape};

    /// How often a layer asks on its way forth and back through so many rows.
    fn asks(layer: &dyn Kind, input: Shape, rows: usize) -> Result<[usize; 2]> {
        let output = layer.output(input)?;
        let (mut forth, mut back) = (0, 0);
        let x = vec![1.0; rows * input.width()];
        let (mut y, mut dx) = (vec![0.0; rows * output.width()], x.clone());
        layer.forward(Forward {
            input,
            output,
            weights: &[],
            x: &x,
            mask: None,
            y: &mut y,
            stash: &mut [],
            scratch: &mut [],
            noise: None,
            interrupt: &mut || {
                forth += 1;
                Ok(())
            },
        })?;
        layer.backward(Backward {
            input,
            output,
            weights: &[],
            x: &x,
            mask: None,
            y: &y.clone(),
            dy: &mut y,
            derived: false,
            dx: Some(&mut dx),
            through_relu: false,
            gradient: &mut [],
            add: false,
            stash: &mut [],
            scratch: &mut [],
            noise: None,
            interrupt: &mut || {
                back += 1;
                Ok(())
            },
        })?;
        Ok([forth, back])
    }

    #[test]
    fn pooling_asks_on_the_way_through_many_rows() -> Result<()> {
        let input = Shape::new(&[8, 16])?;
        for layer in [
            &GlobalAveragePooling1D::default() as &dyn Kind,
            &GlobalMaxPooling1D::default(),
        ] {
            // 2^21 numbers.
            let [forth, back] = asks(layer, input, 1 << 14)?;
            assert!(
                (8..=16).contains(&forth) && (8..=16).contains(&back),
                "{forth} {back}"
            );
            assert_eq!(asks(layer, input, 1)?, [1, 1]);
        }
        Ok(())
    }
}
