//! `LSTM` (Keras: `keras.layers.LSTM`; Hochreiter and Schmidhuber 1997): gates i, f, g, o of x W + h U + b,
//! c = f c + i g, h = o tanh(c).

use super::settings::{SHARED, shared_and, sigmoid_slope, slope, tanh_slope};
use super::{Apply, Back, Cell, Forth, Recurrence};
use crate::config::Config;
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
        let gates = &*step.gates;
        for (j, c) in c.iter_mut().enumerate() {
            *c = gates[j] * gates[2 * units + j];
        }
        if !step.kept_before.is_empty() {
            for (j, c) in c.iter_mut().enumerate() {
                *c += gates[units + j] * step.kept_before[j];
            }
        }
        squashed.copy_from_slice(c);
        f(self.activation, squashed);
        for (j, h) in step.h.iter_mut().enumerate() {
            *h = gates[3 * units + j] * squashed[j];
        }
    }

    fn backward(&self, step: Back<'_>) {
        match (self.activation, self.recurrent_activation) {
            (Activation::Tanh, Activation::Sigmoid) => back(step, tanh_slope, sigmoid_slope),
            (f, gate) => back(step, slope(f), slope(gate)),
        }
    }
}

#[inline(always)]
fn back(step: Back<'_>, f: impl Fn(f32) -> f32, gate: impl Fn(f32) -> f32) {
    let units = step.h.len();
    let squashed = &step.kept[units..];
    let (i, rest) = step.gates.split_at_mut(units);
    let (forget, rest) = rest.split_at_mut(units);
    let (g, o) = rest.split_at_mut(units);
    for j in 0..units {
        let dh = step.dh[j];
        let dc = step.carried[j] + dh * o[j] * f(squashed[j]);
        let before = step.kept_before.get(j).copied().unwrap_or(0.0);
        let (was_i, was_f, was_g, was_o) = (i[j], forget[j], g[j], o[j]);
        i[j] = dc * was_g * gate(was_i);
        forget[j] = dc * before * gate(was_f);
        g[j] = dc * was_i * f(was_g);
        o[j] = dh * squashed[j] * gate(was_o);
        step.carried[j] = dc * was_f;
        // All of it comes through U.
        step.dh[j] = 0.0;
    }
}
