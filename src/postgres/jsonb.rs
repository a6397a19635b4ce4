//! A jsonb as it is stored: what one walk over its bytes finds.

use pgrx::pg_sys::{self, Datum};
use tablenet_core::{ColumnType, Error, ErrorKind, Feature, JsonKind, Result, Value, Vector};

use crate::vector::{empty, keep};
use crate::{datum, literal, numeric};

/// An object or array: a header with the number of members, an entry per key and per value that says where it ends, the
/// keys, the values.
pub struct Container<'a> {
    header: u32,
    entries: &'a [[u8; 4]],
    /// Keys and values.
    data: &'a [u8],
}

/// A value: its entry, and its bytes with the padding before them.
pub struct Content<'a> {
    entry: u32,
    bytes: &'a [u8],
    padding: usize,
}

impl<'a> Container<'a> {
    /// What `content` begins with.
    fn of(content: &'a [u8]) -> Result<Self> {
        let (header, rest) = content.split_first_chunk().ok_or_else(damaged)?;
        let header = u32::from_ne_bytes(*header);
        let count = (header & pg_sys::JB_CMASK) as usize;
        let entries = if header & pg_sys::JB_FOBJECT == 0 {
            count
        } else {
            2 * count
        };
        let (entries, data) = rest.split_at_checked(4 * entries).ok_or_else(damaged)?;
        let entries = entries.as_chunks().0;
        Ok(Self {
            header,
            entries,
            data,
        })
    }

    /// An object, and nothing else.
    pub fn object(content: &'a [u8]) -> Result<Self> {
        let container = Self::of(content)?;
        if container.header & pg_sys::JB_FOBJECT != 0 {
            return Ok(container);
        }
        let array = container.header & pg_sys::JB_FSCALAR == 0;
        Err(JsonKind::not_an_object(array))
    }

    /// Keys and values of an object in their order; `None` for one that lies outside of it.
    pub fn members(&self) -> impl Iterator<Item = Option<(&'a [u8], Content<'a>)>> {
        let (keys, values) = self.entries.split_at(self.entries.len() / 2);
        let mut key_end = 0;
        // The first value begins where the last key ends: an entry has its end every so often, else its length.
        let mut value_end = 0;
        for key in keys.iter().rev() {
            let entry = u32::from_ne_bytes(*key);
            value_end += (entry & pg_sys::JENTRY_OFFLENMASK) as usize;
            if entry & pg_sys::JENTRY_HAS_OFF != 0 {
                break;
            }
        }
        let data = self.data;
        keys.iter().zip(values).map(move |(key, value)| {
            let key = data.get(range(u32::from_ne_bytes(*key), &mut key_end))?;
            Some((key, Content::of(data, *value, &mut value_end)?))
        })
    }

    /// The values of an array in their order; `None` for one that lies outside of it.
    fn elements(&self) -> impl ExactSizeIterator<Item = Option<Content<'a>>> {
        let mut end = 0;
        let data = self.data;
        self.entries
            .iter()
            .map(move |entry| Content::of(data, *entry, &mut end))
    }
}

/// Where the content of `entry` lies, which begins at `end`; `end` becomes its end.
#[inline]
fn range(entry: u32, end: &mut usize) -> std::ops::Range<usize> {
    let start = *end;
    let length = (entry & pg_sys::JENTRY_OFFLENMASK) as usize;
    *end = if entry & pg_sys::JENTRY_HAS_OFF != 0 {
        length
    } else {
        start + length
    };
    start..*end
}

impl<'a> Content<'a> {
    #[inline]
    fn of(data: &'a [u8], entry: [u8; 4], end: &mut usize) -> Option<Self> {
        let entry = u32::from_ne_bytes(entry);
        let place = range(entry, end);
        Some(Self {
            entry,
            padding: place.start.next_multiple_of(4) - place.start,
            bytes: data.get(place)?,
        })
    }

    fn kind(&self) -> u32 {
        self.entry & pg_sys::JENTRY_TYPEMASK
    }

