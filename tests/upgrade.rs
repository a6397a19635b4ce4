//! From tablenet 0.1.0 to this one: the new library says what to do about the old SQL, and ALTER EXTENSION UPDATE makes of
//! it what a fresh install is, with models that predict as they did.

use postgres::NoTls;
use server::models::output;
use server::training::{failure, number, refusal};
use server::{Server, catalog, client_program};
use std::fs;

/// Models made by 0.1.0 and their predictions; `record` beside them made both.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/0.1.0");
/// The SQL that is shipped.
const SQL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql");

/// A server with 0.1.0 installed, and its models stored.
fn server_of_0_1_0() -> Server {
    let server = Server::start();
    server
        .connect()
        .batch_execute("DROP EXTENSION tablenet; CREATE EXTENSION tablenet VERSION '0.1.0'")
        .expect("installs 0.1.0");
    psql(
        &server,
        &[
            "-f",
            &format!("{FIXTURE}/rows.sql"),
            "-f",
            &format!("{FIXTURE}/models.sql"),
        ],
    );
    server
}

/// What psql prints; it stops at the first error.
fn psql(server: &Server, arguments: &[&str]) -> String {
    let options = ["-X", "-q", "-v", "ON_ERROR_STOP=1"];
    output(server, "psql", &[&options[..], arguments].concat())
}

/// The predictions of the fixture's models, as the fixture has them.
fn predictions(server: &Server, database: &str) -> String {
    let query = fs::read_to_string(format!("{FIXTURE}/predictions.sql")).expect("the fixture");
    let query: Vec<&str> = query
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    let copy = format!("COPY ({}) TO stdout (FORMAT csv, HEADER)", query.join("\n"));
    psql(server, &["-d", database, "-c", &copy])
}

/// The predictions that 0.1.0 made.
fn recorded() -> String {
    let recorded = fs::read_to_string(format!("{FIXTURE}/predictions.csv")).expect("the fixture");
    assert_eq!(
        recorded.lines().count(),
        907,
        "a heading, 302 rows and 3 models"
    );
    recorded
}

/// Calls of every function of 0.1.0 that reads models.
const CALLS: [&str; 12] = [
    "SELECT * FROM ml_train('new', 'SELECT area, price FROM flats', 'price')",
    "SELECT * FROM ml_train('new', 'SELECT area, rooms, price FROM flats', '{rooms,price}'::text[])",
    "SELECT * FROM ml_partial_fit('price', 'SELECT * FROM flats')",
    "SELECT * FROM ml_evaluate('price', 'SELECT * FROM flats')",
    "SELECT * FROM ml_history('price')",
    "SELECT * FROM ml_summary('price')",
    "SELECT * FROM ml_feature_info('price')",
    "SELECT * FROM ml_transform('price', 'SELECT * FROM flats')",
    "SELECT * FROM ml_drift('price', 'SELECT * FROM flats')",
    "SELECT ml_drop('price')",
    "SELECT ml_predict('price', f) FROM flats f",
    "SELECT ml_predict_class('sold', f), ml_predict_proba('sold', f), ml_predict_values('sold', f) FROM flats f",
];

