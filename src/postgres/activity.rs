//! What other sessions see of this one in pg_stat_activity: a comment before the text of its query.
//!
//! Not the name of the application, which is shown to everybody: the query is shown to those who have the rights of the
//! session's user, and to members of pg_read_all_stats.

use std::sync::atomic::{Ordering, fence};

use pgrx::pg_sys;

/// The text of the query that is shown, to be shown again when this is dropped.
pub struct Activity {
    query: Vec<u8>,
}

impl Activity {
    /// What is shown now; `None` where `track_activities` is off.
    pub fn new() -> Option<Self> {
        // SAFETY: plain variables of the backend; the entry is its own and holds a C string of at most `room` bytes.
        let query = unsafe {
            let entry = pg_sys::MyBEEntry;
            if entry.is_null() || !pg_sys::pgstat_track_activities {
                return None;
            }
            let text = std::slice::from_raw_parts((*entry).st_activity_raw.cast::<u8>(), room());
            text.split(|&byte| byte == 0).next()?.to_vec()
        };
        Some(Self { query })
    }

    /// Shows `comment` before the query.
    pub fn show(&self, comment: &str) {
        let mut text = Vec::with_capacity(comment.len() + 1 + self.query.len());
        text.extend_from_slice(comment.as_bytes());
        text.push(b' ');
        text.extend_from_slice(&self.query);
        write(&text);
    }
}

impl Drop for Activity {
    /// Also after an error: it calls nothing that could raise another.
    fn drop(&mut self) {
        write(&self.query);
    }
}

/// The most bytes of the text.
fn room() -> usize {
    // SAFETY: a plain integer that is set when the server starts; the last byte is a NUL.
    usize::try_from(unsafe { pg_sys::pgstat_track_activity_query_size } - 1).unwrap_or(0)
}

/// Replaces the text, or as much of it as there is room for. pgstat_report_activity() would also reset the query's id and
/// the time since when the session is active.
fn write(text: &[u8]) {
    let text = text.get(..room()).unwrap_or(text);
    // SAFETY: the backend's own entry, which only its own thread writes; others read it again where the count was odd or
    // has changed, as after PGSTAT_BEGIN_WRITE_ACTIVITY and PGSTAT_END_WRITE_ACTIVITY. Nothing between can raise an error.
    unsafe {
        let entry = pg_sys::MyBEEntry;
        let count = &raw mut (*entry).st_changecount;
        let raw = (*entry).st_activity_raw.cast::<u8>();
        count.write_volatile(count.read_volatile().wrapping_add(1));
        fence(Ordering::SeqCst);
        std::ptr::copy_nonoverlapping(text.as_ptr(), raw, text.len());
        raw.add(text.len()).write(0);
        fence(Ordering::SeqCst);
        count.write_volatile(count.read_volatile().wrapping_add(1));
    }
}
