//! One datum of PostgreSQL becomes one [`Value`] of the core, without a copy where the type allows it.

use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::size_of;

use pgrx::pg_sys::{self, Datum, Oid};
use tablenet_core::{Column, ColumnType, Result, Value};

use crate::column_type::{is_pgvector, unusable};
use crate::datum::{text, utf8};
use crate::vector::{self, Element};
use crate::{enum_labels, letters, numeric, temporal};

/// How to read the values of one column or argument.
pub struct Decoder {
    kind: Kind,
    /// What errors call it.
    what: String,
}

enum Kind {
    Fixed(Fixed),
    Numeric,
    TimeTz,
    Interval,
    Text,
    /// `char(n)`: padded, and equal without its padding.
    Padded,
    Name,
    /// `"char"`: one byte.
    Character,
    Uuid,
    /// Labels by their OID, and in their declared order.
    Enum {
        by_oid: HashMap<u32, String>,
        ordered: Vec<String>,
    },
    Array(Element),
    /// pgvector's type; its dimensions, where the column is declared with them.
    Vector(Option<usize>),
    /// A column that nobody reads.
    Ignored,
}

/// A type whose values are read from the datum alone.
#[derive(Debug, Clone, Copy)]
pub enum Fixed {
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `boolean`
    Boolean,
    /// `date`
    Date,
    /// `timestamp`
    Timestamp,
    /// `timestamptz`
    TimestampTz,
    /// `time`
    Time,
}

impl Fixed {
    /// The value in a datum of this type.
    #[inline(always)]
    pub fn value(self, datum: Datum, is_null: bool) -> Value<'static> {
        if is_null {
            return Value::Null;
        }
        let bits = datum.value();
        // A narrower value lies in the low bits, as DatumGetInt16 and its siblings have it.
        Value::Number(match self {
            Self::Int2 => f64::from(bits as i16),
            Self::Int4 => f64::from(bits as i32),
            Self::Int8 => bits as i64 as f64,
            Self::Float4 => f64::from(f32::from_bits(bits as u32)),
            Self::Float8 => f64::from_bits(bits as u64),
            Self::Boolean => return Value::Boolean(bits as u8 != 0),
            Self::Date => temporal::date(bits as i32),
            Self::Timestamp | Self::TimestampTz => temporal::timestamp(bits as i64),
            Self::Time => temporal::time(bits as i64),
        })
    }

    fn column_type(self) -> ColumnType {
        match self {
            Self::Int2 | Self::Int4 | Self::Int8 | Self::Float4 | Self::Float8 => {
                ColumnType::Number
            }
            Self::Boolean => ColumnType::Boolean,
            Self::Date => ColumnType::Date,
            Self::Timestamp => ColumnType::Timestamp,
            Self::TimestampTz => ColumnType::TimestampTz,
            Self::Time => ColumnType::Time,
        }
    }
}

impl Decoder {
    /// A decoder for values of `type_oid`, a domain counting as its base type; `what` is what errors call them.
    ///
    /// # Errors
    /// NotSupported naming `what` and the type. PostgreSQL's own errors are raised, not returned.
    pub fn new(what: &str, type_oid: Oid, mut typmod: i32) -> Result<Self> {
        // SAFETY: reads the type cache; a type that vanished is PostgreSQL's own error.
        let base = unsafe { pg_sys::getBaseTypeAndTypmod(type_oid, &mut typmod) };
        let kind = match base {
            pg_sys::INT2OID => Kind::Fixed(Fixed::Int2),
            pg_sys::INT4OID => Kind::Fixed(Fixed::Int4),
            pg_sys::INT8OID => Kind::Fixed(Fixed::Int8),
            pg_sys::FLOAT4OID => Kind::Fixed(Fixed::Float4),
            pg_sys::FLOAT8OID => Kind::Fixed(Fixed::Float8),
            pg_sys::NUMERICOID => Kind::Numeric,
            pg_sys::BOOLOID => Kind::Fixed(Fixed::Boolean),
            pg_sys::DATEOID => Kind::Fixed(Fixed::Date),
            pg_sys::TIMESTAMPOID => Kind::Fixed(Fixed::Timestamp),
            pg_sys::TIMESTAMPTZOID => Kind::Fixed(Fixed::TimestampTz),
            pg_sys::TIMEOID => Kind::Fixed(Fixed::Time),
            pg_sys::TIMETZOID => Kind::TimeTz,
            pg_sys::INTERVALOID => Kind::Interval,
            // An untyped literal that the parser left alone is text by the time it is a column.
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Kind::Text,
            pg_sys::BPCHAROID => Kind::Padded,
            pg_sys::NAMEOID => Kind::Name,
            pg_sys::CHAROID => Kind::Character,
            pg_sys::UUIDOID => Kind::Uuid,
            // SAFETY: as above.
            _ if unsafe { pg_sys::type_is_enum(base) } => {
                let (by_oid, ordered) = enum_labels::read(base)?;
                Kind::Enum { by_oid, ordered }
            }
            _ => match Element::of(base) {
                Some(element) => Kind::Array(element),
                None if is_pgvector(base) => {
                    Kind::Vector(usize::try_from(typmod).ok().filter(|length| *length > 0))
                }
                None => return Err(unusable(what, type_oid)),
            },
        };
        Ok(Self {
            kind,
            what: what.to_string(),
        })
    }

