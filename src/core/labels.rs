//! The labels of a class target while rows are read: a code for each, in order of appearance.

use crate::target::MAX_CLASSES;
use crate::{Budget, Result};
use std::collections::HashMap;

/// Rows of one class: those that validate and those that train.
pub(crate) type Rows = [u64; 2];

/// Codes from 0, and the rows that have each.
#[derive(Debug)]
pub(crate) struct Labels {
    codes: HashMap<Box<str>, u32>,
    rows: Vec<Rows>,
    declared: Option<Vec<String>>,
}

/// Bytes of an entry besides its text: key, code, control byte and rows, at the map's lowest load.
const ENTRY: u64 = 112;

impl Labels {
    /// An empty table; `declared` is the order of an enum's labels.
    pub(crate) fn new(declared: Option<Vec<String>>) -> Self {
        Self {
            codes: HashMap::new(),
            rows: Vec::new(),
            declared,
        }
    }

    /// The code of `text`, new or known; `None` where it would be one too many.
    pub(crate) fn code(&mut self, text: &str, budget: &Budget) -> Result<Option<u32>> {
        match self.codes.get(text) {
            Some(&code) => Ok(Some(code)),
            None => self.insert(text, budget),
        }
    }

    #[cold]
    fn insert(&mut self, text: &str, budget: &Budget) -> Result<Option<u32>> {
        if self.rows.len() >= MAX_CLASSES {
            return Ok(None);
        }
        let bytes = (text.len() as u64).saturating_add(ENTRY);
        budget.reserve(bytes, "the labels of the target")?;
        let code = self.rows.len() as u32;
        self.rows.push([0; 2]);
        self.codes.insert(text.into(), code);
        Ok(Some(code))
    }

    /// The rows of every code.
    pub(crate) fn rows_mut(&mut self) -> &mut [Rows] {
        &mut self.rows
    }

    /// The labels in their final order with their rows and codes: text by bytes, an enum's as declared.
    pub(crate) fn ordered(self) -> Vec<(String, Rows, u32)> {
        let declared: HashMap<&str, usize> = self
            .declared
            .iter()
            .flatten()
            .enumerate()
            .map(|(position, label)| (label.as_str(), position))
            .collect();
        let rows = |code: u32| self.rows.get(code as usize).copied().unwrap_or_default();
        let mut all: Vec<(usize, String, u32)> = self
            .codes
            .iter()
            .map(|(text, &code)| {
                let position = declared.get(&**text).copied().unwrap_or(usize::MAX);
                (position, String::from(&**text), code)
            })
            .collect();
        all.sort_unstable();
        all.into_iter()
            .map(|(_, text, code)| (text, rows(code), code))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn labels(declared: Option<Vec<String>>) -> Result<Vec<String>> {
        let budget = Budget::new(1 << 20);
        let mut labels = Labels::new(declared);
        for (text, code) in [("b", 0), ("ä", 1), ("a", 2), ("b", 0), ("", 3)] {
            assert_eq!(labels.code(text, &budget)?, Some(code));
        }
        Ok(labels.ordered().into_iter().map(|it| it.0).collect())
    }

    #[test]
    fn text_is_ordered_by_bytes_and_an_enum_as_declared() -> Result<()> {
        // sklearn.preprocessing.LabelEncoder().fit(["b", "ä", "a", ""]).classes_ is ['', 'a', 'b', 'ä']
        assert_eq!(labels(None)?, ["", "a", "b", "ä"]);
        let declared = ["b", "unused", "", "a"].map(String::from).to_vec();
        assert_eq!(labels(Some(declared))?, ["b", "", "a", "ä"]);
        Ok(())
    }

    #[test]
    fn labels_are_charged_and_counted() -> Result<()> {
        let mut labels = Labels::new(None);
        let error = labels
            .code("a", &Budget::new(ENTRY))
            .expect_err("too small");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        let budget = Budget::new(1 << 20);
        for i in 0..MAX_CLASSES {
            assert!(labels.code(&i.to_string(), &budget)?.is_some());
        }
        assert_eq!(labels.code("one more", &budget)?, None);
        assert_eq!(labels.code("7", &budget)?, Some(7));
        Ok(())
    }
}
