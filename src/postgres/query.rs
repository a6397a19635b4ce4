//! The user's query: one statement that only reads, planned once and executed once as the caller.

use std::ffi::CStr;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, NodeTag, Oid};
use tablenet_core::{Column, Error, Result};

use crate::decoder::Decoder;
use crate::{datum, error};

/// A planned query. It lives inside the SPI connection that was open when it was prepared.
pub struct Query {
    plan: pg_sys::SPIPlanPtr,
    columns: Vec<(String, Oid, i32)>,
}

impl Query {
    /// Parses, analyses and plans `text` as the current user.
    ///
    /// # Errors
    /// Our own error for anything but one SELECT, VALUES, TABLE or WITH that locks and changes nothing. PostgreSQL's
    /// own errors (syntax, unknown tables, missing rights) are raised, not returned.
    pub fn prepare(text: &str) -> Result<Self> {
        let source = datum::server_cstring(text);
        // SAFETY: an SPI connection is open; the text is NUL-terminated. A plan that may run in parallel workers is
        // what a plain SELECT gets, too.
        let plan = unsafe {
            pg_sys::SPI_prepare_cursor(
                source,
                0,
                std::ptr::null_mut(),
                pg_sys::CURSOR_OPT_PARALLEL_OK as i32,
            )
        };
        if plan.is_null() {
            // SAFETY: the code was set by the call above; the name is a literal.
            let code =
                unsafe { CStr::from_ptr(pg_sys::SPI_result_code_string(pg_sys::SPI_result)) };
            return Err(refused(format!(
                "query cannot be prepared: {}",
                code.to_string_lossy()
            )));
        }
        // SAFETY: the plan was made here and is not changed by anyone else.
        let columns = unsafe { check(plan)? };
        Ok(Self { plan, columns })
    }

    /// Names, types and type modifiers of the columns it returns.
    pub fn columns(&self) -> &[(String, Oid, i32)] {
        &self.columns
    }

    /// The columns as the core wants them, and how to read them. Those that `wanted` does not name may have any type and
    /// are not read.
    ///
    /// # Errors
    /// NotSupported for a wanted column whose type is none of ours.
    pub fn describe(&self, wanted: impl Fn(&str) -> bool) -> Result<(Vec<Column>, Vec<Decoder>)> {
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut decoders = Vec::with_capacity(self.columns.len());
        for (name, type_oid, typmod) in &self.columns {
            let decoder = if wanted(name) {
                Decoder::new(&format!("column \"{name}\""), *type_oid, *typmod)?
            } else {
                Decoder::ignored()
            };
            columns.push(decoder.column(name));
            decoders.push(decoder);
        }
        Ok((columns, decoders))
    }

    /// The plan, for SPI.
    pub fn plan(&self) -> pg_sys::SPIPlanPtr {
        self.plan
    }
}

/// Checks that `plan` is one statement that only reads, and names its columns.
///
/// # Safety
/// `plan` is a plan of the open SPI connection.
unsafe fn check(plan: pg_sys::SPIPlanPtr) -> Result<Vec<(String, Oid, i32)>> {
    // SAFETY: the lists and nodes below belong to the plan; a node's tag says what it is.
    unsafe {
        let sources = nodes::<pg_sys::CachedPlanSource>(pg_sys::SPI_plan_get_plan_sources(plan));
        let source = match sources[..] {
            [] => return Err(error::own(Code::ERRCODE_SYNTAX_ERROR, "query is empty")),
            [source] => source,
            _ => {
                let message = format!("query must be one statement, not {}", sources.len());
                let report = error::report(Code::ERRCODE_SYNTAX_ERROR, message);
                return Err(error::wrap(
                    report.set_hint("Pass the one SELECT that returns the rows."),
                ));
            }
        };
        let raw = (*(*source).raw_parse_tree).stmt;
        if (*raw).type_ != NodeTag::T_SelectStmt {
            let command =
                CStr::from_ptr(pg_sys::GetCommandTagName((*source).commandTag)).to_string_lossy();
            return Err(refused(format!("query must be a SELECT, not {command}")));
        }
        let queries = nodes::<pg_sys::Query>((*source).query_list);
        let [query] = queries[..] else {
            return Err(refused("query must be one SELECT".to_string()));
        };
        if (*query).commandType != pg_sys::CmdType::CMD_SELECT || (*source).resultDesc.is_null() {
            return Err(refused("query must not be SELECT INTO".to_string()));
        }
        if (*query).hasModifyingCTE {
            return Err(read_only("query must not change data in WITH"));
        }
        if !(*query).rowMarks.is_null() || plan_locks_rows(plan) {
            return Err(read_only(
                "query must not lock rows with FOR UPDATE or FOR SHARE",
            ));
        }
        let descriptor = (*source).resultDesc;
        (0..usize::try_from((*descriptor).natts).unwrap_or(0))
            .map(|index| {
                let attribute = attribute(descriptor, index);
                let name =
                    datum::utf8(CStr::from_ptr((*attribute).attname.data.as_ptr()).to_bytes())?;
                Ok((
                    name.to_string(),
                    (*attribute).atttypid,
                    (*attribute).atttypmod,
                ))
            })
            .collect()
    }
}

/// Whether a subquery or a view locks rows: only the finished plan knows.
///
/// # Safety
/// As for [`check`].
unsafe fn plan_locks_rows(plan: pg_sys::SPIPlanPtr) -> bool {
    // SAFETY: the plan has one source. It is not saved, so that no resource owner counts the reference.
    unsafe {
        let cached = pg_sys::SPI_plan_get_cached_plan(plan);
        if cached.is_null() {
            return false;
        }
        let locks = nodes::<pg_sys::PlannedStmt>((*cached).stmt_list)
            .iter()
            .any(|&statement| !(*statement).rowMarks.is_null() || (*statement).hasModifyingCTE);
        pg_sys::ReleaseCachedPlan(cached, std::ptr::null_mut());
        locks
    }
}

/// Column `index` of `descriptor`.
///
/// # Safety
/// The descriptor has more than `index` columns.
pub unsafe fn attribute(
    descriptor: pg_sys::TupleDesc,
    index: usize,
) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: by contract in bounds.
    unsafe {
        #[cfg(feature = "pg18")]
        return pg_sys::TupleDescAttr(descriptor, index as i32);
        #[cfg(not(feature = "pg18"))]
        return (*descriptor).attrs.as_ptr().add(index);
    }
}

/// The pointers of a `List` of nodes.
///
/// # Safety
/// `list` is NIL or a list of pointers to `T`.
pub unsafe fn nodes<T>(list: *mut pg_sys::List) -> Vec<*mut T> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: a non-NIL list has `length` cells.
    unsafe {
        let length = usize::try_from((*list).length).unwrap_or(0);
        std::slice::from_raw_parts((*list).elements, length)
            .iter()
            .map(|cell| cell.ptr_value.cast())
            .collect()
    }
}

fn refused(message: String) -> Error {
    let report = error::report(Code::ERRCODE_INVALID_CURSOR_DEFINITION, message);
    error::wrap(report.set_hint("A query is one SELECT, VALUES, TABLE or WITH ... SELECT."))
}

fn read_only(message: &'static str) -> Error {
    let report = error::report(Code::ERRCODE_FEATURE_NOT_SUPPORTED, message);
    error::wrap(
        report
            .set_hint("The query is only read; change or lock the rows in a statement of its own."),
    )
}
