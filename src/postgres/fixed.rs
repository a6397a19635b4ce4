//! Fixed statements over the catalog tables: planned once per session, run as the owner of the tables.

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Error, Result};

use crate::owner::as_owner_of;
use crate::{error, installed};

/// Opens an SPI connection around `work`. After an error it stays open: the abort that follows closes it.
pub fn connected<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    // SAFETY: paired with SPI_finish unless an error is raised.
    if unsafe { pg_sys::SPI_connect() } != pg_sys::SPI_OK_CONNECT as i32 {
        return Err(unexpected("could not connect to SPI"));
    }
    let result = work()?;
    // SAFETY: opened above; what `work` returned lives outside of it.
    unsafe { pg_sys::SPI_finish() };
    Ok(result)
}

/// A statement whose every name and operator is qualified by its schema.
pub struct Fixed {
    sql: &'static CStr,
    types: &'static [Oid],
    plan: Cell<pg_sys::SPIPlanPtr>,
}

impl Fixed {
    /// `sql` with parameters of `types`.
    pub const fn new(sql: &'static CStr, types: &'static [Oid]) -> Self {
        Self {
            sql,
            types,
            plan: Cell::new(std::ptr::null_mut()),
        }
    }

    /// Reads under the active snapshot: what the calling statement sees. It assigns no transaction id.
    pub fn read(&self, values: &[Option<Datum>]) -> Result<Rows> {
        self.run(values, true)
    }

    /// Changes rows, or reads them as they are now.
    pub fn write(&self, values: &[Option<Datum>]) -> Result<Rows> {
        self.run(values, false)
    }

    /// Reads what is committed by now and what the transaction itself has done, whatever its isolation level.
    pub fn latest(&self, values: &[Option<Datum>]) -> Result<Rows> {
        // SAFETY: popped below; after an error the abort pops it.
        unsafe {
            pg_sys::CommandCounterIncrement();
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        }
        let rows = self.read(values)?;
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        Ok(rows)
    }

    fn run(&self, values: &[Option<Datum>], read_only: bool) -> Result<Rows> {
        assert_eq!(values.len(), self.types.len(), "one value per parameter");
        let table = installed::table_of_models()?;
        let mut datums: Vec<Datum> = values
            .iter()
            .map(|value| value.unwrap_or(Datum::null()))
            .collect();
        let nulls: Vec<_> = values
            .iter()
            .map(|value| if value.is_some() { b' ' } else { b'n' } as _)
            .collect();
        as_owner_of(table, || {
            let plan = self.plan()?;
            // SAFETY: an SPI connection is open; there is one datum and one flag per parameter of the plan.
            let status = unsafe {
                pg_sys::SPI_execute_plan(plan, datums.as_mut_ptr(), nulls.as_ptr(), read_only, 0)
            };
            if status < 0 {
                return Err(unexpected("could not run a statement over the catalog"));
            }
            // SAFETY: set by the call above.
            Ok(unsafe {
                Rows {
                    table: pg_sys::SPI_tuptable,
                    count: pg_sys::SPI_processed,
                }
            })
        })
    }

    fn plan(&self) -> Result<pg_sys::SPIPlanPtr> {
        let kept = self.plan.get();
        if !kept.is_null() {
            return Ok(kept);
        }
        // SAFETY: the text is a literal; SPI only reads the types. A kept plan lives as long as the session.
        unsafe {
            let count = self.types.len() as i32;
            let plan =
                pg_sys::SPI_prepare(self.sql.as_ptr(), count, self.types.as_ptr().cast_mut());
            if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
                return Err(unexpected("could not prepare a statement over the catalog"));
            }
            self.plan.set(plan);
            Ok(plan)
        }
    }
}

/// The rows that a statement returned, until the SPI connection closes.
pub struct Rows {
    table: *mut pg_sys::SPITupleTable,
    count: u64,
}

impl Rows {
    /// Column `column` (from 0) of row `row` (from 0); NULL, and any column that is not there, is `None`.
    pub fn get(&self, row: usize, column: usize) -> Option<Datum> {
        if self.table.is_null() || row as u64 >= self.count {
            return None;
        }
        // SAFETY: the table has `count` rows; SPI_getbinval refuses columns out of range.
        unsafe {
            let tuple = *(*self.table).vals.add(row);
            let mut is_null = false;
            let datum = pg_sys::SPI_getbinval(
                tuple,
                (*self.table).tupdesc,
                column as i32 + 1,
                &mut is_null,
            );
            (!is_null).then_some(datum)
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// Gives the rows back before the connection closes.
    pub fn free(self) {
        // SAFETY: nothing borrowed from the table is alive; NULL is allowed.
        unsafe { pg_sys::SPI_freetuptable(self.table) };
    }
}

fn unexpected(message: &'static str) -> Error {
    error::own(Code::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION, message)
}
