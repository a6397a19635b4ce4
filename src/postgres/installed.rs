//! Which version of the SQL is installed in the database. A new library serves databases that are not updated yet, and
//! refuses those that it cannot serve before a statement fails over a column that is not there.

use std::cell::Cell;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Error, Result};

use crate::{datum, error, owner};

/// The version of this library.
const LIBRARY: &str = env!("CARGO_PKG_VERSION");

/// The oldest SQL that this library can use.
const OLDEST: &str = "0.2.0";

thread_local! {
    /// The table of models whose version was found to serve. Who drops and creates the extension makes another table.
    static SERVED: Cell<Oid> = const { Cell::new(Oid::INVALID) };
}

/// The table of models, unless the SQL of this database is too old for this library, or newer than it. The version is asked for
/// once per session, and again in a transaction that has changed something: it may have been the version, and that may be taken
/// back. No transaction id is assigned.
///
/// # Errors
/// 55000, which names both versions.
pub fn table_of_models() -> Result<Oid> {
    let table = owner::table_of_models();
    if table == SERVED.get() {
        return Ok(table);
    }
    // Where there is no extension, the statement that follows says what is missing.
    if let Some(version) = error::catch(version)? {
        match (numbers(&version), numbers(OLDEST), numbers(LIBRARY)) {
            (Some(sql), Some(oldest), Some(library)) if (oldest..=library).contains(&sql) => {}
            (Some(sql), Some(oldest), _) if sql < oldest => {
                return Err(refuse(
                    &version,
                    "Run ALTER EXTENSION tablenet UPDATE in this database.",
                ));
            }
            _ => {
                let hint = format!("Install the library of tablenet {version}, and connect again.");
                return Err(refuse(&version, &hint));
            }
        }
        // SAFETY: a plain variable of the backend.
        if unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value == 0 {
            SERVED.set(table);
        }
    }
    Ok(table)
}

fn refuse(version: &str, hint: &str) -> Error {
    let report = error::report(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "this database has the tables of tablenet {version}, which the library of tablenet {LIBRARY} cannot use"
        ),
    );
    error::wrap(report.set_hint(hint))
}

/// "0.2.0" as numbers that compare.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split('.').map(str::parse);
    let mut next = || parts.next()?.ok();
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

/// The version in `pg_extension`, as it is now and not as an old snapshot sees it: the tables are as they are now, too.
fn version() -> Option<String> {
    // SAFETY: a scan of a system catalog by its index; the tuple is read before the scan ends.
    unsafe {
        let catalog = pg_sys::table_open(
            pg_sys::ExtensionRelationId,
            pg_sys::AccessShareLock as pg_sys::LOCKMODE,
        );
        let mut name = pg_sys::NameData::default();
        pg_sys::namestrcpy(&mut name, c"tablenet".as_ptr());
        let mut key = pg_sys::ScanKeyData::default();
        pg_sys::ScanKeyInit(
            &mut key,
            pg_sys::Anum_pg_extension_extname as pg_sys::AttrNumber,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::F_NAMEEQ.into(),
            Datum::from(&raw mut name),
        );
        let scan = pg_sys::systable_beginscan(
            catalog,
            Oid::from(pg_sys::ExtensionNameIndexId),
            true,
            std::ptr::null_mut(),
            1,
            &mut key,
        );
        let tuple = pg_sys::systable_getnext(scan);
        let version = if tuple.is_null() {
            None
        } else {
            let mut is_null = false;
            let column = pg_sys::Anum_pg_extension_extversion as i32;
            let version = pg_sys::SPI_getbinval(tuple, (*catalog).rd_att, column, &mut is_null);
            (!is_null).then(|| String::from_utf8_lossy(datum::bytes(version)).into_owned())
        };
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(catalog, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        version
    }
}
