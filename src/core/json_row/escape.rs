//! What stands behind a backslash.

/// The character that `\uXXXX`, or a pair of them, stands for at the start of `bytes`, and its length there.
pub(super) fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let unit = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
        digits.iter().try_fold(0, |unit, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
    };
    let first = unit(bytes)?;
    if !(0xD800..0xE000).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = unit(bytes.get(6..)?)?;
    if first >= 0xDC00 || !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    Some((char::from_u32(code)?, 12))
}

/// Appends the inside of a string that was scanned, without its escapes.
pub(super) fn decode(mut text: &str, out: &mut String) {
    while let Some((plain, rest)) = text.split_once('\\') {
        out.push_str(plain);
        let whole = text.get(plain.len()..).unwrap_or_default();
        let (character, length) = match rest.bytes().next() {
            Some(b'b') => ('\x08', 2),
            Some(b'f') => ('\x0c', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'u') => unicode(whole.as_bytes()).unwrap_or((char::REPLACEMENT_CHARACTER, 2)),
            Some(other) => (char::from(other), 2),
            None => return,
        };
        out.push(character);
        text = whole.get(length..).unwrap_or_default();
    }
    out.push_str(text);
}
