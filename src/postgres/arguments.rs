//! In which form a call hands over its features: the part that is fixed when a query is planned.

use std::ffi::CStr;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum};
use tablenet_core::Result;

use crate::query::nodes;
use crate::{datum, error};

/// How the arguments after the model's name stand for features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// One argument per feature in training order, each with its type.
    Scalars(Vec<pg_sys::Oid>),
    /// The names of columns, a constant `name[]`, then the columns: features by name. Whole rows are planned like this.
    Columns {
        /// The names, in the order of the columns.
        names: Vec<String>,
        /// The type of each column.
        types: Vec<pg_sys::Oid>,
    },
    /// `VARIADIC array`: one element per feature in training order.
    Array {
        /// The type of the elements.
        element: pg_sys::Oid,
    },
    /// One row: its columns are features by name, or by position for `ROW(...)`, whose columns have no names.
    Row {
        /// The row was written `ROW(...)`.
        anonymous: bool,
    },
    /// One json or jsonb object: its keys are features by name.
    Object {
        /// jsonb rather than json.
        binary: bool,
    },
}

impl Arguments {
    /// Looks at the expression that `flinfo` was set up for.
    ///
    /// # Safety
    /// `flinfo` must be the one of a call in progress with `nargs` arguments.
    pub unsafe fn of(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self> {
        // SAFETY: `flinfo` is valid; its expression, if any, lives as long.
        unsafe {
            if pg_sys::get_fn_expr_variadic(flinfo) {
                return Self::of_array(argument_type(flinfo, 1)?);
            }
            let types = (1..nargs)
                .map(|argument| argument_type(flinfo, argument))
                .collect::<Result<Vec<_>>>()?;
            if let [pg_sys::NAMEARRAYOID, columns @ ..] = &types[..]
                && let Some(names) = constant(flinfo, 1)
            {
                return Self::of_columns(names, columns);
            }
            if let [single] = types[..] {
                let base = pg_sys::getBaseType(single);
                match base {
                    pg_sys::JSONOID => return Ok(Self::Object { binary: false }),
                    pg_sys::JSONBOID => return Ok(Self::Object { binary: true }),
                    _ if base == pg_sys::RECORDOID || pg_sys::type_is_rowtype(base) => {
                        return Ok(Self::Row {
                            anonymous: is_row_constructor(flinfo),
                        });
                    }
                    _ => {}
                }
            }
            Ok(Self::Scalars(types))
        }
    }

    /// # Safety
    /// `names` is a `name[]`.
    unsafe fn of_columns(names: Datum, types: &[pg_sys::Oid]) -> Result<Self> {
        let (mut elements, mut count) = (std::ptr::null_mut::<Datum>(), 0);
        // SAFETY: by contract; the call fills `count` datums, and refuses a NULL where it has nowhere to put its flag.
        let elements = unsafe {
            pg_sys::deconstruct_array(
                pg_sys::pg_detoast_datum(names.cast_mut_ptr()).cast(),
                pg_sys::NAMEOID,
                pg_sys::NAMEDATALEN as i32,
                false,
                pg_sys::TYPALIGN_CHAR as _,
                &mut elements,
                std::ptr::null_mut(),
                &mut count,
            );
            match usize::try_from(count) {
                Ok(count) if count > 0 => std::slice::from_raw_parts(elements, count),
                _ => &[],
            }
        };
        if elements.len() != types.len() {
            return Err(error::own(
                Code::ERRCODE_DATA_EXCEPTION,
                format!(
                    "{} column names do not fit {} values",
                    elements.len(),
                    types.len()
                ),
            ));
        }
        let names = elements.iter().map(|name| {
            // SAFETY: a name that is not NULL.
            unsafe { datum::utf8(CStr::from_ptr(name.cast_mut_ptr()).to_bytes()) }
                .map(str::to_string)
        });
        Ok(Self::Columns {
            names: names.collect::<Result<_>>()?,
            types: types.to_vec(),
        })
    }

    fn of_array(array: pg_sys::Oid) -> Result<Self> {
        // SAFETY: a syscache lookup; an array that is not one gives InvalidOid.
        let element = unsafe { pg_sys::get_base_element_type(array) };
        if element == pg_sys::InvalidOid {
            return Err(error::own(
                Code::ERRCODE_DATATYPE_MISMATCH,
                "VARIADIC argument must be an array",
            ));
        }
        Ok(Self::Array { element })
    }
}

/// # Safety
/// As for [`Arguments::of`].
unsafe fn argument_type(flinfo: *mut pg_sys::FmgrInfo, argument: usize) -> Result<pg_sys::Oid> {
    let number = i32::try_from(argument).unwrap_or(i32::MAX);
    // SAFETY: reads the expression tree of `flinfo`; InvalidOid where there is none.
    let found = unsafe { pg_sys::get_fn_expr_argtype(flinfo, number) };
    if found == pg_sys::InvalidOid {
        let message = format!("could not determine the type of argument {}", argument + 1);
        return Err(error::own(Code::ERRCODE_INDETERMINATE_DATATYPE, message));
    }
    Ok(found)
}

/// Argument `argument` where it is a constant of the query and not NULL.
///
/// # Safety
/// As for [`Arguments::of`].
pub unsafe fn constant(flinfo: *mut pg_sys::FmgrInfo, argument: usize) -> Option<Datum> {
    // SAFETY: a node's tag says what it is; the arguments of a call are nodes.
    unsafe {
        let call = (*flinfo).fn_expr.cast::<pg_sys::FuncExpr>();
        if call.is_null() || (*call).xpr.type_ != pg_sys::NodeTag::T_FuncExpr {
            return None;
        }
        let node = *nodes::<pg_sys::Const>((*call).args).get(argument)?;
        ((*node).xpr.type_ == pg_sys::NodeTag::T_Const && !(*node).constisnull)
            .then(|| (*node).constvalue)
    }
}

/// Whether the only argument is written `ROW(...)`. A subquery that the planner pulled up becomes a row expression
/// too, but one with real names, and is marked as an implicit cast.
///
/// # Safety
/// As for [`Arguments::of`].
unsafe fn is_row_constructor(flinfo: *mut pg_sys::FmgrInfo) -> bool {
    // SAFETY: a node's tag says what it is; `args` of a call with two arguments has two cells.
    unsafe {
        let call = (*flinfo).fn_expr.cast::<pg_sys::FuncExpr>();
        if call.is_null()
            || (*call).xpr.type_ != pg_sys::NodeTag::T_FuncExpr
            || (*call).args.is_null()
            || (*(*call).args).length != 2
        {
            return false;
        }
        let row = (*(*(*call).args).elements.add(1))
            .ptr_value
            .cast::<pg_sys::RowExpr>();
        (*row).xpr.type_ == pg_sys::NodeTag::T_RowExpr
            && (*row).row_typeid == pg_sys::RECORDOID
            && (*row).row_format == pg_sys::CoercionForm::COERCE_EXPLICIT_CALL
    }
}
