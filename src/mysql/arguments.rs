//! The arguments of a call, as safe values.

#![allow(unsafe_code, reason = "reads the server's arrays")]

use crate::error::invalid;
use crate::ffi::UdfArgs;
use crate::server;
use std::ffi::c_char;
use std::slice;
use tablenet_core::{Error, ErrorKind, Result, Value};

/// `Item_result` of a real.
const REAL_RESULT: i32 = 1;

/// `Item_result`: how a value is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentType {
    /// CHAR, TEXT, BLOB, ENUM, JSON, dates and times; also a NULL literal.
    Text,
    /// FLOAT, DOUBLE.
    Real,
    /// Integers, BIT and YEAR.
    Integer,
    /// DECIMAL: its digits as text.
    Decimal,
    /// A row, which no function of ours takes.
    Row,
}

/// One value of a call. A DECIMAL that was not asked for as a real comes as text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Argument<'a> {
    /// SQL NULL; in init also what is not constant.
    Null,
    /// A real.
    Real(f64),
    /// An integer.
    Integer(i64),
    /// Bytes in the character set of the expression.
    Bytes(&'a [u8]),
}

impl<'a> Argument<'a> {
    /// The bytes, if it has some.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The arguments of one call of a function. They live until it returns.
pub struct Arguments<'a> {
    raw: *mut UdfArgs,
    types: &'a [i32],
    values: &'a [*mut c_char],
    lengths: &'a [std::ffi::c_ulong],
}

/// An array of the server, which may be null, or left as it was found, where it is empty.
///
/// # Safety
/// `start` is null, or `length` values lie there and live for `'a`.
unsafe fn array<'a, T>(start: *const T, length: usize) -> &'a [T] {
    if start.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: by contract.
    unsafe { slice::from_raw_parts(start, length) }
}

impl<'a> Arguments<'a> {
    /// # Safety
    /// `raw` is what the server passes to a function, and `'a` ends with the call.
    pub unsafe fn new(raw: *mut UdfArgs) -> Self {
        // SAFETY: by contract; the arrays hold `arg_count` entries each.
        unsafe {
            let count = (*raw).arg_count as usize;
            Self {
                raw,
                types: array((*raw).arg_type, count),
                values: array((*raw).args, count),
                lengths: array((*raw).lengths, count),
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// How argument `index` is handed over.
    #[inline]
    pub fn type_of(&self, index: usize) -> ArgumentType {
        match self.types.get(index) {
            Some(&REAL_RESULT) => ArgumentType::Real,
            Some(2) => ArgumentType::Integer,
            Some(3) => ArgumentType::Row,
            Some(4) => ArgumentType::Decimal,
            _ => ArgumentType::Text,
        }
    }

    /// The value of argument `index`.
    #[inline]
    pub fn value(&self, index: usize) -> Argument<'a> {
        let Some(&start) = self.values.get(index) else {
            return Argument::Null;
        };
        if start.is_null() {
            return Argument::Null;
        }
        // SAFETY: not null, it points to a value of the type that is named, valid for the call; nothing says that it is
        // aligned.
        unsafe {
            match self.type_of(index) {
                ArgumentType::Real => Argument::Real(start.cast::<f64>().read_unaligned()),
                ArgumentType::Integer => Argument::Integer(start.cast::<i64>().read_unaligned()),
                ArgumentType::Text | ArgumentType::Decimal => {
                    let length = self.lengths.get(index).copied().unwrap_or(0) as usize;
                    Argument::Bytes(slice::from_raw_parts(start.cast::<u8>(), length))
                }
                ArgumentType::Row => Argument::Null,
            }
        }
    }

    /// The values from argument `first` on, all of which come as reals; the prediction of anything else fails.
    #[inline]
    pub fn reals<'v>(
        &self,
        first: usize,
    ) -> impl ExactSizeIterator<Item = Value<'v>> + Clone + use<'a, 'v> {
        let types = self.types.get(first..).unwrap_or_default();
        let values = self.values.get(first..).unwrap_or_default();
        types.iter().zip(values).map(|(kind, start)| {
            if *kind != REAL_RESULT {
                Value::Number(f64::NAN)
            } else if start.is_null() {
                Value::Null
            } else {
                // SAFETY: not null and of this type, as in `value`.
                Value::Number(unsafe { start.cast::<f64>().read_unaligned() })
            }
        })
    }

