//! Walking along the steps of a shard, forth and back.

use super::{Back, Cell, Forth, Places, Recurrence, Weights};
use crate::kernels::{activate, matmul, reduce};
use crate::layer::dropout::Drawn;
use crate::layer::{Backward, Forward, Interrupt, Pace, copy};
use crate::{Activation, Result};

/// a = a b
fn multiply(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a *= b;
    }
}

fn add(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

/// A pass over many rows: functions of the kernels.
fn training(activation: Activation, z: &mut [f32]) {
    let width = z.len();
    activate::forward(activation, width, z);
}

/// Forward over a shard.
pub(super) fn forward<C: Cell>(cell: &C, settings: &Recurrence, pass: Forward<'_>) -> Result<()> {
    let (units, width) = (settings.units, pass.input.width());
    let rows = pass.x.len() / width;
    let places = Places::of(cell, settings, pass.input, rows);
    let (steps, channels, wide) = (places.steps, places.channels, places.wide);
    let weights = Weights::split(pass.weights, channels, units, wide);
    let stash = places.split(pass.stash);
    let mask = pass.mask;
    let missing = |t: usize, r: usize| settings.misses(mask, r, t, steps);
    for (rate, number, mask) in [
        (settings.dropout, 1, &mut *stash.x_mask),
        (settings.recurrent_dropout, 2, &mut *stash.h_mask),
    ] {
        match Drawn::new(rate, settings.seed, pass.noise) {
            Some(drawn) => drawn.mask(number, mask),
            None => mask.fill(1.0),
        }
    }
    let mut pace = Pace::default();
    for t in 0..steps {
        let from = settings.step(t, steps);
        for (x, to) in pass
            .x
            .chunks_exact(width)
            .zip(stash.x[t * rows * channels..].chunks_exact_mut(channels))
        {
            to.copy_from_slice(&x[from * channels..][..channels]);
        }
        multiply(
            &mut stash.x[t * rows * channels..][..rows * channels],
            stash.x_mask,
        );
        pace.step(rows * channels, pass.interrupt)?;
    }
    matmul::forward(
        steps * rows,
        channels,
        wide,
        stash.x,
        weights.kernel,
        weights.bias,
        false,
        stash.gates,
        pass.scratch,
        pass.interrupt,
    )?;
    // What the first step has before it.
    stash.next.fill(0.0);
    let zeros = &*stash.next;
    for t in 0..steps {
        let recurrent = if places.apart {
            &mut stash.recurrent[t * rows * wide..][..rows * wide]
        } else {
            &mut stash.recurrent[..rows * wide]
        };
        let (h_before, h) = stash.h.split_at_mut(t * rows * units);
        let (kept_before, kept) = stash.kept.split_at_mut(t * rows * places.kept);
        let before = if t == 0 {
            zeros
        } else {
            &h_before[(t - 1) * rows * units..]
        };
        // What goes through the recurrent kernel.
        let taken = match (t, places.drops) {
            (1.., [_, true]) => {
                let masked = &mut stash.masked[(t - 1) * rows * units..][..rows * units];
                masked.copy_from_slice(&before[..rows * units]);
                multiply(masked, stash.h_mask);
                &*masked
            }
            _ => &before[..rows * units],
        };
        let mut product = |from: &[f32], to: &mut [f32], interrupt: &mut Interrupt<'_>| {
            let (kernel, bias) = (weights.recurrent, weights.recurrent_bias);
            let scratch = &mut *pass.scratch;
            matmul::forward(
                rows, units, wide, from, kernel, bias, false, to, scratch, interrupt,
            )?;
            interrupt()
        };
        product(taken, recurrent, pass.interrupt)?;
        let gates = &mut stash.gates[t * rows * wide..];
        if cell.resets() {
            for r in 0..rows {
                cell.reset(
                    &mut gates[r * wide..][..wide],
                    &recurrent[r * wide..][..wide],
                    &taken[r * units..][..units],
                    &mut kept[r * places.kept..][..places.kept],
                    training,
                );
                pace.step(wide, pass.interrupt)?;
            }
            product(&kept[..rows * units], recurrent, pass.interrupt)?;
        }
        for r in 0..rows {
            if missing(t, r) {
                // Nothing happens: the next step takes what this one would have.
                let kept = &mut kept[r * places.kept..][..places.kept];
                match t {
                    0 => kept.fill(0.0),
                    _ => kept.copy_from_slice(
                        &kept_before[((t - 1) * rows + r) * places.kept..][..places.kept],
                    ),
                }
                h[r * units..][..units].copy_from_slice(&before[r * units..][..units]);
                continue;
            }
            cell.forward(
                Forth {
                    gates: &mut gates[r * wide..][..wide],
                    recurrent: &recurrent[r * wide..][..wide],
                    before: &before[r * units..][..units],
                    kept_before: if t == 0 {
                        &zeros[..0]
                    } else {
                        &kept_before[((t - 1) * rows + r) * places.kept..][..places.kept]
                    },
                    kept: &mut kept[r * places.kept..][..places.kept],
                    h: &mut h[r * units..][..units],
                },
                training,
            );
            pace.step(wide, pass.interrupt)?;
        }
    }
    if settings.return_sequences {
        places.row_by_row(units, stash.h, pass.y, pass.interrupt)?;
    } else {
        let last = &stash.h[(steps - 1) * rows * units..];
        copy(last, pass.y, pass.interrupt)?;
    }
    if mask.is_some() && settings.zero_output_for_mask {
        let first = if settings.return_sequences {
            0
        } else {
            steps - 1
        };
        let answers = pass.y.chunks_exact_mut(units);
        let all = (0..rows).flat_map(|r| (first..steps).map(move |t| (t, r)));
        for ((t, r), y) in all.zip(answers) {
            if missing(t, r) {
                y.fill(0.0);
            }
            pace.step(units, pass.interrupt)?;
        }
    }
    (pass.interrupt)()
}

