//! Encoded columns against scikit-learn's ColumnTransformer on the same rows; `columns/columns.py` has the program.

mod data;

use data::Clock;
use serde::Deserialize;
use std::collections::BTreeMap;
use tablenet_core::*;

#[derive(Deserialize)]
struct Table {
    name: String,
    numbers: BTreeMap<String, Vec<Option<f64>>>,
    texts: BTreeMap<String, Vec<Option<String>>>,
    ways: Vec<Way>,
}

#[derive(Deserialize)]
struct Way {
    impute: String,
    scale: String,
    columns: BTreeMap<String, Vec<f64>>,
}

struct NoSpill;

impl SpillFactory for NoSpill {
    fn create(&mut self) -> Result<Box<dyn Spill>> {
        Err(Error::new(ErrorKind::Foreign, "spilled"))
    }
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.into(),
        column_type,
        integer: false,
        single_precision: false,
        labels: None,
        length: None,
    }
}

impl Table {
    fn columns(&self) -> Vec<Column> {
        let numbers = self.numbers.keys().map(|it| column(it, ColumnType::Number));
        let texts = self.texts.keys().map(|it| column(it, ColumnType::Category));
        numbers.chain(texts).collect()
    }

    fn rows(&self) -> usize {
        self.numbers.values().next().map_or(0, Vec::len)
    }

    fn row(&self, row: usize) -> Vec<Value<'_>> {
        let numbers = self
            .numbers
            .values()
            .map(|column| column[row].map_or(Value::Null, Value::Number));
        let texts = self
            .texts
            .values()
            .map(|column| column[row].as_deref().map_or(Value::Null, Value::Text));
        numbers.chain(texts).collect()
    }

    /// Every input of every row, by name, as the network sees it after `preprocess`.
    fn encoded(&self, preprocess: &str, threads: usize) -> Result<BTreeMap<String, Vec<f32>>> {
        let options = TrainOptions {
            preprocess: Preprocess::parse(preprocess)?,
            epochs: Some(1),
            validation_split: Some(0.0),
            ..TrainOptions::default()
        };
        let mut columns = self.columns();
        let features = columns.clone();
        columns.push(column("target", ColumnType::Number));
        let pool = Pool::new(threads)?;
        let mut training =
            Training::new(columns, &["target"], options, Box::new(NoSpill))?.on(&pool)?;
        let mut clock = Clock::new();
        for row in 0..self.rows() {
            let mut values = self.row(row);
            values.push(Value::Number((row % 7) as f64));
            training.push(&values, &mut clock)?;
        }
        let file = training.finish(&mut clock, &pool)?.file;
        let scorer = Scorer::new(&file, &mut clock)?;
        let mut transform = Transform::new(&scorer, &features)?;
        let mut encoded: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        let names = transform.names().to_vec();
        for row in 0..self.rows() {
            let x = transform.row(&self.row(row))?;
            for (name, x) in names.iter().zip(x) {
                encoded.entry(name.clone()).or_default().push(*x);
            }
        }
        Ok(encoded)
    }
}

fn tables() -> Vec<Table> {
    serde_json::from_str(include_str!("columns/columns.json")).expect("the fixture")
}

#[test]
fn columns_are_scikit_learns() -> Result<()> {
    for table in tables() {
        for way in &table.ways {
            let impute = match way.impute.as_str() {
                "constant" => r#"{"constant": -1.5}"#.to_owned(),
                word => format!("\"{word}\""),
            };
            let mut entries = format!(r#""scale": "{}""#, way.scale);
            let numbers: Vec<String> = table
                .numbers
                .keys()
                .map(|name| format!(r#""{name}": {{"impute": {impute}, {entries}}}"#))
                .collect();
            entries = format!("{{{}}}", numbers.join(", "));
            let told = format!("{} {} {}", table.name, way.impute, way.scale);
            let encoded = table.encoded(&entries, 1)?;
            let mut missing: Vec<&String> = encoded.keys().collect();
            for (name, expected) in &way.columns {
                missing.retain(|it| *it != name);
                let ours = encoded
                    .get(name)
                    .unwrap_or_else(|| panic!("{told}: no {name}"));
                for (row, (ours, expected)) in ours.iter().zip(expected).enumerate() {
                    let far = (f64::from(*ours) - expected).abs();
                    assert!(
                        far <= 1e-5 * expected.abs().max(1.0),
                        "{told}: {name}, row {row}: {ours}, not {expected}"
                    );
                }
                assert_eq!(ours.len(), expected.len());
            }
            // The first way has all columns, the others only those that differ.
            let rest = missing
                .iter()
                .filter(|name| !name.contains(" = ") && !name.ends_with(" is missing"));
            assert_eq!(rest.count(), 0, "{told}: {missing:?}");
            if std::ptr::eq(way, &table.ways[0]) {
                assert!(missing.is_empty(), "{told}: {missing:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn columns_do_not_depend_on_the_threads() -> Result<()> {
    for table in tables() {
        assert_eq!(table.encoded("{}", 1)?, table.encoded("{}", 3)?);
    }
    Ok(())
}

#[test]
fn nothing_said_is_median_and_standard_here() -> Result<()> {
    for table in tables() {
        let told = r#"{"*": {"impute": "median", "scale": "standard"}}"#;
        assert_eq!(table.encoded("{}", 1)?, table.encoded(told, 1)?);
    }
    Ok(())
}
