//! What the stored codes of one column's categories mean.

use super::encoding::Code;
use crate::Result;
use crate::budget::with_capacity;

/// Codes that stand in a table; a column with more distinct values has few categories among the later ones.
const TABLE: u32 = 1 << 13;

/// By code. NULL's is 0, those of training rows are even, those of validation rows odd.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    table: Vec<Code>,
    /// Categories among the codes beyond the table, by code.
    rest: Vec<(u32, u32)>,
}

impl Codes {
    /// Codes below `end`, of which `categories` are codes with their category, of training and of validation rows.
    pub(super) fn new(end: u32, categories: impl Iterator<Item = (u32, u32)>) -> Result<Self> {
        let length = end.min(TABLE);
        let mut table = with_capacity(length as usize, "the codes of categories")?;
        table.extend((0..length).map(unknown));
        let mut rest = Vec::new();
        for (code, category) in categories {
            match table.get_mut(code as usize) {
                Some(meaning) => *meaning = Code::Category(category),
                None => rest.push((code, category)),
            }
        }
        rest.sort_unstable();
        Ok(Self { table, rest })
    }

    /// Bytes of the table of codes below `end`, and of what is made of it.
    pub(super) fn bytes(end: u32) -> u64 {
        2 * u64::from(end.min(TABLE)) * size_of::<Code>() as u64
    }

    /// The codes of a frozen vocabulary: the place + 1, and the next one for whatever is not in it.
    pub(crate) fn frozen(categories: usize) -> Self {
        let known = (0..categories as u32).map(Code::Category);
        let table = [Code::Unseen]
            .into_iter()
            .chain(known)
            .chain([Code::Unseen]);
        Self {
            table: table.collect(),
            rest: Vec::new(),
        }
    }

    /// Of a whole table.
    #[cfg(test)]
    pub(crate) fn of(table: Vec<Code>) -> Self {
        Self {
            table,
            rest: Vec::new(),
        }
    }

    /// Gives every category another place; one that gets none is unknown from now on.
    pub(super) fn remap(&mut self, place: impl Fn(u32) -> Option<u32>) {
        for (meaning, code) in self.table.iter_mut().zip(0..) {
            if let Code::Category(category) = *meaning {
                *meaning = place(category).map_or(unknown(code), Code::Category);
            }
        }
        let rest = std::mem::take(&mut self.rest).into_iter();
        self.rest = rest
            .filter_map(|(code, category)| Some((code, place(category)?)))
            .collect();
    }

    /// What `of` makes of each meaning; that of NULL is `None`.
    pub(super) fn to<T: Copy>(&self, of: impl Fn(Option<Code>) -> T) -> ByCode<T> {
        let table = self.table.iter().enumerate();
        let rest = self.rest.iter();
        ByCode {
            table: table
                .map(|(code, meaning)| of((code > 0).then_some(*meaning)))
                .collect(),
            rest: rest
                .map(|(code, category)| (*code, of(Some(Code::Category(*category)))))
                .collect(),
            null: of(None),
            unknown: [0, 1].map(|code| of(Some(unknown(code)))),
        }
    }

    /// What `code` means.
    #[cfg(test)]
    pub(crate) fn meaning(&self, code: u32) -> Option<Code> {
        self.to(|meaning| meaning).get(code)
    }
}

/// What belongs to each code of a column.
#[derive(Debug)]
pub(super) struct ByCode<T> {
    table: Vec<T>,
    /// Of later codes those that are categories, sorted.
    rest: Vec<(u32, T)>,
    null: T,
    /// Of the other codes, even and odd ones.
    unknown: [T; 2],
}

impl<T: Copy> ByCode<T> {
    /// What belongs to `code`.
    #[inline]
    pub(super) fn get(&self, code: u32) -> T {
        match self.table.get(code as usize) {
            Some(found) => *found,
            None => self.get_late(code),
        }
    }

    fn get_late(&self, code: u32) -> T {
        if code == 0 {
            return self.null;
        }
        match self.rest.binary_search_by_key(&code, |(code, _)| *code) {
            Ok(place) => self.rest.get(place).map_or(self.null, |(_, found)| *found),
            Err(_) => self.unknown[code as usize % 2],
        }
    }
}

/// What a code without a category means.
pub(crate) fn unknown(code: u32) -> Code {
    if code.is_multiple_of(2) {
        Code::Other
    } else {
        Code::Unseen
    }
}
