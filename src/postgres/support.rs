//! The planner's support function of `ml_predict` and its siblings: a whole row becomes its columns.
//!
//! The executor would build a value of every row, unpacking each long text in it, only for us to take it apart again.
//! Where the columns are known when a query is planned, `ml_predict('m', h)` is planned as `ml_predict('m',
//! '{area,rooms}'::name[], h.area, h.rooms)`. The names are bound to the model's features when the query runs, as
//! those of a row are: the model may be another one by then. The table cannot: what changes its columns makes
//! PostgreSQL plan again.

use std::ffi::{CStr, c_void};

use pgrx::pg_sys::{self, Datum, NodeTag};
use tablenet_core::Result;

use crate::entry::{Call, entry};
use crate::query::{attribute, nodes};
use crate::whole_row::invented;

entry!(
    tablenet_predict_support,
    pg_finfo_tablenet_predict_support,
    support
);

/// A call may have as many arguments; model and names are two of them.
const MOST_COLUMNS: usize = pg_sys::FUNC_MAX_ARGS as usize - 2;

fn support(call: &Call) -> Result<Datum> {
    let request: *mut pg_sys::Node = call.datum(0).unwrap_or(Datum::null()).cast_mut_ptr();
    // SAFETY: declared to take internal, which only the planner has; the tag says which request it is.
    let simplified = unsafe {
        if request.is_null() || (*request).type_ != NodeTag::T_SupportRequestSimplify {
            None
        } else {
            simplify(&*request.cast::<pg_sys::SupportRequestSimplify>())
        }
    };
    // A null pointer, not NULL, says that there is nothing to change.
    Ok(simplified.map_or(Datum::null(), Datum::from))
}

/// The names and the values of a row.
type Columns = Vec<(pg_sys::NameData, *mut c_void)>;

/// The same call with its row taken apart.
///
/// # Safety
/// A request of the planner.
unsafe fn simplify(request: &pg_sys::SupportRequestSimplify) -> Option<*mut pg_sys::FuncExpr> {
    // SAFETY: the nodes of the request are valid, and a node's tag says what it is.
    unsafe {
        let call = &*request.fcall;
        let [model, row] = nodes::<pg_sys::Node>(call.args)[..] else {
            return None;
        };
        if request.root.is_null() || call.funcvariadic {
            return None;
        }
        let columns = match (*row).type_ {
            NodeTag::T_Var => of_table(&*(*request.root).parse, &*row.cast::<pg_sys::Var>())?,
            NodeTag::T_RowExpr => of_row(&*row.cast::<pg_sys::RowExpr>())?,
            _ => return None,
        };
        if columns.is_empty() || columns.len() > MOST_COLUMNS {
            return None;
        }
        let mut args = pg_sys::lappend(std::ptr::null_mut(), model.cast());
        args = pg_sys::lappend(args, names(&columns).cast());
        for (_, value) in columns {
            args = pg_sys::lappend(args, value);
        }
        Some(pg_sys::makeFuncExpr(
            call.funcid,
            call.funcresulttype,
            args,
            call.funccollid,
            call.inputcollid,
            call.funcformat,
        ))
    }
}

/// The names as a constant `name[]`.
unsafe fn names(columns: &Columns) -> *mut pg_sys::Const {
    let mut datums = columns
        .iter()
        .map(|(name, _)| Datum::from(std::ptr::from_ref(name)))
        .collect::<Vec<_>>();
    // SAFETY: each datum points to a name, which is copied.
    unsafe {
        let array = pg_sys::construct_array(
            datums.as_mut_ptr(),
            datums.len() as i32,
            pg_sys::NAMEOID,
            pg_sys::NAMEDATALEN as i32,
            false,
            pg_sys::TYPALIGN_CHAR as _,
        );
        let collation = pg_sys::C_COLLATION_OID;
        let value = Datum::from(array);
        pg_sys::makeConst(pg_sys::NAMEARRAYOID, -1, collation, -1, value, false, false)
    }
}

/// The columns of a table whose row `row` stands for, unless the row itself can be NULL.
///
/// # Safety
/// `row` is part of `query`.
unsafe fn of_table(query: &pg_sys::Query, row: &pg_sys::Var) -> Option<Columns> {
    // SAFETY: a row of this query level has an entry in its range table, and the table is locked.
    unsafe {
        if row.varattno != 0 || row.varlevelsup != 0 || !query.groupingSets.is_null() {
            return None;
        }
        // RETURNING old or new.
        #[cfg(feature = "pg18")]
        if row.varreturningtype != pg_sys::VarReturningType::VAR_RETURNING_DEFAULT {
            return None;
        }
        let number = usize::try_from(row.varno).ok()?.checked_sub(1)?;
        let entry = &**nodes::<pg_sys::RangeTblEntry>(query.rtable).get(number)?;
        if entry.rtekind != pg_sys::RTEKind::RTE_RELATION
            || !is_always_there(query.jointree.cast(), number + 1)
        {
            return None;
        }
        let table = pg_sys::table_open(entry.relid, pg_sys::NoLock as _);
        let of_its_type = (*(*table).rd_rel).reltype == row.vartype;
        let columns = of_its_type
            .then(|| {
                live((*table).rd_att)
                    .map(|column| {
                        // PostgreSQL 18: an expression that has been put in place of its column by now.
                        if column.attgenerated as u8 == b'v' {
                            return None;
                        }
                        let value = pg_sys::makeVar(
                            row.varno,
                            column.attnum,
                            column.atttypid,
                            column.atttypmod,
                            column.attcollation,
                            0,
                        );
                        Some((column.attname, value.cast()))
                    })
                    .collect::<Option<Columns>>()
            })
            .flatten();
        pg_sys::table_close(table, pg_sys::NoLock as _);
        columns
    }
}

