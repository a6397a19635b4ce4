//! `GRU` (Keras: `keras.layers.GRU`; Cho et al. 2014): gates z, r of x W + b + h U + c, the candidate
//! n = tanh(x W_n + b_n + r (h U_n + c_n)), h = z h + (1 - z) n. Without `reset_after` n = tanh(x W_n + b_n + (r h) U_n), and
//! there is no c.

use super::settings::{SHARED, shared_and, slope};
use super::{Apply, Back, Cell, Forth, Recurrence};
use crate::config::Config;
use crate::kernels::gates;
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
            let r = &gates[units..];
            for ((candidate, r), recurrent) in candidate.iter_mut().zip(r).zip(recurrent) {
                *candidate += r * recurrent;
            }
        } else {
            for (candidate, recurrent) in candidate.iter_mut().zip(recurrent) {
                *candidate += recurrent;
            }
        }
        f(self.activation, candidate);
        let made = gates.iter().zip(step.before).zip(candidate);
        for (h, ((z, before), n)) in step.h.iter_mut().zip(made) {
            *h = z * before + (1.0 - z) * *n;
        }
    }

    fn backward(&self, step: Back<'_>) {
        let (before, dh) = (step.before, step.dh);
        match (self.activation, self.recurrent_activation) {
            _ if !self.reset_after => {
                open_back(
                    step.gates,
                    step.recurrent,
                    before,
                    dh,
                    self.activation,
                    self.recurrent_activation,
                );
            }
            (Activation::Tanh, Activation::Sigmoid) => {
                gates::gru_of_tanh(step.gates, step.recurrent, before, dh);
            }
            (f, gate) => {
                gates::gru(
                    step.gates,
                    step.recurrent,
                    before,
                    dh,
                    slope(f),
                    slope(gate),
                );
            }
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

/// The way back through z and n where r is still open: [`Cell::reset_back`] comes behind it.
fn open_back(
    gates: &mut [f32],
    recurrent: &mut [f32],
    before: &[f32],
    dh: &mut [f32],
    f: Activation,
    gate: Activation,
) {
    let (units, f, gate) = (dh.len(), slope(f), slope(gate));
    let (z, rest) = gates.split_at_mut(units);
    let n = &mut rest[units..];
    let (nothing, to_n) = recurrent.split_at_mut(2 * units);
    nothing.fill(0.0);
    for j in 0..units {
        let through = dh[j];
        let dn = through * (1.0 - z[j]) * f(n[j]);
        let dz = through * (before[j] - n[j]) * gate(z[j]);
        dh[j] = through * z[j];
        to_n[j] = dn;
        (z[j], n[j]) = (dz, dn);
    }
}
