//! What the plan says about a call of the aggregate: how many groups are under way at a time, which column of the row the
//! target is, and which group this is.

use std::collections::HashSet;
use std::ffi::CStr;

use pgrx::pg_sys::{self, NodeTag};
use tablenet_core::{Error, ErrorKind};

use crate::guc::Memory;
use crate::query::nodes;

/// Flag of a slot without a row.
const EMPTY: u16 = 1 << 1;

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A row comes.
    Row,
    /// The rows are all there.
    End,
}

/// A call of one of the two functions of the aggregate.
pub struct Aggregate {
    state: *mut pg_sys::AggState,
    call: *mut pg_sys::Aggref,
    /// Lives as long as the group.
    pub context: pg_sys::MemoryContext,
}

impl Aggregate {
    /// `None` where the function is not called by an aggregate.
    ///
    /// # Safety
    /// `info` is that of the call in progress, in which the value is used.
    pub unsafe fn of(info: pg_sys::FunctionCallInfo) -> Option<Self> {
        let mut context = std::ptr::null_mut();
        // SAFETY: looks at the node that called.
        unsafe {
            if pg_sys::AggCheckCallContext(info, &mut context)
                != pg_sys::AGG_CONTEXT_AGGREGATE as i32
            {
                return None;
            }
            let call = pg_sys::AggGetAggref(info);
            (!call.is_null()).then_some(Self {
                state: (*info).context.cast(),
                call,
                context,
            })
        }
    }

    /// The most groups that are under way at a time. The planner sorts by group, so that this is one; where it cannot, what
    /// the aggregate is declared to take (SSPACE) lets hashing begin only a second group before it puts rows aside.
    pub fn live(&self) -> u64 {
        // SAFETY: the state of the node that calls, and the calls of aggregates in it.
        unsafe {
            let ours = nodes::<pg_sys::Aggref>((*self.state).aggs)
                .into_iter()
                .filter(|&call| (*call).aggfnoid == (*self.call).aggfnoid)
                .map(|call| (*call).aggtransno)
                .collect::<HashSet<_>>();
            let sets = u64::try_from((*self.state).maxsets).unwrap_or(1).max(1);
            let each = match (*self.state).aggstrategy {
                pg_sys::AggStrategy::AGG_HASHED => 2,
                pg_sys::AggStrategy::AGG_MIXED => sets + 2,
                _ => sets,
            };
            (ours.len() as u64).max(1) * each
        }
    }

    /// The expressions of target and row.
    fn expressions(&self) -> Option<(*mut pg_sys::Node, *mut pg_sys::Node)> {
        // SAFETY: the arguments of the call in the plan.
        unsafe {
            match nodes::<pg_sys::TargetEntry>((*self.call).args)[..] {
                [_, target, row, ..] => Some(((*target).expr.cast(), (*row).expr.cast())),
                _ => None,
            }
        }
    }

    /// Which column of the row, counted from 0, the target is; `None` where it cannot be told.
    pub fn target(&self) -> Option<usize> {
        let (target, row) = self.expressions()?;
        // SAFETY: a node's tag says what it is.
        unsafe {
            let target = uncast(target);
            match (*row).type_ {
                NodeTag::T_Var if (*target).type_ == NodeTag::T_Var => {
                    let (target, row) =
                        (&*target.cast::<pg_sys::Var>(), &*row.cast::<pg_sys::Var>());
                    if row.varattnosyn != 0 || row.varnosyn == 0 || target.varnosyn != row.varnosyn
                    {
                        return None;
                    }
                    usize::try_from(target.varattnosyn).ok()?.checked_sub(1)
                }
                NodeTag::T_RowExpr => nodes::<pg_sys::Node>((*row.cast::<pg_sys::RowExpr>()).args)
                    .into_iter()
                    .position(|value| pg_sys::equal(value.cast(), target.cast())),
                _ => None,
            }
        }
    }

    /// Whether the row is the whole of a table, a subquery or a function, whose columns have names. Of one that was put
    /// together on the way nobody can tell.
    pub fn is_whole(&self) -> bool {
        let Some((_, row)) = self.expressions() else {
            return false;
        };
        // SAFETY: a node's tag says what it is.
        unsafe { (*row).type_ == NodeTag::T_Var && (*row.cast::<pg_sys::Var>()).varattnosyn == 0 }
    }

