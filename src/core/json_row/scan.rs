//! One walk over JSON text: where its values are, and that it is JSON. Nothing recurses.

use super::JsonKind;
use super::escape::unicode;
use crate::{Error, ErrorKind, Result};
use std::ops::Range;

/// A value or key: of a string the inside, of all else the whole.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: JsonKind,
    pub(super) range: Range<usize>,
    /// A string with escapes.
    pub(super) escaped: bool,
}

/// The place in a text.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte after white space.
    #[inline]
    pub(super) fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.next_byte() != Some(byte) {
            return Err(self.invalid());
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.invalid()),
        }
    }

    /// A key and the colon behind it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Token> {
        self.next_byte();
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Any value.
    #[inline]
    pub(super) fn value(&mut self) -> Result<Token> {
        let (kind, start) = match self.next_byte() {
            Some(b'"') => return self.string(),
            Some(b'{' | b'[') => {
                let start = self.at;
                self.nested()?;
                (JsonKind::Nested, start)
            }
            _ => {
                let start = self.at;
                (self.plain()?, start)
            }
        };
        Ok(Token {
            kind,
            range: start..self.at,
            escaped: false,
        })
    }

    /// A number, true, false or null.
    #[inline]
    pub(super) fn plain(&mut self) -> Result<JsonKind> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", JsonKind::Boolean),
            Some(b'f') => self.word("false", JsonKind::Boolean),
            Some(b'n') => self.word("null", JsonKind::Null),
            _ => Err(self.invalid()),
        }
    }

    fn word(&mut self, word: &str, kind: JsonKind) -> Result<JsonKind> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.invalid());
        }
        self.at += word.len();
        Ok(kind)
    }

    #[inline]
    fn number(&mut self) -> Result<JsonKind> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(JsonKind::Number)
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.invalid());
        }
        Ok(())
    }

    #[inline]
    pub(super) fn string(&mut self) -> Result<Token> {
        if self.peek() != Some(b'"') {
            return Err(self.invalid());
        }
        self.at += 1;
        let (start, mut escaped) = (self.at, false);
        loop {
            match self.peek() {
                Some(b'"') => {
                    let range = start..self.at;
                    self.at += 1;
                    return Ok(Token {
                        kind: JsonKind::Text,
                        range,
                        escaped,
                    });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(b' '..) => self.at += 1,
                _ => return Err(self.invalid()),
            }
        }
    }

    /// As jsonb does, this refuses \u0000 and halves of surrogate pairs, which no text can hold.
    #[cold]
    fn escape(&mut self) -> Result<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                match unicode(rest) {
                    Some(('\0', _)) | None => return Err(self.invalid()),
                    Some((_, length)) => self.at += length,
                }
            }
            _ => return Err(self.invalid()),
        }
        Ok(())
    }

    #[cold]
    pub(super) fn invalid(&self) -> Error {
        let detail = match self.bytes.len() {
            0 => "It is empty.".to_owned(),
            length if self.at >= length => format!("It ends too early, after {length} bytes."),
            length => format!("It goes wrong after {} of {length} bytes.", self.at),
        };
        Error::new(ErrorKind::InvalidText, "the features are not valid JSON")
            .detail(detail)
            .hint("Write them as {\"name\": value, ...}.")
    }
}
