//! Scoring row by row: encode, run the frozen network, answer in the target's terms.

use crate::{Feature, ModelFile, Result, Task, Value};

/// A model ready to score. It holds no reference to the file it was made from.
pub struct Scorer {}

/// The buffers of one scoring loop; nothing is allocated per row.
pub struct Scratch {}

impl Scorer {
    /// Freezes the model of `file`.
    pub fn new(file: &ModelFile) -> Result<Self> {
        let _ = file;
        todo!()
    }

    /// Bytes this scorer holds.
    pub fn bytes(&self) -> usize {
        todo!()
    }

    /// The features in their order.
    pub fn features(&self) -> &[Feature] {
        todo!()
    }

    /// What the model answers.
    pub fn task(&self) -> Task {
        todo!()
    }

    /// The name of the target column.
    pub fn target_name(&self) -> &str {
        todo!()
    }

    /// The labels of a class target in their order; of two the last is the positive one. Empty for a regression.
    pub fn labels(&self) -> &[String] {
        todo!()
    }

    /// Buffers for one scoring loop.
    pub fn scratch(&self) -> Result<Scratch> {
        todo!()
    }

    /// The value in the target's own units, or P(positive) of two classes. `row` holds the features in their order.
    pub fn predict(&self, row: &[Value<'_>], scratch: &mut Scratch) -> Result<f64> {
        let _ = (row, scratch);
        todo!()
    }

    /// The most probable label.
    pub fn predict_class<'s>(&'s self, row: &[Value<'_>], scratch: &mut Scratch) -> Result<&'s str> {
        let _ = (row, scratch);
        todo!()
    }

    /// The probability of every label, in label order; replaces what is in `out`.
    pub fn predict_proba(&self, row: &[Value<'_>], scratch: &mut Scratch, out: &mut Vec<f32>) -> Result<()> {
        let _ = (row, scratch, out);
        todo!()
    }

    /// What the network's outputs mean: values in the target's units, or probabilities; replaces what is in `out`.
    pub fn predict_values(&self, row: &[Value<'_>], scratch: &mut Scratch, out: &mut Vec<f32>) -> Result<()> {
        let _ = (row, scratch, out);
        todo!()
    }
}
