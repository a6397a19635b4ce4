//! An answer is never that of a version which the statement does not see, whatever the session keeps.

use postgres::Client;
use server::Server;
use server::sessions::{price, session, train};
use server::training::{create_houses, number, refusal, run};

/// A server with one version of the model m, and what it predicts.
fn server() -> (Server, Client, f64) {
    let server = Server::start();
    let mut client = session(&server);
    create_houses(&mut client);
    run(&mut client, &train("m", ""));
    let old = price(&mut client, "m");
    (server, client, old)
}

#[test]
fn after_a_rollback() {
    let (_server, mut client, old) = server();
    run(
        &mut client,
        &format!("BEGIN; {}", train("m", ", seed => 1")),
    );
    let new = price(&mut client, "m");
    assert_ne!(new, old);
    run(&mut client, "ROLLBACK");
    assert_eq!(price(&mut client, "m"), old);
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('m@2', 80, 3)"),
        "42704"
    );

    // The number of the version is the same again, the version is not.
    run(&mut client, &train("m", ", seed => 2"));
    let other = price(&mut client, "m@2");
    assert!(other != new && other != old);

    run(
        &mut client,
        &format!("BEGIN; SAVEPOINT s; {}", train("m", ", seed => 3")),
    );
    assert_ne!(price(&mut client, "m"), other);
    run(&mut client, "ROLLBACK TO s");
    assert_eq!(price(&mut client, "m"), other);
    run(&mut client, "COMMIT");
}

#[test]
fn in_parallel_workers() {
    let (_server, mut client, _) = server();
    let force: &str = client
        .query_one(
            "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')",
            &[],
        )
        .map(|row| if row.get::<_, &str>(0) == "force_parallel_mode" { "force_parallel_mode" } else { "debug_parallel_query" })
        .expect("has one of them");
    let query = "SELECT sum(ml_predict('m', h)) FROM houses h";
    let old = number(&mut client, query);
    run(
        &mut client,
        &format!("BEGIN; {}", train("m", ", seed => 1")),
    );
    let alone = number(&mut client, query);
    run(&mut client, &format!("SET {force} = on"));
    let plan = client
        .query(&format!("EXPLAIN (ANALYZE, COSTS off) {query}"), &[])
        .expect("explains");
    assert!(
        plan.iter()
            .any(|row| row.get::<_, &str>(0).contains("Workers Launched: 1")),
        "it ran in a worker"
    );
    assert_ne!(alone, old);
    assert_eq!(
        number(&mut client, query),
        alone,
        "the worker sees the uncommitted version"
    );
    run(&mut client, "ROLLBACK");
    run(&mut client, &format!("SET {force} = on"));
    assert_eq!(number(&mut client, query), old);
}

#[test]
fn in_a_prepared_statement_with_a_generic_plan() {
    let (server, mut client, old) = server();
    let mut other = session(&server);
    run(
        &mut client,
        "SET plan_cache_mode = force_generic_plan; PREPARE p (float8) AS SELECT ml_predict('m', $1, 3);
         PREPARE q (text) AS SELECT ml_predict($1, 80, 3)",
    );
    let mut ask = |statement: &str| -> f64 {
        let rows = client.simple_query(statement).expect("answers");
        let value = rows.iter().find_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        value.expect("a number")
    };
    for _ in 0..2 {
        assert_eq!(ask("EXECUTE p (80)"), old);
        assert_eq!(ask("EXECUTE q ('m')"), old);
    }
    run(&mut other, &train("m", ", seed => 1"));
    let new = price(&mut other, "m");
    assert_ne!(new, old);
    assert_eq!(ask("EXECUTE p (80)"), new);
    assert_eq!(ask("EXECUTE q ('m')"), new);
    assert_eq!(ask("EXECUTE q ('m@1')"), old);
    run(&mut other, "SELECT ml_deploy('m', 1)");
    assert_eq!(ask("EXECUTE p (80)"), old);
    assert_eq!(ask("EXECUTE q ('m')"), old);
}

