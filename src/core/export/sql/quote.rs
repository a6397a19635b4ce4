//! Names and values as SQL writes them, whatever is in them.

use std::fmt::Write;

/// A quoted name.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text, whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// An array of texts.
pub(super) fn texts(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    format!("ARRAY[{}]::text[]", texts.join(", "))
}

/// A number that reads back as the same f64.
pub(super) fn number(number: f64) -> String {
    format!("'{number:e}'::float8")
}

/// An array of numbers that read back as the same f64.
pub(super) fn numbers(numbers: impl Iterator<Item = f64>) -> String {
    format!("'{}'::float8[]", list(numbers))
}

/// An array of numbers that read back as the same f32.
pub(super) fn reals(numbers: impl Iterator<Item = f32>) -> String {
    format!("'{}'::real[]", list(numbers))
}

fn list(numbers: impl Iterator<Item: std::fmt::LowerExp>) -> String {
    let mut list = String::from("{");
    for (place, number) in numbers.enumerate() {
        if place > 0 {
            list.push(',');
        }
        let _ = write!(list, "{number:e}");
    }
    list.push('}');
    list
}

/// A text between dollars that it does not have.
pub(super) fn dollar(text: &str) -> String {
    let mut tag = "$tablenet$".to_owned();
    let mut count = 0;
    while text.contains(&tag) {
        count += 1;
        tag = format!("$tablenet{count}$");
    }
    format!("{tag}{text}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(identifier("a\"; --"), "\"a\"\"; --\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\' OR"), "E'\\\\'' OR'");
        assert_eq!(
            dollar("$tablenet$ $tablenet1$"),
            "$tablenet2$$tablenet$ $tablenet1$$tablenet2$"
        );
        assert_eq!(number(-0.1), "'-1e-1'::float8");
        assert_eq!(reals([0.1_f32, -2.0].into_iter()), "'{1e-1,-2e0}'::real[]");
    }
}
