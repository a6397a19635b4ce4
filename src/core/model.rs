//! The compiled model: description, network, weights and optimizer state.

use crate::compile::check_metrics;
use crate::config::invalid;
use crate::feed::Plan;
use crate::initializer::Draw;
use crate::layer::front::{self, Table};
use crate::metric::logged_names;
use crate::network::{Network, Place};
use crate::norms::Norms;
use crate::optimizer::{MOST_SLOTS, Step};
use crate::shard::Cut;
use crate::weights::{AT_ONCE, zeros};
use crate::{
    Activation, Callback, EmbeddingInput, Error, ErrorKind, Initializer, Inputs, Loss, Metric,
    Optimizer, Result, Sequential, Standard, Task,
};

/// One variable: a slice of the flat weight vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Keras's path: `dense_1/kernel`.
    pub path: String,
    /// (vocabulary, dim) of embeddings, (inputs, outputs) of a kernel, (outputs) of a bias.
    pub shape: Vec<usize>,
    /// Where it begins in [`Model::weights`].
    pub offset: usize,
}

/// A compiled model: the only type that can `fit`.
#[derive(Debug, Clone)]
pub struct Model {
    sequential: Sequential,
    pub(crate) network: Network,
    /// What makes final outputs of the network's.
    pub(crate) head: Activation,
    task: Task,
    pub(crate) optimizer: Optimizer,
    loss: Loss,
    metrics: Vec<Metric>,
    /// The names that metrics are logged under.
    metric_names: Vec<String>,
    target_scales: Vec<Standard>,
    variables: Vec<Variable>,
    pub(crate) weights: Vec<f32>,
    pub(crate) state: OptimizerState,
}

/// What the optimizer remembers between steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptimizerState {
    /// Steps taken.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u32,
    /// One vector per slot, as long as the weights; empty before the first `fit`.
    pub slots: [Vec<f32>; MOST_SLOTS],
    /// The learning rate that a callback has set in place of the optimizer's.
    pub rate: Option<f64>,
}

/// Small things and allocator rounding.
const OVERHEAD: u64 = 64 << 10;

