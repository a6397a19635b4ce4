//! The part of a row's hash that its stored numbers have.

use super::{Simd, dispatch};

/// The bits of NULL, which no finite number has.
pub(crate) const NULL: u64 = 0x7ff8_0000_0000_0000;

/// What a value that is 64 `bits` adds to the hash of its row: another one for every value, because `key` is odd.
///
/// The product carries a difference upwards only, so what stands high in the bits is first put into the low ones, too.
#[inline(always)]
pub(crate) fn keyed(bits: u64, key: u64) -> u64 {
    let bits = bits ^ (bits >> 32);
    let bits = bits ^ (bits >> 16);
    let bits = bits ^ (bits >> 8);
    bits.wrapping_mul(key)
}

/// Values that are taken together.
const LANES: usize = 8;

/// The keys of numbers that stand side by side.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// By the group. Behind whole groups one for the last values, some of which have been taken before: their keys are 0.
    groups: Vec<[u64; LANES]>,
    count: usize,
}

impl Keys {
    /// Those of as many numbers.
    pub(crate) fn new(keys: &[u64]) -> Self {
        let (groups, few) = keys.as_chunks::<LANES>();
        let mut groups = groups.to_vec();
        if !few.is_empty() {
            let mut last = [0; LANES];
            let first = if groups.is_empty() {
                0
            } else {
                LANES - few.len()
            };
            last[first..][..few.len()].copy_from_slice(few);
            groups.push(last);
        }
        Self {
            groups,
            count: keys.len(),
        }
    }
}

#[inline(always)]
fn add(lane: &mut u64, value: f64, key: u64) {
    // 0 is added for the sake of -0.
    let value = value + 0.0;
    let bits = if value.is_nan() {
        NULL
    } else {
        value.to_bits()
    };
    *lane = lane.wrapping_add(keyed(bits, key));
}

#[inline(always)]
fn sum<T: Copy>(values: &[T], keys: &Keys, widened: impl Fn(T) -> f64 + Copy) -> u64 {
    let values = &values[..keys.count];
    let (groups, few) = values.as_chunks::<LANES>();
    let mut lanes = [0; LANES];
    for (values, keys) in groups.iter().zip(&keys.groups) {
        for l in 0..LANES {
            add(&mut lanes[l], widened(values[l]), keys[l]);
        }
    }
    if let (false, Some(keys)) = (few.is_empty(), keys.groups.last()) {
        match values.last_chunk::<LANES>() {
            Some(values) => {
                for l in 0..LANES {
                    add(&mut lanes[l], widened(values[l]), keys[l]);
                }
            }
            None => {
                for (l, value) in few.iter().enumerate() {
                    add(&mut lanes[l], widened(*value), keys[l]);
                }
            }
        }
    }
    lanes.iter().fold(0, |sum, lane| sum.wrapping_add(*lane))
}

dispatch!(
    /// The sum of what stored f32 add, of which there must be as many as `keys`.
    pub(crate) fn sum_singles(values: &[[u8; 4]], keys: &Keys) -> u64 = sum_singles_body
);

#[inline(always)]
fn sum_singles_body<S: Simd>(values: &[[u8; 4]], keys: &Keys) -> u64 {
    sum(values, keys, |value| f64::from(f32::from_ne_bytes(value)))
}

dispatch!(
    /// As [`sum_singles`] for stored f64.
    pub(crate) fn sum_doubles(values: &[[u8; 8]], keys: &Keys) -> u64 = sum_doubles_body
);

#[inline(always)]
fn sum_doubles_body<S: Simd>(values: &[[u8; 8]], keys: &Keys) -> u64 {
    sum(values, keys, f64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::on_every_level;

    #[test]
    fn a_number_counts_alike_in_both_widths_and_on_every_level() {
        let numbers = [0.0, -0.0, 1.0, -2.5, 1e30, 5e-45, f32::MAX, f32::NAN, 3.0];
        let numbers: Vec<f32> = numbers.into_iter().cycle().take(61).collect();
        let keys: Vec<u64> = (0..61_u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
            .collect();
        let singles: Vec<[u8; 4]> = numbers.iter().map(|it| it.to_ne_bytes()).collect();
        let doubles = numbers.iter().map(|it| f64::from(*it).to_ne_bytes());
        let doubles: Vec<[u8; 8]> = doubles.collect();
        let added = |(value, key): (&f32, &u64)| {
            let bits = match value {
                value if value.is_nan() => NULL,
                value if *value == 0.0 => 0,
                value => f64::from(*value).to_bits(),
            };
            keyed(bits, *key)
        };
        let one_by_one = |count| {
            let pairs = numbers.iter().zip(&keys).take(count);
            pairs.map(added).fold(0_u64, u64::wrapping_add)
        };
        on_every_level(|| {
            for count in [0, 1, 7, 8, 9, 16, 29, 61] {
                let first = Keys::new(&keys[..count]);
                assert_eq!(sum_singles(&singles, &first), one_by_one(count));
                assert_eq!(sum_doubles(&doubles, &first), one_by_one(count));
            }
        });
    }

    #[test]
    fn small_changes_of_two_columns_do_not_cancel() {
        // The last bits of two numbers, or those of small integers: sums of products with odd keys alone would collide.
        let mut seen = std::collections::HashSet::new();
        let keys = Keys::new(&[0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9]);
        let mut rows = 0;
        for base in [0.1_f64, 1.0, 1e9] {
            for a in 0..256 {
                for b in 0..256 {
                    for step in [1, 1 << 30, 1 << 46] {
                        let at = |i: u64| f64::from_bits(base.to_bits() + i * step);
                        let row = [at(a).to_ne_bytes(), at(b).to_ne_bytes()];
                        rows += usize::from(a + b > 0 || step == 1);
                        seen.insert(sum_doubles(&row, &keys));
                    }
                }
            }
        }
        assert_eq!(seen.len(), rows);
    }
}
