//! From a model's layers to the steps of a [`Plan`].

use super::{Places, Plan, Table};
use crate::kernels::aligned::Aligned;
use crate::kernels::score::{
    Dense, FEW, Form, GROUP, NARROW, Op, SPARSE, Step, chains, few_columns,
};
use crate::layer::front::Front;
use crate::weights::{AT_ONCE, room};
use crate::{Activation, Callback, Error, ErrorKind, Model, Result};

/// What scoring does in a layer's place; a layer's `freeze` says which.
#[derive(Debug)]
pub(crate) enum Frozen<'w> {
    /// y = f(x w + b)
    Dense {
        units: usize,
        /// (inputs, units)
        kernel: &'w [f32],
        /// (units), or empty
        bias: &'w [f32],
        activation: Activation,
    },
    /// A step of the layer's own.
    Own(Box<dyn Step>),
    /// y = f(y)
    Activate {
        units: usize,
        activation: Activation,
    },
}

impl Plan {
    /// Freezes a model that has weights, whose copying takes time.
    pub fn new(model: &Model, callback: &mut dyn Callback) -> Result<Plan> {
        let (mut plan, places) = Self::freeze(model, false, callback)?;
        plan.tables = places.tables;
        Ok(plan)
    }

    /// As [`Plan::new`], for finite inputs of which most may be 0. Also says where each input goes, which the plan then
    /// does not know itself.
    pub(crate) fn sparse(model: &Model, callback: &mut dyn Callback) -> Result<(Plan, Places)> {
        Self::freeze(model, true, callback)
    }

    fn freeze(model: &Model, prune: bool, callback: &mut dyn Callback) -> Result<(Plan, Places)> {
        if model.weights().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "the model has no weights yet",
            ));
        }
        let front = &model.network.front;
        let mut rows: Vec<Option<u32>> = room(front.outputs)?;
        rows.extend((0..).map(Some).take(front.outputs));
        let mut ops = Vec::new();
        let mut widest = model.outputs();
        for place in &model.network.places {
            let weights = &model.weights()[place.offset..place.offset + place.parameters];
            let frozen = place.layer.kind().freeze(place.input, weights, callback)?;
            let Some(frozen) = frozen else {
                continue;
            };
            widest = widest.max(place.output.width());
            match frozen {
                Frozen::Activate {
                    activation: Activation::Linear,
                    ..
                } => {}
                Frozen::Own(step) => {
                    let (inputs, outputs) = (place.input.width(), place.output.width());
                    if ops.is_empty() {
                        widest = widest.max(inputs);
                        let kept = model.network.is_masked();
                        ops.push(Op::Expand { inputs, kept });
                    }
                    ops.push(Op::Own {
                        step,
                        inputs,
                        outputs,
                        masked: place.masked,
                    });
                }
                Frozen::Activate { units, activation } => match ops.last_mut() {
                    Some(Op::Dense(dense)) if dense.activation == Activation::Linear => {
                        dense.activation = activation;
                    }
                    last => {
                        if last.is_none() {
                            widest = widest.max(units);
                            let (inputs, kept) = (units, false);
                            ops.push(Op::Expand { inputs, kept });
                        }
                        ops.push(Op::Activate { activation, units });
                    }
                },
                Frozen::Dense {
                    units,
                    kernel,
                    bias,
                    activation,
                } => {
                    let first = ops.is_empty();
                    if first && prune {
                        leave_out(&mut rows, front, kernel, units);
                    }
                    let form = match units {
                        1..=FEW if first => Form::Few,
                        _ if first => Form::First,
                        1..=NARROW => Form::Dots,
                        _ if units > SPARSE && behind_relu(&ops) => Form::Sparse,
                        _ => Form::Later,
                    };
                    let source = Source {
                        kernel,
                        units,
                        live: first.then_some(rows.as_slice()),
                        callback,
                    };
                    ops.push(Op::Dense(source.dense(form, bias, activation)?));
                }
            }
        }
        let places = places(model, rows, callback)?;
        let plan = Plan {
            ops,
            tables: Vec::new(),
            head: model.head,
            loss: model.loss(),
            inputs: model.inputs(),
            outputs: model.outputs(),
            wide: front.outputs,
            widest,
            vectors: model
                .sequential()
                .takes_indices()
                .map(|embedding| embedding.input_dim),
        };
        Ok((plan, places))
    }
}

