//! Inverted dropout with a mask that is a function of key and position: nothing to store, no state to share.

use super::{Simd, dispatch};

/// A 32-bit mixer (lowbias32): every input bit changes every output bit with probability close to one half.
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// What is drawn under `key` for the `i`th number.
#[inline(always)]
pub(super) fn draw(key: u64, i: u32) -> u32 {
    mix(mix(i ^ key as u32).wrapping_add((key >> 32) as u32))
}

dispatch!(
    /// to = from / (1 - rate) where the mask of `key` keeps, else 0; `rate` is `dropped` / 2^32. The first number is the
    /// `first`th of those under `key`.
    pub(crate) fn dropout(key: u64, first: usize, dropped: u32, scale: f32, from: &[f32], to: &mut [f32]) = dropout_body
);

dispatch!(
    /// The factors by which [`dropout`] multiplies.
    pub(crate) fn mask(key: u64, dropped: u32, scale: f32, to: &mut [f32]) = mask_body
);

/// What number `i` is multiplied with.
#[inline(always)]
fn factor(key: u64, dropped: u32, scale: f32, i: usize) -> f32 {
    if draw(key, i as u32) < dropped {
        0.0
    } else {
        scale
    }
}

#[inline(always)]
fn mask_body<S: Simd>(key: u64, dropped: u32, scale: f32, to: &mut [f32]) {
    for (i, to) in to.iter_mut().enumerate() {
        *to = factor(key, dropped, scale, i);
    }
}

#[inline(always)]
fn dropout_body<S: Simd>(
    key: u64,
    first: usize,
    dropped: u32,
    scale: f32,
    from: &[f32],
    to: &mut [f32],
) {
    assert!(from.len() == to.len());
    for (i, (to, from)) in to.iter_mut().zip(from).enumerate() {
        *to = from * factor(key, dropped, scale, first.wrapping_add(i));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn drops_the_stated_share_the_same_way_everywhere() {
        let from = vec![1.0; 100_000];
        let mut seen = Vec::new();
        on_every_level(|| {
            let mut to = vec![0.0; from.len()];
            dropout(
                7,
                0,
                (0.3 * 4_294_967_296.0) as u32,
                1.0 / 0.7,
                &from,
                &mut to,
            );
            let mut factors = vec![0.5; from.len()];
            mask(7, (0.3 * 4_294_967_296.0) as u32, 1.0 / 0.7, &mut factors);
            assert_eq!(factors, to);
            seen.push(to);
        });
        assert!(seen.windows(2).all(|w| w[0] == w[1]));
        let dropped = seen[0].iter().filter(|&&v| v == 0.0).count();
        assert!((29_400..30_600).contains(&dropped), "{dropped}");
        let mut other = vec![0.0; from.len()];
        dropout(
            8,
            0,
            (0.3 * 4_294_967_296.0) as u32,
            1.0 / 0.7,
            &from,
            &mut other,
        );
        let both = seen[0]
            .iter()
            .zip(&other)
            .filter(|(a, b)| **a == 0.0 && **b == 0.0)
            .count();
        assert!((8_600..9_400).contains(&both), "{both}");
    }
}
