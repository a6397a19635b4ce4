//! A table that every engine can hold.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// int.
    Integer,
    /// bigint.
    BigInteger,
    /// numeric(20, 6).
    Decimal,
    /// Single precision.
    Real,
    /// Double precision.
    Double,
    /// varchar(200) in Unicode.
    Text,
    /// An enum of these labels.
    Enum(&'static [&'static str]),
    /// A day.
    Date,
    /// A day and a time to the microsecond, without a zone.
    Timestamp,
    /// A time of the day to the microsecond.
    Time,
}

/// Rows in a fixed order. The engine adds a first column `id`, 1 for the first of them.
#[derive(Debug, Clone)]
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// The columns but `id`.
    pub columns: Vec<(&'static str, Kind)>,
    /// The values as text; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// `count` rows, each made from its number, from 1 on, and from random numbers.
    pub fn new(
        name: &'static str,
        columns: &[(&'static str, Kind)],
        count: u32,
        mut row: impl FnMut(u32, &mut Random) -> Vec<Option<String>>,
    ) -> Table {
        let mut random = Random(42);
        let rows = (1..=count).map(|number| row(number, &mut random)).collect();
        Table {
            name,
            columns: columns.to_vec(),
            rows,
        }
    }

    /// The names of all columns but `id`.
    pub fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }

    /// The names of all columns but `id` and `target`.
    pub fn features(&self, target: &str) -> Vec<&'static str> {
        let mut names = self.names();
        names.retain(|name| *name != target);
        names
    }

    /// The values of a column.
    pub fn column(&self, name: &str) -> Vec<Option<&str>> {
        let index = self.columns.iter().position(|(column, _)| *column == name);
        let index = index.unwrap_or_else(|| panic!("{name} is no column of {}", self.name));
        self.rows.iter().map(|row| row[index].as_deref()).collect()
    }
}

/// A value that is not NULL.
pub fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

/// Numbers in a fixed order (SplitMix64).
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to `limit`, without it.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit
    }

    /// A number from 0 up to 1, of 20 bits: as text it is short and exact.
    pub fn unit(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// NULL once in `times`, else the value.
    pub fn null_once_in(&mut self, times: u64, value: impl ToString) -> Option<String> {
        (self.below(times) != 0).then(|| value.to_string())
    }
}