    /// What lies after the padding, as numbers and containers do.
    fn aligned(&self) -> Result<&'a [u8]> {
        self.bytes.get(self.padding..).ok_or_else(damaged)
    }

    /// # Safety
    /// The content of a number.
    #[inline]
    unsafe fn number(&self) -> Result<f64> {
        let number = self.aligned()?;
        // SAFETY: by contract a numeric, after what aligns it.
        Ok(unsafe { numeric::to_f64(Datum::from(number.as_ptr())) })
    }

    /// Its value for `feature`.
    ///
    /// # Safety
    /// Content of a jsonb that lives for `'a`, like the current memory context.
    #[inline]
    pub unsafe fn value(&self, feature: &Feature) -> Result<Value<'a>> {
        use pg_sys::{JENTRY_ISBOOL_FALSE, JENTRY_ISBOOL_TRUE, JENTRY_ISNULL, JENTRY_ISNUMERIC};
        match (self.kind(), feature.column_type) {
            (JENTRY_ISNULL, _) => Ok(Value::Null),
            // SAFETY: the entry says so.
            (JENTRY_ISNUMERIC, ColumnType::Number) => unsafe { self.number() }.map(Value::Number),
            (JENTRY_ISBOOL_FALSE, ColumnType::Boolean) => Ok(Value::Boolean(false)),
            (JENTRY_ISBOOL_TRUE, ColumnType::Boolean) => Ok(Value::Boolean(true)),
            (pg_sys::JENTRY_ISSTRING, ColumnType::Category) => {
                // SAFETY: by contract the text lives for `'a`, like the current memory context.
                unsafe { datum::utf8(self.bytes) }.map(Value::Text)
            }
            (
                pg_sys::JENTRY_ISSTRING,
                ColumnType::Date
                | ColumnType::Timestamp
                | ColumnType::TimestampTz
                | ColumnType::Time
                | ColumnType::Interval,
                // SAFETY: as above.
            ) => unsafe { literal::read(feature, datum::utf8(self.bytes)?) },
            (pg_sys::JENTRY_ISCONTAINER, ColumnType::Vector) => {
                // SAFETY: the entry says so; by contract for the rest.
                unsafe { self.vector(feature) }.map(Value::Vector)
            }
            _ => Err(feature.refuse_json(self.found())),
        }
    }

    /// An array of numbers.
    ///
    /// # Safety
    /// Content of a container; the current memory context lives for `'a`.
    unsafe fn vector(&self, feature: &Feature) -> Result<Vector<'a>> {
        let array = Container::of(self.aligned()?)?;
        if array.header & pg_sys::JB_FARRAY == 0 {
            return Err(feature.refuse_json(self.found()));
        }
        if array.entries.is_empty() {
            return Err(empty(&format!("feature \"{}\"", feature.name)));
        }
        for element in array.elements() {
            let element = element.ok_or_else(damaged)?;
            if element.kind() != pg_sys::JENTRY_ISNUMERIC {
                return Err(feature.refuse_json_element(element.found()));
            }
        }
        let numbers = array.elements().map(|element| match element {
            // SAFETY: it is a number, as was checked.
            Some(element) => unsafe { element.number() }.unwrap_or(f64::NAN),
            None => f64::NAN,
        });
        // SAFETY: by contract.
        Ok(Vector::Double(unsafe { keep(numbers) }))
    }

    /// What it is.
    fn found(&self) -> JsonKind {
        match self.kind() {
            pg_sys::JENTRY_ISNULL => JsonKind::Null,
            pg_sys::JENTRY_ISSTRING => JsonKind::Text,
            pg_sys::JENTRY_ISNUMERIC => JsonKind::Number,
            pg_sys::JENTRY_ISBOOL_FALSE | pg_sys::JENTRY_ISBOOL_TRUE => JsonKind::Boolean,
            _ => JsonKind::Nested,
        }
    }
}

/// The error for bytes that are no jsonb.
#[cold]
pub fn damaged() -> Error {
    Error::new(ErrorKind::Damaged, "a jsonb value is damaged")
}
