//! Arrays of numbers, and pgvector's `vector`, as vectors of the core: where they lie, if they lie as the core reads them.

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::varlena;
use tablenet_core::{Error, ErrorKind, Result, Vector};

use crate::numeric;

/// The elements of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
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
    /// `numeric`
    Numeric,
}

impl Element {
    /// The elements of arrays of `array`, unless these are no numbers.
    pub fn of(array: Oid) -> Option<Self> {
        // SAFETY: a lookup in the system cache; a type that is no array has an invalid element.
        let element = unsafe { pg_sys::get_element_type(array) };
        if element == pg_sys::InvalidOid {
            return None;
        }
        // SAFETY: as above, for a type that exists.
        Some(match unsafe { pg_sys::getBaseType(element) } {
            pg_sys::INT2OID => Self::Int2,
            pg_sys::INT4OID => Self::Int4,
            pg_sys::INT8OID => Self::Int8,
            pg_sys::FLOAT4OID => Self::Float4,
            pg_sys::FLOAT8OID => Self::Float8,
            pg_sys::NUMERICOID => Self::Numeric,
            _ => return None,
        })
    }

    /// Whether every element fits an f32 exactly.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Int2 | Self::Float4)
    }

    /// The bytes of an element; a numeric has as many as it needs.
    fn bytes(self) -> Option<usize> {
        match self {
            Self::Int2 => Some(2),
            Self::Int4 | Self::Float4 => Some(4),
            Self::Int8 | Self::Float8 => Some(8),
            Self::Numeric => None,
        }
    }
}

/// What an array begins with, before the count of its only dimension.
const HEADER: usize = size_of::<pg_sys::ArrayType>();
/// Where the elements of an array of one dimension without NULL begin.
const ELEMENTS: usize = HEADER + 2 * size_of::<i32>();

/// The elements of an array of one dimension; `what` is named in errors.
///
/// # Safety
/// `datum` is an array of `element`; it and the current memory context live for `'a`.
///
/// # Errors
/// NullNotAllowed, NotSupported for several dimensions, FeatureCount for none.
pub unsafe fn array<'a>(datum: Datum, element: Element, what: &str) -> Result<Vector<'a>> {
    // SAFETY: by contract an array, whose header is followed by the count of each dimension; unpacked it has a length
    // of four bytes.
    unsafe {
        let array: *mut pg_sys::ArrayType = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
        match (*array).ndim {
            0 => return Err(empty(what)),
            1 => {}
            dimensions => return Err(nested(what, dimensions)),
        }
        if pg_sys::array_contains_nulls(array) {
            return Err(null(what));
        }
        let count = usize::try_from(*array.cast::<u8>().add(HEADER).cast::<i32>()).unwrap_or(0);
        let Some(bytes) = element.bytes() else {
            return Ok(Vector::Double(numerics(array)));
        };
        let start = match usize::try_from((*array).dataoffset) {
            Ok(offset) if offset > 0 => offset,
            _ => ELEMENTS,
        };
        let whole =
            std::slice::from_raw_parts(array.cast::<u8>(), varlena::varsize_4b(array.cast()));
        let elements = whole
            .get(start..)
            .and_then(|elements| elements.get(..count * bytes))
            .ok_or_else(|| damaged(what))?;
        Ok(match element {
            Element::Float4 => Vector::Single(placed(elements, f32::from_ne_bytes)),
            Element::Float8 => Vector::Double(placed(elements, f64::from_ne_bytes)),
            Element::Int2 => Vector::Single(converted(elements, |bytes| {
                f32::from(i16::from_ne_bytes(bytes))
            })),
            Element::Int4 => Vector::Double(converted(elements, |bytes| {
                f64::from(i32::from_ne_bytes(bytes))
            })),
            _ => Vector::Double(converted(elements, |bytes| {
                i64::from_ne_bytes(bytes) as f64
            })),
        })
    }
}

