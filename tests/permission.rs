//! Who may do what: rights are per model, and the query of a training runs as its caller.

use postgres::Client;
use server::Server;
use server::training::{create_houses, number, refusal};

const TRAIN: &str = "SELECT * FROM ml_train('prices', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)";

/// A server with the roles owner, colleague (a member of owner) and stranger, and a model of owner's.
fn server_with_roles() -> Server {
    let server = Server::start();
    let mut client = server.connect();
    create_houses(&mut client);
    client
        .batch_execute(
            "CREATE ROLE owner LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE colleague LOGIN IN ROLE owner;
             GRANT SELECT ON houses TO owner, stranger;
             CREATE TABLE secret AS SELECT * FROM houses",
        )
        .expect("creates the roles");
    server
        .connect_as("owner")
        .batch_execute(TRAIN)
        .expect("owner may train");
    server
}

fn models_seen(client: &mut Client) -> f64 {
    number(client, "SELECT count(*)::float8 FROM tablenet.models")
}

#[test]
fn only_the_owner_and_the_superuser_use_a_model() {
    let server = server_with_roles();
    for user in ["owner", "colleague", "postgres"] {
        let mut client = server.connect_as(user);
        number(&mut client, "SELECT ml_predict('prices', 80, 3)");
        number(
            &mut client,
            "SELECT count(*)::float8 FROM ml_history('prices')",
        );
        assert_eq!(models_seen(&mut client), 1.0, "{user}");
    }
    let mut stranger = server.connect_as("stranger");
    for statement in [
        "SELECT ml_predict('prices', 80, 3)",
        "SELECT ml_predict_values('prices', 80, 3)",
        "SELECT * FROM ml_evaluate('prices', 'SELECT * FROM houses')",
        "SELECT * FROM ml_history('prices')",
        "SELECT * FROM ml_summary('prices')",
        "SELECT ml_drop('prices')",
    ] {
        assert_eq!(refusal(&mut stranger, statement), "42704", "{statement}");
    }
    assert_eq!(refusal(&mut stranger, TRAIN), "42710");
    assert_eq!(models_seen(&mut stranger), 0.0);
    number(
        &mut server.connect_as("owner"),
        "SELECT ml_predict('prices', 80, 3)",
    );
}

#[test]
fn rights_are_checked_at_every_statement() {
    let server = server_with_roles();
    let mut colleague = server.connect_as("colleague");
    number(&mut colleague, "SELECT ml_predict('prices', 80, 3)");
    server
        .connect()
        .batch_execute("REVOKE owner FROM colleague")
        .expect("revokes");
    assert_eq!(
        refusal(&mut colleague, "SELECT ml_predict('prices', 80, 3)"),
        "42704",
        "although the session has it cached"
    );

    let mut root = server.connect();
    number(&mut root, "SELECT ml_predict('prices', 80, 3)");
    root.batch_execute("SET ROLE stranger").expect("sets");
    assert_eq!(
        refusal(&mut root, "SELECT ml_predict('prices', 80, 3)"),
        "42704"
    );
    root.batch_execute("RESET ROLE").expect("resets");
    number(&mut root, "SELECT ml_predict('prices', 80, 3)");
}

#[test]
fn nobody_touches_the_tables() {
    let server = server_with_roles();
    let mut owner = server.connect_as("owner");
    for (table, column) in [
        ("stored_model", "deployed"),
        ("stored_version", "rows"),
        ("stored_chunk", "bytes"),
        ("stored_state", "bytes"),
        ("stored_grant", "privilege"),
    ] {
        let table = format!("tablenet.{table}");
        for statement in [
            format!("SELECT * FROM {table}"),
            format!("DELETE FROM {table}"),
            format!("UPDATE {table} SET {column} = {column}"),
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("TRUNCATE {table}"),
        ] {
            assert_eq!(refusal(&mut owner, &statement), "42501", "{statement}");
        }
    }
    assert_eq!(refusal(&mut owner, "DELETE FROM tablenet.models"), "55000");
    assert_eq!(
        refusal(&mut owner, "CREATE TABLE tablenet.mine (x int)"),
        "42501"
    );
}

#[test]
fn the_query_runs_as_its_caller() {
    let server = server_with_roles();
    let mut owner = server.connect_as("owner");
    let secret = "SELECT * FROM ml_train('s', 'SELECT area, rooms, price FROM secret', 'price', epochs => 1)";
    assert_eq!(refusal(&mut owner, secret), "42501");
    assert_eq!(
        refusal(
            &mut owner,
            "SELECT * FROM ml_evaluate('prices', 'SELECT * FROM secret')"
        ),
        "42501"
    );

    // A function in the query sees the caller too, and no switch of user is left after an error.
    let mut root = server.connect();
    root.batch_execute(
        "CREATE FUNCTION who_am_i() RETURNS float8 LANGUAGE plpgsql AS
             $$BEGIN IF current_user <> 'owner' THEN RAISE 'runs as %', current_user; END IF; RETURN random(); END$$",
    )
    .expect("creates");
    owner
        .batch_execute("SELECT * FROM ml_train('w', 'SELECT area, who_am_i() AS x, price FROM houses LIMIT 50', 'price', epochs => 1)")
        .expect("trains as owner");
    refusal(
        &mut owner,
        "SELECT * FROM ml_train('w', 'SELECT 1/(rooms - 3) AS x, price FROM houses', 'price', epochs => 1)",
    );
    let row = owner
        .query_one("SELECT current_user::text", &[])
        .expect("answers");
    assert_eq!(row.get::<_, &str>(0), "owner");
}

#[test]
fn row_level_security_hides_rows_from_a_training() {
    let server = server_with_roles();
    server
        .connect()
        .batch_execute(
            "ALTER TABLE houses ENABLE ROW LEVEL SECURITY;
             CREATE POLICY few ON houses FOR SELECT TO owner USING (id <= 100)",
        )
        .expect("sets the policy");
    let mut owner = server.connect_as("owner");
    let rows = "SELECT rows::float8 FROM ml_train('few', 'SELECT area, rooms, price FROM houses', 'price', epochs => 1)";
    assert_eq!(number(&mut owner, rows), 100.0);
}
