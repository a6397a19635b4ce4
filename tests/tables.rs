//! Tables as they come: random small ones over real types, with NULL, NaN, infinities, empty strings, emoji and names of 63
//! bytes, either train or are refused for a reason that has a name.

use postgres::Client;
use server::Server;
use std::collections::BTreeMap;

/// Tables that are tried.
const CASES: u64 = 400;

/// Numbers in a fixed order (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// `true` once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn one_of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }
}

/// A type, an expression over `r` (0 up to 1) and `i` that gives ordinary values, and values at the edge.
const TYPES: [(&str, &str, &[&str]); 31] = [
    ("int2", "(r * 100)::int2", &["-32768", "32767"]),
    ("int4", "(r * 10)::int4", &["-2147483648", "2147483647"]),
    (
        "int8",
        "(r * 1e9)::int8",
        &["9223372036854775807", "-9223372036854775808"],
    ),
    (
        "numeric",
        "(r * 100)::numeric(10, 3)",
        &["'NaN'", "1e100", "1e308", "1e-400", "1e400", "'Infinity'"],
    ),
    ("numeric(6,2)", "r * 1000", &["0", "-9999.99"]),
    (
        "real",
        "r - 0.5",
        &["'NaN'", "'Infinity'", "1e-45", "-3.4e38"],
    ),
    (
        "float8",
        "r * 10",
        &[
            "'NaN'",
            "'-Infinity'",
            "1.7976931348623157e308",
            "5e-324",
            "'-0'",
        ],
    ),
    ("boolean", "r > 0.4", &["true"]),
    (
        "text",
        "(ARRAY['Berlin', 'Jena', 'Köln', ''])[1 + (r * 4)::int % 4]",
        &["'😀'", "repeat('x', 3000)", "E'\\n\\t\"'"],
    ),
    ("varchar(10)", "'v' || (r * 3)::int", &["''", "'größe'"]),
    ("char(5)", "'c' || (r * 2)::int", &["''", "'      '"]),
    ("name", "'n' || i % 3", &["repeat('é', 31)"]),
    (
        "\"char\"",
        "chr(65 + (r * 3)::int)::\"char\"",
        &["''", "'😀'"],
    ),
    (
        "mood",
        "(ARRAY['sad', 'ok', 'very happy'])[1 + (r * 3)::int % 3]::mood",
        &["'sad'"],
    ),
    (
        "uuid",
        "md5(i::text)::uuid",
        &["'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
    ),
    (
        "date",
        "date '2020-01-01' + (r * 1000)::int",
        &["'infinity'", "'4713-01-01 BC'", "'5874897-12-31'"],
    ),
    (
        "timestamp",
        "timestamp '2020-01-01' + r * interval '3 years'",
        &["'-infinity'", "'294276-12-31 23:59:59.999999'"],
    ),
    (
        "timestamptz",
        "timestamptz '2020-01-01' + r * interval '30 days'",
        &["'infinity'", "'0044-03-15 BC'"],
    ),
    ("time", "time '00:00' + r * interval '1 day'", &["'24:00'"]),
    (
        "timetz",
        "(time '00:00' + r * interval '1 day')::timetz",
        &["'24:00+15:59'", "'00:00-15:59'"],
    ),
    (
        "interval",
        "r * interval '10 days'",
        &["'178000000 years'", "'-1 mon 2 days'"],
    ),
    (
        "float8[]",
        "ARRAY[r, r * 2, 1 - r]",
        &[
            "'{}'",
            "'{1,NULL,3}'",
            "'{{1},{2},{3}}'",
            "'{1,2}'",
            "'[0:2]={1,2,3}'",
            "'{NaN,1,2}'",
        ],
    ),
    (
        "float4[]",
        "ARRAY[r, r * r]::float4[]",
        &["'{1,2,3}'", "'{Infinity,0}'"],
    ),
    ("int4[]", "ARRAY[i, i % 7]", &["'{2147483647,0}'"]),
    (
        "numeric[]",
        "ARRAY[r, 1]::numeric[]",
        &["'{1e400,1}'", "'{NaN,1}'"],
    ),
    ("percent", "r * 100", &["0", "100"]),
    (
        "temper",
        "(ARRAY['sad', 'ok'])[1 + i % 2]::temper",
        &["'ok'"],
    ),
    ("pair", "ARRAY[r, i]", &["'{1}'"]),
    ("jsonb", "jsonb_build_object('a', r)", &["'null'"]),
    ("bytea", "'\\x00'", &["''"]),
    ("point", "point(r, r)", &["'(NaN,0)'"]),
];

const NAMES: [&str; 12] = [
    "a",
    "A",
    "größe m²",
    "select",
    "a\"b",
    "😀",
    " ",
    "b'c",
    "1",
    "f1",
    "sixty_three_bytes_are_the_most_that_a_name_can_have_in_postgres",
    "x\\y",
];

const OPTIONS: [&str; 23] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    ", validation_split => 0",
    ", validation_split => 0.5",
    ", class_weight => 'balanced'",
    ", exclude => '{a}'",
    ", sample_weight => 'A'",
    ", split_column => 'a'",
    ", validation_query => 'TABLE t'",
    r#", preprocess => '{"*": {"scale": "robust", "impute": "mean"}}'"#,
    r#", preprocess => '{"*": {"scale": "log1p", "encode": "ordinal", "outliers": {"clip": {"stddev": 2}}}}'"#,
    r#", preprocess => '{"*": {"encode": {"embedding": {"dim": 2}}, "scale": "min_max", "impute": "drop_row"}}'"#,
    r#", preprocess => '{"*": {"encode": {"hash": {"buckets": 5}}, "on_unseen": "error", "outliers": {"drop": {"quantiles": [0.1, 0.9]}}}}'"#,
    ", loss => 'categorical_crossentropy'",
    ", loss => 'mae', batch_size => 1, shuffle => false",
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Creates `t` anew with random columns; its column names.
fn create(client: &mut Client, random: &mut Random) -> Vec<&'static str> {
    let rows = match random.below(4) {
        0 => random.below(4),
        _ => random.below(51),
    };
    let wild = random.once_in(3);
    let mut names = NAMES.to_vec();
    let mut columns = Vec::new();
    for _ in 0..1 + random.below(6) {
        // The last three types are refused, which would leave few tables.
        let known = if random.once_in(10) {
            TYPES.len()
        } else {
            TYPES.len() - 3
        };
        let (type_name, ordinary, edges) = TYPES[random.below(known)];
        let name = names.swap_remove(random.below(names.len()));
        let mut value = format!("({ordinary})::{type_name}");
        if wild {
            let edge = random.one_of(edges);
            value = format!("CASE WHEN random() < 0.1 THEN ({edge})::{type_name} ELSE {value} END");
        }
        if random.once_in(3) {
            let share = random.one_of(&["0.1", "0.9", "1.1"]);
            value = format!("CASE WHEN random() < {share} THEN NULL ELSE {value} END");
        }
        columns.push((name, format!("{value} AS {}", quoted(name))));
    }
    let list: Vec<&str> = columns.iter().map(|(_, column)| column.as_str()).collect();
    let script = format!(
        "DROP TABLE IF EXISTS t;
         CREATE TABLE t AS SELECT {} FROM (SELECT i, random() AS r FROM generate_series(1, {rows}) AS i) AS raw",
        list.join(", ")
    );
    client
        .batch_execute(&script)
        .unwrap_or_else(|error| panic!("{script}: {error:?}"));
    columns.into_iter().map(|(name, _)| name).collect()
}

