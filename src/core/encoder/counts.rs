//! The categories of one column while rows are read: a code for each, and how often it was seen, in bounded memory.
//!
//! When a table is full, half of its texts go, those seen least (Manku and Motwani's lossy counting, with the table's
//! size in the place of an error bound); their rows belong to the others. A text that is frequent in the whole table
//! soon outweighs those that come once, also when it comes late. Texts of validation rows have a table and codes of
//! their own, so that they change nothing that is learned.

use super::codes::Codes;
use crate::budget::with_capacity;
use crate::{Budget, Result};
use std::collections::HashMap;

/// Codes of training texts are even, those of validation texts odd; NULL is 0.
const NULL: u32 = 0;
/// Texts that a full table gave no code.
const UNKNOWN: [u32; 2] = [2, 1];
/// The first code of a text.
const FIRST: [u32; 2] = [4, 3];

/// The most codes of a table.
const MOST: u32 = (u32::MAX - 8) / 2;

/// Bytes of an entry besides its text: key, code, count and control byte at the map's lowest load, and while it grows.
const ENTRY: u64 = 128;
const WHAT: &str = "the table of categories";

/// What was seen of one column.
#[derive(Debug)]
pub(crate) struct Counts {
    training: Table,
    validation: Table,
    /// Texts and NULLs of training rows.
    values: u64,
    nulls: u64,
    /// The labels of an enum in their order.
    declared: Option<Vec<String>>,
    /// Rows that no longer count, by the codes of the texts that are there, in ascending order.
    dropped: Vec<(u32, u32)>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Box<str>, Entry>,
    /// Codes given.
    codes: u32,
    /// Whether a text was ever forgotten or got no code.
    lossy: bool,
    charged: u64,
    share: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    code: u32,
    count: u64,
}

/// The categories that stay.
#[derive(Debug)]
pub(crate) struct Kept {
    /// In their final order: by bytes, labels of an enum as declared.
    pub(crate) categories: Vec<String>,
    /// How often each was seen in training rows; too low for those that were forgotten for a while.
    pub(crate) counts: Vec<u64>,
    /// Training rows with another one.
    pub(crate) other: u64,
    /// What each code means.
    pub(crate) codes: Codes,
}

impl Counts {
    /// Nothing seen yet; `declared` is the order of an enum's labels.
    pub(crate) fn new(declared: Option<Vec<String>>) -> Self {
        Self {
            training: Table::default(),
            validation: Table::default(),
            values: 0,
            nulls: 0,
            declared,
            dropped: Vec::new(),
        }
    }

    /// Gives both tables their share of `bytes`.
    pub(crate) fn bound(&mut self, bytes: u64) {
        self.training.share = bytes / 3 * 2;
        self.validation.share = bytes / 3;
    }

    /// The code of `text`, or of NULL, in a row that trains or validates.
    #[inline]
    pub(crate) fn code(
        &mut self,
        text: Option<&str>,
        training: bool,
        budget: &Budget,
    ) -> Result<u32> {
        let Some(text) = text else {
            self.nulls += u64::from(training);
            return Ok(NULL);
        };
        let table = if training {
            self.values += 1;
            &mut self.training
        } else {
            &mut self.validation
        };
        if let Some(entry) = table.entries.get_mut(text) {
            entry.count += 1;
            return Ok(entry.code);
        }
        table.insert(text, usize::from(!training), budget)
    }

    /// Training rows that are not NULL, and those that are.
    pub(crate) fn seen(&self) -> (u64, u64) {
        (self.values, self.nulls)
    }

    /// Distinct texts of training rows, if none was forgotten.
    pub(crate) fn distinct(&self) -> Option<usize> {
        (!self.training.lossy).then_some(self.training.entries.len())
    }

    /// The labels of an enum in their order.
    pub(crate) fn labels(&self) -> Option<&[String]> {
        self.declared.as_deref()
    }

    /// Takes a training row back, which has this code.
    pub(crate) fn drop_row(&mut self, code: u32) -> Result<()> {
        if code == NULL {
            self.nulls = self.nulls.saturating_sub(1);
            return Ok(());
        }
        self.values = self.values.saturating_sub(1);
        if self.dropped.is_empty() {
            let entries = &self.training.entries;
            self.dropped = with_capacity(entries.len(), WHAT)?;
            self.dropped
                .extend(entries.values().map(|entry| (entry.code, 0)));
            self.dropped.sort_unstable();
        }
        if let Some((_, rows)) =
            place_of(code, &self.dropped).and_then(|place| self.dropped.get_mut(place))
        {
            *rows += 1;
        }
        Ok(())
    }

