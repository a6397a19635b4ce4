//! One argument, column or array element that stands for one feature.

use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{ColumnType, Error, ErrorKind, Feature, Result, Value};

use crate::decoder::{Decoder, Fixed};
use crate::{datum, literal};

/// How to read it.
pub enum Scalar {
    /// A value of a type that features can have.
    Typed(Decoder),
    /// A literal that the parser left untyped, a C string: the feature's type says how to read it.
    Untyped,
}

impl Scalar {
    /// For values of `type_oid`; `what` is named in the error for a type that no feature has.
    pub fn new(what: &str, type_oid: Oid) -> Result<Self> {
        if type_oid == pg_sys::UNKNOWNOID {
            return Ok(Self::Untyped);
        }
        Decoder::new(what, type_oid, -1)
            .map(Self::Typed)
            .map_err(|error| match error.kind() {
                ErrorKind::NotSupported => unusable(what, type_oid),
                _ => error,
            })
    }

    /// Its type in the core's words; `None` for a literal, which can be any.
    pub fn column_type(&self) -> Option<ColumnType> {
        match self {
            Self::Typed(decoder) => Some(decoder.column_type()),
            Self::Untyped => None,
        }
    }

    /// Whether it is an enum, whose labels were read when it was made.
    pub fn is_enum(&self) -> bool {
        matches!(self, Self::Typed(decoder) if decoder.is_enum())
    }

    /// How to read it without looking elsewhere, for numbers of fixed width and booleans.
    pub fn fixed(&self) -> Option<Fixed> {
        match self {
            Self::Typed(decoder) => decoder.fixed(),
            Self::Untyped => None,
        }
    }

    /// Reads one datum for `feature` into `value`.
    ///
    /// # Safety
    /// As for [`Decoder::decode`]; the datum of an untyped literal is a C string.
    #[inline(always)]
    pub unsafe fn put<'a>(
        &'a self,
        datum: Datum,
        is_null: bool,
        feature: &Feature,
        value: &mut Value<'a>,
    ) -> Result<()> {
        match self {
            // SAFETY: the contract is passed on.
            Self::Typed(decoder) => unsafe { decoder.put(datum, is_null, value)? },
            Self::Untyped if is_null => *value = Value::Null,
            // SAFETY: by contract a C string.
            Self::Untyped => *value = unsafe { literal::read(feature, literal::literal(datum)?)? },
        }
        Ok(())
    }
}

fn unusable(what: &str, type_oid: Oid) -> Error {
    Error::new(
        ErrorKind::TypeMismatch,
        format!(
            "cannot use {what} of type {} as a feature",
            datum::type_name(type_oid)
        ),
    )
    .detail("Features are numbers, booleans, text, enums, uuids, dates, times, intervals and arrays of numbers.")
    .hint("Cast it to the type of the column that the model was trained on.")
}
