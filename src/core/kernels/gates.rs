//! The way back through the gates of one step of a row of a recurrent layer. Every operation rounds by itself, so the bits
//! are the same with every instruction set.

use super::slope::{of_sigmoid, of_tanh};
use super::{Simd, dispatch};

dispatch!(
    /// [`lstm`] with tanh and sigmoid.
    pub(crate) fn lstm_of_tanh(
        gates: &mut [f32],
        squashed: &[f32],
        before: &[f32],
        dh: &mut [f32],
        carried: &mut [f32],
    ) = lstm_of_tanh_body
);

#[inline(always)]
fn lstm_of_tanh_body<S: Simd>(
    gates: &mut [f32],
    squashed: &[f32],
    before: &[f32],
    dh: &mut [f32],
    carried: &mut [f32],
) {
    lstm(gates, squashed, before, dh, carried, of_tanh, of_sigmoid);
}

/// `gates`: in: i, f, g, o; out: their gradients before their functions, whose slopes are `gate` and (of g) `f`. `squashed` is
/// f(c), `before` the c of the step before (empty: 0), `dh` the gradient of h (out: 0, since all of it comes through the recurrent
/// kernel), `carried` that of c (out: of the c before).
#[inline(always)]
pub(crate) fn lstm(
    gates: &mut [f32],
    squashed: &[f32],
    before: &[f32],
    dh: &mut [f32],
    carried: &mut [f32],
    f: impl Fn(f32) -> f32,
    gate: impl Fn(f32) -> f32,
) {
    if before.is_empty() {
        lstm_after(gates, squashed, |_| 0.0, dh, carried, f, gate);
    } else {
        let before = &before[..dh.len()];
        lstm_after(gates, squashed, |j| before[j], dh, carried, f, gate);
    }
}

#[inline(always)]
fn lstm_after(
    gates: &mut [f32],
    squashed: &[f32],
    before: impl Fn(usize) -> f32,
    dh: &mut [f32],
    carried: &mut [f32],
    f: impl Fn(f32) -> f32,
    gate: impl Fn(f32) -> f32,
) {
    let units = dh.len();
    // Known lengths leave no check inside the loop.
    let (i, rest) = gates.split_at_mut(units);
    let (forget, rest) = rest.split_at_mut(units);
    let (g, o) = rest.split_at_mut(units);
    let (o, squashed, carried) = (&mut o[..units], &squashed[..units], &mut carried[..units]);
    for j in 0..units {
        let through = dh[j];
        let dc = carried[j] + through * o[j] * f(squashed[j]);
        let (was_i, was_f, was_g, was_o) = (i[j], forget[j], g[j], o[j]);
        i[j] = dc * was_g * gate(was_i);
        forget[j] = dc * before(j) * gate(was_f);
        g[j] = dc * was_i * f(was_g);
        o[j] = through * squashed[j] * gate(was_o);
        carried[j] = dc * was_f;
        dh[j] = 0.0;
    }
}

dispatch!(
    /// [`gru`] with tanh and sigmoid.
    pub(crate) fn gru_of_tanh(
        gates: &mut [f32],
        recurrent: &mut [f32],
        before: &[f32],
        dh: &mut [f32],
    ) = gru_of_tanh_body
);

#[inline(always)]
fn gru_of_tanh_body<S: Simd>(
    gates: &mut [f32],
    recurrent: &mut [f32],
    before: &[f32],
    dh: &mut [f32],
) {
    gru(gates, recurrent, before, dh, of_tanh, of_sigmoid);
}

/// A GRU with `reset_after`. `gates`: in: z, r, n; out: their gradients before their functions, whose slopes are `gate` and (of
/// n) `f`. `recurrent`: in: what came through the recurrent kernel; out: its gradient. `before` is the h of the step before, `dh`
/// the gradient of h (out: of the h before, as far as it does not come through the recurrent kernel).
#[inline(always)]
pub(crate) fn gru(
    gates: &mut [f32],
    recurrent: &mut [f32],
    before: &[f32],
    dh: &mut [f32],
    f: impl Fn(f32) -> f32,
    gate: impl Fn(f32) -> f32,
) {
    let units = dh.len();
    let (z, rest) = gates.split_at_mut(units);
    let (r, n) = rest.split_at_mut(units);
    let (to_z, rest) = recurrent.split_at_mut(units);
    let (to_r, to_n) = rest.split_at_mut(units);
    let (n, to_n, before) = (&mut n[..units], &mut to_n[..units], &before[..units]);
    for j in 0..units {
        let through = dh[j];
        let dn = through * (1.0 - z[j]) * f(n[j]);
        let dz = through * (before[j] - n[j]) * gate(z[j]);
        let dr = dn * to_n[j] * gate(r[j]);
        dh[j] = through * z[j];
        to_z[j] = dz;
        to_r[j] = dr;
        to_n[j] = dn * r[j];
        z[j] = dz;
        r[j] = dr;
        n[j] = dn;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    /// Numbers from 0 to 1 that all differ.
    fn numbers(count: usize, from: usize) -> Vec<f32> {
        let at = |i: usize| ((i + from) as f32 * 0.618_034).fract();
        (0..count).map(at).collect()
    }

    #[test]
    fn every_instruction_set_gives_the_bits_of_plain_loops() {
        for units in [1, 3, 8, 16, 33] {
            for first in [true, false] {
                let squashed = numbers(units, 1);
                let before = numbers(if first { 0 } else { units }, 2);
                let fresh = || (numbers(4 * units, 3), numbers(units, 4), numbers(units, 5));
                let (mut gates, mut dh, mut carried) = fresh();
                let (f, gate) = (of_tanh, of_sigmoid);
                lstm(
                    &mut gates,
                    &squashed,
                    &before,
                    &mut dh,
                    &mut carried,
                    f,
                    gate,
                );
                on_every_level(|| {
                    let (mut g, mut d, mut c) = fresh();
                    lstm_of_tanh(&mut g, &squashed, &before, &mut d, &mut c);
                    assert_eq!((&g, &d, &c), (&gates, &dh, &carried), "{units} units");
                });
            }
            let before = numbers(units, 1);
            let fresh = || {
                (
                    numbers(3 * units, 2),
                    numbers(3 * units, 3),
                    numbers(units, 4),
                )
            };
            let (mut gates, mut recurrent, mut dh) = fresh();
            gru(
                &mut gates,
                &mut recurrent,
                &before,
                &mut dh,
                of_tanh,
                of_sigmoid,
            );
            on_every_level(|| {
                let (mut g, mut r, mut d) = fresh();
                gru_of_tanh(&mut g, &mut r, &before, &mut d);
                assert_eq!((&g, &r, &d), (&gates, &recurrent, &dh), "{units} units");
            });
        }
    }
}
