//! Who may do what: a model belongs to the user who trained it, and a query runs as its caller.

use mysql_server::engine::{Engine, MySql};
use mysql_server::samples::houses;
use mysql_server::table::Random;
use mysql_server::{Connection, Flavour, Refusal, Row, Server};
use std::sync::Arc;

mysql_server::on_both_servers!(
    a_stranger_can_do_nothing_with_a_model,
    nobody_reads_or_writes_the_tables,
    no_routine_gives_a_model_away,
    a_grant_gives_what_it_says,
    the_query_runs_as_its_caller,
    a_user_may_have_an_at_in_its_name,
    hostile_texts_are_only_texts,
);

/// The query of the secret model; nobody else may see these words.
const QUERY: &str = "SELECT area AS okapi, rooms, price FROM houses WHERE 'zebra' <> ''";
const SECRETS: [&str; 2] = ["zebra", "okapi"];

/// A server with the users ada, who owns the model `secret`, and ben; neither may read `vault`.
struct Place {
    server: Arc<Server>,
    root: Connection,
    ada: Connection,
    ben: Connection,
}

fn create_user(server: &Server, root: &mut Connection, user: &str) {
    let default = match server.flavour() {
        Flavour::MariaDb => "FOR",
        Flavour::MySql => "TO",
    };
    root.run(&format!(
        "CREATE USER '{user}'@'localhost';
         GRANT tablenet_user TO '{user}'@'localhost';
         SET DEFAULT ROLE tablenet_user {default} '{user}'@'localhost';
         GRANT SELECT, CREATE VIEW, DROP, EXECUTE ON test.* TO '{user}'@'localhost'"
    ));
}

impl Place {
    fn new(flavour: Flavour) -> Place {
        let server = Arc::new(Server::start(flavour));
        let mut engine = MySql::of(server.clone());
        engine.load(&houses("houses", 120));
        let mut root = server.connect();
        root.run("CREATE DATABASE vault; CREATE TABLE vault.gold AS SELECT * FROM test.houses");
        for user in ["ada", "ben"] {
            create_user(&server, &mut root, user);
        }
        let mut ada = server.connect_as("ada").expect("may connect");
        let ben = server.connect_as("ben").expect("may connect");
        ada.run(&train("secret"));
        ada.run(&train("secret"));
        Place {
            server,
            root,
            ada,
            ben,
        }
    }

    /// All that is stored of the secret model.
    fn stored(&mut self) -> Vec<Row> {
        let mut rows = self
            .root
            .rows_of("SELECT * FROM tablenet.models WHERE name = 'secret' ORDER BY version");
        rows.extend(
            self.root
                .rows_of("SELECT * FROM tablenet.names WHERE name = 'secret'"),
        );
        rows.extend(
            self.root
                .rows_of("SELECT * FROM tablenet.grants WHERE name = 'secret' ORDER BY user"),
        );
        rows
    }

    /// The tables (true) and views (false) of the schema tablenet.
    fn relations(&mut self, tables: bool) -> Vec<String> {
        let kind = if tables { "BASE TABLE" } else { "VIEW" };
        names(
            &mut self.root,
            &format!(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tablenet' AND table_type = '{kind}'"
            ),
        )
    }
}

fn names(client: &mut Connection, query: &str) -> Vec<String> {
    let rows = client.rows_of(query);
    rows.iter().map(text).collect()
}

/// A row as one text.
fn text(row: &Row) -> String {
    let values: Vec<String> = row
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_deref().unwrap_or(b"NULL")).into_owned())
        .collect();
    values.join("\t")
}