/// `00000`, or the SQLSTATE of a failure that has a reason.
fn outcome(client: &mut Client, statement: &str, case: u64) -> String {
    match client.batch_execute(statement) {
        Ok(()) => "00000".to_owned(),
        Err(error) => {
            let code = error
                .code()
                .unwrap_or_else(|| panic!("case {case}: {statement}: the session ended: {error}"))
                .code();
            assert!(
                !code.starts_with("XX"),
                "case {case}: {statement}: {error:?}"
            );
            code.to_owned()
        }
    }
}

#[test]
fn any_table_trains_or_is_refused_with_a_reason() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .batch_execute(
            "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy');
             CREATE DOMAIN percent AS numeric CHECK (VALUE BETWEEN 0 AND 100);
             CREATE DOMAIN temper AS mood CHECK (VALUE <> 'very happy');
             CREATE DOMAIN pair AS float8[];
             SET client_min_messages = error; SET timezone = 'Asia/Kathmandu'; SELECT setseed(0.5)",
        )
        .expect("creates the types");
    let mut outcomes = BTreeMap::<String, u32>::new();
    for case in 0..CASES {
        let mut random = Random(case);
        let names = create(&mut client, &mut random);
        let target = literal(names[random.below(names.len())]);
        let options = random.one_of(&OPTIONS);
        let train =
            format!("SELECT * FROM ml_train('m', 'TABLE t', {target}, epochs => 1{options})");
        let trained = outcome(&mut client, &train, case);
        *outcomes.entry(trained.clone()).or_default() += 1;
        if trained == "00000" {
            for statement in [
                "SELECT ml_predict_values('m', t) FROM t",
                "SELECT ml_predict_values('m', to_jsonb(t)) FROM t",
                "SELECT * FROM ml_evaluate('m', 'TABLE t')",
                "SELECT * FROM ml_transform('m', 'TABLE t')",
                "SELECT * FROM ml_drift('m', 'TABLE t')",
                "SELECT * FROM ml_feature_info('m')",
                "SELECT * FROM ml_partial_fit('m', 'TABLE t')",
            ] {
                let found = outcome(&mut client, statement, case);
                *outcomes.entry(format!("then {found}")).or_default() += 1;
            }
        }
    }
    println!("{CASES} tables: {outcomes:?}");
    assert!(
        outcomes
            .get("00000")
            .is_some_and(|trained| *trained > CASES as u32 / 6)
    );
    assert!(outcomes.len() > 5, "reasons of several kinds");
}
