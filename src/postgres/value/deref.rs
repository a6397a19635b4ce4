//! Which model a value is, read from as little of it as possible.

use std::collections::HashMap;

use pgrx::pg_sys::{self, Datum};
use pgrx::varlena;
use tablenet_core::Result;

use super::{DIGEST, parts};
use crate::cache::Digest;
use crate::datum;
use crate::statement::Statement;

/// Values remembered at the most: 8 MB of them.
const MOST: usize = 1 << 16;

/// Where a table keeps a large value.
type Pointer = [u8; size_of::<pg_sys::varatt_external>()];

/// The values of tables that one call site has seen in a statement. What a pointer leads to stays as long as the snapshot
/// that found it.
#[derive(Default)]
pub struct Deref {
    statement: Option<Statement>,
    /// The one of the row before.
    last: Option<(Pointer, Digest)>,
    seen: HashMap<Pointer, Digest>,
}

impl Deref {
    /// The digest of a value.
    ///
    /// # Errors
    /// XX001 for a value too short to have one.
    ///
    /// # Safety
    /// `value` is of type tablenet.model.
    #[inline]
    pub unsafe fn digest(&mut self, value: Datum) -> Result<Digest> {
        let start: *mut pg_sys::varlena = value.cast_mut_ptr();
        // SAFETY: by contract a varlena, so that its header may be read.
        unsafe {
            if varlena::varatt_is_4b_u(start) {
                return Ok(*parts(datum::bytes(value))?.0);
            }
            self.far(start)
        }
    }

    /// That of a value which is packed, or elsewhere.
    ///
    /// # Safety
    /// `value` is a varlena of type tablenet.model.
    #[cold]
    unsafe fn far(&mut self, value: *mut pg_sys::varlena) -> Result<Digest> {
        // SAFETY: by contract; a pointer into a table has these bytes, which are not aligned, behind a header of two.
        let pointer = unsafe {
            let stored = varlena::varatt_is_1b_e(value)
                && u32::from(varlena::vartag_1b_e(value)) == pg_sys::vartag_external::VARTAG_ONDISK;
            stored.then(|| value.cast::<u8>().add(2).cast::<Pointer>().read())
        };
        let statement = Statement::current();
        if statement.is_none() || self.statement != statement {
            self.statement = statement;
            self.last = None;
            self.seen.clear();
        }
        if let Some(pointer) = pointer {
            if let Some((last, digest)) = &self.last
                && *last == pointer
            {
                return Ok(*digest);
            }
            if let Some(digest) = self.seen.get(&pointer) {
                self.last = Some((pointer, *digest));
                return Ok(*digest);
            }
        }
        // SAFETY: a slice is a copy in the current memory context.
        let digest = unsafe {
            let slice = pg_sys::pg_detoast_datum_slice(value, 0, DIGEST as i32);
            *parts(datum::bytes(Datum::from(slice)))?.0
        };
        if let Some(pointer) = pointer
            && statement.is_some()
        {
            self.last = Some((pointer, digest));
            if self.seen.len() == MOST {
                self.seen.clear();
            }
            self.seen.insert(pointer, digest);
        }
        Ok(digest)
    }
}
