//! Objects and arrays as values: passed over, but checked. Nothing recurses.

use super::scan::Scan;
use crate::{Error, ErrorKind, Result};

/// The deepest nesting: a bit for each object or array that is open.
const DEPTH: u32 = u128::BITS;

impl Scan<'_> {
    /// An object or array and all that is in it.
    pub(super) fn nested(&mut self) -> Result<()> {
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
    fn too_deep(&self) -> Error {
        let message = format!("the features as JSON are nested more than {DEPTH} deep");
        Error::new(ErrorKind::LimitExceeded, message)
    }
}
