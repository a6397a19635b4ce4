//! One row through a frozen network, in one call.
//!
//! The sums are defined, so that every instruction set and every layout gives the same bits. With "+=" for one
//! multiply-add, rounded once:
//! - the first dense layer, and behind relu those of more than [`SPARSE`] units: z_j = b_j, then z_j += x_i w_ij for every
//!   x_i that is not 0, in order;
//! - a later one of up to [`NARROW`] units: a dot product in sixteen lanes ([`dot`]), then + b_j;
//! - any other: [`chains`] sums per unit, the first begun with b_j; input i goes to sum i mod chains, and the sums are
//!   added in halves.

#![allow(
    clippy::needless_range_loop,
    reason = "loops of a known length over arrays become registers"
)]

use super::activate;
use super::aligned::{Aligned, floats, floats_mut};
use super::dispatch;
use super::lanes::{Lanes, Line, sum};
use crate::Activation;

/// A later layer of at most this many units is a dot product per unit.
pub(crate) const NARROW: usize = 4;
/// A layer behind relu of more units than this passes over the inputs that are 0, about half of them.
pub(crate) const SPARSE: usize = 32;
/// A first layer of at most this many units has rows of 1, 2, 4 or 8 numbers instead of whole lines.
pub(crate) const FEW: usize = 8;
/// Lines of a group: columns that lie together in memory, so that a wide kernel is read from one end to the other.
pub(crate) const GROUP: usize = 8;

/// An input that is not 0.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Entry {
    /// Its row in the first kernel.
    pub row: u32,
    pub x: f32,
}

/// A step that a layer brings itself: one row, with the same bits on every CPU.
pub(crate) trait Step: std::fmt::Debug + Send + Sync {
    /// Fills y (output) from x (input); `scratch` has [`Step::scratch`] lines. Steps whose number in `mask` is 0 are passed
    /// over by who looks at it.
    fn run(&self, x: &[f32], mask: Option<&[f32]>, y: &mut [f32], scratch: &mut [Line]);

    /// Lines of scratch.
    fn scratch(&self) -> usize {
        0
    }

    /// Bytes held.
    fn bytes(&self) -> usize;
}

/// One step of a plan.
#[derive(Debug)]
pub(crate) enum Op {
    Dense(Dense),
    /// What a layer brings itself.
    Own {
        step: Box<dyn Step>,
        inputs: usize,
        outputs: usize,
        /// Whether the inputs of the network, which an [`Op::Expand`] kept, are its mask.
        masked: bool,
    },
    /// y = f(y)
    Activate {
        activation: Activation,
        units: usize,
    },
    /// The entries at their places among zeros, where the first layer is not dense.
    Expand {
        inputs: usize,
        /// Whether they stay at the beginning of what the steps have for themselves, where they are a mask.
        kept: bool,
    },
}

/// y = f(x w + b)
#[derive(Debug)]
pub(crate) struct Dense {
    pub form: Form,
    /// Rows of the kernel: inputs, for [`Form::Later`] in whole [`chains`].
    pub rows: usize,
    pub units: usize,
    pub kernel: Aligned,
    /// In whole lines, as the output.
    pub bias: Aligned,
    pub activation: Activation,
}

/// How a kernel lies in memory, and what is read of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// (rows, 1, 2, 4 or 8 columns); entries.
    Few,
    /// Groups of (rows, lines); entries.
    First,
    /// As [`Form::First`], the entries being what relu left.
    Sparse,
    /// (units, rows in whole lines); all inputs.
    Dots,
    /// Groups of (rows, lines); all inputs.
    Later,
}

/// Sums per unit of a layer of this many units: enough to keep every vector unit busy.
pub(crate) const fn chains(units: usize) -> usize {
    if units <= 16 { 4 } else { 2 }
}

/// Numbers in a row of a kernel in [`Form::Few`].
pub(crate) const fn few_columns(units: usize) -> usize {
    units.next_power_of_two()
}

dispatch!(
    /// Sends `entries` through `ops` and says which of `rows` holds the `outputs`. Each is as wide as the widest step, and
    /// `left` has a place for every number of it.
    pub(crate) fn score(ops: &[Op], entries: &[Entry], left: &mut [Entry], rows: [&mut [Line]; 2], own: &mut [Line], outputs: usize) -> usize =
        score_body or Exact
);

