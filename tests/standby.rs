//! A streaming standby answers as its primary does, without writing anything, and sees every change that it has replayed.

use postgres::Client;
use server::Server;
use server::sessions::{price, session, session_as, train};
use server::training::{create_houses, number, refusal, run};
use std::time::{Duration, Instant};

/// A server with the tables of the tests, a model m of two versions and a role `reader` that may predict with it.
fn primary() -> (Server, Client) {
    let server = Server::with(&["autovacuum = off"]);
    let mut client = session(&server);
    create_houses(&mut client);
    run(
        &mut client,
        "CREATE TABLE large AS SELECT area, rooms, rooms > 3 AS large FROM houses; CREATE ROLE reader LOGIN",
    );
    run(&mut client, &train("m", ""));
    run(&mut client, &train("m", ", seed => 1"));
    run(
        &mut client,
        "SELECT ml_train('c', 'SELECT * FROM large', 'large', epochs => 1)",
    );
    run(&mut client, "SELECT ml_grant('m', 'reader', 'predict')");
    (server, client)
}

/// Everything that only reads: each answers one text.
const READS: [&str; 16] = [
    "SELECT string_agg(ml_predict('m', h)::text, ' ') FROM houses h",
    "SELECT string_agg(ml_predict('m@1', h)::text, ' ') FROM houses h",
    "SELECT string_agg(ml_predict_class('c', l), ' ') FROM large l",
    "SELECT string_agg(ml_predict_proba('c', l)::text, ' ') FROM large l",
    "SELECT string_agg(ml_predict_values('m', h)::text, ' ') FROM houses h",
    "SELECT string_agg(e::text, ' ') FROM ml_evaluate('m', 'SELECT * FROM houses') e",
    "SELECT string_agg(s::text, ' ') FROM ml_summary('m') s",
    "SELECT string_agg(h::text, ' ') FROM ml_history('m') h",
    "SELECT string_agg(f::text, ' ') FROM ml_feature_info('m') f",
    "SELECT string_agg(t::text, ' ') FROM ml_transform('m', 'SELECT * FROM houses') t",
    "SELECT string_agg(d::text, ' ') FROM ml_drift('m', 'SELECT * FROM houses') d",
    "SELECT string_agg(m::text, ' ') FROM tablenet.models m",
    "SELECT string_agg(v::text, ' ') FROM tablenet.versions v",
    "SELECT string_agg(h::text, ' ') FROM tablenet.history h",
    "SELECT string_agg(g::text, ' ') FROM tablenet.grants g",
    "SELECT ml_version()",
];

#[test]
fn reads_everything_and_writes_nothing() {
    let (server, mut client) = primary();
    let standby = server.standby(&[]);
    let mut there = session(&standby);
    server.wait_for(&mut there);
    for query in READS {
        let here: String = client.query_one(query, &[]).expect(query).get(0);
        run(&mut there, "BEGIN");
        let answer: String = there.query_one(query, &[]).expect(query).get(0);
        let assigned = "SELECT (pg_current_xact_id_if_assigned() IS NOT NULL)::int::float8";
        assert_eq!(number(&mut there, assigned), 0.0, "{query}");
        run(&mut there, "COMMIT");
        assert_eq!(answer, here, "{query}");

        run(&mut client, "BEGIN");
        client.query_one(query, &[]).expect(query);
        assert_eq!(
            number(&mut client, assigned),
            0.0,
            "{query}, on the primary"
        );
        run(&mut client, "COMMIT");
    }
    for change in [
        &*train("m", ""),
        &*train("new", ""),
        "SELECT ml_partial_fit('m', 'SELECT * FROM houses')",
        "SELECT ml_deploy('m', 1)",
        "SELECT ml_deploy('m', 'previous')",
        "SELECT ml_rename('m', 'n')",
        "SELECT ml_drop('m', 1)",
        "SELECT ml_drop('m')",
        "SELECT ml_grant('m', 'reader', 'train')",
        "SELECT ml_revoke('m', 'reader')",
    ] {
        assert_eq!(refusal(&mut there, change), "25006", "{change}");
        run(&mut client, "BEGIN READ ONLY");
        assert_eq!(refusal(&mut client, change), "25006", "{change}, read-only");
        run(&mut client, "ROLLBACK");
    }
}

/// On the primary, where a read could.
#[test]
fn a_prediction_writes_no_wal() {
    let (_server, mut client) = primary();
    // Hint bits are set, dead rows are gone: what is left to write is our own doing.
    run(&mut client, "VACUUM");
    let query =
        "SELECT sum(ml_predict('m', h)) + sum(length(ml_predict_class('c', h))) FROM houses h";
    number(&mut client, query);
    let plan = client
        .query(
            &format!("EXPLAIN (ANALYZE, WAL, COSTS off, TIMING off) {query}"),
            &[],
        )
        .expect("explains");
    let plan: Vec<&str> = plan.iter().map(|row| row.get(0)).collect();
    assert!(!plan.iter().any(|line| line.contains("WAL:")), "{plan:?}");

    // A checkpoint or a message of the server itself may come between once or twice.
    let unmoved = (0..5).any(|_| {
        let position = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8";
        let before = number(&mut client, position);
        for _ in 0..20 {
            number(&mut client, query);
        }
        number(&mut client, position) == before
    });
    assert!(unmoved, "every prediction writes");
}