    /// The column, alias or expression that argument `index` is written as; `None` if the server does not say or it is not
    /// UTF-8.
    pub fn name(&self, index: usize) -> Option<&'a str> {
        // SAFETY: both arrays hold `arg_count` entries, and each attribute as many bytes as its length says.
        let name = unsafe {
            let count = self.len();
            let starts = array((*self.raw).attributes, count);
            let lengths = array((*self.raw).attribute_lengths, count);
            let (start, length) = (*starts.get(index)?, *lengths.get(index)?);
            if start.is_null() {
                return None;
            }
            slice::from_raw_parts(start.cast::<u8>(), length as usize)
        };
        std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty())
    }
}

/// The arguments in init, where it is said how they are to be handed over.
pub struct Declared<'a> {
    arguments: Arguments<'a>,
}

impl<'a> Declared<'a> {
    /// # Safety
    /// As for [`Arguments::new`], in the call of an init function.
    pub unsafe fn new(raw: *mut UdfArgs) -> Self {
        // SAFETY: by contract.
        let arguments = unsafe { Arguments::new(raw) };
        Self { arguments }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// The type of argument `index` as the server has it; asks before [`Declared::as_real`].
    pub fn type_of(&self, index: usize) -> ArgumentType {
        self.arguments.type_of(index)
    }

    /// The name of argument `index` ([`Arguments::name`]).
    pub fn name(&self, index: usize) -> Option<&'a str> {
        self.arguments.name(index)
    }

    /// The value of a text argument that is constant in this statement; `None` for any other.
    ///
    /// Never required: a placeholder of a prepared statement has no value yet.
    pub fn constant(&self, index: usize) -> Option<&'a [u8]> {
        match self.type_of(index) {
            ArgumentType::Text => self.arguments.value(index).bytes(),
            _ => None,
        }
    }

    /// Whether argument `index` has a value before the first row; a NULL that is constant does not show.
    pub fn is_constant(&self, index: usize) -> bool {
        self.arguments.value(index) != Argument::Null
    }

    /// Has numbers of argument `index` handed over as reals: a BIGINT UNSIGNED keeps its value only so. Text stays text.
    pub fn as_real(&mut self, index: usize) {
        if matches!(
            self.type_of(index),
            ArgumentType::Integer | ArgumentType::Decimal
        ) && index < self.len()
        {
            // Nobody may hold the array while it is written.
            self.arguments.types = &[];
            // SAFETY: the array holds an entry for the argument, and init may write it.
            unsafe {
                (*self.arguments.raw).arg_type.add(index).write(REAL_RESULT);
                self.arguments = Arguments::new(self.arguments.raw);
            }
        }
    }

    /// Has text of argument `index` handed over as UTF-8 where the server can convert it. Bytes stay as they are.
    pub fn as_utf8(&mut self, index: usize) {
        if self.type_of(index) == ArgumentType::Text && index < self.len() {
            // SAFETY: the arguments of an init function. Where the server cannot, `utf8` refuses what is none.
            unsafe { server::convert_argument(self.arguments.raw, index) };
        }
    }

    /// Refuses a number of arguments outside of `least..=most`.
    pub fn expect(&self, least: usize, most: usize, usage: &str) -> Result<()> {
        let given = self.len();
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let plural = if given == 1 { "" } else { "s" };
        Err(invalid(format!("called with {given} argument{plural}"))
            .hint(format!("Call it as {usage}.")))
    }
}

/// A number as a boolean: the servers have none, and write 0 and 1.
pub fn boolean(number: f64) -> Option<Value<'static>> {
    match number {
        0.0 => Some(Value::Boolean(false)),
        1.0 => Some(Value::Boolean(true)),
        _ => None,
    }
}

/// `bytes` as text; `what` names them in the error.
pub fn utf8<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|_| {
        Error::new(ErrorKind::InvalidText, format!("{what} is not utf8mb4"))
            .hint("Write CONVERT(... USING utf8mb4) around a text in another character set.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_zero_and_one() {
        assert_eq!(boolean(0.0), Some(Value::Boolean(false)));
        assert_eq!(boolean(-0.0), Some(Value::Boolean(false)));
        assert_eq!(boolean(1.0), Some(Value::Boolean(true)));
        assert_eq!(boolean(2.0), None);
        assert_eq!(boolean(f64::NAN), None);
    }
}
