//! Seeded numbers for order, split and sampling: SplitMix64 (Steele, Lea, Flood 2014), the same on every machine.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finalizer: a hash of one word.
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A generator for one purpose of one seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of `seed` for `purpose`; different purposes are independent.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(
            mix(seed.wrapping_add(GOLDEN)) ^ purpose.wrapping_mul(GOLDEN)
        ))
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
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
    fn splitmix64_is_the_published_one() {
        // Vigna's splitmix64.c with state 1234567: 6457827717110365317, 3203168211198807973
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
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
