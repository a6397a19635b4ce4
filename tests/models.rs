//! Models of every kind that a copy of a database has to keep, and what tells whether it did.

use crate::training::{create_houses, dense_layers, run};
use crate::{Server, client_program};
use postgres::Client;

/// A role with everything in its name that has to be quoted, and as many bytes as a name may have.
pub const ROLE: &str = "Bob's \"team\" $1 \\ ünïcödé 012345678901234567890123456789012";
/// A model with no less in its name.
pub const MODEL: &str = "it's \"a\" $1 $$ \\t model;--\tünïcödé 🙂 0123456789012345678";

/// Creates roles, and models of theirs: with several versions, grants to roles, to PUBLIC and to one that was dropped,
/// without a deployed version, without an owner, of many pieces. All have the features area, rooms and city.
pub fn create_models(server: &Server) {
    let mut client = server.connect();
    create_houses(&mut client);
    let role = quoted(ROLE);
    assert_eq!(ROLE.len(), 63);
    run(
        &mut client,
        &format!(
            "CREATE ROLE anna LOGIN; CREATE ROLE {role} LOGIN; CREATE ROLE left_us LOGIN; CREATE ROLE was_granted; CREATE ROLE stranger LOGIN;
             GRANT SELECT ON houses TO anna, {role}, left_us"
        ),
    );
    let train = |client: &mut Client, model: &str, rest: &str| {
        let query = "SELECT area, rooms, city, price FROM houses WHERE city <> 'a\\b''c' LIMIT 200";
        let call = format!("SELECT * FROM ml_train($1, $2, 'price', {rest})");
        let done = client.execute(&call, &[&model, &query]);
        done.unwrap_or_else(|error| panic!("{model}: {error:?}"));
    };

    let mut anna = server.connect_as("anna");
    for seed in 1..=3 {
        train(
            &mut anna,
            "price",
            &format!("epochs => 2, optimizer => 'adam', seed => {seed}"),
        );
    }
    run(
        &mut anna,
        &format!(
            "SELECT ml_deploy('price', 2); SELECT ml_drop('price', 1); SELECT ml_grant('price', 'public', 'predict');
             SELECT ml_grant('price', {}, 'train'); SELECT ml_grant('price', 'was_granted', 'own')",
            literal(ROLE)
        ),
    );
    train(&mut anna, "waits", "epochs => 1, deploy => 'never'");
    let layers = dense_layers(&[1200, 1200]);
    train(
        &mut anna,
        "large",
        &format!("epochs => 1, optimizer => 'adam', layers => '{layers}'"),
    );

    train(
        &mut server.connect_as(ROLE),
        MODEL,
        "epochs => 2, optimizer => 'sgd'",
    );
    train(&mut server.connect_as("left_us"), "orphan", "epochs => 2");
    // The last key is of none.
    train(&mut anna, "gone", "epochs => 1");
    run(&mut anna, "SELECT ml_drop('gone')");
    run(
        &mut client,
        "DROP OWNED BY left_us; DROP ROLE left_us; DROP ROLE was_granted",
    );
}

/// Everything that is stored of the models, as lines in order; what was granted to roles that are gone is left out.
pub fn contents(client: &mut Client) -> Vec<String> {
    let query = "
        SELECT 'model ' || m FROM tablenet.stored_model m
        UNION ALL SELECT 'version ' || v FROM tablenet.stored_version v
        UNION ALL SELECT concat_ws(' ', 'piece', model_id, version, chunk, sha256(bytes)) FROM tablenet.stored_chunk
        UNION ALL SELECT concat_ws(' ', 'state', model_id, version, chunk, sha256(bytes)) FROM tablenet.stored_state
        UNION ALL SELECT 'grant ' || g FROM tablenet.stored_grant g WHERE grantee = 0 OR grantee IN (SELECT oid FROM pg_roles)
        UNION ALL SELECT concat_ws(' ', 'sequence', last_value, is_called) FROM tablenet.stored_model_model_id_seq";
    let mut lines: Vec<String> = rows(client, query);
    lines.sort();
    lines
}

/// What every version of every model predicts, to the last bit.
pub fn predictions(client: &mut Client) -> Vec<String> {
    let query = "
        SELECT concat_ws(' ', m.name, v.version, string_agg(
                   ml_predict(m.name || '@' || v.version, h.area, h.rooms, h.city)::text, ' ' ORDER BY h.area))
          FROM tablenet.stored_model m JOIN tablenet.stored_version v USING (model_id),
               (VALUES (31::float8, 3, 'Berlin'), (80, 1, 'Jena'), (80.5, 5, 'Ulm'), (149, 4, NULL)) AS h (area, rooms, city)
         GROUP BY m.name, v.version ORDER BY 1";
    rows(client, query)
}

fn rows(client: &mut Client, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]);
    let rows = rows.unwrap_or_else(|error| panic!("{query}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// `name` as an identifier.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as a literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Runs a client program of `server`, whose status has to be 0, and answers what it prints.
pub fn output(server: &Server, program: &str, arguments: &[&str]) -> String {
    let output = client_program(program, server).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
