//! `LSTM` (Keras: `keras.layers.LSTM`; Hochreiter and Schmidhuber 1997): gates i, f, g, o of x W + h U + b,
//! c = f c + i g, h = o tanh(c).

use super::settings::{SHARED, shared_and, slope};
use super::{Apply, Back, Cell, Forth, Recurrence};
use crate::config::Config;
use crate::kernels::gates;
use crate::layer::VariableSpec;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value, json};

/// Long short-term memory (Keras: `LSTM`).
#[derive(Debug, Clone, PartialEq)]
pub struct Lstm {
    /// What it shares with other recurrent layers.
    pub settings: Recurrence,
    /// Whether the bias of the forget gate begins with ones.
    pub unit_forget_bias: bool,
}

impl Lstm {
    /// `LSTM(units)` with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            settings: Recurrence::new(units),
            unit_forget_bias: true,
        }
    }

    fn known() -> &'static [&'static str] {
        const KNOWN: [&str; SHARED.len() + 1] = shared_and("unit_forget_bias");
        &KNOWN
    }

    fn read(name: Option<String>, config: &Config) -> Result<Self> {
        Ok(Self {
            settings: Recurrence::read("LSTM", name, config)?,
            unit_forget_bias: config.flag("unit_forget_bias", true)?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        let mut map = self.settings.write(true);
        map.insert("unit_forget_bias".into(), json!(self.unit_forget_bias));
        map
    }

    fn all_variables(&self, input: Shape) -> Vec<VariableSpec> {
        let mut variables = self
            .settings
            .variables("lstm_cell", input, LstmCell::GATES, 1);
        if let Some(bias) = variables.get_mut(2) {
            bias.unit_forget = self.unit_forget_bias;
        }
        variables
    }

    fn cell(&self) -> LstmCell {
        LstmCell {
            activation: self.settings.activation,
            recurrent_activation: self.settings.recurrent_activation,
        }
    }
}

recurrent_kind!(Lstm, "LSTM");

/// One step of an LSTM.
#[derive(Debug)]
pub(super) struct LstmCell {
    activation: Activation,
    recurrent_activation: Activation,
}

impl Cell for LstmCell {
    const GATES: usize = 4;
    const APART: bool = false;

    /// c and f(c)
    fn kept(&self) -> usize {
        2
    }

    fn forward(&self, step: Forth<'_>, f: Apply) {
        let units = step.h.len();
        for (gate, recurrent) in step.gates.iter_mut().zip(step.recurrent) {
            *gate += recurrent;
        }
        f(self.recurrent_activation, &mut step.gates[..2 * units]);
        f(self.activation, &mut step.gates[2 * units..3 * units]);
        f(self.recurrent_activation, &mut step.gates[3 * units..]);
        let (c, squashed) = step.kept.split_at_mut(units);
        let (i, rest) = step.gates.split_at(units);
        let (forget, rest) = rest.split_at(units);
        let (g, o) = rest.split_at(units);
        for ((c, i), g) in c.iter_mut().zip(i).zip(g) {
            *c = i * g;
        }
        // Of the first step nothing: there is no c before.
        for ((c, forget), before) in c.iter_mut().zip(forget).zip(step.kept_before) {
            *c += forget * before;
        }
        squashed.copy_from_slice(c);
        f(self.activation, squashed);
        for ((h, o), squashed) in step.h.iter_mut().zip(o).zip(squashed) {
            *h = o * *squashed;
        }
    }

    fn backward(&self, step: Back<'_>) {
        let squashed = &step.kept[step.h.len()..];
        let (before, dh, carried) = (step.kept_before, step.dh, step.carried);
        match (self.activation, self.recurrent_activation) {
            (Activation::Tanh, Activation::Sigmoid) => {
                gates::lstm_of_tanh(step.gates, squashed, before, dh, carried);
            }
            (f, gate) => {
                let (f, gate) = (slope(f), slope(gate));
                gates::lstm(step.gates, squashed, before, dh, carried, f, gate);
            }
        }
    }
}
