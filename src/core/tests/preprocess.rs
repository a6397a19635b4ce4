//! Any small table either trains or gives a typed error, whatever is in it and whatever is said about its preprocessing; and
//! what validation rows hold changes nothing that is learned.

mod data;

use data::Clock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tablenet_core::*;

/// SplitMix64 (Steele, Lea and Flood): the numbers of one case.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// A value that a row owns.
#[derive(Debug, Clone)]
enum Cell {
    Null,
    Number(f64),
    Boolean(bool),
    Text(String),
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Cell {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Number(*number),
            Self::Boolean(boolean) => Value::Boolean(*boolean),
            Self::Text(text) => Value::Text(text),
            Self::Single(elements) => Value::Vector(Vector::Single(elements)),
            Self::Double(elements) => Value::Vector(Vector::Double(elements)),
        }
    }
}

const TYPES: [ColumnType; 9] = [
    ColumnType::Number,
    ColumnType::Boolean,
    ColumnType::Category,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::TimestampTz,
    ColumnType::Time,
    ColumnType::Interval,
    ColumnType::Vector,
];

const NAMES: [&str; 8] = [
    "a",
    "b c",
    "größe",
    "日付",
    "x*y",
    "",
    "\"quoted\" = 'it''s'",
    // 63 bytes.
    "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_123456789",
];

const TEXTS: [&str; 8] = [
    "",
    "a",
    "b",
    "ä",
    "🦀🔥",
    "NULL",
    "a longer text, with a comma",
    "\u{0}",
];

/// Something to say about a column, fitting or not.
const SAID: [&str; 34] = [
    r#""impute": "mean""#,
    r#""impute": "median""#,
    r#""impute": "mode""#,
    r#""impute": "error""#,
    r#""impute": "drop_row""#,
    r#""impute": "missing""#,
    r#""impute": {"constant": 1.5}"#,
    r#""impute": {"constant": "a"}"#,
    r#""impute": {"constant": true}"#,
    r#""impute": {"constant": [1, 2]}"#,
    r#""impute": {"constant": "2024-02-29"}"#,
    r#""indicator": true"#,
    r#""indicator": false"#,
    r#""scale": "auto""#,
    r#""scale": "standard""#,
    r#""scale": "min_max""#,
    r#""scale": "max_abs""#,
    r#""scale": "robust""#,
    r#""scale": "log1p""#,
    r#""scale": "none""#,
    r#""outliers": {"clip": {"quantiles": [0.1, 0.8]}}"#,
    r#""outliers": {"clip": {"stddev": 1}}"#,
    r#""outliers": {"drop": {"quantiles": [0.05, 0.95]}}"#,
    r#""outliers": {"drop": {"stddev": 2}}"#,
    r#""encode": "one_hot""#,
    r#""encode": {"embedding": {"dim": 3}}"#,
    r#""encode": "ordinal""#,
    r#""encode": {"ordinal": {"order": ["b", "a", ""]}}"#,
    r#""encode": {"hash": {"buckets": 5}}"#,
    r#""encode": {"hash": {"buckets": 7, "dim": 2}}"#,
    r#""max_categories": 2"#,
    r#""on_unseen": "error""#,
    r#""on_unseen": "missing""#,
    r#""parts": ["month", "weekday"]"#,
];

fn number(random: &mut Random) -> f64 {
    match random.below(40) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => 1e308,
        4 => -1e308,
        5 => 5e-324,
        6 => -0.0,
        7..20 => random.below(4) as f64,
        _ => random.below(2_000_000) as f64 / 7.0 - 1e5,
    }
}

fn cell(random: &mut Random, column: &Column, wild: bool, nulls: usize) -> Cell {
    if random.below(10) < nulls {
        return Cell::Null;
    }
    let finite = |random: &mut Random| {
        let value = number(random);
        if wild || (value.is_finite() && value.abs() < 1e300) {
            value
        } else {
            1.0
        }
    };
    if wild && random.once_in(60) {
        // A value of another type.
        return Cell::Text("not this".into());
    }
    match column.column_type {
        ColumnType::Boolean => Cell::Boolean(random.once_in(2)),
        ColumnType::Category if random.once_in(6) => Cell::Text(random.next().to_string()),
        ColumnType::Category => Cell::Text((*random.pick(&TEXTS)).to_owned()),
        ColumnType::Vector => {
            let length = column.length.unwrap_or(0) + usize::from(wild && random.once_in(30));
            if column.single_precision {
                Cell::Single((0..length).map(|_| finite(random) as f32).collect())
            } else {
                Cell::Double((0..length).map(|_| finite(random)).collect())
            }
        }
        ColumnType::Number if column.single_precision => {
            Cell::Number(f64::from(finite(random) as f32))
        }
        ColumnType::Number | ColumnType::Interval => Cell::Number(finite(random)),
        ColumnType::Time => Cell::Number(random.below(86_401) as f64),
        ColumnType::Date => Cell::Number((random.below(40_000) as f64 - 10_000.0) * 86_400.0),
        _ => Cell::Number(finite(random) * 1000.0),
    }
}