/// Back through a shard.
pub(super) fn backward<C: Cell>(cell: &C, settings: &Recurrence, pass: Backward<'_>) -> Result<()> {
    let (units, width) = (settings.units, pass.input.width());
    let rows = pass.x.len() / width;
    let places = Places::of(cell, settings, pass.input, rows);
    let (steps, channels, wide) = (places.steps, places.channels, places.wide);
    let weights = Weights::split(pass.weights, channels, units, wide);
    let stash = places.split(pass.stash);
    let (dh, next) = (stash.dh, stash.next);
    let mask = pass.mask;
    let missing = |t: usize, r: usize| settings.misses(mask, r, t, steps);
    // Whether what came out is zeros that nothing leads to.
    let silent = |t: usize, r: usize| settings.zero_output_for_mask && missing(t, r);
    stash.carried.fill(0.0);
    dh.fill(0.0);
    let mut pace = Pace::default();
    for t in (0..steps).rev() {
        if settings.return_sequences {
            for r in (0..rows).filter(|&r| !silent(t, r)) {
                let dy = &pass.dy[(r * steps + t) * units..][..units];
                for (dh, dy) in dh[r * units..][..units].iter_mut().zip(dy) {
                    *dh += dy;
                }
                pace.step(units, pass.interrupt)?;
            }
        } else if t + 1 == steps {
            dh.copy_from_slice(pass.dy);
            for r in (0..rows).filter(|&r| silent(t, r)) {
                dh[r * units..][..units].fill(0.0);
            }
        }
        let gates = &mut stash.gates[t * rows * wide..][..rows * wide];
        let at = if places.apart { t * rows * wide } else { 0 };
        let recurrent = &mut stash.recurrent[at..][..rows * wide];
        next.fill(0.0);
        (pass.interrupt)()?;
        for r in 0..rows {
            let here = (t * rows + r) * units;
            let kept = (t * rows + r) * places.kept;
            if missing(t, r) {
                // The gradient passes by.
                gates[r * wide..][..wide].fill(0.0);
                recurrent[r * wide..][..wide].fill(0.0);
                continue;
            }
            cell.backward(Back {
                gates: &mut gates[r * wide..][..wide],
                recurrent: &mut recurrent[r * wide..][..wide],
                before: if t == 0 {
                    &next[..units]
                } else {
                    &stash.h[here - rows * units..][..units]
                },
                kept_before: if t == 0 {
                    &[]
                } else {
                    &stash.kept[kept - rows * places.kept..][..places.kept]
                },
                kept: &stash.kept[kept..][..places.kept],
                h: &stash.h[here..][..units],
                dh: &mut dh[r * units..][..units],
                carried: &mut stash.carried[r * units..][..units],
            });
            pace.step(wide, pass.interrupt)?;
        }
        let mut product = |from: &[f32], to: &mut [f32], interrupt: &mut Interrupt<'_>| {
            let (kernel, scratch) = (weights.recurrent, &mut *pass.scratch);
            matmul::input_gradient(
                rows, units, wide, from, kernel, None, to, scratch, interrupt,
            )
        };
        if cell.resets() {
            let taken = match (t, places.drops) {
                (0, _) => {
                    stash.carried.fill(0.0);
                    &*next
                }
                (_, [_, masked]) => {
                    product(recurrent, stash.carried, pass.interrupt)?;
                    let all = if masked { &*stash.masked } else { &*stash.h };
                    &all[(t - 1) * rows * units..]
                }
            };
            for r in (0..rows).filter(|&r| !missing(t, r)) {
                cell.reset_back(
                    &mut gates[r * wide..][..wide],
                    &mut recurrent[r * wide..][..wide],
                    &taken[r * units..][..units],
                    &mut stash.carried[r * units..][..units],
                );
                pace.step(wide, pass.interrupt)?;
            }
        }
        if t == 0 {
            continue;
        }
        let through = if places.apart { &*recurrent } else { &*gates };
        product(through, next, pass.interrupt)?;
        if cell.resets() {
            add(next, stash.carried);
        }
        multiply(next, stash.h_mask);
        add(dh, next);
    }
    let (dw, rest) = pass.gradient.split_at_mut(channels * wide);
    let (du, rest) = rest.split_at_mut(units * wide);
    let (db, db_recurrent) = rest.split_at_mut(if rest.is_empty() { 0 } else { wide });
    let all = &*stash.gates;
    let through = if places.apart { &*stash.recurrent } else { all };
    if !db.is_empty() {
        reduce::column_sums_all(all, wide, db, pass.add, pass.interrupt)?;
    }
    if !db_recurrent.is_empty() {
        reduce::column_sums_all(through, wide, db_recurrent, pass.add, pass.interrupt)?;
    }
    matmul::weight_gradient(
        steps * rows,
        channels,
        wide,
        stash.x,
        all,
        dw,
        pass.add,
        pass.scratch,
        pass.interrupt,
    )?;
    if steps > 1 {
        let count = (steps - 1) * rows;
        let taken = if places.drops[1] {
            &*stash.masked
        } else {
            &*stash.h
        };
        let (taken, later) = (&taken[..count * units], &through[rows * wide..]);
        let (scratch, interrupt) = (&mut *pass.scratch, &mut *pass.interrupt);
        matmul::weight_gradient(
            count, units, wide, taken, later, du, pass.add, scratch, interrupt,
        )?;
        if cell.resets() {
            // What was reset meets the part of the kernel that the candidate has.
            let rest = places.wide - units;
            let later = &mut stash.recurrent[rows * wide..];
            for (to, from) in later
                .chunks_exact_mut(wide)
                .zip(all[rows * wide..].chunks_exact(wide))
            {
                to[..rest].fill(0.0);
                to[rest..].copy_from_slice(&from[rest..]);
                pace.step(wide, interrupt)?;
            }
            let reset = &stash.kept[rows * places.kept..];
            matmul::weight_gradient(
                count, units, wide, reset, later, du, true, scratch, interrupt,
            )?;
        }
    } else if !pass.add {
        du.fill(0.0);
    }
    let Some(dx) = pass.dx else {
        return (pass.interrupt)();
    };
    matmul::input_gradient(
        steps * rows,
        channels,
        wide,
        all,
        weights.kernel,
        None,
        stash.x,
        pass.scratch,
        pass.interrupt,
    )?;
    for t in 0..steps {
        multiply(
            &mut stash.x[t * rows * channels..][..rows * channels],
            stash.x_mask,
        );
        let to = settings.step(t, steps);
        for (dx, from) in dx
            .chunks_exact_mut(width)
            .zip(stash.x[t * rows * channels..].chunks_exact(channels))
        {
            dx[to * channels..][..channels].copy_from_slice(from);
        }
        pace.step(rows * channels, pass.interrupt)?;
    }
    (pass.interrupt)()
}
