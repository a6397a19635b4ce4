//! The tables behind the views, which nobody but the extension's owner touches.

use super::roles::{self, ROLES};
use super::{attempt, texts};

/// What is tried on each; `$t` is the table, `$c` one of its columns.
const STATEMENTS: [&str; 15] = [
    "TABLE $t",
    "SELECT count(*) FROM $t",
    "SELECT $c FROM $t LIMIT 0",
    "COPY $t TO STDOUT",
    "COPY $t FROM STDIN",
    "INSERT INTO $t DEFAULT VALUES",
    "UPDATE $t SET $c = NULL",
    "DELETE FROM $t",
    "TRUNCATE $t",
    "LOCK TABLE $t IN ACCESS SHARE MODE",
    "LOCK TABLE $t IN ACCESS EXCLUSIVE MODE",
    "CREATE TRIGGER mine BEFORE INSERT ON $t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON DELETE TO $t DO INSTEAD NOTHING",
    "CREATE POLICY mine ON $t",
    "CREATE TABLE mine () INHERITS ($t)",
];

/// What else would open a table, or hold it.
const OTHERS: [&str; 11] = [
    "CREATE TABLE mine (x bigint REFERENCES tablenet.stored_model)",
    "CREATE TABLE mine (LIKE tablenet.stored_version)",
    "CREATE INDEX ON tablenet.stored_model (owner)",
    "CREATE STATISTICS mine ON name, owner FROM tablenet.stored_model",
    "ALTER TABLE tablenet.stored_model ENABLE ROW LEVEL SECURITY",
    "GRANT INSERT ON tablenet.stored_chunk TO PUBLIC",
    "SELECT nextval('tablenet.stored_model_model_id_seq')",
    "SELECT setval('tablenet.stored_model_model_id_seq', 1)",
    "SELECT last_value FROM tablenet.stored_model_model_id_seq",
    "CREATE TABLE tablenet.mine ()",
    "TABLE tablenet.usable_model",
];

/// What PostgreSQL itself gives with its roles of all data.
fn of_all_data(role: &str, statement: &str) -> bool {
    let begins = |words: &[&str]| words.iter().any(|word| statement.starts_with(word));
    match role {
        // Whoever may insert gets a warning that nothing was granted.
        "pg_read_all_data" | "pg_write_all_data" if statement.starts_with("GRANT") => true,
        "pg_read_all_data" => {
            begins(&[
                "TABLE",
                "SELECT count",
                "SELECT name",
                "SELECT rows",
                "SELECT bytes",
                "SELECT privilege",
                "SELECT last_value",
            ]) || statement.ends_with("TO STDOUT")
                || statement.ends_with("ACCESS SHARE MODE")
                || statement.contains("(LIKE ")
        }
        "pg_write_all_data" => {
            begins(&[
                "INSERT",
                "UPDATE",
                "DELETE",
                "LOCK TABLE",
                "SELECT nextval",
                "SELECT setval",
            ]) || statement.ends_with("FROM STDIN")
        }
        _ => false,
    }
}

#[test]
fn the_tables_are_closed_to_all() {
    let server = roles::server();
    let mut client = server.connect();
    client
        .batch_execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        .expect("grants");
    let mut transaction = client.transaction().expect("begins");
    let superusers = ["superuser", "the extension's owner"];
    for role in ROLES
        .iter()
        .filter(|role| role.answers() && !superusers.contains(&role.name))
    {
        for (table, column) in [
            ("stored_model", "name"),
            ("stored_version", "rows"),
            ("stored_chunk", "bytes"),
            ("stored_state", "bytes"),
            ("stored_grant", "privilege"),
        ] {
            for statement in STATEMENTS {
                let statement = statement
                    .replace("$t", &format!("tablenet.{table}"))
                    .replace("$c", column);
                refused(&mut transaction, role, &statement);
            }
        }
        for statement in OTHERS {
            refused(&mut transaction, role, statement);
        }
        // What pg_stats knows of the tables is for those who may read them.
        if role.name != "pg_read_all_data" {
            assert!(
                texts(
                    &mut transaction,
                    role,
                    "SELECT tablename FROM pg_stats WHERE schemaname = 'tablenet'"
                )
                .is_empty()
            );
        }
        for view in ["models", "versions", "history", "grants"] {
            for statement in [
                "DELETE FROM $t",
                "INSERT INTO $t DEFAULT VALUES",
                "LOCK TABLE $t IN ROW EXCLUSIVE MODE",
            ] {
                let statement = statement.replace("$t", &format!("tablenet.{view}"));
                let error = attempt(&mut transaction, &role.says(&statement)).err();
                let code = error.as_ref().map(|error| error.code().code());
                let closed =
                    matches!(code, Some("42501" | "55000")) || of_all_data(role.name, &statement);
                assert!(closed, "{}: {statement}: {error:?}", role.name);
            }
        }
    }
}

fn refused(transaction: &mut postgres::Transaction<'_>, role: &roles::Role, statement: &str) {
    if of_all_data(role.name, statement) {
        return;
    }
    let error = attempt(transaction, &role.says(statement)).err();
    let code = error.as_ref().map(|error| error.code().code());
    assert_eq!(code, Some("42501"), "{}: {statement}: {error:?}", role.name);
}
