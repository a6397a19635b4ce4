//! Patterns of column names: `*` is any text, `?` any one character.

/// Whether `key` can stand for several columns.
pub(super) fn is_pattern(key: &str) -> bool {
    key.contains(['*', '?'])
}

/// Characters that stand for themselves: the more, the more a pattern says.
pub(super) fn literals(key: &str) -> usize {
    key.chars().filter(|c| !matches!(c, '*' | '?')).count()
}

/// Whether `pattern` stands for `name`; takes time in proportion to the product of their lengths.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    // Behind the last star, and the name where it ended.
    let mut star = None;
    loop {
        let rest = (pattern.clone(), name.clone());
        match (pattern.next(), name.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                name = rest.1;
                star = Some((pattern.clone(), name.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => {
                // The last star takes one character more.
                let Some((behind, begin)) = &mut star else {
                    return false;
                };
                if begin.next().is_none() {
                    return false;
                }
                (pattern, name) = (behind.clone(), begin.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_a_shell() {
        // python3 -c "from fnmatch import fnmatchcase as f; print([f(n, p) for p, n in [...]])"
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "price", true),
            ("pri*", "price", true),
            ("*ce", "price", true),
            ("p*c*", "price", true),
            ("p?ice", "price", true),
            ("p?ice", "pice", false),
            ("*a*a*", "banana", true),
            ("*ab", "aab", true),
            ("*ab", "aba", false),
            ("pri", "price", false),
            ("", "", true),
            ("", "a", false),
            ("größ?", "größe", true),
            ("**", "x", true),
            ("Price", "price", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let (pattern, name) = ("*a".repeat(500), "a".repeat(5000) + "b");
        assert!(!matches(&pattern, &name));
    }
}