#[test]
fn a_session_that_has_the_model_cached_sees_what_is_replayed() {
    let (server, mut client) = primary();
    let standby = server.standby(&[]);
    let mut there = session_as(&standby, "reader");
    let mut root = session(&standby);
    server.wait_for(&mut root);
    // A snapshot keeps its version here, too.
    let mut snapshot = session_as(&standby, "reader");
    run(&mut snapshot, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    let old = price(&mut snapshot, "m");
    assert_eq!(price(&mut there, "m"), old);

    run(&mut client, &train("m", ", seed => 2"));
    server.wait_for(&mut root);
    let new = price(&mut client, "m");
    assert_ne!(new, old);
    assert_eq!(price(&mut there, "m"), new);
    run(&mut client, "SELECT ml_deploy('m', 2)");
    server.wait_for(&mut root);
    assert_eq!(price(&mut there, "m"), old);

    run(&mut client, "SELECT ml_rename('m', 'n')");
    server.wait_for(&mut root);
    assert_eq!(
        refusal(&mut there, "SELECT ml_predict('m', 80, 3)"),
        "42704"
    );
    assert_eq!(price(&mut there, "n"), old);
    run(&mut client, "SELECT ml_revoke('n', 'reader')");
    server.wait_for(&mut root);
    assert_eq!(
        refusal(&mut there, "SELECT ml_predict('n', 80, 3)"),
        "42704"
    );
    run(&mut client, "SELECT ml_grant('n', 'public', 'predict')");
    server.wait_for(&mut root);
    assert_eq!(price(&mut there, "n"), old);
    run(&mut client, "SELECT ml_drop('n')");
    server.wait_for(&mut root);
    assert_eq!(
        refusal(&mut there, "SELECT ml_predict('n', 80, 3)"),
        "42704"
    );
    assert_eq!(price(&mut snapshot, "m"), old);
}

/// A thousand predictions, to the bit.
fn thousand(client: &mut Client, model: &str) -> Vec<u64> {
    let query =
        format!("SELECT ml_predict('{model}', h) FROM houses h WHERE id <= 1000 ORDER BY id");
    let rows = client.query(&query, &[]).expect("predicts");
    rows.iter()
        .map(|row| row.get::<_, f64>(0).to_bits())
        .collect()
}

#[test]
fn answers_as_the_primary_cycle_after_cycle_and_trains_when_it_is_promoted() {
    let (mut server, mut client) = primary();
    let standby = server.standby(&[]);
    let mut there = session(&standby);
    for cycle in 0..25 {
        run(
            &mut client,
            &train("m", &format!(", seed => {cycle}, keep_versions => 2")),
        );
        run(
            &mut client,
            &train(&format!("cycle{cycle}"), &format!(", seed => {cycle}")),
        );
        if cycle % 3 == 1 {
            run(&mut client, "SELECT ml_deploy('m', 'previous')");
        }
        if cycle % 2 == 1 {
            run(
                &mut client,
                &format!("SELECT ml_drop('cycle{}')", cycle - 1),
            );
        }
        run(
            &mut client,
            "VACUUM tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk, tablenet.stored_state",
        );
        server.wait_for(&mut there);
        let expected = thousand(&mut client, "m");
        assert_eq!(expected.len(), 1000);
        assert_eq!(thousand(&mut there, "m"), expected, "cycle {cycle}");
    }
    let expected = thousand(&mut client, "m");
    drop(client);
    server.stop();
    run(&mut there, "SELECT pg_promote()");
    assert_eq!(thousand(&mut there, "m"), expected, "in the same session");
    run(
        &mut there,
        "SELECT ml_partial_fit('m', 'SELECT * FROM houses', 1)",
    );
    assert_ne!(thousand(&mut there, "m"), expected);
    run(&mut there, &train("born_here", ""));
    run(&mut there, "SELECT ml_deploy('m', 'previous')");
    assert_eq!(thousand(&mut there, "m"), expected);
}

#[test]
fn a_recovery_conflict_cancels_the_statement_alone() {
    let (server, mut client) = primary();
    let standby = server.standby(&["max_standby_streaming_delay = '50ms'"]);
    let mut there = session(&standby);
    server.wait_for(&mut there);
    price(&mut there, "m");
    // PostgreSQL asks again every few milliseconds until the transaction has gone. Where it asks while the session already waits
    // for the next statement, that session ends (40001, too): then once more.
    let survived = (2..7).any(|seed| conflict(&standby, &mut client, &mut there, seed));
    assert!(survived, "no session goes on");
}

/// Cancels an endless statement of a new session of the standby by what `client` of the primary does; whether the session went on.
fn conflict(standby: &Server, client: &mut Client, there: &mut Client, seed: i32) -> bool {
    std::thread::scope(|scope| {
        let victim = scope.spawn(|| {
            let mut victim = session(standby);
            // A block would still be open after the error, and a second conflict would then end the session.
            run(&mut victim, "SET tablenet.cache_size = 0; SET default_transaction_isolation = 'repeatable read'");
            let endless = "SELECT sum(ml_predict('m', h)) FROM houses h CROSS JOIN generate_series(1, 100000)";
            let code = refusal(&mut victim, endless);
            (code, Instant::now(), victim)
        });
        let running = "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%CROSS JOIN gen%' AND pid <> pg_backend_pid()";
        server::sessions::until(there, running);
        run(
            client,
            &train("m", &format!(", seed => {seed}, keep_versions => 1")),
        );
        run(
            client,
            "VACUUM tablenet.stored_model, tablenet.stored_version, tablenet.stored_chunk",
        );
        let asked = Instant::now();
        let (code, ended, mut victim) = victim.join().expect("no panic");
        assert_eq!(code, "40001");
        let took = ended.saturating_duration_since(asked);
        assert!(took < Duration::from_secs(10), "{took:?}");
        match victim.execute("SELECT 1", &[]) {
            Ok(_) => assert_eq!(price(&mut victim, "m"), price(client, "m")),
            Err(error) => {
                let code = error.code().map(|code| code.code().to_owned());
                assert_eq!(code.as_deref(), Some("40001"), "{error}");
                return false;
            }
        }
        true
    })
}
