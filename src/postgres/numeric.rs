//! numeric to f64, correctly rounded.
//!
//! PostgreSQL's own conversion prints the number into allocated text and has the C library parse it. A numeric is a
//! run of base-10000 digits, and when these fit 53 bits and the power of ten is exact, one multiplication or division
//! rounds correctly (Clinger's fast path). Longer ones are printed on the stack and parsed by Rust, which rounds
//! correctly too. What is longer still, special or out of range takes PostgreSQL's way.

use std::io::Write;

use pgrx::pg_sys::{self, Datum};
use pgrx::varlena;

const SIGN_MASK: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;

/// Powers of ten that an f64 holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The value of a numeric.
///
/// # Safety
/// `datum` is a numeric. One out of the range of an f64 raises PostgreSQL's own error, as any call of `pg_sys` does.
pub unsafe fn to_f64(datum: Datum) -> f64 {
    // SAFETY: by contract a numeric, that is a varlena; the slice is its content.
    let (digits, packed) = unsafe {
        let pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
        if varlena::varatt_is_1b_e(pointer) || varlena::varatt_is_4b_c(pointer) {
            (&[][..], true)
        } else {
            let length = varlena::varsize_any_exhdr(pointer);
            (
                std::slice::from_raw_parts(varlena::vardata_any(pointer).cast::<u8>(), length),
                false,
            )
        }
    };
    if !packed && let Some(value) = Digits::of(digits).and_then(|digits| digits.value()) {
        return value;
    }
    // SAFETY: the datum is what numeric_float8 takes.
    let result =
        unsafe { pg_sys::DirectFunctionCall1Coll(Some(numeric_float8), pg_sys::InvalidOid, datum) };
    f64::from_bits(result.value() as u64)
}

unsafe extern "C-unwind" {
    fn numeric_float8(fcinfo: pg_sys::FunctionCallInfo) -> Datum;
}

/// A number as it lies in a numeric: sign * 0.d1d2d3... * 10000^weight, each digit a 16-bit word of this machine.
struct Digits<'a> {
    negative: bool,
    weight: i32,
    words: &'a [u8],
}

/// Digits that are printed on the stack: of four decimal places each, as many as any f64 is written with, twice over.
const PRINTED: usize = 10;

impl<'a> Digits<'a> {
    /// The content of a numeric after its length; `None` for NaN and the infinities.
    fn of(content: &'a [u8]) -> Option<Self> {
        let (header, rest) = content.split_first_chunk()?;
        let header = u16::from_ne_bytes(*header);
        Some(match header & SIGN_MASK {
            SPECIAL => return None,
            SHORT => Self {
                negative: header & 0x2000 != 0,
                // The low seven bits are a signed number.
                weight: i32::from((header << 9) as i16 >> 9) + 1,
                words: rest,
            },
            sign => {
                let (weight, words) = rest.split_first_chunk()?;
                Self {
                    negative: sign == NEGATIVE,
                    weight: i32::from(i16::from_ne_bytes(*weight)) + 1,
                    words,
                }
            }
        })
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = u16> {
        let (words, _) = self.words.as_chunks();
        words.iter().map(|word| u16::from_ne_bytes(*word))
    }

    /// The power of ten that the digits, read as one whole number, are multiplied by.
    fn exponent(&self) -> i32 {
        4 * (self.weight - self.iter().len() as i32)
    }

    fn value(&self) -> Option<f64> {
        let value = self.exact().or_else(|| self.parsed())?;
        Some(if self.negative { -value } else { value })
    }

    /// Clinger's fast path.
    #[inline]
    fn exact(&self) -> Option<f64> {
        let mut mantissa: u64 = 0;
        for digit in self.iter() {
            mantissa = mantissa
                .checked_mul(10_000)?
                .checked_add(u64::from(digit))?;
        }
        if mantissa > 1 << 53 {
            return None;
        }
        let exponent = self.exponent();
        let power = *EXACT.get(exponent.unsigned_abs() as usize)?;
        Some(if exponent < 0 {
            mantissa as f64 / power
        } else {
            mantissa as f64 * power
        })
    }

    /// By way of decimal text.
    fn parsed(&self) -> Option<f64> {
        if self.iter().len() > PRINTED {
            return None;
        }
        // Four places per digit, a point, or at most "e-131072".
        let mut text = [b'0'; 4 * PRINTED + 9];
        let mut length = 0;
        for (index, digit) in self.iter().enumerate() {
            if index as i32 == self.weight {
                *text.get_mut(length)? = b'.';
                length += 1;
            }
            let [high, low] = [digit / 100, digit % 100];
            let places = [high / 10, high % 10, low / 10, low % 10].map(|it| b'0' + it as u8);
            *text.get_mut(length..)?.first_chunk_mut()? = places;
            length += 4;
        }
        if self.weight < 0 || self.exponent() > 0 {
            let mut rest = text.get_mut(length..)?;
            let room = rest.len();
            write!(rest, "e{}", self.exponent()).ok()?;
            length += room - rest.len();
        }
        let value: f64 = std::str::from_utf8(text.get(..length)?)
            .ok()?
            .parse()
            .ok()?;
        // PostgreSQL refuses what becomes infinite or zero.
        (value != 0.0 && value.is_finite()).then_some(value)
    }
}
