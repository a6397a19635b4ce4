//! A group under way: rows in, a model out.

use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::{Datum, NullableDatum};
use tablenet_core::{Error, ErrorKind, Result, TrainOptions, Training, Value, check_model_size};

use super::account::Share;
use super::asked::Asked;
use super::plan::{Aggregate, Moment};
use crate::chunks::Seal;
use crate::interrupt::Interrupts;
use crate::memory::Returned;
use crate::progress::Phase;
use crate::spill::Spills;
use crate::train::tell;
use crate::whole_row::Layout;
use crate::{datum, error, guc, threads, value};

/// The state of the aggregate for one group.
pub struct Group {
    asked: Rc<Asked>,
    /// `None` once it has ended.
    training: Option<Training<'static>>,
    interrupts: Interrupts,
    rows: u64,
    /// Behind the training: it goes after what it counts.
    share: Option<Share>,
}

impl Group {
    /// The first row of a group is there.
    pub fn begin(asked: Rc<Asked>, aggregate: &Aggregate) -> Result<Self> {
        let share = Share::take(guc::work_mem(), aggregate.live());
        let share = share.map_err(|error| aggregate.about(error, Moment::Row))?;
        let options = TrainOptions {
            memory_limit: share.bytes(),
            ..asked.options.clone()
        };
        let targets = asked.targets.iter().map(String::as_str).collect::<Vec<_>>();
        let spills = Box::new(Spills::within(aggregate.context));
        let mut training = Training::new(asked.columns.clone(), &targets, options, spills)
            .map_err(|error| aggregate.about(error, Moment::Row))?;
        if asked.unnamed {
            training = training.unnamed();
        }
        Ok(Self {
            training: Some(training),
            interrupts: Interrupts::new(),
            rows: 0,
            share: Some(share),
            asked,
        })
    }

    /// Takes a row; `values` is room for it.
    ///
    /// # Safety
    /// The datums are the arguments of the call in progress; a row is unpacked in the layout.
    pub unsafe fn row<'a>(
        &'a mut self,
        spec: &NullableDatum,
        target: &NullableDatum,
        (features, layout): (&[NullableDatum], Option<&Layout>),
        values: &mut Vec<Value<'a>>,
    ) -> Result<()> {
        let Some(training) = &mut self.training else {
            return Err(ended());
        };
        self.rows += 1;
        // SAFETY: by contract.
        unsafe {
            let spec = (!spec.isnull).then(|| datum::bytes(spec.value));
            if !self.asked.is_of(spec) {
                return Err(other_spec(self.rows));
            }
            self.asked.read(target, features, layout, values)?;
        }
        training.push(values, &mut self.interrupts)
    }

    /// Fits the model.
    pub fn end(&mut self, aggregate: &Aggregate) -> Result<Datum> {
        // They go when this returns, and the memory is given back after all of them.
        let _returned = Returned;
        let share = self.share.take();
        let Some(training) = self.training.take() else {
            return Err(ended());
        };
        let mut interrupts = Interrupts::of_training("ml_train_agg");
        interrupts.begin();
        let pool = threads::pool()?;
        let trained = training.finish(&mut interrupts, &pool)?;
        drop(pool);
        interrupts.enter(Phase::Storing);
        let bytes = trained.file.to_bytes(&mut interrupts)?;
        check_model_size(bytes.len() as u64, guc::max_model_size())?;
        let digest = Seal::of(&bytes, &mut interrupts)?.sha256;
        let (notices, threads) = (trained.notices, (trained.threads, trained.threads_wanted));
        drop((trained.file, trained.state));
        let value = value::make(&bytes, &digest)?;
        drop((bytes, interrupts, share));
        let of = match aggregate.group(Moment::End) {
            Some(group) if !notices.is_empty() => format!("group {group}: "),
            _ => String::new(),
        };
        let notices = notices.into_iter().map(|notice| format!("{of}{notice}"));
        tell(notices.collect(), threads);
        Ok(value)
    }
}

#[cold]
fn other_spec(row: u64) -> Error {
    let message = format!("the spec differs in row {row} of the group");
    Error::new(ErrorKind::InvalidParameter, message).hint("All rows of a group share one spec.")
}

#[cold]
fn ended() -> Error {
    error::own(
        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        "a model that is trained cannot take more rows",
    )
}
