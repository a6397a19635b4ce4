//! Rows on their way from the connection's thread to the one that learns: a word for each value, and the texts behind them.

use crate::arguments::{Argument, Arguments};
use crate::error::invalid;
use crate::share::size;
use std::collections::TryReserveError;
use std::hash::{DefaultHasher, Hasher};
use tablenet_core::{Error, ErrorKind, Result};

/// What the values of a column are packed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Nobody reads it.
    Nothing,
    /// A number.
    Number,
    /// Bytes, which shall be UTF-8.
    Text,
}

/// One packed value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Packed<'a> {
    /// SQL NULL, or not read.
    Null,
    /// A number.
    Number(f64),
    /// Bytes as the server has them.
    Bytes(&'a [u8]),
}

/// NULL as a number: a NaN that no server makes.
const NO_NUMBER: u64 = 0xfff8_7ab1_e000_0000;
/// NULL as a text.
const NO_TEXT: u64 = u64::MAX;
/// The most bytes of text in one row.
const MOST_TEXT: usize = 1 << 20;

/// Rows of one width.
#[derive(Debug, Default)]
pub struct Batch {
    words: Vec<u64>,
    texts: Vec<u8>,
    rows: usize,
    /// Bytes from which on it is full.
    full: usize,
}

impl Batch {
    /// Room for about `bytes` bytes of rows with `width` values.
    pub fn new(bytes: usize, width: usize) -> Result<Self> {
        let mut words = Vec::new();
        words
            .try_reserve_exact(bytes / size_of::<u64>() + width)
            .map_err(|error| refused(&error))?;
        Ok(Self {
            words,
            texts: Vec::new(),
            rows: 0,
            full: bytes,
        })
    }

    /// Whether it should go on its way.
    #[inline]
    pub fn is_full(&self) -> bool {
        size_of_val(&*self.words) + self.texts.len() >= self.full
    }

    /// Rows in it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The same number for rows with the same values, and hardly ever for others: of the last row.
    pub fn fingerprint(&self, columns: &[Packing]) -> u64 {
        let mut hasher = DefaultHasher::new();
        let start = self.words.len().saturating_sub(columns.len());
        for (packing, word) in columns
            .iter()
            .zip(self.words.get(start..).unwrap_or_default())
        {
            match self.value(*packing, *word) {
                Packed::Bytes(bytes) => hasher.write(bytes),
                _ => hasher.write_u64(*word),
            }
        }
        hasher.finish()
    }

    /// Empties it for other rows; what a long text took is given back.
    pub fn clear(&mut self) {
        self.words.clear();
        self.texts.clear();
        self.texts.shrink_to(2 * self.full);
        self.rows = 0;
    }

    /// Takes the values of `arguments` from the second on; `columns` say their names and how they are packed, and the row
    /// is number `row` of its group. A row with an error leaves nothing behind.
    #[inline]
    pub fn push<'n>(
        &mut self,
        arguments: &Arguments<'_>,
        columns: &[Packing],
        row: u64,
        name: impl Fn(usize) -> &'n str,
    ) -> Result<()> {
        let before = (self.words.len(), self.texts.len());
        for (index, packing) in columns.iter().enumerate() {
            let word = match (packing, arguments.value(index + 1)) {
                (Packing::Number, Argument::Real(number)) => number_word(number),
                (Packing::Number, Argument::Null) => NO_NUMBER,
                (Packing::Number, Argument::Integer(number)) => number_word(number as f64),
                (Packing::Nothing, _) | (Packing::Text, Argument::Null) => NO_TEXT,
                (Packing::Text, Argument::Bytes(bytes)) => {
                    match text_word(&mut self.texts, bytes, before.1) {
                        Ok(word) => word,
                        Err(error) => {
                            self.truncate(before);
                            return Err(error.detail(format!(
                                "It is about column \"{}\" in row {row}.",
                                name(index)
                            )));
                        }
                    }
                }
                (packing, _) => {
                    self.truncate(before);
                    return Err(other_type(*packing, name(index), row));
                }
            };
            self.words.push(word);
        }
        self.rows += 1;
        Ok(())
    }

    #[cold]
    fn truncate(&mut self, (words, texts): (usize, usize)) {
        self.words.truncate(words);
        self.texts.truncate(texts);
    }

    /// The words of each row, of which every one has a value by [`Self::value`].
    pub fn words(&self, width: usize) -> impl Iterator<Item = &[u64]> {
        self.words.chunks_exact(width.max(1))
    }

    /// The value behind a word.
    #[inline(always)]
    pub fn value(&self, packing: Packing, word: u64) -> Packed<'_> {
        match packing {
            Packing::Number if word != NO_NUMBER => Packed::Number(f64::from_bits(word)),
            Packing::Text if word != NO_TEXT => {
                let (start, length) = ((word >> 32) as usize, word as u32 as usize);
                let bytes = self.texts.get(start..start.saturating_add(length));
                Packed::Bytes(bytes.unwrap_or_default())
            }
            _ => Packed::Null,
        }
    }
}