    /// Forgets what only dropped rows had.
    pub(crate) fn settle(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        self.training.entries.retain(|_, entry| {
            let place = place_of(entry.code, &dropped).and_then(|place| dropped.get(place));
            let rows = place.map_or(0, |(_, rows)| u64::from(*rows));
            entry.count = entry.count.saturating_sub(rows);
            entry.count > 0
        });
    }

    /// Keeps the `most` most frequent categories, of equals those with the lesser bytes; where there are more than
    /// `few`, none that only one training row has. The one that `stays` does, if it was seen. Most of the tables' memory is
    /// given back.
    pub(crate) fn finish(
        mut self,
        most: usize,
        few: usize,
        stays: Option<&str>,
        budget: &Budget,
    ) -> Result<Kept> {
        let stays = |text: &str| Some(text) == stays;
        let entries = std::mem::take(&mut self.training.entries);
        let rare = entries.len() > few || self.training.lossy;
        let mut kept: Vec<(Box<str>, Entry)> = entries
            .into_iter()
            .filter(|(text, entry)| !rare || entry.count > 1 || stays(text))
            .collect();
        if kept.len() > most {
            let by_count = |a: &(Box<str>, Entry), b: &(Box<str>, Entry)| {
                let rank = |it: &(Box<str>, Entry)| (stays(&it.0), it.1.count);
                rank(b).cmp(&rank(a)).then_with(|| a.0.cmp(&b.0))
            };
            kept.sort_unstable_by(by_count);
            kept.truncate(most);
        }
        let places: HashMap<&str, usize> = self
            .declared
            .iter()
            .flatten()
            .enumerate()
            .map(|(place, label)| (label.as_str(), place))
            .collect();
        let place = |text: &str| places.get(text).copied().unwrap_or(usize::MAX);
        kept.sort_unstable_by(|a, b| place(&a.0).cmp(&place(&b.0)).then_with(|| a.0.cmp(&b.0)));
        let counts: Vec<u64> = kept.iter().map(|(_, entry)| entry.count).collect();
        let named: HashMap<&str, u32> = kept
            .iter()
            .enumerate()
            .map(|(place, (text, _))| (&**text, place as u32))
            .collect();
        let validation = self.validation.entries.iter();
        let validation = validation.filter_map(|(text, entry)| {
            let place = named.get(&**text)?;
            Some((entry.code, *place))
        });
        let training = kept.iter().zip(0..);
        let training = training.map(|((_, entry), place)| (entry.code, place));
        let end = 2 * self.training.codes.max(self.validation.codes) + FIRST[0];
        budget.reserve(Codes::bytes(end), "the codes of categories")?;
        let codes = Codes::new(end, training.chain(validation))?;
        // What stays of the texts is held until the training ends.
        let held = kept.iter().map(|(text, _)| text.len() as u64 + ENTRY);
        budget
            .release((self.training.charged + self.validation.charged).saturating_sub(held.sum()));
        let other = self.values.saturating_sub(counts.iter().sum());
        Ok(Kept {
            categories: kept.into_iter().map(|(text, _)| text.into()).collect(),
            counts,
            other,
            codes,
        })
    }
}

/// Where `code` stands among codes in ascending order.
fn place_of(code: u32, rows: &[(u32, u32)]) -> Option<usize> {
    rows.binary_search_by_key(&code, |(code, _)| *code).ok()
}

impl Table {
    /// A new text, for a table of this `kind`: 0 trains, 1 validates.
    #[cold]
    fn insert(&mut self, text: &str, kind: usize, budget: &Budget) -> Result<u32> {
        let (unknown, first) = (UNKNOWN[kind & 1], FIRST[kind & 1]);
        let bytes = (text.len() as u64).saturating_add(ENTRY);
        if self.charged.saturating_add(bytes) > self.share {
            self.lossy = true;
            // Validation rows teach nothing: those that come later are not told apart.
            if kind == 1 {
                return Ok(unknown);
            }
            self.forget(budget)?;
        }
        if self.charged.saturating_add(bytes) > self.share || self.codes >= MOST {
            self.lossy = true;
            return Ok(unknown);
        }
        budget.reserve(bytes, WHAT)?;
        self.charged += bytes;
        let code = first + 2 * self.codes;
        self.codes += 1;
        self.entries.insert(text.into(), Entry { code, count: 1 });
        Ok(code)
    }

