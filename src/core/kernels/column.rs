//! What is as narrow as one column: the products of a dense layer with one unit, and the bias gradient of any.
#![allow(clippy::needless_range_loop)] // The numbers name registers.

use super::dispatch;
use super::vector::{Vector, Widest};

dispatch!(
    /// z (m) = x (m, k) w (k) + bias
    pub(super) fn dots(k: usize, x: &[f32], w: &[f32], bias: f32, z: &mut [f32]) = dots_body
);

#[inline(always)]
fn dots_body<S: Widest>(k: usize, x: &[f32], w: &[f32], bias: f32, z: &mut [f32]) {
    assert!(w.len() == k && z.len().checked_mul(k) == Some(x.len()));
    let mut i = 0;
    // SAFETY: x holds z.len() rows of k floats and w holds k; `dispatch` checked the instruction set.
    unsafe {
        while z.len() - i >= 4 {
            some_dots::<S::Register, 4>(k, x.as_ptr().add(i * k), w, bias, &mut z[i..]);
            i += 4;
        }
        while i < z.len() {
            some_dots::<S::Register, 1>(k, x.as_ptr().add(i * k), w, bias, &mut z[i..]);
            i += 1;
        }
    }
}

/// # Safety
/// `x` points to R rows of k floats, `w` holds k, `z` R.
#[inline(always)]
unsafe fn some_dots<V: Vector, const R: usize>(
    k: usize,
    x: *const f32,
    w: &[f32],
    bias: f32,
    z: &mut [f32],
) {
    // SAFETY: every load ends at or before float k of w and of a row of x.
    unsafe {
        let mut sums = [V::splat(0.0); R];
        let mut p = 0;
        while k - p >= V::LANES {
            let w = V::load(w.as_ptr().add(p));
            for r in 0..R {
                sums[r] = V::load(x.add(r * k + p)).fma(w, sums[r]);
            }
            p += V::LANES;
        }
        if p < k {
            let w = V::load_first(w.as_ptr().add(p), k - p);
            for r in 0..R {
                sums[r] = V::load_first(x.add(r * k + p), k - p).fma(w, sums[r]);
            }
        }
        for r in 0..R {
            z[r] = bias + sums[r].sum();
        }
    }
}

dispatch!(
    /// dw (k) = x' dz, or += with `add`; dx (m, k) = dz w', 0 where x <= 0 with `through_relu`. One pass over x.
    pub(super) fn back(k: usize, x: &[f32], dz: &[f32], w: &[f32], dw: &mut [f32], add: bool, dx: Option<&mut [f32]>, through_relu: bool) = back_body
);

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn back_body<S: Widest>(
    k: usize,
    x: &[f32],
    dz: &[f32],
    w: &[f32],
    dw: &mut [f32],
    add: bool,
    dx: Option<&mut [f32]>,
    through_relu: bool,
) {
    assert!(w.len() == k && dw.len() == k && dz.len().checked_mul(k) == Some(x.len()));
    let dx = dx.map(|dx| {
        assert!(dx.len() == x.len());
        dx.as_mut_ptr()
    });
    let lanes = S::LANES;
    let mut j = 0;
    // SAFETY: x and dx hold dz.len() rows of k floats, w and dw hold k; `dispatch` checked the instruction set.
    unsafe {
        while j < k {
            j += match k - j {
                rest if rest >= 4 * lanes => {
                    back_panel::<S::Register, 4, false>(k, j, x, dz, w, dw, add, dx, through_relu)
                }
                rest if rest >= lanes => {
                    back_panel::<S::Register, 1, false>(k, j, x, dz, w, dw, add, dx, through_relu)
                }
                _ => back_panel::<S::Register, 1, true>(k, j, x, dz, w, dw, add, dx, through_relu),
            };
        }
    }
}