    /// The values that the group is grouped by.
    pub fn group(&self, moment: Moment) -> Option<String> {
        // SAFETY: the node that calls holds a row of the group, whose columns the plan numbers.
        unsafe {
            let plan = (*self.state).ss.ps.plan.cast::<pg_sys::Agg>();
            let columns = usize::try_from((*plan).numCols).ok()?;
            let sets = !(*plan).groupingSets.is_null() || !(*plan).chain.is_null();
            // Rows that were sorted first are no rows of the plan below.
            let sorted = !(*self.call).aggorder.is_null() || !(*self.call).aggdistinct.is_null();
            if columns == 0 || sets || (moment == Moment::Row && sorted) {
                return None;
            }
            let context = match moment {
                Moment::Row => (*self.state).tmpcontext,
                Moment::End => (*self.state).ss.ps.ps_ExprContext,
            };
            let slot = (*context).ecxt_outertuple;
            if slot.is_null() || (*slot).tts_flags & EMPTY != 0 {
                return None;
            }
            let places = std::slice::from_raw_parts((*plan).grpColIdx, columns);
            let values = places.iter().map(|&place| value(slot, place));
            Some(values.collect::<Option<Vec<_>>>()?.join(", "))
        }
    }

    /// An error with the group that it is about, and with what limits its memory.
    pub fn about(&self, error: Error, moment: Moment) -> Error {
        if error.kind() == ErrorKind::Foreign {
            return error;
        }
        let mut error = Memory::of_session().explain(error);
        if let Some(group) = self.group(moment) {
            let before = error.detail_text().map(|text| format!("{text} "));
            error = error.detail(format!(
                "{}The group is {group}.",
                before.unwrap_or_default()
            ));
        }
        match (error.kind(), error.hint_text(), self.advice()) {
            (ErrorKind::OutOfMemory, Some(hint), Some(advice)) => {
                let hint = format!("{hint} {advice}");
                error.hint(hint)
            }
            _ => error,
        }
    }

    /// What to do where several groups share the memory.
    fn advice(&self) -> Option<&'static str> {
        if self.live() == 1 {
            return None;
        }
        // SAFETY: the state of the node that calls.
        match unsafe { (*self.state).aggstrategy } {
            pg_sys::AggStrategy::AGG_HASHED | pg_sys::AggStrategy::AGG_MIXED => {
                Some("SET enable_hashagg = off trains one group at a time, with all of it.")
            }
            _ => Some(
                "It is shared by the models that are trained side by side: ask for fewer in one statement.",
            ),
        }
    }
}

/// What an expression is before it is cast.
///
/// # Safety
/// An analysed expression.
unsafe fn uncast(mut node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: a node's tag says what it is.
    unsafe {
        loop {
            node = match (*node).type_ {
                NodeTag::T_RelabelType => (*node.cast::<pg_sys::RelabelType>()).arg.cast(),
                NodeTag::T_CoerceViaIO => (*node.cast::<pg_sys::CoerceViaIO>()).arg.cast(),
                NodeTag::T_FuncExpr
                    if (*node.cast::<pg_sys::FuncExpr>()).funcformat
                        != pg_sys::CoercionForm::COERCE_EXPLICIT_CALL =>
                {
                    match nodes::<pg_sys::Node>((*node.cast::<pg_sys::FuncExpr>()).args).first() {
                        Some(&argument) => argument,
                        None => return node,
                    }
                }
                _ => return node,
            };
        }
    }
}

/// A value of a row as text.
///
/// # Safety
/// `slot` holds a row with a column of this number.
unsafe fn value(slot: *mut pg_sys::TupleTableSlot, place: i16) -> Option<String> {
    const LONGEST: usize = 100;
    let index = usize::try_from(place).ok()?.checked_sub(1)?;
    // SAFETY: by contract.
    unsafe {
        if (*slot).tts_nvalid < place {
            pg_sys::slot_getsomeattrs_int(slot, place.into());
        }
        if *(*slot).tts_isnull.add(index) {
            return Some("NULL".to_string());
        }
        let attribute = crate::query::attribute((*slot).tts_tupleDescriptor, index);
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        pg_sys::getTypeOutputInfo((*attribute).atttypid, &mut output, &mut varlena);
        let text = pg_sys::OidOutputFunctionCall(output, *(*slot).tts_values.add(index));
        let text = crate::datum::utf8(CStr::from_ptr(text).to_bytes()).ok()?;
        let cut = text.floor_char_boundary(LONGEST);
        let rest = if cut < text.len() { "..." } else { "" };
        Some(format!("{}{rest}", text.get(..cut)?))
    }
}
