//! Rows as answers: one composite value, or a set.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use tablenet_core::{Error, Result};

use crate::entry::Call;
use crate::error;

/// One row of the type that the call is declared to return.
pub fn one(call: &Call, values: &[Option<Datum>]) -> Result<Datum> {
    // SAFETY: the descriptor is the call's own; there is a value and a flag per column.
    unsafe {
        let descriptor = pg_sys::BlessTupleDesc(descriptor(call.info())?);
        let (mut datums, mut nulls) = split(descriptor, values)?;
        let tuple = pg_sys::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
    }
}

/// All rows at once, kept by PostgreSQL until the caller has read them.
pub fn many(call: &Call, rows: impl IntoIterator<Item = Vec<Option<Datum>>>) -> Result<Datum> {
    let set = Set::new(call)?;
    for row in rows {
        set.put(&row)?;
    }
    Ok(call.null())
}

/// The rows of an answer, put one by one. PostgreSQL keeps them, in a file where they take more than its `work_mem`.
pub struct Set {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
}

impl Set {
    /// The answer of `call`, which then returns NULL.
    pub fn new(call: &Call) -> Result<Self> {
        // SAFETY: the pointers are those of a call that may return a set, which is checked first.
        unsafe {
            let info = (*call.info()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            if info.is_null() || (*info).type_ != pg_sys::NodeTag::T_ReturnSetInfo {
                return Err(no_set());
            }
            let modes = (*info).allowedModes;
            if modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize as i32 == 0 {
                return Err(no_set());
            }
            let before = pg_sys::MemoryContextSwitchTo((*(*info).econtext).ecxt_per_query_memory);
            let descriptor = descriptor(call.info())?;
            let random = modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as i32 != 0;
            let store = pg_sys::tuplestore_begin_heap(random, false, pg_sys::work_mem);
            pg_sys::MemoryContextSwitchTo(before);
            (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*info).setResult = store;
            (*info).setDesc = descriptor;
            Ok(Self { store, descriptor })
        }
    }

    /// Puts a row, which is copied.
    pub fn put(&self, row: &[Option<Datum>]) -> Result<()> {
        // SAFETY: store and descriptor live as long as the call; there is a value and a flag per column.
        unsafe {
            let (mut datums, mut nulls) = split(self.descriptor, row)?;
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                datums.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        Ok(())
    }
}

/// # Safety
/// `fcinfo` is that of a call in progress.
unsafe fn descriptor(fcinfo: FunctionCallInfo) -> Result<pg_sys::TupleDesc> {
    let mut descriptor = std::ptr::null_mut();
    // SAFETY: by contract.
    let class =
        unsafe { pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut descriptor) };
    if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE {
        return Err(mismatch());
    }
    Ok(descriptor)
}

/// # Safety
/// The descriptor is valid.
unsafe fn split(
    descriptor: pg_sys::TupleDesc,
    values: &[Option<Datum>],
) -> Result<(Vec<Datum>, Vec<bool>)> {
    // SAFETY: by contract.
    if usize::try_from(unsafe { (*descriptor).natts }) != Ok(values.len()) {
        return Err(mismatch());
    }
    let datums = values
        .iter()
        .map(|value| value.unwrap_or(Datum::null()))
        .collect();
    Ok((datums, values.iter().map(Option::is_none).collect()))
}

fn no_set() -> Error {
    error::own(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "set-valued function called in context that cannot accept a set",
    )
}

/// A function declared otherwise than by this library's own script.
fn mismatch() -> Error {
    let report = error::report(
        Code::ERRCODE_INVALID_FUNCTION_DEFINITION,
        "the function is not declared as this version of the library needs it",
    );
    error::wrap(report.set_hint("Run ALTER EXTENSION tablenet UPDATE."))
}
