//! pg_dump and pg_restore in all their forms keep every model, version, grant and prediction.

use postgres::Client;
use server::models::{MODEL, ROLE, contents, create_models, literal, output, predictions, quoted};
use server::training::{number, refusal};
use server::{Installation, Server, catalog, client_program};
use std::process::Output;

/// What docs/operations.md has a superuser give to a role that restores models without being one.
const RESTORES: &str = "
    GRANT INSERT ON tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk, tablenet.stored_state,
                    tablenet.stored_grant TO restorer;
    GRANT UPDATE ON SEQUENCE tablenet.stored_model_model_id_seq TO restorer";
/// The same for one that dumps them.
const DUMPS: &str = "
    GRANT SELECT ON tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk, tablenet.stored_state,
                    tablenet.stored_grant, tablenet.stored_model_model_id_seq TO dumper";

/// What a copy has to have.
struct Original {
    contents: Vec<String>,
    predictions: Vec<String>,
}

impl Original {
    fn of(server: &Server) -> Original {
        let mut client = server.connect();
        let original = Original {
            contents: contents(&mut client),
            predictions: predictions(&mut client),
        };
        assert_eq!(
            original.predictions.len(),
            6,
            "versions: {:?}",
            original.predictions
        );
        let pieces = original
            .contents
            .iter()
            .filter(|line| line.starts_with("piece 3 "));
        assert!(pieces.count() > 4, "one model has many pieces");
        original
    }

    /// Compares, and then goes on as a user would.
    fn assert_copied(&self, copy: &mut Client, how: &str) {
        println!("{how}");
        catalog::assert_same(&contents(copy), &self.contents);
        assert_eq!(predictions(copy), self.predictions, "{how}");
        let houses = "SELECT 30 + i AS area, i % 5 AS rooms, 'Jena'::text AS city, 1000.0 * i AS price FROM generate_series(1, 60) i";
        for (model, version) in [("price", 4.0), (MODEL, 2.0), ("large", 2.0)] {
            let fit = format!(
                "SELECT version::float8 FROM ml_partial_fit({}, '{}')",
                literal(model),
                houses.replace('\'', "''")
            );
            assert_eq!(number(copy, &fit), version, "{how}: {model}");
        }
        assert_eq!(
            number(copy, "SELECT ml_deploy('price', 'previous')::float8"),
            2.0,
            "{how}"
        );
        copy.batch_execute(&format!(
            "SELECT ml_train('another', '{}', 'price', epochs => 1)",
            houses.replace('\'', "''")
        ))
        .expect("trains");
        let key = "SELECT model_id::float8 FROM tablenet.stored_model WHERE name = 'another'";
        assert_eq!(
            number(copy, key),
            7.0,
            "{how}: the key of the model that was dropped is not used again"
        );

        // Rights are those of the names.
        let predict = |model: &str| format!("SELECT ml_predict({}, 80, 3, 'Jena')", literal(model));
        copy.batch_execute("SET ROLE stranger").expect("sets");
        number(copy, &predict("price"));
        assert_eq!(refusal(copy, &predict("large")), "42704", "{how}");
        assert_eq!(refusal(copy, &predict(MODEL)), "42704", "{how}");
        assert_eq!(
            refusal(copy, "SELECT ml_deploy('price', 3)"),
            "42501",
            "{how}"
        );
        copy.batch_execute(&format!("SET ROLE {}", quoted(ROLE)))
            .expect("sets");
        number(copy, &predict(MODEL));
        number(copy, "SELECT ml_deploy('price', 3)::float8");
        copy.batch_execute("SET ROLE anna").expect("sets");
        number(copy, &predict("large"));
        assert_eq!(
            refusal(copy, &predict("orphan")),
            "42704",
            "{how}: a model without an owner"
        );
        copy.batch_execute("RESET ROLE").expect("resets");
        number(copy, &predict("orphan"));
    }
}

fn create_database(server: &Server, database: &str) {
    let mut client = server.connect();
    client
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .expect("a database");
}

fn psql(server: &Server, user: &str, database: &str, file: &str) -> Output {
    let mut psql = client_program("psql", server);
    psql.args([
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-v",
        "VERBOSITY=verbose",
        "-o",
        "/dev/null",
    ]);
    psql.args(["-U", user, "-d", database, "-f", file])
        .output()
        .expect("psql starts")
}

fn assert_loaded(output: &Output, how: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{how}: {errors}"
    );
}

#[test]
fn every_form_of_a_dump_keeps_every_model() {
    let server = Server::start();
    create_models(&server);
    let original = Original::of(&server);
    let file = |name: &str| server.data().with_file_name(name).display().to_string();

    for (form, options) in [("plain", &[][..]), ("inserts", &["--inserts"])] {
        let script = file(form);
        output(&server, "pg_dump", &[options, &["-f", &script]].concat());
        create_database(&server, form);
        assert_loaded(&psql(&server, "postgres", form, &script), form);
        original.assert_copied(&mut server.connect_to(form), form);
    }
    for (form, options, jobs) in [
        ("custom", &["-Fc"][..], "1"),
        ("directory", &["-Fd", "-j2"], "2"),
    ] {
        let archive = file(form);
        output(&server, "pg_dump", &[options, &["-f", &archive]].concat());
        create_database(&server, form);
        output(
            &server,
            "pg_restore",
            &["--exit-on-error", "-j", jobs, "-d", form, &archive],
        );
        original.assert_copied(&mut server.connect_to(form), form);
    }
    // A dump of a copy is one of the original.
    let again = file("again");
    output(&server, "pg_dump", &["-d", "plain", "-f", &again]);
    create_database(&server, "again");
    assert_loaded(&psql(&server, "postgres", "again", &again), "again");
    let copied = contents(&mut server.connect_to("again"));
    catalog::assert_same(&copied, &contents(&mut server.connect_to("plain")));
}