dispatch!(
    /// y = x w + b of a kernel in [`Form::Dots`] or [`Form::Later`], without its activation. The rows of x are followed by
    /// zeros.
    pub(crate) fn product(dense: &Dense, x: &[Line], y: &mut [Line]) = product_body or Exact
);

dispatch!(
    /// y = f(y), one row. In a function of its own, so that nothing of it is prepared where it is not needed.
    pub(crate) fn apply(activation: Activation, y: &mut [f32]) = apply_body or Exact
);

#[inline(always)]
fn product_body<S: Lanes>(dense: &Dense, x: &[Line], y: &mut [Line]) {
    match dense.form {
        Form::Dots => dots::<S>(dense, x, y),
        _ => later::<S>(dense, x, y, false),
    }
}

#[inline(always)]
fn apply_body<S: Lanes>(activation: Activation, y: &mut [f32]) {
    activate::forward_body::<S>(activation, y.len(), y);
}

#[inline(always)]
fn score_body<S: Lanes>(
    ops: &[Op],
    entries: &[Entry],
    left: &mut [Entry],
    rows: [&mut [Line]; 2],
    own: &mut [Line],
    outputs: usize,
) -> usize {
    let [mut here, mut there] = rows;
    let mut place = 0;
    let mut mask: &[f32] = &[];
    let mut own = own;
    for op in ops {
        let (activation, units) = match op {
            Op::Dense(dense) => {
                let y = &mut there[..dense.bias.lines().len()];
                let relu = dense.activation == Activation::Relu;
                match dense.form {
                    Form::Few => few::<S>(dense, entries, y),
                    Form::First => first::<S>(dense, entries, y, relu),
                    Form::Sparse => {
                        let used = compact::<S>(&here[..dense.rows.div_ceil(16)], left);
                        first::<S>(dense, &left[..used], y, relu);
                    }
                    Form::Dots => dots::<S>(dense, here, y),
                    Form::Later => later::<S>(dense, here, y, relu),
                }
                std::mem::swap(&mut here, &mut there);
                place ^= 1;
                match dense.form {
                    Form::First | Form::Sparse | Form::Later if relu => (Activation::Linear, 0),
                    _ => (dense.activation, dense.units),
                }
            }
            Op::Activate { activation, units } => (*activation, *units),
            Op::Own {
                step,
                inputs,
                outputs,
                masked,
            } => {
                let y = floats_mut(&mut there[..outputs.div_ceil(16)]);
                // What stands behind the outputs meets weights of 0, and is to be finite.
                y[*outputs..].fill(0.0);
                let x = &floats(here)[..*inputs];
                step.run(x, masked.then_some(mask), &mut y[..*outputs], own);
                std::mem::swap(&mut here, &mut there);
                place ^= 1;
                (Activation::Linear, 0)
            }
            Op::Expand { inputs, kept } => {
                let lines = inputs.div_ceil(16);
                expand(entries, &mut here[..lines]);
                if *kept {
                    let (first, rest) = std::mem::take(&mut own).split_at_mut(lines);
                    first.copy_from_slice(&here[..lines]);
                    (mask, own) = (&floats(first)[..*inputs], rest);
                }
                (Activation::Linear, 0)
            }
        };
        match activation {
            Activation::Linear => {}
            f if f.over_rows() || f.grows() => apply(f, &mut floats_mut(here)[..units]),
            // Whole lines are faster. What stands behind the units is finite and meets weights of 0 only.
            _ => apply(activation, floats_mut(&mut here[..units.div_ceil(16)])),
        }
    }
    // The sign of a zero may tell whether inputs of 0 were left out: -0 becomes 0.
    for line in &mut here[..outputs.div_ceil(16)] {
        S::store(S::add(S::load(line), S::splat(0.0)), line);
    }
    place
}

fn expand(entries: &[Entry], to: &mut [Line]) {
    to.fill(Line::ZERO);
    let x = floats_mut(to);
    for entry in entries {
        if let Some(x) = x.get_mut(entry.row as usize) {
            *x = entry.x;
        }
    }
}

/// Collects what is not 0 in `x`, whose padding is 0; returns how many there are.
#[inline(always)]
fn compact<S: Lanes>(x: &[Line], left: &mut [Entry]) -> usize {
    let mut used = 0;
    for (l, x) in x.iter().enumerate() {
        used += S::compact(x, 16 * l as u32, &mut left[used..]);
    }
    used
}