#[test]
fn old_sql_with_the_new_library_says_to_update() {
    let server = server_of_0_1_0();
    let mut client = server.connect();
    let expected = format!(
        "this database has the tables of tablenet 0.1.0, which the library of tablenet {} cannot use",
        env!("CARGO_PKG_VERSION")
    );
    for call in CALLS {
        let error = failure(&mut client, call);
        assert_eq!(error.code().code(), "55000", "{call}: {error}");
        assert_eq!(error.message(), expected, "{call}");
        assert_eq!(
            error.hint(),
            Some("Run ALTER EXTENSION tablenet UPDATE in this database."),
            "{call}"
        );
    }
    let forgotten = client
        .query(
            "SELECT proname::text FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
              WHERE extname = 'tablenet' AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND proname NOT IN ('ml_version', 'predict_support', 'layer', 'sequential')
                AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql')",
            &[],
        )
        .expect("a catalog query");
    for row in &forgotten {
        let name: String = row.get(0);
        assert!(
            CALLS.iter().any(|call| call.contains(&format!("{name}("))),
            "{name} is not tried"
        );
    }

    // In a parallel worker, too: the leader reads no row.
    client
        .batch_execute(
            "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
             SET parallel_leader_participation = off",
        )
        .expect("sets");
    let in_worker = "SELECT count(*) FROM flats f WHERE ml_predict('price', f) > 0";
    let plan = psql(
        &server,
        &[
            "-c",
            "SET parallel_setup_cost = 0",
            "-c",
            "SET parallel_tuple_cost = 0",
            "-c",
            "SET min_parallel_table_scan_size = 0",
            "-c",
            &format!("EXPLAIN {in_worker}"),
        ],
    );
    assert!(plan.contains("Gather"), "{plan}");
    assert_eq!(failure(&mut client, in_worker).message(), expected);

    // An update that is taken back is none.
    client
        .batch_execute(
            "BEGIN; ALTER EXTENSION tablenet UPDATE; SELECT count(*) FROM flats f WHERE ml_predict('price', f) > 0; ROLLBACK",
        )
        .expect("updates for a moment");
    for call in CALLS {
        assert_eq!(refusal(&mut client, call), "55000", "{call}");
    }

    // A session that was refused is served after the update, which needs no new one.
    server
        .connect()
        .batch_execute("ALTER EXTENSION tablenet UPDATE")
        .expect("updates");
    assert!(
        number(
            &mut client,
            "SELECT count(*)::float8 FROM flats f WHERE ml_predict('price', f) > 0"
        ) > 0.0
    );

    // One that was served is refused when the old SQL comes back.
    server
        .connect()
        .batch_execute("DROP EXTENSION tablenet; CREATE EXTENSION tablenet VERSION '0.1.0'")
        .expect("goes back");
    assert_eq!(
        failure(&mut client, "SELECT ml_predict('price', 1, 2, 'Jena')").message(),
        expected
    );
}

#[test]
fn sql_newer_than_the_library_says_to_install_it() {
    let server = Server::start();
    for (version, code, hint) in [
        (
            "0.3.0",
            "55000",
            Some("Install the library of tablenet 0.3.0, and connect again."),
        ),
        (
            "0.10.0",
            "55000",
            Some("Install the library of tablenet 0.10.0, and connect again."),
        ),
        (
            "devel",
            "55000",
            Some("Install the library of tablenet devel, and connect again."),
        ),
        (
            "0.1.9",
            "55000",
            Some("Run ALTER EXTENSION tablenet UPDATE in this database."),
        ),
        // The model is missing, and that is all.
        (env!("CARGO_PKG_VERSION"), "42704", None),
    ] {
        let mut client = server.connect();
        client
            .execute(
                "UPDATE pg_extension SET extversion = $1 WHERE extname = 'tablenet'",
                &[&version],
            )
            .expect("a superuser may");
        let error = failure(&mut client, "SELECT ml_predict('none', 1)");
        assert_eq!(error.code().code(), code, "{version}: {error}");
        if hint.is_some() {
            assert_eq!(error.hint(), hint, "{version}");
            assert!(
                error
                    .message()
                    .contains(&format!("tables of tablenet {version},")),
                "{error}"
            );
        }
    }
}

