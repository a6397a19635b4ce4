//! `GRU` (Keras: `keras.layers.GRU` with `reset_after`; Cho et al. 2014): gates z, r of x W + b + h U + c, the candidate
//! n = tanh(x W_n + b_n + r (h U_n + c_n)), h = z h + (1 - z) n.

use super::settings::{SHARED, shared_and, sigmoid_slope, slope, tanh_slope};
use super::{Apply, Back, Cell, Forth, Recurrence};
use crate::config::Config;
use crate::layer::VariableSpec;
use crate::{Activation, Error, ErrorKind, Result, Shape};
use serde_json::{Map, Value};

/// Gated recurrent unit (Keras: `GRU`).
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    /// What it shares with other recurrent layers.
    pub settings: Recurrence,
}

impl Gru {
    /// `GRU(units)` with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            settings: Recurrence::new(units),
        }
    }

    fn known() -> &'static [&'static str] {
        const KNOWN: [&str; SHARED.len() + 1] = shared_and("reset_after");
        &KNOWN
    }

    fn read(name: Option<String>, config: &Config) -> Result<Self> {
        if !config.flag("reset_after", true)? {
            return Err(Error::new(
                ErrorKind::NotSupported,
                "reset_after false of GRU is not supported",
            ));
        }
        Ok(Self {
            settings: Recurrence::read("GRU", name, config)?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        let mut map = self.settings.write(true);
        map.insert("reset_after".into(), true.into());
        map
    }

    fn all_variables(&self, input: Shape) -> Vec<VariableSpec> {
        self.settings
            .variables("gru_cell", input, GruCell::GATES, 2)
    }

    fn cell(&self) -> GruCell {
        GruCell {
            activation: self.settings.activation,
            recurrent_activation: self.settings.recurrent_activation,
        }
    }
}

recurrent_kind!(Gru, "GRU");

/// One step of a GRU.
#[derive(Debug)]
pub(super) struct GruCell {
    activation: Activation,
    recurrent_activation: Activation,
}

impl Cell for GruCell {
    const GATES: usize = 3;
    const KEPT: usize = 0;
    const APART: bool = true;

    fn forward(&self, step: Forth<'_>, f: Apply) {
        let units = step.h.len();
        let (gates, candidate) = step.gates.split_at_mut(2 * units);
        for (gate, recurrent) in gates.iter_mut().zip(step.recurrent) {
            *gate += recurrent;
        }
        f(self.recurrent_activation, gates);
        let recurrent = &step.recurrent[2 * units..];
        for (j, candidate) in candidate.iter_mut().enumerate() {
            *candidate += gates[units + j] * recurrent[j];
        }
        f(self.activation, candidate);
        for (j, h) in step.h.iter_mut().enumerate() {
            *h = gates[j] * step.before[j] + (1.0 - gates[j]) * candidate[j];
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
    let (z, rest) = step.gates.split_at_mut(units);
    let (r, n) = rest.split_at_mut(units);
    for j in 0..units {
        let dh = step.dh[j];
        let through = step.recurrent[2 * units + j];
        let dn = dh * (1.0 - z[j]) * f(n[j]);
        let dz = dh * (step.before[j] - n[j]) * gate(z[j]);
        let dr = dn * through * gate(r[j]);
        step.dh[j] = dh * z[j];
        step.recurrent[j] = dz;
        step.recurrent[units + j] = dr;
        step.recurrent[2 * units + j] = dn * r[j];
        (z[j], r[j], n[j]) = (dz, dr, dn);
    }
}
