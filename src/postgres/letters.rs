//! Values that are not stored as text, as PostgreSQL writes them: a uuid, a `"char"`.

use crate::vector::keep;

/// All characters of one byte.
const ASCII: [u8; 128] = {
    let mut all = [0; 128];
    let mut code = 0;
    while code < all.len() {
        all[code] = code as u8;
        code += 1;
    }
    all
};

/// A `"char"`: one character, none for a zero, and octal digits beyond ASCII, as PostgreSQL 16 has it.
///
/// # Safety
/// The current memory context lives for `'a`.
pub unsafe fn character<'a>(byte: u8) -> &'a str {
    let place = usize::from(byte);
    match ASCII.get(place..=place) {
        Some(_) if byte == 0 => "",
        Some(one) => std::str::from_utf8(one).unwrap_or_default(),
        None => {
            let digit = |shift: u8| b'0' + (byte >> shift & 7);
            // SAFETY: by contract.
            let octal = unsafe { keep([b'\\', digit(6), digit(3), digit(0)].into_iter()) };
            std::str::from_utf8(octal).unwrap_or_default()
        }
    }
}

/// A uuid in its groups of lower-case hexadecimal digits.
///
/// # Safety
/// The current memory context lives for `'a`.
pub unsafe fn uuid<'a>(bytes: &[u8; 16]) -> &'a str {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let places = (0..text.len()).filter(|place| !matches!(place, 8 | 13 | 18 | 23));
    let digits = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| DIGITS.get(usize::from(digit)));
    for (place, digit) in places.zip(digits) {
        if let Some(letter) = text.get_mut(place) {
            *letter = *digit;
        }
    }
    // SAFETY: by contract.
    let kept = unsafe { keep(text.into_iter()) };
    std::str::from_utf8(kept).unwrap_or_default()
}