    /// Forgets half of the texts: those seen least, of equals those that have been there longest.
    fn forget(&mut self, budget: &Budget) -> Result<()> {
        let mut ranks = with_capacity(self.entries.len(), WHAT)?;
        ranks.extend(self.entries.values().map(|entry| (entry.count, entry.code)));
        let half = ranks.len() / 2;
        if half == 0 {
            return Ok(());
        }
        let least = *ranks.select_nth_unstable(half).1;
        let mut freed = 0;
        self.entries.retain(|text, entry| {
            let stays = (entry.count, entry.code) >= least;
            freed += if stays { 0 } else { text.len() as u64 + ENTRY };
            stays
        });
        self.charged -= freed;
        budget.release(freed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::Code;

    fn counts(bytes: u64) -> (Counts, Budget) {
        let mut counts = Counts::new(None);
        counts.bound(bytes);
        (counts, Budget::new(bytes))
    }

    #[test]
    fn keeps_the_most_frequent_in_the_order_of_their_bytes() -> Result<()> {
        let (mut counts, budget) = counts(1 << 20);
        let mut codes = Vec::new();
        for text in ["b", "ä", "a", "b", "c", "a", "b", "", "ä"] {
            codes.push(counts.code(Some(text), true, &budget)?);
        }
        assert_eq!(counts.code(None, true, &budget)?, NULL);
        let only = counts.code(Some("only here"), false, &budget)?;
        let also = counts.code(Some("ä"), false, &budget)?;
        assert_eq!((counts.seen(), counts.distinct()), ((9, 1), Some(5)));
        let kept = counts.finish(3, 32, None, &budget)?;
        assert_eq!(kept.categories, ["a", "b", "ä"]);
        assert_eq!((kept.counts, kept.other), (vec![2, 3, 2], 2));
        let meaning = |code: u32| kept.codes.meaning(code).expect("not NULL");
        let expected = [1, 2, 0, 1, 9, 0, 1, 9, 2].map(|place| match place {
            9 => Code::Other,
            place => Code::Category(place),
        });
        assert_eq!(codes.into_iter().map(meaning).collect::<Vec<_>>(), expected);
        assert_eq!(
            (meaning(only), meaning(also)),
            (Code::Unseen, Code::Category(2))
        );
        // What is kept: three texts, and codes up to 13.
        assert_eq!(budget.used(), 3 * ENTRY + 4 + Codes::bytes(14));
        Ok(())
    }

    #[test]
    fn an_enum_keeps_its_declared_order() -> Result<()> {
        let mut counts = Counts::new(Some(["b", "unused", "", "a"].map(String::from).to_vec()));
        counts.bound(1 << 20);
        for text in ["a", "z", "", "b"] {
            counts.code(Some(text), true, &Budget::new(1 << 20))?;
        }
        let kept = counts.finish(9, 32, None, &Budget::new(1 << 20))?;
        assert_eq!(kept.categories, ["b", "", "a", "z"]);
        Ok(())
    }

    #[test]
    fn where_there_are_many_those_seen_once_go() -> Result<()> {
        let (mut counts, budget) = counts(1 << 20);
        for i in 0..40 {
            counts.code(Some(&format!("{}", i % 36)), true, &budget)?;
        }
        assert_eq!(
            counts.finish(1000, 32, None, &budget)?.categories,
            ["0", "1", "2", "3"]
        );
        Ok(())
    }

    #[test]
    fn a_full_table_keeps_what_is_frequent() -> Result<()> {
        let (mut counts, budget) = counts(30_000);
        let mut code = 0;
        for i in 0..100_000 {
            let rare = format!("{i}");
            let text = if i % 10 == 9 { "late" } else { &rare };
            // The frequent one comes only in the second half.
            let text = if i < 50_000 { &rare } else { text };
            code = counts.code(Some(text), true, &budget)?;
            counts.code(Some(&format!("v{i}")), false, &budget)?;
        }
        assert!(budget.used() <= 30_000, "{}", budget.used());
        assert_eq!(counts.distinct(), None);
        let (values, _) = counts.seen();
        // When rows have been read, more is free.
        let kept = counts.finish(1000, 32, None, &Budget::new(1 << 20))?;
        assert_eq!(values, 100_000);
        assert_eq!(kept.categories, ["late"]);
        assert!(
            (4_990..=5_000).contains(&kept.counts[0]),
            "{:?}",
            kept.counts
        );
        assert!(code > 1 << 16, "its code came late");
        assert_eq!(kept.codes.meaning(code), Some(Code::Category(0)));
        assert_eq!(kept.codes.meaning(code - 2), Some(Code::Other));
        assert_eq!(kept.codes.meaning(code - 1), Some(Code::Unseen));
        Ok(())
    }
}
