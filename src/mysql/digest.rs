//! The sha256 of a model's bytes: its name in this server, which SQL holds as `mlref:` and 64 hexadecimal digits.
//!
//! A reference lets its holder use the model, and only who has read the bytes can know it.

use sha2::{Digest as _, Sha256};

const PREFIX: &[u8] = b"mlref:";
/// Bytes of a reference.
pub const REFERENCE: usize = 70;

/// The sha256 of a model's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// That of `bytes`, in about a millisecond per MB.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Whether `given` is a reference, or means to be one; the bytes of no model begin so.
    pub fn is_reference(given: &[u8]) -> bool {
        given.starts_with(PREFIX)
    }

    /// The digest that a reference names.
    pub fn of_reference(given: &[u8]) -> Option<Self> {
        let (pairs, []) = given.strip_prefix(PREFIX)?.as_chunks::<2>() else {
            return None;
        };
        let mut digest = [0; 32];
        if pairs.len() != digest.len() {
            return None;
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(Self(digest))
    }

    /// As SQL holds it.
    pub fn reference(&self) -> [u8; REFERENCE] {
        let mut text = [0; REFERENCE];
        let (prefix, digits) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        text
    }
}

/// The value of a lower-case hexadecimal digit: every digest has one spelling.
fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'a' + value - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf abc | sha256sum`
    const ABC: &[u8] = b"mlref:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_reference_is_the_sha256_in_hexadecimal_digits() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.reference(), ABC);
        assert_eq!(Digest::of_reference(ABC), Some(digest));
    }

    #[test]
    fn other_texts_are_no_reference() {
        for text in [
            &ABC[..69],
            &[ABC, b"0"].concat(),
            &ABC.to_ascii_uppercase(),
            b"mlref:",
            b"",
            &[&ABC[..69], b"g"].concat(),
        ] {
            assert_eq!(Digest::of_reference(text), None);
        }
        assert!(Digest::is_reference(b"mlref:x"));
        assert!(!Digest::is_reference(b"mlre"));
    }
}
