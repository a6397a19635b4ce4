//! The categories of one column while rows are read: a code for each, in order of appearance.

use crate::{Budget, Result};
use std::collections::HashMap;

/// Codes from 1; 0 is NULL.
#[derive(Debug)]
pub(crate) struct Categories {
    codes: HashMap<Box<str>, u32>,
    in_training: Vec<bool>,
    trained: usize,
    nulls: u64,
    declared: Option<Vec<String>>,
    charged: u64,
}

/// Bytes of an entry besides its text: key, code, control byte, flag, at the map's lowest load.
const ENTRY: u64 = 96;

impl Categories {
    /// An empty table; `declared` is the order of an enum's labels.
    pub(crate) fn new(declared: Option<Vec<String>>) -> Self {
        Self {
            codes: HashMap::new(),
            in_training: Vec::new(),
            trained: 0,
            nulls: 0,
            declared,
            charged: 0,
        }
    }

    /// The code of `text`, new or known.
    pub(crate) fn code(&mut self, text: &str, training: bool, budget: &Budget) -> Result<u32> {
        let code = match self.codes.get(text) {
            Some(&code) => code,
            None => self.insert(text, budget)?,
        };
        if training
            && let Some(seen) = self.in_training.get_mut(code as usize - 1)
            && !*seen
        {
            *seen = true;
            self.trained += 1;
        }
        Ok(code)
    }

    #[cold]
    fn insert(&mut self, text: &str, budget: &Budget) -> Result<u32> {
        let bytes = (text.len() as u64).saturating_add(ENTRY);
        budget.reserve(bytes, "the table of categories")?;
        self.charged += bytes;
        self.in_training.push(false);
        let code = self.in_training.len() as u32;
        self.codes.insert(text.into(), code);
        Ok(code)
    }

    /// The code of NULL.
    pub(crate) fn null(&mut self, training: bool) -> u32 {
        self.nulls += u64::from(training);
        0
    }

    /// NULLs in training rows.
    pub(crate) fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Distinct values in training rows.
    pub(crate) fn trained(&self) -> usize {
        self.trained
    }

    /// Distinct values in all rows.
    pub(crate) fn all(&self) -> usize {
        self.in_training.len()
    }

    /// The values in their final order, and for each code (NULL's 0 first) its position in it, if it has one.
    ///
    /// Text is ordered by bytes, an enum's labels as declared. With `training_only`, values that only
    /// validation rows have are left out.
    pub(crate) fn ordered(
        self,
        training_only: bool,
        budget: &Budget,
    ) -> (Vec<String>, Vec<Option<u32>>) {
        let declared: HashMap<&str, usize> = self
            .declared
            .iter()
            .flatten()
            .enumerate()
            .map(|(position, label)| (label.as_str(), position))
            .collect();
        let mut kept: Vec<(usize, String, u32)> = self
            .codes
            .into_iter()
            .filter(|(_, code)| {
                !training_only || self.in_training.get(*code as usize - 1) == Some(&true)
            })
            .map(|(text, code)| {
                (
                    declared.get(&*text).copied().unwrap_or(usize::MAX),
                    String::from(text),
                    code,
                )
            })
            .collect();
        kept.sort_unstable();
        let mut positions = vec![None; self.in_training.len() + 1];
        for (position, (_, _, code)) in kept.iter().enumerate() {
            positions[*code as usize] = Some(position as u32);
        }
        // The texts that stay are held until the training ends.
        let held = kept
            .iter()
            .map(|(_, text, _)| (text.len() as u64).saturating_add(ENTRY));
        budget.release(self.charged.saturating_sub(held.sum()));
        (
            kept.into_iter().map(|(_, text, _)| text).collect(),
            positions,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn filled(declared: Option<Vec<String>>) -> Result<Categories> {
        let budget = Budget::new(1 << 20);
        let mut categories = Categories::new(declared);
        for (text, training) in [
            ("b", true),
            ("ä", true),
            ("only here", false),
            ("a", false),
            ("b", true),
            ("a", true),
            ("", true),
        ] {
            categories.code(text, training, &budget)?;
        }
        Ok(categories)
    }

    #[test]
    fn text_is_ordered_by_bytes() -> Result<()> {
        // sklearn.preprocessing.OneHotEncoder().fit([["b"], ["ä"], ["a"], [""]]).categories_ is ['', 'a', 'b', 'ä']
        let (values, positions) = filled(None)?.ordered(true, &Budget::new(0));
        assert_eq!(values, ["", "a", "b", "ä"]);
        assert_eq!(positions, [None, Some(2), Some(3), None, Some(1), Some(0)]);
        Ok(())
    }

    #[test]
    fn an_enum_keeps_its_declared_order() -> Result<()> {
        let declared = ["b", "unused", "", "a"].map(String::from).to_vec();
        let (values, _) = filled(Some(declared))?.ordered(false, &Budget::new(0));
        assert_eq!(values, ["b", "", "a", "only here", "ä"]);
        Ok(())
    }

    #[test]
    fn entries_are_charged() -> Result<()> {
        let budget = Budget::new(2 * (ENTRY + 1));
        let mut categories = Categories::new(None);
        categories.code("a", true, &budget)?;
        categories.code("b", true, &budget)?;
        categories.code("a", true, &budget)?;
        assert_eq!(
            categories
                .code("c", true, &budget)
                .expect_err("full")
                .kind(),
            ErrorKind::OutOfMemory
        );
        categories.ordered(true, &budget);
        assert_eq!(budget.available(), 0, "both are kept");
        let budget = Budget::new(2 * (ENTRY + 1));
        let mut categories = Categories::new(None);
        categories.code("a", true, &budget)?;
        categories.code("b", false, &budget)?;
        categories.ordered(true, &budget);
        assert_eq!(budget.available(), ENTRY + 1, "one is kept");
        Ok(())
    }
}