#[test]
fn models_alone_are_restored_by_whoever_was_given_the_right() {
    let server = Server::start();
    create_models(&server);
    let original = Original::of(&server);
    let file = |name: &str| server.data().with_file_name(name).display().to_string();
    server
        .connect()
        .batch_execute("CREATE ROLE dumper LOGIN; CREATE ROLE restorer LOGIN")
        .expect("roles");

    // Nobody dumps the models without being told that they may.
    let script = file("models");
    let dump = [
        "--data-only",
        "--table=tablenet.stored_*",
        "-U",
        "dumper",
        "-f",
        &script,
    ];
    let refused = client_program("pg_dump", &server)
        .args(dump)
        .output()
        .expect("pg_dump starts");
    let errors = String::from_utf8_lossy(&refused.stderr);
    // 18 says it in other words.
    assert!(
        !refused.status.success() && errors.contains("stored_model"),
        "{errors}"
    );
    server.connect().batch_execute(DUMPS).expect("grants");
    output(&server, "pg_dump", &dump);

    create_database(&server, "empty");
    server
        .connect_to("empty")
        .batch_execute("CREATE EXTENSION tablenet")
        .expect("installs");
    assert_loaded(
        &psql(&server, "postgres", "empty", &script),
        "by a superuser",
    );
    original.assert_copied(
        &mut server.connect_to("empty"),
        "--data-only by a superuser",
    );

    create_database(&server, "granted");
    let mut client = server.connect_to("granted");
    client
        .batch_execute("CREATE EXTENSION tablenet")
        .expect("installs");
    let refused = psql(&server, "restorer", "granted", &script);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && errors.contains("42501"),
        "{errors}"
    );
    assert_eq!(
        number(
            &mut client,
            "SELECT count(*)::float8 FROM tablenet.stored_model"
        ),
        0.0
    );
    client.batch_execute(RESTORES).expect("grants");
    assert_loaded(
        &psql(&server, "restorer", "granted", &script),
        "by a role that is no superuser",
    );
    original.assert_copied(&mut client, "--data-only by a role that is no superuser");
    // It may add models, and that is all.
    let mut restorer = server.config("restorer");
    let mut restorer = restorer
        .dbname("granted")
        .connect(postgres::NoTls)
        .expect("connects");
    for statement in [
        "SELECT * FROM tablenet.stored_model",
        "DELETE FROM tablenet.stored_chunk",
        "UPDATE tablenet.stored_model SET owner = 'restorer'",
    ] {
        assert_eq!(refusal(&mut restorer, statement), "42501", "{statement}");
    }
}

#[test]
fn a_model_without_an_owner_gets_one_before_the_dump() {
    let server = Server::start();
    create_models(&server);
    let mut client = server.connect();
    let owner = "SELECT (owner::text ~ '^[0-9]+$')::int::float8 FROM tablenet.stored_model WHERE name = 'orphan'";
    assert_eq!(
        number(&mut client, owner),
        1.0,
        "the number of a role that is gone"
    );
    client
        .batch_execute("SELECT ml_grant('orphan', 'anna', 'own')")
        .expect("grants");
    let script = server.data().with_file_name("dump").display().to_string();
    output(&server, "pg_dump", &["-f", &script]);
    create_database(&server, "copy");
    assert_loaded(&psql(&server, "postgres", "copy", &script), "with an owner");
    let mut copy = server.connect_to("copy");
    copy.batch_execute("SET ROLE anna").expect("sets");
    number(&mut copy, "SELECT ml_predict('orphan', 80, 3, 'Jena')");
}

#[test]
fn another_server_needs_the_roles_first() {
    let server = Server::start();
    create_models(&server);
    let original = Original::of(&server);
    let file = |name: &str| server.data().with_file_name(name).display().to_string();
    let (roles, script, all) = (file("roles"), file("dump"), file("all"));
    output(&server, "pg_dumpall", &["--roles-only", "-f", &roles]);
    output(
        &server,
        "pg_dump",
        &["--no-owner", "--no-privileges", "-f", &script],
    );
    output(&server, "pg_dumpall", &["-f", &all]);

    // The newest PostgreSQL that is tested in this run.
    let installation = Installation::all().pop().expect("one at least");
    let other = Server::bare(&installation, &[]);
    create_database(&other, "early");
    let refused = psql(&other, "postgres", "early", &script);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(errors.contains("42704: role "), "{errors}");

    // The roles, all but the one that every server has.
    let known = "CREATE ROLE postgres;";
    let text = std::fs::read_to_string(&roles).expect("a dump");
    assert!(text.contains(known), "{text}");
    std::fs::write(&roles, text.replace(known, "")).expect("writes");
    assert_loaded(&psql(&other, "postgres", "postgres", &roles), "roles");
    create_database(&other, "late");
    assert_loaded(
        &psql(&other, "postgres", "late", &script),
        "after the roles",
    );
    original.assert_copied(&mut other.connect_to("late"), "another server");

    // The whole server, into one that is new.
    let whole = Server::bare(&installation, &[]);
    let text = std::fs::read_to_string(&all).expect("a dump");
    std::fs::write(&all, text.replace(known, "")).expect("writes");
    assert_loaded(&psql(&whole, "postgres", "postgres", &all), "pg_dumpall");
    original.assert_copied(&mut whole.connect(), "pg_dumpall");
}
