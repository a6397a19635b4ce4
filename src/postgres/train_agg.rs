//! `ml_train_agg(spec, target, features ...)`: an aggregate that trains on the rows of each group and answers the model.
//!
//! Rows go into a training as they come. Its threads live within the call that ends a group, and nothing is stored: the
//! aggregate only reads.

mod account;
mod asked;
mod group;
mod plan;
#[cfg(any(test, feature = "pg_test"))]
pub mod trace;

use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{self, Datum, NullableDatum};
use tablenet_core::{Result, Value};

use crate::entry::{Call, entry};
use crate::kept::{Site, keep};
use crate::ready::recycle;
use crate::whole_row::Layout;
use crate::{datum, error};
use asked::{Asked, Form};
use group::Group;
use plan::Aggregate;

entry!(
    tablenet_train_agg_step,
    pg_finfo_tablenet_train_agg_step,
    step
);
entry!(tablenet_train_agg_end, pg_finfo_tablenet_train_agg_end, end);

/// What one place in a query keeps between rows.
struct TrainSite {
    form: Form,
    layout: Option<Layout>,
    /// Of the layout of the first row.
    serial: Option<Option<u64>>,
    /// What was asked for last; groups mostly ask for the same.
    asked: Option<Rc<Asked>>,
    row: Vec<Value<'static>>,
    context: pg_sys::MemoryContext,
}

impl Site for TrainSite {
    unsafe fn new(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self> {
        // SAFETY: by contract.
        unsafe {
            Ok(Self {
                form: Form::of(flinfo, nargs)?,
                layout: None,
                serial: None,
                asked: None,
                row: Vec::new(),
                context: (*flinfo).fn_mcxt,
            })
        }
    }
}

/// One more row: the state, the spec, the target and what stands for features.
fn step(call: &Call) -> Result<Datum> {
    let aggregate = aggregate(call)?;
    // SAFETY: a call in progress has `nargs` arguments, of the types that the site looks at.
    unsafe {
        let info = &*call.info();
        let count = usize::try_from(info.nargs).unwrap_or(0);
        let [state, spec, target, features @ ..] = info.args.as_slice(count) else {
            return Err(misused());
        };
        let site = TrainSite::of(info.flinfo, count)?;
        if let (Form::Row(_), [row]) = (&site.form, features) {
            if row.isnull {
                // There is no row to learn from.
                return Ok(if state.isnull {
                    call.null()
                } else {
                    state.value
                });
            }
            Layout::unpack(&mut site.layout, row.value, site.context);
            let serial = site.layout.as_ref().map(Layout::serial);
            if *site.serial.get_or_insert(serial) != serial {
                return Err(changed());
            }
        }
        let group = if state.isnull {
            let asked = site.asked(spec, &aggregate)?;
            let group = Group::begin(asked, &aggregate)?;
            &mut *keep(aggregate.context, group)
        } else {
            &mut *state.value.cast_mut_ptr::<Group>()
        };
        let mut row: Vec<Value<'_>> = recycle(std::mem::take(&mut site.row));
        group
            .row(spec, target, (features, site.layout.as_ref()), &mut row)
            .map_err(|error| aggregate.about(error, plan::Moment::Row))?;
        site.row = recycle(row);
        Ok(Datum::from(std::ptr::from_mut(group)))
    }
}

impl TrainSite {
    /// What `spec` asks for with these arguments.
    ///
    /// # Safety
    /// `spec` is the jsonb of the call in progress, whose row, if it is one, is unpacked.
    unsafe fn asked(&mut self, spec: &NullableDatum, aggregate: &Aggregate) -> Result<Rc<Asked>> {
        // SAFETY: by contract.
        let bytes = unsafe { (!spec.isnull).then(|| datum::bytes(spec.value)) };
        if let Some(asked) = &self.asked
            && asked.is_of(bytes)
        {
            return Ok(Rc::clone(asked));
        }
        // SAFETY: by contract.
        let text = unsafe { (!spec.isnull).then(|| datum::jsonb_text(spec.value)) };
        let asked = Asked::new(
            (bytes, &text.transpose()?.unwrap_or_default()),
            &self.form,
            self.layout.as_ref(),
            aggregate,
        )?;
        Ok(Rc::clone(self.asked.insert(Rc::new(asked))))
    }
}

/// The rows of a group are all there: its model, or NULL where there was none.
fn end(call: &Call) -> Result<Datum> {
    let aggregate = aggregate(call)?;
    let Some(state) = call.datum(0) else {
        return Ok(call.null());
    };
    // SAFETY: what `step` returned, alive until the context of the group goes.
    let group = unsafe { &mut *state.cast_mut_ptr::<Group>() };
    group
        .end(&aggregate)
        .map_err(|error| aggregate.about(error, plan::Moment::End))
}

fn aggregate(call: &Call) -> Result<Aggregate> {
    // SAFETY: a call in progress.
    unsafe { Aggregate::of(call.info()) }.ok_or_else(misused)
}

fn misused() -> tablenet_core::Error {
    let report = error::report(
        Code::ERRCODE_WRONG_OBJECT_TYPE,
        "the functions behind ml_train_agg() cannot be called by themselves",
    );
    error::wrap(report.set_hint("Call ml_train_agg(spec, target, features ...)."))
}

#[cold]
fn changed() -> tablenet_core::Error {
    let report = error::report(
        Code::ERRCODE_DATATYPE_MISMATCH,
        "the rows have not all the same columns",
    );
    error::wrap(
        report.set_hint("Let every row be of one type, or hand over the values one by one."),
    )
}