/// PL/pgSQL keeps the state of an expression for the whole transaction.
#[test]
fn in_an_expression_of_plpgsql() {
    let (server, mut client, old) = server();
    let mut other = session(&server);
    run(
        &mut client,
        "CREATE FUNCTION price(area float8) RETURNS float8 LANGUAGE plpgsql AS
            $$BEGIN RETURN ml_predict('m', area, 3); END$$",
    );
    let ask = |client: &mut Client| number(client, "SELECT price(80)");
    run(&mut client, "BEGIN");
    assert_eq!(ask(&mut client), old);
    run(&mut other, &train("m", ", seed => 1"));
    let new = price(&mut other, "m");
    assert_eq!(
        ask(&mut client),
        new,
        "of another session, at the next statement"
    );
    run(&mut client, "SAVEPOINT s");
    run(&mut client, &train("m", ", seed => 2"));
    let own = ask(&mut client);
    assert!(own != new && own != old, "its own");
    run(&mut client, "ROLLBACK TO s");
    assert_eq!(ask(&mut client), new);
    run(&mut client, "SELECT ml_deploy('m', 1)");
    assert_eq!(ask(&mut client), old);
    run(&mut client, "ROLLBACK");
    assert_eq!(ask(&mut client), new);

    // All in one statement: what an exception takes back is gone for the same expression.
    run(
        &mut client,
        &format!(
            "CREATE TABLE seen (step int, answer float8);
             DO $$ BEGIN
                 FOR step IN 1 .. 3 LOOP
                     INSERT INTO seen VALUES (step, price(80));
                     BEGIN
                         PERFORM ml_deploy('m', 1);
                         IF price(80) <> {old:?} THEN RAISE 'stale within'; END IF;
                         RAISE division_by_zero;
                     EXCEPTION WHEN division_by_zero THEN
                     END;
                     INSERT INTO seen VALUES (step, price(80));
                 END LOOP;
             END $$"
        ),
    );
    let seen = client
        .query("SELECT answer FROM seen", &[])
        .expect("answers");
    assert_eq!(seen.len(), 6);
    assert!(seen.iter().all(|row| row.get::<_, f64>(0) == new));

    // A procedure that commits goes on with the same expression.
    run(
        &mut client,
        &format!(
            "CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$
             DECLARE answer float8;
             BEGIN
                 FOR version IN 1 .. 2 LOOP
                     PERFORM ml_deploy('m', version);
                     COMMIT;
                     answer := ml_predict('m', 80, 3);
                     IF answer <> (CASE version WHEN 1 THEN {old:?} ELSE {new:?} END) THEN RAISE 'stale'; END IF;
                 END LOOP;
             END $$"
        ),
    );
    run(&mut client, "CALL steps()");
}

/// A cursor answers from the snapshot that it was opened with.
#[test]
fn in_a_cursor_that_is_open_across_a_deploy() {
    let (server, mut client, _) = server();
    let mut other = session(&server);
    let query = "SELECT id, ml_predict('m', h) AS answer FROM houses h";
    run(&mut client, &format!("CREATE TABLE expected AS {query}"));
    for hold in ["", "WITH HOLD"] {
        run(
            &mut client,
            &format!("BEGIN; DECLARE c CURSOR {hold} FOR {query}"),
        );
        let mut rows = client.query("FETCH 10 FROM c", &[]).expect("fetches");
        run(&mut other, &train("m", ", seed => 1"));
        rows.extend(client.query("FETCH 10 FROM c", &[]).expect("fetches"));
        run(&mut client, &train("m", ", seed => 2"));
        if hold.is_empty() {
            run(&mut client, "SELECT ml_drop('m')");
        } else {
            run(&mut client, "COMMIT");
        }
        rows.extend(client.query("FETCH ALL FROM c", &[]).expect("fetches"));
        assert_eq!(rows.len(), 2000);
        for row in rows {
            let (id, answer): (i32, f64) = (row.get(0), row.get(1));
            let expected = format!("SELECT answer FROM expected WHERE id = {id}");
            if id % 100 == 0 {
                assert_eq!(number(&mut client, &expected), answer, "{hold} row {id}");
            }
        }
        run(&mut client, "ROLLBACK");
        run(&mut client, "SELECT ml_deploy('m', 1)");
    }
}

#[test]
fn after_the_extension_is_dropped_and_created() {
    let (_server, mut client, old) = server();
    run(
        &mut client,
        "DROP EXTENSION tablenet; CREATE EXTENSION tablenet",
    );
    assert_eq!(
        refusal(&mut client, "SELECT ml_predict('m', 80, 3)"),
        "42704"
    );
    run(&mut client, &train("m", ", seed => 1"));
    let new = price(&mut client, "m");
    assert_ne!(new, old);
    for change in [
        "SELECT ml_deploy('m', 1)",
        "SELECT ml_rename('m', 'n')",
        "SELECT ml_rename('n', 'm')",
    ] {
        run(&mut client, change);
    }

    // Taken back, the old tables are there again.
    run(
        &mut client,
        &format!(
            "BEGIN; DROP EXTENSION tablenet; CREATE EXTENSION tablenet; {}",
            train("m", ", seed => 2")
        ),
    );
    assert_ne!(price(&mut client, "m"), new);
    run(&mut client, "ROLLBACK");
    assert_eq!(price(&mut client, "m"), new);
    run(&mut client, &train("m", ""));
    assert_eq!(price(&mut client, "m"), old, "as it was trained at first");
}
