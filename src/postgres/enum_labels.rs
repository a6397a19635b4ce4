//! The labels of an enum type, read from pg_enum in their declared order.

use std::collections::HashMap;
use std::ffi::CStr;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Error, Result};

use crate::{datum, error};

/// The labels of `enum_type`: by their OID, and in order.
pub fn read(enum_type: Oid) -> Result<(HashMap<u32, String>, Vec<String>)> {
    let mut by_oid = HashMap::new();
    let mut ordered = Vec::new();
    // SAFETY: an ordered scan of a system catalog by its own index, as PostgreSQL's enum_range does it; an error
    // raised inside leaves relations and scan to the transaction's end.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let table = pg_sys::table_open(pg_sys::EnumRelationId, lock);
        let index = pg_sys::index_open(Oid::from(pg_sys::EnumTypIdSortOrderIndexId), lock);
        let mut key = pg_sys::ScanKeyData::default();
        pg_sys::ScanKeyInit(
            &mut key,
            pg_sys::Anum_pg_enum_enumtypid as pg_sys::AttrNumber,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::F_OIDEQ.into(),
            Datum::from(enum_type),
        );
        let scan =
            pg_sys::systable_beginscan_ordered(table, index, std::ptr::null_mut(), 1, &mut key);
        loop {
            let tuple =
                pg_sys::systable_getnext_ordered(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let row = pg_sys::GETSTRUCT(tuple) as pg_sys::Form_pg_enum;
            let label =
                datum::utf8(CStr::from_ptr((*row).enumlabel.data.as_ptr()).to_bytes())?.to_string();
            by_oid.insert((*row).oid.to_u32(), label.clone());
            ordered.push(label);
        }
        pg_sys::systable_endscan_ordered(scan);
        pg_sys::index_close(index, lock);
        pg_sys::table_close(table, lock);
    }
    Ok((by_oid, ordered))
}

/// The error for a value that was added to its type while a statement reads it.
pub fn unknown(value: u32) -> Error {
    error::wrap(
        error::report(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("enum value {value} was added after the statement began"),
        )
        .set_hint("Run the statement again."),
    )
}