/// The places of the inputs, given those of what the embeddings make of them.
fn places(model: &Model, rows: Vec<Option<u32>>, callback: &mut dyn Callback) -> Result<Places> {
    let front = &model.network.front;
    if front.is_empty() {
        return Ok(Places {
            rows,
            tables: Vec::new(),
        });
    }
    let mut places = Places {
        rows: room(front.inputs)?,
        tables: Vec::new(),
    };
    let mut from = 0;
    for table in &front.tables {
        places.rows.extend_from_slice(&rows[from..table.column]);
        places.rows.push(None);
        from = table.column + table.dim;
        let row = rows[table.column].unwrap_or_default();
        let frozen = Table::new(table, row, model.weights(), callback)?;
        places.tables.push(frozen);
    }
    places.rows.extend_from_slice(&rows[from..]);
    Ok(places)
}

/// Whether the last step leaves many numbers 0.
fn behind_relu(ops: &[Op]) -> bool {
    match ops.last() {
        Some(Op::Dense(Dense { activation, .. }) | Op::Activate { activation, .. }) => {
            *activation == Activation::Relu
        }
        _ => false,
    }
}

/// Numbers the rows of a first kernel (rows, units) anew, without those that are all 0: finite inputs times 0 add nothing.
/// Those of a vector stay, so that they are side by side.
fn leave_out(rows: &mut [Option<u32>], front: &Front, kernel: &[f32], units: usize) {
    let mut next = 0;
    let mut tables = front.tables.iter().peekable();
    for (i, (row, weights)) in rows.iter_mut().zip(kernel.chunks_exact(units)).enumerate() {
        while tables
            .next_if(|table| table.column + table.dim <= i)
            .is_some()
        {}
        let embedded = tables.peek().is_some_and(|table| table.column <= i);
        let matters = embedded || weights.iter().any(|w| *w != 0.0);
        *row = matters.then_some(next);
        next += u32::from(matters);
    }
}

/// A kernel (inputs, units) to be laid out for scoring.
pub(super) struct Source<'a> {
    pub kernel: &'a [f32],
    pub units: usize,
    /// Of a first layer, where each input's row goes.
    pub live: Option<&'a [Option<u32>]>,
    pub callback: &'a mut dyn Callback,
}

impl Source<'_> {
    /// The layer with this kernel; `bias` may be empty.
    pub fn dense(mut self, form: Form, bias: &[f32], activation: Activation) -> Result<Dense> {
        let (rows, kernel) = self.packed(form)?;
        let mut padded = Aligned::zeros(self.units, self.callback)?;
        padded.floats_mut()[..bias.len()].copy_from_slice(bias);
        Ok(Dense {
            form,
            rows,
            units: self.units,
            kernel,
            bias: padded,
            activation,
        })
    }

    /// Rows and kernel as [`Form`] says.
    fn packed(&mut self, form: Form) -> Result<(usize, Aligned)> {
        let units = self.units;
        let inputs = match self.live {
            Some(live) => live.iter().flatten().count(),
            None => self.kernel.len() / units,
        };
        match form {
            Form::Few => {
                let columns = few_columns(units);
                let mut to = Aligned::zeros(inputs * columns, self.callback)?;
                let floats = to.floats_mut();
                self.each(|row, weights| {
                    floats[row * columns..][..units].copy_from_slice(weights);
                })?;
                Ok((inputs, to))
            }
            Form::Dots => {
                let width = inputs.next_multiple_of(16);
                let mut to = Aligned::zeros(width * units, self.callback)?;
                let floats = to.floats_mut();
                self.each(|row, weights| {
                    for (unit, w) in weights.iter().enumerate() {
                        floats[unit * width + row] = *w;
                    }
                })?;
                Ok((inputs, to))
            }
            Form::First | Form::Sparse | Form::Later => {
                let rows = match form {
                    Form::First | Form::Sparse => inputs,
                    _ => inputs.next_multiple_of(chains(units)),
                };
                let lines = units.div_ceil(16);
                let mut to = Aligned::zeros(rows * lines * 16, self.callback)?;
                let floats = to.floats_mut();
                self.each(|row, weights| {
                    for (group, weights) in weights.chunks(GROUP * 16).enumerate() {
                        let before = group * GROUP;
                        let width = (lines - before).min(GROUP);
                        let at = 16 * (rows * before + row * width);
                        floats[at..at + weights.len()].copy_from_slice(weights);
                    }
                })?;
                Ok((rows, to))
            }
        }
    }

    /// Hands out every row that matters, asking the callback now and then.
    fn each(&mut self, mut place: impl FnMut(usize, &[f32])) -> Result<()> {
        let at_once = (AT_ONCE / self.units).max(1);
        let rows = self.kernel.chunks_exact(self.units);
        for (input, weights) in rows.enumerate() {
            if input.is_multiple_of(at_once) {
                self.callback.check()?;
            }
            match self.live {
                None => place(input, weights),
                Some(live) => {
                    if let Some(Some(row)) = live.get(input) {
                        place(*row as usize, weights);
                    }
                }
            }
        }
        Ok(())
    }
}