#[test]
fn models_stay_and_predict_as_they_did() {
    let server = server_of_0_1_0();
    let mut client = server.connect();
    client
        .batch_execute("ALTER EXTENSION tablenet UPDATE")
        .expect("updates");
    assert_eq!(predictions(&server, "postgres"), recorded());

    let models = psql(
        &server,
        &[
            "-At",
            "-c",
            "SELECT name, owner, deployed, next_version, previous FROM tablenet.stored_model ORDER BY model_id",
        ],
    );
    assert_eq!(
        models,
        "price|surveyor|1|2|\nsold|surveyor|2|3|\nkind of flat|\"the clerk\"|1|2|\n"
    );
    let mut surveyor = server.connect();
    surveyor
        .batch_execute("GRANT SELECT ON flats TO surveyor; SET ROLE surveyor")
        .expect("sets");
    let seen =
        "SELECT count(*)::float8 FROM tablenet.models WHERE privilege = 'own' AND version > 0";
    assert_eq!(number(&mut surveyor, seen), 2.0);
    // Versions are counted on from the one there was, and the training goes on from its state.
    for (model, version) in [("price", 2.0), ("sold", 3.0)] {
        let fit = format!(
            "SELECT version::float8 FROM ml_partial_fit('{model}', 'SELECT * FROM flats WHERE price IS NOT NULL')"
        );
        assert_eq!(number(&mut surveyor, &fit), version, "{model}");
    }
    let old = "SELECT ml_predict('sold@2', 80, 3) - ml_predict('sold', 80, 3)";
    assert_ne!(number(&mut surveyor, old), 0.0);
    assert_eq!(
        refusal(
            &mut surveyor,
            "SELECT ml_predict_class('kind of flat', 80, 'Jena')"
        ),
        "42704"
    );
    let new = "SELECT model_id::float8 FROM tablenet.stored_model WHERE name = 'new'";
    client
        .batch_execute("SELECT * FROM ml_train('new', 'SELECT area, price FROM flats WHERE price IS NOT NULL', 'price', epochs => 1)")
        .expect("trains");
    assert_eq!(number(&mut client, new), 5.0, "keys are counted on, too");
}

#[test]
fn a_dump_of_the_old_version_is_loaded_into_it_and_then_updated() {
    let server = server_of_0_1_0();
    let dump = server.data().with_file_name("dump").display().to_string();
    output(&server, "pg_dump", &["-f", &dump]);
    server
        .connect()
        .batch_execute("CREATE DATABASE copy")
        .expect("a database");
    let load = ["-d", "copy", "-o", "/dev/null", "-f", &dump];
    let early = client_program("psql", &server)
        .args(["-X", "-v", "ON_ERROR_STOP=1", "--single-transaction"])
        .args(load)
        .output()
        .expect("psql starts");
    let errors = String::from_utf8_lossy(&early.stderr);
    assert!(errors.contains("next_version"), "{errors}");

    let mut copy = server.connect_to("copy");
    copy.batch_execute("CREATE EXTENSION tablenet VERSION '0.1.0'")
        .expect("installs 0.1.0");
    psql(&server, &load);
    copy.batch_execute("ALTER EXTENSION tablenet UPDATE")
        .expect("updates");
    assert_eq!(predictions(&server, "copy"), recorded());
}