    /// A decoder for a column that is left out: every value is NULL, whatever its type.
    pub fn ignored() -> Self {
        Self {
            kind: Kind::Ignored,
            what: String::new(),
        }
    }

    /// The type in the core's words.
    pub fn column_type(&self) -> ColumnType {
        match &self.kind {
            Kind::Fixed(fixed) => fixed.column_type(),
            Kind::Numeric => ColumnType::Number,
            Kind::TimeTz => ColumnType::Time,
            Kind::Interval => ColumnType::Interval,
            Kind::Array(_) | Kind::Vector(_) => ColumnType::Vector,
            Kind::Text
            | Kind::Padded
            | Kind::Name
            | Kind::Character
            | Kind::Uuid
            | Kind::Enum { .. }
            | Kind::Ignored => ColumnType::Category,
        }
    }

    /// The column as the core wants it described.
    pub fn column(&self, name: &str) -> Column {
        Column {
            name: name.to_string(),
            column_type: self.column_type(),
            integer: matches!(
                self.kind,
                Kind::Fixed(Fixed::Int2 | Fixed::Int4 | Fixed::Int8)
            ),
            single_precision: match self.kind {
                Kind::Fixed(Fixed::Int2 | Fixed::Float4) | Kind::Vector(_) => true,
                Kind::Array(element) => element.is_single(),
                _ => false,
            },
            labels: match &self.kind {
                Kind::Enum { ordered, .. } => Some(ordered.clone()),
                _ => None,
            },
            length: match self.kind {
                Kind::Vector(length) => length,
                _ => None,
            },
        }
    }

    /// Whether the labels of an enum were read for it: what is read later may have others.
    pub fn is_enum(&self) -> bool {
        matches!(self.kind, Kind::Enum { .. })
    }

    /// Reads one datum into `value`, as [`decode`](Self::decode) does.
    ///
    /// A number of fixed width goes there straight from a register: as part of a `Result<Value>` it would pass through
    /// memory in pieces, which costs more than all the rest.
    ///
    /// # Safety
    /// As for [`decode`](Self::decode).
    #[inline(always)]
    pub unsafe fn put<'a>(
        &'a self,
        datum: Datum,
        is_null: bool,
        value: &mut Value<'a>,
    ) -> Result<()> {
        if is_null {
            *value = Value::Null;
        } else if let Some(number) = self.number(datum) {
            *value = Value::Number(number);
        } else {
            // SAFETY: the contract is passed on.
            *value = unsafe { self.decode(datum, false)? };
        }
        Ok(())
    }

    /// How to read it, for numbers of fixed width and booleans.
    pub fn fixed(&self) -> Option<Fixed> {
        match self.kind {
            Kind::Fixed(fixed) => Some(fixed),
            _ => None,
        }
    }

    /// The number in a datum of fixed width; `None` for all other types.
    #[inline(always)]
    fn number(&self, datum: Datum) -> Option<f64> {
        match self.fixed()?.value(datum, false) {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Reads one datum. What has to be unpacked or converted is allocated in the current memory context.
    ///
    /// # Safety
    /// `datum` is a value of this decoder's type, and `'a` ends before the datum's memory or the current memory
    /// context is reset. An error raised by PostgreSQL unwinds as a panic of pgrx, as from any call of `pg_sys`.
    ///
    /// # Errors
    /// InvalidText for text that is not valid in the database's encoding, those of [`vector::array`].
    #[inline]
    pub unsafe fn decode<'a>(&'a self, datum: Datum, is_null: bool) -> Result<Value<'a>> {
        if is_null {
            return Ok(Value::Null);
        }
        if let Some(number) = self.number(datum) {
            return Ok(Value::Number(number));
        }
        let bits = datum.value();
        // SAFETY: in every arm the datum is by contract of the type that the kind names; what is allocated lives in the
        // current memory context.
        unsafe {
            Ok(match &self.kind {
                Kind::Fixed(fixed) => fixed.value(datum, false),
                Kind::Numeric => Value::Number(numeric::to_f64(datum)),
                Kind::TimeTz => Value::Number(temporal::time_tz(datum)),
                Kind::Interval => Value::Number(temporal::interval(datum)),
                Kind::Text => Value::Text(text(datum)?),
                Kind::Padded => Value::Text(text(datum)?.trim_end_matches(' ')),
                Kind::Name => Value::Text(utf8(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes())?),
                Kind::Character => Value::Text(letters::character(bits as u8)),
                Kind::Uuid => Value::Text(letters::uuid(&*datum.cast_mut_ptr())),
                Kind::Enum { by_oid, .. } => match by_oid.get(&(bits as u32)) {
                    Some(label) => Value::Text(label),
                    // Added to the type after this statement began.
                    None => return Err(enum_labels::unknown(bits as u32)),
                },
                Kind::Array(element) => Value::Vector(vector::array(datum, *element, &self.what)?),
                Kind::Vector(_) => Value::Vector(vector::pgvector(datum, &self.what)?),
                Kind::Ignored => Value::Null,
            })
        }
    }
}

// On a 32-bit build int8 and float8 are passed by reference, which `decode` does not do.
const _: () = assert!(size_of::<Datum>() == 8);
