//! `GRU` (Keras: `keras.layers.GRU`; Cho et al. 2014): gates z, r of x W + b + h U + c, the candidate
//! n = tanh(x W_n + b_n + r (h U_n + c_n)), h = z h + (1 - z) n. Without `reset_after` n = tanh(x W_n + b_n + (r h) U_n), and
//! there is no c.

use super::settings::{SHARED, shared_and, sigmoid_slope, slope, tanh_slope};
use super::{Apply, Back, Cell, Forth, Recurrence};
use crate::config::Config;
use crate::layer::VariableSpec;
use crate::{Activation, Result, Shape};
use serde_json::{Map, Value};

/// Gated recurrent unit (Keras: `GRU`).
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    /// What it shares with other recurrent layers.
    pub settings: Recurrence,
    /// Whether the reset gate comes after the product with the recurrent kernel.
    pub reset_after: bool,
}

impl Gru {
    /// `GRU(units)` with Keras's defaults.
    pub fn new(units: usize) -> Self {
        Self {
            settings: Recurrence::new(units),
            reset_after: true,
        }
    }

    fn known() -> &'static [&'static str] {
        const KNOWN: [&str; SHARED.len() + 1] = shared_and("reset_after");
        &KNOWN
    }

    fn read(name: Option<String>, config: &Config) -> Result<Self> {
        Ok(Self {
            settings: Recurrence::read("GRU", name, config)?,
            reset_after: config.flag("reset_after", true)?,
        })
    }

    fn write(&self) -> Map<String, Value> {
        let mut map = self.settings.write(true);
        map.insert("reset_after".into(), self.reset_after.into());
        map
    }

    fn all_variables(&self, input: Shape) -> Vec<VariableSpec> {
        self.settings.variables(
            "gru_cell",
            input,
            GruCell::GATES,
            1 + usize::from(self.reset_after),
        )
    }

    fn cell(&self) -> GruCell {
        GruCell {
            activation: self.settings.activation,
            recurrent_activation: self.settings.recurrent_activation,
            reset_after: self.reset_after,
        }
    }
}

recurrent_kind!(Gru, "GRU");

/// One step of a GRU.
#[derive(Debug)]
pub(super) struct GruCell {
    activation: Activation,
    recurrent_activation: Activation,
    reset_after: bool,
}

impl Cell for GruCell {
    const GATES: usize = 3;
    const APART: bool = true;

    /// r h
    fn kept(&self) -> usize {
        usize::from(!self.reset_after)
    }

    fn resets(&self) -> bool {
        !self.reset_after
    }

    fn reset(&self, gates: &mut [f32], recurrent: &[f32], h: &[f32], kept: &mut [f32], f: Apply) {
        let units = h.len();
        self.open(&mut gates[..2 * units], recurrent, f);
        for ((kept, r), h) in kept.iter_mut().zip(&gates[units..]).zip(h) {
            *kept = r * h;
        }
    }

    fn forward(&self, step: Forth<'_>, f: Apply) {
        let units = step.h.len();
        let (gates, candidate) = step.gates.split_at_mut(2 * units);
        let recurrent = &step.recurrent[2 * units..];
        if self.reset_after {
            self.open(gates, step.recurrent, f);
            for (j, candidate) in candidate.iter_mut().enumerate() {
                *candidate += gates[units + j] * recurrent[j];
            }
        } else {
            for (candidate, recurrent) in candidate.iter_mut().zip(recurrent) {
                *candidate += recurrent;
            }
        }
        f(self.activation, candidate);
        for (j, h) in step.h.iter_mut().enumerate() {
            *h = gates[j] * step.before[j] + (1.0 - gates[j]) * candidate[j];
        }
    }

    fn backward(&self, step: Back<'_>) {
        let after = self.reset_after;
        match (self.activation, self.recurrent_activation) {
            (Activation::Tanh, Activation::Sigmoid) => {
                back(step, after, tanh_slope, sigmoid_slope);
            }
            (f, gate) => back(step, after, slope(f), slope(gate)),
        }
    }

    fn reset_back(&self, gates: &mut [f32], recurrent: &mut [f32], h: &[f32], through: &mut [f32]) {
        let (units, gate) = (h.len(), slope(self.recurrent_activation));
        recurrent[2 * units..].fill(0.0);
        for j in 0..units {
            let (through, r) = (&mut through[j], &mut gates[units + j]);
            let dr = *through * h[j] * gate(*r);
            *through *= *r;
            *r = dr;
            recurrent[j] = gates[j];
            recurrent[units + j] = dr;
        }
    }
}

impl GruCell {
    /// Adds what came through the recurrent kernel to z and r, and makes gates of them.
    fn open(&self, gates: &mut [f32], recurrent: &[f32], f: Apply) {
        for (gate, recurrent) in gates.iter_mut().zip(recurrent) {
            *gate += recurrent;
        }
        f(self.recurrent_activation, gates);
    }
}

#[inline(always)]
fn back(step: Back<'_>, after: bool, f: impl Fn(f32) -> f32, gate: impl Fn(f32) -> f32) {
    let units = step.h.len();
    let (z, rest) = step.gates.split_at_mut(units);
    let (r, n) = rest.split_at_mut(units);
    for j in 0..units {
        let dh = step.dh[j];
        let through = step.recurrent[2 * units + j];
        let dn = dh * (1.0 - z[j]) * f(n[j]);
        let dz = dh * (step.before[j] - n[j]) * gate(z[j]);
        step.dh[j] = dh * z[j];
        if !after {
            // r is still open: see `reset_back`.
            step.recurrent[j] = 0.0;
            step.recurrent[units + j] = 0.0;
            step.recurrent[2 * units + j] = dn;
            (z[j], n[j]) = (dz, dn);
            continue;
        }
        let dr = dn * through * gate(r[j]);
        step.recurrent[j] = dz;
        step.recurrent[units + j] = dr;
        step.recurrent[2 * units + j] = dn * r[j];
        (z[j], r[j], n[j]) = (dz, dr, dn);
    }
}
