//! ml_predict and its siblings: one row of arguments in, one answer out.
//!
//! They are plain C functions, since a `VARIADIC "any"` has no Rust type; sql/functions.sql and sql/value.sql declare them.

use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use tablenet_core::{Result, Row, Scorer};

use crate::call_site::CallSite;
use crate::entry::entry;
use crate::ready::{Answer, Buffers, Scoring};
use crate::value::ValueSite;
use crate::{datum, error};

/// The four functions for models of one kind.
macro_rules! entries {
    ($site:ty: $($symbol:ident, $record:ident, $answer:ident;)*) => {
        $(entry!($symbol, $record, $answer, call::<$site>);)*
    };
}

entries!(
    CallSite:
    tablenet_predict, pg_finfo_tablenet_predict, Prediction;
    tablenet_predict_class, pg_finfo_tablenet_predict_class, Class;
    tablenet_predict_proba, pg_finfo_tablenet_predict_proba, Probabilities;
    tablenet_predict_values, pg_finfo_tablenet_predict_values, Outputs;
);

entries!(
    ValueSite:
    tablenet_value_predict, pg_finfo_tablenet_value_predict, Prediction;
    tablenet_value_predict_class, pg_finfo_tablenet_value_predict_class, Class;
    tablenet_value_predict_proba, pg_finfo_tablenet_value_predict_proba, Probabilities;
    tablenet_value_predict_values, pg_finfo_tablenet_value_predict_values, Outputs;
);

/// # Safety
/// `fcinfo` is that of a call in progress whose first argument says which model.
#[inline]
unsafe fn call<S: Scoring>(fcinfo: FunctionCallInfo, answer: impl Answer) -> Datum {
    // SAFETY: by contract; `args` has `nargs` values.
    let scored = unsafe {
        let count = usize::try_from((*fcinfo).nargs).unwrap_or(0);
        match (*fcinfo).args.as_slice(count) {
            [model, features @ ..] if !model.isnull => S::of((*fcinfo).flinfo, count)
                .and_then(|site| site.score(model.value, features, answer)),
            _ => Ok(None),
        }
    };
    match scored {
        Ok(Some(datum)) => datum,
        Ok(None) => {
            // SAFETY: by contract.
            unsafe { (*fcinfo).isnull = true };
            Datum::null()
        }
        Err(error) => error::raise(error),
    }
}

/// The value, or the probability of the second of two classes.
struct Prediction;

impl Answer for Prediction {
    #[inline]
    fn give<'v>(self, scorer: &Scorer, row: impl Row<'v>, buffers: &mut Buffers) -> Result<Datum> {
        scorer
            .predict(row, &mut buffers.scratch)
            .map(|value| Datum::from(value.to_bits()))
    }
}

/// The most probable label.
struct Class;

impl Answer for Class {
    #[inline]
    fn give<'v>(self, scorer: &Scorer, row: impl Row<'v>, buffers: &mut Buffers) -> Result<Datum> {
        scorer
            .predict_class(row, &mut buffers.scratch)
            .map(datum::text_datum)
    }
}

/// The outputs of the network.
struct Outputs;

impl Answer for Outputs {
    #[inline]
    fn give<'v>(self, scorer: &Scorer, row: impl Row<'v>, buffers: &mut Buffers) -> Result<Datum> {
        scorer.predict_values(row, &mut buffers.scratch, &mut buffers.numbers)?;
        Ok(datum::float4_array(&buffers.numbers))
    }
}

/// An object with the probability of every label.
struct Probabilities;

impl Answer for Probabilities {
    #[inline]
    fn give<'v>(self, scorer: &Scorer, row: impl Row<'v>, buffers: &mut Buffers) -> Result<Datum> {
        scorer.predict_proba(row, &mut buffers.scratch, &mut buffers.numbers)?;
        let text = &mut buffers.text;
        scorer.write_proba(&buffers.numbers, text);
        text.push(0);
        // SAFETY: a NUL-terminated object in UTF-8; jsonb_in takes a C string in the encoding of the database.
        unsafe {
            let length = i32::try_from(text.len() - 1).unwrap_or(i32::MAX);
            let object = pg_sys::pg_any_to_server(
                text.as_ptr().cast(),
                length,
                pg_sys::pg_enc::PG_UTF8 as i32,
            );
            Ok(datum::jsonb_from_text(object))
        }
    }
}