impl Model {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        sequential: Sequential,
        network: Network,
        head: Activation,
        task: Task,
        optimizer: Optimizer,
        loss: Loss,
        metrics: Vec<Metric>,
        target_scale: f64,
    ) -> Result<Model> {
        let table = |table: &Table| Variable {
            path: format!("{}/{}", table.name, front::VARIABLE),
            shape: vec![table.vocabulary, table.dim],
            offset: table.offset,
        };
        let mut variables: Vec<_> = network.front.tables.iter().map(table).collect();
        for (place, layer) in network.places.iter().zip(&sequential.layers) {
            let mut offset = place.offset;
            for spec in place.layer.kind().variables(place.input) {
                let path = format!(
                    "{}/{}",
                    layer.kind().name().as_deref().unwrap_or_default(),
                    spec.name
                );
                let size = spec.size();
                variables.push(Variable {
                    path,
                    shape: spec.shape,
                    offset,
                });
                offset += size;
            }
        }
        let state = OptimizerState::default();
        Ok(Model {
            sequential,
            network,
            head,
            task,
            optimizer,
            loss,
            metric_names: logged_names(&metrics),
            metrics,
            target_scales: vec![Standard {
                mean: 0.0,
                std: target_scale,
            }],
            variables,
            weights: Vec::new(),
            state,
        })
    }

    /// Draws first weights from `seed`.
    pub fn initialize(&mut self, seed: u64, callback: &mut dyn Callback) -> Result<()> {
        let mut weights = zeros(self.parameters(), callback)?;
        let mut number = 0;
        for table in &self.network.front.tables {
            let all = &mut weights[table.offset..table.offset + table.parameters()];
            let shape = [table.vocabulary, table.dim];
            let draw = Draw { seed, number };
            Initializer::UNIFORM.fill(all, &shape, draw, callback)?;
            // The place of what training never sees adds nothing as long as it does not.
            all[..table.dim].fill(0.0);
            number += 1;
        }
        for place in &self.network.places {
            let mut offset = place.offset;
            for spec in place.layer.kind().variables(place.input) {
                let size = spec.size();
                let w = &mut weights[offset..offset + size];
                spec.fill(w, Draw { seed, number }, callback)?;
                offset += size;
                number += 1;
            }
        }
        self.weights = weights;
        self.state = OptimizerState::default();
        Ok(())
    }

    /// The description, names filled in.
    pub fn sequential(&self) -> &Sequential {
        &self.sequential
    }

    /// Width of a row.
    pub fn inputs(&self) -> usize {
        self.network.inputs
    }

    /// The inputs that are indices, each with its table.
    pub fn embeddings(&self) -> impl Iterator<Item = EmbeddingInput> {
        let tables = self.network.front.tables.iter();
        tables.map(|table| EmbeddingInput {
            input: table.input,
            vocabulary: table.vocabulary,
            dim: table.dim,
        })
    }

    /// Width of a row and its embeddings, as `compile` took them.
    pub fn row(&self) -> Inputs {
        Inputs {
            width: self.inputs(),
            embeddings: self.embeddings().collect(),
        }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.network.outputs
    }

    /// What the model is for.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The learning rate of the next step.
    pub(crate) fn learning_rate(&self) -> f64 {
        let steps = self.state.steps;
        let own = || self.optimizer.learning_rate(steps);
        self.state.rate.unwrap_or_else(own)
    }

    /// The next step, which counts as taken.
    pub(crate) fn next_step(&mut self) -> Step {
        let rate = self.learning_rate();
        self.state.steps += 1;
        self.optimizer.step(self.state.steps, rate)
    }

    /// The loss.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The metrics, without `loss`.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The names that [`Model::metrics`] are logged under.
    pub fn metric_names(&self) -> &[String] {
        &self.metric_names
    }

    /// See [`Sequential::compile`].
    pub fn target_scales(&self) -> &[Standard] {
        &self.target_scales
    }

    /// Gives each target a scale of its own: see [`Sequential::compile`]. None leave the one of all targets.
    pub fn with_target_scales(mut self, scales: Vec<Standard>) -> Result<Model> {
        if scales.is_empty() {
            return Ok(self);
        }
        if scales.len() != self.targets() {
            let message = format!(
                "{} targets cannot have {} scales",
                self.targets(),
                scales.len()
            );
            return Err(invalid(message));
        }
        let fits = |it: &&Standard| it.mean.is_finite() && it.std.is_finite() && it.std > 0.0;
        if let Some(Standard { mean, std }) = scales.iter().find(|it| !fits(it)) {
            return Err(invalid(format!(
                "a target cannot have the mean {mean} and the scale {std}"
            )));
        }
        self.target_scales = scales;
        Ok(self)
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        self.network.parameters
    }

    /// The variables, in the order of the weight vector.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// All weights; empty before `initialize` or `set_weights`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Takes weights in the order of [`Model::variables`]; checks length and finiteness. The optimizer starts anew.
    pub fn set_weights(&mut self, weights: Vec<f32>, callback: &mut dyn Callback) -> Result<()> {
        if weights.len() != self.parameters() {
            return Err(invalid(format!(
                "the model has {} weights, not {}",
                self.parameters(),
                weights.len()
            )));
        }
        for (i, piece) in weights.chunks(AT_ONCE).enumerate() {
            if let Some(bad) = piece.iter().position(|w| !w.is_finite()) {
                let message = format!("weight {} is {}", i * AT_ONCE + bad, piece[bad]);
                return Err(Error::new(ErrorKind::NotFinite, message));
            }
            callback.check()?;
        }
        self.weights = weights;
        self.state = OptimizerState::default();
        Ok(())
    }

    /// Goes on with `state` where it was left, with an optimizer of the same kind and perhaps with other metrics.
    pub(crate) fn go_on(
        &mut self,
        optimizer: Optimizer,
        metrics: Option<Vec<Metric>>,
        state: OptimizerState,
    ) -> Result<()> {
        let optimizer = Optimizer::parse(&optimizer.to_json().to_string())?;
        let same = optimizer == self.optimizer;
        self.optimizer = optimizer;
        if let Some(metrics) = metrics {
            self.metrics = check_metrics(metrics, self.task, self.network.outputs, self.loss)?;
            self.metric_names = logged_names(&self.metrics);
        }
        self.state = state;
        if !same {
            // What a callback made of another learning rate.
            self.state.rate = None;
        }
        Ok(())
    }

    /// Width of the targets in a batch.
    pub(crate) fn targets(&self) -> usize {
        match self.task {
            Task::Regression { outputs } => outputs,
            _ => 1,
        }
    }

    /// The most bytes [`Model::initialize`] holds.
    fn first_weights(&self) -> u64 {
        let variables = |place: &Place| place.layer.kind().variables(place.input);
        let variables = self.network.places.iter().flat_map(variables);
        let drawn = variables.map(|v| v.initializer.bytes(v.size()));
        4 * self.parameters() as u64 + drawn.max().unwrap_or(0)
    }

    /// The most bytes `fit` will hold at once in batches of up to `batch_size` rows on `threads` threads: weights,
    /// gradients, optimizer slots, activations, one batch, metrics and as many copies of the weights as callbacks `keep`.
    /// Asked before `initialize`, because nothing of it is taken before.
    pub fn memory(&self, batch_size: usize, keep: usize, threads: usize) -> Result<u64> {
        let network = &self.network;
        let cut = Cut::new(network);
        let (wanted, threads) = (threads, threads.clamp(1, cut.groups(batch_size).max(1)));
        let vectors = 1 + self.optimizer.slots() + buffers(&cut, batch_size, threads);
        let vectors = (vectors as u64).saturating_add(keep as u64);
        let clip = self.optimizer.clip();
        let norms = Norms::bytes(clip, network.parameters, self.variables.len());
        let all = || {
            let vectors = (network.parameters as u64)
                .checked_mul(4)?
                .checked_mul(vectors)?;
            let spaces = network
                .workspace_bytes(cut.rows.min(batch_size))?
                .checked_mul(threads as u64)?;
            // Groups keep their predictions for the metrics: at most one row each beyond the batch.
            let width = network.inputs.checked_add(self.targets())?;
            let rows = (batch_size as u64).checked_mul(network.outputs as u64)?;
            let fed = Plan::new(network, width, batch_size, wanted).rows() as u64;
            // Rows may have weights.
            let rows = fed
                .checked_mul(width as u64 + 1)?
                .checked_add(rows)?
                .checked_mul(4)?;
            let predictions = (cut.group_rows(batch_size) as u64)
                .checked_mul(network.outputs as u64)?
                .checked_mul(8)?;
            let metrics: u64 = self
                .metrics
                .iter()
                .map(|m| 2 * m.bytes(network.outputs))
                .sum();
            vectors
                .checked_add(spaces)?
                .checked_add(rows)?
                .checked_add(predictions)?
                .checked_add(metrics)?
                .checked_add(norms)
        };
        all()
            .map(|bytes| bytes.max(self.first_weights()))
            .and_then(|bytes| bytes.checked_add(OVERHEAD))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::OutOfMemory,
                    format!("a batch of {batch_size} rows needs more memory than can be counted"),
                )
                .hint("Make the model or the batch smaller.")
            })
    }
}

