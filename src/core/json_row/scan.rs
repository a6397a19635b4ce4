//! One walk over JSON text: where its values are, and that it is JSON. Nothing recurses.

use super::JsonKind;
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
    at: usize,
}

/// The members of the outermost object, or the elements of the outermost array, one by one.
#[derive(Debug)]
pub(super) struct Members {
    first: bool,
}

/// The deepest nesting: a bit for each object or array that is open.
const DEPTH: u32 = u128::BITS;

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    /// Enters the object that the text must be.
    pub(super) fn members(&mut self) -> Result<Members> {
        if self.next_byte() == Some(b'{') {
            self.at += 1;
            return Ok(Members { first: true });
        }
        let array = self.peek() == Some(b'[');
        self.value()?;
        self.end()?;
        Err(JsonKind::not_an_object(array))
    }

    /// Enters the array that the text is.
    pub(super) fn elements(&mut self) -> Result<Elements> {
        self.expect(b'[')?;
        Ok(Elements(Members { first: true }))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte after white space.
    #[inline]
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.next_byte() != Some(byte) {
            return Err(self.invalid());
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space is left.
    fn end(&mut self) -> Result<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.invalid()),
        }
    }

    /// A key and the colon behind it.
    #[inline]
    fn key(&mut self) -> Result<Token> {
        self.next_byte();
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Any value.
    #[inline]
    fn value(&mut self) -> Result<Token> {
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
    fn plain(&mut self) -> Result<JsonKind> {
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
    fn string(&mut self) -> Result<Token> {
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

    /// An object or array and all that is in it.
    fn nested(&mut self) -> Result<()> {
        // The innermost in the lowest bit: 1 for an object.
        let (mut open, mut depth) = (0_u128, 0);
        loop {
            match self.next_byte() {
                Some(byte @ (b'{' | b'[')) => {
                    if depth == DEPTH {
                        return Err(self.too_deep());
                    }
                    self.at += 1;
                    let object = byte == b'{';
                    (open, depth) = (open << 1 | u128::from(object), depth + 1);
                    match (self.next_byte(), object) {
                        (Some(b'}'), true) | (Some(b']'), false) => {}
                        (_, true) => {
                            self.key()?;
                            continue;
                        }
                        (_, false) => continue,
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                _ => {
                    self.plain()?;
                }
            }
            // Behind a value, or before the end of an empty object or array.
            loop {
                let object = open & 1 == 1;
                match self.next_byte() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ => return Err(self.invalid()),
                }
                self.at += 1;
                (open, depth) = (open >> 1, depth - 1);
                if depth == 0 {
                    return Ok(());
                }
            }
        }
    }

    #[cold]
    fn invalid(&self) -> Error {
        let detail = match self.bytes.len() {
            0 => "It is empty.".to_owned(),
            length if self.at >= length => format!("It ends too early, after {length} bytes."),
            length => format!("It goes wrong after {} of {length} bytes.", self.at),
        };
        Error::new(ErrorKind::InvalidText, "the features are not valid JSON")
            .detail(detail)
            .hint("Write them as {\"name\": value, ...}.")
    }

    #[cold]
    fn too_deep(&self) -> Error {
        let message = format!("the features as JSON are nested more than {DEPTH} deep");
        Error::new(ErrorKind::LimitExceeded, message)
    }
}

impl Members {
    /// The next member, or `None` behind the last one, where the text must end.
    #[inline]
    pub(super) fn next(&mut self, scan: &mut Scan<'_>) -> Result<Option<(Token, Token)>> {
        if !self.more(scan, b'}')? {
            return Ok(None);
        }
        let key = scan.key()?;
        Ok(Some((key, scan.value()?)))
    }

    #[inline]
    fn more(&mut self, scan: &mut Scan<'_>, end: u8) -> Result<bool> {
        let first = std::mem::replace(&mut self.first, false);
        match scan.next_byte() {
            Some(byte) if byte == end => {
                scan.at += 1;
                scan.end()?;
                Ok(false)
            }
            Some(b',') if !first => {
                scan.at += 1;
                Ok(true)
            }
            _ if first => Ok(true),
            _ => Err(scan.invalid()),
        }
    }
}

/// The elements of an array.
#[derive(Debug)]
pub(super) struct Elements(Members);

impl Elements {
    /// The next one, or `None` behind the last one, where the text must end.
    pub(super) fn next(&mut self, scan: &mut Scan<'_>) -> Result<Option<Token>> {
        if !self.0.more(scan, b']')? {
            return Ok(None);
        }
        scan.value().map(Some)
    }
}

/// The character that `\uXXXX`, or a pair of them, stands for at the start of `bytes`, and its length there.
fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let unit = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
        digits.iter().try_fold(0, |unit, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
    };
    let first = unit(bytes)?;
    if !(0xD800..0xE000).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = unit(bytes.get(6..)?)?;
    if first >= 0xDC00 || !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    Some((char::from_u32(code)?, 12))
}

/// Appends the inside of a string that was scanned, without its escapes.
pub(super) fn decode(mut text: &str, out: &mut String) {
    while let Some((plain, rest)) = text.split_once('\\') {
        out.push_str(plain);
        let whole = text.get(plain.len()..).unwrap_or_default();
        let (character, length) = match rest.bytes().next() {
            Some(b'b') => ('\x08', 2),
            Some(b'f') => ('\x0c', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'u') => unicode(whole.as_bytes()).unwrap_or((char::REPLACEMENT_CHARACTER, 2)),
            Some(other) => (char::from(other), 2),
            None => return,
        };
        out.push(character);
        text = whole.get(length..).unwrap_or_default();
    }
    out.push_str(text);
}