/// A value of pgvector's type: the number of elements, 16 bits that are not used, the elements.
///
/// # Safety
/// `datum` is a `vector`; it and the current memory context live for `'a`.
pub unsafe fn pgvector<'a>(datum: Datum, what: &str) -> Result<Vector<'a>> {
    // SAFETY: by contract a varlena; unpacked it has a length of four bytes.
    let content = unsafe {
        let value = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
        let length = varlena::varsize_any_exhdr(value);
        std::slice::from_raw_parts(varlena::vardata_any(value).cast::<u8>(), length)
    };
    let elements = content.split_first_chunk::<2>().and_then(|(count, rest)| {
        let count = usize::try_from(i16::from_ne_bytes(*count)).ok()?;
        let elements = rest.get(2..)?;
        (elements.len() == 4 * count).then_some(elements)
    });
    match elements {
        Some([]) => Err(empty(what)),
        // SAFETY: the elements live as long as the value.
        Some(elements) => Ok(Vector::Single(unsafe {
            placed(elements, f32::from_ne_bytes)
        })),
        None => Err(damaged(what)),
    }
}

/// # Safety
/// `array` is a numeric[] without NULL; the current memory context lives for `'a`.
unsafe fn numerics<'a>(array: *mut pg_sys::ArrayType) -> &'a [f64] {
    let (mut elements, mut count) = (std::ptr::null_mut::<Datum>(), 0);
    // SAFETY: by contract; the call fills `count` datums.
    unsafe {
        pg_sys::deconstruct_array(
            array,
            pg_sys::NUMERICOID,
            -1,
            false,
            pg_sys::TYPALIGN_INT as _,
            &mut elements,
            std::ptr::null_mut(),
            &mut count,
        );
        let count = usize::try_from(count).unwrap_or(0);
        let elements = std::slice::from_raw_parts(elements, count);
        keep(elements.iter().map(|element| numeric::to_f64(*element)))
    }
}

/// Where they are, or copied where they do not lie as a `T` must.
///
/// # Safety
/// As for [`keep`]; `T` is a float of `N` bytes, which any bytes are.
unsafe fn placed<T: Copy, const N: usize>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> &[T] {
    // SAFETY: by contract.
    unsafe {
        match bytes.align_to() {
            ([], elements, []) => elements,
            _ => converted(bytes, from),
        }
    }
}

/// Elements of `N` bytes each, converted.
///
/// # Safety
/// As for [`keep`].
unsafe fn converted<'a, T: Copy, const N: usize>(
    bytes: &[u8],
    from: impl Fn([u8; N]) -> T,
) -> &'a [T] {
    // SAFETY: by contract.
    unsafe { keep(bytes.as_chunks().0.iter().map(|bytes| from(*bytes))) }
}

/// Puts `elements` into the current memory context.
///
/// # Safety
/// That context lives for `'a`.
pub unsafe fn keep<'a, T: Copy>(elements: impl ExactSizeIterator<Item = T>) -> &'a [T] {
    let count = elements.len();
    // SAFETY: palloc aligns for any type and raises an error where it has no memory for `count` elements.
    unsafe {
        let memory: *mut T = pg_sys::palloc(count * size_of::<T>()).cast();
        let mut kept = 0;
        for element in elements.take(count) {
            memory.add(kept).write(element);
            kept += 1;
        }
        std::slice::from_raw_parts(memory, kept)
    }
}

#[cold]
fn null(what: &str) -> Error {
    Error::new(
        ErrorKind::NullNotAllowed,
        format!("{what} has an array with a null element"),
    )
    .hint("Replace null elements in the query, or leave out such rows: WHERE array_position(x, NULL) IS NULL.")
}

#[cold]
fn nested(what: &str, dimensions: i32) -> Error {
    Error::new(
        ErrorKind::NotSupported,
        format!("{what} has an array of {dimensions} dimensions"),
    )
    .hint("Make it one of one dimension: ARRAY(SELECT unnest(x)).")
}

/// The error for an array without elements.
#[cold]
pub fn empty(what: &str) -> Error {
    Error::new(ErrorKind::FeatureCount, format!("{what} has an empty array"))
        .hint("Every array of a column must have the same number of elements; where there is none, use NULL: nullif(x, '{}').")
}

#[cold]
fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Damaged, format!("{what} has a damaged array"))
}