/// Gradient buffers at work together: one thread adds each group to the first as soon as it is done.
pub(crate) fn buffers(cut: &Cut, batch_size: usize, threads: usize) -> usize {
    let groups = cut.groups(batch_size).max(1);
    if threads > 1 { groups } else { groups.min(2) }
}

impl OptimizerState {
    /// Slots of `optimizer` for `parameters` weights, if there are none yet.
    pub fn prepare(
        &mut self,
        optimizer: &Optimizer,
        parameters: usize,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        for slot in self.slots.iter_mut().take(optimizer.slots()) {
            if slot.len() != parameters {
                *slot = zeros(parameters, callback)?;
                if optimizer.begins_with() != 0.0 {
                    fill(slot, optimizer.begins_with(), callback)?;
                }
            }
        }
        Ok(())
    }

    /// Forgets all but the epochs: what a gradient that is not finite has left is of no use.
    pub fn begin_anew(&mut self, optimizer: &Optimizer, callback: &mut dyn Callback) -> Result<()> {
        self.steps = 0;
        for slot in &mut self.slots {
            fill(slot, optimizer.begins_with(), callback)?;
        }
        Ok(())
    }
}

fn fill(slot: &mut [f32], value: f32, callback: &mut dyn Callback) -> Result<()> {
    for piece in slot.chunks_mut(AT_ONCE) {
        piece.fill(value);
        callback.check()?;
    }
    Ok(())
}
