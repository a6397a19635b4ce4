//! Names and words that would be something else if a statement were put together from them.

use postgres::Client;
use server::Server;
use std::collections::BTreeMap;

/// What is tried in every text argument.
fn strings() -> Vec<String> {
    let canary = "DROP TABLE canary; --";
    let mut strings: Vec<String> = [
        "",
        " ",
        "'",
        "''",
        "'''",
        "\"",
        "\"\"",
        "\\",
        "\\'",
        "\\\\",
        ";",
        "--",
        "/*",
        "*/",
        "$$",
        "$q$",
        "$1",
        "%",
        "%s",
        "%n%n",
        "{}",
        "{0}",
        "`",
        "\u{0}",
        "\u{7f}",
        "\n",
        "\r\n",
        "\t",
        "NULL",
        "null",
        "true",
        "0",
        "-1",
        "1e400",
        "NaN",
        "[",
        "]",
        "{",
        "[[[[[[",
        "{\"a\":",
        "\"a\"",
        "@",
        "@1",
        "a@",
        "a@0",
        "a@-1",
        "a@99999999999",
        "a@1@1",
        "../../etc/passwd",
        "C:\\x",
        "pg_catalog.pg_class",
        "tablenet.stored_model",
        "public",
        "current_user",
        "session_user",
        "none",
        "größe",
        "模型",
        "مرحبا",
        "🦀",
        "\u{202e}abc",
        "e\u{301}",
        "\u{feff}x",
        "\u{d7ff}",
        "ﬃ",
        "İ",
        "a\u{200b}b",
        "{{7*7}}",
        "<script>",
        "${x}",
        "%00",
        "&amp;",
        "=1+1",
        "nan",
        "always",
        "previous",
        "best",
        "predict",
        "own",
    ]
    .map(str::to_owned)
    .to_vec();
    for before in [
        "'; ",
        "\"; ",
        "$$; ",
        "'); ",
        "x' OR '1'='1'; ",
        "\\'; ",
        "a' || (SELECT 1) || '; ",
        "1; ",
        "*/ ",
        "\n",
        "'::text; ",
    ] {
        strings.push(format!("{before}{canary}"));
    }
    strings.push("' || (SELECT string_agg(name, ',') FROM tablenet.stored_model) || '".into());
    strings.push("1) UNION SELECT 1 FROM tablenet.stored_model --".into());
    for length in [63, 64, 1000, 100_000] {
        strings.push("n".repeat(length));
    }
    strings.push("é".repeat(31) + "n");
    strings.push("é".repeat(32));
    strings.push("\"".repeat(63));
    strings.push("[".repeat(10_000));
    strings.push("(".repeat(10_000));
    strings.push(format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500)));
    strings
}

/// Every text argument of every function, one at a time.
const PLACES: [&str; 46] = [
    "SELECT ml_train($s, 'TABLE h', 'y', epochs => 1)",
    "SELECT ml_train('n', $s, 'y', epochs => 1)",
    "SELECT ml_train('n', 'TABLE h', $s, epochs => 1)",
    "SELECT ml_train('n', 'TABLE h', ARRAY[$s], epochs => 1)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, layers => to_jsonb($s))",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, optimizer => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, loss => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, metrics => ARRAY[$s])",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, callbacks => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, class_weight => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, sample_weight => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, preprocess => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, exclude => ARRAY[$s])",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, validation_query => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, split_column => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, max_memory => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, engine => $s)",
    "SELECT ml_train('n', 'TABLE h', 'y', epochs => 1, deploy => $s)",
    "SELECT ml_partial_fit($s, 'TABLE h')",
    "SELECT ml_partial_fit('m', $s)",
    "SELECT ml_partial_fit('m', 'TABLE h', deploy => $s)",
    "SELECT ml_predict($s, 1.5, 2)",
    "SELECT ml_predict('m', $s, 2)",
    "SELECT ml_predict('m', jsonb_build_object('a', $s, 'b', 1))",
    "SELECT ml_predict('m', json_build_object('a', 1, $s || 'b', 1))",
    "SELECT ml_predict('m', ARRAY[$s, 'b']::name[], 1, 2)",
    "SELECT ml_predict_class($s, h) FROM h",
    "SELECT ml_predict_proba($s, h) FROM h",
    "SELECT ml_predict_values($s, h) FROM h",
    "SELECT ml_evaluate($s, 'TABLE h')",
    "SELECT ml_evaluate('m', $s)",
    "SELECT ml_transform($s, 'TABLE h')",
    "SELECT ml_transform('m', $s)",
    "SELECT ml_drift($s, 'TABLE h')",
    "SELECT ml_drift('m', $s)",
    "SELECT ml_history($s), ml_summary($s), ml_feature_info($s)",
    "SELECT ml_deploy($s, 1)",
    "SELECT ml_deploy('m', $s)",
    "SELECT ml_rename($s, 'n')",
    "SELECT ml_rename('m', $s)",
    "SELECT ml_drop($s)",
    "SELECT ml_drop($s, 1)",
    "SELECT ml_grant($s, 'ann', 'predict')",
    "SELECT ml_grant('m', $s, 'predict')",
    "SELECT ml_grant('m', 'ann', $s)",
    "SELECT ml_revoke('m', $s), ml_revoke('m', 'ann', $s), ml_revoke($s, 'ann')",
];