/// Whether no outer join within `tree` can put NULL in place of the rows of `table`.
///
/// # Safety
/// `tree` is a node of a join tree.
unsafe fn is_always_there(tree: *mut pg_sys::Node, table: usize) -> bool {
    use pg_sys::JoinType::{JOIN_INNER, JOIN_LEFT, JOIN_RIGHT};
    // SAFETY: the tag says which node it is. PostgreSQL, too, walks the tree by recursion, and checked its depth.
    unsafe {
        match (*tree).type_ {
            NodeTag::T_RangeTblRef => {
                usize::try_from((*tree.cast::<pg_sys::RangeTblRef>()).rtindex) == Ok(table)
            }
            NodeTag::T_FromExpr => nodes((*tree.cast::<pg_sys::FromExpr>()).fromlist)
                .into_iter()
                .any(|part| is_always_there(part, table)),
            NodeTag::T_JoinExpr => {
                let join = &*tree.cast::<pg_sys::JoinExpr>();
                matches!(join.jointype, JOIN_INNER | JOIN_LEFT) && is_always_there(join.larg, table)
                    || matches!(join.jointype, JOIN_INNER | JOIN_RIGHT)
                        && is_always_there(join.rarg, table)
            }
            _ => false,
        }
    }
}

/// The columns of a row that the planner put in place of that of a subquery or a view.
///
/// # Safety
/// `row` is an analysed expression.
unsafe fn of_row(row: &pg_sys::RowExpr) -> Option<Columns> {
    if row.row_format != pg_sys::CoercionForm::COERCE_IMPLICIT_CAST {
        return None;
    }
    // SAFETY: a record brings a name per value; the columns of another type are in the type cache.
    unsafe {
        let values = nodes::<c_void>(row.args);
        if row.row_typeid != pg_sys::RECORDOID {
            let descriptor = pg_sys::lookup_rowtype_tupdesc(row.row_typeid, -1);
            let natts = usize::try_from((*descriptor).natts);
            let columns = (natts == Ok(values.len())).then(|| {
                live(descriptor)
                    .filter_map(|column| {
                        let place = usize::try_from(column.attnum).ok()?.checked_sub(1)?;
                        Some((column.attname, *values.get(place)?))
                    })
                    .collect()
            });
            if (*descriptor).tdrefcount >= 0 {
                pg_sys::DecrTupleDescRefCount(descriptor);
            }
            return columns;
        }
        let names = nodes::<c_void>(row.colnames);
        if names.len() != values.len() {
            return None;
        }
        let columns = names
            .into_iter()
            .map(|name| {
                let mut copy = pg_sys::NameData::default();
                pg_sys::namestrcpy(&mut copy, string(name));
                copy
            })
            .zip(values)
            // A dropped column has no name.
            .filter(|(name, _)| name.data[0] != 0)
            .collect::<Columns>();
        // These may stand for no names at all, which the model decides.
        let nameless = invented(
            columns
                .iter()
                .map(|(name, _)| name.data.as_ptr())
                .map(|name| CStr::from_ptr(name).to_bytes()),
        );
        (!nameless).then_some(columns)
    }
}

/// The columns of `descriptor` that still exist.
///
/// # Safety
/// The descriptor stays as it is while the columns are used.
unsafe fn live<'a>(
    descriptor: pg_sys::TupleDesc,
) -> impl Iterator<Item = &'a pg_sys::FormData_pg_attribute> {
    // SAFETY: by contract.
    let count = usize::try_from(unsafe { (*descriptor).natts }).unwrap_or(0);
    (0..count)
        // SAFETY: as above.
        .map(move |place| unsafe { &*attribute(descriptor, place) })
        .filter(|column| !column.attisdropped)
}

/// # Safety
/// A node that holds a string.
unsafe fn string(node: *mut c_void) -> *const std::ffi::c_char {
    // SAFETY: by contract.
    unsafe {
        #[cfg(feature = "pg14")]
        return (*node.cast::<pg_sys::Value>()).val.str_;
        #[cfg(not(feature = "pg14"))]
        return (*node.cast::<pg_sys::String>()).sval;
    }
}
