//! Where sample rows go when they no longer fit in memory: a file of the database.

use crate::Result;

/// One append-only temporary file; dropping it removes it.
pub trait Spill {
    /// Appends `block` at the end.
    fn append(&mut self, block: &[u8]) -> Result<()>;

    /// Fills `buffer` from `offset`; the bytes were appended before.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()>;
}

/// Makes temporary files when they are needed.
pub trait SpillFactory {
    /// A new, empty file.
    fn create(&mut self) -> Result<Box<dyn Spill>>;
}