#[test]
fn an_update_is_what_a_fresh_install_is() {
    let server = Server::start();
    // In a schema of any name, and with a hostile search path.
    for schema in ["public", "we $ird \"name\" of 'it"] {
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        let mut snapshots = Vec::new();
        for install in ["VERSION '0.1.0'", ""] {
            server
                .connect()
                .batch_execute("DROP DATABASE IF EXISTS made")
                .and_then(|()| server.connect().batch_execute("CREATE DATABASE made"))
                .expect("a database");
            let mut client = server.connect_to("made");
            client
                .batch_execute(&format!(
                    "CREATE SCHEMA IF NOT EXISTS {quoted}; CREATE EXTENSION tablenet SCHEMA {quoted} {install};
                     CREATE SCHEMA evil;
                     CREATE FUNCTION evil.add(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
                     CREATE OPERATOR evil.+ (FUNCTION = evil.add, LEFTARG = int, RIGHTARG = int);
                     CREATE FUNCTION evil.same(oid, int) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 0';
                     CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = oid, RIGHTARG = int);
                     CREATE FUNCTION evil.pg_extension_config_dump(regclass, text) RETURNS void LANGUAGE sql AS 'SELECT 1 / 0';
                     CREATE FUNCTION evil.pg_has_role(oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 0';
                     CREATE DOMAIN evil.text AS int; CREATE DOMAIN evil.float8 AS int; CREATE DOMAIN evil.bytea AS int;
                     CREATE TEMP TABLE stored_model (x int); CREATE TEMP TABLE pg_roles (x int);
                     SET search_path = evil, pg_temp, pg_catalog;
                     ALTER EXTENSION tablenet UPDATE;
                     RESET search_path"
                ))
                .expect("installs and updates");
            snapshots.push(catalog::extension(&mut client));
        }
        assert!(snapshots[1].len() > 200, "{} lines", snapshots[1].len());
        catalog::assert_same(&snapshots[0], &snapshots[1]);
    }
}

#[test]
fn nothing_of_others_is_replaced_or_dropped() {
    let server = server_of_0_1_0();
    let mut client = server.connect();
    // A function with a name of ours: theirs stays and the update fails as a whole.
    client
        .batch_execute(
            "CREATE FUNCTION ml_deploy(text, text) RETURNS int LANGUAGE sql AS 'SELECT 7'",
        )
        .expect("creates");
    assert_eq!(
        refusal(&mut client, "ALTER EXTENSION tablenet UPDATE"),
        "42723"
    );
    assert_eq!(
        number(&mut client, "SELECT ml_deploy('a', 'b')::float8"),
        7.0
    );
    client.batch_execute("DROP FUNCTION ml_deploy(text, text); CREATE VIEW mine AS SELECT model FROM tablenet.models").expect("a view");
    assert_eq!(
        refusal(&mut client, "ALTER EXTENSION tablenet UPDATE"),
        "2BP01"
    );
    client
        .batch_execute("DROP VIEW mine; ALTER EXTENSION tablenet UPDATE")
        .expect("updates");
}

#[test]
fn every_symbol_of_any_script_is_in_the_library() {
    let server = Server::start();
    let mut client = server.connect();
    let mut symbols = Vec::new();
    for directory in [SQL.to_owned(), format!("{SQL}/install")] {
        for entry in fs::read_dir(&directory).expect("the scripts") {
            let path = entry.expect("an entry").path();
            if !path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("tablenet--"))
            {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a script");
            let found = text
                .split("'MODULE_PATHNAME', '")
                .skip(1)
                .filter_map(|rest| rest.split('\'').next());
            let before = symbols.len();
            symbols.extend(found.map(str::to_owned));
            assert!(
                symbols.len() > before,
                "{} names no function",
                path.display()
            );
        }
    }
    symbols.sort();
    symbols.dedup();
    assert!(symbols.len() > 20, "{symbols:?}");
    for symbol in symbols {
        // PostgreSQL looks for the function and for its record.
        client
            .batch_execute(&format!("CREATE FUNCTION pg_temp.{symbol}() RETURNS void LANGUAGE c AS '$libdir/tablenet', '{symbol}'"))
            .unwrap_or_else(|error| panic!("{symbol}: {error}"));
    }
}

#[test]
fn dropping_the_extension_drops_the_models_also_from_sessions_that_have_them_ready() {
    let server = Server::start();
    let mut admin = server.connect();
    admin
        .batch_execute("CREATE TABLE flats AS SELECT i AS area, 2.0 * i AS price FROM generate_series(1, 50) i")
        .expect("installs");
    let train = "SELECT * FROM ml_train('m', 'SELECT area, price FROM flats', 'price', epochs => 2, seed => ";
    admin.batch_execute(&format!("{train} 1)")).expect("trains");
    let mut config = server.config("postgres");
    let mut session = config.dbname("postgres").connect(NoTls).expect("connects");
    let prepared = session
        .prepare("SELECT ml_predict('m', 30::int)")
        .expect("prepares");
    let before: f64 = session.query_one(&prepared, &[]).expect("predicts").get(0);

    admin
        .batch_execute("DROP EXTENSION tablenet")
        .expect("drops");
    assert_eq!(
        refusal(&mut session, "SELECT ml_predict('m', 30::int)"),
        "42883"
    );
    assert!(
        session.query_one(&prepared, &[]).is_err(),
        "a plan of the old function"
    );
    admin
        .batch_execute("CREATE EXTENSION tablenet")
        .expect("installs again");
    assert_eq!(
        refusal(&mut session, "SELECT ml_predict('m', 30::int)"),
        "42704"
    );

    admin
        .batch_execute(&format!("{train} 2)"))
        .expect("trains another");
    let after = number(&mut session, "SELECT ml_predict('m', 30::int)");
    assert_ne!(after, before);
    assert_eq!(after, number(&mut admin, "SELECT ml_predict('m', 30::int)"));
    assert_eq!(
        number(&mut admin, "SELECT count(*)::float8 FROM tablenet.versions"),
        1.0
    );
}
