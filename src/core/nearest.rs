//! The nearest known name to a misspelt one, for hints.

/// The known name most like `name`, if any is like enough to be worth suggesting.
///
/// Likeness is Jaro-Winkler's on lower-cased text; below 0.7 nothing is suggested. Of equal ones the first wins.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    /// Longer than any name; the comparison takes time in proportion to the product of the lengths.
    const LONGEST: usize = 1000;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let mut best: Option<(f64, &'a str)> = None;
    for candidate in known.filter(|candidate| candidate.len() <= LONGEST) {
        let likeness = strsim::jaro_winkler(&name, &candidate.to_lowercase());
        if likeness >= ALIKE && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_a_typo_and_ignores_case() {
        let known = ["price", "area", "Rooms"];
        assert_eq!(nearest("prcie", known.into_iter()), Some("price"));
        assert_eq!(nearest("rooms", known.into_iter()), Some("Rooms"));
    }

    #[test]
    fn suggests_nothing_for_a_stranger() {
        assert_eq!(nearest(&"area".repeat(1000), ["area"].into_iter()), None);
        assert_eq!(nearest("zzz", ["price", "area"].into_iter()), None);
        assert_eq!(nearest("", ["price"].into_iter()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
