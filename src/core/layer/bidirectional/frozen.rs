//! Both directions frozen for scoring.

use super::Bidirectional;
use super::merge::Merged;
use crate::kernels::aligned::floats_mut;
use crate::kernels::lanes::Line;
use crate::predict::{Frozen, Step};
use crate::{Callback, Error, ErrorKind, Result, Shape};

/// Two layers and how their outputs become one.
#[derive(Debug)]
struct Both {
    layers: [Box<dyn Step>; 2],
    merged: Merged,
}

/// Freezes both with their weights.
pub(super) fn freeze(
    layer: &Bidirectional,
    merged: Merged,
    input: Shape,
    [first, second]: [&[f32]; 2],
    callback: &mut dyn Callback,
) -> Result<Box<dyn Step>> {
    let mut one =
        |layer: &super::Layer, weights| match layer.kind().freeze(input, weights, callback)? {
            Some(Frozen::Own(step)) => Ok(step),
            _ => Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("{} is no recurrent layer", layer.class_name()),
            )),
        };
    Ok(Box::new(Both {
        layers: [one(&layer.forward, first)?, one(&layer.backward, second)?],
        merged,
    }))
}

impl Both {
    /// Lines for the layers, which take turns.
    fn shared(&self) -> usize {
        self.layers[0].scratch().max(self.layers[1].scratch())
    }
}

impl Step for Both {
    fn run(&self, x: &[f32], mask: Option<&[f32]>, y: &mut [f32], scratch: &mut [Line]) {
        let (shared, own) = scratch.split_at_mut(self.shared());
        let each = self.merged.each();
        let (a, b) = floats_mut(own)[..2 * each].split_at_mut(each);
        self.layers[0].run(x, mask, a, shared);
        self.layers[1].run(x, mask, b, shared);
        self.merged.join(a, b, y);
    }

    fn scratch(&self) -> usize {
        self.shared() + (2 * self.merged.each()).div_ceil(16)
    }

    fn bytes(&self) -> usize {
        let layers = self.layers.iter().map(|layer| layer.bytes());
        size_of::<Self>() + layers.sum::<usize>()
    }
}