#[inline(always)]
fn few<S: Lanes>(dense: &Dense, entries: &[Entry], y: &mut [Line]) {
    let (kernel, bias) = (dense.kernel.floats(), dense.bias.floats());
    let mut line = Line::ZERO;
    match few_columns(dense.units) {
        1 => few_columns_of::<S, 1>(entries, kernel, bias, &mut line),
        2 => few_columns_of::<S, 2>(entries, kernel, bias, &mut line),
        4 => few_columns_of::<S, 4>(entries, kernel, bias, &mut line),
        _ => few_columns_of::<S, 8>(entries, kernel, bias, &mut line),
    }
    y[0] = line;
}

#[inline(always)]
fn few_columns_of<S: Lanes, const COLUMNS: usize>(
    entries: &[Entry],
    kernel: &[f32],
    bias: &[f32],
    y: &mut Line,
) {
    let mut sums = [0f32; COLUMNS];
    sums.copy_from_slice(&bias[..COLUMNS]);
    let (rows, _) = kernel.as_chunks::<COLUMNS>();
    for entry in entries {
        let Some(row) = rows.get(entry.row as usize) else {
            continue;
        };
        for (sum, &w) in sums.iter_mut().zip(row) {
            *sum = S::fma(entry.x, w, *sum);
        }
    }
    y.0[..COLUMNS].copy_from_slice(&sums);
}

/// Lines to do next of `rest`, with `chains` sums each, so that the sums stay in registers and none is left alone.
#[inline(always)]
fn next<S: Lanes>(rest: usize, chains: usize) -> usize {
    let most = (S::SUMS / chains).clamp(1, GROUP);
    match rest {
        _ if rest <= most => rest,
        _ if rest == most + 1 => rest.div_ceil(2),
        _ => most,
    }
}

/// Calls `$f::<S, lines, ..>` for a number of lines known at run time.
macro_rules! by_lines {
    ($lines:expr, $chains:expr, $f:ident::<S $(, $more:tt)*>($($arg:expr),*)) => {
        match $lines {
            2 if S::SUMS >= 2 * $chains => $f::<S, 2 $(, $more)*>($($arg),*),
            3 if S::SUMS >= 3 * $chains => $f::<S, 3 $(, $more)*>($($arg),*),
            4 if S::SUMS >= 4 * $chains => $f::<S, 4 $(, $more)*>($($arg),*),
            5 if S::SUMS >= 5 * $chains => $f::<S, 5 $(, $more)*>($($arg),*),
            6 if S::SUMS >= 6 * $chains => $f::<S, 6 $(, $more)*>($($arg),*),
            7 if S::SUMS >= 7 * $chains => $f::<S, 7 $(, $more)*>($($arg),*),
            8 if S::SUMS >= 8 * $chains => $f::<S, 8 $(, $more)*>($($arg),*),
            _ => $f::<S, 1 $(, $more)*>($($arg),*),
        }
    };
}

#[inline(always)]
fn first<S: Lanes>(dense: &Dense, entries: &[Entry], y: &mut [Line], relu: bool) {
    let mut kernel = dense.kernel.lines();
    let biases = dense.bias.lines().chunks(GROUP);
    for (bias, y) in biases.zip(y.chunks_mut(GROUP)) {
        let (group, after) = kernel.split_at(dense.rows * bias.len());
        kernel = after;
        let mut from = 0;
        while from < bias.len() {
            let lines = next::<S>(bias.len() - from, 1);
            by_lines!(
                lines,
                1,
                first_lines::<S>(entries, dense.rows, group, bias, y, from, relu)
            );
            from += lines;
        }
    }
}

#[inline(always)]
fn first_lines<S: Lanes, const LINES: usize>(
    entries: &[Entry],
    rows: usize,
    group: &[Line],
    bias: &[Line],
    y: &mut [Line],
    from: usize,
    relu: bool,
) {
    let width = bias.len();
    assert!(rows * width <= group.len() && from + LINES <= width);
    let mut sums = [S::splat(0.0); LINES];
    for l in 0..LINES {
        sums[l] = S::load(&bias[from + l]);
    }
    for entry in entries {
        let row = entry.row as usize;
        if row >= rows {
            continue;
        }
        let x = S::splat(entry.x);
        // SAFETY: row < rows, and the assertion above says that `group` has as many rows of `width` lines, of which LINES
        // follow `from`.
        let w = unsafe {
            &*group
                .as_ptr()
                .add(row * width + from)
                .cast::<[Line; LINES]>()
        };
        for l in 0..LINES {
            sums[l] = S::multiply_add(x, S::load(&w[l]), sums[l]);
        }
    }
    store::<S, LINES>(sums, &mut y[from..], relu);
}

