//! numeric to f64, correctly rounded.
//!
//! PostgreSQL's own conversion prints the number and parses the text. A numeric is a run of base-10000 digits, and
//! when these fit 53 bits and the power of ten is exact, one multiplication or division rounds correctly (Clinger's
//! fast path); every other value takes PostgreSQL's way.

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
    if !packed && let Some(value) = fast(digits) {
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

/// The fast path over the content of a numeric: header, then digits, all 16-bit words of this machine.
fn fast(content: &[u8]) -> Option<f64> {
    let mut words = content
        .chunks_exact(2)
        .map(|word| u16::from_ne_bytes([word[0], word[1]]));
    let header = words.next()?;
    let (negative, weight) = match header & SIGN_MASK {
        SPECIAL => return None,
        // The low seven bits are a signed number.
        SHORT => (header & 0x2000 != 0, i32::from((header << 9) as i16 >> 9)),
        sign => (sign == NEGATIVE, i32::from(words.next()? as i16)),
    };
    let mut mantissa: u64 = 0;
    let mut count = 0;
    for digit in words {
        mantissa = mantissa
            .checked_mul(10_000)?
            .checked_add(u64::from(digit))?;
        count += 1;
    }
    if mantissa > 1 << 53 {
        return None;
    }
    let exponent = 4 * (weight + 1 - count);
    let power = *EXACT.get(exponent.unsigned_abs() as usize)?;
    let value = if exponent < 0 {
        mantissa as f64 / power
    } else {
        mantissa as f64 * power
    };
    Some(if negative { -value } else { value })
}