/// As SQL writes it; a NUL cannot be written at all.
fn literal(text: &str) -> String {
    format!("'{}'::text", text.replace('\0', "\\0").replace('\'', "''"))
}

fn prepared(server: &Server) -> Client {
    let mut client = server.connect();
    client
        .batch_execute(
            "CREATE ROLE ann; CREATE TABLE canary (x int); GRANT ALL ON canary TO PUBLIC;
             CREATE TABLE h AS SELECT i::float8 AS a, i % 5 AS b, CASE WHEN i % 3 = 0 THEN 'yes' ELSE 'no' END AS y FROM generate_series(1, 30) AS i;
             SELECT ml_train('m', 'TABLE h', 'y', epochs => 1); SET client_min_messages = error",
        )
        .expect("prepares");
    client
}

#[test]
fn a_text_is_a_name_a_word_or_a_query_and_nothing_else() {
    let server = Server::start();
    let mut client = prepared(&server);
    let strings = strings();
    assert!(strings.len() > 100, "{}", strings.len());
    let contents = "SELECT concat_ws(' ', (SELECT count(*) FROM canary), (SELECT string_agg(name, ',') FROM tablenet.stored_model),
                           (SELECT count(*) FROM tablenet.stored_version), (SELECT count(*) FROM tablenet.stored_grant), current_user)";
    let mut transaction = client.transaction().expect("begins");
    let mut codes = BTreeMap::<String, u32>::new();
    for place in PLACES {
        for string in &strings {
            let place = place
                .replace("ml_grant('m', $s", "ml_grant('m', $s::name")
                .replace("ml_revoke('m', $s)", "ml_revoke('m', $s::name)");
            let statement = place
                .replace("$s::name", &format!("{}::name", literal(string)))
                .replace("$s", &literal(string));
            let outcome = transaction.batch_execute(&format!("SAVEPOINT before; {statement}"));
            let code = match outcome {
                Ok(()) => "00000".to_owned(),
                Err(error) => {
                    let shown: String = statement.chars().take(300).collect();
                    error
                        .code()
                        .unwrap_or_else(|| panic!("{shown}: {error}"))
                        .code()
                        .to_owned()
                }
            };
            assert!(
                !code.starts_with("XX") && !code.starts_with("57"),
                "{code}: {place}: {string:?}"
            );
            *codes.entry(code).or_default() += 1;
            transaction
                .batch_execute("ROLLBACK TO SAVEPOINT before; RELEASE SAVEPOINT before")
                .expect("rolls back");
        }
        let row = transaction
            .query_one(contents, &[])
            .unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(row.get::<_, &str>(0), "0 m 1 0 postgres", "{place}");
    }
    println!("{} calls: {codes:?}", codes.values().sum::<u32>());
}

#[test]
fn models_tables_columns_and_roles_of_any_name_work() {
    let server = Server::start();
    let mut client = prepared(&server);
    for name in [
        "it's",
        "a \"b\" c",
        "; DROP TABLE canary; --",
        "$$",
        "größe",
        "模型 🦀",
        "back\\slash",
        "Select",
        " ",
        "new\nline",
        &"n".repeat(63),
        &format!("{}n", "é".repeat(31)),
    ] {
        let (text, quoted) = (literal(name), format!("\"{}\"", name.replace('"', "\"\"")));
        let query = literal(&format!("TABLE {quoted}"));
        let script = format!(
            "CREATE TABLE {quoted} AS SELECT a AS {quoted}, b, y AS \"y{short}\" FROM h; CREATE ROLE {quoted};
             SELECT ml_train({text}, {query}, {target}, epochs => 1); SELECT ml_partial_fit({text}, {query});
             SELECT ml_predict({text}, t), ml_predict_class({version}, t), ml_predict_proba({text}, to_jsonb(t)) FROM {quoted} AS t;
             SELECT ml_evaluate({text}, {query}), ml_drift({text}, {query}), ml_transform({text}, {query}), ml_feature_info({version});
             SELECT ml_grant({text}, {text}::name, 'train'), ml_deploy({text}, 'previous');
             SELECT 1 / (count(*) = 1)::int FROM tablenet.grants WHERE model = {text} AND grantee = {text};
             SET ROLE {quoted}; SELECT ml_predict({text}, 1.5, 2); RESET ROLE;
             SELECT ml_rename({text}, 'other'), ml_rename('other', {text}), ml_revoke({text}, {text}::name), ml_drop({text}, 2), ml_drop({text});
             DROP TABLE {quoted}; DROP ROLE {quoted}",
            short = name.chars().take(8).collect::<String>().replace('"', "\"\""),
            target = literal(&format!("y{}", name.chars().take(8).collect::<String>())),
            version = literal(&format!("{name}@2")),
        );
        client
            .batch_execute(&script)
            .unwrap_or_else(|error| panic!("{name:?}: {error:?}"));
    }
    client.batch_execute("TABLE canary").expect("is there");
}
