//! Damaged model files are refused, and files that are damaged with care do no harm.

use mysql_server::engine::{Engine, MySql};
use mysql_server::table::{Kind, Random, some};
use mysql_server::{Flavour, Table, Value};
use sha2::{Digest, Sha256};
use std::time::Instant;

mysql_server::on_both_servers!(
    a_hundred_thousand_damaged_files_are_refused,
    damage_with_a_right_digest_does_no_harm,
);

/// Damages the file in ways that follow from a number, from `first` to `last`, and hands it to the functions; counts what they
/// refuse, and the few that the damage left alone.
const PROCEDURE: &str = "
CREATE PROCEDURE damage(IN first INT, IN last INT)
BEGIN
  DECLARE i INT DEFAULT first;
  DECLARE place, other BIGINT;
  DECLARE whole, changed LONGBLOB;
  DECLARE answer LONGTEXT;
  DECLARE refused, untouched INT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET refused = refused + 1;
  SELECT file INTO whole FROM model_files WHERE name = 'sound';
  WHILE i <= last DO
    SET place = 1 + CRC32(CONCAT('place', i)) % LENGTH(whole), other = CRC32(CONCAT('other', i));
    SET changed = CASE i % 8
      WHEN 0 THEN INSERT(whole, place, 1, CHAR(other % 256))
      WHEN 1 THEN LEFT(whole, place - 1)
      WHEN 2 THEN CONCAT(whole, SUBSTRING(whole, place))
      WHEN 3 THEN INSERT(whole, place, 1 + other % 64, '')
      WHEN 4 THEN INSERT(whole, place, 0, SUBSTRING(whole, 1 + other % LENGTH(whole), 8))
      WHEN 5 THEN INSERT(whole, 1 + other % 8, 1, CHAR(place % 256))
      WHEN 6 THEN INSERT(whole, place, 4, X'0000C07F')
      ELSE CONCAT(SUBSTRING(whole, place), LEFT(whole, place - 1)) END;
    IF changed = whole THEN
      SET untouched = untouched + 1;
    ELSEIF i % 3 = 0 THEN
      SET answer = ml_ref(changed);
    ELSEIF i % 3 = 1 THEN
      SET answer = ml_info(changed);
    ELSE
      SET answer = ml_predict(changed, 0.5, 'a');
    END IF;
    SET i = i + 1;
  END WHILE;
  SELECT refused + untouched;
END";

/// A session that has a model file `sound`, and the file.
fn session(flavour: Flavour, name: &'static str) -> (MySql, Vec<u8>) {
    let mut engine = MySql::shared(flavour);
    let columns = [
        ("x", Kind::Double),
        ("kind", Kind::Text),
        ("y", Kind::Double),
    ];
    let table = Table::new(name, &columns, 60, |_, random| {
        vec![
            some(random.unit()),
            some(random.one_of(&["a", "b"])),
            some(random.unit()),
        ]
    });
    engine.load(&table);
    let spec = r#"{"epochs": 1, "types": {"kind": "category"},
                   "layers": [{"class_name": "Dense", "config": {"units": 1}}]}"#;
    let query = format!("SELECT ml_train_agg('{spec}', y, x, kind) FROM {name}");
    let rows = engine.client().prepared(&query, &[]);
    let Value::Bytes(file) = rows.expect("trains").remove(0).remove(0) else {
        panic!("a model is bytes");
    };
    (engine, file)
}

fn a_hundred_thousand_damaged_files_are_refused(flavour: Flavour) {
    let (mut engine, file) = session(flavour, "of_damages");
    engine.put("sound", &file);
    engine.run(PROCEDURE);
    let start = Instant::now();
    for hundredth in 0..100 {
        let (first, last) = (1000 * hundredth, 1000 * hundredth + 999);
        let refused = engine
            .client()
            .number(&format!("CALL damage({first}, {last})"));
        assert_eq!(refused, 1000.0, "from {first} on");
    }
    println!(
        "{}: 100,000 damages of a file of {} bytes in {:.1?}",
        flavour.name(),
        file.len(),
        start.elapsed()
    );
}

/// Puts the digest right that a changed description or changed weights have made wrong.
fn sealed(description: &str, mut header: serde_json::Value, weights: &[u8]) -> Option<Vec<u8>> {
    let at = description.find("\"sha256\":\"")?;
    let old = description.get(at..at + 10 + 64 + 1)?;
    let without = description.replacen(&format!("{old},"), "", 1);
    let without = if without.len() == description.len() {
        description.replacen(&format!(",{old}"), "", 1)
    } else {
        without
    };
    let mut hash = Sha256::new();
    hash.update(&without);
    hash.update(weights);
    let digest: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let description = description.replacen(old, &format!("\"sha256\":\"{digest}\""), 1);
    header["__metadata__"]["tablenet"] = description.into();
    let mut text = serde_json::to_vec(&header).ok()?;
    text.resize(text.len().next_multiple_of(8), b' ');
    Some([&(text.len() as u64).to_le_bytes(), text.as_slice(), weights].concat())
}

fn damage_with_a_right_digest_does_no_harm(flavour: Flavour) {
    let (mut engine, file) = session(flavour, "of_right_digests");
    let length = u64::from_le_bytes(file[..8].try_into().expect("8 bytes")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).expect("JSON");
    let description = header["__metadata__"]["tablenet"]
        .as_str()
        .expect("a text")
        .to_owned();
    let weights = &file[8 + length..];
    assert_eq!(
        sealed(&description, header.clone(), weights).as_ref(),
        Some(&file),
        "as the library does it"
    );

    let client = engine.client();
    let statement = "SELECT ml_info(?), ml_summary(?), ml_predict(?, 0.5, 'a'), ml_predict_values(?, NULL, 'z')";
    let statement = client.prepare(statement).expect("a query");
    let mut random = Random(3);
    let words = [
        "0",
        "1",
        "9",
        "-",
        "e30",
        "null",
        "true",
        "\"\"",
        "[]",
        "{}",
        "1e308",
        "18446744073709551615",
        "-0",
        "0.5",
        ",",
        "\"x\"",
    ];
    let (mut accepted, mut refused) = (0, 0);
    let start = Instant::now();
    for round in 0..4000 {
        let (mut text, mut weights) = (description.clone(), weights.to_vec());
        if round % 4 == 0 {
            for _ in 0..=random.below(3) {
                let at = random.below(weights.len() as u64) as usize;
                weights[at] ^= 1 << random.below(8);
            }
        } else {
            // Numbers and words of the description give way to others.
            let starts: Vec<usize> = (1..text.len())
                .filter(|at| {
                    text.is_char_boundary(*at) && b":[,".contains(&text.as_bytes()[at - 1])
                })
                .collect();
            let start = random.one_of(&starts);
            let end = text[start..]
                .find([',', '}', ']'])
                .map_or(text.len(), |end| start + end);
            text.replace_range(start..end, random.one_of(&words));
        }
        let Some(changed) = sealed(&text, header.clone(), &weights) else {
            continue;
        };
        match client.execute(&statement, &vec![Value::Bytes(changed); 4]) {
            Ok(_) => accepted += 1,
            Err(refusal) => {
                assert!([1105, 1038].contains(&refusal.code), "{text}: {refusal}");
                assert!(
                    !refusal.message.contains("internal error"),
                    "{text}: {refusal}"
                );
                refused += 1;
            }
        }
    }
    println!(
        "{}: {accepted} files with a right digest accepted, {refused} refused in {:.1?}",
        flavour.name(),
        start.elapsed()
    );
    assert!(
        accepted > 50 && refused > 500,
        "{accepted} accepted, {refused} refused"
    );
}
