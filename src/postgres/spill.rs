//! Rows beyond the memory limit, in temporary files of PostgreSQL: `temp_file_limit` holds, `temp_tablespaces` is
//! followed, and nothing is left behind by an abort or a crash.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use tablenet_core::{Result, Spill, SpillFactory};

use crate::error;

/// A BufFile is a chain of files of this size.
const SEGMENT: u64 = 1 << 30;

/// Makes temporary files that live as long as one memory context and one resource owner: those of the call.
pub struct Spills {
    context: pg_sys::MemoryContext,
}

impl Spills {
    /// Files for the call that is running now.
    pub fn new() -> Self {
        // SAFETY: the context of the call outlives it.
        let context = unsafe { pg_sys::CurrentMemoryContext };
        Self { context }
    }

    /// Files that live as long as `context` at most.
    pub fn within(context: pg_sys::MemoryContext) -> Self {
        Self { context }
    }
}

impl SpillFactory for Spills {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        let context = self.context;
        // SAFETY: the executor may be running in a context that ends earlier, so ours is made current.
        let file = error::catch(|| unsafe {
            let before = pg_sys::MemoryContextSwitchTo(context);
            let file = pg_sys::BufFileCreateTemp(false);
            pg_sys::MemoryContextSwitchTo(before);
            file
        })?;
        Ok(Box::new(File {
            file,
            length: 0,
            position: 0,
            dirty: false,
        }))
    }
}

/// One temporary file; every call happens on the backend's own thread.
struct File {
    file: *mut pg_sys::BufFile,
    length: u64,
    position: u64,
    /// Something may still be in the buffer, so that closing would write.
    dirty: bool,
}

impl File {
    fn seek(&mut self, offset: u64) -> Result<()> {
        if self.position == offset {
            return Ok(());
        }
        let (segment, within) = ((offset / SEGMENT) as i32, (offset % SEGMENT) as i64);
        // SAFETY: the file is open; an error while flushing is caught.
        let status = error::catch(|| unsafe {
            pg_sys::BufFileSeek(self.file, segment, within, libc::SEEK_SET)
        })?;
        if status != 0 {
            let message = format!("could not seek to offset {offset} of a temporary file");
            return Err(error::own(Code::ERRCODE_IO_ERROR, message));
        }
        self.position = offset;
        Ok(())
    }
}

impl Spill for File {
    fn append(&mut self, block: &[u8]) -> Result<()> {
        self.seek(self.length)?;
        self.dirty = true;
        // SAFETY: the file is open and only reads from the block; its type lacks a const in older versions.
        error::catch(|| unsafe {
            pg_sys::BufFileWrite(self.file, block.as_ptr().cast_mut().cast(), block.len())
        })?;
        self.length += block.len() as u64;
        self.position = self.length;
        // A seek beyond the last segment writes what is in the buffer, and moves nothing: the file can be closed at any time.
        // SAFETY: the file is open.
        error::catch(|| unsafe { pg_sys::BufFileSeek(self.file, i32::MAX, 0, libc::SEEK_SET) })?;
        self.dirty = false;
        Ok(())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.seek(offset)?;
        let wanted = buffer.len();
        // SAFETY: the file is open and fills at most the buffer; what was appended is written first.
        let read = error::catch(|| unsafe {
            pg_sys::BufFileRead(self.file, buffer.as_mut_ptr().cast(), wanted)
        })?;
        self.dirty = false;
        if read != wanted {
            let message = format!(
                "read only {read} of {wanted} bytes at offset {offset} of a temporary file"
            );
            return Err(error::own(Code::ERRCODE_IO_ERROR, message));
        }
        self.position = offset + wanted as u64;
        Ok(())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // An error is on its way, or closing could raise one: PostgreSQL closes the file when it aborts. That is when groups
        // of an aggregate go with their memory, and the file may be closed already.
        // SAFETY: looks at the state of the transaction.
        if std::thread::panicking() || self.dirty || !unsafe { pg_sys::IsTransactionState() } {
            return;
        }
        // SAFETY: the file is open and is not used again; there is nothing to write.
        unsafe { pg_sys::BufFileClose(self.file) };
    }
}
