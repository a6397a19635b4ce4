//! What the process list says about a training. The server may read such a text at any later time, so it is never freed;
//! there are only so many of them.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

/// While rows come.
pub const READING: &CStr = c"tablenet: reading rows";
/// While the model is fitted, where there is no better text.
const TRAINING: &CStr = c"tablenet: training";

/// How far a training is, as its thread tells the connection's.
#[derive(Debug, Default)]
pub struct Progress {
    /// Epochs that have ended.
    epochs: AtomicU32,
}

impl Progress {
    /// So many epochs have ended.
    pub fn ended(&self, epochs: u32) {
        self.epochs.store(epochs, Ordering::Relaxed);
    }

    /// The text for the epoch under way, of a training that runs exactly `of` epochs if that is known.
    pub fn text(&self, of: Option<u32>) -> &'static CStr {
        let epoch = self.epochs.load(Ordering::Relaxed).saturating_add(1);
        epoch_text(of.map_or(epoch, |of| epoch.min(of)), of)
    }
}

/// `tablenet: epoch 3 of 10`.
fn epoch_text(epoch: u32, of: Option<u32>) -> &'static CStr {
    /// All of them together take less than 300 kB.
    const MOST: usize = 4096;
    type Texts = HashMap<(u32, Option<u32>), &'static CStr>;
    static TEXTS: LazyLock<Mutex<Texts>> = LazyLock::new(Mutex::default);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = texts.get(&(epoch, of)) {
        return text;
    }
    if texts.len() >= MOST {
        return TRAINING;
    }
    let text = match of {
        Some(of) => format!("tablenet: epoch {epoch} of {of}"),
        None => format!("tablenet: epoch {epoch}"),
    };
    let Ok(text) = CString::new(text) else {
        return TRAINING;
    };
    let text: &'static CStr = Box::leak(text.into_boxed_c_str());
    texts.insert((epoch, of), text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_made_once_and_not_without_end() {
        let progress = Progress::default();
        assert_eq!(progress.text(Some(10)), c"tablenet: epoch 1 of 10");
        progress.ended(2);
        let text = progress.text(Some(10));
        assert_eq!(text, c"tablenet: epoch 3 of 10");
        assert_eq!(text.as_ptr(), progress.text(Some(10)).as_ptr());
        assert_eq!(progress.text(None), c"tablenet: epoch 3");
        progress.ended(10);
        assert_eq!(progress.text(Some(10)), c"tablenet: epoch 10 of 10");
        for epochs in 0..10_000 {
            progress.ended(epochs);
            progress.text(Some(99_999));
        }
        assert_eq!(progress.text(Some(99_999)), TRAINING);
        assert_eq!(progress.text(None), c"tablenet: training");
    }
}