#[inline(always)]
fn later<S: Lanes>(dense: &Dense, x: &[Line], y: &mut [Line], relu: bool) {
    let x = &floats(x)[..dense.rows];
    let mut kernel = dense.kernel.lines();
    let biases = dense.bias.lines().chunks(GROUP);
    for (bias, y) in biases.zip(y.chunks_mut(GROUP)) {
        let (group, after) = kernel.split_at(dense.rows * bias.len());
        kernel = after;
        let mut from = 0;
        while from < bias.len() {
            let lines;
            if chains(dense.units) == 4 {
                lines = next::<S>(bias.len() - from, 4);
                by_lines!(lines, 4, later_lines::<S, 4>(x, group, bias, y, from, relu));
            } else {
                lines = next::<S>(bias.len() - from, 2);
                by_lines!(lines, 2, later_lines::<S, 2>(x, group, bias, y, from, relu));
            }
            from += lines;
        }
    }
}

#[inline(always)]
fn later_lines<S: Lanes, const LINES: usize, const CHAINS: usize>(
    x: &[f32],
    group: &[Line],
    bias: &[Line],
    y: &mut [Line],
    from: usize,
    relu: bool,
) {
    let width = bias.len();
    assert!(x.len() * width <= group.len() && from + LINES <= width);
    let mut sums = [[S::splat(0.0); LINES]; CHAINS];
    for l in 0..LINES {
        sums[0][l] = S::load(&bias[from + l]);
    }
    let (x, _) = x.as_chunks::<CHAINS>();
    for (i, x) in x.iter().enumerate() {
        for (chain, sums) in sums.iter_mut().enumerate() {
            let x = S::splat(x[chain]);
            let row = i * CHAINS + chain;
            // SAFETY: row < x.len(), and the assertion above says that `group` has as many rows of `width` lines, of
            // which LINES follow `from`.
            let w = unsafe {
                &*group
                    .as_ptr()
                    .add(row * width + from)
                    .cast::<[Line; LINES]>()
            };
            for l in 0..LINES {
                sums[l] = S::multiply_add(x, S::load(&w[l]), sums[l]);
            }
        }
    }
    let mut half = CHAINS;
    while half > 1 {
        half /= 2;
        for chain in 0..half {
            for l in 0..LINES {
                sums[chain][l] = S::add(sums[chain][l], sums[chain + half][l]);
            }
        }
    }
    store::<S, LINES>(sums[0], &mut y[from..], relu);
}

#[inline(always)]
fn store<S: Lanes, const LINES: usize>(sums: [S::Lanes; LINES], y: &mut [Line], relu: bool) {
    let y = &mut y[..LINES];
    for l in 0..LINES {
        S::store(if relu { S::relu(sums[l]) } else { sums[l] }, &mut y[l]);
    }
}

#[inline(always)]
fn dots<S: Lanes>(dense: &Dense, x: &[Line], y: &mut [Line]) {
    let width = dense.rows.div_ceil(16);
    y[0] = Line::ZERO;
    let kernels = dense.kernel.lines().chunks_exact(width);
    let units = floats_mut(y).iter_mut().zip(dense.bias.floats());
    for ((y, b), w) in units.zip(kernels) {
        *y = dot::<S>(&x[..width], w) + b;
    }
}

/// The sum of x w: line l goes to sum l mod 4, the sums are added in halves, and so are their sixteen lanes.
#[inline(always)]
fn dot<S: Lanes>(x: &[Line], w: &[Line]) -> f32 {
    let mut sums = [S::splat(0.0); 4];
    let (fours, ones) = x.as_chunks::<4>();
    let (w_fours, w_ones) = w.as_chunks::<4>();
    for (x, w) in fours.iter().zip(w_fours) {
        for ((x, w), sum) in x.iter().zip(w).zip(&mut sums) {
            *sum = S::multiply_add(S::load(x), S::load(w), *sum);
        }
    }
    // At most three lines are left.
    for l in 0..3 {
        if let (Some(x), Some(w)) = (ones.get(l), w_ones.get(l)) {
            sums[l] = S::multiply_add(S::load(x), S::load(w), sums[l]);
        }
    }
    let mut line = Line::ZERO;
    S::store(
        S::add(S::add(sums[0], sums[2]), S::add(sums[1], sums[3])),
        &mut line,
    );
    sum(&line)
}
