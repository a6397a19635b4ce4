//! What the process list says about a training.

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// While rows come.
pub const READING: &CStr = c"tablenet: reading rows";

/// How far a training is, as its thread tells the connection's.
#[derive(Debug, Default)]
pub struct Progress {
    /// Epochs that have ended.
    epochs: AtomicU32,
}

impl Progress {
    /// So many epochs have ended.
    pub fn ended(&self, epochs: u32) {
        self.epochs.store(epochs, Relaxed);
    }

    /// The epoch under way, of a training that runs at most `of` epochs if that is known.
    pub fn epoch(&self, of: Option<u32>) -> u32 {
        let epoch = self.epochs.load(Relaxed).saturating_add(1);
        of.map_or(epoch, |of| epoch.min(of))
    }
}

/// `tablenet: epoch 3 of 10`.
pub fn epoch_text(epoch: u32, of: Option<u32>) -> String {
    match of {
        Some(of) => format!("tablenet: epoch {epoch} of {of}"),
        None => format!("tablenet: epoch {epoch}"),
    }
}

/// The longest text and its NUL, in bytes.
const LONGEST: usize = 64;
type Bytes = [AtomicU8; LONGEST];

/// A text that changes while the server may read it: who reads meanwhile sees some of both. It is never freed, because the
/// server may still read it later, but lent to the next one.
#[derive(Debug)]
pub struct Line(&'static Bytes);

/// Those that nobody has.
static FREE: Mutex<Vec<&'static Bytes>> = Mutex::new(Vec::new());

impl Line {
    /// One that nobody else has.
    pub fn new() -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(free.unwrap_or_else(|| Box::leak(Box::new([const { AtomicU8::new(0) }; LONGEST]))))
    }

    /// Changes it to `text`, or as much of that as fits.
    pub fn write(&self, text: &str) {
        let end = text.floor_char_boundary(LONGEST - 1);
        let bytes = text.bytes().take(end).chain(std::iter::repeat(0));
        for (to, byte) in self.0.iter().zip(bytes) {
            to.store(byte, Relaxed);
        }
    }

    /// Where it lies, with a NUL at its end.
    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> String {
        let bytes: Vec<u8> = line.0.iter().map(|byte| byte.load(Relaxed)).collect();
        let text = CStr::from_bytes_until_nul(&bytes).expect("a NUL");
        text.to_string_lossy().into_owned()
    }

    #[test]
    fn an_epoch_is_the_one_under_way() {
        let progress = Progress::default();
        assert_eq!(progress.epoch(Some(10)), 1);
        progress.ended(2);
        assert_eq!(progress.epoch(None), 3);
        progress.ended(10);
        assert_eq!(progress.epoch(Some(10)), 10);
        assert_eq!(epoch_text(3, Some(10)), "tablenet: epoch 3 of 10");
        assert_eq!(epoch_text(3, None), "tablenet: epoch 3");
    }

    #[test]
    fn a_line_keeps_its_end_and_goes_to_the_next_one() {
        let line = Line::new();
        line.write("tablenet: epoch 10");
        line.write("short");
        assert_eq!(text(&line), "short");
        line.write(&"é".repeat(40));
        assert_eq!(text(&line), "é".repeat(31));
        let other = Line::new();
        other.write("other");
        assert_eq!(text(&line), "é".repeat(31));
        drop((line, other));
        // Tests that train have lines, too.
        let made: Vec<_> = (0..100).map(|_| Line::new()).collect();
        drop(made);
        let free = FREE.lock().expect("not poisoned").len();
        assert!(free >= 90, "{free}");
    }
}
