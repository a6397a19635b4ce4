//! A model ready to score the arguments of one place in a query.

use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, NullableDatum};
use tablenet_core::{Result, Row, Scorer, Scratch, Value};

use crate::arguments::Arguments;
use crate::kept::Site;
use crate::source::Source;
use crate::whole_row::Layout;

/// A model bound to the arguments of a call site.
pub struct Ready {
    /// What errors call the model.
    what: String,
    scorer: Rc<Scorer>,
    source: Source,
    row: Vec<Value<'static>>,
    buffers: Buffers,
}

/// What scoring a row needs beyond the model, made once.
pub struct Buffers {
    /// The core's own.
    pub scratch: Scratch,
    /// For answers of several numbers.
    pub numbers: Vec<f32>,
    /// For answers that are put together as text.
    pub text: Vec<u8>,
}

/// What is asked of a model for each row.
pub trait Answer {
    /// Scores `row`.
    fn give<'v>(self, scorer: &Scorer, row: impl Row<'v>, buffers: &mut Buffers) -> Result<Datum>;
}

/// A place in a query where rows are scored.
pub trait Scoring: Site {
    /// Scores one row with the model that `model` stands for; `None` if there is no row to score.
    ///
    /// # Safety
    /// `model` and `features` are the arguments of the call in progress.
    unsafe fn score(
        &mut self,
        model: Datum,
        features: &[NullableDatum],
        answer: impl Answer,
    ) -> Result<Option<Datum>>;
}

/// Where the rows of one call site come from, whatever the model.
pub struct Rows {
    arguments: Arguments,
    layout: Option<Layout>,
    /// Columns that are no features have been listed.
    told: bool,
    context: pg_sys::MemoryContext,
}

impl Rows {
    /// Those of the call site that `flinfo` stands for.
    ///
    /// # Safety
    /// `flinfo` is that of the call in progress with `nargs` arguments.
    pub unsafe fn of(flinfo: *mut pg_sys::FmgrInfo, nargs: usize) -> Result<Self> {
        // SAFETY: by contract.
        unsafe {
            Ok(Self {
                arguments: Arguments::of(flinfo, nargs)?,
                layout: None,
                told: false,
                context: (*flinfo).fn_mcxt,
            })
        }
    }

    /// In which form the features come.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }
}

impl Ready {
    /// Binds the arguments of the call site to the features of a model.
    ///
    /// # Safety
    /// `values` are the features of the call in progress.
    pub unsafe fn bind(
        what: String,
        scorer: Rc<Scorer>,
        rows: &mut Rows,
        values: &[NullableDatum],
    ) -> Result<Self> {
        // SAFETY: by contract.
        let source = unsafe { source(&what, &scorer, rows, values)? };
        Ok(Self {
            row: Vec::with_capacity(scorer.features().len()),
            buffers: Buffers {
                scratch: scorer.scratch()?,
                numbers: Vec::new(),
                text: Vec::new(),
            },
            what,
            scorer,
            source,
        })
    }

    /// Whether it reads labels of an enum, which another statement may see changed.
    pub fn reads_enum(&self) -> bool {
        self.source.reads_enum()
    }

    /// Binds the arguments anew.
    ///
    /// # Safety
    /// As for [`Ready::bind`].
    pub unsafe fn rebind(&mut self, rows: &mut Rows, values: &[NullableDatum]) -> Result<()> {
        // SAFETY: by contract.
        self.source = unsafe { source(&self.what, &self.scorer, rows, values)? };
        Ok(())
    }

    /// Bytes of the model.
    pub fn bytes(&self) -> usize {
        self.scorer.bytes()
    }

    /// Scores one row; `None` if there is none to score.
    ///
    /// # Safety
    /// As for [`Ready::bind`].
    #[inline]
    pub unsafe fn score(
        &mut self,
        rows: &mut Rows,
        values: &[NullableDatum],
        answer: impl Answer,
    ) -> Result<Option<Datum>> {
        let Self {
            what,
            scorer,
            source,
            row: buffer,
            buffers,
        } = self;
        if let Source::Direct(direct) = source {
            return answer.give(scorer, direct.row(values), buffers).map(Some);
        }
        // The buffer holds nothing between calls, so only the lifetime of what it could hold changes.
        let mut row: Vec<Value<'_>> = recycle(std::mem::take(buffer));
        row.resize(scorer.features().len(), Value::Null);
        // SAFETY: by contract; the context of the call site outlives the layout.
        let found = unsafe {
            source.read(
                values,
                what,
                scorer.features(),
                (&mut rows.layout, &mut rows.told),
                rows.context,
                &mut row,
            )?
        };
        let result = if found {
            Some(answer.give(scorer, &row, buffers)?)
        } else {
            None
        };
        *buffer = recycle(row);
        Ok(result)
    }
}

/// # Safety
/// As for [`Ready::bind`].
unsafe fn source(
    what: &str,
    scorer: &Scorer,
    rows: &mut Rows,
    values: &[NullableDatum],
) -> Result<Source> {
    // SAFETY: by contract.
    unsafe {
        Source::bind(
            &rows.arguments,
            values,
            what,
            scorer.features(),
            &mut rows.told,
        )
    }
}

/// An empty vector with the allocation of `row`, free to hold values of another lifetime.
pub fn recycle<'a>(mut row: Vec<Value<'_>>) -> Vec<Value<'a>> {
    row.clear();
    let mut row = std::mem::ManuallyDrop::new(row);
    // SAFETY: pointer and capacity come from a vector of the same type but for a lifetime, and it holds no value.
    unsafe { Vec::from_raw_parts(row.as_mut_ptr().cast(), 0, row.capacity()) }
}
