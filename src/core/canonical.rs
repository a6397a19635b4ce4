//! Canonical JSON: one text for one value, whatever features serde_json was built with.
//!
//! Keys are sorted by bytes, there is no white space, integers are plain, every other number is the shortest one
//! that reads back as the same f64, with an exponent (`1.5e-3`).

use serde_json::Value;
use std::fmt::Write;

/// The canonical text of `value`.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(boolean) => out.push_str(if *boolean { "true" } else { "false" }),
        Value::Number(number) => write_number(number, out),
        Value::String(string) => write_string(string, out),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_bytes());
            out.push('{');
            for (place, (key, entry)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(entry, out);
            }
            out.push('}');
        }
    }
}

fn write_number(number: &serde_json::Number, out: &mut String) {
    // Writing to a String does not fail.
    let _ = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(integer), _, _) => write!(out, "{integer}"),
        (None, Some(integer), _) => write!(out, "{integer}"),
        (None, None, float) => write!(out, "{:e}", float.unwrap_or(0.0)),
    };
}

fn write_string(string: &str, out: &mut String) {
    out.push('"');
    for character in string.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Whether arrays and objects in `text` are nested at most `limit` deep; `text` need not be valid JSON.
pub(crate) fn shallow(text: &str, limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_floats_have_one_form() {
        let value = json!({"b": [1, -2, 1.0, 0.1, 1e300, -0.0, 18446744073709551615_u64], "a": {"é\"\\\n": null, "Z": true}});
        let text = canonical(&value);
        assert_eq!(
            text,
            "{\"a\":{\"Z\":true,\"é\\\"\\\\\\u000a\":null},\"b\":[1,-2,1e0,1e-1,1e300,-0e0,18446744073709551615]}"
        );
        let again: Value = serde_json::from_str(&text).expect("valid JSON");
        assert_eq!(canonical(&again), text);
    }

    #[test]
    fn floats_survive_the_way_back() {
        let mut random = crate::random::Random::new(0, 0);
        for _ in 0..10_000 {
            let float = f64::from_bits(random.next());
            if float.is_finite() {
                let again: f64 = serde_json::from_str(&canonical(&json!(float))).expect("a number");
                assert_eq!(again.to_bits(), float.to_bits());
            }
        }
    }

    #[test]
    fn depth_is_counted_outside_strings() {
        assert!(shallow("[[\"[[[[\\\"[[\"]]", 2));
        assert!(!shallow("[[[", 2));
        assert!(!shallow(&"[".repeat(1_000_000), 32));
    }
}