#[inline(always)]
fn number_word(number: f64) -> u64 {
    if number.is_nan() {
        f64::NAN.to_bits()
    } else {
        number.to_bits()
    }
}

/// Keeps `bytes`, of a row whose texts begin at `start`.
#[inline]
fn text_word(texts: &mut Vec<u8>, bytes: &[u8], start: usize) -> Result<u64> {
    let (place, length) = (texts.len(), bytes.len());
    if (place - start).saturating_add(length) > MOST_TEXT {
        let message = format!(
            "the texts of a row have more than {}",
            size(MOST_TEXT as u64)
        );
        return Err(Error::new(ErrorKind::LimitExceeded, message)
            .hint("Leave long texts out, or shorten them with LEFT(...)."));
    }
    texts.try_reserve(length).map_err(|error| refused(&error))?;
    texts.extend_from_slice(bytes);
    Ok(((place as u64) << 32) | length as u64)
}

#[cold]
fn refused(error: &TryReserveError) -> Error {
    Error::new(
        ErrorKind::OutOfMemory,
        "there is no memory left for the rows that are read",
    )
    .detail(format!("{error}."))
}

#[cold]
fn other_type(packing: Packing, name: &str, row: u64) -> Error {
    let (was, is) = match packing {
        Packing::Number => ("a number", "text"),
        _ => ("text", "a number"),
    };
    invalid(format!(
        "column \"{name}\" was {was} and is {is} in row {row}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_every_number_and_tell_null_from_nan() {
        let batch = Batch::default();
        for number in [0.0, -0.0, 1.5, f64::MAX, f64::INFINITY, 5e-324] {
            let word = number_word(number);
            assert_eq!(
                batch.value(Packing::Number, word),
                Packed::Number(number),
                "{number}"
            );
        }
        assert_eq!(batch.value(Packing::Number, NO_NUMBER), Packed::Null);
        let word = number_word(f64::from_bits(NO_NUMBER));
        assert!(
            matches!(batch.value(Packing::Number, word), Packed::Number(number) if number.is_nan())
        );
    }

    #[test]
    fn texts_lie_side_by_side_and_have_an_end() -> Result<()> {
        let mut batch = Batch::new(100, 2)?;
        let words = [
            text_word(&mut batch.texts, b"Berlin", 0)?,
            text_word(&mut batch.texts, b"", 0)?,
            text_word(&mut batch.texts, b"Jena", 0)?,
        ];
        let values = words.map(|word| batch.value(Packing::Text, word));
        let expected = [&b"Berlin"[..], b"", b"Jena"].map(Packed::Bytes);
        assert_eq!(values, expected);
        assert_eq!(batch.value(Packing::Text, NO_TEXT), Packed::Null);
        assert!(!batch.is_full());
        let long = vec![b'x'; MOST_TEXT - 10];
        text_word(&mut batch.texts, &long, 0)?;
        assert!(batch.is_full());
        let error = text_word(&mut batch.texts, b"x", 0).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        batch.clear();
        assert!(batch.texts.capacity() < MOST_TEXT);
        Ok(())
    }
}
