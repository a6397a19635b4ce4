//! The tables that scenarios learn from: the same rows in every engine.

use crate::Table;
use crate::table::{Kind, Random, some};

/// `price` follows from area, rooms and city.
pub fn houses(name: &'static str, count: u32) -> Table {
    let columns = [
        ("area", Kind::Double),
        ("rooms", Kind::Integer),
        ("city", Kind::Text),
        ("price", Kind::Double),
    ];
    Table::new(name, &columns, count, |_, random| {
        let area = 30.0 + 120.0 * random.unit();
        let rooms = 1 + random.below(5);
        let (city, extra) = random.one_of(&[("Berlin", 90e3), ("Jena", 30e3), ("Köln", 0.0)]);
        let price = 1000.0 * area + 5000.0 * rooms as f64 + extra;
        vec![some(area), some(rooms), some(city), some(price)]
    })
}

/// The labels of `grade` in [`plants`], in an order of their own.
pub const GRADES: [&str; 2] = ["poor", "good"];

/// `species` (three texts), `kind` (0, 1, 2), `tall` (0 or 1) and `grade` (an enum) follow from length and width.
pub fn plants(name: &'static str, count: u32) -> Table {
    let columns = [
        ("length", Kind::Double),
        ("width", Kind::Double),
        ("species", Kind::Text),
        ("kind", Kind::Integer),
        ("tall", Kind::Integer),
        ("grade", Kind::Enum(&GRADES)),
    ];
    Table::new(name, &columns, count, |_, random| {
        let (length, width) = (random.unit(), random.unit());
        let kind = usize::from(length > 0.4) + usize::from(width > 0.5);
        vec![
            some(length),
            some(width),
            some(["Rose", "Ähre", "rose"][kind]),
            some(kind),
            some(u8::from(length > width)),
            some(GRADES[usize::from(length + width > 1.0)]),
        ]
    })
}

/// The labels of `state` in [`orders`].
pub const STATES: [&str; 4] = ["new", "paid", "it's sent", "größer 😀"];

/// Every kind of column, each with NULLs; `total` follows from some of them. `strange` values are those that no
/// training saw.
pub fn orders(name: &'static str, count: u32, strange: bool) -> Table {
    let columns = [
        ("pieces", Kind::Integer),
        ("number", Kind::BigInteger),
        ("price", Kind::Decimal),
        ("weight", Kind::Real),
        ("share", Kind::Double),
        ("customer", Kind::Text),
        ("state", Kind::Enum(&STATES)),
        ("day", Kind::Date),
        ("placed", Kind::Timestamp),
        ("hour", Kind::Time),
        ("total", Kind::Double),
    ];
    Table::new(name, &columns, count, |row, random| {
        if strange && row == 1 {
            return vec![None; columns.len()];
        }
        let pieces = 1 + random.below(9);
        let price = random.below(100_000_000);
        let customers = [
            "Ada",
            "ada",
            "O'Neil",
            "\"q\"",
            "日本",
            "",
            "back\\slash",
            "100%",
        ];
        let customer = if strange && random.below(4) == 0 {
            format!("unseen {}", random.below(9))
        } else {
            random.one_of(&customers).to_owned()
        };
        let number = (random.bits() >> 2).cast_signed() - (1 << 61);
        let price_text = format!("{}.{:06}", price / 1_000_000, price % 1_000_000);
        // Single precision holds it.
        let weight = random.below(1 << 16) as f64 / 64.0;
        let share = random.unit() * 1e-3;
        let state = random.one_of(&STATES);
        let (first, second, hour) = (day(random), day(random), time(random));
        let placed = format!("{second} {}.{:06}", time(random), random.below(1_000_000));
        vec![
            random.null_once_in(11, pieces),
            random.null_once_in(13, number),
            random.null_once_in(7, price_text),
            random.null_once_in(9, weight),
            random.null_once_in(12, share),
            random.null_once_in(8, customer),
            random.null_once_in(10, state),
            random.null_once_in(14, first),
            random.null_once_in(15, placed),
            random.null_once_in(16, hour),
            some(pieces as f64 * price as f64 / 1e6),
        ]
    })
}

fn day(random: &mut Random) -> String {
    let (year, month, day) = (
        1970 + random.below(80),
        1 + random.below(12),
        1 + random.below(28),
    );
    format!("{year:04}-{month:02}-{day:02}")
}

fn time(random: &mut Random) -> String {
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    format!("{hour:02}:{minute:02}:{second:02}")
}
