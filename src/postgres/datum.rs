//! One datum of PostgreSQL becomes one [`Value`] of the core, without a copy where the type allows it.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::mem::size_of;

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::{IntoDatum, PgSqlErrorCode, varlena};
use tablenet_core::{Column, ColumnType, Error, ErrorKind, Result, Value};

use crate::{enum_labels, error, numeric};

/// How to read the values of one column or argument.
pub struct Decoder {
    kind: Kind,
}

enum Kind {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Boolean,
    Text,
    /// `char(n)`: padded, and equal without its padding.
    Padded,
    Name,
    /// Labels by their OID, and in their declared order.
    Enum {
        by_oid: HashMap<u32, String>,
        ordered: Vec<String>,
    },
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
        })
    }
}

impl Decoder {
    /// A decoder for values of `type_oid`, a domain counting as its base type.
    ///
    /// # Errors
    /// NotSupported naming `column` and its type. PostgreSQL's own errors are raised, not returned.
    pub fn new(column: &str, type_oid: Oid) -> Result<Self> {
        let mut typmod = -1;
        // SAFETY: reads the type cache; a type that vanished is PostgreSQL's own error.
        let base = unsafe { pg_sys::getBaseTypeAndTypmod(type_oid, &mut typmod) };
        let kind = match base {
            pg_sys::INT2OID => Kind::Int2,
            pg_sys::INT4OID => Kind::Int4,
            pg_sys::INT8OID => Kind::Int8,
            pg_sys::FLOAT4OID => Kind::Float4,
            pg_sys::FLOAT8OID => Kind::Float8,
            pg_sys::NUMERICOID => Kind::Numeric,
            pg_sys::BOOLOID => Kind::Boolean,
            // An untyped literal that the parser left alone is text by the time it is a column.
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Kind::Text,
            pg_sys::BPCHAROID => Kind::Padded,
            pg_sys::NAMEOID => Kind::Name,
            // SAFETY: as above.
            _ if unsafe { pg_sys::type_is_enum(base) } => {
                let (by_oid, ordered) = enum_labels::read(base)?;
                Kind::Enum { by_oid, ordered }
            }
            _ => return Err(unsupported(column, type_oid)),
        };
        Ok(Self { kind })
    }

    /// A decoder for a column that is left out: every value is NULL, whatever its type.
    pub fn ignored() -> Self {
        Self {
            kind: Kind::Ignored,
        }
    }

    /// The type in the core's words.
    pub fn column_type(&self) -> ColumnType {
        match self.kind {
            Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Float4 | Kind::Float8 | Kind::Numeric => {
                ColumnType::Number
            }
            Kind::Boolean => ColumnType::Boolean,
            Kind::Text | Kind::Padded | Kind::Name | Kind::Enum { .. } | Kind::Ignored => {
                ColumnType::Category
            }
        }
    }

    /// The column as the core wants it described.
    pub fn column(&self, name: &str) -> Column {
        Column {
            name: name.to_string(),
            column_type: self.column_type(),
            integer: matches!(self.kind, Kind::Int2 | Kind::Int4 | Kind::Int8),
            single_precision: matches!(self.kind, Kind::Int2 | Kind::Float4),
            labels: match &self.kind {
                Kind::Enum { ordered, .. } => Some(ordered.clone()),
                _ => None,
            },
            length: None,
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
        Some(match self.kind {
            Kind::Int2 => Fixed::Int2,
            Kind::Int4 => Fixed::Int4,
            Kind::Int8 => Fixed::Int8,
            Kind::Float4 => Fixed::Float4,
            Kind::Float8 => Fixed::Float8,
            Kind::Boolean => Fixed::Boolean,
            _ => return None,
        })
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
    /// InvalidText for text that is not valid in the database's encoding.
    #[inline]
    pub unsafe fn decode<'a>(&'a self, datum: Datum, is_null: bool) -> Result<Value<'a>> {
        if is_null {
            return Ok(Value::Null);
        }
        if let Some(number) = self.number(datum) {
            return Ok(Value::Number(number));
        }
        let bits = datum.value();
        Ok(match &self.kind {
            // SAFETY: by contract a numeric.
            Kind::Numeric => Value::Number(unsafe { numeric::to_f64(datum) }),
            Kind::Boolean => Value::Boolean(bits as u8 != 0),
            // SAFETY: by contract a varlena of text.
            Kind::Text => Value::Text(unsafe { text(datum)? }),
            // SAFETY: as above.
            Kind::Padded => Value::Text(unsafe { text(datum)? }.trim_end_matches(' ')),
            Kind::Name => {
                // SAFETY: by contract a NUL-terminated Name.
                Value::Text(unsafe { utf8(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes())? })
            }
            Kind::Enum { by_oid, .. } => match by_oid.get(&(bits as u32)) {
                Some(label) => Value::Text(label),
                // Added to the type after this statement began.
                None => return Err(enum_labels::unknown(bits as u32)),
            },
            Kind::Ignored | Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Float4 | Kind::Float8 => {
                Value::Null
            }
        })
    }
}

// On a 32-bit build int8 and float8 are passed by reference, which `decode` does not do.
const _: () = assert!(size_of::<Datum>() == 8);

