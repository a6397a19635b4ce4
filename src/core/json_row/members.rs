//! What is in the outermost object or array, one by one.

use super::JsonKind;
use super::scan::{Scan, Token};
use crate::Result;

/// The members of the outermost object, or the elements of the outermost array, and whether none of them was read yet.
#[derive(Debug)]
pub(super) struct Members {
    first: bool,
}

impl Scan<'_> {
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