/// N vectors of columns from `j`; returns how many columns that were.
///
/// # Safety
/// As checked by [`back_body`]; the columns are there.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn back_panel<V: Vector, const N: usize, const TAIL: bool>(
    k: usize,
    j: usize,
    x: &[f32],
    dz: &[f32],
    w: &[f32],
    dw: &mut [f32],
    add: bool,
    dx: Option<*mut f32>,
    through_relu: bool,
) -> usize {
    let rest = k - j;
    // SAFETY: every load and store is to columns from `j` that are left, of row i < dz.len() or of w and dw.
    unsafe {
        let load = |from: *const f32, v: usize| {
            if TAIL {
                V::load_first(from, rest)
            } else {
                V::load(from.add(v * V::LANES))
            }
        };
        let store = |to: *mut f32, v: usize, value: V| {
            if TAIL {
                value.store_first(to, rest)
            } else {
                value.store(to.add(v * V::LANES))
            }
        };
        let mut sums = [V::splat(0.0); N];
        let mut weights = sums;
        for v in 0..N {
            weights[v] = load(w.as_ptr().add(j), v);
            if add {
                sums[v] = load(dw.as_ptr().add(j), v);
            }
        }
        for (i, &d) in dz.iter().enumerate() {
            let d = V::splat(d);
            for v in 0..N {
                let x = load(x.as_ptr().add(i * k + j), v);
                sums[v] = x.fma(d, sums[v]);
                if let Some(dx) = dx {
                    let value = d.mul(weights[v]);
                    store(
                        dx.add(i * k + j),
                        v,
                        if through_relu {
                            value.where_positive(x)
                        } else {
                            value
                        },
                    );
                }
            }
        }
        for v in 0..N {
            store(dw.as_mut_ptr().add(j), v, sums[v]);
        }
    }
    if TAIL { rest } else { N * V::LANES }
}

dispatch!(
    /// out (width) = column sums of d (rows, width), or += with `add`; row after row, so that every instruction set
    /// gives the same.
    pub(crate) fn sums(d: &[f32], out: &mut [f32], add: bool) = sums_body
);

#[inline(always)]
fn sums_body<S: Widest>(d: &[f32], out: &mut [f32], add: bool) {
    let width = out.len();
    assert!(width > 0 && d.len().is_multiple_of(width));
    let lanes = S::LANES;
    let mut j = 0;
    // SAFETY: d holds whole rows of out.len() floats; `dispatch` checked the instruction set.
    unsafe {
        while j < width {
            j += match width - j {
                rest if rest >= 4 * lanes => sums_panel::<S::Register, 4, false>(j, d, out, add),
                rest if rest >= lanes => sums_panel::<S::Register, 1, false>(j, d, out, add),
                _ => sums_panel::<S::Register, 1, true>(j, d, out, add),
            };
        }
    }
}

/// N vectors of columns from `j`; returns how many columns that were.
///
/// # Safety
/// As checked by [`sums_body`]; the columns are there.
#[inline(always)]
unsafe fn sums_panel<V: Vector, const N: usize, const TAIL: bool>(
    j: usize,
    d: &[f32],
    out: &mut [f32],
    add: bool,
) -> usize {
    let (width, rest) = (out.len(), out.len() - j);
    // SAFETY: every load and store is to columns from `j` that are left, of a row of d or of out.
    unsafe {
        let load = |from: *const f32, v: usize| {
            if TAIL {
                V::load_first(from, rest)
            } else {
                V::load(from.add(v * V::LANES))
            }
        };
        let mut sums = [V::splat(0.0); N];
        if add {
            for v in 0..N {
                sums[v] = load(out.as_ptr().add(j), v);
            }
        }
        for row in d.chunks_exact(width) {
            for v in 0..N {
                sums[v] = sums[v].add(load(row.as_ptr().add(j), v));
            }
        }
        let to = out.as_mut_ptr().add(j);
        for v in 0..N {
            if TAIL {
                sums[v].store_first(to, rest)
            } else {
                sums[v].store(to.add(v * V::LANES))
            }
        }
    }
    if TAIL { rest } else { N * V::LANES }
}