/// Text and bytea without its header, unpacked into the current memory context where it is packed.
///
/// # Safety
/// `datum` is a varlena; the slice lives as long as it and the current memory context.
pub unsafe fn bytes<'a>(datum: Datum) -> &'a [u8] {
    let mut pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
    // SAFETY: by contract a varlena, so that its header may be read and detoasted.
    unsafe {
        if varlena::varatt_is_1b_e(pointer) || varlena::varatt_is_4b_c(pointer) {
            pointer = pg_sys::pg_detoast_datum_packed(pointer);
        }
        std::slice::from_raw_parts(
            varlena::vardata_any(pointer).cast(),
            varlena::varsize_any_exhdr(pointer),
        )
    }
}

/// A jsonb as text.
///
/// # Safety
/// `datum` is a jsonb.
pub unsafe fn jsonb_text(datum: Datum) -> Result<String> {
    // SAFETY: by contract a jsonb; jsonb_out returns a palloc'd, NUL-terminated text.
    unsafe {
        let text = pg_sys::DirectFunctionCall1Coll(Some(jsonb_out), Oid::INVALID, datum);
        utf8(CStr::from_ptr(text.cast_mut_ptr()).to_bytes()).map(str::to_string)
    }
}

/// A jsonb, allocated in the current memory context.
pub fn jsonb(value: &serde_json::Value) -> Datum {
    // SAFETY: a C string in the encoding of the database.
    unsafe { jsonb_from_text(server_cstring(&value.to_string())) }
}

/// A jsonb from its text, allocated in the current memory context.
///
/// # Safety
/// `text` is a C string in the encoding of the database.
pub unsafe fn jsonb_from_text(text: *const c_char) -> Datum {
    // SAFETY: by contract what jsonb_in takes.
    unsafe { pg_sys::DirectFunctionCall1Coll(Some(jsonb_in), Oid::INVALID, Datum::from(text)) }
}

unsafe extern "C-unwind" {
    fn jsonb_in(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
    fn jsonb_out(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
}

/// Text as UTF-8, whatever the encoding of the database.
///
/// # Safety
/// As for [`bytes`].
pub unsafe fn text<'a>(datum: Datum) -> Result<&'a str> {
    // SAFETY: the contract is passed on.
    unsafe { utf8(bytes(datum)) }
}

/// Bytes in the database's encoding as UTF-8, converted into the current memory context where it is another one.
///
/// # Safety
/// The result may point into the current memory context.
pub unsafe fn utf8(bytes: &[u8]) -> Result<&str> {
    let invalid = || {
        let message = "text is not valid UTF-8";
        error::wrap(
            error::report(PgSqlErrorCode::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, message)
                .set_hint("Use a database with encoding UTF8."),
        )
    };
    if stored_as_utf8() {
        return std::str::from_utf8(bytes).map_err(|_| invalid());
    }
    let length = i32::try_from(bytes.len()).map_err(|_| invalid())?;
    let utf8 = pg_sys::pg_enc::PG_UTF8 as i32;
    // SAFETY: pointer and length describe `bytes`; the result is that pointer or a NUL-terminated copy.
    unsafe {
        let converted = pg_sys::pg_server_to_any(bytes.as_ptr().cast(), length, utf8);
        if converted.cast_const() == bytes.as_ptr().cast() {
            return std::str::from_utf8(bytes).map_err(|_| invalid());
        }
        CStr::from_ptr(converted).to_str().map_err(|_| invalid())
    }
}

/// `text` as a text datum in the database's encoding, allocated in the current memory context.
pub fn text_datum(text: &str) -> Datum {
    if stored_as_utf8() {
        return text.into_datum().unwrap_or(Datum::null());
    }
    // SAFETY: pointer and length describe `text`; the result is that pointer or a NUL-terminated copy.
    unsafe {
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let utf8 = pg_sys::pg_enc::PG_UTF8 as i32;
        let converted = pg_sys::pg_any_to_server(text.as_ptr().cast(), length, utf8);
        if converted.cast_const() == text.as_ptr().cast() {
            return text.into_datum().unwrap_or(Datum::null());
        }
        Datum::from(pg_sys::cstring_to_text(converted))
    }
}

/// `text` as a C string in the database's encoding, allocated in the current memory context; a NUL would end it.
pub fn server_cstring(text: &str) -> *const c_char {
    // SAFETY: a text datum made just now is a valid argument.
    unsafe { pg_sys::text_to_cstring(text_datum(text).cast_mut_ptr()) }
}

// It reads a variable and cannot raise an error, so it needs no guard; it is asked for every text.
unsafe extern "C" {
    safe fn GetDatabaseEncoding() -> i32;
}

/// Whether text lies in the database as it lies in Rust.
pub fn stored_as_utf8() -> bool {
    let encoding = GetDatabaseEncoding() as u32;
    encoding == pg_sys::pg_enc::PG_UTF8 || encoding == pg_sys::pg_enc::PG_SQL_ASCII
}

/// The name of a type as SQL writes it.
pub fn type_name(type_oid: Oid) -> String {
    // SAFETY: returns a palloc'd, NUL-terminated name for any OID.
    unsafe { CStr::from_ptr(pg_sys::format_type_be(type_oid)) }
        .to_string_lossy()
        .into_owned()
}

/// The error for a column whose type is none of ours.
fn unsupported(column: &str, type_oid: Oid) -> Error {
    Error::new(
        ErrorKind::NotSupported,
        format!(
            "cannot use column \"{column}\" of type {}",
            type_name(type_oid)
        ),
    )
    .detail("Columns may be numbers, booleans, text and enums.")
    .hint("Cast it to one of these in the query; a feature can also be left out with exclude.")
}