struct Case {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    preprocess: String,
    split: f64,
}

/// A table whose last column is the target `y`.
fn case(seed: u64) -> Case {
    let mut random = Random(seed);
    let wild = random.once_in(3);
    let nulls = random.below(4);
    let count = 1 + random.below(4);
    let mut columns: Vec<Column> = (0..=count)
        .map(|place| {
            let column_type = TYPES[random.below(TYPES.len())];
            let labels = column_type == ColumnType::Category && random.once_in(4);
            Column {
                name: match place == count {
                    true => "y".into(),
                    false => NAMES[(random.below(2) * 4 + place) % NAMES.len()].into(),
                },
                column_type,
                integer: false,
                single_precision: random.once_in(2)
                    && matches!(column_type, ColumnType::Number | ColumnType::Vector),
                labels: labels.then(|| TEXTS.map(String::from).to_vec()),
                length: (column_type == ColumnType::Vector).then(|| random.below(4)),
            }
        })
        .collect();
    if let Some(target) = columns.last_mut() {
        let types = [
            ColumnType::Number,
            ColumnType::Boolean,
            ColumnType::Category,
        ];
        target.column_type = types[random.below(3)];
        target.length = None;
        target.single_precision = false;
    }
    let rows = random.below(51);
    let rows = (0..rows).map(|_| {
        let cells = columns.iter().map(|column| {
            // A wild value somewhere in the table is an error at once: not too often.
            let wild = wild && random.once_in(20);
            cell(&mut random, column, wild, nulls)
        });
        cells.collect()
    });
    let rows = rows.collect();
    let mut said = Vec::new();
    for column in &columns[..count] {
        if random.once_in(2) {
            continue;
        }
        let star = random.once_in(3) && said.iter().all(|key: &(String, _)| key.0 != "*");
        let key = if star { "*" } else { column.name.as_str() };
        if said.iter().any(|(known, _)| known == key) {
            continue;
        }
        let mut options: Vec<&str> = Vec::new();
        for _ in 0..random.below(4) {
            let option = random.pick(&SAID);
            let word = |option: &str| option.split(':').next().map(str::to_owned);
            if options.iter().all(|known| word(known) != word(option)) {
                options.push(option);
            }
        }
        said.push((key.to_owned(), options.join(", ")));
    }
    let said: Vec<String> = said
        .into_iter()
        .map(|(key, options)| format!("{}: {{{options}}}", serde_json::Value::String(key)))
        .collect();
    Case {
        columns,
        rows,
        preprocess: format!("{{{}}}", said.join(", ")),
        split: if random.once_in(2) { 0.2 } else { 0.0 },
    }
}

/// Makes spills that are vectors.
struct ToMemory;

struct InMemory(Vec<u8>);

impl SpillFactory for ToMemory {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Ok(Box::new(InMemory(Vec::new())))
    }
}

impl Spill for InMemory {
    fn append(&mut self, block: &[u8]) -> Result<()> {
        self.0.extend_from_slice(block);
        Ok(())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let start = offset as usize;
        buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
        Ok(())
    }
}

fn train(case: &Case, pool: &Pool) -> Result<Trained> {
    let options = TrainOptions {
        epochs: Some(1),
        batch_size: Some(16),
        validation_split: Some(case.split),
        preprocess: Preprocess::parse(&case.preprocess)?,
        ..TrainOptions::default()
    };
    let columns = case.columns.clone();
    let mut training = Training::new(columns, &["y"], options, Box::new(ToMemory))?;
    let mut clock = Clock::new();
    for row in &case.rows {
        let values: Vec<Value<'_>> = row.iter().map(Cell::value).collect();
        training.push(&values, &mut clock)?;
    }
    training.finish(&mut clock, pool)
}

/// Trains and scores; says whether a model came of it.
fn run(case: &Case, pool: &Pool, bytes_too: bool) -> Result<()> {
    let trained = train(case, pool)?;
    let mut clock = Clock::new();
    let file = if bytes_too {
        // What was learned also passes for a file from elsewhere.
        let bytes = trained.file.to_bytes(&mut clock)?;
        ModelFile::from_bytes(&bytes, 64 << 20, &mut clock).expect("a file of our own")
    } else {
        trained.file
    };
    let scorer = Scorer::new(&file, &mut clock)?;
    let mut scratch = scorer.scratch()?;
    let mut outputs = Vec::new();
    for row in &case.rows {
        let features = &row[..row.len() - 1];
        let values: Vec<Value<'_>> = features.iter().map(Cell::value).collect();
        match scorer.predict_values(&values, &mut scratch, &mut outputs) {
            Ok(()) => assert!(outputs.iter().all(|value| value.is_finite())),
            Err(error) => check(&error),
        }
    }
    Ok(())
}

