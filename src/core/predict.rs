//! The frozen network for scoring one row at a time (Keras: `model.predict`, without its overhead).

use crate::kernels::{activate, row};
use crate::weights::{AT_ONCE, room};
use crate::{Activation, Callback, Error, ErrorKind, Loss, Model, Result};

/// One step of a plan; a layer's `freeze` says which it takes.
#[derive(Debug)]
pub(crate) enum Op {
    /// y = x w + b, kernel and bias padded to whole blocks of columns.
    Dense {
        inputs: usize,
        kernel: Vec<f32>,
        bias: Vec<f32>,
    },
    /// y = f(y)
    Activate {
        activation: Activation,
        width: usize,
    },
}

/// A model's arithmetic on flat buffers, without optimizer or gradients.
#[derive(Debug)]
pub struct Plan {
    ops: Vec<Op>,
    head: Activation,
    loss: Loss,
    inputs: usize,
    outputs: usize,
    widest: usize,
}

/// The buffers one caller of [`Plan::run`] needs.
#[derive(Debug, Clone)]
pub struct PlanScratch {
    inputs: usize,
    /// Rows on their way through the layers, in turns; the input goes into the first.
    rows: [Vec<f32>; 2],
    /// The network's outputs before the head.
    logits: Vec<f32>,
    result: Vec<f32>,
}

impl PlanScratch {
    /// Where the encoded row goes, `inputs` wide. [`Plan::run`] overwrites it.
    pub fn input_mut(&mut self) -> &mut [f32] {
        &mut self.rows[0][..self.inputs]
    }
}

/// `n` rounded up to whole blocks of the row kernel.
fn padded(n: usize) -> usize {
    n.next_multiple_of(row::BLOCK)
}

impl Op {
    /// A dense layer's step from its kernel (inputs, outputs) and its bias.
    pub fn dense(
        inputs: usize,
        outputs: usize,
        kernel: &[f32],
        bias: Option<&[f32]>,
        callback: &mut dyn Callback,
    ) -> Result<Op> {
        let width = padded(outputs);
        let mut to = room(inputs * width)?;
        for rows in kernel.chunks((AT_ONCE / width).max(1) * outputs) {
            for row in rows.chunks_exact(outputs) {
                to.extend_from_slice(row);
                to.resize(to.len() + width - outputs, 0.0);
            }
            callback.check()?;
        }
        let mut all = room(width)?;
        all.extend_from_slice(bias.unwrap_or_default());
        all.resize(width, 0.0);
        Ok(Op::Dense {
            inputs,
            kernel: to,
            bias: all,
        })
    }
}

impl Plan {
    /// Freezes a model that has weights, whose copying takes time.
    pub fn new(model: &Model, callback: &mut dyn Callback) -> Result<Plan> {
        if model.weights().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "the model has no weights yet",
            ));
        }
        let mut ops = Vec::new();
        let mut widest = model.inputs();
        for place in &model.network.places {
            let weights = &model.weights()[place.offset..place.offset + place.parameters];
            ops.extend(place.layer.kind().freeze(place.inputs, weights, callback)?);
            widest = widest.max(place.outputs);
        }
        ops.retain(|op| {
            !matches!(
                op,
                Op::Activate {
                    activation: Activation::Linear,
                    ..
                }
            )
        });
        Ok(Plan {
            ops,
            head: model.head,
            loss: model.loss(),
            inputs: model.inputs(),
            outputs: model.outputs(),
            widest: padded(widest),
        })
    }

    /// Bytes this plan holds.
    pub fn bytes(&self) -> usize {
        let op = |op: &Op| match op {
            Op::Dense { kernel, bias, .. } => 4 * (kernel.capacity() + bias.capacity()),
            Op::Activate { .. } => 0,
        };
        size_of::<Plan>()
            + self.ops.capacity() * size_of::<Op>()
            + self.ops.iter().map(op).sum::<usize>()
    }

    /// New buffers for [`Plan::run`].
    pub fn scratch(&self) -> PlanScratch {
        PlanScratch {
            inputs: self.inputs,
            rows: [vec![0.0; self.widest], vec![0.0; self.widest]],
            logits: vec![0.0; self.outputs],
            result: vec![0.0; self.outputs],
        }
    }

    /// Width of a row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Scores the row in `scratch`: probabilities for class targets, else the (standardised) value. Allocates nothing.
    pub fn run<'s>(&self, scratch: &'s mut PlanScratch) -> &'s [f32] {
        let [mut here, mut there] = scratch.rows.each_mut().map(Vec::as_mut_slice);
        for op in &self.ops {
            match op {
                Op::Dense {
                    inputs,
                    kernel,
                    bias,
                    ..
                } => {
                    row::row(&here[..*inputs], kernel, bias, &mut there[..bias.len()]);
                    std::mem::swap(&mut here, &mut there);
                }
                Op::Activate {
                    activation: Activation::Softmax,
                    width,
                } => {
                    activate::forward(Activation::Softmax, *width, &mut here[..*width]);
                }
                // Whole registers are faster; what stands in the padding is never read.
                Op::Activate { activation, width } => {
                    activate::forward(*activation, *width, &mut here[..padded(*width)])
                }
            }
        }
        scratch.logits.copy_from_slice(&here[..self.outputs]);
        scratch.result.copy_from_slice(&scratch.logits);
        activate::forward(self.head, self.outputs, &mut scratch.result);
        &scratch.result
    }

    /// The model's loss for the row last run, in its stable form, against `target` as in [`crate::Batch`].
    pub fn loss(&self, scratch: &PlanScratch, target: &[f32]) -> f64 {
        self.loss.of_row(&scratch.logits, target)
    }
}
