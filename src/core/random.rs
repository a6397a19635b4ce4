//! Seeded numbers for order, split, sampling and noise, the same on every machine.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Sets the purposes of one seed apart: 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash of one word: the first number of its generator.
pub(crate) fn hash(word: u64) -> u64 {
    SplitMix64::seed_from_u64(word).next_u64()
}

/// A generator for one purpose of one seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(SplitMix64);

impl Random {
    /// The numbers of `seed` for `purpose`; different purposes are independent.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let key = hash(seed) ^ purpose.wrapping_mul(GOLDEN);
        Self(SplitMix64::seed_from_u64(hash(key.wrapping_sub(GOLDEN))))
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound` (0 if `bound` is 0), by multiplication; the bias is below 2^-32 for the bounds used here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// One step of Fisher and Yates: exchanges item `i` with one of the items `0..=i`.
    pub(crate) fn exchange<T>(&mut self, items: &mut [T], i: usize) {
        let j = self.below(i as u64 + 1) as usize;
        items.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_earlier_releases() {
        let mut random = Random::new(1, 2);
        assert_eq!(
            [random.next(), random.next()],
            [0x8C64_7D4B_C9D6_B599, 0xFE65_F726_6B2D_228B]
        );
        assert_eq!(hash(0), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn below_stays_below_and_reaches_all() {
        let mut random = Random::new(1, 2);
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[random.below(7) as usize] += 1;
        }
        assert!(
            seen.iter().all(|&count| (850..1150).contains(&count)),
            "{seen:?}"
        );
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn seeds_and_purposes_differ() {
        assert_ne!(Random::new(0, 1).next(), Random::new(1, 1).next());
        assert_ne!(Random::new(0, 1).next(), Random::new(0, 2).next());
    }
}