/// An error is one that somebody can act on.
fn check(error: &Error) {
    assert!(
        !matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Foreign),
        "{error:?}"
    );
    assert!(!error.to_string().is_empty());
}

/// Runs a part of the cases; some trainings succeed, some do not.
fn run_all(part: u64) {
    const CASES: u64 = 25_000;
    let pool = Pool::new(1).expect("one thread");
    let mut trained = 0;
    for seed in part * CASES..(part + 1) * CASES {
        let case = case(seed);
        let result = catch_unwind(AssertUnwindSafe(|| run(&case, &pool, seed % 8 == 0)));
        match result {
            Ok(Ok(())) => trained += 1,
            Ok(Err(error)) => check(&error),
            Err(_) => panic!(
                "case {seed}: {} {:?} {:?}",
                case.preprocess, case.columns, case.rows
            ),
        }
    }
    println!("{trained} of {CASES} tables trained");
    assert!(trained > CASES / 5 && trained < CASES, "{trained}");
}

#[test]
fn any_table_trains_or_says_why_not() {
    run_all(0);
}

#[test]
fn any_table_trains_or_says_why_not_in_the_second_part() {
    run_all(1);
}

#[test]
fn any_table_trains_or_says_why_not_in_the_third_part() {
    run_all(2);
}

#[test]
fn any_table_trains_or_says_why_not_in_the_fourth_part() {
    run_all(3);
}

/// What a model file of this table says of its preprocessing. The rows of `other` come in the place of the usual ones.
fn learned(said: &str, other: &[(usize, [Cell; 6])]) -> serde_json::Value {
    let column = |name: &str, column_type| Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    };
    let columns = vec![
        column("n", ColumnType::Number),
        column("b", ColumnType::Boolean),
        column("c", ColumnType::Category),
        column("d", ColumnType::Date),
        column("t", ColumnType::Timestamp),
        column("y", ColumnType::Number),
    ];
    let case = Case {
        columns,
        rows: (0..200)
            .map(|row| match other.iter().find(|(place, _)| *place == row) {
                Some((_, cells)) => cells.to_vec(),
                None => vec![
                    Cell::Number((row * 37 % 101) as f64),
                    Cell::Boolean(row % 3 == 0),
                    Cell::Text(format!("row {row}")),
                    Cell::Number((row * 86_400) as f64),
                    Cell::Number((row * 86_400 * 3) as f64),
                    Cell::Number(row as f64),
                ],
            })
            .collect(),
        preprocess: said.into(),
        split: 0.3,
    };
    let trained = train(&case, &Pool::new(1).expect("one thread")).expect("it trains");
    let bytes = trained.file.to_bytes(&mut Clock::new()).expect("bytes");
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&rest[..length]).expect("JSON");
    let metadata = header["__metadata__"].as_object().expect("metadata");
    let description = metadata
        .values()
        .next()
        .and_then(|it| it.as_str())
        .expect("a text");
    let mut description: serde_json::Value = serde_json::from_str(description).expect("JSON");
    description["preprocessing"].take()
}

#[test]
fn what_only_validates_teaches_nothing() {
    let clip = r#""n": {"scale": "robust", "outliers": {"clip": {"quantiles": [0.05, 0.95]}}}"#;
    let ordinal = format!(r#"{{{clip}, "c": {{"encode": "ordinal"}}}}"#);
    // The rows that train are those whose text has a place in the order.
    let usual = learned(&ordinal, &[]);
    let order = usual["features"][2]["encoding"]["ordinal"]["order"]
        .as_array()
        .expect("texts");
    let trains = |row: usize| order.iter().any(|text| *text == format!("row {row}"));
    let held_out: Vec<usize> = (0..200).filter(|row| !trains(*row)).collect();
    assert!((50..70).contains(&held_out.len()), "{held_out:?}");
    let wild = |row: usize| {
        [
            if row.is_multiple_of(2) {
                Cell::Null
            } else {
                Cell::Number(1e12)
            },
            Cell::Null,
            if row.is_multiple_of(3) {
                Cell::Null
            } else {
                Cell::Text("seen nowhere else".into())
            },
            Cell::Number(-1e9),
            if row.is_multiple_of(5) {
                Cell::Null
            } else {
                Cell::Number(12_345.6)
            },
            Cell::Number(1e6),
        ]
    };
    let changed: Vec<_> = held_out.iter().map(|row| (*row, wild(*row))).collect();
    for said in [ordinal.as_str(), "{}", r#"{"c": {"encode": "embedding"}}"#] {
        assert_eq!(learned(said, &changed), learned(said, &[]), "{said}");
    }
    // A row that trains does change it.
    let training: Vec<_> = (0..200)
        .filter(|row| trains(*row))
        .map(|row| (row, wild(row)))
        .collect();
    assert_ne!(learned(&ordinal, &training[..1]), usual);
}
