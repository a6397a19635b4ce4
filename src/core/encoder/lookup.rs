//! From a text to what belongs to it: a table that is built once and then asked for every row.

use crate::weights::room;
use crate::{Error, ErrorKind, Result};
use std::hash::{BuildHasher, RandomState};

/// A frozen table of distinct texts.
#[derive(Debug)]
pub(crate) struct Lookup<T> {
    /// A power of two, at least twice the texts. A text stands at its hash, or at the next place that was free.
    slots: Vec<Slot<T>>,
    /// The texts, one after the other.
    texts: Vec<u8>,
    /// Differs from table to table, so that nobody can choose texts that all want the same place.
    seed: u64,
}

#[derive(Debug, Clone)]
struct Slot<T> {
    hash: u32,
    begin: u32,
    length: u32,
    /// None in a free slot.
    value: Option<T>,
}

impl<T: Copy> Lookup<T> {
    /// A table of `texts`; of equal ones the first counts.
    pub(crate) fn new<'t>(texts: impl Iterator<Item = (&'t str, T)> + Clone) -> Result<Self> {
        let (mut count, mut bytes) = (0usize, 0);
        for (text, _) in texts.clone() {
            count += 1;
            bytes += text.len();
        }
        let size = (2 * count + 1).next_power_of_two();
        let mut slots = room(size)?;
        let free = Slot {
            hash: 0,
            begin: 0,
            length: 0,
            value: None,
        };
        slots.resize(size, free);
        if u32::try_from(bytes).is_err() {
            let message = "the categories of a column are longer than 4 GB";
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let mut lookup = Self {
            slots,
            texts: room(bytes)?,
            seed: RandomState::new().hash_one(bytes),
        };
        for (text, value) in texts {
            let (hash, place) = lookup.find(text);
            let begin = lookup.texts.len() as u32;
            if let Some(slot) = lookup.slots.get_mut(place)
                && slot.value.is_none()
            {
                *slot = Slot {
                    hash,
                    begin,
                    length: text.len() as u32,
                    value: Some(value),
                };
                lookup.texts.extend_from_slice(text.as_bytes());
            }
        }
        Ok(lookup)
    }

    /// What belongs to `text`.
    #[inline]
    pub(crate) fn get(&self, text: &str) -> Option<T> {
        let (_, place) = self.find(text);
        self.slots.get(place)?.value
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T>>() + self.texts.capacity()
    }

    /// The hash of `text`, and its slot or the free one that it would take: half of them are free.
    #[inline]
    fn find(&self, text: &str) -> (u32, usize) {
        let hash = hash(text.as_bytes(), self.seed) as u32;
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        while let Some(slot) = self.slots.get(place) {
            let begin = slot.begin as usize;
            let its = self.texts.get(begin..begin + slot.length as usize);
            if slot.value.is_none()
                || (slot.hash == hash && its.is_some_and(|its| its == text.as_bytes()))
            {
                break;
            }
            place = (place + 1) & mask;
        }
        (hash, place)
    }
}

/// Mixes eight bytes at a time by the two halves of a product, as wyhash does. The same on every machine and in every
/// release, as fingerprints are made of it.
#[inline]
pub(crate) fn hash(text: &[u8], seed: u64) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |a: u64| {
        let product = u128::from(a ^ FACTOR) * u128::from(FACTOR.rotate_left(23));
        product as u64 ^ (product >> 64) as u64
    };
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        for (to, byte) in word.iter_mut().zip(bytes) {
            *to = *byte;
        }
        u64::from_le_bytes(word)
    };
    let (words, rest) = text.as_chunks::<8>();
    let mut state = seed ^ text.len() as u64;
    for bytes in words {
        state = mix(state ^ u64::from_le_bytes(*bytes));
    }
    // The last eight bytes, some of which may have been mixed before, are one load; a short text is few.
    let last = match text.last_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => word(rest),
    };
    mix(state ^ last.rotate_left(17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_text_and_no_other() -> Result<()> {
        for count in [0, 1, 2, 50, 1000] {
            let texts: Vec<String> = (0..count)
                .map(|i| "\u{e4}bc".repeat(i % 9) + &i.to_string())
                .collect();
            let pairs = texts.iter().enumerate().map(|(i, text)| (text.as_str(), i));
            let lookup = Lookup::new(pairs)?;
            for (i, text) in texts.iter().enumerate() {
                assert_eq!(lookup.get(text), Some(i));
                assert_eq!(lookup.get(&format!("{text}x")), None);
            }
            assert_eq!(lookup.get(""), None);
            assert!(lookup.bytes() >= texts.iter().map(String::len).sum());
        }
        let lookup = Lookup::new([("", 1), ("a", 2), ("", 3)].into_iter())?;
        assert_eq!((lookup.get(""), lookup.get("a")), (Some(1), Some(2)));
        Ok(())
    }

    #[test]
    fn spreads_texts_that_differ_in_a_byte() {
        let texts = (0..1000).map(|i| format!("city {i:03}"));
        let mut low: Vec<u64> = texts.map(|text| hash(text.as_bytes(), 7) & 2047).collect();
        low.sort_unstable();
        low.dedup();
        // 790 of 2048 are expected of 1000 random ones.
        assert!(low.len() > 720, "{}", low.len());
    }
}