/// Trains under a name with the secret query.
fn train(name: &str) -> String {
    let query = QUERY.replace('\'', "''");
    format!(r#"CALL ml_train('{name}', '{query}', 'price', '{{"epochs": 1}}')"#)
}

fn score(name: &str) -> String {
    format!(
        "SELECT ml_predict((SELECT ml_ref(model) FROM tablenet.deployed WHERE name = '{name}'), 80, 3)"
    )
}

/// What a stranger might try with a model.
fn attempts(name: &str) -> Vec<String> {
    vec![
        format!("CALL ml_evaluate('{name}', 'SELECT area AS okapi, rooms, price FROM houses')"),
        format!("CALL ml_predict_into('houses', NULL, 'price', '{name}')"),
        format!("CALL ml_deploy('{name}', '1')"),
        format!("CALL ml_deploy('{name}', 'previous')"),
        format!("CALL ml_deploy('{name}', 'best')"),
        format!("CALL ml_drop('{name}')"),
        format!("CALL ml_grant('{name}', 'ben', 'predict')"),
        format!("CALL ml_grant('{name}', 'ben', 'train')"),
        format!("CALL ml_revoke('{name}', 'ada', 'predict')"),
        format!("CALL ml_history('{name}')"),
    ]
}

fn a_stranger_can_do_nothing_with_a_model(flavour: Flavour) {
    let mut place = Place::new(flavour);
    let before = place.stored();
    assert!(place.ada.text(&score("secret")).is_some());
    assert_eq!(place.ben.text(&score("secret")), None);
    for (foreign, missing) in attempts("secret").iter().zip(attempts("nobody")) {
        let (foreign, missing) = (place.ben.refusal(foreign), place.ben.refusal(&missing));
        let expected = Refusal {
            message: missing.message.replace("nobody", "secret"),
            ..missing.clone()
        };
        assert_eq!(foreign, expected, "a foreign model is told from none");
        assert!(
            missing.message.contains("model \"nobody\" does not exist"),
            "{missing}"
        );
    }
    let refusal = place.ben.refusal(&train("secret"));
    assert!(
        refusal
            .message
            .contains("model \"secret\" belongs to another user"),
        "{refusal}"
    );
    for view in place.relations(false) {
        match place.ben.query(&format!("SELECT * FROM tablenet.`{view}`")) {
            Ok(rows) => assert_eq!(rows, Vec::<Row>::new(), "{view}"),
            Err(refusal) => assert_eq!(refusal.code, 1142, "{view}: {refusal}"),
        }
        // A condition may be computed before the view's own.
        for column in names(
            &mut place.root,
            &format!(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'tablenet' AND table_name = '{view}'"
            ),
        ) {
            let spy = format!(
                "SELECT 1 FROM tablenet.`{view}` WHERE IF(`{column}` LIKE '%zebra%' OR `{column}` LIKE '%okapi%', EXP(1000) + CAST(REPEAT('9', 400) AS SIGNED), 1) = 1 OR UPDATEXML(1, CONCAT('~', LEFT(`{column}`, 60)), 1)"
            );
            if let Err(refusal) = place.ben.query(&spy) {
                for secret in SECRETS {
                    assert!(
                        !refusal.message.contains(secret),
                        "{view}.{column}: {refusal}"
                    );
                }
            }
        }
    }
    assert_eq!(place.stored(), before, "ada's model is as it was");
    place.ada.run("CALL ml_deploy('secret', '1')");
    place.ada.run("CALL ml_drop('secret')");
    assert_eq!(place.stored(), Vec::<Row>::new());
    place.ben.run(&train("secret"));
}

fn nobody_reads_or_writes_the_tables(flavour: Flavour) {
    let mut place = Place::new(flavour);
    let before = place.stored();
    let tables = place.relations(true);
    assert!(tables.len() >= 3, "{tables:?}");
    for table in &tables {
        for statement in [
            format!("SELECT * FROM tablenet.{table}"),
            format!("SELECT COUNT(*) FROM tablenet.{table}"),
            format!("DELETE FROM tablenet.{table}"),
            format!("UPDATE tablenet.{table} SET name = 'x'"),
            format!("INSERT INTO tablenet.{table} (name) VALUES ('x')"),
            format!("REPLACE INTO tablenet.{table} (name) VALUES ('secret')"),
            format!("TRUNCATE TABLE tablenet.{table}"),
            format!("DROP TABLE tablenet.{table}"),
            format!("ALTER TABLE tablenet.{table} ADD COLUMN x INT"),
            format!("RENAME TABLE tablenet.{table} TO test.stolen"),
            format!("LOCK TABLES tablenet.{table} WRITE"),
            format!(
                "CREATE TRIGGER tablenet.mine AFTER INSERT ON tablenet.{table} FOR EACH ROW SET @x = 1"
            ),
            format!("CREATE VIEW test.mine AS SELECT * FROM tablenet.{table}"),
        ] {
            for client in [&mut place.ada, &mut place.ben] {
                let refusal = client.refusal(&statement);
                // 1044, 1142, 1143, 1227, 1370: access denied, of one kind or another.
                assert!(
                    [1044, 1142, 1143, 1227, 1370].contains(&refusal.code),
                    "{statement}: {refusal}"
                );
            }
        }
    }
    for view in place.relations(false) {
        for statement in [
            format!("DELETE FROM tablenet.`{view}`"),
            format!("UPDATE tablenet.`{view}` SET name = 'x'"),
            format!("INSERT INTO tablenet.`{view}` (name) VALUES ('x')"),
            format!("DROP VIEW tablenet.`{view}`"),
            format!("CREATE OR REPLACE VIEW tablenet.`{view}` AS SELECT 1"),
        ] {
            let refusal = place.ada.refusal(&statement);
            assert!(
                [1044, 1142, 1143, 1227, 1288, 1471, 1356, 1370].contains(&refusal.code),
                "{statement}: {refusal}"
            );
        }
    }
    for statement in [
        "CREATE TABLE tablenet.mine (x INT)",
        "CREATE PROCEDURE tablenet.mine() SELECT 1",
        "DROP PROCEDURE tablenet.store",
        "ALTER PROCEDURE tablenet.store SQL SECURITY INVOKER",
        "DROP DATABASE tablenet",
        "GRANT tablenet_user TO ada@localhost",
        "CREATE DEFINER = tablenet@localhost PROCEDURE test.mine() SELECT * FROM tablenet.models",
        "CREATE DEFINER = tablenet@localhost VIEW test.mine AS SELECT * FROM tablenet.deployed",
        "ALTER USER tablenet@localhost ACCOUNT UNLOCK",
        "SET PASSWORD FOR tablenet@localhost = ''",
    ] {
        for client in [&mut place.ada, &mut place.ben] {
            let refusal = client.refusal(statement);
            assert_ne!(refusal.code, 0, "{statement}: {refusal}");
        }
    }
    let refusal = place
        .server
        .connect_as("tablenet")
        .err()
        .expect("the account is locked");
    assert!([1045, 4151, 3118].contains(&refusal.code), "{refusal}");
    assert_eq!(place.stored(), before);
}

/// Every routine of the schema tablenet and of the caller's database, with arguments of all kinds.
fn no_routine_gives_a_model_away(flavour: Flavour) {
    let mut place = Place::new(flavour);
    let before = place.stored();
    let routines = place.root.rows_of(
        "SELECT r.routine_schema, r.routine_name, r.routine_type,
                (SELECT COUNT(*) FROM information_schema.parameters p
                  WHERE p.specific_schema = r.routine_schema AND p.specific_name = r.specific_name AND p.ordinal_position > 0)
           FROM information_schema.routines r WHERE r.routine_schema IN ('tablenet', 'test') ORDER BY 1, 2",
    );
    assert!(routines.len() > 10, "{}", routines.len());
    let values = [
        "'secret'",
        "'secret'",
        "'secret'",
        "'secret'",
        "'ada'",
        "'ben'",
        "'predict'",
        "'train'",
        "1",
        "2",
        "'1'",
        "'previous'",
        "'best'",
        "'always'",
        "NULL",
        "''",
        "'price'",
        "'houses'",
        "'SELECT area, rooms, price FROM houses'",
        "'{}'",
        "'SELECT * FROM tablenet.models'",
        "'SELECT * FROM tablenet.deployed'",
        "'secret@1'",
        "'SECRET'",
        "'secret '",
        "'%'",
        "X'00'",
    ];
    let mut random = Random(5);
    let mut calls = 0;
    for routine in &routines {
        let [schema, name, kind, count] = [0, 1, 2, 3].map(|index| {
            String::from_utf8_lossy(routine[index].as_deref().expect("no NULL")).into_owned()
        });
        let count: usize = count.parse().expect("a number");
        for _ in 0..40 * count.max(1) {
            // An OUT argument takes a variable only; an IN argument takes one too.
            let arguments: Vec<String> = (0..count)
                .map(|index| {
                    let value = random.one_of(&values);
                    place.ben.run(&format!("SET @argument_{index} = {value}"));
                    format!("@argument_{index}")
                })
                .collect();
            let arguments = arguments.join(", ");
            let call = if kind == "FUNCTION" { "SELECT" } else { "CALL" };
            let answer = place
                .ben
                .query(&format!("{call} `{schema}`.`{name}`({arguments})"));
            calls += 1;
            let mut said = match answer {
                Ok(rows) => rows.iter().map(text).collect::<Vec<_>>().join("\n"),
                Err(refusal) => {
                    assert_ne!(refusal.code, 0, "{name}: {refusal}");
                    refusal.message
                }
            };
            if !arguments.is_empty() {
                said += &place
                    .ben
                    .rows_of(&format!("SELECT {arguments}"))
                    .iter()
                    .map(text)
                    .collect::<String>();
            }
            let owned = place
                .root
                .number("SELECT COUNT(*) FROM tablenet.names WHERE owner <> 'ada'");
            if owned == 0.0 {
                for secret in SECRETS {
                    assert!(
                        !said.contains(secret),
                        "{schema}.{name}({arguments}): {said}"
                    );
                }
            }
        }
    }
    println!(
        "{}: {calls} calls of {} routines",
        flavour.name(),
        routines.len()
    );
    assert_eq!(place.stored(), before, "ada's model is as it was");
    place.ada.run("CALL ml_deploy('secret', '1')");
}

fn a_grant_gives_what_it_says(flavour: Flavour) {
    let mut place = Place::new(flavour);
    let theirs = place.ada.text(&score("secret"));
    place.ada.run("CALL ml_grant('secret', 'ben', 'predict')");
    assert_eq!(place.ben.text(&score("secret")), theirs);
    place
        .ben
        .run("CALL ml_evaluate('secret', 'SELECT area AS okapi, rooms, price FROM houses')");
    for statement in [
        train("secret"),
        "CALL ml_deploy('secret', '1')".to_owned(),
        "CALL ml_drop('secret')".to_owned(),
        "CALL ml_grant('secret', 'ben', 'train')".to_owned(),
        "CALL ml_revoke('secret', 'ben', 'predict')".to_owned(),
    ] {
        let refusal = place.ben.refusal(&statement);
        assert_ne!(refusal.code, 0, "{statement}: {refusal}");
    }
    // The text of the query is for those who may train.
    for view in place.relations(false) {
        if let Ok(rows) = place.ben.query(&format!("SELECT * FROM tablenet.`{view}`")) {
            let said: String = rows.iter().map(text).collect();
            assert!(!said.contains("zebra"), "{view}: {said}");
        }
    }
    place.ada.run("CALL ml_grant('secret', 'ben', 'train')");
    let rows = place.ben.rows_of(&train("secret"));
    assert_eq!(
        text(&rows[0]).split('\t').nth(1),
        Some("3"),
        "the next version of the same model"
    );
    assert_eq!(
        place
            .root
            .text("SELECT owner FROM tablenet.names WHERE name = 'secret'")
            .as_deref(),
        Some("ada")
    );
    for statement in [
        "CALL ml_drop('secret')",
        "CALL ml_grant('secret', 'ben', 'predict')",
    ] {
        place.ben.refusal(statement);
    }
    place.ada.run("CALL ml_revoke('secret', 'ben', 'predict')");
    assert_eq!(place.ben.text(&score("secret")), None);
    place.ben.refusal(&train("secret"));
    assert!(place.ada.text(&score("secret")).is_some());
}

fn the_query_runs_as_its_caller(flavour: Flavour) {
    let mut place = Place::new(flavour);
    let spied =
        |query: &str| format!(r#"CALL ml_train('spied', '{query}', 'price', '{{"epochs": 1}}')"#);
    for statement in [
        spied("SELECT area, price FROM vault.gold"),
        spied("SELECT h.area, g.price FROM houses h JOIN vault.gold g USING (id)"),
        spied("SELECT area, (SELECT MAX(price) FROM vault.gold) AS price FROM houses"),
        "CALL ml_evaluate('secret', 'SELECT area AS okapi, rooms, price FROM vault.gold')"
            .to_owned(),
    ] {
        let refusal = place.ada.refusal(&statement);
        // What MariaDB says of a view's subquery is the second.
        assert!(
            [1142, 1356].contains(&refusal.code),
            "{statement}: {refusal}"
        );
    }
    let views = "SELECT COUNT(*) FROM information_schema.views WHERE table_schema NOT IN ('sys', 'mysql', 'tablenet')";
    assert_eq!(place.root.number(views), 0.0, "no view is left");
    assert_eq!(
        place
            .root
            .number("SELECT COUNT(*) FROM tablenet.names WHERE name = 'spied'"),
        0.0
    );
    assert_eq!(
        place
            .root
            .number("SELECT COUNT(*) FROM tablenet.models WHERE name = 'spied'"),
        0.0
    );
    assert!(
        place.ada.text(&score("secret")).is_some(),
        "the session goes on"
    );
    // A user without the role.
    place.root.run("CREATE USER eve@localhost; GRANT SELECT, CREATE VIEW, DROP, EXECUTE ON test.* TO eve@localhost");
    let mut eve = place.server.connect_as("eve").expect("may connect");
    for statement in [
        train("hers"),
        score("secret"),
        "CALL ml_drop('secret')".to_owned(),
    ] {
        let refusal = eve.refusal(&statement);
        assert!(
            [1142, 1370].contains(&refusal.code),
            "{statement}: {refusal}"
        );
    }
}

fn a_user_may_have_an_at_in_its_name(flavour: Flavour) {
    let mut place = Place::new(flavour);
    for user in ["ada@localhost", "ada@", "@ada", "ADA"] {
        create_user(&place.server, &mut place.root, user);
        let mut other = place.server.connect_as(user).expect("may connect");
        assert_eq!(other.text(&score("secret")), None, "{user} is not ada");
        let refusal = other.refusal("CALL ml_drop('secret')");
        assert!(
            refusal.message.contains("does not exist"),
            "{user}: {refusal}"
        );
        other.refusal(&train("secret"));
        let name = format!("of {}", user.replace('@', "at"));
        other.run(&train(&name));
        assert!(other.text(&score(&name)).is_some(), "{user}");
        assert_eq!(place.ada.text(&score(&name)), None, "ada is not {user}");
    }
}

/// Names, queries, targets and specs are never read as anything else than what they are.
fn hostile_texts_are_only_texts(flavour: Flavour) {
    let mut place = Place::new(flavour);
    let before = place.stored();
    let long = "n".repeat(64);
    let texts = [
        "x'; DROP TABLE test.houses; -- ",
        "x\"; DROP TABLE test.houses; -- ",
        "x`; DROP TABLE test.houses; -- ",
        "x' OR '1' = '1",
        "\\",
        "\\'",
        "'",
        "''",
        "\"",
        "`",
        "``",
        "/*",
        "*/",
        "/*! DROP TABLE test.houses */",
        "-- ",
        "#",
        ";",
        "%",
        "_",
        "\0",
        "\n",
        "\u{1a}",
        "😀",
        "ü̈",
        "\u{202e}",
        "NULL",
        "x) UNION SELECT model FROM tablenet.models -- ",
        "x\\', 'predict'); -- ",
        "$(id)",
        "{{x}}",
        &long,
        "SELECT",
        "@tablenet_model",
        "?",
        "x' /*",
        "SELECT 1 AS price; DROP TABLE test.houses",
        "price",
    ];
    let sessions = [
        "",
        "NO_BACKSLASH_ESCAPES",
        "ANSI_QUOTES",
        "NO_BACKSLASH_ESCAPES,ANSI_QUOTES",
    ];
    for mode in sessions {
        let mut client = place.server.connect_as("ben").expect("may connect");
        client.run(&format!("SET sql_mode = '{mode}'"));
        let mode = client.text("SELECT @@sql_mode");
        for hostile in texts {
            // As bytes in hexadecimal: what arrives is the text itself, whatever the mode.
            let hex: String = hostile.bytes().map(|byte| format!("{byte:02x}")).collect();
            client.run(&format!("SET @t = CONVERT(X'{hex}' USING utf8mb4)"));
            for call in [
                "ml_train(@t, 'SELECT area, price FROM houses', 'price', '{\"epochs\": 1}')",
                "ml_train('mine', @t, 'price', '{\"epochs\": 1}')",
                "ml_train('mine', CONCAT('SELECT area, price FROM houses ', @t), 'price', '{\"epochs\": 1}')",
                "ml_train('mine', CONCAT('SELECT area, price AS `', REPLACE(@t, '`', '``'), '` FROM houses'), @t, '{\"epochs\": 1}')",
                "ml_train('mine', 'SELECT area, price FROM houses', @t, '{\"epochs\": 1}')",
                "ml_train('mine', 'SELECT area, price FROM houses', 'price', @t)",
                "ml_train('mine', 'SELECT area, price FROM houses', 'price', JSON_OBJECT('epochs', 1, 'exclude', JSON_ARRAY(@t)))",
                "ml_train('mine', 'SELECT area, price FROM houses', 'price', JSON_OBJECT('epochs', 1, 'validation_query', @t))",
                "ml_train('mine', 'SELECT area, price FROM houses', 'price', JSON_OBJECT('epochs', 1, 'deploy', @t))",
                "ml_evaluate(@t, 'SELECT area, price FROM houses')",
                "ml_evaluate('mine', @t)",
                "ml_predict_into(@t, NULL, 'price', 'mine')",
                "ml_predict_into('houses', @t, 'price', 'mine')",
                "ml_predict_into('houses', NULL, @t, 'mine')",
                "ml_predict_into('houses', NULL, 'price', @t)",
                "ml_deploy(@t, 'best')",
                "ml_deploy('mine', @t)",
                "ml_drop(@t)",
                "ml_grant(@t, 'ada', 'predict')",
                "ml_grant('mine', @t, 'predict')",
                "ml_grant('mine', 'ada', @t)",
                "ml_revoke('mine', @t, 'predict')",
                "ml_history(@t)",
            ] {
                if let Err(refusal) = client.query(&format!("CALL {call}")) {
                    assert_ne!(refusal.code, 0, "{hostile:?}, {call}: {refusal}");
                }
            }
        }
        assert_eq!(client.text("SELECT @@sql_mode"), mode, "the session's own");
    }
    assert_eq!(
        place.root.number("SELECT COUNT(*) FROM test.houses"),
        120.0,
        "the table is there"
    );
    assert_eq!(
        place
            .root
            .number("SELECT COUNT(DISTINCT price) FROM test.houses"),
        120.0,
        "and as it was: ben may not write"
    );
    assert_eq!(place.stored(), before, "ada's model is as it was");
    let views = "SELECT COUNT(*) FROM information_schema.views WHERE table_schema NOT IN ('sys', 'mysql', 'tablenet')";
    assert_eq!(place.root.number(views), 0.0, "no view is left");
    let stranger = place
        .root
        .number("SELECT COUNT(*) FROM tablenet.names WHERE owner NOT IN ('ada', 'ben')");
    assert_eq!(stranger, 0.0);
}
