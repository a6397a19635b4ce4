//! `SimpleRNN` (Keras: `keras.layers.SimpleRNN`; Elman 1990): h = tanh(x W + h U + b).

use super::settings::{SHARED, slope};
use super::{Apply, Back, Cell, Forth, Recurrence};
use crate::config::Config;
use crate::kernels::slope::of_tanh;
use crate::layer::VariableSpec;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value};

/// A recurrent layer whose output goes back in (Keras: `SimpleRNN`).
#[derive(Debug, Clone, PartialEq)]
pub struct SimpleRnn {
    /// What it shares with other recurrent layers.
    pub settings: Recurrence,
}

impl SimpleRnn {
    /// `SimpleRNN(units)` with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            settings: Recurrence::new(units),
        }
    }

    fn known() -> &'static [&'static str] {
        &SHARED
    }

    fn read(name: Option<String>, config: &Config) -> Result<Self> {
        config.refuse(&["recurrent_activation"])?;
        Ok(Self {
            settings: Recurrence::read("SimpleRNN", name, config)?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        self.settings.write(false)
    }

    fn all_variables(&self, input: Shape) -> Vec<VariableSpec> {
        self.settings
            .variables("simple_rnn_cell", input, SimpleCell::GATES, 1)
    }

    fn cell(&self) -> SimpleCell {
        SimpleCell {
            activation: self.settings.activation,
        }
    }
}

recurrent_kind!(SimpleRnn, "SimpleRNN");

/// One step of a SimpleRNN.
#[derive(Debug)]
pub(super) struct SimpleCell {
    activation: Activation,
}

impl Cell for SimpleCell {
    const GATES: usize = 1;
    const APART: bool = false;

    fn forward(&self, step: Forth<'_>, f: Apply) {
        for (gate, recurrent) in step.gates.iter_mut().zip(step.recurrent) {
            *gate += recurrent;
        }
        f(self.activation, step.gates);
        step.h.copy_from_slice(step.gates);
    }

    fn backward(&self, step: Back<'_>) {
        match self.activation {
            Activation::Tanh => back(step, of_tanh),
            f => back(step, slope(f)),
        }
    }
}

#[inline(always)]
fn back(step: Back<'_>, f: impl Fn(f32) -> f32) {
    for ((gate, dh), h) in step.gates.iter_mut().zip(step.dh).zip(step.h) {
        *gate = *dh * f(*h);
        // All of it comes through U.
        *dh = 0.0;
    }
}
